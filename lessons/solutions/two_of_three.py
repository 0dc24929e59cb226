"""Two layers of 3 x 3 filters or one of 5 x 5: which learns better, with how much?  To lesson 4.5.

The exercise: two layers of 3 x 3 filters without a pool between them look at 5 x 5 pixels, as one
of 5 x 5 does.  Which learns better, and which has fewer parameters?

The answer: from c maps to f maps, with k between them, there are

    one layer of 5 x 5         f (25c + 1)
    two layers of 3 x 3        k (9c + 1) + f (9k + 1)

With c = k = f that is about 25 to 18, and so two small layers are often called the cheaper ones.
On an image it is not so: c is 1 there, and the second layer looks at k maps, the layer of 5 x 5 at
one.  With 20 maps each, two layers have seven times as many parameters.  They have fewer with two
maps between.

With the lesson's η the two layers with 20 maps between come out ahead.  But that η was chosen for
neither network.  Where validation images choose, both take a larger one, 5 x 5 the larger; both
gain more by it than they had differed, and their runs overlap.  What looked like the better network
had been the faster one, and for that there is a reason: a filter of two layers is a product, and a
step in both factors moves it more.  With only two maps between, the two layers are not ahead at the
lesson's η, and behind at the best.

η falls to a tenth during training and the weights are He's, with biases of 0, to leave as little as
possible to chance: with biases from N(0, 1) some neurons are off for all images, the lesson shows.

    python -m lessons.solutions.two_of_three
"""

from pathlib import Path

import numpy as np

from lessons.network_4_5_activations_and_filters import ETA, LMBDA, MINI_BATCH_SIZE
from nndl import Conv, ConvPool, Dense, Network, ReLU, Softmax, load_mnist, plots
from nndl.comparing import compared, counted
from nndl.lesson import solution, spread

MAPS, FEW, ETAS = 20, 2, (ETA, 4 * ETA, 6 * ETA)
BETWEEN = {"one of 5 x 5": None, "two of 3 x 3": MAPS, f"two of 3 x 3, {FEW} maps between": FEW}
ONE, TWO, TWO_WITH_FEW = BETWEEN


def parameters(c, f, between):
    """Of the layers from c maps to f: one of 5 x 5, or two of 3 x 3 with so many maps between."""
    return f * (25 * c + 1) if between is None else between * (9 * c + 1) + f * (9 * between + 1)


def build_network(name, seed):
    """28 x 28 -> 24 x 24 by one layer or two, pooled to 12 x 12; then the lesson's dense layers."""
    between = BETWEEN[name]
    convolutions = [ConvPool(MAPS, 5, init="he")] if between is None else [
        Conv(between, 3, init="he"), ReLU(), ConvPool(MAPS, 3, init="he")]
    return Network([*convolutions, Dense(100, init="he"), ReLU(), Dense(10, init="he"), Softmax()],
                   seed=seed)


def main(epochs=3, train_size=2000, runs=3, seed=0, out="pictures"):
    """Returns parameters, the best η, and test accuracies with the lesson's η and with the best."""
    training, validation, test = load_mnist()
    for c in 1, MAPS:
        print(f"Parameters from {counted(c, 'map')} to {MAPS}: " + "; ".join(
            f"{name} {parameters(c, MAPS, between):,}" for name, between in BETWEEN.items()))
    print(f"{epochs} epochs on {train_size:,} images, η falls to a tenth; right of validation, %")
    best, rows = {}, {}
    tests = {which: {} for which in ("with the lesson's η", "each with its best η")}
    for name in BETWEEN:
        nets = {eta: [build_network(name, seed + run) for run in range(runs)] for eta in ETAS}
        found = {}
        for eta, those in nets.items():
            for net in those:
                net.SGD(training[:train_size], epochs, MINI_BATCH_SIZE,
                        lambda epoch, eta=eta: eta * 0.1 ** (epoch / epochs), LMBDA, progress=False)
            found[eta] = [net.accuracy(validation[:2000]) for net in those]
            print(f"    {name:<30} η = {eta:<5g} {spread(found[eta])}")
        best[name] = max(ETAS, key=lambda eta: np.mean(found[eta]))
        for which, eta in zip(tests, (ETA, best[name])):
            tests[which][name] = [net.accuracy(test) for net in nets[eta]]
            rows[f"{name}, η = {eta:g}"] = [100 * accuracy for accuracy in tests[which][name]]
    said = {which: [compared(of, name, ONE) for name in (TWO, TWO_WITH_FEW)]
            for which, of in tests.items()}
    for which, of in tests.items():
        print(f"Test, {which}: " + "; ".join(f"{name} {spread(of[name])}" for name in BETWEEN)
              + " %.\n    " + ".\n    ".join(said[which]) + ".")
    title = "; ".join(f"{which} {first}" for which, (first, _) in said.items())
    saved = plots.dots(
        rows, Path(out) / "solutions" / "two_of_three.png", title[0].upper() + title[1:],
        "test images that are right, percent", note=f"{epochs} epochs on {train_size:,} images")
    print(f"saved: {saved}")
    return {"parameters": {name: parameters(1, MAPS, between) for name, between in BETWEEN.items()},
            "best": best, "tests": tests}


if __name__ == "__main__":
    raise SystemExit(solution(main))
