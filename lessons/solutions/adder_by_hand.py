"""An adder of two hidden units, its weights set by hand.  To lesson 6.4.

The exercise: set the weights of a recurrent network that adds two binary numbers, a bit of each at a
step.  How few hidden units are enough, and why not one?  Does training find such weights, too?

The answer: two.  Let T = a + b + c be what is to be added at a step, 0 to 3, c the carry that comes in.
The carry that goes out is 1 where T >= 2, and the bit that is written is T - 2 (carry out).  So

    one unit holds the carry:  h1 = tanh(G (a + b + h1/2 - 5/4))     about 1 where T >= 2, else about -1
    one unit hands on T:       h2 = tanh(E (a + b + h1/2))           about E (T - 1/2), for a small E

in which h1 on the right is the last step's, and c = (1 + h1)/2.  So a + b + h1/2 is -1/2, 1/2 or 3/2
where no carry comes in, and 1/2, 3/2 or 5/2 where one does; at the first step, where h1 = 0, it is 0, 1
or 2.  5/4 lies below what must carry, 3/2 and 2, and above what must not, 1/2 and 1: the carry is right
from the first step on.  The bit that is written is 1 where T - 2 (carry out) > 1/2, and with h1 = ±1
for the carry out that is

    z = h2/E - h1 - 1,      which is -1/2 for a bit 0 and 1/2 for a 1, at the first step 0 and 1

A softmax of (0, K (z - 1/4)) says which, (78).  The weights into h2 are a hundredth, so that tanh is
straight there: this is the identity neuron of chapter 5 once more.

One unit is not enough.  Before the first step h = 0, so the output of the first step is a threshold on
tanh(w1 a + w2 b + b0): on one side of a straight line.  What must be written is a ⊕ b, and no straight
line parts 01 and 10 from 00 and 11.

    python -m lessons.solutions.adder_by_hand
"""

from pathlib import Path

import numpy as np

from nndl import Dense, Network, Recurrent, Softmax, plots
from nndl.comparing import counted
from nndl.data import tasks
from nndl.lesson import solution

GAIN, SMALL, SURE = 30.0, 0.01, 40.0   # G, E and K above
UNITS = (1, 2, 3, 4, 6, 12)
BITS, LONG = (1, 8), 20


def by_hand():
    """The network of the answer: 2 hidden units, 14 weights and biases."""
    net = Network([Recurrent(2), Dense(2), Softmax()], input_shape=(None, 2))
    cell, out = net.layers[:2]
    cell.w_xh[...] = [[GAIN, GAIN], [SMALL, SMALL]]
    cell.w_hh[...] = [[GAIN / 2, 0], [SMALL / 2, 0]]
    cell.b[...] = [-1.25 * GAIN, 0]
    out.w[...] = [[0, 0], [-SURE, SURE / SMALL]]
    out.b[...] = [0, -1.25 * SURE]
    return net


def trained(units, seed, epochs, train_size):
    """A network of so many hidden units as lesson 6.4 trains it."""
    net = Network([Recurrent(units), Dense(2), Softmax()], input_shape=(None, 2), seed=seed)
    net.SGD(tasks.binary_sums(train_size, BITS, np.random.default_rng(seed)), epochs, 20,
            lambda epoch: 0.1 * 0.1 ** (epoch / epochs), momentum=0.9, clip=1.0, progress=False)
    return net


def main(epochs=5, train_size=10_000, runs=5, sums=10_000, seed=0, out="pictures"):
    """By hand and by training.  Returns the share of whole sums of 20 bits that are right."""
    x, y = tasks.binary_sums(sums, LONG, np.random.default_rng(seed))

    def right(net):
        return float((net.predict(x) == y).all(axis=1).mean())

    hand = right(by_hand())
    print(f"By hand, 2 hidden units: {100 * hand:.2f} % of {sums:,} sums of {LONG} bits are right.")
    print(f"Trained on {train_size:,} sums of up to {BITS[1]} bits, {runs} runs each:")
    found = {}
    for units in UNITS:
        found[units] = [right(trained(units, seed + run, epochs, train_size)) for run in range(runs)]
        shares = "  ".join(f"{100 * share:6.2f}" for share in found[units])
        print(f"    hidden units: {units:>2}   {shares} %")
    always = [units for units in UNITS if min(found[units]) == 1]
    enough = next((units for units in UNITS if all(more in always for more in UNITS if more >= units)),
                  None)
    said = (f"training finds such weights in every run from {enough} on" if enough else
            "with none of these numbers training finds such weights in every run")
    saved = plots.dots(
        {f"{counted(units, 'hidden unit')}, trained": [100 * share for share in found[units]]
         for units in UNITS}
        | {"2 hidden units, by hand": [100 * hand]},
        Path(out) / "solutions" / "adder_by_hand.png",
        f"Two hidden units by hand do {100 * hand:.0f} % of the sums; {said}",
        f"whole sums of {LONG} bits that are right, percent")
    print(f"saved: {saved}")
    return {"by_hand": hand, "trained": found}


if __name__ == "__main__":
    raise SystemExit(solution(main))
