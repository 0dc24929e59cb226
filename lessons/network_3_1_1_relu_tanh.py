"""3.1.1  Does ReLU learn twice as fast as tanh, and is tanh anything but a sigmoid in other clothes?

Book: chapter 6, the problem on tanh in "Convolutional neural networks in practice"; chapter 3, "Other
    models of artificial neuron".
Before: 3.1.0.
Next: 3.1.2, what activations do to gradients in deep networks.

    python -m lessons 3.1.1          4 epochs on 10,000 images, two runs of each
    python -m lessons 3.1.1 --full   30 epochs on all 50,000, one run of each

Steps through: tanh_forward and tanh_backward in nndl/ops/activation_numpy.py (--backend numpy).

Measured in 0.3 minutes: ReLU comes to 0.5 points below the best that both reach in 2.9, 3.0 epochs,
    tanh in 2.4, 1.4: 0.8, 0.5 times as fast. On the test images tanh came out ahead of ReLU in
    every run, by 0.49 points on average (chance alone: 1 in 3).

Exercises
1. The book's (ch. 6): the network with tanh, for 20 and for 60 epochs.  Worked:
   solutions/tanh_20_60.py
2. The book's (ch. 3): rescale a tanh network into a sigmoid one.  as_sigmoids below does it for this
   network; on paper: Worked: solutions/sigmoid_and_tanh.py
3. Train what as_sigmoids returns for one more epoch, and the tanh network too.  Are they still equal?
   Worked: solutions/after_rescaling.py
"""

import math

import numpy as np

from nndl import ConvPool, Dense, Network, ReLU, Sigmoid, Softmax, Tanh, load_mnist, plots
from nndl.comparing import compared
from nndl.lesson import Lesson, command_line, counted, note, percent, spread

# ReLU's learning rate is the book's; tanh's is the better of 0.03 and 0.1 on the validation images.
# After 2 epochs on 5,000 images tanh was ahead of ReLU at either of the two rates that ReLU was given.
ETA = {"ReLU": 0.03, "tanh": 0.1}
ACTIVATIONS = {"ReLU": ReLU, "tanh": Tanh, "sigmoid": Sigmoid}
MINI_BATCH_SIZE = 10
FULL = {"epochs": 30, "train_size": 50_000, "runs": 1}
BOOK = {"ReLU": "99.23", "tanh": ""}  # percent of the test images, after 60 epochs, with λ = 1
GUESSING = 0.1  # of ten digits
BELOW = 0.005   # the best that both reach, this comes before it: a level that is passed clearly
CLAIM = 2  # "ReLU converges twice as fast as tanh"


def build_network(name, backend=None, seed=0):
    """The book's two convolutions and dense layer, with one activation or another."""
    activation = ACTIVATIONS[name]
    return Network([
        ConvPool(20, 5, activation=activation.name),   # (m, 1, 28, 28) -> (m, 20, 12, 12)
        ConvPool(40, 5, activation=activation.name),   #                -> (m, 40, 4, 4)
        Dense(100), activation(),                      #                -> (m, 100)
        Dense(10), Softmax(),                          #                -> (m, 10)
    ], backend=backend, seed=seed)


def as_sigmoids(net, backend=None):
    """A sigmoid network that says the same as this tanh network.  Book (111).

    tanh(z) = 2σ(2z) - 1.  So a neuron that gets s = (a + 1)/2 for each a needs w a + b =
    2w s + (b - Σw), and one that is a sigmoid itself needs twice that.  Pooling minds neither.
    """
    twin = build_network("sigmoid", backend)
    pairs = [(tanh, sigmoid) for tanh, sigmoid in zip(net.layers, twin.layers) if tanh.parameters]
    for number, (tanh, sigmoid) in enumerate(pairs):
        w, b = tanh.w, tanh.b
        if number > 0:                                     # behind sigmoids
            b = b - w.reshape(len(w), -1).sum(axis=1)      # (n_out,) or (f,)
            w = 2 * w
        doubled = 1 if number == len(pairs) - 1 else 2     # the softmax layer stays what it is
        sigmoid.w[...], sigmoid.b[...] = doubled * w, doubled * b
    return twin


