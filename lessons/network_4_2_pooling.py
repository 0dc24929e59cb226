"""4.2  Does it matter how the maps become smaller: max-pooling, L2 pooling, or a larger stride?

Book: chapter 6, "Introducing convolutional networks" (pooling layers).
Before: 3.0.0, 4.1.
Next: 4.3, backpropagation through convolution and pooling.

    python -m lessons 4.2          4 epochs on 5,000 images, three runs of each
    python -m lessons 4.2 --full   10 epochs on all 50,000, three runs of each

Steps through: max_pool_forward, max_pool_backward and their L2 twins in nndl/ops/pool_numpy.py.

Measured in 0.4 minutes: Of the test images are right: max-pooling 94.27 ± 0.31 (3) %; L2 pooling
    94.51 ± 0.40 (3) %; stride 2 92.73 ± 0.33 (3) %. L2 pooling and max-pooling overlap, their means
    0.24 points apart; max-pooling came out ahead of stride 2 in every run, by 1.55 points on
    average (chance alone: 1 in 10).

Exercises
1. Overlapping windows, ConvPool(20, 5, pool_size=3, pool_stride=2): is there a difference that the
   runs do not make themselves?  Worked: solutions/overlapping_pools.py
"""

import numpy as np

from nndl import Conv, ConvPool, Dense, Network, ReLU, Softmax, load_mnist, plots
from nndl.comparing import compared
from nndl.data.expand import shifted
from nndl.lesson import Lesson, command_line, counted, spread

ETA, LMBDA, MINI_BATCH_SIZE = 0.03, 1.0, 10
MOVED = 1_000  # validation images that are moved by a pixel
FULL = {"epochs": 10, "train_size": 50_000, "runs": 3}


def build_network(name, backend=None, seed=0):
    """One convolution and a dense layer; 20 maps of 12 x 12 between them, made in one of three ways."""
    maps = {
        "max-pooling": [ConvPool(20, 5, pool="max")],  # (m, 1, 28, 28) -> 24 x 24 -> (m, 20, 12, 12)
        "L2 pooling": [ConvPool(20, 5, pool="l2")],    #                -> 24 x 24 -> (m, 20, 12, 12)
        "stride 2": [Conv(20, 5, stride=2), ReLU()],   #                           -> (m, 20, 12, 12)
    }[name]
    return Network([
        *maps,
        Dense(100), ReLU(),                            # (m, 2880) -> (m, 100)
        Dense(10), Softmax(),                          #           -> (m, 10)
    ], backend=backend, seed=seed)


NAMES = "max-pooling", "L2 pooling", "stride 2"


