"""Backpropagation through a memory cell with gates, each number checked.  Book ch. 2 and 6.

The exercise: chapter 2 derives BP1 to BP4 for neurons that add up and bend.  An LSTM multiplies as
well.  Derive its gradient over four steps, and check every contribution of every step.

The answer: z = w_xh x_s + w_hh h_(s-1) + b has four parts, for i, f, o = σ(z) and g = tanh(z);

    c_s = f ⊙ c_(s-1) + i ⊙ g,    h_s = o ⊙ tanh(c_s).

In a product each factor passes the error on to the other.  With ∂C/∂h_s and ∂C/∂c_s by later steps,

    ∂C/∂c_s += ∂C/∂h_s ⊙ o ⊙ (1 - tanh²(c_s))
    δ_i = ∂C/∂c_s ⊙ g ⊙ i (1 - i)           δ_f = ∂C/∂c_s ⊙ c_(s-1) ⊙ f (1 - f)
    δ_g = ∂C/∂c_s ⊙ i ⊙ (1 - g²)            δ_o = ∂C/∂h_s ⊙ tanh(c_s) ⊙ o (1 - o)        BP2
    ∂C/∂h_(s-1) = w_hhᵀ δ,  all four parts together;   ∂C/∂c_(s-1) = ∂C/∂c_s ⊙ f
    ∂C/∂b = Σ_s δ,   ∂C/∂w_xh = Σ_s δ x_sᵀ,   ∂C/∂w_hh = Σ_s δ h_(s-1)ᵀ             BP3, BP4

as for the vanilla cell: BP3 and BP4 do not know how δ came about.  What is new is the way from c_s to
c_(s-1): by f alone.

    python -m lessons.solutions.lstm_by_hand
"""

import numpy as np

from nndl import LSTM, Last, Network, QuadraticCost
from nndl.gradcheck import central_difference
from nndl.lesson import solution

STEPS, NAMES = 4, ("w_xh", "w_hh", "b")
X, Y = np.array([1.0, -0.5, 0.5, 1.0])[:, None], -0.5


def forward(x, w_xh, w_hh, b):
    """States h and c before and after each step, (5, n), and the gates (4, 4, n); weights (4, ...)."""
    n = b.shape[1] // 4
    h, c, gates = np.zeros((STEPS + 1, n)), np.zeros((STEPS + 1, n)), np.zeros((STEPS, 4, n))
    for s in range(STEPS):
        z = np.split(w_xh[s] @ x[s] + w_hh[s] @ h[s] + b[s], 4)
        gates[s] = [np.tanh(part) if k == 2 else 1 / (1 + np.exp(-part)) for k, part in enumerate(z)]
        i, f, g, o = gates[s]
        c[s + 1] = f * c[s] + i * g
        h[s + 1] = o * np.tanh(c[s + 1])
    return h, c, gates


def cost(x, y, w_xh, w_hh, b):
    """C = 1/2 ‖y - h_4‖², (27)."""
    return 0.5 * float(np.square(forward(x, w_xh, w_hh, b)[0][-1] - y).sum())


def backward(x, y, w_xh, w_hh, b):
    """What each step contributes to the gradient: {name: (4, ...)}; and ∂C/∂c_s, (4, n)."""
    h, c, gates = forward(x, w_xh, w_hh, b)
    nabla = {"w_xh": np.zeros_like(w_xh), "w_hh": np.zeros_like(w_hh), "b": np.zeros_like(b)}
    of_c = np.zeros_like(c[1:])
    d_h, d_c = h[-1] - y, 0                                                        # BP1
    for s in reversed(range(STEPS)):
        (i, f, g, o), shown = gates[s], np.tanh(c[s + 1])
        d_c = of_c[s] = d_c + d_h * o * (1 - shown ** 2)
        delta = np.concatenate([d_c * g * i * (1 - i), d_c * c[s] * f * (1 - f),
                                d_c * i * (1 - g ** 2), d_h * shown * o * (1 - o)])  # BP2
        nabla["w_xh"][s], nabla["w_hh"][s] = np.outer(delta, x[s]), np.outer(delta, h[s])  # BP4
        nabla["b"][s] = delta                                                      # BP3
        d_h, d_c = w_hh[s].T @ delta, d_c * f
    return nabla, of_c


def main(seed=0):
    """Check every number.  Returns how many, the largest differences, and ∂C/∂c_s of each step."""
    net = Network([LSTM(1), Last()], cost=QuadraticCost, input_shape=(STEPS, 1), seed=seed,
                  dtype="float64")
    layer = net.layers[0]
    weights = {name: np.repeat(getattr(layer, name)[None], STEPS, axis=0) for name in NAMES}
    nabla, of_c = backward(X, Y, **weights)
    numeric = {name: central_difference(lambda: cost(X, Y, **weights), weights[name]) for name in NAMES}
    # The library sums over the steps.  A last layer without parameters: BP1 begins with its slope.
    layer.forward(X[None])
    layer.back((np.arange(STEPS) == STEPS - 1)[None, :, None] * (layer.h - Y))
    print(f"{'':<10}" + "".join(f"{f'step {s + 1}':>11}" for s in range(STEPS))
          + f"{'sum':>11}{'nndl':>11}")
    for name in NAMES:
        for gate, row in zip("ifgo", range(4)):
            each, of_nndl = nabla[name][:, row].ravel(), getattr(layer, f"nabla_{name}")[row].item()
            print(f"{name + ', ' + gate:<10}" + "".join(f"{value:>11.6f}" for value in each)
                  + f"{each.sum():>11.6f}{of_nndl:>11.6f}")
    numerical = max(float(np.abs(nabla[name] - numeric[name]).max()) for name in NAMES)
    library = max(float(np.abs(nabla[name].sum(axis=0) - getattr(layer, f"nabla_{name}")).max())
                  for name in NAMES)
    checked = sum(nabla[name].size for name in NAMES)
    print(f"{checked} contributions differ from central differences by at most {numerical:.0e}, their "
          f"sums from nndl's by {library:.0e}.")
    return {"checked": checked, "numerical": numerical, "library": library,
            "of_c": of_c.ravel().tolist()}


if __name__ == "__main__":
    raise SystemExit(solution(main))
