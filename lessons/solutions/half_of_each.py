"""Dropout and L2 together, each halved: what do the validation images say?  To lesson 3.2.3.

The exercise: with both, either can be weaker.  Halve p, halve λ: what do the validation images
say?

The answer: they want p as it was, 0.5; of λ they say nothing.  With p = 0.25 some 0.7 to 0.8
points fewer are right, whichever λ is with it, and in every run.  With λ = 0.5 the mean is a
little lower, but the runs overlap.

That is no wonder if one counts what λ does.  A step makes each weight (1 - ηλ/n) times as large,
(93), and an epoch has n/m steps; so all of training shrinks it to

    (1 - ηλ/n)^(epochs n/m) ≈ e^(-ηλ epochs/m)      of itself, here 0.93 with λ = 1, 0.96 with 0.5

whatever n is.  Weights that are a few percent smaller make nearly the same network: the training
is too short for L2 to show what it can, while dropout is at work from the first step on.  So here
they are no equal partners, of which each could take over half of the other's work.

    python -m lessons.solutions.half_of_each
"""

from math import exp
from pathlib import Path

import numpy as np

from lessons.network_3_2_3_dropout_and_l2 import (
    ETA,
    LMBDA,
    MINI_BATCH_SIZE,
    P_DROPOUT,
    build_network,
)
from nndl import load_mnist, plots
from nndl.comparing import compared
from nndl.lesson import solution, spread

CASES = {f"p = {p:g}, λ = {lmbda:g}": (p, lmbda)
         for p in (P_DROPOUT, P_DROPOUT / 2) for lmbda in (LMBDA, LMBDA / 2)}
BOTH, HALF_LMBDA, HALF_P, HALVES = CASES


def size(net):
    """The root of the mean square of all weights."""
    weights = np.concatenate([layer.w.ravel() for layer in net.layers if layer.parameters])
    return float(np.sqrt(np.square(weights).mean()))


def main(epochs=25, train_size=500, runs=3, seed=0, out="pictures"):
    """Train all four.  Returns validation accuracies and sizes of weights, by name."""
    training, validation, _ = load_mnist()
    accuracies, sizes = {}, {}
    print(f"{epochs} epochs on {train_size:,} images, {runs} runs")
    for name, (p_dropout, lmbda) in CASES.items():
        accuracies[name], sizes[name] = [], []
        for run in range(runs):
            net = build_network(p_dropout, seed=seed + run)
            net.SGD(training[:train_size], epochs, MINI_BATCH_SIZE, ETA, lmbda, progress=False)
            accuracies[name].append(net.accuracy(validation))
            sizes[name].append(size(net))
        shrunk = exp(-ETA * lmbda * epochs / MINI_BATCH_SIZE)
        print(f"    {name:<17} validation images right {spread(accuracies[name])} %; rms of all "
              f"weights {np.mean(sizes[name]):.4f}; λ alone makes them {shrunk:.2f} times "
              "as large", flush=True)
    best = max(CASES, key=lambda name: np.mean(accuracies[name]))
    said = [compared(accuracies, *pair) for pair in ((BOTH, HALF_P), (HALF_LMBDA, HALVES),
                                                     (BOTH, HALF_LMBDA), (HALF_P, HALVES))]
    print(f"The validation images choose {best}:\n    " + ";\n    ".join(said) + ".")
    saved = plots.dots({name: [100 * a for a in accuracies[name]] for name in CASES},
                       Path(out) / "solutions" / "half_of_each.png",
                       said[0],
                       "validation images that are right, percent")
    print(f"saved: {saved}")
    return {"accuracies": accuracies, "sizes": sizes, "best": best}


if __name__ == "__main__":
    raise SystemExit(solution(main))
