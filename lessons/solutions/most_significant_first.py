"""Adding from the wrong end, the most significant bits first.  To lesson 6.1.

The exercise: hand the bits to the adding network the other way round, the most significant
ones first.  Which bits of the sum can it still know, and how often must it be wrong?

The answer: a bit of the sum is a ⊕ b ⊕ c, and the carry c comes from the bits below, which have not
been read when the bit must be written.  With k random bits below, let q_k be the chance of a carry:

    q_0 = 0,   q_k = 1/4 + q_(k-1)/2       both bits 1; or just one of them, and a carry from below

so q_k = (1 - 2^-k)/2, always less than half.  Best is therefore to write a ⊕ b, as if nothing were
carried, and that is right with probability 1 - q_k = (1 + 2^-k)/2: for certain at the last step, for
little more than half at the first.  The topmost bit of the sum, the carry out of all n bits, is
written before anything is read; 0 is right for 1 - q_n of all sums.

No training and no size of the state mends that: what is missing has not come yet.  A network that first
reads all and then writes has no such limit; nor has one that reads from the right end, lesson 6.1.

    python -m lessons.solutions.most_significant_first
"""

from pathlib import Path

import numpy as np

from nndl import Dense, Network, Recurrent, Softmax, plots
from nndl.data import tasks
from nndl.lesson import solution

BITS, UNITS, ETA = 8, 12, 0.1


def best(below):
    """The largest possible share of right bits that have so many bits below them."""
    return (1 + 0.5 ** np.asarray(below)) / 2


def main(epochs=5, train_size=10_000, sums=10_000, seed=0, out="pictures"):
    """Both orders.  Returns the shares of right bits, the least significant first, and the limit."""
    rng = np.random.default_rng(seed)
    (x, y), (x_judged, y_judged) = (tasks.binary_sums(n, BITS, rng) for n in (train_size, sums))
    found = {}
    for order, way in (("least significant first", slice(None)),
                       ("most significant first", slice(None, None, -1))):
        net = Network([Recurrent(UNITS), Dense(2), Softmax()], input_shape=(None, 2), seed=seed)
        net.SGD((x[:, way].copy(), y[:, way]), epochs, 20, lambda e: ETA * 0.1 ** (e / epochs),
                momentum=0.9, clip=1.0, progress=False)
        right = (net.predict(x_judged[:, way].copy()) == y_judged[:, way])[:, way]
        found[order] = right.mean(axis=0)
    limit = best(np.arange(BITS + 1))
    print(f"Bits that are right of {sums:,} sums of {BITS} bits, percent, by how many bits are below:")
    for name, shares in (*found.items(), ("at most, (1 + 2^-k)/2", limit)):
        print(f"    {name:<24}{'  '.join(f'{100 * share:5.1f}' for share in shares)}")
    over = 100 * float(np.abs(found["most significant first"] - limit).max())
    saved = plots.lines(
        {"bits that are right, percent": {
            name: (np.arange(BITS + 1), 100 * shares)
            for name, shares in (*found.items(), ("the limit, most significant first", limit))}},
        Path(out) / "solutions" / "most_significant_first.png",
        f"From the wrong end the network stays within {over:.1f} points of what can be known",
        x="bits below the one that is written")
    print(f"saved: {saved}")
    return {name: shares.tolist() for name, shares in found.items()} | {"limit": limit.tolist()}


if __name__ == "__main__":
    raise SystemExit(solution(main))
