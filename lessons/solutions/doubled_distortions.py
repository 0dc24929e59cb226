"""All distortions doubled: when does a digit stop being itself?  To lesson 3.3.2.

The exercise: double all the lesson's distortions.  When does a digit stop being itself?

The answer: there is no one strength; most are lost between twice and four times the lesson's.
Networks that have learnt from 1,000 digits read some 90 % of those distorted as in the lesson,
about three quarters of the doubly distorted ones, half at three times and a third at four times.
The figure shows what they are to read: to our eyes nearly all are what they were at twice, about
half of them at four times.

It is the bending that does it.  Of four times as much of one of the others alone, turning,
stretching, slanting or moving, the networks still read some 80 to 90 %, of bending less than half:
the others leave a digit its strokes and how they join.  Bent, pixels move by smoothed noise, and
where that changes by more than a pixel from one pixel to the next the image folds over: strokes
meet, break off, or come twice.  At twice that hardly happens anywhere, at four times at one place
in twenty.  And some have become others before: a bent 4 is a 9, and its label still says 4.

So doubling is no gain for training.  Networks that have learnt from doubly distorted digits read
digits as they are worse by some three points, and even doubly distorted ones no better than those
that have learnt from the lesson's: the runs overlap.  They had as many epochs for more variety,
part of which nobody writes.

    python -m lessons.solutions.doubled_distortions
"""

from pathlib import Path
from statistics import mean

import numpy as np

from lessons.network_3_3_2_everything import (
    DISTORTION,
    ETA,
    LMBDA_PER_IMAGE,
    MINI_BATCH_SIZE,
    MOMENTUM,
    build_network,
)
from nndl import load_mnist, plots
from nndl.comparing import compared
from nndl.data.distort import distorted, sources
from nndl.lesson import counted, percent, solution
from nndl.schedules import falling

STRENGTHS, ALONE = (0, 1, 2, 3, 4, 6), 4
TRAINED = {"as they are": 0, "distorted": 1, "doubly distorted": 2}


def times(k, only=tuple(DISTORTION)):
    """The lesson's distortions k times as strong, those not in `only` 0; sigma, a width, stays."""
    return {name: value if name == "sigma" else k * value * (name in only)
            for name, value in DISTORTION.items()}


def folded(k, rng, images=200, side=28):
    """The share of places where the image folds over: where the determinant is not above 0."""
    where = sources(images, side, side, rng, **times(k))
    (rows_down, rows_right), (columns_down, columns_right) = (
        np.gradient(one, axis=(1, 2)) for one in where)
    return float((rows_down * columns_right - rows_right * columns_down <= 0).mean())


def main(epochs=10, train_size=1000, runs=3, images=1000, seed=0, out="pictures"):
    """Train with none, the lesson's, twice these; read at all strengths.  Returns accuracies."""
    training, _, test = load_mnist()
    few, some, labels = training[:train_size], test[:images], test.labels[:images]
    numbers, rng = np.arange(images), np.random.default_rng(seed)

    def at(k, **only):  # each time the same random numbers
        return distorted(some, **times(k, **only)).images.make(numbers, np.random.default_rng(seed))

    shown = {k: at(k) for k in STRENGTHS} | {
        name: at(ALONE, only=(name,)) for name in DISTORTION if name != "sigma"}
    read, taken_for = {name: {what: [] for what in shown} for name in TRAINED}, []
    for name, k in TRAINED.items():
        for run in range(runs):
            net = build_network(seed=seed + run)
            net.SGD(distorted(few, **times(k)) if k else few, epochs, MINI_BATCH_SIZE,
                    falling(ETA, epochs, to=0.01), LMBDA_PER_IMAGE * train_size,
                    momentum=MOMENTUM, progress=False)
            said = {what: net.predict(distorted_images) for what, distorted_images in shown.items()
                    if what in STRENGTHS or k == 1}
            for what, predictions in said.items():
                read[name][what].append(float((predictions == labels).mean()))
            if k == 1:
                taken_for += [(int(y), int(a)) for y, a in zip(labels, said[2]) if y != a]
    folds = {k: folded(k, rng) for k in STRENGTHS}
    lesson = {what: mean(accuracies) for what, accuracies in read["distorted"].items()}
    print(f"{counted(epochs, 'epoch')} on {train_size:,} images, {counted(runs, 'run')}; right, % "
          f"of {images:,} test images\n{'distorted':<28}" + "".join(f"{k:>5} x" for k in STRENGTHS))
    for name in TRAINED:
        means = (f"{percent(mean(read[name][k]), 1):>7}" for k in STRENGTHS)
        print(f"    learnt {name:<17}{''.join(means)}")
    print(f"    {'places folded over, %':<24}"
          + "".join(f"{percent(fold, 1):>7}" for fold in folds.values()))
    print(f"Learnt distorted, and distorted in one way alone, {ALONE} times: " + ", ".join(
        f"{what} {percent(lesson[what], 1)}" for what in shown if what not in STRENGTHS))
    pairs, often = np.unique(taken_for, axis=0, return_counts=True)
    y, a = map(int, pairs[often.argmax()])
    print(f"At twice it is most often a {y} that is taken for a {a}.")
    for k, what in (0, "digits as they are"), (2, "doubly distorted digits"):
        said = compared({name: each[k] for name, each in read.items()}, *list(TRAINED)[1:])
        print(f"Reading {what}, {said}.")
    first = [int((labels == digit).argmax()) for digit in range(10)]
    saved = plots.rows_of_images(
        [(f"{k} {'time' if k == 1 else 'times'}: {percent(lesson[k], 0)} % right", shown[k][first])
         for k in STRENGTHS], Path(out) / "solutions" / "doubled_distortions.png",
        f"Of doubly distorted digits {percent(lesson[2], 0)} % are read, of those distorted four "
        f"times as much {percent(lesson[4], 0)} %",
        [f"right: of {images:,} test images, by networks that have learnt from {train_size:,}",
         "images distorted as in the lesson, 1 time; from row to row the same distortions grow"])
    print(f"saved: {saved}")
    return {"read": read, "folded": folds, "taken_for": (y, a)}


if __name__ == "__main__":
    raise SystemExit(solution(main))
