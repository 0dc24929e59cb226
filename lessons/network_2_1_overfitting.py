"""2.1  What is overfitting, and what do smaller weights and more images do about it?

Book: chapter 3, "Overfitting and regularization".
Before: 2.0.
Next: 2.2, where the weights begin.

    python -m lessons 2.1          1,000 images, 200 epochs, two runs of each
    python -m lessons 2.1 --full   400 epochs, as the book has it, three runs of each

Steps through: Step.take in nndl/network.py and layer_step in nndl/ops/update_numpy.py, where each
weight shrinks by ηλ/n; Network.total_cost.

Measured in 0.3 minutes: On 1,000 images 82.98 ± 0.55 (2) % of the test images are read without
    regularisation, 86.68 ± 0.08 (2) % with λ = 0.1, and 91.92 ± 0.14 (2) % after as many steps on
    10,000 images.

Exercises
1. The book's (ch. 3): L1 regularisation, and a λ that does better than none.  Worked:
   solutions/l1_regularisation.py
2. λ = 10 here.  Does it overfit still?  What does it read, and what has become of the weights?
   Worked: solutions/lambda_too_large.py
"""

import math

import numpy as np

from nndl import Dense, Network, Sigmoid, load_mnist, plots
from nndl.costs import CrossEntropyCost
from nndl.lesson import Lesson, command_line, counted, note, percent, spread

ETA, MINI_BATCH_SIZE = 0.5, 10
LMBDA_PER_IMAGE = 1e-4  # the book's λ = 0.1 for 1,000 images and 5 for 50,000: the same decay
MORE = 10               # times as many images, a tenth of the epochs: as many steps
FULL = {"epochs": 400, "runs": 3}
PLAIN, L2, MORE_IMAGES = "not regularised", "regularised", "more images"
BOOK = {PLAIN: 82.27, L2: 87.1}  # percent of the test images, 1,000 images, 400 epochs


def build_network(backend=None, seed=0):
    """784-30-10 with large weights and the cross-entropy, as the book has it here."""
    return Network([
        Dense(30, init="large"), Sigmoid(),   # (m, 784) -> (m, 30)
        Dense(10, init="large"), Sigmoid(),   #          -> (m, 10)
    ], cost=CrossEntropyCost, backend=backend, seed=seed)


