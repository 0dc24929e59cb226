"""4.5  Do leaky ReLU, ELU, GELU, or smaller and larger filters change anything?

Book: chapter 6, "Using rectified linear units"; chapter 3, "Other models of artificial neuron".
Before: 3.1.1, 4.4.
Next: 4.6, the same network in PyTorch.

    python -m lessons 4.5          3 epochs on 5,000 images, three runs of each
    python -m lessons 4.5 --full   10 epochs on all 50,000, three runs of each

Steps through: leaky_relu_forward, elu_forward, gelu_forward and the backward below each in
nndl/ops/activation_numpy.py; conv_size in nndl/ops/shapes.py.

Measured in 0.5 minutes: Leaky ReLU and ReLU overlap, their means 0.03 points apart; ELU and ReLU
    overlap, their means 0.02 points apart; GELU came out ahead of ReLU in every run, by 0.72 points
    on average (chance alone: 1 in 10). 5 x 5 came out ahead of 3 x 3 in every run, by 4.00 points
    on average (chance alone: 1 in 10); 7 x 7 came out ahead of 5 x 5 in every run, by 0.96 points
    on average (chance alone: 1 in 10).

Exercises
1. The book's (ch. 2): backpropagation with linear neurons.  Worked: solutions/linear_neurons.py
2. Two layers of 3 x 3 filters without a pool between them look at 5 x 5 pixels, as one of 5 x 5 does.
   Which learns better, and which has fewer parameters?  Worked: solutions/two_of_three.py
"""

import numpy as np

from nndl import ELU, GELU, ConvPool, Dense, LeakyReLU, Network, ReLU, Softmax, load_mnist, plots
from nndl.comparing import compared
from nndl.lesson import Lesson, command_line, counted, spread

ETA, LMBDA, MINI_BATCH_SIZE = 0.03, 1.0, 10
SLOPE = 0.01  # of leaky ReLU below 0
ACTIVATIONS = {"ReLU": ReLU, "leaky ReLU": LeakyReLU, "ELU": ELU, "GELU": GELU}
SIZES = (3, 5, 7)
AT_ONCE = 1_000  # images that go through the network together
FULL = {"epochs": 10, "train_size": 50_000, "runs": 3}


def build_network(activation="ReLU", size=5, backend=None, seed=0):
    """One convolution with filters of size x size and a dense layer, both with that activation."""
    layer = LeakyReLU(SLOPE) if activation == "leaky ReLU" else ACTIVATIONS[activation]()
    return Network([
        ConvPool(20, size, activation=layer.name),  # (m, 1, 28, 28) -> (m, 20, 12, 12), for 5 x 5
        Dense(100), layer,                          # (m, 2880)      -> (m, 100)
        Dense(10), Softmax(),                       #                -> (m, 10)
    ], backend=backend, seed=seed)


