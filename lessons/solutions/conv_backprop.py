"""BP1 to BP4 for convolution and max-pooling, as matrices.  Book ch. 6; number by number in lesson 4.3.

The exercise: the network is a convolution, max-pooling, and a dense layer of outputs.  How do the four
equations change?

The answer is in lesson 4.3, as loops for one channel.  Here is the same with two convolutions, so that
the second one looks at several maps, and with matrices.  Write a row for each place of a layer's maps,
and in it all that the filters meet there: X, with a column for each weight of a filter.  Then a
convolution is a dense layer that treats all rows alike,

          Z = X wᵀ + b               (places, weights) times (weights, maps)            (125)

and its gradients are those of a dense layer, with a sum over the places, for they share w and b:

    BP1   δ = ∂C/∂a ⊙ σ'(z), as ever: the outputs are dense
    BP2   ∂C/∂p = wᵀ δ, dense, up to the pool.  Of each of its windows only the largest a had a say, and
          gets all of it.  Then D = ∂C/∂A ⊙ σ'(Z).  Before a convolution: ∂C/∂X = D w, and a neuron
          that stands in many places of X gets the sum of what stands there in ∂C/∂X
    BP3   ∂C/∂b = Σ over the rows of D
    BP4   ∂C/∂w = Dᵀ X

    python -m lessons.solutions.conv_backprop
"""

import numpy as np

from nndl import Conv, Dense, MaxPool, Network, Sigmoid
from nndl.gradcheck import check_network
from nndl.lesson import solution

SIDE, KERNEL, MAPS, OUTPUTS = 8, 3, (2, 3), 3


def sigmoid(z):
    """(3)."""
    return 1 / (1 + np.exp(-z))


def places(channels, side):
    """What each place of a 3 x 3 filter meets, as positions in its flat input: (places, weights)."""
    n = side - KERNEL + 1
    c, u, v = np.ogrid[:channels, :KERNEL, :KERNEL]
    weights = ((c * side + u) * side + v).ravel()
    j, k = np.ogrid[:n, :n]
    return (j * side + k).reshape(-1, 1) + weights


def backprop(x, y, w1, b1, w2, b2, w_out, b_out):
    """The gradient for one example.

    x : (1, 8, 8);  y : (3,);  w1 : (2, 9), b1 : (2,);  w2 : (3, 18), b2 : (3,);  w_out : (3, 12),
    b_out : (3,)
    Returns nabla of each of the last six.
    """
    at1, at2 = places(1, SIDE), places(MAPS[0], SIDE - KERNEL + 1)   # (36, 9) and (16, 18)
    x1 = x.ravel()[at1]                                              # im2col
    a1 = sigmoid(x1 @ w1.T + b1)                                     # (36, 2), (125)
    maps = a1.T.ravel()                                              # map by map
    x2 = maps[at2]                                                   # im2col
    a2 = sigmoid(x2 @ w2.T + b2)                                     # (16, 3)
    windows = a2.reshape(2, 2, 2, 2, MAPS[1])                        # row, in it; column, in it; map
    p = windows.max(axis=(1, 3))                                     # (2, 2, 3)
    out = sigmoid(w_out @ p.transpose(2, 0, 1).ravel() + b_out)
    delta = (out - y) * out * (1 - out)                              # BP1, (30)
    dp = (w_out.T @ delta).reshape(MAPS[1], 2, 2).transpose(1, 2, 0)           # BP2, dense
    won = windows == p[:, None, :, None]
    d2 = (won * dp[:, None, :, None]).reshape(a2.shape) * a2 * (1 - a2)        # BP2, the pool
    dx2 = d2 @ w2                                                              # BP2, the convolution
    d_maps = np.bincount(at2.ravel(), dx2.ravel(), maps.size)                  # col2im
    d1 = d_maps.reshape(MAPS[0], -1).T * a1 * (1 - a1)
    return (d1.T @ x1, d1.sum(axis=0), d2.T @ x2, d2.sum(axis=0),              # BP4, BP3
            np.outer(delta, p.transpose(2, 0, 1)), delta)


def main(seed=0):
    """By these matrices, by nndl, by central differences.  Returns the largest differences."""
    net = Network([Conv(MAPS[0], KERNEL), Sigmoid(), Conv(MAPS[1], KERNEL), Sigmoid(), MaxPool(2),
                   Dense(OUTPUTS), Sigmoid()],
                  cost="quadratic", input_shape=(1, SIDE, SIDE), seed=seed, dtype="float64")
    rng = np.random.default_rng(seed)
    x, y = rng.random((1, 1, SIDE, SIDE)), rng.random((1, OUTPUTS))
    given = [array for layer in net.layers if layer.parameters
             for array in (layer.w.reshape(len(layer.w), -1), layer.b)]
    mine = backprop(x[0], y[0], *given)
    nabla_b, nabla_w = net.backprop(x, y)
    its = [nabla.reshape(len(nabla), -1) if nabla.ndim > 1 else nabla
           for pair in zip(nabla_w, nabla_b) for nabla in pair]
    difference = max(float(np.abs(a - b).max()) for a, b in zip(mine, its, strict=True))
    numerical = max(check_network(net, x, y).values())
    print(f"By hand and Network.backprop differ by {difference:.0e} at most; it and central "
          f"differences by {numerical:.0e}, relatively, over all {net.parameters} parameters.")
    return {"difference": difference, "numerical": numerical}


if __name__ == "__main__":
    raise SystemExit(solution(main))