def main(epochs=200, train_size=1000, backend=None, seed=0, out="pictures", runs=2):
    """Few images; few and λ; more.  Returns costs without regularisation, accuracies, sizes of w."""
    lesson = Lesson(__file__, out, epochs=epochs, train_size=train_size, backend=backend, seed=seed,
                    runs=runs)
    lmbda = LMBDA_PER_IMAGE * train_size
    lesson.idea(f"""
        The network has 23,860 numbers to adjust and {train_size:,} images to learn.  It can learn those
        by heart, with everything about them that is accident.  Then the cost of the training images
        goes on falling while that of images it has never seen rises: it overfits.

        One remedy is to make large weights cost something.  A network of small weights changes its
        mind little when a few pixels change, so it has to find what many images have in common.  The
        other is more images.""")
    lesson.mathematics("""
        C = C0 + λ/(2n) Σ w²       C0 in nats: of natural logarithms  (85), (87)
        w -> (1 - ηλ/n) w - η/m Σ ∂C0_x/∂w,   the weights decay       (93)
        b -> b - η/m Σ ∂C0_x/∂b,              the biases do not       (94)""")
    lesson.network(build_network(backend, seed))

    training, validation, test = load_mnist()
    plan = {PLAIN: (train_size, epochs, 0.0), L2: (train_size, epochs, lmbda),
            MORE_IMAGES: (min(MORE * train_size, len(training.images)), max(1, epochs // MORE), 0.0)}
    measured = {name: [] for name in plan}
    for name, (n, some_epochs, strength) in plan.items():
        lesson.step(f"""{name[0].upper()}{name[1:]}: {counted(runs, "run")} of
                    {counted(some_epochs, "epoch")} on {n:,} images, η = {ETA:g}, λ = {strength:g}.""")
        for run in range(runs):
            net = build_network(backend, seed + run)
            history = net.SGD(training[:n], some_epochs, MINI_BATCH_SIZE, ETA, strength,
                              evaluation_data=validation, monitor_training_accuracy=True,
                              monitor_training_cost=True, monitor_evaluation_accuracy=True,
                              monitor_evaluation_cost=True, monitors={"Σ w²": sum_of_squares},
                              checkpoint=lesson.checkpoint(f"{name} {run}"))
            squares = np.array(history.measured["Σ w²"])
            term = strength / (2 * n) * squares  # what λ adds to C0
            measured[name].append({
                "training cost": list(history.training_cost - term),
                "validation cost": list(history.evaluation_cost - term),
                "training accuracy": history.training_accuracy,
                "validation accuracy": history.evaluation_accuracy,
                "size of w": [math.sqrt(square / (784 * 30 + 30 * 10)) for square in squares],
                "test accuracy": net.accuracy(test)})

    steps = {name: -(-n // MINI_BATCH_SIZE) * some_epochs for name, (n, some_epochs, _) in plan.items()}
    tests = {name: [run["test accuracy"] for run in measured[name]] for name in plan}

    def last(name, what):
        return [run[what][-1] for run in measured[name]]

    lesson.table(
        ("", "training, %", "validation, %", "gap", "validation cost", "√ mean w²", "test, %",
         "book, 400 epochs"),
        [(name, spread(last(name, "training accuracy")), spread(last(name, "validation accuracy")),
          percent(np.subtract(last(name, "training accuracy"),
                              last(name, "validation accuracy")).mean(), 1),
          f"{np.mean(last(name, 'validation cost')):.2f}", f"{np.mean(last(name, 'size of w')):.2f}",
          spread(tests[name]), BOOK.get(name, "")) for name in plan])

    mean_cost = np.mean([run["validation cost"] for run in measured[PLAIN]], axis=0)
    turn = int(mean_cost.argmin()) + 1
    there, end = (np.mean([run["validation accuracy"][epoch] for run in measured[PLAIN]])
                  for epoch in (turn - 1, -1))
    both = {"training": "training", "validation": "validation"}
    plots.lines(
        {"cost, nats per example": {name: [run[f"{name} cost"] for run in measured[PLAIN]]
                                    for name in both},
         "images that are right, percent": {
             name: [[100 * a for a in run[f"{name} accuracy"]] for run in measured[PLAIN]]
             for name in both}},
        lesson.path("overfitting.png"),
        f"The validation cost is lowest after epoch {turn}, {mean_cost[turn - 1]:.2f} nats; after "
        f"epoch {epochs} it is {mean_cost[-1]:.2f}, and the training cost "
        f"{np.mean(last(PLAIN, 'training cost')):.1g}",
        note=note(runs, f"{train_size:,} images, not regularised"))
    gain = np.mean(last(L2, "validation accuracy")) - np.mean(last(PLAIN, "validation accuracy"))
    plots.lines(
        {"validation images that are right, percent": {
            f"λ = {plan[name][2]:g}": [[100 * a for a in run["validation accuracy"]]
                                       for run in measured[name]] for name in (PLAIN, L2)},
         "size of the weights, √ mean w²": {
             f"λ = {plan[name][2]:g}": [run["size of w"] for run in measured[name]]
             for name in (PLAIN, L2)}},
        lesson.path("regularised.png"),
        f"λ = {lmbda:g} ends {100 * abs(gain):.1f} percentage points "
        f"{'above' if gain > 0 else 'below'} λ = 0, with weights of "
        f"{np.mean(last(L2, 'size of w')) / np.mean(last(PLAIN, 'size of w')):.2f} times the size",
        note=note(runs, f"{train_size:,} images"))
    plots.dots({name: [100 * a for a in tests[name]] for name in plan}, lesson.path("test.png"),
               "Test images read: " + ", ".join(
                   f"{percent(np.mean(tests[name]), 1)} % ({name})" for name in plan),
               "test images that are right, percent", BOOK,
               note="The book's: 1,000 images, 400 epochs.")
    long = "as many steps" if steps[MORE_IMAGES] == steps[PLAIN] else (
        f"{steps[MORE_IMAGES]:,} steps instead of {steps[PLAIN]:,}")
    lesson.take_away(
        f"On {train_size:,} images {spread(tests[PLAIN])} % of the test images are read without "
        f"regularisation, {spread(tests[L2])} % with λ = {lmbda:g}, and {spread(tests[MORE_IMAGES])} % "
        f"after {long} on {plan[MORE_IMAGES][0]:,} images.",
        f"""Without it the training images are learnt to {percent(np.mean(last(PLAIN,
        'training accuracy')), 1)} %.  """ + (
            "The validation cost still falls in the last epoch: no overfitting is to be seen yet."
            if turn == epochs else f"""The validation cost is lowest after epoch {turn}, and then rises,
        while the validation accuracy goes from {percent(there, 1)} % there to {percent(end, 1)} % at
        the end""" + (": cost and accuracy need not agree on when overfitting begins." if end > there
                      else ".")))
    return lesson.end(turn=turn, **{name: runs for name, runs in measured.items()})


def sum_of_squares(net):
    """Σ w² over all weights, without the biases."""
    return sum(float(np.square(layer.w, dtype=float).sum()) for layer in net.layers if layer.parameters)


if __name__ == "__main__":
    raise SystemExit(command_line(main, FULL))
