"""3.0.2  What does a second convolutional layer see that the first does not?

Book: chapter 6, "Convolutional neural networks in practice".
Before: 3.0.1.
Next: 3.1.0, another activation.

    python -m lessons 3.0.2          8 epochs on 10,000 images, two runs of one and of two layers
    python -m lessons 3.0.2 --full   60 epochs on all 50,000, one run of each

Steps through: ConvPool.setup in nndl/layers.py, and conv_pool_forward in nndl/ops/conv_pool_numpy.py
(--backend numpy).

Measured in 0.6 minutes: Two convolutional layers are right for 97.43 ± 0.17 (2) % of the test
    images, one for 96.72 ± 0.42 (2) %: two convolutions came out ahead of one convolution in every
    run, by 0.71 points on average (chance alone: 1 in 3).

Exercises
1. The book's (ch. 6): save a network and load it again.  Worked: solutions/save_and_load.py
2. The book's (ch. 6): early stopping for network3.  Worked: solutions/early_stopping_network3.py
3. A third layer does not fit behind these two: why not?  Make it fit with padding.  Worked:
   solutions/third_convolution.py
"""

import numpy as np

from nndl import ConvPool, Dense, Network, Sigmoid, Softmax, load_mnist, plots
from nndl.comparing import compared
from nndl.lesson import Lesson, command_line, counted, note, percent, spread
from nndl.schedules import falling

# For few epochs: at first three times the book's learning rate, then falling.  The whole lesson takes
# the book's, which stays what it is.
ETA, FALLS_TO, MINI_BATCH_SIZE = 0.3, 1 / 3, 10
FULL = {"epochs": 60, "train_size": 50_000, "eta": 0.1, "falls_to": 1.0, "runs": 1}
BOOK = {"two convolutions": "99.06", "one convolution": "98.78"}  # percent of the test images
PROMISED = {"two convolutions": "99", "one convolution": "98.5"}
TWO, ONE = BOOK


def build_network(name="two convolutions", backend=None, seed=0):
    """The book's second convolutional network, or its first."""
    second = [ConvPool(40, 5, activation="sigmoid")] if name == "two convolutions" else []
    return Network([
        ConvPool(20, 5, activation="sigmoid"),   # (m, 1, 28, 28) -> (m, 20, 12, 12)
        *second,                                 #                -> (m, 40, 4, 4)
        Dense(100), Sigmoid(),                   #                -> (m, 100)
        Dense(10), Softmax(),                    #                -> (m, 10)
    ], backend=backend, seed=seed)


def main(epochs=8, train_size=10_000, backend=None, seed=0, out="pictures", eta=ETA,
         falls_to=FALLS_TO, runs=2):
    """Train both.  Returns accuracies, fractions: of two layers under "accuracy", of both by name."""
    lesson = Lesson(__file__, out, epochs=epochs, train_size=train_size, backend=backend, seed=seed,
                    eta=eta, falls_to=falls_to, runs=runs)
    lesson.idea("""
        The first layer hands on 20 small images, 12 x 12, each of which says where one feature is.
        They are images: so a second convolutional layer can look for features of features, a corner
        where two strokes meet, say.  Its filters look through 5 x 5 windows of all 20 maps at once,
        and 5 x 5 places of the pooled maps are 14 x 14 pixels of the digit.

        Pooling makes images smaller each time, 28, 12, 4, and so the dense layer behind has fewer
        inputs, 640 instead of 2,880: with a second layer the whole network is smaller.""")
    lesson.mathematics("""
        z_f,jk = b_f + Σ_c Σ_l Σ_m w_f,c,lm a_c,(j+l)(k+m)     (125), summed over maps c too
        second layer: 40 filters on 20 maps,  40·(20·25 + 1)  =  20,040 numbers
        dense layer behind one, behind two:   100·2881        = 288,100
                                              100·641         =  64,100""")
    training, validation, test = load_mnist()
    lesson.network(build_network(ONE, backend, seed), "With one convolutional layer")
    lesson.network(build_network(TWO, backend, seed), "With two")

    curves, accuracies, first = {}, {}, None
    for name in BOOK:
        lesson.step(f"""{name}: {counted(runs, "run")} of {counted(epochs, "epoch")} on
                    {train_size:,} images, η from {eta:g} to {eta * falls_to:.2g}, mini-batches of
                    {MINI_BATCH_SIZE}""")
        curves[name], accuracies[name] = [], []
        for run in range(runs):
            net = build_network(name, backend, seed + run)
            history = net.SGD(training[:train_size], epochs, MINI_BATCH_SIZE,
                              falling(eta, epochs, falls_to), evaluation_data=validation,
                              monitor_evaluation_accuracy=True,
                              checkpoint=lesson.checkpoint(f"{name} {run}"))
            curves[name].append(history.evaluation_accuracy)
            accuracies[name].append(net.accuracy(test))
            first = first or net

    lesson.table(("", "parameters", "after 1 epoch, %", "validation, %", "test, %",
                  "commonly promised", "book, 60 epochs on 50,000"),
                 [(name, f"{build_network(name).parameters:,}",
                   spread([curve[0] for curve in curves[name]]),
                   spread([curve[-1] for curve in curves[name]]), spread(accuracies[name]),
                   PROMISED[name], BOOK[name]) for name in BOOK])
    finding = compared(accuracies, TWO, ONE)
    errors = "validation images that are wrong, percent"  # logarithmic: one begins at 90, and ends at 3
    plots.lines({errors: {name: [[100 * (1 - accuracy) for accuracy in curve] for curve in curves[name]]
                          for name in BOOK}},
        lesson.path("errors.png"), f"On the test images {finding}", log=[errors],
        note=note(runs))
    digit = test.images[:1]
    first.feedforward(digit)
    maps = [np.array(layer.pooled[0]) for layer in first.layers[:2]]  # (20, 12, 12), (40, 4, 4)
    plots.rows_of_images(
        [("the first test image", digit.reshape(1, 28, 28)), ("after the first layer", maps[0]),
         ("after the second", maps[1])], lesson.path("maps.png"),
        f"A {test.labels[0]} becomes 20 maps of 12 x 12, then 40 of 4 x 4",
        ["darker: more of the feature"])
    start = {name: np.mean([curve[0] for curve in curves[name]]) for name in BOOK}
    late = max(curve[0] for curve in curves[TWO]) < min(curve[0] for curve in curves[ONE])
    lesson.take_away(
        f"Two convolutional layers are right for {spread(accuracies[TWO])} % of the test images, one "
        f"for {spread(accuracies[ONE])} %: {finding}.",
        f"""The deeper network {"starts" if late else "does not start"} later than the other: after the
        first epoch it is at {percent(start[TWO], 1)} %, the other at {percent(start[ONE], 1)} %."""
        + ("""  What comes back through layers of sigmoids is small; lessons 3.1.0 to 3.1.2 are about
        that.""" if late else ""))
    return lesson.end(accuracy=accuracies[TWO], accuracies=accuracies, curves=curves)


if __name__ == "__main__":
    raise SystemExit(command_line(main, FULL))
