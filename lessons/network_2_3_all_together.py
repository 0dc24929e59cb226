"""2.3  How far does one hidden layer get with all of chapter 3 together?

Book: chapter 3, from "The cross-entropy cost function" to "Handwriting recognition revisited: the
    code".
Before: 2.0, 2.1, 2.2.
Next: 2.4, how one finds such settings.

    python -m lessons 2.3          8 epochs on 10,000 images, two runs of each step; the last one 16 on
                                   all 50,000
    python -m lessons 2.3 --full   30 epochs on all 50,000, two runs of each step; 60 for the last one

Steps through: Network.SGD, update_mini_batch and backprop in nndl/network.py, with all that they take.

Measured in 0.3 minutes: 784-100-10 reads 87.41 ± 4.49 (2) % of the test images as in chapter 1,
    95.06 ± 0.30 (2) % with all of chapter 3, on 10,000 images; and 97.45 % after 16 epochs with η =
    0.1 on 50,000, in one run.

Exercises
1. Which of the three changes is worth most if the other two are left out?  Eight networks say it.
   Worked: solutions/which_change.py
"""

import numpy as np

from nndl import Dense, Network, Sigmoid, load_mnist, plots
from nndl.comparing import gained
from nndl.costs import CrossEntropyCost, QuadraticCost
from nndl.lesson import Lesson, command_line, counted, note, percent, spread

NEURONS, MINI_BATCH_SIZE = 100, 10
LMBDA_PER_IMAGE = 1e-4  # the book's λ = 5 for 50,000 images
# One change a step, the cost together with the η that suits it: (cost, initial weights, η, whether λ)
LADDER = {"chapter 1's network": (QuadraticCost, "large", 3.0, False),
          "with the cross-entropy, η = 0.5": (CrossEntropyCost, "large", 0.5, False),
          "and λ": (CrossEntropyCost, "large", 0.5, True),
          "and default weights": (CrossEntropyCost, "default", 0.5, True)}
LAST, LAST_ETA = "smaller steps, longer", 0.1
MORE_IMAGES = 5  # times those of the other steps, as far as there are some
FULL = {"epochs": 30, "train_size": 50_000}
# Percent in the best of 30 epochs on 50,000 images: of the test images; with λ of the validation
# images.  The last, of 60 epochs, has large weights.
BOOK = dict(zip(LADDER, (96.59, 96.82, 97.92, None))) | {LAST: 98.04}
NEURON_ETA, NEURON_STEPS = {"quadratic": 0.15, "cross-entropy": 0.005}, 300


def build_network(cost=CrossEntropyCost, init="default", backend=None, seed=0):
    """784-100-10 of sigmoids."""
    return Network([
        Dense(NEURONS, init=init), Sigmoid(),   # (m, 784) -> (m, 100)
        Dense(10, init=init), Sigmoid(),        #          -> (m, 10)
    ], cost=cost, backend=backend, seed=seed)


