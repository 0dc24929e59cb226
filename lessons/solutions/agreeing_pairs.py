"""The two networks that agree least, or the two that agree most?  To lesson 3.3.3.

The exercise: of the lesson's five networks take the two that agree least, and the two that agree
most.  Which pair is better together?

The answer: agreement does not decide it.  In two of the three fives here the two that agree most
are better together, in one the two that agree least.  These gain more by being two, but they are
worse alone; and within their fives, what two are together follows what they are alone, with a
correlation of some 0.9, and hardly how much they agree.  (In fives that have learnt from 2,000
images, main(train_size=2000, images=4000), it is two and one the other way round.)

For the quadratic cost, (6), of the mean of two networks' outputs a and a' one can write down both:

    C together = (C + C')/2 - 1/(8n) Σ ‖a - a'‖²

since the mean of two squares is the square of the mean and that of half the difference (for many
networks Krogh and Vedelsby 1995).  So what they gain is their disagreement, nothing else, and it is
more for the two that agree least in each five.  But it is gained from the mean of their costs
alone, and the two are not independent: right answers always agree, so two networks can disagree on
an image only where one of them is wrong.  Those that disagree most are apt to be the worse ones.

    python -m lessons.solutions.agreeing_pairs
"""

from itertools import combinations
from pathlib import Path

import numpy as np

from lessons.network_3_3_3_ensemble import (
    DISTORTION,
    ETA,
    LMBDA_PER_IMAGE,
    MINI_BATCH_SIZE,
    MOMENTUM,
    build_network,
)
from nndl import load_mnist, plots
from nndl.data.distort import distorted
from nndl.lesson import counted, percent, solution
from nndl.schedules import falling

LEAST, MOST = "agree least", "agree most"


def outputs_of(networks, epochs, train_size, seed, *images):
    """Networks trained as in the lesson: their outputs for each of images, (networks, n, 10)."""
    training = load_mnist().training[:train_size]
    found = [[] for _ in images]
    for number in range(networks):
        net = build_network(seed=seed + number)
        net.SGD(distorted(training, **DISTORTION), epochs, MINI_BATCH_SIZE,
                falling(ETA, epochs, to=0.01), LMBDA_PER_IMAGE * train_size, momentum=MOMENTUM,
                progress=False)
        for mine, some in zip(found, images):
            mine.append(net.feedforward(some).astype(float))
    return [np.array(mine) for mine in found]


def measured(a, labels):
    """Of outputs a (n, 10) the fraction that is right, and the quadratic cost, (6)."""
    cost = np.square(a - np.eye(10)[labels]).sum() / (2 * len(labels))
    return np.array([(a.argmax(axis=1) == labels).mean(), cost])


def pair(one, other, labels):
    """What two networks' outputs (n, 10) are worth, alone, on average, and together."""
    (alone, cost), (together, less) = (
        (measured(one, labels) + measured(other, labels)) / 2, measured((one + other) / 2, labels))
    return {"alone": float(alone), "together": float(together), "cost gained": float(cost - less),
            "distance": float(np.square(one - other).sum() / (8 * len(labels)))}


def main(epochs=4, train_size=1500, networks=5, runs=3, images=3000, seed=0, out="pictures"):
    """In each of several fives both pairs, and all others.  Returns what was measured of each."""
    _, validation, test = load_mnist()
    validation, test = validation[:images], test[:images]
    chosen, every = {LEAST: [], MOST: []}, []
    print(f"{networks} networks, {counted(epochs, 'epoch')} on {train_size:,} images; two agree on "
          f"so many of\n{images:,} validation images and are right for so many of {images:,} test "
          f"images, %;\nand the quadratic cost that they gain\n"
          f"{'':<19}networks  agree  alone  together  gain")
    for run in range(runs):
        known, a = outputs_of(networks, epochs, train_size, seed + run * networks,
                              validation.images, test.images)
        said = known.argmax(axis=2)
        pairs = [pair(a[i], a[j], test.labels)
                 | {"networks": f"{i + 1} and {j + 1}", "agree": float((said[i] == said[j]).mean())}
                 for i, j in combinations(range(networks), 2)]
        pairs.sort(key=lambda each: each["agree"])
        every.append(pairs)
        for name, each in (LEAST, pairs[0]), (MOST, pairs[-1]):
            chosen[name].append(each)
            print(f"    {run + 1}, {name:<11} {each['networks']:<9} {percent(each['agree'])}  "
                  f"{percent(each['alone'])}     {percent(each['together'])}  "
                  f"{each['cost gained']:.4f}")
    # Each five's own mean is taken off: here pairs of the same five are compared.
    values = {what: np.concatenate([np.array([each[what] for each in pairs])
                                    - np.mean([each[what] for each in pairs]) for pairs in every])
              for what in ("agree", "alone", "together")}
    follows = {what: float(np.corrcoef(values[what], values["together"])[0, 1])
               for what in ("alone", "agree")}
    off = max(abs(each["cost gained"] - each["distance"]) for pairs in every for each in pairs)
    print(f"Over all pairs, within their fives, what two are together correlates at "
          f"{follows['alone']:.2f}\nwith what they are alone, at {follows['agree']:.2f} with how "
          f"much they agree.\nThe cost gained and 1/(8n) Σ ‖a - a'‖² differ by {off:.0e} at most.")
    gain = {name: 100 * np.mean([each["together"] - each["alone"] for each in of_runs])
            for name, of_runs in chosen.items()}
    whole = {name: 100 * np.mean([each["together"] for each in of_runs])
             for name, of_runs in chosen.items()}
    saved = plots.dots(
        {f"the two that {name}, {what}": [100 * each[what] for each in of_runs]
         for name, of_runs in chosen.items() for what in ("alone", "together")},
        Path(out) / "solutions" / "agreeing_pairs.png",
        f"By being two, those that agree least gain {gain[LEAST]:.1f} points, to "
        f"{whole[LEAST]:.1f} %, those that agree most {gain[MOST]:.1f}, to {whole[MOST]:.1f} %",
        "test images that are right, percent",
        note=f"each run: of {networks} networks; alone: the mean of the two")
    print(f"saved: {saved}")
    return {"chosen": chosen, "every": every, "follows": follows}


if __name__ == "__main__":
    raise SystemExit(solution(main))
