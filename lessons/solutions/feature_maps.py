"""Five feature maps, or forty: what do they cost, and what are they worth?  To lesson 3.0.0.

The exercise: give the first convolutional network 5 feature maps instead of 20, and 40.  What do
they cost, and what are they worth?

The answer: the cost is in proportion.  Eight times as many maps have eight times as many
parameters, most of them in the dense layer behind, and take eight times as many multiplications
for an image.

The worth is not.  With ReLU 20 maps read somewhat more than 5, some 0.8 points of the test
images; 40 against 20 the runs do not part.

With the lesson's sigmoids and its η more maps are even worse in a training as short as this: 20
are not ahead of 5, and 40 are behind 20 in every run.  The likely reason, not tested here: a step
changes a dense neuron's weights by -η δ a, BP4, and so its z by -η δ Σ a², a sum over 144 outputs
of every map, eight times as large with 40 maps as with 5.  To such a neuron that is eight times
η, and a sigmoid saturates.  So a larger network is not only more of the same: it wants an η of
its own.

    python -m lessons.solutions.feature_maps
"""

from pathlib import Path
from time import process_time

import numpy as np

from lessons.network_3_0_0_first_cnn import BOTH, ETA, FALLS_TO, MINI_BATCH_SIZE
from nndl import ConvPool, Dense, Network, ReLU, Sigmoid, Softmax, load_mnist, plots
from nndl.comparing import compared, gained
from nndl.lesson import solution, spread
from nndl.schedules import falling

FEW, SOME, MANY = MAPS = (5, 20, 40)
# ReLU's η is the better of 0.05 and 0.1 on validation images; the sigmoids' is the lesson's.
UNITS = {"ReLU": (ReLU, "he", 0.1), "sigmoid": (Sigmoid, "default", ETA[BOTH])}
CASES = {f"{unit}, {maps} maps": (unit, maps) for unit in UNITS for maps in MAPS}


def build(maps, unit, seed):
    """The lesson's network with so many feature maps, of sigmoids or of ReLU."""
    activation, init, _ = UNITS[unit]
    return Network([
        ConvPool(maps, 5, activation.name, init=init),    # (m, 1, 28, 28) -> (m, maps, 12, 12)
        Dense(100, init=init), activation(),              #                -> (m, 100)
        Dense(10, init=init), Softmax()], seed=seed)


def multiplications(net):
    """How many an image takes on its way forward: each weight as often as it is used."""
    conv, *dense = (layer for layer in net.layers if layer.parameters)
    return 24 * 24 * conv.w.size + sum(layer.w.size for layer in dense)


def main(epochs=5, train_size=3000, runs=3, seed=0, out="pictures"):
    """Train each.  Returns costs by number of maps, and Σ a² and test accuracies by name."""
    training, _, test = load_mnist()
    costs, accuracies, squares = {}, {}, {}
    print(f"{epochs} epochs on {train_size:,} images, {runs} runs\n"
          f"{'':<16} {'parameters':>10} {'multiplications':>15} {'seconds':>7} {'Σ a²':>6} "
          " test, %")
    for name, (unit, maps) in CASES.items():
        accuracies[name], seconds = [], 0.0
        for run in range(runs):
            net = build(maps, unit, seed + run)
            net.feedforward(training.images[:500])
            squares[name] = float(np.square(net.layers[2].a).sum(axis=1).mean())  # into dense 100
            began = process_time()
            net.SGD(training[:train_size], epochs, MINI_BATCH_SIZE,
                    falling(UNITS[unit][-1], epochs, FALLS_TO), progress=False)
            seconds += process_time() - began
            accuracies[name].append(net.accuracy(test))
        costs[maps] = net.parameters, multiplications(net)
        print(f"{name:<16} {costs[maps][0]:>10,} {costs[maps][1]:>15,} {seconds / runs:>7.1f} "
              f"{squares[name]:>6.0f}  {spread(accuracies[name])}", flush=True)
    times = np.divide(costs[MANY], costs[FEW])
    print(f"{MANY} maps have {times[0]:.1f} times the parameters of {FEW}, and {times[1]:.1f} "
          "times the multiplications.  On the test images")
    for unit in UNITS:
        for more, less in ((SOME, FEW), (MANY, SOME)):
            print(f"    {compared(accuracies, f'{unit}, {more} maps', f'{unit}, {less} maps')}")
    gain = {unit: gained(accuracies[f"{unit}, {FEW} maps"], accuracies[f"{unit}, {MANY} maps"])
            for unit in UNITS}
    saved = plots.dots(
        {f"{name}: {costs[CASES[name][1]][0]:,}": [100 * a for a in of_runs]
         for name, of_runs in accuracies.items()},
        Path(out) / "solutions" / "feature_maps.png",
        f"From {FEW} to {MANY} maps: " + ", ".join(
            f"{unit} {gain[unit]} points" for unit in UNITS),
        "test images that are right, percent",
        note="beside the networks: how many parameters they have")
    print(f"saved: {saved}")
    return {"costs": costs, "accuracies": accuracies, "squares": squares}


if __name__ == "__main__":
    raise SystemExit(solution(main))
