"""A sigmoid neuron that hands on what it gets.  Book ch. 5.

The exercise: choose w1, b and w2 such that w2 σ(w1 x + b) ≈ x for x from 0 to 1.  (The hint: write
x = 1/2 + Δ, take w1 small, and expand in w1 Δ.)

The answer: put the neuron's middle where x's is, b = -w1/2, so that z = w1 Δ.  Then

    σ(w1 Δ) = 1/2 + w1 Δ/4 - (w1 Δ)³/48 + ...
    w2 σ    = 2/w1 + Δ - w1² Δ³/12 + ...           with w2 = 4/w1
            = x + (2/w1 - 1/2) - w1² Δ³/12 + ...

It hands x on with a constant added, and the smaller w1, the better: what is left is at most w1²/96.
The constant is no harm: the next neuron's bias takes it away.  But it is there.  Without it, with
nothing but w1, b and w2, the neuron would need σ = 0 at x = 0, and no sigmoid is 0: the best that a
search finds is a neuron that is wrong by some 0.06, with a w1 that is not small at all.

So depth need not destroy information: a chain of such neurons passes x on.  That it is learnt is
another matter.

    python -m lessons.solutions.identity_neuron
"""

from pathlib import Path

import numpy as np

from nndl import plots
from nndl.lesson import solution

X = np.linspace(0, 1, 201)


def sigmoid(z):
    """(3)."""
    return 1 / (1 + np.exp(-z))


def with_constant(w1):
    """w2 σ(w1 x + b) less its constant, by the answer above."""
    return 4 / w1 * sigmoid(w1 * (X - 0.5)) - (2 / w1 - 0.5)


def search(rounds=12, points=13):
    """The w1, b, w2 with the least largest error and no constant: a grid that is drawn closer.

    Returns (error, (w1, b, w2)).
    """
    middle, reach = np.array([5.0, -3.0, 1.0]), np.array([4.5, 3.0, 0.5])
    error = np.inf
    for _ in range(rounds):
        w1, b, w2 = np.meshgrid(*(np.linspace(m - r, m + r, points) for m, r in zip(middle, reach)),
                                indexing="ij")
        errors = np.abs(w2[..., None] * sigmoid(w1[..., None] * X + b[..., None]) - X).max(axis=-1)
        at = np.unravel_index(errors.argmin(), errors.shape)
        if errors[at] < error:
            error, middle = errors[at], np.array([w1[at], b[at], w2[at]])
        reach = reach * 0.5
    return float(error), tuple(map(float, middle))


def main(out="pictures"):
    """Both ways.  Returns the largest errors."""
    errors = {w1: float(np.abs(with_constant(w1) - X).max()) for w1 in (2.0, 1.0, 0.1)}
    for w1, error in errors.items():
        print(f"w1 = {w1:<4g} b = {-w1 / 2:<6g} w2 = {4 / w1:<4g} less {2 / w1 - 0.5:g}: wrong by "
              f"at most {error:.6f}, w1²/96 = {w1**2 / 96:.6f}")
    least, (w1, b, w2) = search()
    print(f"Without a constant, the best found: w1 = {w1:.3f}, b = {b:.3f}, w2 = {w2:.3f}, wrong by at "
          f"most {least:.4f}")
    saved = plots.lines(
        {"output less x": {"w1 = 2, less its constant": (X, with_constant(2.0) - X),
                           "w1 = 1, less its constant": (X, with_constant(1.0) - X),
                           "no constant, the best": (X, w2 * sigmoid(w1 * X + b) - X)}},
        Path(out) / "solutions" / "identity_neuron.png",
        f"A sigmoid hands x on to within {errors[1.0]:.3f}, less a constant; without one to within "
        f"{least:.2f}", x="x")
    print(f"saved: {saved}")
    return {"errors": errors, "without": least}


if __name__ == "__main__":
    raise SystemExit(solution(main))
