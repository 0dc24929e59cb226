"""All images' pixels shuffled in the same way: which network minds?  To lesson 3.0.1.

The exercise: shuffle the pixels of all images, of training and of test, in the same way.  Which
of the two networks minds, the dense or the convolutional one?

The answer: the convolutional one.  To a dense layer pixels have no order: z_j = Σ_k w_jk a_k,
(25), is the same sum whichever term comes first.  Its weights are drawn independently, so that
shuffled weights are as likely as any.  Shuffle them along with the pixels, and the whole training
is the same, step by step: the outputs differ by rounding only.  With weights drawn as ever the
runs overlap.

A filter has the same 25 weights for each of 576 windows, (125), which is of use where a window
holds neighbours, and where what is here in one image may be there in another.  Neither is left: a
window holds 25 pixels from anywhere, and pooling mixes places that have nothing to do with each
other.  It loses some six points.  That it still reads most images is possible since the dense
layer behind weighs each place of the maps for itself.  So a convolutional network knows something
beforehand, that images are images, and pays for it where that is not so.  (On so few images, and
in six epochs, it is not ahead of the dense one even with the pixels in order; on twice as many,
lesson 3.0.1, it is.)

    python -m lessons.solutions.shuffled_pixels
"""

from pathlib import Path

import numpy as np

from lessons.network_3_0_1_dense_baseline import (
    DENSE,
    ETA,
    FALLS_TO,
    MINI_BATCH_SIZE,
    SAME,
    build_network,
)
from nndl import load_mnist, plots
from nndl.comparing import compared
from nndl.lesson import percent, solution, spread
from nndl.schedules import falling


def shuffled(data, order):
    """The same images, their pixels in this order."""
    images, labels = data
    return images.reshape(len(images), -1)[:, order].reshape(images.shape), labels


def train(net, name, training, epochs):
    """As the lesson trains it.  Returns the network."""
    net.SGD(training, epochs, MINI_BATCH_SIZE, falling(ETA[name], epochs, FALLS_TO), progress=False)
    return net


def main(epochs=6, train_size=5000, runs=3, seed=0, out="pictures"):
    """Train both on both.  Returns test accuracies by name, and the difference by rounding."""
    training, _, test = load_mnist()
    training = training[:train_size]
    order = np.random.default_rng(seed).permutation(28 * 28)
    data = {"as they are": (training, test),
            "shuffled": (shuffled(training, order), shuffled(test, order))}
    accuracies = {}
    print(f"{epochs} epochs on {train_size:,} images, {runs} runs; test images right, %")
    for name in DENSE, SAME:
        for kind, (learnt, judged) in data.items():
            nets = [train(build_network(name, seed=seed + run), name, learnt, epochs)
                    for run in range(runs)]
            accuracies[f"{name}, {kind}"] = [net.accuracy(judged) for net in nets]
            print(f"    {name}, {kind:<12} {spread(accuracies[f'{name}, {kind}'])}", flush=True)
    change = {}
    for name in DENSE, SAME:
        as_they_are, otherwise = (f"{name}, {kind}" for kind in data)
        change[name] = float(np.mean(accuracies[otherwise]) - np.mean(accuracies[as_they_are]))
        print(f"{name}: {percent(change[name])} points; "
              f"{compared(accuracies, as_they_are, otherwise)}")

    one, other = (build_network(DENSE, seed=seed) for _ in range(2))
    other.layers[1].w[...] = other.layers[1].w[:, order]   # layers[0] is the Flatten
    train(one, DENSE, training, 1)
    train(other, DENSE, data["shuffled"][0], 1)
    rounding = float(np.abs(one.feedforward(test.images)
                            - other.feedforward(data["shuffled"][1][0])).max())
    print(f"With its first weights shuffled along, {DENSE} says the same after an epoch: outputs "
          f"differ by {rounding:.0e} at most.")
    saved = plots.dots({name: [100 * a for a in of_runs] for name, of_runs in accuracies.items()},
                       Path(out) / "solutions" / "shuffled_pixels.png",
                       f"By shuffling {DENSE} changes by {100 * change[DENSE]:+.2f} points, "
                       f"{SAME} by {100 * change[SAME]:+.2f}",
                       "test images that are right, percent")
    print(f"saved: {saved}")
    return {"accuracies": accuracies, "change": change, "rounding": rounding}


if __name__ == "__main__":
    raise SystemExit(solution(main))
