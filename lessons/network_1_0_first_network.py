"""1.0  How does a network learn to read digits that nobody has explained to it?

Book: chapter 1, "A simple network to classify handwritten digits" and "Implementing our network
    to classify digits".
Before: nothing but what a derivative is.
Next: 1.1, how many hidden neurons.

    python -m lessons 1.0          30 hidden neurons, 10 epochs on 10,000 images
    python -m lessons 1.0 --full   30 epochs on all 50,000, as the book has it

Steps through: Network.SGD, update_mini_batch and backprop in nndl/network.py; dense_forward and
dense_backward in nndl/ops/dense_numpy.py (--backend numpy).

Measured in 0.1 minutes: 11.24 % of the test images are right before training, 90.85 % after 10
    epochs on 10,000 images: by nothing but steps downhill.

Exercises
1. The book's (ch. 1): a network without any hidden layer, 784-10.  Worked: solutions/no_hidden_layer.py
2. The book's (ch. 1): weights by hand that turn ten outputs into four bits.  Worked:
   solutions/four_bits.py
3. Train it with mini-batches of 1, of 100, of all images.  What does an epoch take, and what is it
   worth?  Worked: solutions/mini_batch_sizes.py
"""

from nndl import Dense, Network, Sigmoid, load_mnist, plots
from nndl.costs import QuadraticCost
from nndl.lesson import Lesson, command_line, counted, percent, smoothness

ETA, MINI_BATCH_SIZE = 3.0, 10
FULL = {"epochs": 30, "train_size": 50_000}
BOOK = 95.42  # percent, its best epoch on the test images


def build_network(backend=None, seed=0):
    """784-30-10, the book's first network: large weights, sigmoids, the quadratic cost."""
    return Network([
        Dense(30, init="large"), Sigmoid(),   # (m, 784) -> (m, 30)
        Dense(10, init="large"), Sigmoid(),   #          -> (m, 10)
    ], cost=QuadraticCost, backend=backend, seed=seed)


def main(epochs=10, train_size=10_000, backend=None, seed=0, out="pictures"):
    """Train it, and look at a digit before and after.  Returns accuracies, fractions."""
    lesson = Lesson(__file__, out, epochs=epochs, train_size=train_size, backend=backend, seed=seed)
    lesson.idea("""
        A network is a function with very many numbers in it, here 23,860 weights and biases.  Nobody
        knows good values for them.  But one can say how bad some values are: the cost C, large where
        outputs are far from what they should be.  C's derivative with respect to each number says in
        which direction it falls, and so we go downhill, a step for every few images, and come to
        values with which the network reads.

        Of the 70,000 images 50,000 are for training.  Once through them is an epoch; η says how large
        a step is.  10,000 others, the validation images, show on the way how it does, and 10,000, the
        test images, are kept for the end.

        Backpropagation is the trick that finds all 23,860 derivatives at the price of about two
        passes through the network.""")
    lesson.mathematics("""
        a' = σ(w a + b),  σ(z) = 1/(1 + e^-z)               a layer                    (3), (22)
        C = 1/(2n) Σ ‖y - a‖²                               how bad, over n images     (6)
        y: what the ten outputs should be, 1 for the digit that it is and 0 for the others
        w -> w - η/m Σ ∂C_x/∂w,   b -> b - η/m Σ ∂C_x/∂b    a step, a mini-batch of m  (20), (21)""")
    training, validation, test = load_mnist()
    net = build_network(backend, seed)
    lesson.network(net)

    digit, label = test.images[:1], int(test.labels[0])
    before, chance = net.feedforward(digit)[0], net.accuracy(test)
    lesson.step(f"""
        Before it has learnt anything it is right for {percent(chance)} % of the test images: guessing
        is 10 %.  Of the first one, a {label}, it says {before.argmax()}.
        Now {counted(epochs, 'epoch')} on {train_size:,} images, η = {ETA:g}, mini-batches of
        {MINI_BATCH_SIZE}:""")
    history = net.SGD(training[:train_size], epochs, MINI_BATCH_SIZE, ETA, evaluation_data=validation,
                      monitor_evaluation_accuracy=True, monitor_training_accuracy=True,
                      monitor_evaluation_cost=True, monitor_training_cost=True,
                      checkpoint=lesson.checkpoint("network"))
    after, accuracy = net.feedforward(digit)[0], net.accuracy(test)

    lesson.table(("", "before", "after", "book, best of 30 epochs, 50,000"),
                 [("test images that are right, %", percent(chance), percent(accuracy), f"{BOOK:.2f}"),
                  *((f"output {n} for the first test image, a {label}", f"{before[n]:.3f}",
                     f"{after[n]:.3f}", "") for n in range(10))])
    plots.learning_curves(history, lesson.path("learning_curves.png"))
    plots.bars({f"before: it says {before.argmax()}": dict(enumerate(map(float, before))),
                f"after: it says {after.argmax()}": dict(enumerate(map(float, after)))},
               lesson.path("outputs.png"),
               f"Of a {label}, the first test image, it says {before.argmax()} before training, "
               f"{after.argmax()} after", "activation of the output neuron", x="output neuron")
    w = net.layers[1].w
    plots.first_weights(w, lesson.path("first_weights.png"), (28, 28),
                        f"The first weights of {len(w)} neurons: those of pixels side by side "
                        f"correlate by {smoothness(w.reshape(-1, 28, 28)):z.2f}; in noise it is 0, in "
                        "strokes nearly 1")
    lesson.take_away(
        f"{percent(chance)} % of the test images are right before training, {percent(accuracy)} % "
        f"after {counted(epochs, 'epoch')} on {train_size:,} images: by nothing but steps downhill.",
        """Nobody has told it what a loop or a stroke is; the first layer's weights, drawn as images,
        show that it has not found any either.""")
    return lesson.end(chance=chance, accuracy=accuracy, history=history.evaluation_accuracy)


if __name__ == "__main__":
    raise SystemExit(command_line(main, FULL))
