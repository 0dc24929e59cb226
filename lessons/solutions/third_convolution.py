"""A third convolutional layer, which does not fit without padding.  To lesson 3.0.2.

The exercise: a third convolutional layer of 5 x 5 filters does not fit behind the lesson's two:
why not?  Make it fit with padding.

The answer: each layer takes 4 rows away, 5 - 1, and pooling halves what is left: 28 -> 24 -> 12
-> 8 -> 4.  A filter of 5 x 5 has no place on a map of 4 x 4; (125) asks for a_(j+l, k+m) that is
not there.  Padding puts zeros around the map.  With 2 on every side a map keeps its size, 4 x 4
stays 4 x 4, and pooling makes it 2 x 2.

So it fits, but at no place does the whole filter lie on the map: of its 25 weights 9 to 16 meet
something, 49 % on average.  With padding in all three layers maps are 28, 14 and 7 wide before
pooling, and in the third layer it is 69 %; the convolutions then take 2.8 times as many
multiplications.

Is it worth it?  With the lesson's sigmoids less of the gradient reaches the first layer, a tenth
to a third of what it is with two layers: lessons 3.1.0 to 3.1.2 are about that.  With ReLU it is
0.4 to 1.5 times as large, so ReLU has been trained here.  The layer that just fits is worth
nothing that shows, its runs overlap with those of two layers; with padding in all three half a
point is gained, in every run.

    python -m lessons.solutions.third_convolution
"""

import textwrap

import numpy as np

from lessons.network_3_0_2_two_convolutions import MINI_BATCH_SIZE
from nndl import ConvPool, Dense, Network, ReLU, Sigmoid, Softmax, load_mnist
from nndl.comparing import compared
from nndl.lesson import percent, solution, spread
from nndl.schedules import falling

MAPS, KERNEL = (20, 40, 40), 5
PADDINGS = {"two layers": (0, 0), "three, the last padded": (0, 0, 2),
            "three, all padded": (2, 2, 2)}
TWO, LAST, ALL = PADDINGS
ETA, FALLS_TO = 0.03, 1 / 3  # for ReLU, chapter 6's


def build(paddings, activation=ReLU, init="he", seed=0):
    """The lesson's network with so many convolutional layers, each padded by so much."""
    return Network([
        *(ConvPool(maps, KERNEL, activation.name, padding=padding, init=init)
          for maps, padding in zip(MAPS, paddings)),
        Dense(100, init=init), activation(), Dense(10, init=init), Softmax()], seed=seed)


def on_the_map(side, padding=2):
    """How many of a filter's weights meet a map of side x side, at each place where it lies."""
    places = np.arange(side + 2 * padding - KERNEL + 1) - padding    # the filter's first row
    rows = np.minimum(places + KERNEL, side) - np.maximum(places, 0)
    return np.outer(rows, rows)


def first_gradient(net, data):
    """‖∂C/∂b‖ of the first layer, of the mean cost over data."""
    nabla_b, _ = net.backprop(*data)
    return float(np.linalg.norm(nabla_b[0])) / len(data.images)


def main(epochs=3, train_size=3000, runs=3, seed=0):
    """Fit it in two ways, and train with ReLU.  Returns sides, shares, gradients, accuracies."""
    try:
        build((0, 0, 0))
        refused = ""
    except ValueError as error:
        refused = str(error)
    print(textwrap.fill(f"Without padding: {refused}", 100))
    training, _, test = load_mnist()
    training, some = training[:train_size], training[:500]
    sides, shares, gradients, accuracies = {}, {}, {}, {}
    for name, paddings in PADDINGS.items():
        net = build(paddings)
        sides[name] = [shape[-1] for shape in net.shapes[:len(paddings)]]
        if len(paddings) == 3:
            met = on_the_map(sides[name][1])
            shares[name] = float(met.mean()) / KERNEL**2
            print(f"{name}: of {KERNEL**2} weights {met.min()} to {met.max()} meet the map in the "
                  f"third layer, {percent(shares[name], 0)} % on average")
        gradients[name] = {unit.name: [first_gradient(build(paddings, unit, init, seed + run), some)
                                       for run in range(runs)]
                           for unit, init in ((Sigmoid, "default"), (ReLU, "he"))}
        accuracies[name] = []
        for run in range(runs):
            net = build(paddings, seed=seed + run)
            net.SGD(training, epochs, MINI_BATCH_SIZE, falling(ETA, epochs, FALLS_TO),
                    progress=False)
            accuracies[name].append(net.accuracy(test))
        print(f"{name:<23} maps 28 -> {' -> '.join(map(str, sides[name]))}; {net.parameters:,} "
              f"parameters; test, ReLU {spread(accuracies[name])} %", flush=True)
    part = {unit: np.divide(gradients[LAST][unit], gradients[TWO][unit]) for unit in gradients[TWO]}
    print("Before training the last padded one's first gradient is, of that of two layers: "
          + ", ".join(f"{unit} {of_runs.min():.2f} to {of_runs.max():.2f}"
                      for unit, of_runs in part.items())
          + f"\nOn the test images {compared(accuracies, LAST, TWO)};\n    "
          f"{compared(accuracies, ALL, TWO)}.")
    return {"refused": refused, "sides": sides, "shares": shares, "accuracies": accuracies,
            "part": {unit: of_runs.tolist() for unit, of_runs in part.items()}}


if __name__ == "__main__":
    raise SystemExit(solution(main))
