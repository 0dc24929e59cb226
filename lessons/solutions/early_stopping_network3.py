"""Early stopping for network3.  Book ch. 6.

The exercise: let network3's training end by the validation accuracy, when it has not improved for some
epochs.

The answer: one need not touch its SGD.  network3 has no state between epochs but the weights, and
takes the data in the same order each time, so that n calls with one epoch are one call with n epochs:
a subclass calls it epoch by epoch and looks.  In the library that is a function of the history,
SGD(stop=...).

    python -m lessons.solutions.early_stopping_network3
"""

import contextlib
import io

from nndl import ConvPool, Dense, Network, Softmax, load_mnist
from nndl.book import legacy, network3
from nndl.lesson import percent, solution

MINI_BATCH_SIZE, ETA = 10, 0.1
SHAPES = {"filter_shape": (10, 1, 5, 5), "image_shape": (MINI_BATCH_SIZE, 1, 28, 28)}


class Stopping(network3.Network):
    """The book's network, whose SGD can stop early."""

    def SGD(self, training_data, epochs, mini_batch_size, eta, validation_data, test_data, lmbda=0.0,
            no_improvement_in=0):
        """As in the book; with no_improvement_in = n it ends when n epochs were no better.

        Returns the validation accuracies, one for each epoch.
        """
        accuracies = []
        for _ in range(epochs):
            with contextlib.redirect_stdout(io.StringIO()):  # it would say "Epoch 0" each time
                super().SGD(training_data, 1, mini_batch_size, eta, validation_data, test_data, lmbda)
            accuracies.append(self.accuracy(validation_data))
            print(f"    Epoch {len(accuracies) - 1}: validation accuracy {accuracies[-1]:.2%}")
            if no_improvement_in and waited(accuracies) >= no_improvement_in:
                break
        return accuracies


def waited(accuracies):
    """How many epochs have passed since the best."""
    return len(accuracies) - 1 - accuracies.index(max(accuracies))


def main(epochs=30, train_size=500, n=3, seed=0, test_size=10_000):
    """Stop network3, and the library's network.  Returns accuracies by epoch."""
    training, validation, test = load_mnist()
    training, validation = training[:train_size], validation[:1000]
    legacy.seed(seed)
    try:
        net = Stopping([network3.ConvPoolLayer(**SHAPES, activation_fn=network3.ReLU),
                        network3.SoftmaxLayer(n_in=10 * 12 * 12, n_out=10)], MINI_BATCH_SIZE)
    finally:
        legacy.seed(None)
    print(f"network3, {train_size:,} images, at most {epochs} epochs, ending when {n} were no better:")
    book = net.SGD(training, epochs, MINI_BATCH_SIZE, ETA, validation, None, no_improvement_in=n)

    core = Network([ConvPool(10, 5), Dense(10), Softmax()], seed=seed)
    history = core.SGD(training, epochs, MINI_BATCH_SIZE, ETA, evaluation_data=validation,
                       monitor_evaluation_accuracy=True, progress=False,
                       stop=lambda history: waited(history.evaluation_accuracy) >= n)
    ours = history.evaluation_accuracy
    for name, accuracies, it in (("network3", book, net), ("the library", ours, core)):
        right = it.accuracy(test[:test_size])
        print(f"{name}: {len(accuracies)} epochs, the best was number "
              f"{1 + accuracies.index(max(accuracies))}; {percent(right)} % of the test images right")
    return {"book": book, "ours": ours}


if __name__ == "__main__":
    raise SystemExit(solution(main))
