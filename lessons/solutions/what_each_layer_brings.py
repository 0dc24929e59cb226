"""What changes without the dense layer, and what without dropout?  To lesson 3.3.0.

The exercise: take the dense layer of 100 out of the lesson's network, or its dropout, and train
each network three times before you believe a difference.

The answer: with 500 training images, dropout is worth 1 to 2 percentage points of the test images,
in every run.  Without the dense layer nothing changes that three runs can tell from chance, though
that layer holds two thirds of the parameters.

Without dropout all the training images are right in the end, and δ = a - y, (84), is near 0 for
each of them.  Nothing more is learnt: its curve is flat after some ten epochs.  Dropout leaves out
half of what a layer hears, another half each time, so no image is ever quite learnt.  That takes
time: in the first epochs the network with dropout is far behind, and whoever stops there believes
the contrary.

Two convolutions with ReLU, (112), have bent the images enough that softmax, (78), can part them,
from 640 numbers.  Without the dense layer the first epochs go better, as dropout acts once and not
twice.

    all layers      85,670 = 520 + 20,040 + 64,100 + 1,010 parameters
    no dense layer  26,970 = 520 + 20,040 + 6,410

    python -m lessons.solutions.what_each_layer_brings
"""

from pathlib import Path

import numpy as np

from lessons.network_3_3_0_standard import ETA, LMBDA_PER_IMAGE, MINI_BATCH_SIZE, P_DROPOUT
from nndl import ConvPool, Dense, Dropout, Network, ReLU, Softmax, load_mnist, plots
from nndl.comparing import compared, gained
from nndl.lesson import counted, note, solution, spread
from nndl.schedules import falling

WHOLE, NO_DENSE, NO_DROPOUT = "all layers", "no dense layer", "no dropout"
WATCHED = 500  # validation images, after each epoch


def build(name, seed=0):
    """The lesson's network, or what is left of it."""
    layers = [ConvPool(20, 5, init="he"), ConvPool(40, 5, init="he"),
              Dropout(P_DROPOUT), Dense(100, init="he"), ReLU(),
              Dropout(P_DROPOUT), Dense(10, init="he"), Softmax()]
    if name == NO_DENSE:
        del layers[3:6]  # and the dropout behind it
    if name == NO_DROPOUT:
        layers = [layer for layer in layers if not isinstance(layer, Dropout)]
    return Network(layers, seed=seed)


def main(epochs=40, train_size=500, runs=3, seed=0, out="pictures", test_size=10_000):
    """Train each three times.  Returns accuracies, fractions, by name; curves and parameters."""
    training, validation, test = load_mnist()
    few, watched, test = training[:train_size], validation[:WATCHED], test[:test_size]
    eta, lmbda = falling(ETA, epochs), LMBDA_PER_IMAGE * train_size
    names = WHOLE, NO_DENSE, NO_DROPOUT
    curves, by_heart, accuracies = ({name: [] for name in names} for _ in range(3))
    parameters = {}
    print(f"{counted(epochs, 'epoch')} on {train_size:,} images; right, %:\n"
          f"    {'':<16}{'parameters':>10}   {'training':<18} test")
    for name in names:
        for run in range(runs):
            net = build(name, seed + run)
            history = net.SGD(few, epochs, MINI_BATCH_SIZE, eta, lmbda, evaluation_data=watched,
                              monitor_evaluation_accuracy=True, progress=False)
            curves[name].append([100 * accuracy for accuracy in history.evaluation_accuracy])
            by_heart[name].append(net.accuracy(few))
            accuracies[name].append(net.accuracy(test))
        parameters[name] = net.parameters
        print(f"    {name:<16}{parameters[name]:>10,}   {spread(by_heart[name]):<18} "
              f"{spread(accuracies[name])}")
    said = {name: compared(accuracies, WHOLE, name) for name in (NO_DENSE, NO_DROPOUT)}
    print("Of the test images: " + ";\n    ".join(said.values()) + ".")
    whole, without = (np.mean(curves[name], axis=0) for name in (WHOLE, NO_DROPOUT))
    behind = int((np.cumsum(without > whole) == np.arange(1, epochs + 1)).sum())
    print(f"{counted(behind, 'epoch')} long the network with dropout reads fewer of {WATCHED} "
          "validation images than the one without.")
    brings = {name: gained(accuracies[name], accuracies[WHOLE]) for name in said}
    panel = f"the first {WATCHED} validation images that are wrong, percent, logarithmic"
    saved = plots.lines(
        {panel: {name: 100 - np.array(of_runs) for name, of_runs in curves.items()}},
        Path(out) / "solutions" / "what_each_layer_brings.png",
        f"In the end dropout brings {brings[NO_DROPOUT]} points on the test images, the dense "
        f"layer {brings[NO_DENSE]}", log=(panel,),
        note=note(runs, f"{train_size:,} training images"))
    print(f"saved: {saved}")
    return {"accuracies": accuracies, "by_heart": by_heart, "parameters": parameters,
            "behind": behind}


if __name__ == "__main__":
    raise SystemExit(solution(main))
