"""Backpropagation for a whole mini-batch at once, as matrices.  Book ch. 2.

The exercise: the book's program goes through a mini-batch example by example.  Do all its examples at
once, with a matrix whose columns (here: rows) are the examples, and see how much faster it is.

The answer: in each equation the vector of one example becomes the matrix of all, a row for each, and
nothing else changes:

    Z = A Wᵀ + b            one matrix product for m examples                (25)
    D^L = (A^L - Y) ⊙ σ'(Z^L)                                                BP1, (30)
    D^l = (D^(l+1) W^(l+1)) ⊙ σ'(Z^l)                                        BP2
    nabla_b = the sum of D's rows,   nabla_w = Dᵀ A                          BP3, BP4

The sum over the mini-batch, a loop before, is in the last product: row k of A meets row k of D, and
the products are added.  The numbers are the same but for rounding.  A matrix product reads each weight
once for all examples, where the loop reads it anew for each.  This is what nndl's core does.

    python -m lessons.solutions.backprop_as_matrices
"""

import time
from pathlib import Path

import numpy as np

from nndl import Dense, Network, Sigmoid, load_mnist, plots
from nndl.lesson import counted, solution

SIZES = (784, 30, 10)


def sigmoid(z):
    """(3)."""
    return 1 / (1 + np.exp(-z))


def by_example(weights, biases, images, y):
    """The book's way: vectors, an example at a time.  Returns (nabla_b, nabla_w), summed."""
    nabla_b, nabla_w = [np.zeros_like(b) for b in biases], [np.zeros_like(w) for w in weights]
    for a, desired in zip(images, y):
        activations = [a]
        for w, b in zip(weights, biases):
            activations.append(sigmoid(w @ activations[-1] + b))             # (25), (22)
        a = activations[-1]
        delta = (a - desired) * a * (1 - a)                                  # BP1
        for layer in reversed(range(len(weights))):
            a = activations[layer]
            nabla_b[layer] += delta                                          # BP3
            nabla_w[layer] += np.outer(delta, a)                             # BP4
            if layer:                                        # the pixels have no error
                delta = (delta @ weights[layer]) * a * (1 - a)               # BP2
    return nabla_b, nabla_w


def by_matrices(weights, biases, a, y):
    """All examples at once: a (m, n_in), y (m, n_out).  Returns the same."""
    activations = [a]
    for w, b in zip(weights, biases):
        activations.append(sigmoid(activations[-1] @ w.T + b))
    a = activations[-1]
    delta = (a - y) * a * (1 - a)                                            # (m, n_out)
    nabla_b, nabla_w = [], []
    for layer in reversed(range(len(weights))):
        a = activations[layer]
        nabla_b.insert(0, delta.sum(axis=0))
        nabla_w.insert(0, delta.T @ a)
        if layer:
            delta = (delta @ weights[layer]) * a * (1 - a)
    return nabla_b, nabla_w


def largest_difference(one, other):
    """Between two gradients, relative to the largest number of each array."""
    return max(float(np.abs(a - b).max() / np.abs(a).max())
               for ones, others in zip(one, other) for a, b in zip(ones, others))


def milliseconds(function, *arguments, times=5):
    """The shortest of several calls, in time of this process: others may keep the core busy."""
    taken = []
    for _ in range(times):
        began = time.process_time()
        function(*arguments)
        taken.append(1000 * (time.process_time() - began))
    return min(taken)


def main(sizes=(1, 10, 100, 1000), seed=0, out="pictures"):
    """Compare and time.  Returns the largest differences, and how many times as fast matrices are."""
    net = Network([layer for n in SIZES[1:] for layer in (Dense(n), Sigmoid())], cost="quadratic",
                  seed=seed, dtype="float64")
    dense = [layer for layer in net.layers if layer.parameters]
    weights, biases = [layer.w for layer in dense], [layer.b for layer in dense]
    images, labels = load_mnist().training[:max(sizes)]
    a, y = images.reshape(len(images), -1) / 256, np.eye(10)[labels]
    differences, faster = [], {}
    print("mini-batch   example by example        matrices    times as fast")
    for m in sizes:
        args = weights, biases, a[:m], y[:m]
        loop = by_example(*args)
        differences += [largest_difference(loop, by_matrices(*args)),
                        largest_difference(loop, net.backprop(images[:m], labels[:m]))]
        with net.ops.running():  # BLAS with one thread: neither way waits for another core
            slow, fast = milliseconds(by_example, *args), milliseconds(by_matrices, *args)
        faster[m] = slow / fast
        print(f"{m:>10}   {slow:>15.3f} ms   {fast:>10.3f} ms   {faster[m]:>12.1f}")
    print("The gradients of both ways, and of Network.backprop, differ by at most "
          f"{max(differences):.0e} of the largest.")
    most = max(faster, key=faster.get)
    saved = plots.bars(
        {f"784-30-10, float64; gradients equal to {max(differences):.0e}": {
            counted(m, "image"): ratio for m, ratio in faster.items()}},
        Path(out) / "solutions" / "backprop_as_matrices.png",
        f"Matrices are up to {faster[most]:.0f} times as fast as a loop, with {counted(most, 'image')}",
        "times as fast as example by example")
    print(f"saved: {saved}")
    return {"difference": max(differences), "faster": faster}


if __name__ == "__main__":
    raise SystemExit(solution(main))
