"""2.2  Where should the weights begin, and does it matter for long?

Book: chapter 3, "Weight initialization".
Before: 2.1.
Next: 2.3, all of it together.

    python -m lessons 2.2          15 epochs on 10,000 images, three runs of each
    python -m lessons 2.2 --full   30 epochs on all 50,000, as the book has it, three runs of each

Steps through: large and default in nndl/initialize.py; Dense.setup in nndl/layers.py.

Measured in 0.1 minutes: After one epoch the default weights read 88.41 ± 0.69 (3) % of the
    validation images, the large ones 72.34 ± 1.14 (3) %; after all, of the test images, 93.31 ±
    0.16 (3) and 90.33 ± 0.35 (3) %.

Exercises
1. The book's (ch. 3): why the standard deviation of z is √(3/2) in its example.  Worked:
   solutions/std_of_z.py
2. Begin with all weights 0 (init="zeros" in both layers).  Does it learn?  What are the rows of the
   first layer's w afterwards?  Worked: solutions/all_weights_zero.py
"""

import math

import numpy as np

from nndl import Dense, Network, Sigmoid, initialize, load_mnist, plots
from nndl.costs import CrossEntropyCost
from nndl.lesson import Lesson, command_line, counted, first_epoch_at, note, spread

INITS = {"large": "N(0, 1)", "default": "N(0, 1/n_in)"}
ETA, MINI_BATCH_SIZE = 0.1, 10
LMBDA_PER_IMAGE = 1e-4  # the book's λ = 5 for 50,000 images
NEURONS = 30
FULL = {"epochs": 30, "train_size": 50_000}
BOOK_FIRST = {"large": "below 87", "default": "about 93"}  # percent after an epoch of 50,000 images
BOOK_STD = {"large": math.sqrt(501), "default": math.sqrt(3 / 2)}  # of z in its example
FLAT = 0.01  # a neuron with σ'(z) below this is called saturated here


def build_network(init, backend=None, seed=0):
    """784-30-10 with the cross-entropy, its weights drawn one way or the other."""
    return Network([
        Dense(NEURONS, init=init), Sigmoid(),   # (m, 784) -> (m, 30)
        Dense(10, init=init), Sigmoid(),        #          -> (m, 10)
    ], cost=CrossEntropyCost, backend=backend, seed=seed)


