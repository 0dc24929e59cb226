"""How large the weighted input of a neuron is to begin with.  Book ch. 3.

The exercise: a neuron has 1,000 inputs, of which 500 are 1 and 500 are 0.  Its weights are drawn with
mean 0 and standard deviation 1/√1000, its bias with standard deviation 1.  Show that
z = Σ w x + b has standard deviation √(3/2).

The answer: variances of independent numbers add up.  500 weights count, and each has variance 1/1000:

    Var z = 500 · 1/1000 + 1 = 3/2,      √(3/2) = 1.22

With chapter 1's weights, standard deviation 1, it is 500 + 1 = 501, √501 = 22.4.  Then σ(z) is within
0.01 of 0 or 1 for |z| > ln 99 = 4.6: the default weights saturate hardly any neuron, the large
ones most.

    python -m lessons.solutions.std_of_z
"""

from pathlib import Path

import numpy as np

from nndl import initialize, plots
from nndl.lesson import percent, solution

N_IN = 1000
SATURATED = np.log(99)  # |z| beyond which σ(z) is within 0.01 of 0 or 1


def main(neurons=10_000, seed=0, out="pictures"):
    """Draw neurons by both initialisers.  Returns {name: (standard deviation, saturated)}."""
    x = np.repeat([1.0, 0.0], N_IN // 2)
    expected = {"default": np.sqrt(3 / 2), "large": np.sqrt(N_IN / 2 + 1)}
    rng = np.random.default_rng(seed)
    z, measured = {}, {}
    for name in expected:
        w, b = initialize.by_name(name)(rng, (neurons, N_IN), N_IN, neurons)
        z[name] = w @ x + b
        measured[name] = float(z[name].std()), float(np.mean(np.abs(z[name]) > SATURATED))
        print(f"{name:<8} weights: z has standard deviation {measured[name][0]:.4f}, by the formula "
              f"{expected[name]:.4f}; {percent(measured[name][1])} % of {neurons:,} neurons saturated")
    saved = plots.distributions(
        {f"{neurons:,} neurons, 500 of 1,000 inputs on": {f"{name} weights": z[name] for name in z}},
        Path(out) / "solutions" / "std_of_z.png",
        f"z has standard deviation {measured['default'][0]:.2f} with default weights, "
        f"{measured['large'][0]:.1f} with large ones", "weighted input z", span=(-60, 60), bins=120)
    print(f"saved: {saved}")
    return measured


if __name__ == "__main__":
    raise SystemExit(solution(main))
