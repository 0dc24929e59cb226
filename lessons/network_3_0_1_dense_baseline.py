"""3.0.1  Is it the convolution, or would as many weights in a dense layer do as well?

Book: chapter 6, "Convolutional neural networks in practice", its baseline.
Before: 3.0.0.
Next: 3.0.2, a second convolutional layer.

    python -m lessons 3.0.1          5 epochs on 10,000 images, two runs of each of four networks
    python -m lessons 3.0.1 --full   30 epochs on all 50,000, one run of each

Steps through: Dense.setup and Conv.setup in nndl/layers.py, where the weights are counted.

Measured in 0.5 minutes: With as many parameters conv 20 + dense 100 came out ahead of dense 364 in
    every run, by 0.50 points on average (chance alone: 1 in 3).

Exercises
1. The book's (ch. 6): give network3 a way to say its accuracy on any data.  Worked:
   solutions/accuracy_on_any_data.py
2. Shuffle the pixels of all images in the same way.  Which of the two networks minds?  Worked:
   solutions/shuffled_pixels.py
"""

from statistics import mean

from nndl import ConvPool, Dense, Network, Sigmoid, Softmax, load_mnist, plots
from nndl.comparing import compared
from nndl.lesson import Lesson, command_line, counted, percent, spread
from nndl.schedules import falling

# The learning rate of each network is its own: of 0.1, 0.3 and 1 the best on the validation images.
# It falls, so that none is measured in the middle of a leap.
ETA = {"dense 364": 1.0, "conv 20 + dense 100": 0.3, "conv 20": 0.3, "conv 8 + conv 16": 0.3}
DENSE, SAME, TENTH, _ = ETA
FALLS_TO, MINI_BATCH_SIZE = 1 / 3, 10
FULL = {"epochs": 30, "train_size": 50_000, "runs": 1}
BOOK = {SAME: "98.78"}  # percent of the test images, 60 epochs on 50,000; with dense 100: 97.80
PROMISED = {DENSE: "97", SAME: "98.5"}


def build_network(name=DENSE, backend=None, seed=0):
    """A dense network, or a convolutional one: as large, a tenth as large, a fiftieth as large."""
    hidden = {
        "dense 364": lambda: [Dense(364), Sigmoid()],   # (m, 784) -> (m, 364)
        "conv 20 + dense 100": lambda: [
            ConvPool(20, 5, activation="sigmoid"),      # (m, 1, 28, 28) -> (m, 20, 12, 12)
            Dense(100), Sigmoid()],                     #                -> (m, 100)
        "conv 20": lambda: [
            ConvPool(20, 5, activation="sigmoid")],     # (m, 1, 28, 28) -> (m, 20, 12, 12)
        "conv 8 + conv 16": lambda: [
            ConvPool(8, 5, activation="sigmoid"),       # (m, 1, 28, 28) -> (m, 8, 12, 12)
            ConvPool(16, 5, activation="sigmoid")]}     #                -> (m, 16, 4, 4)
    return Network([*hidden[name](), Dense(10), Softmax()],  # -> (m, 10)
                   backend=backend, seed=seed)


def main(epochs=5, train_size=10_000, backend=None, seed=0, out="pictures", runs=2):
    """Train all four.  Returns accuracies, fractions: of the dense one as "accuracy", and by name."""
    lesson = Lesson(__file__, out, epochs=epochs, train_size=train_size, backend=backend, seed=seed,
                    runs=runs)
    lesson.idea("""
        The convolutional network of lesson 3.0.0 has 289,630 weights and biases, more than the dense
        ones of chapters 1 to 3.  If it is better, that may be why.  So here is a dense network with as
        many: 364 hidden neurons.

        Then the other way round.  It is often said that a convolutional network needs a tenth of a
        dense one's parameters.  Two smaller ones, with a tenth and with a fiftieth, show whether that
        is so here.""")
    lesson.mathematics("""
        dense, n to k neurons       (n + 1) k                a weight for each pair, (25)
        f filters on c maps         (25 c + 1) f             whatever the image's size, (125)
        784-364-10                  785·364 + 365·10       = 289,390
        conv 20 + dense 100         26·20 + 2881·100 + 101·10 = 289,630
        conv 20                     26·20 + 2881·10        =  29,330
        conv 8 + conv 16            26·8 + 201·16 + 257·10 =   5,994""")
    training, validation, test = load_mnist()
    size = {}
    for name in ETA:
        net = build_network(name, backend, seed)
        lesson.network(net, name)
        size[name] = net.parameters

    accuracies, last = {}, {}
    for name in ETA:
        lesson.step(f"""{name}: {counted(runs, "run")} of {counted(epochs, "epoch")} on
                    {train_size:,} images, η from {ETA[name]:g} to {ETA[name] * FALLS_TO:.2g}""")
        accuracies[name], last[name] = [], []
        for run in range(runs):
            net = build_network(name, backend, seed + run)
            history = net.SGD(training[:train_size], epochs, MINI_BATCH_SIZE,
                              falling(ETA[name], epochs, FALLS_TO), evaluation_data=validation,
                              monitor_evaluation_accuracy=True,
                              checkpoint=lesson.checkpoint(f"{name} {run}"))
            last[name].append(history.evaluation_accuracy[-1])
            accuracies[name].append(net.accuracy(test))

    lesson.table(("", "parameters", "validation, %", "test, %", "commonly promised",
                  "book, 60 epochs on 50,000"),
                 [(name, f"{size[name]:,}", spread(last[name]), spread(accuracies[name]),
                   PROMISED.get(name, ""), BOOK.get(name, "")) for name in ETA])
    better = [name for name in ETA if min(accuracies[name]) > max(accuracies[DENSE])]
    smallest = min(better, key=size.get, default=None)
    said = (f"{smallest} with {percent(size[smallest] / size[DENSE], 0)} % of its parameters is still "
            "ahead of it" if smallest else "no convolutional network is ahead of it") + (
                " (one run of each)" * (runs == 1))
    plots.dots({f"{name}: {size[name]:,}": [100 * accuracy for accuracy in accuracies[name]]
                for name in ETA}, lesson.path("parameters.png"),
               f"{DENSE} is right for {percent(mean(accuracies[DENSE]))} %; {said}",
               "test images that are right, percent",
               note="beside the networks: how many weights and biases they have")
    lesson.take_away(
        f"With as many parameters {compared(accuracies, SAME, DENSE)}.",
        f"The one with a tenth of them: {compared(accuracies, TENTH, DENSE)}.  "
        f"Of all four: {said}.")
    return lesson.end(accuracy=accuracies[DENSE], accuracies=accuracies, parameters=size,
                      smallest=smallest)


if __name__ == "__main__":
    raise SystemExit(command_line(main, FULL))
