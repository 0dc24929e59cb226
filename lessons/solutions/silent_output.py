"""Why an output neuron that says no to every image does not learn any more.  To lesson 1.1.

The exercise: a network of 100 hidden neurons that never says one of the digits: look at the bias of
that output neuron, and at its activation for images of that digit.  Why does it not learn any more?

The answer: its activation is about 0.00001 for images of its own digit, where it should be 1.  That
is as wrong as can be, but its error is δ = (a - y) σ'(z), (30), and there σ'(z) = a (1 - a) is as
small as a.  By BP3 and BP4 δ is a factor of the gradient of its bias and of all its weights, so
that none of them moves: another 1,500 mini-batches with the same cost leave it where it is.

The bias does not tell which neuron it is.  Training has changed it by less than 1, and others have
lower ones.  z is some -17, and nearly all of that is the weights'.  In a step they have more to say
than the bias, too: on an image with hidden activations a' a mini-batch changes z by

    Δz = -η/m Σ δ_x (a_x · a' + 1),  the sum over its images x; the bias is the 1

and a · a is about 50 with 100 hidden neurons, 13 with 30.  Nine of ten images say "less" to an
output neuron, and η is 3: the first few mini-batches throw most outputs far down.  Images of its
own digit on which z is less low bring most of them back, but in most networks of 100 hidden neurons
not all: in five of the six here some are silent after five epochs, in one of six with 30.

The cross-entropy has δ = a - y, (66).  Go on from the same weights with it, and the neuron speaks
after an epoch: lesson 2.0.

    python -m lessons.solutions.silent_output
"""

from pathlib import Path

import numpy as np

from lessons.network_1_1_hidden_neurons import ETA, MINI_BATCH_SIZE, build_network, outputs_at_zero
from nndl import costs, load_mnist, plots
from nndl.comparing import counted
from nndl.lesson import solution

WATCHED = 40       # mini-batches whose effect on z is looked at one by one
GOING_ON = {f"quadratic cost, η = {ETA:g}": (costs.QuadraticCost, ETA),
            "cross-entropy, η = 0.5": (costs.CrossEntropyCost, 0.5)}


def own_z(net, data):
    """z of each output neuron, the mean over images of its own digit, (10,); and the mean a · a."""
    a = data.images.astype(net.dtype) / 256
    for layer in net.layers[:-2]:
        a = layer.forward(a)
    length, z = float(np.square(a).sum(axis=1).mean()), net.layers[-2].forward(a)
    return np.array([z[data.labels == digit, digit].mean() for digit in range(10)]), length


def begin(net, training, watched_on=None):
    """The first mini-batches, one by one.  Returns z before and after each, if it is watched."""
    trace = [own_z(net, watched_on)[0]] if watched_on else []
    for start in range(0, WATCHED * MINI_BATCH_SIZE, MINI_BATCH_SIZE):
        some = training[start:start + MINI_BATCH_SIZE]
        net.update_mini_batch((some.images, some.labels), ETA)
        if watched_on:
            trace.append(own_z(net, watched_on)[0])
    return np.array(trace)


def main(epochs=5, further=3, train_size=5000, runs=6, seed=0, out="pictures"):
    """Find a silent output, look at it, go on.  Returns what was measured of all ten, and of it."""
    training, validation, _ = load_mnist()
    training, data = training[:train_size], validation[:3000]
    silent, lengths = {}, {}
    for neurons in (30, 100):
        nets = [build_network(neurons, seed=seed + run) for run in range(runs)]
        lengths[neurons] = own_z(nets[0], data)[1]
        for net in nets:
            begin(net, training)
            net.SGD(training, epochs, MINI_BATCH_SIZE, ETA, progress=False)
        silent[neurons] = [outputs_at_zero(net, data) for net in nets]
        print(f"{neurons} hidden neurons, {counted(epochs, 'epoch')} on {train_size:,} images: "
              f"a · a = {lengths[neurons]:.0f} before; silent digits in {counted(runs, 'run')}: "
              f"{silent[neurons]}")
    net, digits = next((pair for pair in zip(nets, silent[100]) if pair[1]), (None, []))
    if not digits:
        raise ValueError("every output speaks: with fewer images or other seeds one may not")

    again = build_network(100, seed=net.seed)
    biases = again.layers[-2].b.copy(), net.layers[-2].b
    trace = begin(again, training, data)
    a, z = net.feedforward(data.images).astype(float), own_z(net, data)[0]
    own = [a[data.labels == digit, digit] for digit in range(10)]
    deltas = {"quadratic": [np.mean((1 - one) * one * (1 - one)) for one in own],
              "cross-entropy": [np.mean(1 - one) for one in own]}
    print(f"The network of seed {net.seed}; z, a and |δ| are means over the digit's own images")
    print(f"    digit   bias before, after   z after {WATCHED} mini-batches, at the end         a"
          "   |δ|, quadratic, cross-entropy")
    for digit in range(10):
        print(f"    {digit:>5} {biases[0][digit]:>13.2f} {biases[1][digit]:>6.2f} "
              f"{trace[-1, digit]:>15.1f} {z[digit]:>20.1f} {own[digit].mean():>15.2g} "
              f"{deltas['quadratic'][digit]:>9.2g} {deltas['cross-entropy'][digit]:>10.2g}"
              + "   silent" * (digit in digits))

    digit, said = min(digits, key=lambda digit: own[digit].mean()), {}
    for name, (cost, eta) in GOING_ON.items():
        other = net.copy()
        other.cost = cost()
        history = other.SGD(training, further, MINI_BATCH_SIZE, eta, progress=False, monitors={
            "a": lambda net: net.feedforward(data.images[data.labels == digit])[:, digit].mean()})
        said[name] = [float(own[digit].mean()), *map(float, history.measured["a"])]
        print(f"Going on with the {name}: the {digit} says "
              f"{', '.join(f'{value:.2g}' for value in said[name])} to its own images")
    others = [trace[:, other] for other in range(10) if other not in digits]
    steps = -(-train_size // MINI_BATCH_SIZE) * np.arange(further + 1)
    saved = plots.lines(
        {"z of an output, images of its own digit": {
            f"the {digit}, silent": (range(WATCHED + 1), trace[:, digit]),
            "those not silent": (range(WATCHED + 1), others)},
         f"later: activation of the {digit}, its own images": {
             name: (steps, values) for name, values in said.items()}},
        Path(out) / "solutions" / "silent_output.png",
        f"In {WATCHED} mini-batches z of the {digit} goes from {trace[0, digit]:.0f} to "
        f"{trace[-1, digit]:.0f}.  After {counted(epochs, 'epoch')} and {steps[-1]:,} mini-batches "
        "more it says " + ", ".join(f"{values[-1]:.2g} ({name.split(',')[0]})"
                                    for name, values in said.items()),
        x="mini-batches",
        note=f"{counted(len(others), 'output')} not silent in the end: their mean, and their span")
    print(f"saved: {saved}")
    return {"silent": silent, "lengths": lengths, "digit": digit, "biases": np.array(biases),
            "z": z, "deltas": deltas, "said": list(said.values()), "trace": trace}


if __name__ == "__main__":
    raise SystemExit(solution(main))