def main(epochs=4, train_size=5_000, backend=None, seed=0, out="pictures", runs=3):
    """Train each several times.  Returns accuracies, changes and seconds an epoch, by name."""
    lesson = Lesson(__file__, out, epochs=epochs, train_size=train_size, backend=backend, seed=seed,
                    runs=runs)
    lesson.idea("""
        Once a feature is found, it matters little where exactly.  So the book puts a pooling layer
        behind the convolution, which keeps of each 2 x 2 neurons one number: the largest, or the root
        of the sum of squares.  A quarter of the numbers is left, and the next layer has a quarter of
        the weights.

        One can have that more cheaply: let the filter move two pixels at a time, and only compute the
        quarter that is kept.  Then nobody looks at the neurons in between.

        Pooling is also said to make the network less sensitive to where a digit stands.  That can be
        measured: move the digits by one pixel and see how much the pooled maps change.""")
    lesson.mathematics("""
        max:       p_jk = max over the four a_(2j+l, 2k+m), l, m = 0, 1
        L2:        p_jk = sqrt(Σ a_(2j+l, 2k+m)²)
        stride 2:  a_jk = max(0, b + Σ_l Σ_m w_lm x_(2j+l, 2k+m))          (125), (112), every other
        change of maps = ‖p(moved x) - p(x)‖ / ‖p(x) - p(no ink)‖          a mean over digits""")
    lesson.network(build_network(NAMES[0], backend, seed), "The network, here with max-pooling")
    lesson.network(build_network(NAMES[-1], backend, seed), "With a stride of 2: as many parameters")

    training, validation, test = load_mnist()
    curves, accuracies, changes, seconds = ({name: [] for name in NAMES} for _ in range(4))
    for name in NAMES:
        lesson.step(f"""{name}: {counted(runs, "run")} of {counted(epochs, "epoch")} on
                    {train_size:,} images, η = {ETA:g}, λ = {LMBDA:g}""")
        for run in range(runs):
            net = build_network(name, backend, seed + run)
            history = net.SGD(training[:train_size], epochs, MINI_BATCH_SIZE, ETA, LMBDA,
                              evaluation_data=validation, monitor_evaluation_accuracy=True,
                              checkpoint=lesson.checkpoint(f"{name} {run}"))
            curves[name].append(history.evaluation_accuracy)
            seconds[name].append(min(history.seconds))
            changes[name].append(change_of_maps(net, validation.images[:MOVED]))
            accuracies[name].append(net.accuracy(test))

    lesson.table(("", "validation after 1 epoch, %", "after all, %", "test, %",
                  "maps change by a pixel's move, %", "s an epoch"),
                 [(name, spread([curve[0] for curve in curves[name]]),
                   spread([curve[-1] for curve in curves[name]]), spread(accuracies[name]),
                   spread(changes[name], 1), f"{min(seconds[name]):.1f}") for name in NAMES])
    said = "; ".join(compared(accuracies, name, "max-pooling") for name in NAMES[1:])
    steadier = [name for name in NAMES[:2] if max(changes[name]) < min(changes["stride 2"])]
    plots.dots({name: [100 * accuracy for accuracy in accuracies[name]] for name in NAMES},
               lesson.path("accuracy.png"), said[0].upper() + said[1:],
               "test images that are right, percent",
               note=f"{counted(epochs, 'epoch')} on {train_size:,} images")
    plots.dots({name: [100 * change for change in changes[name]] for name in NAMES},
               lesson.path("change.png"),
               "When a digit moves by one pixel the maps change by " + ", ".join(
                   f"{spread([np.mean(changes[name])], 0)} % ({name})" for name in NAMES),
               "change of the maps, percent of what the digit makes of them")
    lesson.take_away(
        "Of the test images are right: " + "; ".join(f"{name} {spread(accuracies[name])} %"
                                                      for name in NAMES)
        + f".  {said[0].upper()}{said[1:]}.",
        "When a digit moves by one pixel the maps change by " + ", ".join(
            f"{spread(changes[name], 0)} % ({name})" for name in NAMES) + ".  " + (
            f"In every run less than with a stride of 2: {' and '.join(steadier)}." if steadier else
            "That pooling makes them steadier than a stride of 2 does is not seen here."),
        f"""The stride takes {min(seconds['stride 2']) / min(seconds['max-pooling']):.2f} times as long
        an epoch as max-pooling.""")
    return lesson.end(accuracies=accuracies, curves=curves, changes=changes, seconds=seconds,
                      steadier=steadier)


def change_of_maps(net, images):
    """How much the maps that the dense layer sees change when a digit moves one pixel to the right.

    Relative to what the ink makes of them: where there is none they are not 0, because of the biases.
    """
    there, moved, empty = (maps(net, x) for x in (images, shifted(images, 0, 1),
                                                  np.zeros_like(images[:1])))
    return float(np.mean(np.linalg.norm(moved - there, axis=1)
                         / np.linalg.norm(there - empty, axis=1)))


def maps(net, images):
    """What the layers before the first dense one make of images (m, 28, 28), as rows."""
    a = (images[:, None] / 256).astype(net.dtype)
    with net.ops.running():
        for layer in net.layers:
            if isinstance(layer, Dense):
                return a.copy()  # rows already: a Flatten stands before it
            a = layer.forward(a, training=False)


if __name__ == "__main__":
    raise SystemExit(command_line(main, FULL))
