"""4.4  What happens to a network's answer when the digit moves a few pixels?

Book: chapter 6, "Introducing convolutional networks" (translation invariance).
Before: 3.0.1, 4.2.
Next: 4.5, other activations and other filters.

    python -m lessons 4.4          4 epochs on 10,000 images, two runs of each network
    python -m lessons 4.4 --full   20 epochs on all 50,000, one run of each

Steps through: shifted in nndl/data/expand.py; distorted in nndl/data/distort.py; im2col in
nndl/ops/conv_numpy.py.

Measured in 0.4 minutes: Moved by 4 pixels, of the digits are right: dense 23.6 ± 1.0 (2) %;
    convolutional 54.0 ± 1.3 (2) %; convolutional, on moved digits 91.7 ± 0.7 (2) %.

Exercises
1. The book's (ch. 6): rotations, skews and translations on the fly.  Worked:
   solutions/distortions_on_the_fly.py
2. Move the digits up and down instead.  Is it the same, and if not, what is different about digits?
   Worked: solutions/up_and_down.py
"""

import numpy as np

from nndl import ConvPool, Dense, Network, ReLU, Softmax, load_mnist, plots
from nndl.data.distort import distorted
from nndl.data.expand import shifted
from nndl.lesson import Lesson, command_line, counted, note, percent, spread

ETA, LMBDA, MINI_BATCH_SIZE = 0.03, 1.0, 10
SHIFTS = range(-10, 11)  # pixels to the right
MOVED = 1_000            # test images that are moved
DIGIT = 0                # the test image whose outputs are drawn
AT_RANDOM = 4.0          # pixels at most by which the third network's training images are moved
FULL = {"epochs": 20, "train_size": 50_000, "runs": 1}
NAMES = "dense", "convolutional", "convolutional, on moved digits"


def build_network(name, backend=None, seed=0):
    """784-100-10, or two convolutions before such a hidden layer."""
    convolutions = [] if name == "dense" else [
        ConvPool(20, 5),    # (m, 1, 28, 28) -> (m, 20, 12, 12)
        ConvPool(40, 5),    #                -> (m, 40, 4, 4)
    ]
    return Network([
        *convolutions,
        Dense(100), ReLU(),    # (m, 784) or (m, 640) -> (m, 100)
        Dense(10), Softmax(),  #                      -> (m, 10)
    ], backend=backend, seed=seed)


