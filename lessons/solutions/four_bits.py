"""Weights by hand that turn ten outputs into four bits.  Book ch. 1.

The exercise: behind the ten output neurons of a good network stands one more layer, of four neurons,
that writes the digit in binary.  The ten are supposed to be reliable: at least 0.99 for the right
digit, below 0.01 for every other.  Find weights and biases of the four.

The answer: neuron k looks for bit k.  It gets the weight +c from every digit that has this bit, -c
from every digit that has not, and no bias:

    w_kd = c if digit d has bit k, else -c;   b_k = 0                        z = w a + b, (25)

The worst that can happen to a bit that should be 1: the right digit is at 0.99, all digits without the
bit are at 0.01 and all others with it at 0, so that z = c (0.99 - 0.01 n), n the number of digits
without.  n is at most 8 (only 8 and 9 have the highest bit), so z >= 0.91 c; bits that should be 0
mirror it.  With c = 10 every bit is within 0.0002 of what it should be.

The book also asks why one trains ten outputs and not four.  Here both are tried.

    python -m lessons.solutions.four_bits
"""

import itertools

import numpy as np

from nndl import Dense, Network, Sigmoid, load_mnist
from nndl.lesson import percent, solution, spread

C = 10.0
BITS = np.arange(10)[:, None] >> np.arange(4) & 1   # (10, 4), BITS[d, k] is bit k of digit d
W = C * (2 * BITS.T - 1)                            # (4, 10)
ETA, MINI_BATCH_SIZE = 3.0, 10


def bits_of(a):
    """Outputs (m, 10) -> the four neurons' (m, 4)."""
    return 1 / (1 + np.exp(-(a @ W.T)))


def worst_of_all():
    """How far a bit can be from what it should be, over all corners of what is allowed.

    z is linear in the ten activations, and so largest and smallest in a corner.
    """
    corners = np.array(list(itertools.product((0.0, 0.01), repeat=9)))   # the nine wrong digits
    worst = 0.0
    for digit, right in itertools.product(range(10), (0.99, 1.0)):
        a = np.insert(corners, digit, right, axis=1)                     # (512, 10)
        worst = max(worst, float(np.abs(bits_of(a) - BITS[digit]).max()))
    return worst


def read_right(bits, labels):
    """The fraction of rows of bits (m, 4), rounded, that spell the label."""
    return float(np.mean((bits > 0.5) @ (1, 2, 4, 8) == labels))


def network(n_out, seed):
    """784-30-n_out, chapter 1's."""
    return Network([Dense(30, init="large"), Sigmoid(), Dense(n_out, init="large"), Sigmoid()],
                   cost="quadratic", seed=seed)


def main(epochs=10, train_size=10_000, runs=3, seed=0):
    """Returns what was measured: fractions, for several runs lists."""
    worst = worst_of_all()
    print(f"With c = {C:g} a bit is never further than {worst:.5f} from what it should be.")
    training, _, test = load_mnist()
    training = training[:train_size]
    ten, behind, four = [], [], []
    for run in range(runs):
        net = network(10, seed + run)
        net.SGD(training, epochs, MINI_BATCH_SIZE, ETA, progress=False)
        ten.append(net.accuracy(test))
        behind.append(read_right(bits_of(net.feedforward(test.images)), test.labels))
        net = network(4, seed + run)
        net.SGD((training.images, BITS[training.labels].astype(float)), epochs, MINI_BATCH_SIZE, ETA,
                progress=False)
        four.append(read_right(net.feedforward(test.images), test.labels))
    print(f"Trained on {train_size:,} images, {epochs} epochs; right, % of the test images:")
    for name, measured in (("ten outputs, the largest counts", ten),
                           ("the four bits behind them", behind),
                           ("four outputs that were trained as such", four)):
        print(f"    {name:<40} {spread(measured)}")
    lost = np.mean(ten) - np.mean(behind)
    print(f"A real network is not always at 0.99 and 0.01: reading the bits costs {percent(lost)} "
          "percentage points.  Ten outputs less four, trained alike: "
          f"{percent(np.mean(ten) - np.mean(four))} points.")
    return {"worst": worst, "ten": ten, "behind": behind, "four": four}


if __name__ == "__main__":
    raise SystemExit(solution(main))
