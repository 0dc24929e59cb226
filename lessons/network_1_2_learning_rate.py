"""1.2  What does the learning rate do when it is too small, right, too large?

Book: chapter 1, "Implementing our network to classify digits"; chapter 3, "How to choose a neural
    network's hyper-parameters?".
Before: 1.0.
Next: 1.3, what such a network sees.

    python -m lessons 1.2          four learning rates, 10 epochs on 10,000 images, three runs of each
    python -m lessons 1.2 --full   30 epochs on all 50,000, as the book has it, three runs of each

Steps through: Step.take in nndl/network.py and layer_step in nndl/ops/update_numpy.py, the one line in
which η stands.

Measured in 0.1 minutes: Chosen by the validation images, η = 3 reads 91.12 ± 0.28 (3) % of the test
    images; η = 0.001 reads 11.54 ± 2.48 (3) % and η = 100 reads 10.14 ± 0.27 (3) %. Guessing is 10
    %.

Exercises
1. Between 3 and 100, from which η on does the network read worse?  And from which η on nothing at all?
   Worked: solutions/eta_too_large.py
"""

import numpy as np

from nndl import Dense, Network, Sigmoid, load_mnist, plots
from nndl.costs import QuadraticCost
from nndl.lesson import Lesson, command_line, counted, note, percent, spread

ETAS = (0.001, 0.1, 3.0, 100.0)
MINI_BATCH_SIZE = 10
FULL = {"epochs": 30, "train_size": 50_000, "runs": 3}
# Percent of the test images, 30 epochs on 50,000 images.
BOOK = {0.001: "21.42 (100 neurons)", 3.0: "95.42 (best epoch)", 100.0: "9.82"}
IN_ONE_DIMENSION, STEPS = (0.1, 1.0, 1.8, 2.05), 12  # η for C = v²/2


def build_network(backend=None, seed=0):
    """784-30-10, chapter 1's: large weights, sigmoids, the quadratic cost."""
    return Network([
        Dense(30, init="large"), Sigmoid(),   # (m, 784) -> (m, 30)
        Dense(10, init="large"), Sigmoid(),   #          -> (m, 10)
    ], cost=QuadraticCost, backend=backend, seed=seed)


def main(epochs=10, train_size=10_000, backend=None, seed=0, out="pictures", runs=3):
    """Train with each learning rate.  Returns curves, accuracies, slopes, by learning rate."""
    lesson = Lesson(__file__, out, epochs=epochs, train_size=train_size, backend=backend, seed=seed,
                    runs=runs)
    lesson.idea("""
        The gradient says in which direction the cost falls, and how steeply, at the place where one
        stands.  It does not say how far one may go.  That is what η is for.  If it is small each step
        goes down, but there are so many steps to take that training ends before it gets anywhere.  If
        it is large a step ends where the gradient was never asked: on the other side of the valley,
        perhaps higher up than before.""")
    lesson.mathematics("""
        ΔC ≈ ∇C·Δv,   Δv = -η ∇C   ->   ΔC ≈ -η ‖∇C‖² <= 0, for small steps   (9), (10)
        C = v²/2, ∂C/∂v = v:   v -> (1 - η) v   shrinks for 0 < η < 2, jumping to and fro from η = 1
        w -> w - η/m Σ ∂C_x/∂w                                                (20)""")
    walks = {f"η = {eta:g}": one_dimension(eta) for eta in IN_ONE_DIMENSION}
    ends = [abs(walk[-1]) for walk in walks.values()]
    plots.lines({"where one stands, v": {name: (range(STEPS + 1), walk)
                                         for name, walk in walks.items()}},
                lesson.path("one_dimension.png"),
                f"Downhill on C = v²/2 from v = 1: after {STEPS} steps "
                f"|v| is {', '.join(f'{end:.2g}' for end in ends)}", x="step")
    lesson.network(build_network(backend, seed))

    training, validation, test = load_mnist()
    lesson.step(f"""Each learning rate {counted(runs, "time")}, from other random numbers:
                {counted(epochs, "epoch")} on {train_size:,} images, mini-batches of
                {MINI_BATCH_SIZE}.""")
    costs, curves, accuracies, slopes = ({eta: [] for eta in ETAS} for _ in range(4))
    for eta in ETAS:
        for run in range(runs):
            print(f"    η = {eta:g}, run {run + 1} of {runs}")
            net = build_network(backend, seed + run)
            history = net.SGD(training[:train_size], epochs, MINI_BATCH_SIZE, eta,
                              evaluation_data=validation, monitor_evaluation_accuracy=True,
                              monitor_training_cost=True, checkpoint=lesson.checkpoint(f"{eta} {run}"))
            costs[eta].append(history.training_cost)
            curves[eta].append(history.evaluation_accuracy)
            accuracies[eta].append(net.accuracy(test))
            slopes[eta].append(output_slope(net, validation))

    best = max(ETAS, key=lambda eta: np.mean([curve[-1] for curve in curves[eta]]))
    lesson.table(("η", "training cost", "validation, %", "test, %", "slope σ' of the outputs",
                  "book, 30 epochs on 50,000"),
                 [(f"{eta:g}", f"{np.mean([cost[-1] for cost in costs[eta]]):.3f}",
                   spread([curve[-1] for curve in curves[eta]]), spread(accuracies[eta]),
                   f"{np.mean(slopes[eta]):.1g}",
                   BOOK.get(eta, "")) for eta in ETAS])
    heading = "validation images that are right, percent"
    plots.lines({"training cost, per example": {f"η = {eta:g}": costs[eta] for eta in ETAS},
                 heading: {f"η = {eta:g}": [[100 * a for a in run] for run in curves[eta]]
                           for eta in ETAS}},
                lesson.path("learning_rates.png"),
                f"Of these learning rates {best:g} reads best, "
                f"{percent(np.mean([curve[-1] for curve in curves[best]]), 0)} % of the validation "
                "images", note=note(runs))
    small, large = (f"η = {eta:g} reads {spread(accuracies[eta])} %"
                    for eta in (ETAS[0], ETAS[-1]))
    lesson.take_away(
        f"Chosen by the validation images, η = {best:g} reads {spread(accuracies[best])} % of the test "
        f"images; {small} and {large}.  Guessing is 10 %.",
        f"""After training the outputs' mean slope σ' is
        {np.mean(slopes[ETAS[0]]):.1g} with the smallest η, and its cost has gone from
        {np.mean([cost[0] for cost in costs[ETAS[0]]]):.3f} after the first epoch to
        {np.mean([cost[-1] for cost in costs[ETAS[0]]]):.3f} after the last.
        With the largest it is {np.mean(slopes[ETAS[-1]]):.1g}, where {np.mean(slopes[best]):.1g}
        belongs to the best.  """ + (
            """The two fail in different ways: giant steps have put its output neurons where σ is flat,
            and with the quadratic cost there is next to no gradient left to come back by."""
            if np.mean(slopes[ETAS[-1]]) < 0.1 * np.mean(slopes[best]) else ""))
    return lesson.end(costs=costs, curves=curves, accuracies=accuracies, slopes=slopes)


def one_dimension(eta, v=1.0, steps=STEPS):
    """Where gradient descent on C = v²/2 stands before each step and after the last."""
    walk = [v]
    for _ in range(steps):
        v -= eta * v  # ∂C/∂v = v
        walk.append(v)
    return walk


def output_slope(net, data):
    """The mean slope σ' = a(1 - a) of the output neurons, over their outputs for data."""
    a = net.feedforward(data.images)
    return float(np.mean(a * (1 - a)))


if __name__ == "__main__":
    raise SystemExit(command_line(main, FULL))
