"""5.0  Why do the first layers of a deep network learn so slowly?

Book: chapter 5, "The vanishing gradient problem".
Before: 2.3.
Next: 6.0, what a recurrent network has to do with a deep one; or back to 3.1.2, five layers deep, with
rectified linear units beside sigmoids.

    python -m lessons 5.0          1 to 4 hidden layers, 10 epochs on 10,000 images, two runs of each
    python -m lessons 5.0 --full   30 epochs on all 50,000, as the book has it, three runs of each

Steps through: Network.backprop in nndl/network.py, where BP2 multiplies its way back; sigmoid_backward
in nndl/ops/activation_numpy.py.

Measured in 0.2 minutes: With 4 hidden layers the first one's gradient is 0.009 times the last
    hidden one's before training; in training with mini-batches it is 0.0088 times after epoch 1 and
    1.5 times after the last.

Exercises
1. The book's (ch. 5): for which inputs is |w σ'| >= 1, and how narrow is that range?  Worked:
   solutions/vanishing_range.py
2. The book's (ch. 5): a neuron that hands its input on, w2 σ(w1 x + b) ≈ x.  Worked:
   solutions/identity_neuron.py
3. Draw the weights 3 times as large, or 10 times.  Do the gradients still vanish on the way back?  Do
   they explode?  Worked: solutions/larger_weights.py
"""

import numpy as np

from nndl import Dense, Network, Sigmoid, load_mnist, plots
from nndl.lesson import Lesson, command_line, counted, first_epoch_at, note, spread

DEPTHS = (1, 2, 3, 4)
NEURONS = 30
ETA, MINI_BATCH_SIZE = 0.1, 10
LMBDA_PER_IMAGE = 1e-4  # the book's λ = 5 for 50,000 images
SOME = 1000             # images over which gradients are measured, and on which all at once is learnt
BATCH_STEPS, EVERY = 500, 5  # steps downhill on all of them, as the book has it, without λ; measured
DRAWS = 10              # first weights, for the table before training
FULL = {"epochs": 30, "train_size": 50_000, "runs": 3}
BOOK = dict(zip(DEPTHS, (96.48, 96.90, 96.57, 96.53)))  # percent of the validation images, best epoch
# ‖∂C/∂b‖ of each hidden layer before training, in one draw of the book's
BOOK_NORMS = {2: (0.07, 0.31), 3: (0.012, 0.060, 0.283), 4: (0.003, 0.017, 0.070, 0.285)}


def build_network(depth, backend=None, seed=0):
    """784-30-...-30-10 of sigmoids, with default weights and the cross-entropy."""
    return Network([
        *(layer for _ in range(depth) for layer in (Dense(NEURONS), Sigmoid())),  # (m, 784) -> (m, 30)
        Dense(10), Sigmoid(),                                                     #          -> (m, 10)
    ], backend=backend, seed=seed)


