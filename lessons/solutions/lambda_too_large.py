"""What becomes of overfitting, of reading and of the weights with λ = 10.  To lesson 2.1.

The exercise: λ = 10 on the lesson's 1,000 images.  Does it overfit still?  What does it read, and
what has become of the weights?

The answer: it overfits less, and reads no better for it.  Without λ the training images are learnt
to 100 %, and some 82 % of the test images are read.  With λ = 10 only some 88 % of the training
images are, and some 81 % of the test images are read.  The gap between training and validation
images is half as wide, but because the training images have come down.  λ = 1 reads 87 %.

The weights have shrunk to a twentieth of their size in the first layer, to a quarter in the
second.  They come to rest where a step's decay, ηλ/n w, takes from them what its gradient gives,
(93).  With weights so small the outputs do not come near 0 and 1: the largest of the ten is 0.6 on
average, 0.84 without λ.

And the network forgets.  What a step has given to a weight is down to 1/e of it after n/(ηλ) = 200
steps, two epochs.  So the weights are made of what the last mini-batches happened to hold, and the
accuracy jumps by two points from one epoch to the next.  With a tenth of η it remembers ten times
as long, and C is the same: it reads some 5 points more, jumps by a quarter of a point, and is ahead
of the network without λ.  So much of the harm was done by ηλ/n, not by λ alone.  λ = 1 with the
lesson's η is ahead of both.

    python -m lessons.solutions.lambda_too_large
"""

from pathlib import Path

import numpy as np

from lessons.network_2_1_overfitting import ETA, MINI_BATCH_SIZE, build_network
from nndl import load_mnist, plots
from nndl.comparing import compared, counted
from nndl.lesson import note, percent, solution, spread

SETTINGS = {"λ = 0": (0.0, ETA), "λ = 0.1": (0.1, ETA), "λ = 1": (1.0, ETA), "λ = 10": (10.0, ETA),
            f"λ = 10, η = {ETA / 10:g}": (10.0, ETA / 10)}  # on 1,000 images


def size_of(layer):
    """The root of the mean square of a layer's weights, after each epoch: a monitor."""
    return lambda net: float(np.sqrt(np.square(net.layers[layer].w, dtype=float).mean()))


def main(epochs=60, train_size=1000, runs=3, seed=0, out="pictures"):
    """Train with each λ.  Returns accuracies, sizes of w, largest outputs and jumps, by setting."""
    training, validation, test = load_mnist()
    training, some = training[:train_size], validation[:3000]
    measured = {}
    print(f"784-30-10, {train_size:,} images, {counted(epochs, 'epoch')}, "
          f"{counted(runs, 'run')} of each")
    print(f"    {'':<18} {'training, %':<18} {'gap':>5}  {'test, %':<18} size of w     largest  "
          "moves by, points")
    for name, (lmbda, eta) in SETTINGS.items():
        measured[name] = row = {what: [] for what in ("training", "curve", "test", "largest",
                                                      "first", "second")}
        for run in range(runs):
            net = build_network(seed=seed + run)
            history = net.SGD(training, epochs, MINI_BATCH_SIZE, eta, lmbda * train_size / 1000,
                              evaluation_data=some, monitor_evaluation_accuracy=True,
                              monitors={"first": size_of(1), "second": size_of(3)},
                              progress=False)
            row["training"].append(net.accuracy(training))
            row["curve"].append(history.evaluation_accuracy)
            row["test"].append(net.accuracy(test))
            row["largest"].append(float(net.feedforward(test.images).max(axis=1).mean()))
            for layer in ("first", "second"):
                row[layer].append(history.measured[layer])
        last = [curve[-1] for curve in row["curve"]]
        row["gap"] = float(np.mean(row["training"]) - np.mean(last))
        row["jump"] = float(np.abs(np.diff(np.array(row["curve"])[:, epochs // 2:])).mean())
        sizes = " ".join(f"{np.mean([run[-1] for run in row[layer]]):.3f}"
                         for layer in ("first", "second"))
        print(f"    {name:<18} {spread(row['training'], 1):<18} {percent(row['gap'], 1):>5}  "
              f"{spread(row['test'], 1):<18} {sizes:<13} {np.mean(row['largest']):>6.2f}  "
              f"{percent(row['jump']):>8}")
    tests = {name: row["test"] for name, row in measured.items()}
    slower = list(SETTINGS)[-1]
    print("Of the test images: " + "; ".join(compared(tests, *pair) for pair in (
        ("λ = 0", "λ = 10"), ("λ = 10", slower), ("λ = 0", slower), ("λ = 1", slower))) + ".")
    shown = [name for name in SETTINGS if name != "λ = 0.1"]
    heading = "size of the first layer's w, √ mean w², logarithmic"
    saved = plots.lines(
        {"validation images that are right, percent": {
            name: [[100 * a for a in curve] for curve in measured[name]["curve"]]
            for name in shown},
         heading: {name: measured[name]["first"] for name in shown}},
        Path(out) / "solutions" / "lambda_too_large.png",
        "Test images read: " + ", ".join(f"{percent(np.mean(tests[name]), 1)} % ({name})"
                                         for name in shown),
        log=(heading,),
        note=note(runs, f"{train_size:,} images", f"η = {ETA:g} where nothing else is said"))
    print(f"saved: {saved}")
    return measured


if __name__ == "__main__":
    raise SystemExit(solution(main))