def main(epochs=4, train_size=10_000, backend=None, seed=0, out="pictures", runs=2):
    """Train both, and turn the tanh network into one of sigmoids.  Returns accuracies, fractions:
    of ReLU under "accuracy", and by name."""
    lesson = Lesson(__file__, out, epochs=epochs, train_size=train_size, backend=backend, seed=seed,
                    runs=runs)
    lesson.idea("""
        tanh runs from -1 to 1 where the sigmoid runs from 0 to 1, and it is otherwise the same curve:
        for each network of the one kind there is a network of the other that says the same.  But they
        do not learn in the same way.  tanh's slope is up to 1, the sigmoid's up to 1/4, and what tanh
        neurons hand on has both signs, so that a neuron's weights need not all grow or all shrink at
        once.

        ReLU has slope 1 too, but over half of its range instead of only near 0.  That it converges
        twice as fast as tanh is often said; here the epochs are counted.""")
    lesson.mathematics("""
        tanh(z) = (e^z - e^-z)/(e^z + e^-z)        slope 1 - tanh²(z) <= 1          (110)
        σ(z) = (1 + tanh(z/2))/2, or tanh(z) = 2σ(2z) - 1                           (111)
        w a + b = 2w s + (b - Σw)                  for a = 2s - 1: the same neuron behind sigmoids
        max(0, z)                                  slope 0 or 1                     (112)""")
    z = np.linspace(-4, 4, 401)
    sigmoid = 1 / (1 + np.exp(-z))
    plots.lines(
        {"activation": {"σ(z)": (z, sigmoid), "tanh(z)": (z, np.tanh(z)),
                        "ReLU": (z[:251], np.maximum(0, z)[:251])},
         "its slope": {"σ(z)": (z, sigmoid * (1 - sigmoid)), "tanh(z)": (z, 1 - np.tanh(z) ** 2),
                       "ReLU": (z, (z > 0).astype(float))}},
        lesson.path("activations.png"), "tanh is the sigmoid, stretched: in the middle it is four "
        "times as steep", x="weighted input z")
    lesson.network(build_network("ReLU", backend, seed), "The network, here with ReLU")

    training, validation, test = load_mnist()
    curves, accuracies, nets = {}, {}, {}
    for name in ETA:
        lesson.step(f"""{name}: {counted(runs, "run")} of {counted(epochs, "epoch")} on
                    {train_size:,} images, η = {ETA[name]:g}""")
        curves[name], accuracies[name] = [], []
        for run in range(runs):
            nets[name] = net = build_network(name, backend, seed + run)
            history = net.SGD(training[:train_size], epochs, MINI_BATCH_SIZE, ETA[name],
                              evaluation_data=validation, monitor_evaluation_accuracy=True,
                              checkpoint=lesson.checkpoint(f"{name} {run}"))
            curves[name].append(history.evaluation_accuracy)
            accuracies[name].append(net.accuracy(test))

    some = test.images[:1000]
    apart = float(np.abs(nets["tanh"].feedforward(some)
                         - as_sigmoids(nets["tanh"], backend).feedforward(some)).max())
    lesson.step(f"""The last tanh network, with its weights and biases rescaled, as a network of
                sigmoids: over 1,000 images no output differs by more than {apart:.1g}.""")

    pairs = [head_start({name: curves[name][run] for name in ETA}) for run in range(runs)]
    levels = [level for level, _ in pairs]
    epochs_of = {name: [epochs_of[name] for _, epochs_of in pairs] for name in ETA}
    learnt = all(map(math.isfinite, epochs_of["ReLU"] + epochs_of["tanh"]))
    times = [tanh / relu for relu, tanh in zip(epochs_of["ReLU"], epochs_of["tanh"])] if learnt else []
    lesson.table(("", "validation after 1 epoch, %", "after all, %",
                  f"{', '.join(map(percent, levels))} % after epochs", "test, %",
                  "book, 60 epochs on 50,000"),
                 [(name, spread([curve[0] for curve in curves[name]]),
                   spread([curve[-1] for curve in curves[name]]), each(epochs_of[name]),
                   spread(accuracies[name]), BOOK[name]) for name in ETA])
    if learnt:
        said = (f"ReLU comes to {100 * BELOW:g} points below the best that both reach in "
                f"{each(epochs_of['ReLU'])} epochs, tanh in {each(epochs_of['tanh'])}")
        faster, verdict = f": {each(times)} times as fast", (
            "is so" if min(times) >= CLAIM else "is not so" if max(times) < CLAIM else
            "is so in some runs, not in all,")
    else:
        said = "Not in every run did both come above guessing: which is faster cannot be said"
        faster, verdict = "", "cannot be judged"
    plots.lines({"validation images that are right, percent": {
        name: [[100 * accuracy for accuracy in curve] for curve in curves[name]] for name in ETA}},
        lesson.path("accuracy.png"), said,
        note=note(runs))
    lesson.take_away(
        f"{said}{faster}.  On the test images {compared(accuracies, 'ReLU', 'tanh')}.",
        f"""That ReLU converges {CLAIM} times as fast {verdict} here.  Sigmoid and tanh networks can say
        the same things, and did, to within {apart:.1g}; how fast they learn them is another matter.""")
    return lesson.end(accuracy=accuracies["ReLU"], accuracies=accuracies, curves=curves,
                      epochs={name: [number if math.isfinite(number) else None for number in numbers]
                              for name, numbers in epochs_of.items()},
                      levels=levels, times=times, apart=apart)


def head_start(curves):
    """After how many epochs each of two curves comes near the best that both reach.

    Not to it: there curves are nearly flat, and when they touch it is an accident.

    curves : {name: accuracies, fractions, after epoch 1, 2, ...}; between two epochs, and between
             guessing at epoch 0 and epoch 1, a straight line is drawn
    Returns (that level, {name: epochs}).
    """
    level = max(float(min(np.max(curve) for curve in curves.values())) - BELOW, GUESSING + BELOW)
    return level, {name: _epochs_to(level, [GUESSING, *curve]) for name, curve in curves.items()}


def each(numbers):
    """The numbers of several runs, as words."""
    return ", ".join(f"{number:.1f}" if math.isfinite(number) else "never" for number in numbers)


def _epochs_to(level, curve):
    after = int(np.argmax(np.asarray(curve) >= level))  # the first epoch that is not below
    if after == 0:
        return math.inf  # at no time
    below, above = curve[after - 1], curve[after]
    return float(after - 1 + (level - below) / (above - below))


if __name__ == "__main__":
    raise SystemExit(command_line(main, FULL))
