"""Digits that are turned, slanted and moved anew in each epoch.  Book ch. 6.

The exercise: enlarge the training data by rotated, skewed and translated images, made while training
goes on, not before.

The answer: nndl.data.distort.distorted(training) looks like a data set, and is none: SGD asks it for a
mini-batch, and it makes one, another each time.  It takes no memory and never repeats itself.  How much
an image is turned, slanted, moved, stretched or bent are its arguments (after Simard,
Steinkraus and Platt 2003).  network3 wants arrays: a subclass makes those of an epoch when it begins.

With few images this is worth most: the network has seen each of them soon, and then learns them by
heart.

    python -m lessons.solutions.distortions_on_the_fly
"""

import contextlib
import io
from pathlib import Path

import numpy as np

from nndl import ConvPool, Dense, Network, ReLU, Softmax, load_mnist, plots
from nndl.book import legacy, network3
from nndl.data.distort import distorted
from nndl.lesson import counted, percent, solution, spread
from nndl.schedules import falling

MINI_BATCH_SIZE, ETA = 10, 0.05
DISTORTION = {"rotation": 10.0, "shear": 0.15, "shift": 1.5, "scale": 0.0, "elastic": 0.0}


class Distorting(network3.Network):
    """The book's network, trained with images that are distorted anew in each epoch."""

    def SGD(self, training_data, epochs, *others):
        """As in the book; training_data : (images, labels), bytes."""
        made, labels = distorted(training_data, **DISTORTION)
        rng = np.random.default_rng(0)
        for _ in range(epochs):
            super().SGD((made.make(np.arange(len(made)), rng), labels), 1, *others)


def build(seed):
    """A convolution and a dense layer."""
    return Network([ConvPool(10, 5, init="he"), Dense(50, init="he"), ReLU(), Dense(10), Softmax()],
                   seed=seed)


def as_in_the_book(training, epochs, validation, seed):
    """The accuracy of a Distorting."""
    legacy.seed(seed)
    try:
        net = Distorting([
            network3.ConvPoolLayer(filter_shape=(10, 1, 5, 5), image_shape=(MINI_BATCH_SIZE, 1, 28, 28),
                                   activation_fn=network3.ReLU),
            network3.SoftmaxLayer(n_in=10 * 12 * 12, n_out=10)], MINI_BATCH_SIZE)
    finally:
        legacy.seed(None)
    with contextlib.redirect_stdout(io.StringIO()):
        net.SGD(training, epochs, MINI_BATCH_SIZE, ETA, validation, None)
    return net.accuracy(validation)


def main(epochs=20, train_size=500, runs=2, seed=0, out="pictures", test_size=10_000):
    """Train with and without.  Returns test accuracies, fractions."""
    training, validation, test = load_mnist()
    training, test = training[:train_size], test[:test_size]
    accuracies, by_heart = {}, {}
    for name, data in (("as they are", training), ("distorted", distorted(training, **DISTORTION))):
        nets = [build(seed + run) for run in range(runs)]
        for net in nets:
            net.SGD(data, epochs, MINI_BATCH_SIZE, falling(ETA, epochs), progress=False)
        accuracies[name] = [net.accuracy(test) for net in nets]
        by_heart[name] = [net.accuracy(training) for net in nets]
    print(f"{counted(epochs, 'epoch')} on {train_size:,} images; right, % of test, of training images:")
    for name in accuracies:
        print(f"    {name:<12} {spread(accuracies[name]):<20} {spread(by_heart[name])}")
    book = as_in_the_book(training, epochs, validation[:1000], seed)
    print(f"network3's subclass, a smaller network, distorted: {percent(book)} % of 1,000 validation "
          "images")
    plain, better = (np.mean(each) for each in accuracies.values())
    once = distorted(training, **DISTORTION).images
    rows = [("image 1 as it is", training.images[:1])] + [
        (f"distorted: image {n + 1}", once.make(np.full(8, n), np.random.default_rng(n)))
        for n in range(3)]
    saved = plots.rows_of_images(
        rows, Path(out) / "solutions" / "distortions_on_the_fly.png",
        f"From {train_size:,} images as they are a network comes to {percent(plain, 1)} % of the test "
        f"images, distorted to {percent(better, 1)} %")
    print(f"saved: {saved}")
    return {"accuracies": accuracies, "training": by_heart, "book": book}


if __name__ == "__main__":
    raise SystemExit(solution(main))
