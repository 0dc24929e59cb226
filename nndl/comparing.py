"""How many, and which of two networks is better, in words that several runs of each bear out.

Of two or three runs one sees whether they overlap, and a standard error says little: `compared` and
`gained`, for the lessons.  Even then two networks that are equally good come out one above the other
once in a while, two runs of each in one case of three: `compared` says so.
"""

import math
import statistics


def counted(n, thing):
    """How many there are, in words: "1 epoch", "30 epochs"."""
    return f"{n:,} {thing}" + ("" if n == 1 else "s")


def compared(runs, a, b, what="points"):
    """A sentence, without its full stop, on whose runs are higher.

    runs : {name: fractions, one for each run};  a, b : two of the names
    what : a hundredth of the fractions, in words

    Runs that overlap decide nothing: where not all of one are above all of the other, it says so.  And
    where they are, how often chance alone does that, if it is once in ten times or more.
    """
    first, second = ([100 * fraction for fraction in runs[name]] for name in (a, b))
    gap = statistics.mean(first) - statistics.mean(second)
    if gap < 0:
        a, b, first, second, gap = b, a, second, first, -gap
    if len(first) == len(second) == 1:
        return f"{a} came out {gap:.2f} {what} ahead of {b}, in one run of each" if gap else (
            f"{a} and {b} came out alike, in one run of each")
    if min(first) > max(second):
        by_chance = math.comb(len(first) + len(second), len(first)) / 2  # once in so many times
        return (f"{a} came out ahead of {b} in every run, by {gap:.2f} {what} on average"
                + (f" (chance alone: 1 in {by_chance:.0f})" if by_chance <= 10 else ""))
    return f"{a} and {b} overlap, their means {gap:.2f} {what} apart"


def gained(before, after):
    """What a change has brought, fractions, in percentage points; and whether the runs bear it out."""
    gap = 100 * (statistics.mean(after) - statistics.mean(before))
    overlap = min(after) <= max(before) and min(before) <= max(after)
    doubt = " (one run of each)" * (len(before) == len(after) == 1) or " (the runs overlap)" * overlap
    return f"{gap:+z.2f}{doubt}"
