"""Backpropagation when one neuron has another activation function.  Book ch. 2.

The exercise: in a network of sigmoid neurons a single one computes f(Σ w x + b) instead, with some
other f.  What has to change in backpropagation?

The answer: forward, the neuron's own f.  Backward, its own slope: wherever BP1 or BP2 multiplies by
σ'(z_j) for this neuron j, there now stands f'(z_j).  BP3 and BP4 stay, since they only use δ and the
activations that came in.  So one number of one vector is another:

    δ^l = ((w^(l+1))ᵀ δ^(l+1)) ⊙ (σ'(z_1), ..., f'(z_j), ..., σ'(z_n))       BP2

As a layer of one's own that is a few lines.  Central differences, (46) taken both ways, tell that it is
right; and when one forgets the backward half, they say so, and where.

    python -m lessons.solutions.one_modified_neuron
"""

import numpy as np

from nndl import Dense, Network, Sigmoid
from nndl.gradcheck import GradientError, check_network
from nndl.lesson import solution

MODIFIED = 2  # which of the hidden neurons


class OneModified(Sigmoid):
    """Sigmoid neurons, of which neuron j computes sin z."""

    def __init__(self, j):
        self.j = j

    def forward(self, z, training=False):
        """(m, n) -> (m, n)."""
        self.z = z
        self.a = np.array(super().forward(z, training))
        self.a[:, self.j] = np.sin(z[:, self.j])
        return self.a

    def backward(self, da):
        """dC/da -> dC/dz, with f' = cos for neuron j."""
        dz = np.array(super().backward(da))
        dz[:, self.j] = da[:, self.j] * np.cos(self.z[:, self.j])
        return dz


class Forgotten(OneModified):
    """The same neuron, but backward as if it were a sigmoid."""

    def backward(self, da):
        """Wrong for neuron j: a (1 - a) is not its slope."""
        return Sigmoid.backward(self, da)


def checked(activation, seed):
    """The largest relative error of any gradient, or what the check has to say."""
    net = Network([Dense(5), activation, Dense(3), Sigmoid()], cost="quadratic", input_shape=(4,),
                  seed=seed, dtype="float64", backend="numpy")
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(6, 4)), rng.random((6, 3))
    try:
        return max(check_network(net, x, y).values())
    except GradientError as error:
        return str(error)


def main(seed=0):
    """Check both.  Returns {name: largest relative error, or the complaint}."""
    found = {"f and f'": checked(OneModified(MODIFIED), seed),
             "f, but still σ'": checked(Forgotten(MODIFIED), seed)}
    print(f"A network 4-5-3; hidden neuron {MODIFIED} computes sin z.")
    print(f"With f forward and f' backward every gradient is right: they differ from central "
          f"differences by {found['f and f' + chr(39)]:.1e} at most.")
    print(f"With f forward and σ' backward: {found['f, but still σ' + chr(39)]}.")
    return found


if __name__ == "__main__":
    raise SystemExit(solution(main))
