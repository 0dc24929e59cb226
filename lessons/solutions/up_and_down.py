"""Digits moved up and down instead of sideways: is it the same?  To lesson 4.4.

The exercise: move the digits up and down instead of sideways.  Is it the same, and if not, what is
different about digits?

The answer: to the networks rows and columns are alike; whatever differs, the digits bring it.  All
together they bear a move up or down somewhat less well.  That hides two things of opposite sign.

A stroke that is moved along itself lies mostly where it lay before; moved across, its ink is all
somewhere else.  A 1 is one upright stroke: moved up or down by three pixels most are still read,
moved sideways next to none.  In general the more of a digit stays covered one way rather than the
other, the better it bears that way, rather than the other: over the ten digits the two go together.

But the other nine bear a move up or down worse, though not less of them stays covered.  What tells
digits apart is more in which rows their ink is than in which columns: keep of each image only how
much ink there is in each row, and the nearest class mean is right for some 60 %; in each column,
for some 40 %.  Moved up or down, a digit loses more of what it is told by.

    python -m lessons.solutions.up_and_down
"""

from pathlib import Path

import numpy as np

from lessons.network_4_4_translation import ETA, LMBDA, MINI_BATCH_SIZE, MOVED, build_network
from nndl import load_mnist, plots
from nndl.comparing import compared
from nndl.data.expand import shifted
from nndl.lesson import percent, solution

NAMES, PIXELS, AT = ("dense", "convolutional"), range(6), 3
WAYS = {"up and down": (1, 0), "sideways": (0, 1)}


def both(way, pixels, images):
    """The images moved by so many pixels, one way and the other."""
    down, right = (pixels * step for step in WAYS[way])
    return shifted(images, down, right), shifted(images, -down, -right)


def covered(way, images):
    """How much of itself each image covers when it is moved, (n,): x'·x / x·x."""
    x = images / 256
    return np.mean([(x * moved / 256).sum(axis=(1, 2)) / (x * x).sum(axis=(1, 2))
                    for moved in both(way, AT, images)], axis=0)


def told_by(axis, training, test):
    """The share of test digits told by their ink in each row or column alone, by class means."""
    ink, others = (data.images.sum(axis=axis, dtype=float) for data in (training, test))
    means = np.array([ink[training.labels == digit].mean(axis=0) for digit in range(10)])
    apart = np.square(others[:, None] - means).sum(axis=2)
    return float(np.mean(apart.argmin(axis=1) == test.labels))


def main(epochs=4, train_size=5000, runs=3, seed=0, out="pictures"):
    """Returns what is right by network and way, of each digit, what stays covered, and told_by."""
    training, _, test = load_mnist()
    training, (images, labels) = training[:train_size], test[:MOVED]
    right = {(name, way): [] for name in NAMES for way in WAYS}  # (runs, pixels, images)
    for name in NAMES:
        for run in range(runs):
            net = build_network(name, seed=seed + run)
            net.SGD(training, epochs, MINI_BATCH_SIZE, ETA, LMBDA, progress=False)
            for way in WAYS:
                right[name, way].append(
                    [np.mean([net.predict(moved) == labels for moved in both(way, pixels, images)],
                             axis=0) for pixels in PIXELS])
    right = {key: np.array(those) for key, those in right.items()}
    shares = {("covered", way): covered(way, images) for way in WAYS} | {
        key: those[:, AT].mean(axis=0) for key, those in right.items()}
    digits = {key: [float(share[labels == digit].mean()) for digit in range(10)]
              for key, share in shares.items()}
    others = {key: float(share[labels != 1].mean()) for key, share in shares.items()}

    print(f"{len(labels):,} test images moved by {AT} pixels, up and down | sideways, %\n"
          "    digit      stays covered    right, dense     right, convolutional")
    for name, of in (*((d, {key: those[d] for key, those in digits.items()}) for d in range(10)),
                     ("not 1", others)):
        print(f"    {name!s:<7}" + "".join(
            f"{percent(of[what, 'up and down'], 0):>9} | {percent(of[what, 'sideways'], 0):>3}  "
            for what in ("covered", *NAMES)).rstrip())
    gain = {what: np.subtract(*(digits[what, way] for way in WAYS)) for what in ("covered", *NAMES)}
    together = {name: float(np.corrcoef(gain["covered"], gain[name])[0, 1]) for name in NAMES}
    accuracies = {name: {way: right[name, way][:, AT].mean(axis=1).tolist() for way in WAYS}
                  for name in NAMES}
    for name in NAMES:
        print(f"{name}: {compared(accuracies[name], *WAYS)}.\n    Correlation over the digits, of "
              f"what up and down gains in cover and in digits right: {together[name]:.2f}")
    told = {"rows": told_by(2, training, test), "columns": told_by(1, training, test)}
    print(f"Told by the ink in each row alone: {percent(told['rows'], 0)} % of the test images; in "
          f"each column: {percent(told['columns'], 0)} %")

    ones, net = labels == 1, NAMES[1]
    up, side = (f"{percent(digits[net, way][1], 0)} % of the 1s and {percent(others[net, way], 0)} "
                "% of the others" for way in WAYS)
    saved = plots.lines(
        {f"{name}: right, percent": {
            f"{who}, {way}": (PIXELS, 100 * right[name, way][:, :, those].mean(axis=2))
            for who, those in (("1s", ones), ("others", ~ones)) for way in WAYS} for name in NAMES},
        Path(out) / "solutions" / "up_and_down.png",
        f"Moved up or down by {AT} pixels {up} are still read by the {net} network; sideways "
        f"{side}",
        x="pixels, the mean of either way", note=f"the mean of {runs} runs, and their span")
    print(f"saved: {saved}")
    return {"accuracies": accuracies, "digits": digits, "others": others, "together": together,
            "told": told}


if __name__ == "__main__":
    raise SystemExit(solution(main))
