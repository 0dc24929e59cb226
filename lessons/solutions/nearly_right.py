"""What the two costs make of a neuron that is nearly right.  To lesson 2.0.

The exercise: start the neuron at w = b = -2, so that it is nearly right.  What do the two costs
make of that?

The answer: both let it learn slowly, which here is as it should be: there is little left to learn.
Its output is 0.018 and should be 0.  The gradient (55) is a²(1 - a), that of (61) is a.  Both are
smaller than at w = b = 2, where the output is 0.982, by the same factor: e^4, about 55.

But the quadratic cost's is small at both ends.  σ' is the very same at 2 and at -2, and the
gradient is largest in between, at a = 2/3.  The cross-entropy's is small only where there is little
to learn: it grows with the error all the way.

They differ in how the rest is learnt.  Near a = 0 each step changes z by -2 η times the gradient,
once for w and once for b, and a by a times that, so that

    quadratic        da/dt = -2 η a³     1/a² = 1/a0² + 4 η t
    cross-entropy    da/dt = -2 η a²     1/a  = 1/a0 + 2 η t

With the same η the cross-entropy halves the output in fewer than 200 steps, the quadratic cost in
some 16,000.  It goes on asking for more where the quadratic cost is content.  For reading digits
nothing is gained by that: the answer was right from the start.  It is bought with ever larger
weights, which lesson 2.1 has to keep in check.

    python -m lessons.solutions.nearly_right
"""

from pathlib import Path

import numpy as np

from lessons.network_2_0_cross_entropy import COSTS, NEURON_ETA, build_neuron
from nndl import plots
from nndl.lesson import solution

ETA = NEURON_ETA["quadratic"]     # the same for both costs, so that steps can be compared
STARTS = {"w = b = 2": (2.0, 2.0), "w = 0.6, b = 0.9": (0.6, 0.9), "w = b = -2": (-2.0, -2.0)}
X, Y = np.array([[1.0]]), np.array([[0.0]])


def learn(cost, start, steps):
    """The neuron's output before each step and after the last, (steps + 1,); and its w at last."""
    net = build_neuron(cost, start)
    a = [float(net.feedforward(X)[0, 0])]
    for _ in range(steps):
        net.update_mini_batch((X, Y), ETA)
        a.append(float(net.feedforward(X)[0, 0]))
    return np.array(a), float(net.layers[0].w[0, 0])


def main(steps=20_000, out="pictures"):
    """Gradients at three starts, and the nearly right neuron's way.  Returns both, and formulas."""
    gradients, ways, halved, predicted = {}, {}, {}, {}
    print(f"    {'start':<18} {'output':>7}   |∂C/∂w|: quadratic   cross-entropy")
    for name, start in STARTS.items():
        nets = {cost: build_neuron(cost, start) for cost in COSTS}
        gradients[name] = {cost: abs(float(net.backprop(X, Y)[1][0][0, 0]))
                           for cost, net in nets.items()}
        a = float(nets["quadratic"].feedforward(X)[0, 0])
        print(f"    {name:<18} {a:>7.3f} {gradients[name]['quadratic']:>20.5f} "
              f"{gradients[name]['cross-entropy']:>15.5f}")
    print("From w = b = 2 to w = b = -2 the gradient falls to 1 in " + ", to 1 in ".join(
        f"{gradients['w = b = 2'][cost] / gradients['w = b = -2'][cost]:.1f} ({cost})"
        for cost in COSTS))

    t = np.arange(steps + 1)
    for cost in COSTS:
        ways[cost], w = learn(cost, STARTS["w = b = -2"], steps)
        a0 = ways[cost][0]
        predicted[cost] = ((1 / a0**2 + 4 * ETA * t) ** -0.5 if cost == "quadratic" else
                           1 / (1 / a0 + 2 * ETA * t))
        half = np.flatnonzero(ways[cost] <= a0 / 2)
        halved[cost] = int(half[0]) if half.size else None
        print(f"{cost}, η = {ETA:g}: output {a0:.4f}, halved after {halved[cost]} steps; after "
              f"{steps:,} {ways[cost][-1]:.5f} (formula {predicted[cost][-1]:.5f}), w = {w:.2f}")
    heading = "output, logarithmic; 0 is right"
    saved = plots.lines(
        {heading: {cost: (t[::20], ways[cost][::20]) for cost in COSTS}},
        Path(out) / "solutions" / "nearly_right.png",
        f"From {ways['quadratic'][0]:.3f} the output comes in {steps:,} steps to " + ", to ".join(
            f"{ways[cost][-1]:.2g} ({cost})" for cost in COSTS), x="step", log=(heading,),
        note=f"η = {ETA:g} for both; w = b = -2 to begin with")
    print(f"saved: {saved}")
    return {"gradients": gradients, "ways": ways, "halved": halved, "predicted": predicted}


if __name__ == "__main__":
    raise SystemExit(solution(main))
