"""Where softmax has its name from: c to infinity.  Book ch. 3.

The exercise: with a constant c > 0 in it, a_j = e^(c z_j) / Σ_k e^(c z_k), (83), what becomes of the
outputs as c grows without bound?

The answer: divide above and below by the largest term.  The term of neuron k becomes
e^(c (z_k - z_max)), which goes to 0 for every z_k below the largest and is 1 for those that equal it.
So the outputs go to 1 for the largest z (1/2 each for two equal ones) and to 0 for all others: a
maximum, and softmax is its softened version.  1/c is called the temperature.

c = 1 is nothing special: all weights and biases of the last layer times c do the same.  How soft the
outputs of a trained network are does not change what it says, but it changes the cost.

    python -m lessons.solutions.softmax_temperature
"""

from pathlib import Path

import numpy as np

from nndl import Dense, Network, Sigmoid, Softmax, load_mnist, plots
from nndl.lesson import percent, solution

Z = {"z = 2": 2.0, "z = 1.5": 1.5, "z = 0": 0.0, "z = -1": -1.0}
MINI_BATCH_SIZE, ETA = 10, 0.3


def softmax(z, c=1.0):
    """(83) for the last axis of z."""
    e = np.exp(c * (z - z.max(axis=-1, keepdims=True)))   # the largest exponent is 0: no overflow
    return e / e.sum(axis=-1, keepdims=True)


def main(epochs=5, train_size=10_000, seed=0, out="pictures"):
    """Four numbers, and a trained network, at several c.  Returns outputs and costs."""
    z = np.array(list(Z.values()))
    print("Softmax of", ", ".join(f"{value:g}" for value in z), "with a constant c, (83): the larger "
          "c is, the more of the sum goes to the largest.")
    shown = {c: softmax(z, c) for c in (0.01, 1.0, 10.0, 100.0)}
    for c, a in shown.items():
        print(f"c = {c:<6g} a = {np.array2string(a, precision=4, suppress_small=True)}")
    tie = softmax(np.array([2.0, 2.0, 0.0]), 1000.0)
    print(f"Two equal largest ones, c = 1000: {tie}")

    training, _, test = load_mnist()
    net = Network([Dense(30), Sigmoid(), Dense(10), Softmax()], seed=seed)
    net.SGD(training[:train_size], epochs, MINI_BATCH_SIZE, ETA, progress=False)
    w, b = net.layers[-2].w.copy(), net.layers[-2].b.copy()
    print("\nA trained network whose last layer's weights and biases are multiplied: it says the same, "
          "and is as sure as the constant makes it.")
    costs, accuracies = {}, {}
    for c in (0.25, 0.5, 1.0, 2.0, 4.0, 16.0):
        net.layers[-2].w[...], net.layers[-2].b[...] = c * w, c * b
        costs[c], accuracies[c] = net.total_cost(test), net.accuracy(test)
        print(f"784-30-10, last layer times {c:<5g} {percent(accuracies[c])} % of the test images "
              f"right, cost {costs[c]:.4f} nats")
    cs = np.linspace(0, 6, 49)
    saved = plots.lines(
        {"output": {name: (cs, [softmax(z, c)[j] for c in cs]) for j, name in enumerate(Z)}},
        Path(out) / "solutions" / "softmax_temperature.png",
        f"At c = {cs[-1]:g} the largest of four has {percent(softmax(z, cs[-1])[0], 0)} % of the sum",
        x="c, or 1/temperature")
    print(f"saved: {saved}")
    return {"outputs": shown, "tie": tie, "costs": costs, "accuracies": accuracies}


if __name__ == "__main__":
    raise SystemExit(solution(main))
