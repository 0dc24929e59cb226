"""Is there a filter that is not missed?  To lesson 4.1.

The exercise: train the lesson's network, set one of the 20 filters of its first layer to zero, its
bias too, and measure the accuracy; do it for each of them.

The answer: yes, half of them or more, in each of three networks, and for two reasons.

A few are off: their map is 0 nearly everywhere, whatever the image.  All of these began with a
bias below -0.5; biases begin as N(0, 1), and hardly a patch of ink lifts z above 0 then.  So ReLU,
(112), hands no gradient back, BP2, and the bias has stayed where it was: these were dead before
training began.  Without them not one answer is another.

More are on, and in part busily, but not missed: some right answers go wrong without such a filter,
about as many wrong ones come right.  What it finds the other filters find, too, or something as
good.  The one that is missed most costs 1 to 5 of 100 answers.

Not missed, each by itself: that does not mean that all of them can go.  Without all at once two of
the three networks lose some 5 and 11 points of the test images, as then none is there to stand in
for another; the third loses nothing.  And 2,000 images do not show what a few answers are worth.

    python -m lessons.solutions.missed_filters
"""

from pathlib import Path

import numpy as np

from lessons import network_4_1_filters_and_maps as lesson
from lessons.network_4_1_filters_and_maps import ETA, LMBDA, MINI_BATCH_SIZE, build_network
from nndl import load_mnist, plots
from nndl.lesson import percent, solution

LOOKED_AT = 200  # images, to see how often a filter is on
OFF, SPARE, MISSED = KINDS = "off", "not missed", "missed"


def without_each(net, data):
    """For each filter how many answers go wrong, and right, if it is set to zero: (20,) each.

    The network is afterwards as it was.
    """
    layer, images, labels = net.layers[0], *data
    before = net.predict(images) == labels
    spoilt, mended = [], []
    for j in range(len(layer.w)):
        kept = layer.w[j].copy(), layer.b[j]
        layer.w[j], layer.b[j] = 0, 0
        after = net.predict(images) == labels
        layer.w[j], layer.b[j] = kept
        spoilt.append(int((before & ~after).sum()))
        mended.append(int((~before & after).sum()))
    return np.array(spoilt), np.array(mended)


def kind(spoilt, mended, on):
    """OFF, if its map is above 0 at a smaller share of places than lesson.OFF; SPARE; or MISSED.

    Missed is a filter that costs more right answers than a coin would, tossed for each answer that
    changes, by two standard deviations.
    """
    if on < lesson.OFF:
        return OFF
    return MISSED if spoilt - mended > 2 * np.sqrt(spoilt + mended) else SPARE


def one_after_the_other(net, data, order):
    """The accuracy while more and more filters of a copy are set to zero, in this order."""
    net, accuracies = net.copy(), [net.accuracy(data)]
    for j in order:
        net.layers[0].w[j], net.layers[0].b[j] = 0, 0
        accuracies.append(net.accuracy(data))
    return accuracies


def main(epochs=4, train_size=5000, runs=3, images=2000, seed=0, out="pictures"):
    """Without each filter, and without more and more.  Returns what is lost, kinds, accuracies."""
    training, validation, test = load_mnist()
    lost, kinds, fewer, off_began = {}, {}, {}, []
    for run in range(runs):
        net, name = build_network(seed=seed + run), f"network {run + 1}"
        began = net.layers[0].b.copy()
        net.SGD(training[:train_size], epochs, MINI_BATCH_SIZE, ETA, LMBDA, progress=False)
        on = lesson.on(lesson.layer_by_layer(net, validation.images[:LOOKED_AT]))
        spoilt, mended = without_each(net, validation[:images])
        kinds[name] = [kind(*each) for each in zip(spoilt, mended, on)]
        off_began += [float(b) for b, one in zip(began, kinds[name]) if one == OFF]
        order = np.lexsort((spoilt - mended, [KINDS.index(one) for one in kinds[name]]))
        lost[name] = (spoilt - mended)[order]
        fewer[name] = one_after_the_other(net, test[:images], order)
        print(f"{name}, of {images:,} validation images:\n"
              "    filter  b at first   now  on, %  lost = spoilt - mended")
        for j in order[::-1]:
            print(f"    {j:>6} {began[j]:>11.2f} {net.layers[0].b[j]:>5.2f} "
                  f"{percent(on[j], 1):>6} {spoilt[j] - mended[j]:>5} = {spoilt[j]:>3} - "
                  f"{mended[j]:<3} {kinds[name][j]}")
    counts = {one: [each.count(one) for each in kinds.values()] for one in KINDS}
    spare = [a + b for a, b in zip(counts[OFF], counts[SPARE])]
    without = [each[n] for n, each in zip(spare, fewer.values())]
    print("Of 20 filters "
          + "; ".join(f"{', '.join(map(str, each))} {one}" for one, each in counts.items()))
    print(f"Of {images:,} test images right, %, without all that are off or not missed: "
          + ", ".join(f"{percent(left)} (before {percent(each[0])})"
                      for left, each in zip(without, fewer.values())))
    costs = [100 * (each[0] - left) for left, each in zip(without, fewer.values())]
    losses = "percentage points lost without this one alone"
    rest = "test images right without the first so many, percent"
    saved = plots.lines(
        {losses: {name: 100 * each / images for name, each in lost.items()},
         rest: {name: (np.arange(21), 100 * np.array(each)) for name, each in fewer.items()}},
        Path(out) / "solutions" / "missed_filters.png",
        f"{min(spare)} to {max(spare)} of 20 filters are not missed, each by itself; all of these "
        f"together cost {min(costs):.1f} to {max(costs):.1f} points",
        x="filter, in the order off, not missed, missed")
    print(f"saved: {saved}")
    return {"lost": lost, "kinds": kinds, "fewer": fewer, "costs": costs,
            "off_began": off_began}


if __name__ == "__main__":
    raise SystemExit(solution(main))
