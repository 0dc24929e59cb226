"""3.3.0  How good is the network of most introductions, with two convolutions and dropout?

Book: chapter 6, "Convolutional neural networks in practice".
Before: 3.0.2, 3.1.0, 3.2.0.
Next: 3.3.1, a third convolution.

    python -m lessons 3.3.0          6 epochs on 10,000 images
    python -m lessons 3.3.0 --full   30 epochs on all 50,000

Steps through: ConvPool and Dropout in nndl/layers.py; `net.trace` (printed here) for a mini-batch.

Measured in 0.2 minutes: 97.63 % of the test images are right after 6 epochs on 10,000 images; of
    the training images 0.41 percentage points more than of the validation images.

Exercises
1. What changes without the dense layer of 100?  Without dropout?  Run each three times before you
   believe a difference.  Worked: solutions/what_each_layer_brings.py
"""

from nndl import ConvPool, Dense, Dropout, Network, ReLU, Softmax, load_mnist, plots
from nndl.lesson import Lesson, command_line, counted, percent
from nndl.schedules import falling

ETA, P_DROPOUT, MINI_BATCH_SIZE = 0.05, 0.5, 10
LMBDA_PER_IMAGE = 2e-5  # 1 for 50,000 images
FULL = {"epochs": 30, "train_size": 50_000}
PROMISED = 99.3  # percent, what is commonly said of such a network
BOOK = 99.37     # percent, one dense layer of 100 on 250,000 shifted images, no dropout


def build_network(backend=None, seed=0):
    """Two convolutions and a dense layer of 100 neurons, dropout before what is dense."""
    return Network([
        ConvPool(20, 5, init="he"),                                  # (m, 1, 28, 28) -> (m, 20, 12, 12)
        ConvPool(40, 5, init="he"),                                  #                -> (m, 40, 4, 4)
        Dropout(P_DROPOUT), Dense(100, init="he"), ReLU(),           #                -> (m, 100)
        Dropout(P_DROPOUT), Dense(10, init="he"), Softmax(),         #                -> (m, 10)
    ], backend=backend, seed=seed)


def main(epochs=6, train_size=10_000, backend=None, seed=0, out="pictures"):
    """Train it, and look at what it gets wrong.  Returns accuracies, fractions."""
    lesson = Lesson(__file__, out, epochs=epochs, train_size=train_size, backend=backend, seed=seed)
    lesson.idea("""
        Every part has been seen by itself: convolutions that look for the same thing everywhere,
        pooling that forgets where exactly, rectified linear units that let gradients through, dropout
        that keeps neurons from relying on each other, a learning rate that falls.  Here they stand in
        one network, as they do in most introductions.""")
    lesson.mathematics("""
        a' = max over 2 x 2 of max(0, b + ΣΣ w_lm a_(j+l, k+m))   convolution, ReLU, pool   (125), (112)
        a' = a r/(1-p), r = 0 with probability p, else 1          dropout, while training
        a_j = e^z_j / Σ e^z_k,   C = -ln a_y                      softmax, its cost         (78), (80)
        """)
    training, validation, test = load_mnist()
    net = build_network(backend, seed)
    lesson.network(net)
    lesson.step("One mini-batch, forth and back, before training:")
    net.trace(training.images[:MINI_BATCH_SIZE], training.labels[:MINI_BATCH_SIZE])
    eta, lmbda = falling(ETA, epochs), LMBDA_PER_IMAGE * train_size
    lesson.step(f"""{counted(epochs, "epoch")} on {train_size:,} images, η from {eta(0):g} down to
                {eta(epochs - 1):.2g}, λ = {lmbda:g}:""")
    history = net.SGD(training[:train_size], epochs, MINI_BATCH_SIZE, eta, lmbda,
                      evaluation_data=validation, monitor_evaluation_accuracy=True,
                      monitor_training_accuracy=True, checkpoint=lesson.checkpoint("network"))
    predictions = net.predict(test.images)
    accuracy = float((predictions == test.labels).mean())
    lesson.table(("", "measured", "commonly promised", "book, no dropout, 250,000 images"),
                 [("test images that are right, %", percent(accuracy), PROMISED, BOOK),
                  ("validation images, %", percent(history.evaluation_accuracy[-1]), "", ""),
                  ("training images, %", percent(history.training_accuracy[-1]), "", "")])
    plots.learning_curves(history, lesson.path("learning_curves.png"))
    plots.misclassified(test.images, test.labels, predictions, lesson.path("misclassified.png"))
    gap = history.training_accuracy[-1] - history.evaluation_accuracy[-1]
    lesson.take_away(
        f"{percent(accuracy)} % of the test images are right after {counted(epochs, 'epoch')} on "
        f"{train_size:,} images; of the training images {percent(abs(gap))} percentage points "
        f"{'more' if gap >= 0 else 'fewer'} than of the validation images.",
        """Look at what it gets wrong: some of these digits one would not bet on oneself.""")
    return lesson.end(accuracy=accuracy, validation=history.evaluation_accuracy, gap=gap)


if __name__ == "__main__":
    raise SystemExit(command_line(main, FULL))
