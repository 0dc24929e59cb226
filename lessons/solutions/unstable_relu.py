"""Are gradients unstable with ReLU, too?  Book ch. 6.

The exercise: chapter 5 shows that gradients vanish or explode in deep networks of sigmoids.  What of
rectified linear units?

The answer: BP2 is the same, δ^l = ((w^(l+1))ᵀ δ^(l+1)) ⊙ f'(z^l), and f' is now 1 or 0.  So the
sigmoid's own contribution, a factor of at most 1/4 in each layer, is gone.  The weights' contribution
stays: along a path the gradient is the product of its weights, (122) without σ', if all its units are
on, and 0 if one is off.  Half of the units are off, so with Var w = g/n_in the mean square of δ
changes by g/2 a layer:

    g = 2     stays, on average (He's initialisation)
    g = 1     falls by half in each layer, g = 4 doubles

so both can happen, and instability is not cured but made a matter of how weights are scaled.  For
sigmoids vanishing is the rule: larger weights also saturate them, and only with g in the hundreds does
the gradient grow on its way back.  And there is a new way to get no gradient: a unit that is off for
all images has none at all.  In the first layer it stays so; in others what comes in may yet turn it on.

    python -m lessons.solutions.unstable_relu
"""

from pathlib import Path

import numpy as np

from nndl import Dense, Network, ReLU, Sigmoid, Softmax, load_mnist, plots
from nndl.lesson import percent, solution

DEPTH, WIDTH = 20, 100
SCALES = {ReLU: (1, 2, 4), Sigmoid: (1, 4, 100, 400)}


def scaled(g):
    """An initialiser: weights from N(0, g/n_in), biases 0."""
    def draw(rng, shape, fan_in, fan_out):
        return rng.standard_normal(shape) * np.sqrt(g / fan_in), np.zeros(shape[0])
    return draw


def gradient_norms(activation, g, images, labels, seed):
    """‖∂C/∂b‖ of each of the 20 hidden layers, for the mean cost; book ch. 5's speed of learning."""
    net = Network([*(layer for _ in range(DEPTH)
                     for layer in (Dense(WIDTH, init=scaled(g)), activation())),
                   Dense(10, init=scaled(1)), Softmax()], seed=seed, dtype="float64")
    nabla_b, _ = net.backprop(images, labels)
    norms = [float(np.linalg.norm(b)) / len(images) for b in nabla_b[:DEPTH]]
    off = [np.mean((layer.a <= 0).all(axis=0)) for layer in net.layers if layer.name == "relu"]
    return norms, float(np.mean(off)) if off else 0.0


def main(images=200, seed=0, out="pictures"):
    """Gradients of 20 layers.  Returns {name: norms, first layer first}, and shares of dead units."""
    x, labels = load_mnist().training[:images]
    norms, dead = {}, {}
    print(f"{DEPTH} hidden layers of {WIDTH}, weights from N(0, g/n_in), biases 0")
    for activation in ReLU, Sigmoid:
        for g in SCALES[activation]:
            name = f"{activation.name}, g = {g}"
            norms[name], dead[name] = gradient_norms(activation, g, x, labels, seed)
            print(f"{name:<16} |∂C/∂b| in layer 1: {norms[name][0]:.2e}, layer {DEPTH}: "
                  f"{norms[name][-1]:.2e}; a layer back multiplies by "
                  f"{(norms[name][0] / norms[name][-1]) ** (1 / (DEPTH - 1)):.2f}; "
                  f"{percent(dead[name], 1)} % of the units are off for all {images} images")
    explodes = norms["relu, g = 4"][0] / norms["relu, g = 4"][-1]
    vanishes = norms["relu, g = 1"][-1] / norms["relu, g = 1"][0]
    saved = plots.lines(
        {"|∂C/∂b|, logarithmic": {name: (range(DEPTH), each[::-1]) for name, each in norms.items()}},
        Path(out) / "solutions" / "unstable_relu.png",
        f"Back through {DEPTH} layers of ReLU gradients shrink {vanishes:,.0f} times, or grow "
        f"{explodes:,.0f} times, by the weights' scale", x="layers back from the last hidden one",
        log=("|∂C/∂b|, logarithmic",), note="weights from N(0, g/n_in), biases 0")
    print(f"saved: {saved}")
    return {"norms": norms, "dead": dead}


if __name__ == "__main__":
    raise SystemExit(solution(main))
