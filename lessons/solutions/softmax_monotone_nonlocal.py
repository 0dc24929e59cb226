"""Softmax is monotone, and each of its outputs depends on all inputs.  Book ch. 3.

The exercises: show that ∂a_j/∂z_k is positive for j = k and negative otherwise; and that, unlike a
sigmoid's, an output depends on the weighted inputs of the whole layer.

The answer: with a_j = e^(z_j) / S, S = Σ_k e^(z_k), (78),

    ∂a_j/∂z_j = e^(z_j)/S - e^(2 z_j)/S²   = a_j (1 - a_j) > 0
    ∂a_j/∂z_k = -e^(z_j) e^(z_k)/S²        = -a_j a_k      < 0     for k ≠ j

since all a are between 0 and 1.  So raising z_j raises a_j and lowers every other output, and what the
others lose is just what a_j gains: the sum stays 1, (79).  Non-locality is the second line: it is 0 for
no k.  For sigmoids it is 0 for all k ≠ j.

    python -m lessons.solutions.softmax_monotone_nonlocal
"""

from pathlib import Path

import numpy as np

from nndl import Sigmoid, Softmax, backends, plots
from nndl.gradcheck import central_difference
from nndl.lesson import solution

Z = (1.0, 0.5, 0.0, -1.0)   # four neurons; the third one's input is moved
MOVED = 2


def outputs(layer, z):
    """A layer's outputs for weighted inputs z (m, n), float64."""
    layer.setup(z.shape[1:], backends.get("numpy"), None, np.float64)
    return layer.forward(z)


def jacobian(layer, z):
    """∂a_j/∂z_k by central differences, (n, n)."""
    z = np.array([z])
    return np.array([central_difference(lambda j=j: outputs(layer, z)[0, j], z)[0]
                     for j in range(z.shape[1])])


def main(out="pictures"):
    """Compare the formula with central differences, and draw.  Returns both Jacobians."""
    a = outputs(Softmax(), np.array([Z]))[0]
    formula = np.diag(a) - np.outer(a, a)
    numeric = {"softmax": jacobian(Softmax(), Z), "sigmoid": jacobian(Sigmoid(), Z)}
    error = float(np.abs(formula - numeric["softmax"]).max())
    print(f"z = {Z}: softmax gives a = {a.round(4)}")
    for name, matrix in numeric.items():
        print(f"∂a_j/∂z_k, {name}:")
        print("\n".join("    " + "  ".join(f"{x:8.4f}" for x in row) for row in matrix))
    print(f"Softmax: the diagonal is positive, all else negative; a_j (δ_jk - a_k) differs by "
          f"{error:.0e} at most.  Sigmoid: all else is 0.")

    moved = np.linspace(-4, 4, 41)
    z = np.tile(Z, (len(moved), 1))
    z[:, MOVED] = moved
    panels = {f"{name}: activation": {
        f"a{j + 1}": (moved, outputs(layer, z)[:, j]) for j in range(len(Z))}
        for name, layer in (("softmax", Softmax()), ("sigmoid", Sigmoid()))}
    saved = plots.lines(panels, Path(out) / "solutions" / "softmax_monotone_nonlocal.png",
                        f"Raising z{MOVED + 1} raises a{MOVED + 1}: softmax takes it from the others, "
                        "sigmoids leave them alone", x=f"z{MOVED + 1}")
    print(f"saved: {saved}")
    return numeric | {"error": error}


if __name__ == "__main__":
    raise SystemExit(solution(main))
