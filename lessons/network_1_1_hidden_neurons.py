"""1.1  How many hidden neurons does a network need?

Book: chapter 1, "Implementing our network to classify digits".
Before: 1.0.
Next: 1.2, the learning rate.

    python -m lessons 1.1          1 to 100 hidden neurons, 10 epochs on 10,000 images, three runs each
    python -m lessons 1.1 --full   30 epochs on all 50,000, as the book has it, three runs each

Steps through: dense_epoch in nndl/ops/dense_epoch_numpy.py, which is what trains networks this small;
layer by layer (--backend numpy) it is Network.backprop in nndl/network.py.

Measured in 0.1 minutes: Of the test images are read: with 1 hidden neuron 18.92 ± 0.11 (3) %, with
    3 hidden neurons 34.47 ± 4.55 (3) %, with 10 hidden neurons 87.38 ± 0.52 (3) %, with 30 hidden
    neurons 91.12 ± 0.28 (3) %, with 100 hidden neurons 86.43 ± 9.40 (3) %.

Exercises
1. The book's (ch. 1): no hidden neurons at all, 784-10.  Worked: solutions/no_hidden_layer.py
2. A network of 100 that never says one of the digits: look at the weighted input z of that output
   neuron, and at its activation for images of that digit.  Why does it not learn any more?  Lesson 2.0
   mends it.  Worked: solutions/silent_output.py
"""

import numpy as np

from nndl import Dense, Network, Sigmoid, load_mnist, plots
from nndl.costs import QuadraticCost
from nndl.lesson import Lesson, command_line, counted, note, percent, spread

NEURONS = (1, 3, 10, 30, 100)
ETA, MINI_BATCH_SIZE = 3.0, 10
FULL = {"epochs": 30, "train_size": 50_000, "runs": 3}
BOOK = {30: 95.42, 100: 96.59}  # percent of the test images in the best of 30 epochs, 50,000 images


def build_network(neurons, backend=None, seed=0):
    """784-neurons-10, chapter 1's: large weights, sigmoids, the quadratic cost."""
    return Network([
        Dense(neurons, init="large"), Sigmoid(),   # (m, 784) -> (m, neurons)
        Dense(10, init="large"), Sigmoid(),        #          -> (m, 10)
    ], cost=QuadraticCost, backend=backend, seed=seed)


