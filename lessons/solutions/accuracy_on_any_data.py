"""The accuracy on any data.  Book ch. 6.

The exercise: network3's SGD prints accuracies on validation and test data; give Network a method that
returns the accuracy on whatever data one hands in.

The answer: nndl's network3.Network has it, accuracy(data), and so has every Network of the library.
What it is made of is two lines, shown here as a subclass: what does the network say, and how often is
that the label?  With one difference: the original compiles its functions for whole mini-batches, so
that a short last one is left out, and nndl.book keeps that.

With it one may ask new questions.  For example, what becomes of a network whose digits are moved?

    python -m lessons.solutions.accuracy_on_any_data
"""

import contextlib
import io
from pathlib import Path

import numpy as np

from nndl import load_mnist, plots
from nndl.book import legacy, network3
from nndl.data.expand import shifted
from nndl.lesson import percent, solution

MINI_BATCH_SIZE, ETA, MOST = 10, 0.1, 6


class Measured(network3.Network):
    """The book's network with an accuracy of its own."""

    def accuracy_on(self, data):
        """The fraction of data, a pair (images, labels), that is classified rightly: of all of it."""
        images, labels = data
        return float(np.mean(self.predict(images) == labels))


def main(epochs=3, train_size=3000, seed=0, out="pictures"):
    """Measure on several data.  Returns accuracies, fractions."""
    training, validation, test = load_mnist()
    training, test = training[:train_size], test[:3005]
    legacy.seed(seed)
    try:
        net = Measured([
            network3.ConvPoolLayer(filter_shape=(10, 1, 5, 5), image_shape=(MINI_BATCH_SIZE, 1, 28, 28),
                                   activation_fn=network3.ReLU),
            network3.SoftmaxLayer(n_in=10 * 12 * 12, n_out=10)], MINI_BATCH_SIZE)
    finally:
        legacy.seed(None)
    with contextlib.redirect_stdout(io.StringIO()):
        net.SGD(training, epochs, MINI_BATCH_SIZE, ETA, validation[:1000], None)
    measured = {"training": net.accuracy_on(training), "test": net.accuracy_on(test),
                "test, network3": net.accuracy(test), "test, the library": net.engine.accuracy(test)}
    whole = len(test.labels) // MINI_BATCH_SIZE * MINI_BATCH_SIZE
    for name, accuracy in measured.items():
        print(f"{name:<18} {percent(accuracy, 3)} %")
    print(f"network3's is of {whole:,} of the {len(test.labels):,} images, no short mini-batch")
    moved = {by: net.accuracy_on((shifted(test.images, 0, by), test.labels)) for by in range(MOST + 1)}
    print("test images moved to the right: " + ", ".join(
        f"by {by} {percent(accuracy, 1)} %" for by, accuracy in moved.items()))
    saved = plots.lines(
        {"test images that are right, percent": {
            "moved": (np.array(list(moved)), [100 * accuracy for accuracy in moved.values()])}},
        Path(out) / "solutions" / "accuracy_on_any_data.png",
        f"{percent(moved[0], 0)} % right, {percent(moved[3], 0)} % moved by 3 pixels, "
        f"{percent(moved[MOST], 0)} % by {MOST}", x="moved to the right by, pixels",
        levels={"test images that are right, percent": {"guessing": 10}})
    print(f"saved: {saved}")
    return measured | {"moved": moved}


if __name__ == "__main__":
    raise SystemExit(solution(main))
