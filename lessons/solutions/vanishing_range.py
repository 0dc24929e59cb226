"""For which inputs a neuron's gradient does not vanish.  Book ch. 5.

The exercise: the gradient along a chain of neurons is a product of factors w σ'(w a + b), (122).  It
vanishes unless |w σ'(w a + b)| >= 1 for some of them.  Show that this needs |w| >= 4; that even then
the activations a that satisfy it lie within an interval of width

    (2/|w|) ln( |w| (1 + √(1 - 4/|w|)) / 2 - 1 )                                          (123)

and that the interval is widest for |w| about 6.9, where it is about 0.45.

The answer: σ' = s (1 - s) with s = σ, at most 1/4: hence |w| >= 4.  s (1 - s) >= 1/|w| is quadratic in
s: s lies between (1 - r)/2 and (1 + r)/2, with r = √(1 - 4/|w|).  By z = ln(s/(1 - s)) that is |z| <=
ln((1 + r)/(1 - r)), and z = w a + b moves by |w| times what a moves: the width is (2/|w|) ln((1 +
r)/(1 - r)).  Since 1 - r² = 4/|w|, (1 + r)/(1 - r) = (1 + r)² |w|/4 = |w|(1 + r)/2 - 1.

The bias must fit, too: it decides where the interval lies, and activations are between 0 and 1.  So
for 45 % of the values that an activation can have, at best, a neuron does not shorten the gradient.

    python -m lessons.solutions.vanishing_range
"""

from pathlib import Path

import numpy as np

from nndl import plots
from nndl.lesson import solution


def width(w):
    """(123), for |w| >= 4."""
    return 2 / w * np.log(w * (1 + np.sqrt(1 - 4 / w)) / 2 - 1)


def counted_width(w, steps=200_001):
    """The same by trying: which part of a from -1 to 1, with b = 0, has |w σ'(w a)| >= 1."""
    s = 1 / (1 + np.exp(-w * np.linspace(-1, 1, steps)))
    return 2 * float(np.mean(w * s * (1 - s) >= 1))


def main(out="pictures"):
    """Find the widest.  Returns |w|, the width, and how far trying is from the formula."""
    w = np.linspace(4, 30, 26_001)
    widths = width(w)
    best = widths.argmax()
    off = max(abs(width(one) - counted_width(one)) for one in (4.5, 6.9, 15.0, 30.0))
    never = counted_width(3.99)
    print(f"Widest at |w| = {w[best]:.3f}: {widths[best]:.4f}.  Counted over 200,001 activations the "
          f"widths differ by {off:.0e} at most; at |w| = 3.99 it is {never:g}.")
    saved = plots.lines(
        {"width of the interval": {"(123)": (w[::250], widths[::250])}},
        Path(out) / "solutions" / "vanishing_range.png",
        f"|w σ'| >= 1 for a range of {widths[best]:.2f} at most, at |w| = {w[best]:.1f}", x="|w|")
    print(f"saved: {saved}")
    return {"w": float(w[best]), "width": float(widths[best]), "off": off, "never": never}


if __name__ == "__main__":
    raise SystemExit(solution(main))