def main(epochs=10, train_size=10_000, backend=None, seed=0, out="pictures", runs=2):
    """Gradients before, during training; then accuracies.  Returns norms and accuracies by depth."""
    lesson = Lesson(__file__, out, epochs=epochs, train_size=train_size, backend=backend, seed=seed,
                    runs=runs)
    lesson.idea("""
        More layers can say more, so a deeper network should read better.  Trained as in chapter 3 it
        hardly does.  To see why, ask each hidden layer how fast it learns: how long is its gradient
        ∂C/∂b?

        An error on its way back is multiplied, from layer to layer, by weights and by slopes σ'.  A
        slope is at most 1/4.  In a chain of single neurons weights that make up for that make z large,
        too, where the slope is smaller still.  A layer of many neurons adds up many such products, and
        there much larger weights can: exercise 3.""")
    lesson.mathematics("""
        δ^l = ((w^(l+1))ᵀ δ^(l+1)) ⊙ σ'(z^l)                            BP2
        ∂C/∂b^l = δ^l                                                   BP3
        in a chain of single neurons, over four layers:
        ∂C/∂b1 = σ'(z1) w2 σ'(z2) w3 σ'(z3) w4 σ'(z4) ∂C/∂a4            (114), (122)
        |w σ'(z)| < 1/4 as long as |w| < 1""")
    lesson.network(build_network(DEPTHS[-1], backend, seed), "The deepest of the networks")
    training, validation, test = load_mnist()
    some = training[:SOME]

    before = {depth: np.array([norms(build_network(depth, backend, seed + draw), some)
                               for draw in range(DRAWS)]) for depth in DEPTHS}
    lesson.table(
        ("hidden layers", *(f"layer {layer}" for layer in DEPTHS), "first / last", "book, one draw"),
        [(depth, *(f"{norm:.4f}" for norm in before[depth].mean(axis=0)),
          *[""] * (DEPTHS[-1] - depth), f"{ratio(before[depth]):.3f}",
          ", ".join(f"{norm:g}" for norm in BOOK_NORMS.get(depth, ()))) for depth in DEPTHS],
        f"‖∂C/∂b‖ of each hidden layer before training, mean of {DRAWS} draws of the weights, over "
        f"{len(some.images):,} images")
    net = build_network(2, backend, seed)
    first_six = [np.abs(gradient[:6]) for gradient in hidden_gradients(net, some)]
    plots.bars({f"hidden layer {layer}": {f"{neuron}": float(size) for neuron, size in
                                          enumerate(sizes, start=1)}
                for layer, sizes in enumerate(first_six, start=1)}, lesson.path("neurons.png"),
               "Two hidden layers before training: the first six neurons' gradients add up to "
               f"{first_six[0].sum():.2g} in the first layer, {first_six[1].sum():.2g} in the second",
               "|∂C/∂b|", x="neuron")

    lesson.step(f"""Now {BATCH_STEPS} steps downhill, η = {ETA:g}, each on the gradient over all of the
                {len(some.images):,} images: there is no chance in it but the first weights.""")
    batch = {depth: batch_descent(build_network(depth, backend, seed), some) for depth in DEPTHS}
    for depths in (1, 2), (3, 4):
        plots.lines(
            {f"‖∂C/∂b‖; {counted(depth, 'hidden layer')}": {
                f"layer {layer}": (range(0, BATCH_STEPS + 1, EVERY), batch[depth][:, layer - 1])
                for layer in range(1, depth + 1)} for depth in depths},
            lesson.path(f"gradients_{depths[0]}_{depths[1]}.png"),
            "The first layer's gradient beside the last hidden layer's: " + "; ".join(
                f"{ratio(batch[depth][:1]):.2g} times at the start, {ratio(batch[depth][-1:]):.2g} at "
                f"the end ({depth} layers)" for depth in depths if depth > 1), x="step",
            log=[f"‖∂C/∂b‖; {counted(depth, 'hidden layer')}" for depth in depths],
            note=f"all of {len(some.images):,} images at once, η = {ETA:g}, no λ")

    lmbda = LMBDA_PER_IMAGE * train_size
    lesson.step(f"""And as one trains otherwise, mini-batches of {MINI_BATCH_SIZE}, η = {ETA:g}, λ =
                {lmbda:g}: {counted(runs, "run")} of {counted(epochs, "epoch")} on {train_size:,} images
                for each depth.""")
    curves, tests, during = ({depth: [] for depth in DEPTHS} for _ in range(3))
    for depth in DEPTHS:
        for run in range(runs):
            print(f"    {counted(depth, 'hidden layer')}, run {run + 1} of {runs}")
            net = build_network(depth, backend, seed + run)
            history = net.SGD(
                training[:train_size], epochs, MINI_BATCH_SIZE, ETA, lmbda, evaluation_data=validation,
                monitor_evaluation_accuracy=True, checkpoint=lesson.checkpoint(f"{depth} {run}"),
                monitors={f"layer {layer}": lambda net, layer=layer: norms(net, some)[layer - 1]
                          for layer in range(1, depth + 1)})
            curves[depth].append(history.evaluation_accuracy)
            tests[depth].append(net.accuracy(test))
            during[depth].append(np.transpose(list(history.measured.values())))  # (epochs, depth)
    deepest = DEPTHS[-1]
    first, last = ({depth: ratio(np.array([run[epoch] for run in during[depth]])) for depth in DEPTHS}
                   for epoch in (0, -1))
    half = {depth: first_epoch_at(np.mean(curves[depth], axis=0), 0.5) for depth in DEPTHS}
    lesson.table(("hidden layers", "first / last, epoch 1", "last epoch", "half are read in epoch",
                  "validation, best epoch, %", "book, 50,000", "test, %"),
                 [(depth, f"{first[depth]:.3f}", f"{last[depth]:.3f}", half[depth] or "-",
                   spread([max(curve) for curve in curves[depth]]), f"{BOOK[depth]:.2f}",
                   spread(tests[depth])) for depth in DEPTHS],
                 "Measured: the first hidden layer's gradient beside the last one's; accuracy")
    heading = "‖∂C/∂b‖ over 1,000 training images"
    plots.lines(
        {heading: {f"layer {layer}": [run[:, layer - 1] for run in during[deepest]]
                   for layer in range(1, deepest + 1)},
         "validation images that are right, percent": {
             f"{depth} hidden": [[100 * a for a in run] for run in curves[depth]] for depth in DEPTHS}},
        lesson.path("training.png"),
        f"{deepest} hidden layers: the first one's gradient is {first[deepest]:.2g} times the last "
        f"one's after epoch 1, {last[deepest]:.2g} times after the last",
        log=(heading,), note=note(runs, f"left: {deepest} hidden layers"))
    lesson.take_away(
        f"With {deepest} hidden layers the first one's gradient is {ratio(before[deepest]):.3f} times "
        f"the last hidden one's before training; in training with mini-batches it is "
        f"{first[deepest]:.2g} times after epoch 1 and {last[deepest]:.2g} times after the last.",
        "What that costs at the beginning: half of the validation images are read "
        + ", ".join(f"with {counted(depth, 'hidden layer')} "
                    + (f"in epoch {half[depth]}" if half[depth] else "in no epoch") for depth in DEPTHS)
        + ".",
        f"In the best of {counted(epochs, 'epoch')} on {train_size:,} images they read, with 1 to 4 "
        "hidden layers, "
        + ", ".join(spread([max(curve) for curve in curves[depth]]) for depth in DEPTHS)
        + " % of the validation images.",
        f"""A short gradient could also mean that a layer has nothing left to learn.  Before training,
        with random weights, that is not so, and there it is already
        {1 / ratio(before[deepest]):.0f} times shorter than the last hidden layer's."""
        + ("""  Later in training it no longer is: what vanishes, with these settings, is the gradient
        at the beginning.""" if last[deepest] > 0.5 else ""),
        f"The same after {BATCH_STEPS} steps on the whole gradient: " + ", ".join(
            f"{ratio(batch[depth][-1:]):.2f} times with {depth}" for depth in DEPTHS[1:])
        + " hidden layers.")
    return lesson.end(before={str(depth): before[depth].mean(axis=0).tolist() for depth in DEPTHS},
                      ratios={name: {str(depth): of(depth) for depth in DEPTHS} for name, of in (
                          ("before", lambda depth: ratio(before[depth])),
                          ("batch, end", lambda depth: ratio(batch[depth][-1:])),
                          ("first epoch", first.get), ("last epoch", last.get))},
                      half={str(depth): half[depth] for depth in DEPTHS},
                      curves={str(depth): curves[depth] for depth in DEPTHS},
                      tests={str(depth): tests[depth] for depth in DEPTHS})


def hidden_gradients(net, data):
    """∂C/∂b of each hidden layer, the mean over data, a list of (30,)."""
    nabla_b, _ = net.backprop(*data)
    return [gradient / len(data.images) for gradient in nabla_b[:-1]]


def norms(net, data):
    """‖∂C/∂b‖ of each hidden layer, the mean gradient over data."""
    return [float(np.linalg.norm(gradient)) for gradient in hidden_gradients(net, data)]


def ratio(norms):
    """How long the first layer's gradient is beside the last one's; norms : (n, layers), averaged."""
    mean = np.mean(norms, axis=0)
    return float(mean[0] / mean[-1])


def batch_descent(net, data):
    """Learn from all of data at once.  Returns norms at the start and after every EVERY steps."""
    measured = [norms(net, data)]
    for step in range(1, BATCH_STEPS + 1):
        net.update_mini_batch(data, ETA)
        if step % EVERY == 0:
            measured.append(norms(net, data))
    return np.array(measured)  # (1 + BATCH_STEPS / EVERY, depth)


if __name__ == "__main__":
    raise SystemExit(command_line(main, FULL))
