"""Does the best rate of dropout depend on how many neurons there are?  To lesson 3.2.1.

The exercise: give the network 1,000 hidden neurons, or 50.  Does the best rate of dropout move?

The answer: yes, upwards with the number of neurons.  Of 0, 0.2, 0.5, 0.8 and 0.9 the validation
images choose 0.2 for 50 neurons and 0.8 for 1,000, and the runs bear it out: with 50 neurons 0.2
is ahead of 0.8 by three points in every run, with 1,000 behind it by one.  For 300, the lesson's,
0.5 and 0.8 do not part.

What one neuron says has a variance of p/(1 - p), as a part of its mean's square; of a sum of n
such neurons that is p/((1 - p) n).  So the noise that dropout makes is smaller where there are
more neurons, and it takes a higher rate to make as much.  At the rates that were chosen its root
is of one size for all, 0.06 to 0.12, though the largest network has 20 times the neurons of the
smallest.  Where it is larger than that, with 50 neurons and p = 0.9, only five speak at a time,
and the network cannot learn even what is true of all images.

Neighbouring rates are close: 0.5 is nowhere more than about half a point from the best.

    python -m lessons.solutions.best_rate_by_size
"""

from pathlib import Path

import numpy as np

from lessons.network_3_2_1_dropout_rates import ETA, MINI_BATCH_SIZE
from nndl import Dense, Dropout, Network, ReLU, Softmax, load_mnist, plots
from nndl.comparing import compared
from nndl.lesson import note, solution

SIZES = (50, 300, 1000)
RATES = (0.0, 0.2, 0.5, 0.8, 0.9)
LOW, HIGH = 0.2, 0.8    # of them, compared on the test images


def build(neurons, p_dropout, seed):
    """The lesson's network with so many hidden neurons."""
    return Network([Dense(neurons, init="he"), ReLU(), Dropout(p_dropout),
                    Dense(10, init="he"), Softmax()], seed=seed)


def noise(neurons, p_dropout):
    """Std of a sum of so many equal neurons, each dropped with p_dropout, as a part of its mean."""
    return (p_dropout / ((1 - p_dropout) * neurons)) ** 0.5


def main(epochs=30, train_size=500, runs=3, seed=0, out="pictures"):
    """Try each rate with each size.  Returns validation accuracies, test accuracies, best rates."""
    training, validation, test = load_mnist()
    training, watched = training[:train_size], validation[:5000]
    chosen, best, on_test, said = {}, {}, {}, []
    print(f"{epochs} epochs on {train_size:,} images, {runs} runs; the first 5,000 validation "
          "images right, %")
    for neurons in SIZES:
        nets, chosen[neurons] = {}, {}
        for p_dropout in RATES:
            nets[p_dropout] = [build(neurons, p_dropout, seed + run) for run in range(runs)]
            for net in nets[p_dropout]:
                net.SGD(training, epochs, MINI_BATCH_SIZE, ETA, progress=False)
            chosen[neurons][p_dropout] = [net.accuracy(watched) for net in nets[p_dropout]]
        best[neurons] = max(RATES, key=lambda p: np.mean(chosen[neurons][p]))
        print(f"    {neurons:>5,} neurons: " + "   ".join(
            f"p = {p:g} {100 * np.mean(values):.2f}" for p, values in chosen[neurons].items())
            + f"; best p = {best[neurons]:g}, noise {noise(neurons, best[neurons]):.3f}",
              flush=True)
        on_test[neurons] = {f"p = {p:g}": [net.accuracy(test) for net in nets[p]]
                            for p in (LOW, HIGH)}
        said.append(f"{neurons:,} neurons: {compared(on_test[neurons], *on_test[neurons])}")
    print("On the test images\n    " + ";\n    ".join(said) + ".")
    shown = {f"validation images right, percent, with {neurons:,} neurons": {
        f"{neurons:,}": (RATES, 100 * np.array(list(chosen[neurons].values())).T)}
        for neurons in SIZES}
    saved = plots.lines(
        shown, Path(out) / "solutions" / "best_rate_by_size.png",
        "The validation images choose " + ", ".join(
            f"p = {best[neurons]:g} for {neurons:,} neurons" for neurons in SIZES),
        x="p, the share of neurons that is silenced",
        note=note(runs, "each panel has its own scale"))
    print(f"saved: {saved}")
    return {"validation": chosen, "test": on_test, "best": best}


if __name__ == "__main__":
    raise SystemExit(solution(main))