def main(epochs=8, train_size=10_000, backend=None, seed=0, out="pictures", runs=2):
    """A change at a time, then all at length.  Returns curves and accuracies by step."""
    lesson = Lesson(__file__, out, epochs=epochs, train_size=train_size, backend=backend, seed=seed,
                    runs=runs)
    lmbda = LMBDA_PER_IMAGE * train_size
    lesson.idea("""
        Chapter 1's network has one hidden layer and reads about 96 % of the digits, if it does not get
        stuck.  Chapter 3 leaves the layers as they are and changes three other things: the cost, and
        with it the learning rate, so that wrong output neurons learn; the weights' freedom to grow, so
        that it does not learn by heart; and where the weights begin, so that hidden neurons are not
        saturated from the start.
        Here they come one after the other, each on top of those before.""")
    lesson.mathematics("""
        δ = (a - y) ⊙ σ'(z)   ->   δ = a - y                      cross-entropy      (30), (66)
        w -> (1 - ηλ/n) w - η/m Σ ∂C0_x/∂w                        L2 regularisation  (93)
        w from N(0, 1)        ->   w from N(0, 1/n_in)            default weights""")
    lesson.network(build_network(backend=backend, seed=seed))

    costs = {cost: saturated_neuron(cost, backend) for cost in NEURON_ETA}
    quarter = {cost: (values[0] - values[NEURON_STEPS // 4]) / (values[0] - values[-1])
               for cost, values in costs.items()}
    plots.lines({f"{cost} cost of a saturated neuron, η = {NEURON_ETA[cost]:g}": {
        "cost": (range(NEURON_STEPS + 1), values)} for cost, values in costs.items()},
        lesson.path("1_cross_entropy_advantage.png"),
        "In the first quarter of the steps the cost falls " + ", ".join(
            f"{percent(quarter[cost], 0)} % of its way ({cost})" for cost in costs),
        x="step", note="One neuron, w = b = 2, input 1, desired output 0.  The costs are different "
        "quantities: compare the shapes, not the heights.")

    training, validation, test = load_mnist()
    curves, learnt, accuracies = ({name: [] for name in LADDER} for _ in range(3))
    for name, (cost, init, eta, regularised) in LADDER.items():
        lesson.step(f"""{name[0].upper()}{name[1:]}: {counted(runs, "run")} of
                    {counted(epochs, "epoch")} on {train_size:,} images, η = {eta:g},
                    λ = {lmbda if regularised else 0:g},
                    {init} weights.""")
        for run in range(runs):
            net = build_network(cost, init, backend, seed + run)
            history = net.SGD(training[:train_size], epochs, MINI_BATCH_SIZE, eta,
                              lmbda if regularised else 0.0, evaluation_data=validation,
                              monitor_evaluation_accuracy=True, monitor_training_accuracy=True,
                              checkpoint=lesson.checkpoint(f"{name} {run}"))
            curves[name].append(history.evaluation_accuracy)
            learnt[name].append(history.training_accuracy)
            accuracies[name].append(net.accuracy(test))
    for number, name in enumerate(("cost_comparison", "regularization_effect",
                                   "initialization_comparison"), start=2):
        before, after = list(LADDER)[number - 2:number]
        compare(curves, learnt, before, after, lesson.path(f"{number}_{name}.png"))

    last_size = min(MORE_IMAGES * train_size, len(training.labels))
    last_lmbda = LMBDA_PER_IMAGE * last_size
    lesson.step(f"""All together, and longer: {counted(2 * epochs, "epoch")} on {last_size:,} images,
                η = {LAST_ETA:g}, λ = {last_lmbda:g}.""")
    net = build_network(backend=backend, seed=seed)
    history = net.SGD(training[:last_size], 2 * epochs, MINI_BATCH_SIZE, LAST_ETA, last_lmbda,
                      evaluation_data=validation, monitor_evaluation_accuracy=True,
                      monitor_training_accuracy=True, monitor_evaluation_cost=True,
                      monitor_training_cost=True, checkpoint=lesson.checkpoint(LAST))
    curves[LAST], accuracies[LAST] = [history.evaluation_accuracy], [net.accuracy(test)]
    learnt[LAST] = [history.training_accuracy]
    plots.learning_curves(history, lesson.path("5_full_training.png"))

    lesson.table(("", "training, %", "validation, %", "its best epoch", "test, %", "book, 50,000"),
                 [(name, spread([curve[-1] for curve in learnt[name]]),
                   spread([curve[-1] for curve in curves[name]]),
                   spread([max(curve) for curve in curves[name]]), spread(accuracies[name]),
                   BOOK[name] or "") for name in curves])
    names = list(curves)
    gains = [f"{name} {gained(accuracies[before], accuracies[name])}"
             for before, name in zip(names, names[1:])]
    lesson.take_away(
        f"784-100-10 reads {spread(accuracies[names[0]])} % of the test images as in chapter 1, "
        f"{spread(accuracies[names[-2]])} % with all of chapter 3, on {train_size:,} images; and "
        f"{spread(accuracies[LAST])} % after {counted(2 * epochs, 'epoch')} with η = {LAST_ETA:g} on "
        f"{last_size:,}, in one run.",
        f"In percentage points of the test images, each step after the one before: {', '.join(gains)}.",
        """The book's numbers are of the best of 30 epochs on 50,000 images; 97.92 % and 98.04 % are of
        the validation images, the latter of 60 epochs and with large weights.""")
    return lesson.end(curves=curves, accuracies=accuracies, learnt=learnt, costs=costs)


def saturated_neuron(cost, backend=None):
    """One neuron, w = b = 2, should learn to say 0.  Returns its cost before each step and at last."""
    kind = {"quadratic": QuadraticCost, "cross-entropy": CrossEntropyCost}[cost]
    net = Network([Dense(1), Sigmoid()], kind, input_shape=(1,), backend=backend, dtype="float64")
    net.layers[0].w[...] = net.layers[0].b[...] = 2
    x, y = np.array([[1.0]]), np.array([[0.0]])
    costs = [net.cost_of(x, y)]
    for _ in range(NEURON_STEPS):
        net.update_mini_batch((x, y), NEURON_ETA[cost])
        costs.append(net.cost_of(x, y))
    return costs


def compare(curves, learnt, before, after, path):
    """The figure of two steps of the ladder; its title says which is ahead, first and last."""
    first, last = (100 * np.mean([a[epoch] - b[epoch] for a, b in zip(curves[after], curves[before])])
                   for epoch in (0, -1))
    plots.lines({heading: {name: [[100 * a for a in run] for run in of[name]]
                           for name in (before, after)}
                 for heading, of in (("validation images that are right, percent", curves),
                                     ("training images that are right, percent", learnt))}, path,
                f"\N{LEFT DOUBLE QUOTATION MARK}{after}\N{RIGHT DOUBLE QUOTATION MARK}: {first:+.1f} "
                f"percentage points of the validation images after the first epoch, {last:+.1f} after "
                "the last", note=note(len(curves[after])))


if __name__ == "__main__":
    raise SystemExit(command_line(main, FULL))
