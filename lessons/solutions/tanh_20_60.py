"""The convolutional network with tanh, for 20 and for 60 epochs.  Book ch. 6.

The exercise: train the network with tanh instead of sigmoids, with the same hyper-parameters, and look
at the validation accuracy epoch by epoch, up to 60.

The answer: tanh is far ahead at first, and within 20 epochs it has come to all that it will reach; the
sigmoid network gains another tenth of a percent from there, and in the end they are equally good.
Both have the same functions to choose from, (111); but tanh's outputs are around 0 and its slope at
most 1, not 1/4, so that with the same η it takes larger steps.

A short run is made here; 20 and 60 epochs on all images are read from the results of
`nndl reproduce 6.tanh.20 6.tanh.60 6.two`.

    python -m lessons.solutions.tanh_20_60
"""

from pathlib import Path

import numpy as np

from nndl import Network, load_mnist, plots
from nndl.experiments import EXPERIMENTS
from nndl.lesson import note, percent, solution, spread
from nndl.reproduce import results

FOLDER = Path(__file__).parents[2] / "benchmarks" / "results" / "reproduce"
NAMES = {"tanh": "6.tanh.60", "sigmoid": "6.two"}
ETA, MINI_BATCH_SIZE = 0.1, 10
PANEL = "validation images that are right, percent"


def main(epochs=3, train_size=3000, seed=0, out="pictures"):
    """A short run of both, and the long ones.  Returns accuracies, fractions."""
    training, validation, _ = load_mnist()
    short = {}
    print(f"{epochs} epochs on {train_size:,} images; validation images right after each, %:")
    for kind, name in NAMES.items():
        net = Network(EXPERIMENTS[name].layers(), seed=seed)
        short[kind] = net.SGD(training[:train_size], epochs, MINI_BATCH_SIZE, ETA, progress=False,
                              evaluation_data=validation[:3000],
                              monitor_evaluation_accuracy=True).evaluation_accuracy
        print(f"    {kind:<8} {'  '.join(map(percent, short[kind]))}")

    runs = {name: results(EXPERIMENTS[name], FOLDER)
            for name in ("6.tanh.20", *NAMES.values())}
    if not all(runs.values()):
        print(f"In {FOLDER} are no results of `nndl reproduce {' '.join(runs)}`.")
        return {"short": short, "test": None}
    test = {name: [run["test_accuracy"][-1] for run in those] for name, those in runs.items()}
    curves = {kind: [run["validation_accuracy"] for run in runs[name]] for kind, name in NAMES.items()}
    print("On 50,000 images, test images right after the last epoch, %:")
    for name, accuracies in test.items():
        print(f"    {EXPERIMENTS[name].what:<46} {spread(accuracies)}")
    mean = {kind: np.mean(curve, axis=0) for kind, curve in curves.items()}
    later = float(mean["tanh"][-1] - mean["tanh"][19])
    climbs = float(mean["sigmoid"][-1] - mean["sigmoid"][19])
    print(f"From epoch 20 to 60 tanh gains {percent(later)} percentage points of the validation "
          f"images, sigmoid {percent(climbs)}.")
    first = {kind: float(curve[0]) for kind, curve in mean.items()}
    print(f"After the first epoch tanh is right for {percent(first['tanh'])} %, sigmoid for "
          f"{percent(first['sigmoid'])} %.")
    saved = plots.lines(
        {PANEL: {kind: 100 * np.array(curve) for kind, curve in curves.items()}},
        Path(out) / "solutions" / "tanh_20_60.png",
        f"From epoch 20 to 60 tanh gains {percent(later)} points, sigmoid {percent(climbs)}",
        note=note(len(curves["tanh"])))
    print(f"saved: {saved}")
    return {"short": short, "test": test, "first": first, "later": later, "climbs": climbs}


if __name__ == "__main__":
    raise SystemExit(solution(main))