def main(epochs=10, train_size=10_000, backend=None, seed=0, out="pictures", runs=3):
    """Train networks of each size.  Returns accuracies, fractions, and digits they do not read."""
    lesson = Lesson(__file__, out, epochs=epochs, train_size=train_size, backend=backend, seed=seed,
                    runs=runs)
    lesson.idea("""
        The hidden neurons are all that the output neurons ever see of an image.  Each of them asks one
        question of the 784 pixels, a weighted sum, and answers with a number between 0 and 1.  One
        question is too few to tell ten digits apart.  How many are enough?

        More neurons can say more, and they also take longer: nearly all weights are between the pixels
        and them.""")
    lesson.mathematics("""
        a' = σ(w a + b), with w of neurons x 784, then 10 x neurons          (22)
        parameters = 784 neurons + neurons + 10 neurons + 10 = 795 neurons + 10""")
    for neurons in (NEURONS[0], NEURONS[-1]):
        lesson.network(build_network(neurons, backend, seed),
                       f"The network with {counted(neurons, 'hidden neuron')}")

    training, validation, test = load_mnist()
    lesson.step(f"""Each size {counted(runs, "time")}, from other random numbers:
                {counted(epochs, "epoch")} on {train_size:,} images, η = {ETA:g}, mini-batches of
                {MINI_BATCH_SIZE}.""")
    curves, accuracies, seconds = ({neurons: [] for neurons in NEURONS} for _ in range(3))
    unread, at_zero = ({neurons: [] for neurons in NEURONS} for _ in range(2))
    for neurons in NEURONS:
        for run in range(runs):
            print(f"    {counted(neurons, 'hidden neuron')}, run {run + 1} of {runs}")
            net = build_network(neurons, backend, seed + run)
            history = net.SGD(training[:train_size], epochs, MINI_BATCH_SIZE, ETA,
                              evaluation_data=validation, monitor_evaluation_accuracy=True,
                              checkpoint=lesson.checkpoint(f"{neurons} {run}"))
            read = of_each_digit(net, test)
            curves[neurons].append(history.evaluation_accuracy)
            accuracies[neurons].append(net.accuracy(test))
            seconds[neurons].append(sum(history.seconds) / epochs)
            unread[neurons].append([digit for digit in range(10) if read[digit] < 0.5])
            at_zero[neurons].append(outputs_at_zero(net, test))

    lesson.table(
        ("hidden neurons", "parameters", "s an epoch", "test, %", "digits it mostly misreads",
         "book, best of 30 epochs, 50,000"),
        [(neurons, f"{795 * neurons + 10:,}", f"{min(seconds[neurons]):.2f}",
          spread(accuracies[neurons]), " | ".join(digits_said(run) for run in unread[neurons]),
          f"{BOOK[neurons]:.2f}" if neurons in BOOK else "") for neurons in NEURONS])
    mean = {neurons: float(np.mean(accuracies[neurons])) for neurons in NEURONS}
    least, best = min(NEURONS), max(mean, key=mean.get)
    said = {neurons: f"{counted(neurons, 'hidden neuron')}" for neurons in NEURONS}
    plots.dots({said[neurons]: [100 * accuracy for accuracy in accuracies[neurons]]
                for neurons in NEURONS}, lesson.path("accuracy.png"),
               f"{said[least]}: {percent(mean[least], 0)} % right; the best on average, {best}: "
               f"{percent(mean[best], 0)} %",
               "test images that are right, percent",
               {said[neurons]: value for neurons, value in BOOK.items() if neurons in said},
               note="The book's numbers are the best of 30 epochs on 50,000 images.")
    first, last = (max(NEURONS, key=lambda neurons: sum(run[epoch] for run in curves[neurons]))
                   for epoch in (0, -1))
    heading = "validation images that are right, percent"
    plots.lines({heading: {str(neurons): [[100 * a for a in run] for run in curves[neurons]]
                           for neurons in NEURONS}},
                lesson.path("learning_curves.png"),
                f"After the first epoch the best on average has {first} hidden neurons, after the "
                f"last {last}",
                note=note(runs, "the lines are named by their hidden neurons"))
    lesson.take_away(
        "Of the test images are read: " + ", ".join(
            f"with {said[neurons]} {spread(accuracies[neurons])} %" for neurons in NEURONS) + ".",
        holes_said([pair for neurons in NEURONS if neurons >= 30
                    for pair in zip(at_zero[neurons], accuracies[neurons])]))
    return lesson.end(curves=curves, accuracies=accuracies, unread=unread, at_zero=at_zero)


def of_each_digit(net, data):
    """What fraction of each digit's images the network reads, (10,)."""
    right = net.predict(data.images) == data.labels
    return np.array([right[data.labels == digit].mean() for digit in range(10)])


def outputs_at_zero(net, data):
    """The digits whose output neuron is below 0.01 for nearly all images, its own included."""
    a = net.feedforward(data.images)
    return [digit for digit in range(10) if np.mean(a[data.labels == digit, digit] < 0.01) > 0.9]


def holes_said(large):
    """What is to be said of output neurons that no image moves; large : (digits, accuracy) of each."""
    stuck = [accuracy for digits, accuracy in large if digits]
    if not stuck:
        return """With other seeds or fewer images a large network may end without one of the digits:
            its output neuron is then saturated at 0 and learns next to nothing (lesson 2.0)."""
    end = "that one ends" if len(stuck) == 1 else "these end"
    return f"""In {len(stuck)} of the {len(large)} networks of 30 neurons or more the output neuron
        of a digit stays below 0.01 for more than nine tenths of that digit's own images; {end}
        at {spread(stuck)} %.  Its slope σ' is below 0.01 as well, so that with the quadratic cost it
        learns next to nothing: lesson 2.0 mends that."""


def digits_said(digits):
    """The digits in a few words: "3, 8", "-" for none, "8 of 10" for many."""
    if len(digits) > 3:
        return f"{len(digits)} of 10"
    return ", ".join(map(str, digits)) or "-"


if __name__ == "__main__":
    raise SystemExit(command_line(main, FULL))
