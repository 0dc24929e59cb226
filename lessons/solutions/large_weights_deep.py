"""Five layers of sigmoids with large weights: which gradients grow?  To lesson 3.1.2.

The exercise: give the five sigmoid layers init="large": weights from N(0, 1), not N(0, 1/n_in).
Which layers' gradients grow, and does the network learn?

The answer: those of the first four, and the further from the output the more: in layer 1 some
fifteen to twenty-five times, in layer 4 by little; in layer 5 it falls by half.  What comes back
from layer to layer is multiplied by w σ'(z), (122), (124).  Large weights make z large, so that
many neurons are saturated and the mean slope falls from some 0.2 to 0.1; but w has become √30
times as large, and of the two that counts for more.  Layer 5 only has the loss: the weights
behind it are the output layer's, and they have stayed what they were.  The gradient still shrinks
on its way back, to half a layer instead of to a fifth.

And the network learns: after the first epoch it is right for almost half of the images, where the
other is still guessing, and after twenty for some 87 %, when of the other's three runs one is at
61 % and one guesses still.  Chapter 3 says that large weights saturate neurons and make them
slow.  So they do in the first layer here, whose mean slope is 0.04; but what holds up five layers
of sigmoids is another thing, that the product of w and σ' is small, and there large weights help.

    python -m lessons.solutions.large_weights_deep
"""

from pathlib import Path

import numpy as np

from lessons.network_3_1_2_vanishing_gradients import (
    DEPTH,
    ETA,
    LOOKED_AT,
    MINI_BATCH_SIZE,
    NEURONS,
    gradient_norms,
)
from nndl import Dense, Network, Sigmoid, Softmax, load_mnist, plots
from nndl.comparing import compared
from nndl.lesson import note, solution, spread

INITS = ("default", "large")


def build(init, seed):
    """The lesson's sigmoid network, its hidden layers with this initialiser."""
    hidden = [layer for _ in range(DEPTH) for layer in (Dense(NEURONS, init=init), Sigmoid())]
    return Network([*hidden, Dense(10), Softmax()], seed=seed)


def main(epochs=20, train_size=5000, runs=3, seed=0, out="pictures"):
    """Both initialisers.  Returns gradients, slopes, and accuracies, by initialiser."""
    training, validation, test = load_mnist()
    training, watched = training[:train_size], validation[:2000]
    some = training[:LOOKED_AT]
    norms, slopes, first, accuracies = ({init: [] for init in INITS} for _ in range(4))
    for init in INITS:
        for run in range(runs):
            net = build(init, seed + run)
            norms[init].append(gradient_norms(net, some))
            slopes[init].append([float((layer.a * (1 - layer.a)).mean())  # σ' = σ(1 - σ)
                                 for layer in net.layers if layer.name == "sigmoid"])
            history = net.SGD(training, epochs, MINI_BATCH_SIZE, ETA["sigmoid"], progress=False,
                              evaluation_data=watched, monitor_evaluation_accuracy=True)
            first[init].append(history.evaluation_accuracy[0])
            accuracies[init].append(net.accuracy(test))

    grown = np.divide(norms["large"], norms["default"])  # (runs, layers): the same seeds
    back = {init: np.mean([(n[0] / n[-1]) ** (1 / (DEPTH - 1)) for n in norms[init]])
            for init in INITS}
    print(f"Before training, mean of {runs} runs; layers 1 to {DEPTH}")
    for init in INITS:
        print(f"    {init:<8} ‖∂C/∂b‖ {'  '.join(f'{n:.1e}' for n in np.mean(norms[init], axis=0))}"
              f"   mean slope {'  '.join(f'{s:.2f}' for s in np.mean(slopes[init], axis=0))}   "
              f"a layer back: times {back[init]:.2f}")
    print("    large / default  " + "  ".join(f"{low:.1f} to {high:.1f}" for low, high in
                                             zip(grown.min(axis=0), grown.max(axis=0))))
    print(f"η = {ETA['sigmoid']:g}, {train_size:,} images; validation images right after 1 epoch, "
          f"test images after {epochs}")
    for init in INITS:
        print(f"    {init:<8} {spread(first[init])} %   {spread(accuracies[init])} %")
    print(f"On the test images {compared(accuracies, 'large', 'default')}.")
    times = grown.mean(axis=0)
    saved = plots.lines(
        {"‖∂C/∂b‖ before training, logarithmic": norms},
        Path(out) / "solutions" / "large_weights_deep.png",
        f"With large weights layer 1 has {times[0]:.0f} times the gradient, layer {DEPTH} "
        f"{times[-1]:.1f} times", x="hidden layer, from the input",
        log=("‖∂C/∂b‖ before training, logarithmic",), note=note(runs))
    print(f"saved: {saved}")
    return {"norms": norms, "slopes": slopes, "grown": grown.tolist(), "first": first,
            "accuracies": accuracies}


if __name__ == "__main__":
    raise SystemExit(solution(main))