def main(epochs=15, train_size=10_000, backend=None, seed=0, out="pictures", runs=3):
    """Distributions of z, then training.  Returns std, saturated shares, curves, accuracies."""
    lesson = Lesson(__file__, out, epochs=epochs, train_size=train_size, backend=backend, seed=seed,
                    runs=runs)
    lmbda = LMBDA_PER_IMAGE * train_size
    lesson.idea("""
        A weighted sum of many inputs has many terms.  If each weight is about 1 in size, the sum of a
        few hundred of them is about 10 or 20, up or down, and σ of that is 0 or 1: the neuron is
        saturated before it has seen anything, and a saturated hidden neuron learns slowly.  The
        cross-entropy helps output neurons only.

        So make the weights smaller, the more inputs there are: by 1/√n_in.  Then the sum is about 1,
        where σ is steep.""")
    lesson.mathematics("""
        z = Σ w_j x_j + b                     over n_in inputs                       (25)
        Var z = Σ x_j² Var w + Var b
        500 of 1,000 inputs are 1:            500 + 1 = 501       std 22.4, w from N(0, 1)
                                              500/1000 + 1 = 3/2  std 1.22, w from N(0, 1/n_in)
        σ'(z) = σ(z)(1 - σ(z))                is 1/4 at z = 0, below 0.01 from |z| = 4.6 on""")
    training, validation, test = load_mnist()
    lesson.network(build_network("default", backend, seed))

    example = {init: book_example(init, seed) for init in INITS}
    images = {init: hidden_z(build_network(init, backend, seed), validation.images[:1000])
              for init in INITS}
    flat = {init: float(np.mean(slope(images[init]) < FLAT)) for init in INITS}
    std = {init: float(example[init].std()) for init in INITS}
    lesson.table(("weights from", "std of z, book's example", "book", "std of z, MNIST",
                  "saturated, MNIST, %", "mean σ', MNIST"),
                 [(INITS[init], f"{std[init]:.2f}", f"{BOOK_STD[init]:.2f}",
                   f"{images[init].std():.2f}", f"{100 * flat[init]:.1f}",
                   f"{slope(images[init]).mean():.3f}") for init in INITS],
                 "Before training: the weighted inputs z of hidden neurons")
    names = {init: f"{init}: w from {law}" for init, law in INITS.items()}
    laws = "; ".join(names.values())
    plots.distributions(
        {"the book's example: 500 of 1,000 inputs are 1": example,
         f"the {NEURONS} hidden neurons, 1,000 validation images": images}, lesson.path("z.png"),
        f"In the example z has a standard deviation of {std['large']:.1f} with large weights, of "
        f"{std['default']:.2f} with default ones", "weighted input z", laws, bins=100, span=(-50, 50))
    plots.distributions(
        {"hidden neurons, 1,000 validation images": {
            init: 1 / (1 + np.exp(-images[init])) for init in INITS}}, lesson.path("activations.png"),
        f"Saturated before training: {100 * flat['large']:.0f} % with large weights, "
        f"{100 * flat['default']:.1f} % with default ones", "activation a of a hidden neuron",
        f"{laws}; saturated: σ' < {FLAT:g}", bins=40, span=(0, 1))

    lesson.step(f"""Now training, {counted(runs, "run")} of each: {counted(epochs, "epoch")} on
                {train_size:,} images, η = {ETA:g}, λ = {lmbda:g}, mini-batches of
                {MINI_BATCH_SIZE}.""")
    curves, accuracies = ({init: [] for init in INITS} for _ in range(2))
    for init in INITS:
        for run in range(runs):
            print(f"    {names[init]}, run {run + 1} of {runs}")
            net = build_network(init, backend, seed + run)
            history = net.SGD(training[:train_size], epochs, MINI_BATCH_SIZE, ETA, lmbda,
                              evaluation_data=validation, monitor_evaluation_accuracy=True,
                              checkpoint=lesson.checkpoint(f"{init} {run}"))
            curves[init].append(history.evaluation_accuracy)
            accuracies[init].append(net.accuracy(test))
    first = {init: [curve[0] for curve in curves[init]] for init in INITS}
    mean = {init: np.mean(curves[init], axis=0) for init in INITS}
    caught = first_epoch_at(mean["large"], mean["default"][0])
    lesson.table(("weights from", "validation, 1st epoch, %", "book, 50,000", "validation, last, %",
                  "test, %"),
                 [(INITS[init], spread(first[init]), BOOK_FIRST[init],
                   spread([curve[-1] for curve in curves[init]]), spread(accuracies[init]))
                  for init in INITS])
    gaps = [100 * float(mean["default"][epoch] - mean["large"][epoch]) for epoch in (0, -1)]
    plots.lines({"validation images that are right, percent": {
        init: [[100 * a for a in run] for run in curves[init]] for init in INITS}},
        lesson.path("training.png"),
        f"Default weights are {gaps[0]:+.1f} percentage points ahead after the first epoch, "
        f"{gaps[1]:+.1f} after the last",
        note=note(runs, laws))
    lesson.take_away(
        f"After one epoch the default weights read {spread(first['default'])} % of the validation "
        f"images, the large ones {spread(first['large'])} %; after all, of the test images, "
        f"{spread(accuracies['default'])} and {spread(accuracies['large'])} %.",
        f"""With large weights {100 * flat['large']:.0f} % of the hidden activations are saturated
        before training, with default ones {100 * flat['default']:.1f} %.  What the default weights
        reach in the first epoch the large ones reach """
        + (f"in epoch {caught}." if caught else f"in none of {counted(epochs, 'epoch')}."),
        """Two things differ here, not one: large weights also are what λ has to shrink, by a little in
        each step.""")
    return lesson.end(std=std, saturated=flat, curves=curves, accuracies=accuracies, caught_up=caught)


def book_example(init, seed, neurons=5000):
    """z of neurons with 1,000 inputs, of which 500 are 1 and the others 0, (neurons,)."""
    rng = np.random.default_rng(seed)
    w, b = initialize.by_name(init)(rng, (neurons, 1000), 1000, neurons)
    x = np.arange(1000) < 500
    return w @ x + b


def hidden_z(net, images):
    """The weighted inputs of the first layer's neurons for images, (m, neurons)."""
    flatten, dense = net.layers[:2]
    x = images.astype(net.dtype) / 256
    return dense.forward(flatten.forward(x)).astype(float)


def slope(z):
    """σ'(z)."""
    a = 1 / (1 + np.exp(-z))
    return a * (1 - a)


if __name__ == "__main__":
    raise SystemExit(command_line(main, FULL))
