"""3.3.1  Does a third convolution help?

Book: chapter 6, "Convolutional neural networks in practice" and "Recent progress in image recognition".
Before: 3.3.0.
Next: 3.3.2, the same with distorted images.

    python -m lessons 3.3.1          6 epochs on 10,000 images, two runs of each network
    python -m lessons 3.3.1 --full   20 epochs on all 50,000, one run; another --seed, another

Steps through: padding in conv_forward, nndl/ops/conv_numpy.py.

Measured in 0.8 minutes: With three convolutions 98.01 ± 0.16 (2) % of the test images are right,
    with two 97.68 ± 0.07 (2) %: deep came out ahead of shallow in every run, by 0.33 points on
    average (chance alone: 1 in 3). The deep one takes 2.2 times the time an epoch.

Exercises
1. Add a fourth convolution without pooling behind the third.  How many parameters does it bring, and
   how many right answers?  Worked: solutions/fourth_convolution.py
"""

from nndl import ConvPool, Dense, Dropout, Network, ReLU, Softmax, load_mnist, plots
from nndl.comparing import compared
from nndl.lesson import Lesson, command_line, counted, note, spread
from nndl.schedules import falling

ETA, P_DROPOUT, MINI_BATCH_SIZE = 0.05, 0.5, 10
LMBDA_PER_IMAGE = 2e-5  # 1 for 50,000 images
FULL = {"epochs": 20, "train_size": 50_000, "runs": 1}
PROMISED = 99.4  # percent, what is commonly said of the deep one


def build_network(name, backend=None, seed=0):
    """The "shallow" network has two convolutions, the "deep" one three; both have two dense layers."""
    convolutions = {
        "shallow": [ConvPool(20, 5, init="he"),                # (m, 1, 28, 28) -> (m, 20, 12, 12)
                    ConvPool(40, 5, init="he")],               #                -> (m, 40, 4, 4)
        "deep": [ConvPool(24, 3, padding=1, init="he"),        # (m, 1, 28, 28) -> (m, 24, 14, 14)
                 ConvPool(48, 3, padding=1, init="he"),        #                -> (m, 48, 7, 7)
                 ConvPool(96, 3, padding=1, init="he")]}[name]  #               -> (m, 96, 3, 3)
    return Network([*convolutions,
                    Dropout(P_DROPOUT), Dense(100, init="he"), ReLU(),
                    Dropout(P_DROPOUT), Dense(10, init="he"), Softmax()], backend=backend, seed=seed)


def main(epochs=6, train_size=10_000, backend=None, seed=0, out="pictures", runs=2):
    """Train both.  Returns accuracies, fractions, by name."""
    lesson = Lesson(__file__, out, epochs=epochs, train_size=train_size, backend=backend, seed=seed,
                    runs=runs)
    lesson.idea("""
        A neuron of the second convolution looks at what the first has found: in the shallow network
        here in a region of 14 x 14 pixels, in the deep one, whose filters are smaller, of 8 x 8; one of
        its third of 18 x 18, most of the digit.  Strokes become corners and arcs,
        these become parts of digits.  So goes the argument.  Padding, a frame of zeros around the
        image, keeps three convolutions and poolings from using it up: 28, 14, 7, 3.""")
    lesson.mathematics("""
        rows out = floor((rows + 2 padding - kernel) / stride) + 1
        shared weights: maps out x maps in x kernel x kernel, + a bias for each map out      (125)""")
    training, validation, test = load_mnist()
    for name in ("shallow", "deep"):
        lesson.network(build_network(name, backend, seed), f"The {name} network")
    curves, accuracies, seconds, parameters = {}, {}, {}, {}
    eta = falling(ETA, epochs)
    for name in ("shallow", "deep"):
        lesson.step(f"""{name}: {counted(runs, "run")} of {counted(epochs, "epoch")} on {train_size:,}
                    images, η from {eta(0):g} down to {eta(epochs - 1):.2g}""")
        curves[name], accuracies[name], seconds[name] = [], [], []
        for run in range(runs):
            net = build_network(name, backend, seed + run)
            history = net.SGD(training[:train_size], epochs, MINI_BATCH_SIZE, eta,
                              LMBDA_PER_IMAGE * train_size,
                              evaluation_data=validation, monitor_evaluation_accuracy=True,
                              checkpoint=lesson.checkpoint(f"{name} {run}"))
            curves[name].append(history.evaluation_accuracy)
            accuracies[name].append(net.accuracy(test))
            seconds[name] += history.seconds
            parameters[name] = net.parameters
    lesson.table(("", "parameters", "s an epoch", "validation, %", "test, %", "commonly promised"),
                 [(name, f"{parameters[name]:,}", f"{sum(seconds[name]) / len(seconds[name]):.1f}",
                   spread([curve[-1] for curve in curves[name]]), spread(accuracies[name]),
                   PROMISED if name == "deep" else "") for name in curves])
    said = compared(accuracies, "deep", "shallow")
    times = sum(seconds["deep"]) / sum(seconds["shallow"])
    plots.lines({"validation images that are right, percent": {
        name: [[100 * accuracy for accuracy in curve] for curve in curves[name]] for name in curves}},
        lesson.path("accuracy.png"), f"On the test images {said}",
        note=note(runs))
    lesson.take_away(
        f"With three convolutions {spread(accuracies['deep'])} % of the test images are right, with "
        f"two {spread(accuracies['shallow'])} %: {said}.  The deep one takes {times:.1f} times the "
        "time an epoch.",
        """The two differ in filters, padding and numbers of maps, too, as such networks do: it is not
        the depth alone that is measured.""",
        """A digit of 28 x 28 pixels is used up after three poolings.  Where images are larger, dozens
        of convolutions have something to do.""")
    return lesson.end(accuracy=accuracies["deep"], shallow=accuracies["shallow"], curves=curves,
                      parameters=parameters)


if __name__ == "__main__":
    raise SystemExit(command_line(main, FULL))
