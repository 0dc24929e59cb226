"""Momentum, and why μ is between 0 and 1.  Book ch. 3.

The exercises: put momentum into the program; and say what goes wrong with μ > 1, and with μ < 0.

The answer: the library has it, SGD(momentum=μ):  v' = μv - η∇C, (107), and w' = w + v', (108).
On a slope that does not change, velocities are a geometric series,

    v = -η∇C (1 + μ + μ² + ...) -> -η∇C / (1 - μ)       for |μ| < 1

so μ = 0.9 goes ten times as far with each step as η alone.  With μ > 1 the series has no limit:
friction is negative, the velocity grows by itself, by a factor μ each step, whatever the slope says,
and the network diverges.  With -1 < μ < 0 the last step is partly taken back: μ = -0.5 goes 1/1.5 of
the way, which is a smaller η and nothing better; and below -1 it swings ever wider.

In a valley that is steep across and flat along, η is limited by the steep direction.  There momentum
gains, since along the valley the steps add up and across it they cancel.

    python -m lessons.solutions.momentum
"""

from pathlib import Path

import numpy as np

from nndl import Dense, Diverged, Network, Sigmoid, load_mnist, plots
from nndl.lesson import percent, solution

MUS = (0.0, 0.5, 0.9, -0.5, 1.1)
CURVATURE = np.array([1.0, 100.0])   # of the valley C = ½ Σ c w²: along, and across
VALLEY_ETA, ETA, MINI_BATCH_SIZE = 0.01, 0.05, 10


def valley(mu, steps, eta=VALLEY_ETA):
    """The cost after each step from w = (10, 1)."""
    w, v, costs = np.array([10.0, 1.0]), np.zeros(2), []
    for _ in range(steps):
        v = mu * v - eta * CURVATURE * w         # (107)
        w = w + v                                # (108)
        costs.append(float(0.5 * CURVATURE @ w**2))
    return costs


def main(steps=150, epochs=3, train_size=10_000, seed=0, out="pictures"):
    """In the valley, and with a network.  Returns costs and validation accuracies by μ."""
    costs = {mu: valley(mu, steps) for mu in MUS}
    print(f"A valley a hundred times as steep across as along, η = {VALLEY_ETA:g}, "
          f"cost after {steps} steps from {0.5 * CURVATURE @ np.array([10, 1])**2:g}:")
    for mu in MUS:
        print(f"    μ = {mu:<5g} {costs[mu][-1]:.3g}")

    training, validation, _ = load_mnist()
    accuracies = {}
    runs = [(f"μ = {mu:g}, η = {ETA:g}", mu, ETA) for mu in MUS]
    runs.append((f"μ = 0, η = {ETA:g}/(1 - 0.9)", 0.0, ETA / 0.1))
    print(f"784-30-10, cross-entropy, {train_size:,} images; validation images right, %, each epoch:")
    for name, mu, eta in runs:
        net = Network([Dense(30), Sigmoid(), Dense(10), Sigmoid()], seed=seed)
        try:
            history = net.SGD(training[:train_size], epochs, MINI_BATCH_SIZE, eta, momentum=mu,
                              evaluation_data=validation, monitor_evaluation_accuracy=True,
                              progress=False)
            accuracies[name] = history.evaluation_accuracy
            print(f"    {name:<24} {'  '.join(map(percent, history.evaluation_accuracy))}")
        except Diverged as error:
            accuracies[name] = None
            print(f"    {name:<24} {str(error).split(';')[0]}")
    least = min(costs, key=lambda mu: costs[mu][-1])
    panels = {"cost, logarithmic": {f"μ = {mu:g}": (np.arange(1, steps + 1), np.clip(costs[mu], 0, 1e4))
                                    for mu in MUS}}
    saved = plots.lines(
        panels, Path(out) / "solutions" / "momentum.png",
        f"After {steps} steps in a valley the cost is least with μ = {least:g}", x="step",
        log=tuple(panels), note="μ = 1.1 leaves the picture at the top: costs are cut off at 10,000")
    print(f"saved: {saved}")
    return {"costs": {mu: costs[mu][-1] for mu in MUS}, "accuracies": accuracies}


if __name__ == "__main__":
    raise SystemExit(solution(main))