def main(epochs=4, train_size=10_000, backend=None, seed=0, out="pictures", runs=2):
    """Train, then move the test digits.  Returns accuracies by name, a list for each run."""
    lesson = Lesson(__file__, out, epochs=epochs, train_size=train_size, backend=backend, seed=seed,
                    runs=runs)
    lesson.idea("""
        A feature map asks the same question everywhere.  Move the digit, and the map's answers move
        with it, unchanged; behind the pool they move half as far.  So convolutional networks are said
        to be indifferent to where a digit stands.

        But the maps have moved, and the dense layer behind them has a weight for each place.  What the
        whole network makes of it is a matter to be measured.  Digits are moved to the left and to the
        right, pixel by pixel, before a dense network, a convolutional one, and a third that has been
        trained on digits that were moved at random.""")
    lesson.mathematics("""
        x'_(j, k) = x_(j, k-s)     z_jk = b + Σ_l Σ_m w_lm x_(j+l, k+m)     so z'_(j, k) = z_(j, k-s)
        and for s = 2 behind a pool of 2 x 2:  p'_(j, k) = p_(j, k-1)                   from (125)""")
    lesson.network(build_network("convolutional", backend, seed), "The convolutional network")

    training, validation, test = load_mnist()
    few = training[:train_size]
    data = {"dense": few, "convolutional": few, "convolutional, on moved digits": distorted(
        few, rotation=0, scale=0, shear=0, shift=AT_RANDOM, elastic=0)}
    digits, labels = test[:MOVED]
    moved = {s: shifted(digits, 0, s) for s in SHIFTS}
    curves, accuracies, outputs = {name: [] for name in NAMES}, {name: [] for name in NAMES}, {}
    for name in NAMES:
        lesson.step(f"""{name}: {counted(runs, "run")} of {counted(epochs, "epoch")} on
                    {train_size:,} images, η = {ETA:g}, λ = {LMBDA:g}""")
        for run in range(runs):
            net = build_network(name, backend, seed + run)
            net.SGD(data[name], epochs, MINI_BATCH_SIZE, ETA, LMBDA, evaluation_data=validation,
                    monitor_evaluation_accuracy=True, checkpoint=lesson.checkpoint(f"{name} {run}"))
            answers = {s: net.feedforward(moved[s]) for s in SHIFTS}
            curves[name].append([float(np.mean(answers[s].argmax(axis=1) == labels)) for s in SHIFTS])
            accuracies[name].append(net.accuracy(test))
            if run == 0:
                outputs[name] = np.array([answers[s][DIGIT] for s in SHIFTS])
            if name == "convolutional" and run == 0:
                exact = equivariance(net, digits[:100])

    def at(name, pixels):
        """The accuracies at so many pixels to the left and to the right, their mean for each run."""
        return [(curve[SHIFTS.index(-pixels)] + curve[SHIFTS.index(pixels)]) / 2
                for curve in curves[name]]

    lost = {s: 1 - moved[s].sum(dtype=float) / digits.sum(dtype=float) for s in SHIFTS}
    lesson.table(("pixels, left and right", *NAMES, "ink that has left, %"),
                 [(pixels, *(spread(at(name, pixels), 1) for name in NAMES),
                   percent((lost[pixels] + lost[-pixels]) / 2, 1))
                  for pixels in (0, 1, 2, 3, 4, 6, 8, 10)],
                 f"Measured: {MOVED:,} test images that are right, %")
    lesson.table(("", "test images as they are, %"),
                 [(name, spread(accuracies[name])) for name in NAMES], "All 10,000 test images")

    bearable = {name: bears(np.mean(curves[name], axis=0)) for name in NAMES}
    said = ", ".join(f"{words(pixels)} ({name})" for name, pixels in bearable.items())
    heading, label = f"right of {MOVED:,} test images, percent", int(labels[DIGIT])
    plots.lines({heading: {name: (SHIFTS, [[100 * a for a in curve] for curve in curves[name]])
                           for name in NAMES}}, lesson.path("accuracy.png"),
                f"At least 90 % are right {said}",
                "pixels to the right", levels={heading: {"guessing": 10}},
                note=note(runs))
    others = {name: np.delete(outputs[name], label, axis=1).max(axis=1) for name in NAMES}
    plots.lines({f"{name}: probability": {f"output {label}": (SHIFTS, outputs[name][:, label]),
                                          "largest other": (SHIFTS, others[name])}
                 for name in NAMES},
                lesson.path("outputs.png"),
                f"The first test image, a {label}, is read from " + ", ".join(
                    f"{read[0]} to {read[-1]} ({name})" if read else f"nowhere ({name})"
                    for name, read in reading(outputs, label).items()) + " pixels to the right",
                "pixels to the right", note="of the first run of each")
    plots.rows_of_images([(f"moved by {s} pixels", moved[s][:8] / 256) for s in (-8, -4, 0, 4, 8)],
                         lesson.path("digits.png"),
                         f"{percent((lost[4] + lost[-4]) / 2, 1)} % of the ink has left the image at "
                         f"4 pixels, {percent((lost[8] + lost[-8]) / 2, 0)} % at 8")
    lesson.take_away(
        "Moved by 4 pixels, of the digits are right: " + "; ".join(
            f"{name} {spread(at(name, 4), 1)} %" for name in NAMES) + ".",
        f"""The maps themselves do move along with the digit: two pixels to the right and the pooled
        maps are {f"the same, to {exact:.0e}" if exact else "exactly the same"}, one place to the right.
        That is what convolution gives.  The dense layer behind them has learned for each place what it
        means there.""",
        f"At least 90 % are right {said}.  In the training images of the third network the digits were "
        f"moved by up to {AT_RANDOM:g} pixels, across and down.")
    return lesson.end(curves=curves, accuracies=accuracies, equivariance=exact, bearable=bearable,
                      moved_4={name: at(name, 4) for name in NAMES})


def equivariance(net, digits):
    """How far the first pooled maps of digits moved by two pixels are from those maps, moved by one."""
    def pooled(images):
        with net.ops.running():
            return net.layers[0].forward((images[:, None] / 256).astype(net.dtype)).copy()

    return float(np.abs(pooled(shifted(digits, 0, 2))[..., 1:] - pooled(digits)[..., :-1]).max())


def bears(curve, least=0.9):
    """By how many pixels either way digits may move with so many right; None: not even unmoved."""
    pixels = 0
    while pixels in SHIFTS and min(curve[SHIFTS.index(s)] for s in (pixels, -pixels)) >= least:
        pixels += 1
    return pixels - 1 if pixels else None


def words(pixels):
    """What bears has found, in words."""
    if not pixels:
        return "nowhere" if pixels is None else "only unmoved"
    return f"up to {counted(pixels, 'pixel')} either way"


def reading(outputs, label):
    """{name: the shifts around 0, without a gap, at which the digit is read rightly}."""
    found = {}
    for name, rows in outputs.items():
        right = dict(zip(SHIFTS, rows.argmax(axis=1) == label))
        low = high = 0
        while right.get(low - 1):
            low -= 1
        while right.get(high + 1):
            high += 1
        found[name] = list(range(low, high + 1)) if right[0] else []
    return found


if __name__ == "__main__":
    raise SystemExit(command_line(main, FULL))
