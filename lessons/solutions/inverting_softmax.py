"""From softmax's outputs back to its inputs.  Book ch. 3.

The exercise: all outputs a_j of a softmax layer are known.  Show that the weighted inputs are
z_j = ln a_j + C, with one C for all j.

The answer: by (78) ln a_j = z_j - ln Σ_k e^(z_k), so z_j = ln a_j + C with C = ln Σ_k e^(z_k), which is
the same for every j.  C itself cannot be known: z + s gives the same outputs for every s.  So one of
ten outputs is superfluous, and adding one and the same number to the biases of the last layer changes
nothing, nor does adding one and the same row to its weights.

On paper.  In float32 an output below about 1e-45 is 0, and its z is lost.

    python -m lessons.solutions.inverting_softmax
"""

import numpy as np

from nndl import Dense, Network, Softmax, backends
from nndl.lesson import solution

SHIFT = 3.0


def main(seed=0):
    """Invert, and shift weights.  Returns the largest differences."""
    ops = backends.get("numpy")
    rng = np.random.default_rng(seed)
    z = rng.normal(scale=3, size=(1000, 10))
    back = np.log(ops.softmax_forward(z))                    # z less C
    c = z - back                                             # (1000, 10): one number in each row
    uneven = float(np.ptp(c, axis=1).max())
    off = float(np.abs(c[:, 0] - np.log(np.exp(z).sum(axis=1))).max())
    print(f"z - ln a is one number for all ten outputs, to {uneven:.0e}; it is ln Σ e^z, to {off:.0e}.")

    net = Network([Dense(10), Softmax()], input_shape=(20,), seed=seed, dtype="float64",
                  backend="numpy")
    x = rng.normal(size=(100, 20))
    before = net.feedforward(x)
    net.layers[0].b += SHIFT
    net.layers[0].w += rng.normal(size=20)                   # one row, added to all ten
    same = float(np.abs(net.feedforward(x) - before).max())
    print(f"{SHIFT:g} added to all biases and one row to all weights of a layer before softmax: the "
          f"outputs differ by {same:.0e} at most.")

    far = np.array([[0.0, -50.0, -120.0]])
    with np.errstate(divide="ignore"):
        lost = {kind: np.log(ops.softmax_forward(far.astype(kind)))[0]
                for kind in ("float64", "float32")}
    for kind, z in lost.items():
        print(f"z = (0, -50, -120) comes back, in {kind}, as {z}")
    return {"uneven": uneven, "constant": off, "shifted": same, "lost": lost}


if __name__ == "__main__":
    raise SystemExit(solution(main))
