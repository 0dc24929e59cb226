"""Seeing that a network overfits, while it trains.  Book ch. 6.

The exercise: extend network3 so that one can tell better whether a network is over- or underfitting.

The answer: look at the training images as well.  Right for nearly all of them and for fewer of the
validation images: the network has learnt by heart, and wants more images, regularisation or less
freedom. Right for few of either: it underfits, and wants more neurons, more epochs or another η.  A
validation cost that rises while accuracy stands still is the early sign.  In the library these are
SGD's monitor_... flags, and monitors={name: function of the network} for one's own; in network3 a
subclass prints a line more for each epoch.

    python -m lessons.solutions.diagnosing_overfitting
"""

import contextlib
import io
from pathlib import Path

from nndl import ConvPool, Dense, Network, ReLU, Softmax, load_mnist, plots
from nndl.book import legacy, network3
from nndl.lesson import counted, percent, solution

MINI_BATCH_SIZE, ETA = 10, 0.03


class Diagnosed(network3.Network):
    """The book's network, which says after each epoch what the gap is."""

    def SGD(self, training_data, epochs, mini_batch_size, eta, validation_data, test_data, lmbda=0.0):
        """As in the book.  Returns (training, validation) accuracies, a pair for each epoch."""
        found = []
        for epoch in range(epochs):
            with contextlib.redirect_stdout(io.StringIO()):
                super().SGD(training_data, 1, mini_batch_size, eta, validation_data, test_data, lmbda)
            found.append((self.accuracy(training_data), self.accuracy(validation_data)))
            print(f"    Epoch {epoch}: training {found[-1][0]:.2%}, validation {found[-1][1]:.2%}, "
                  f"gap {found[-1][0] - found[-1][1]:.2%}")
        return found


def as_in_the_book(training, epochs, validation, seed):
    """What a Diagnosed says."""
    legacy.seed(seed)
    try:
        net = Diagnosed([
            network3.ConvPoolLayer(filter_shape=(10, 1, 5, 5), image_shape=(MINI_BATCH_SIZE, 1, 28, 28),
                                   activation_fn=network3.ReLU),
            network3.SoftmaxLayer(n_in=10 * 12 * 12, n_out=10)], MINI_BATCH_SIZE)
    finally:
        legacy.seed(None)
    return net.SGD(training, epochs, MINI_BATCH_SIZE, ETA, validation, None)


def convolutional():
    """A convolution and a dense layer."""
    return [ConvPool(10, 5), Dense(50, init="he"), ReLU(), Dense(10), Softmax()]


def diagnosis(history):
    """A word for what the last epoch shows, and the numbers for it."""
    training, validation = history.training_accuracy[-1], history.evaluation_accuracy[-1]
    rises = history.evaluation_cost[-1] > 1.02 * min(history.evaluation_cost)
    word = ("underfits" if training < 0.9 else
            "overfits" if training - validation > 0.03 else "neither")
    return word, training, validation, rises


def main(epochs=10, few=300, many=4000, seed=0, out="pictures"):
    """A network with few images, one with more, and one that is too small.  Returns diagnoses."""
    training, validation, _ = load_mnist()
    validation = validation[:1000]
    cases = {
        f"{few:,} images": (few, 3 * epochs, convolutional()),
        f"{many:,} images": (many, epochs, convolutional()),
        f"{many:,} images, two hidden neurons": (
            many, epochs, [Dense(2), ReLU(), Dense(10), Softmax()])}
    found, first = {}, None
    for name, (size, times, layers) in cases.items():
        net = Network(layers, seed=seed)
        history = net.SGD(
            training[:size], times, MINI_BATCH_SIZE, ETA, progress=False, evaluation_data=validation,
            monitor_evaluation_accuracy=True, monitor_evaluation_cost=True,
            monitor_training_accuracy=True, monitor_training_cost=True,
            monitors={"largest weight": lambda net: max(abs(layer.w).max() for layer in net.layers
                                                        if layer.parameters)})
        first = first or history
        found[name] = diagnosis(history)
        word, on_training, on_validation, rises = found[name]
        print(f"{name}: training {percent(on_training)} %, validation {percent(on_validation)} %"
              f"{', its cost rises' if rises else ''}; largest weight "
              f"{history.measured['largest weight'][-1]:.2f}: {word}")
    print(f"network3's subclass, {few:,} images:")
    book = as_in_the_book(training[:few], min(epochs, 5), validation, seed)
    word, on_training, on_validation, _ = next(iter(found.values()))
    saved = plots.learning_curves(
        first, Path(out) / "solutions" / "diagnosing_overfitting.png",
        f"{few:,} images, {counted(3 * epochs, 'epoch')}: right for {percent(on_training, 0)} % of the "
        f"training images, {percent(on_validation, 0)} % of the validation images")
    print(f"saved: {saved}")
    return {"found": list(found.values()), "book": book}


if __name__ == "__main__":
    raise SystemExit(solution(main))