def main(epochs=3, train_size=5_000, backend=None, seed=0, out="pictures", runs=3):
    """Train each several times.  Returns accuracies and seconds an epoch, by name."""
    lesson = Lesson(__file__, out, epochs=epochs, train_size=train_size, backend=backend, seed=seed,
                    runs=runs)
    lesson.idea("""
        A rectified linear unit that is off learns nothing: its slope is 0.  Leaky ReLU gives it a small
        one, ELU lets it go down smoothly to -1, GELU rounds the corner off.  Each has been reported to
        do better than ReLU somewhere.  And filters of 5 x 5 are the book's choice; many networks take
        3 x 3, some 7 x 7.

        Most such differences are small, and two runs of the same network differ, too, since they begin
        from other random numbers and see the images in another order.  So each network is trained
        several times, and only where all runs of one are above all of the other is it said to be ahead.
        Three runs against three fall so by chance once in ten times: of the five comparisons below one
        may.""")
    lesson.mathematics("""
        ReLU        max(0, z)                                                            (112)
        leaky ReLU  z for z > 0, else 0.01 z
        ELU         z for z > 0, else e^z - 1
        GELU        z Φ(z),  Φ: the share of a standard normal distribution below z
        k x k filters: maps of (29 - k) x (29 - k) neurons, 20 (k² + 1) parameters       (125)""")
    lesson.network(build_network(backend=backend, seed=seed), "The network, here with ReLU and 5 x 5")

    training, _, test = load_mnist()
    settings = {name: (name, 5) for name in ACTIVATIONS} | {
        sized(k): ("ReLU", k) for k in SIZES if k != 5}
    accuracies, seconds, parameters, off_before, never_on = {}, {}, {}, {}, {}
    for name, (activation, size) in settings.items():
        lesson.step(f"""{name}: {counted(runs, "run")} of {counted(epochs, "epoch")} on
                    {train_size:,} images, η = {ETA:g}, λ = {LMBDA:g}""")
        accuracies[name], seconds[name], off_before[name], never_on[name] = [], [], [], []
        for run in range(runs):
            net = build_network(activation, size, backend, seed + run)
            off_before[name].append(never_above_0(net, training.images[:train_size]))
            history = net.SGD(training[:train_size], epochs, MINI_BATCH_SIZE, ETA, LMBDA,
                              checkpoint=lesson.checkpoint(f"{name} {run}"))
            accuracies[name].append(net.accuracy(test))
            seconds[name].append(min(history.seconds))
            never_on[name].append(never_above_0(net, training.images[:train_size]))
        parameters[name] = net.parameters
    for measured in accuracies, seconds, parameters, off_before, never_on:
        measured[sized(5)] = measured["ReLU"]  # the same network under its other name

    groups = {"activations": list(ACTIVATIONS), "filter sizes": [sized(k) for k in SIZES]}
    verdicts = {}
    for (group, names), reference in zip(groups.items(), ("ReLU", sized(5))):
        verdicts[group] = {name: compared(accuracies, name, reference)
                           for name in names if name != reference}
        lesson.table(("", "parameters", "s an epoch", "never on before training, %", "after it, %",
                      "test, %"),
                     [(name, f"{parameters[name]:,}", f"{min(seconds[name]):.1f}",
                       spread(off_before[name], 0), spread(never_on[name], 0),
                       spread(accuracies[name])) for name in names], f"Measured: {group}")
        plots.dots({name: [100 * a for a in accuracies[name]] for name in names},
                   lesson.path(f"{group.replace(' ', '_')}.png"),
                   sentence(verdicts[group].values()),
                   "test images that are right, percent",
                   note=f"{counted(epochs, 'epoch')} on {train_size:,} images")
    z = np.linspace(-4, 3, 141)
    shapes, slopes = {}, {}
    for name, kind in ACTIVATIONS.items():
        shapes[name], slopes[name] = ((z, values) for values in curve_of(kind(), z))
    plots.lines({"activation": shapes, "its slope": slopes}, lesson.path("shapes.png"),
                "Below 0: ReLU's slope is 0, leaky ReLU's 0.01, ELU's falls off, GELU's changes sign",
                "z")
    lesson.take_away(
        ".  ".join(sentence(said.values()) for said in verdicts.values()) + ".",
        f"""Of ReLU's dense neurons {spread(off_before['ReLU'], 0)} % have z <= 0 for every training
        image before training, {spread(never_on['ReLU'], 0)} % after it: their slope is 0 there, and
        they learn nothing.  Leaky ReLU, which is meant to mend that, has {spread(
        never_on['leaky ReLU'], 0)} % of them in the end; they learn, but a hundredth as fast.""",
        f"""GELU takes {min(seconds['GELU']) / min(seconds['ReLU']):.1f} times as long an epoch as ReLU.
        It is dear to compute, and not monotone: the largest z of a window need not have the largest
        activation, so that all four must be computed, not the winner's alone.""",
        f"""This is for {counted(epochs, 'epoch')} on {train_size:,} images, one learning rate for all,
        and {counted(runs, 'run')} of each.  Other settings may turn it round.  One run of each would
        have shown a winner in any case.""")
    return lesson.end(accuracies=accuracies, seconds=seconds, off_before=off_before,
                      never_on=never_on, verdicts=verdicts, parameters=parameters)


def sized(k):
    """The name of a filter size."""
    return f"{k} x {k}"


def sentence(verdicts):
    """Several of compared's, one after the other; it begins with a capital where that is a word."""
    said = "; ".join(verdicts)
    return said[0].upper() + said[1:]


def never_above_0(net, images):
    """The share of the dense layer's neurons whose z is not above 0 for any of the images."""
    never = True
    with net.ops.running():
        for begin in range(0, len(images), AT_ONCE):
            a = (images[begin:begin + AT_ONCE, None] / 256).astype(net.dtype)
            for layer in net.layers[:3]:  # ConvPool, Flatten, Dense
                a = layer.forward(a, training=False)
            never &= (a <= 0).all(axis=0)
    return float(np.mean(never))


def curve_of(layer, z):
    """An activation's values at z and its slopes, by its own forward and backward."""
    layer.setup((len(z),), build_network("ReLU").ops, np.random.default_rng(0), np.float64)
    a = layer.forward(z[None]).copy()
    return a[0], layer.backward(np.ones_like(z[None]))[0].copy()


if __name__ == "__main__":
    raise SystemExit(command_line(main, FULL))
