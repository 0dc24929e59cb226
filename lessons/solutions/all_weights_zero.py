"""A network that begins with all weights 0.  To lesson 2.2.

The exercise: begin with all weights 0 (init="zeros" in both layers).  Does it learn?  What are the
rows of the first layer's w afterwards?

The answer: as far as one hidden neuron would, for all of its hidden neurons are one.  To begin with
they have the same weights, 0.  So their activations are the same, and so become the weights from
them; by BP2 their errors are the same, by BP4 their gradients, and by (20) their weights after the
step.  (In the first step the first layer does not move at all: BP2 has the second layer's weights
as a factor.)  Nothing in training tells one hidden neuron from another, so nothing ever makes them
differ: all rows are the same.

That is so in exact arithmetic.  Where this was written the 30 rows are of two kinds, 28 that are
the same to the bit and 2.  The matrix product does its sums for the last two neurons in another
order, and they are rounded otherwise, in the seventh place.  That is enough: the difference becomes
hundreds of times as large in an epoch, and in the end the network reads half of the digits, about
as with two hidden neurons, which it now has.  In float64 the difference is smaller to begin with,
and it takes four epochs more.  With 32 neurons, which the processor does in equal portions, all
rows stay the same to the bit, and it reads a third.  (A network of one neuron reads a fifth: 32
that are one take 32 times its steps to the outputs.)

Neurons need to differ, and it does not matter in which layer.  With weights of 0 in the first layer
alone, or in the second alone, it comes to read as many digits as with the default ones.

    python -m lessons.solutions.all_weights_zero
"""

from pathlib import Path

import numpy as np

from lessons.network_2_2_weight_initialisation import ETA, LMBDA_PER_IMAGE, MINI_BATCH_SIZE
from nndl import Dense, Network, Sigmoid, load_mnist, plots
from nndl.comparing import compared, counted
from nndl.lesson import note, percent, solution, spread

NETWORKS = {  # hidden neurons, how the first and the second layer's weights begin, dtype
    "both layers 0": (30, "zeros", "zeros", "float32"),
    "both layers 0, float64": (30, "zeros", "zeros", "float64"),
    "both layers 0, 32 neurons": (32, "zeros", "zeros", "float32"),
    "first layer 0": (30, "zeros", "default", "float32"),
    "second layer 0": (30, "default", "zeros", "float32"),
    "default": (30, "default", "default", "float32"),
    "default, 1 neuron": (1, "default", "default", "float32"),
    "default, 2 neurons": (2, "default", "default", "float32")}


def apart(net):
    """The largest difference between two rows of the first layer's w, at the same input."""
    return float(np.ptp(net.layers[1].w, axis=0).max())


def kinds_of_row(net):
    """How many different rows the first layer's w has."""
    return len(np.unique(net.layers[1].w, axis=0))


def main(epochs=15, train_size=5000, runs=3, seed=0, out="pictures"):
    """Train them all.  Returns test accuracies, curves, and what the rows are, by network."""
    training, validation, test = load_mnist()
    training, some = training[:train_size], validation[:3000]
    measured = {}
    print(f"784-30-10, {counted(epochs, 'epoch')} on {train_size:,} images, "
          f"{counted(runs, 'run')} of each")
    print(f"    {'begins with':<26} {'test, %':<20} different rows of w   and how far apart")
    for name, (neurons, first, second, dtype) in NETWORKS.items():
        measured[name] = row = {"test": [], "curve": [], "apart": [], "rows": []}
        for run in range(runs):
            net = Network([Dense(neurons, init=first), Sigmoid(),
                           Dense(10, init=second), Sigmoid()], seed=seed + run, dtype=dtype)
            history = net.SGD(training, epochs, MINI_BATCH_SIZE, ETA, LMBDA_PER_IMAGE * train_size,
                              evaluation_data=some, monitor_evaluation_accuracy=True,
                              monitors={"apart": apart}, progress=False)
            row["test"].append(net.accuracy(test))
            row["curve"].append(history.evaluation_accuracy)
            row["apart"].append(history.measured["apart"])
            row["rows"].append(kinds_of_row(net))
        kinds, far = " ".join(map(str, row["rows"])), max(run[-1] for run in row["apart"])
        print(f"    {name:<26} {spread(row['test'], 1):<20} {kinds:<21} {far:.1g}")
    tests = {name: row["test"] for name, row in measured.items()}
    print("Of the test images: " + "; ".join(compared(tests, *pair) for pair in (
        ("both layers 0", "default, 1 neuron"), ("both layers 0", "default, 2 neurons"),
        ("first layer 0", "default"), ("second layer 0", "default"))) + ".")
    drawn = [name for name in NETWORKS if name not in ("first layer 0", "second layer 0")]
    kinds = max(measured["both layers 0"]["rows"])
    reads, default = (percent(np.mean(tests[name]), 0) for name in ("both layers 0", "default"))
    heading = "largest difference between two rows of w, logarithmic"
    saved = plots.lines(
        {"validation images that are right, percent": {
            name: [[100 * a for a in curve] for curve in measured[name]["curve"]]
            for name in drawn},
         heading: {name: measured[name]["apart"] for name in drawn
                   if np.min(measured[name]["apart"]) > 0}},  # a logarithm has no 0
        Path(out) / "solutions" / "all_weights_zero.png",
        f"From weights of 0 come {counted(kinds, 'kind')} of row in w, and {reads} % of the test "
        f"images are read; from default weights {default} %",
        log=(heading,), note=note(runs))
    print(f"saved: {saved}")
    return measured


if __name__ == "__main__":
    raise SystemExit(solution(main))
