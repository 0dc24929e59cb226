"""BP1 to BP4 for convolution and max-pooling.  Book ch. 6; step by step in lesson 4.3.

The exercise: the network is a convolution, max-pooling, and a dense layer of outputs.  How do the four
equations change?

The answer, for one example.  Write z_fjk for the weighted input of map f at place (j, k), (125), a =
σ(z), p for what pooling hands on, and δ for the outputs' error:

    BP1   δ = ∂C/∂a ⊙ σ'(z), as ever: the outputs are dense
    BP2   first ∂C/∂p = wᵀ δ, dense, and back in the shape of the maps.  Then through pooling: of each
          window only the largest a had a say, and it gets all, the others 0.  Then ⊙ σ'(z):
          δ_fjk = (∂C/∂p of its window, if a_fjk won; else 0) · σ'(z_fjk)
    BP3   ∂C/∂b_f = Σ_jk δ_fjk          one bias serves all places, so their errors add up
    BP4   ∂C/∂w_flm = Σ_jk δ_fjk x_(j+l)(k+m)         the same, with what it met at each place

Written out here as loops; nndl's layers do the same with matrices.

    python -m lessons.solutions.conv_backprop
"""

import numpy as np

from nndl import Conv, Dense, MaxPool, Network, Sigmoid
from nndl.gradcheck import check_network

SIDE, MAPS, KERNEL, OUTPUTS = 8, 2, 3, 3


def sigmoid(z):
    """(3)."""
    return 1 / (1 + np.exp(-z))


def backprop(x, y, w, b, w_out, b_out):
    """The gradient for one example, place by place.

    x : (8, 8);  y : (3,);  w : (2, 3, 3), b : (2,) of the maps;  w_out : (3, 18), b_out : (3,)
    Returns nabla of w, b, w_out, b_out.
    """
    n = SIDE - KERNEL + 1                                                   # 6 places a side
    z = np.array([[[b[f] + (w[f] * x[j:j + KERNEL, k:k + KERNEL]).sum() for k in range(n)]
                   for j in range(n)] for f in range(MAPS)])                # (125)
    a = sigmoid(z)                                                          # (2, 6, 6)
    p = a.reshape(MAPS, n // 2, 2, n // 2, 2).max(axis=(2, 4))              # (2, 3, 3)
    out = sigmoid(w_out @ p.ravel() + b_out)
    delta = (out - y) * out * (1 - out)                                     # BP1, (30)
    dp = (w_out.T @ delta).reshape(p.shape)                                 # BP2, dense
    dz = np.zeros_like(z)
    for f, j, k in np.ndindex(dz.shape):
        if a[f, j, k] == p[f, j // 2, k // 2]:                              # it won its window
            dz[f, j, k] = dp[f, j // 2, k // 2] * a[f, j, k] * (1 - a[f, j, k])   # BP2
    nabla_b = dz.sum(axis=(1, 2))                                           # BP3
    nabla_w = np.zeros_like(w)
    for f, j, k in np.ndindex(dz.shape):
        nabla_w[f] += dz[f, j, k] * x[j:j + KERNEL, k:k + KERNEL]           # BP4
    return nabla_w, nabla_b, np.outer(delta, p.ravel()), delta              # BP4, BP3, dense


def main(seed=0):
    """By loops, by nndl, by central differences.  Returns the largest differences."""
    net = Network([Conv(MAPS, KERNEL), Sigmoid(), MaxPool(2), Dense(OUTPUTS), Sigmoid()],
                  cost="quadratic", input_shape=(1, SIDE, SIDE), seed=seed, dtype="float64")
    rng = np.random.default_rng(seed)
    x, y = rng.random((1, 1, SIDE, SIDE)), rng.random((1, OUTPUTS))
    conv, dense = (layer for layer in net.layers if layer.parameters)
    w, b, w_out, b_out = backprop(x[0, 0], y[0], conv.w[:, 0], conv.b, dense.w, dense.b)
    nabla_b, nabla_w = net.backprop(x, y)
    difference = max(float(np.abs(mine - its).max()) for mine, its in zip(
        (w[:, None], b, w_out, b_out), (nabla_w[0], nabla_b[0], nabla_w[1], nabla_b[1])))
    numerical = max(check_network(net, x, y).values())
    print(f"Loops by hand and Network.backprop differ by {difference:.0e} at most; it and central "
          f"differences by {numerical:.0e}, relatively, over all {net.parameters} parameters.")
    return {"difference": difference, "numerical": numerical}


if __name__ == "__main__":
    main()
