"""3.1.0  Does a network of rectified linear units learn faster than one of sigmoids?

Book: chapter 6, "Using rectified linear units".
Before: 3.0.2.
Next: 3.1.1, ReLU against tanh.

    python -m lessons 3.1.0          6 epochs on 10,000 images, two runs of each
    python -m lessons 3.1.0 --full   60 epochs on all 50,000, one run of each; another --seed, another

Steps through: relu_forward, relu_backward and their sigmoid twins in nndl/ops/activation_numpy.py.

Measured in 0.5 minutes: After the first epoch ReLU is right for 95.39 ± 0.62 (2) % of the
    validation images, sigmoid for 24.25 ± 6.97 (2) %; after all for 97.72 ± 0.35 (2) and 95.81 ±
    0.18 (2) % of the test images.

Exercises
1. The book's (ch. 6): what becomes of a ReLU network's outputs when all weights are c times as large?
   Worked: solutions/rescaled_relu.py
2. Give the sigmoid network ReLU's eta, and the other way round.  Which of the two minds more?
   Worked: solutions/swapped_etas.py
"""

from nndl import ConvPool, Dense, Network, ReLU, Sigmoid, Softmax, load_mnist, plots
from nndl.lesson import TRAINING_IMAGES, Lesson, command_line, counted, first_epoch_at, note, spread

# The book's learning rates, each found by trying.  λ as in network2, for 50,000 images: the book's 0.1
# is 1 there; for fewer images as many times less.
ETA = {"ReLU": 0.03, "sigmoid": 0.1}
LMBDA = {"ReLU": 1.0, "sigmoid": 0.0}
MINI_BATCH_SIZE = 10
FULL = {"epochs": 60, "train_size": 50_000, "runs": 1}
BOOK = {"ReLU": 99.23, "sigmoid": 99.06}  # percent of the test images, after 60 epochs
CLAIM = 0.98  # "ReLU comes to 98 % in 5 epochs, sigmoid needs 15"


def build_network(name, backend=None, seed=0):
    """The book's two convolutions and dense layer, with one activation or the other."""
    activation = {"ReLU": ReLU, "sigmoid": Sigmoid}[name]
    return Network([
        ConvPool(20, 5, activation=activation.name),   # (m, 1, 28, 28) -> (m, 20, 12, 12)
        ConvPool(40, 5, activation=activation.name),   #                -> (m, 40, 4, 4)
        Dense(100), activation(),                      #                -> (m, 100)
        Dense(10), Softmax(),                          #                -> (m, 10)
    ], backend=backend, seed=seed)


def main(epochs=6, train_size=10_000, backend=None, seed=0, out="pictures", runs=2):
    """Train both, from the same random numbers.  Returns accuracies, fractions: of ReLU as "accuracy",
    and by name."""
    lesson = Lesson(__file__, out, epochs=epochs, train_size=train_size, backend=backend, seed=seed,
                    runs=runs)
    lesson.idea("""
        What a neuron learns is proportional to the slope of its activation.  The sigmoid's is at most
        1/4, and almost 0 once the neuron is saturated; and on the way back through the layers these
        slopes multiply.  A rectified linear unit's slope is 1 wherever the unit is on, and 0 where it
        is off: what comes back through it comes back whole, or not at all.""")
    lesson.mathematics("""
        σ(z) = 1/(1 + e^-z)     σ'(z) = σ(z)(1 - σ(z)) <= 1/4            (3)
        max(0, z)               1 for z > 0, 0 for z <= 0               (112)
        δ^l = ((w^(l+1))ᵀ δ^(l+1)) ⊙ (the slope at z^l)                 BP2""")
    lesson.network(build_network("ReLU", backend, seed), "The network, here with ReLU")

    lmbda = {name: LMBDA[name] * train_size / TRAINING_IMAGES for name in LMBDA}
    training, validation, test = load_mnist()
    curves, accuracies = {}, {}
    for name in ETA:
        lesson.step(f"""{name}: {counted(runs, "run")} of {counted(epochs, "epoch")} on
                    {train_size:,} images, η = {ETA[name]:g}, λ = {lmbda[name]:g}""")
        curves[name], accuracies[name] = [], []
        for run in range(runs):
            net = build_network(name, backend, seed + run)
            history = net.SGD(training[:train_size], epochs, MINI_BATCH_SIZE, ETA[name], lmbda[name],
                              evaluation_data=validation, monitor_evaluation_accuracy=True,
                              checkpoint=lesson.checkpoint(f"{name} {run}"))
            curves[name].append(history.evaluation_accuracy)
            accuracies[name].append(net.accuracy(test))

    reached = {name: [first_epoch_at(curve, CLAIM) for curve in curves[name]] for name in ETA}
    lesson.table(("", "validation after 1 epoch, %", "after all, %", "98 % in epoch", "test, %",
                  "book, 60 epochs on 50,000"),
                 [(name, spread([curve[0] for curve in curves[name]]),
                   spread([curve[-1] for curve in curves[name]]), epochs_said(reached[name]),
                   spread(accuracies[name]), f"{BOOK[name]:.2f}") for name in ETA])
    first = {name: sum(curve[0] for curve in curves[name]) / runs for name in ETA}
    best, ahead = max(first, key=first.get), 100 * abs(first["ReLU"] - first["sigmoid"])
    plots.lines({"validation images that are right, percent": {
        name: [[100 * accuracy for accuracy in curve] for curve in curves[name]] for name in ETA}},
        lesson.path("accuracy.png"), f"After the first epoch {best} is {ahead:.1f} points ahead",
        levels={"validation images that are right, percent": {"98 %": 98}},
        note=note(runs))
    lesson.take_away(
        f"After the first epoch ReLU is right for {spread([c[0] for c in curves['ReLU']])} % of the "
        f"validation images, sigmoid for {spread([c[0] for c in curves['sigmoid']])} %; after all for "
        f"{spread(accuracies['ReLU'])} and {spread(accuracies['sigmoid'])} % of the test images.",
        """"98 % in 5 epochs, sigmoid needs 15" is often read.  It depends on the learning rate, on the
        first weights and on the number of images: the table says what it is with these.""")
    return lesson.end(accuracy=accuracies["ReLU"], accuracies=accuracies, curves=curves,
                      reached=reached)


def epochs_said(epochs):
    """The epochs in which the runs came to 98 %, "-" for one that did not."""
    return ", ".join("-" if epoch is None else str(epoch) for epoch in epochs)


if __name__ == "__main__":
    raise SystemExit(command_line(main, FULL))
