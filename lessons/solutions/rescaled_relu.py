"""All weights of a ReLU network times c; and how to begin with ReLU.  Book ch. 6.

The exercise: in a network of rectified linear units all weights are multiplied by a constant c > 0.
Show that this rescales the outputs by a power of c, say how that changes with a softmax layer at the
end, what becomes of the book's initialisation, which was meant for sigmoids, and find one that suits
ReLU better.

The answer: max(0, cz) = c max(0, z).  Without biases a network of L layers of weights gives c^L times
its outputs, layer by layer one c more.  With biases this needs b^l to grow by c^l, layer 2's by c²,
since what arrives there is larger by c already.  Multiply only the weights, or all of them by c alike,
and the outputs are others, not larger ones.  Before softmax, c^L is an inverse temperature, (83): the
same digits, said with another certainty.

A sigmoid forgets how large its input is; ReLU hands it on, and 20 layers multiply what 20 layers do.
So weights must be neither large nor small: ReLU takes away half of z's mean square (the negative
half), so that it is kept if Var w = 2/n_in, He's.  1/n_in, the default, lets it fall by half in each
layer, and network3's 1/n_out is the same where layers are equally large.  But their biases, N(0, 1),
fill in: z stays of order 1, only that less and less of it is the image's.

    python -m lessons.solutions.rescaled_relu
"""

from pathlib import Path

import numpy as np

from nndl import Dense, Network, ReLU, initialize, load_mnist, plots
from nndl.lesson import percent, solution

C, DEPTH, WIDTH = 2.0, 20, 100


def outputs(weights, biases, a):
    """A network of ReLUs, the last layer linear."""
    for number, (w, b) in enumerate(zip(weights, biases)):
        z = a @ w.T + b
        a = z if number == len(weights) - 1 else np.maximum(0, z)
    return a


def without_biases(name):
    """An initialiser whose biases are 0."""
    def draw(*arguments):
        w, b = initialize.by_name(name)(*arguments)
        return w, np.zeros_like(b)
    return draw


def main(seed=0, images=200, out="pictures"):
    """Rescale, then look at 20 layers.  Returns factors, and rms of z by layer."""
    x = load_mnist().training.images[:images].reshape(images, -1) / 256
    net = Network([Dense(100), ReLU(), Dense(50), ReLU(), Dense(10)], cost="quadratic", seed=seed,
                  dtype="float64")
    dense = [layer for layer in net.layers if layer.parameters]
    w, b = [layer.w for layer in dense], [layer.b for layer in dense]
    none = [0 * one for one in b]
    scaled = [C * one for one in w]
    powers = [C**(number + 1) * one for number, one in enumerate(b)]
    before = outputs(w, b, x)
    cases = {"no biases": outputs(scaled, none, x) / outputs(w, none, x),
             "b^l times c^l": outputs(scaled, powers, x) / before,
             "biases as they were": outputs(scaled, b, x) / before,
             "biases times c, too": outputs(scaled, [C * one for one in b], x) / before}
    print(f"784-100-50-10, all weights times {C:g}: outputs times (5th, 50th, 95th percentile)")
    ratios = {name: np.percentile(ratio, (5, 50, 95)) for name, ratio in cases.items()}
    for name, three in ratios.items():
        print(f"    {name:<22} {np.round(three, 4)}")

    rms, differs = {}, {}
    for name, init in (("default", "default"), ("default, biases 0", without_biases("default")),
                       ("he", "he")):
        net = Network([layer for _ in range(DEPTH) for layer in (Dense(WIDTH, init=init), ReLU())],
                      cost="quadratic", seed=seed, dtype="float64")
        a, rms[name], differs[name] = x, [], []
        for layer in net.layers[1:]:
            a = layer.forward(a)
            if layer.parameters:
                rms[name].append(float(np.sqrt(np.square(a).mean())))
                differs[name].append(float(a.std(axis=0).mean()) / rms[name][-1])
    for name, values in rms.items():
        print(f"{name:<18} rms of z in layer 1, 10, {DEPTH}: {values[0]:.3g}, {values[9]:.3g}, "
              f"{values[-1]:.3g}; std over the images, of that: {percent(differs[name][0])}, "
              f"{percent(differs[name][9])}, {percent(differs[name][-1])} %")
    fall = rms["default, biases 0"][0] / rms["default, biases 0"][-1]
    saved = plots.lines(
        {"rms of z, logarithmic": rms, "std of z over the images / rms": differs},
        Path(out) / "solutions" / "rescaled_relu.png",
        f"Through {DEPTH} layers of ReLU z falls by a factor of {fall:,.0f} with Var w = 1/n_in and no "
        f"biases, with He's by {rms['he'][0] / rms['he'][-1]:.1f}", x="layer",
        log=("rms of z, logarithmic",))
    print(f"saved: {saved}")
    return {"ratios": ratios, "rms": rms, "differs": differs}


if __name__ == "__main__":
    raise SystemExit(solution(main))
