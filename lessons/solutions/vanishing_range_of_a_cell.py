"""For which states a recurrent cell's gradient does not vanish, and whether it can stay there.

The exercise: the book's on (123), chapter 5, for a cell of one unit that hears itself, h_(s+1) = tanh(w
h_s).  Its gradient through time is a product of factors w tanh'(w h_s), (122) with the same w each
time.  For which h is |w tanh'(w h)| >= 1?  And can the cell stay where it is?

The answer: tanh' = 1/cosh² <= 1, so that |w| >= 1 is needed; then |w h| <= arcosh √|w|, a range of

    width (2/|w|) arcosh √|w|.

It is widest at |w| about 1.72, a fourth of the book's 6.9, where it is 0.89: of the states from -1 to 1
the same 45 % as in (123), for tanh(z) = 2 σ(2z) - 1, (111).

But it cannot stay.  A state that the cell comes back to after a push is a fixed point h = tanh(w h) at
which pushes become smaller: that is to say, at which |w tanh'| < 1.  The only fixed point with a factor
above 1 is h = 0, from which the smallest push leads away.  (For w < 0 the same, with every second
step.)  So one such unit either remembers, and then its gradient vanishes, or is about to change its
mind, and then it does not (Bengio, Simard and Frasconi 1994).

    python -m lessons.solutions.vanishing_range_of_a_cell
"""

from pathlib import Path

import numpy as np

from nndl import plots
from nndl.lesson import solution

WEIGHTS = (0.9, 1.2, 1.72, 3.0)
BEGIN = 0.01


def width(w):
    """Of the range of h where |w tanh'(w h)| >= 1, for |w| >= 1."""
    return 2 / w * np.arccosh(np.sqrt(w))


def counted_width(w, steps=200_001):
    """The same by trying: which part of h from -1 to 1."""
    return 2 * float(np.mean(w / np.cosh(w * np.linspace(-1, 1, steps)) ** 2 >= 1))


def run(w, h, steps):
    """h_0 ... and the product of the factors so far, ∂h_s/∂h_0, (steps + 1,) each."""
    states, products = [h], [1.0]
    for _ in range(steps):
        h = np.tanh(w * h)
        states.append(h)
        products.append(products[-1] * w * (1 - h ** 2))
    return np.array(states), np.array(products)


def main(steps=40, out="pictures"):
    """Find the widest, and follow cells.  Returns |w|, the width, factors where cells end."""
    w = np.linspace(1, 10, 9001)
    widths = width(w)
    best = widths.argmax()
    off = max(abs(width(one) - counted_width(one)) for one in (1.1, 1.72, 4.0, 9.0))
    ends = {one: run(one, BEGIN, 1000)[0][-1] for one in (1.1, *WEIGHTS[1:], 9.0)}
    factors = {one: one * (1 - h ** 2) for one, h in ends.items()}
    print(f"Widest at |w| = {w[best]:.3f}: {widths[best]:.4f} of 2, {50 * widths[best]:.1f} %.  "
          f"Counted the widths differ by {off:.0e} at most.")
    for one, h in ends.items():
        print(f"w = {one:<4g}: after 1,000 steps h = {h:.4f}, a factor of {factors[one]:.4f} a step")
    curves = {one: run(one, BEGIN, steps) for one in WEIGHTS}
    at, heading = np.arange(steps + 1), "∂h_s/∂h_0"
    tops = {one: (products.max(), products[-1]) for one, (_, products) in curves.items()}
    saved = plots.lines(
        {"h_s": {f"w = {one:g}": (at, h) for one, (h, _) in curves.items()},
         heading: {f"w = {one:g}": (at, products) for one, (_, products) in curves.items()}},
        Path(out) / "solutions" / "vanishing_range_of_a_cell.png",
        "Whichever w, the slope falls in the end: after {} steps ∂h_s/∂h_0 is {:.0e} to {:.0e}".format(
            steps, *(of(last for _, last in tops.values()) for of in (min, max))),
        x="step s", log=(heading,), note=f"from h_0 = {BEGIN:g}")
    print(f"saved: {saved}")
    return {"w": float(w[best]), "width": float(widths[best]), "off": off,
            "factors": {f"{one:g}": float(factor) for one, factor in factors.items()},
            "tops": {f"{one:g}": [float(top), float(last)] for one, (top, last) in tops.items()}}


if __name__ == "__main__":
    raise SystemExit(solution(main))
