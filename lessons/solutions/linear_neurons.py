"""Backpropagation with linear neurons, and what such a network can do.  Book ch. 2.

The exercise: put σ(z) = z everywhere and write backpropagation anew.

The answer: σ' is 1, and disappears:

    a^l = w^l a^(l-1) + b^l                                                  (25)
    δ^L = ∂C/∂a = a^L - y,   δ^l = (w^(l+1))ᵀ δ^(l+1)                        BP1, (68), BP2
    ∂C/∂b = δ,   ∂C/∂w_jk = a_k δ_j                                          BP3, BP4

Nothing vanishes on the way back but what the weights themselves shrink.  But nothing is gained by
layers either: w²(w¹x + b¹) + b² = (w²w¹)x + (w²b¹ + b²) is one layer.  A linear network of any depth
can do no more than one without hidden neurons.

    python -m lessons.solutions.linear_neurons
"""

import numpy as np

from nndl import Dense, Network, Sigmoid, load_mnist
from nndl.gradcheck import check_network
from nndl.lesson import percent, solution

# Larger steps make linear networks diverge: no sigmoid bounds their outputs.
ETA, MINI_BATCH_SIZE = {"linear": 0.005, "sigmoid": 1.0}, 10
HIDDEN = {"linear": ((), (100,), (100, 100)), "sigmoid": ((), (100,))}


def linear(*hidden, **more):
    """784-...-10 without any activation, quadratic cost, book (68)."""
    return Network([Dense(n) for n in (*hidden, 10)], cost="quadratic", **more)


def sigmoid(*hidden, **more):
    """The same with sigmoids."""
    return Network([layer for n in (*hidden, 10) for layer in (Dense(n), Sigmoid())],
                   cost="quadratic", **more)


def collapsed(net):
    """(w, b) of the one layer that a linear network is."""
    w, b = np.eye(784), np.zeros(784)
    for layer in net.layers:
        if layer.parameters:
            w, b = layer.w @ w, layer.w @ b + layer.b
    return w, b


def main(epochs=10, train_size=10_000, seed=0):
    """Train linear networks and one of sigmoids.  Returns accuracies, fractions, and differences."""
    training, _, test = load_mnist()
    small = Network([Dense(5), Dense(4), Dense(3)], cost="quadratic", input_shape=(6,), seed=seed,
                    dtype="float64", backend="numpy")
    rng = np.random.default_rng(seed)
    error = max(check_network(small, rng.normal(size=(5, 6)), rng.normal(size=(5, 3))).values())
    print(f"Without σ', the gradients of a linear network 6-5-4-3 differ by {error:.1e} from central "
          "differences.")

    accuracies = {}
    print(f"{epochs} epochs on {train_size:,} images; right, % of the test images:")
    for kind, build in (("linear", linear), ("sigmoid", sigmoid)):
        for sizes in HIDDEN[kind]:
            net = build(*sizes, seed=seed)
            net.SGD(training[:train_size], epochs, MINI_BATCH_SIZE, ETA[kind], progress=False)
            name = f"{kind} {'-'.join(map(str, (784, *sizes, 10)))}"
            accuracies[name] = net.accuracy(test)
            print(f"    {name:<24} {percent(accuracies[name])}")
            if kind == "linear":
                w, b = collapsed(net)
                one = test.images.reshape(-1, 784) / 256 @ w.T + b
                difference = float(np.abs(one - net.feedforward(test.images)).max())
    gained = {kind: accuracies[f"{kind} 784-100-10"] - accuracies[f"{kind} 784-10"] for kind in ETA}
    print(f"The deepest linear one is the single layer w³w²w¹: its outputs differ from it by "
          f"{difference:.0e} at most.  A hidden layer changes a linear network's accuracy by "
          f"{percent(gained['linear'])} percentage points, that of one of sigmoids by "
          f"{percent(gained['sigmoid'])}.")
    return {"gradient": error, "difference": difference, "accuracies": accuracies}


if __name__ == "__main__":
    raise SystemExit(solution(main))
