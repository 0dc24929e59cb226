"""3.2.0  Why does a network that forgets half of its neurons at every step read better?

Book: chapter 3, "Other techniques for regularization"; chapter 6, "Convolutional neural networks in
    practice".
Before: 2.1, 3.1.0.
Next: 3.2.1, how many to drop.

    python -m lessons 3.2.0          25 epochs on 500 images, two runs with and without
    python -m lessons 3.2.0 --full   30 epochs on all 50,000, one run of each

Steps through: Dropout in nndl/layers.py; dropout_draw and dropout_backward in
nndl/ops/dropout_numpy.py (--backend numpy).

Measured in 0.2 minutes: With dropout 92.94 ± 0.39 (2) % of the test images are right, without 90.98
    ± 0.53 (2) %: dropout came out ahead of no dropout in every run, by 1.95 points on average
    (chance alone: 1 in 3).

Exercises
1. The book's (ch. 6): let a network say by itself whether it overfits.  Worked:
   solutions/diagnosing_overfitting.py
2. Put a Dropout before the first layer as well.  What do the images look like, and does it help?
   Worked: solutions/dropout_of_pixels.py
"""

import numpy as np

from nndl import ConvPool, Dense, Dropout, Network, ReLU, Softmax, load_mnist, plots
from nndl.comparing import compared
from nndl.lesson import Lesson, command_line, counted, note, spread

ETA, MINI_BATCH_SIZE, P_DROPOUT = 0.03, 10, 0.5
WATCHED = 2_000  # validation images, the first ones: enough for a curve
FULL = {"epochs": 30, "train_size": 50_000, "runs": 1}
BOOK = {"dropout": "", "no dropout": "99.23"}  # dense 100 instead of 300, 60 epochs, λ = 1
PROMISED = {"dropout": "99"}


def build_network(p_dropout=P_DROPOUT, backend=None, seed=0):
    """Two convolutions with ReLU and 300 neurons; dropout before the layers that are dense."""
    return Network([
        ConvPool(20, 5, init="he"),                             # (m, 1, 28, 28) -> (m, 20, 12, 12)
        ConvPool(40, 5, init="he"),                             #                -> (m, 40, 4, 4)
        Dropout(p_dropout), Dense(300, init="he"), ReLU(),      #                -> (m, 300)
        Dropout(p_dropout), Dense(10, init="he"), Softmax(),    #                -> (m, 10)
    ], backend=backend, seed=seed)


def main(epochs=25, train_size=500, backend=None, seed=0, out="pictures", runs=2):
    """Train with and without.  Returns accuracies, fractions: with as "accuracy", both by name."""
    lesson = Lesson(__file__, out, epochs=epochs, train_size=train_size, backend=backend, seed=seed,
                    runs=runs)
    lesson.idea("""
        A network with more weights than images can learn its images by heart: neurons come to rely on
        each other for what is peculiar to single images.  Dropout disturbs that.  For each image
        every neuron is silenced with probability p, anew each time; what the others have learnt has to
        be of use without it.  One may also see it as training very many thinned networks at once, all
        with the same weights, and letting them vote in the end.

        When it counts, no neuron is silent, and then 1/(1-p) times as many speak as in training.
        "Inverted" dropout makes up for it during training: those that are kept speak 1/(1-p) times as
        loud.  So nothing is left to do when testing.""")
    lesson.mathematics("""
        r = 0 with probability p, otherwise 1, for each neuron and image
        a' = r a / (1-p)         while training: the mean over r is a
        δ  = r δ' / (1-p)        the way back, by the same r: BP2
        a' = a                   when testing""")
    ones = np.ones((10_000, 1), np.float32)
    rng = np.random.default_rng(seed)
    lesson.table(("10,000 neurons that say 1, p =", *(f"{p:g}" for p in (0.2, 0.5, 0.8))),
                 [(what, *(f"{of(heard):.3f}" for heard in heard_with(ones, rng)))
                  for what, of in (("largest after dropout", np.max), ("mean", np.mean))],
                 title="Inverted dropout")
    training, validation, test = load_mnist()
    lesson.network(build_network(P_DROPOUT, backend, seed))

    some, watched = training[:train_size], validation[:WATCHED]
    costs, curves, learnt, accuracies = {}, {}, {}, {}
    for name, p_dropout in (("dropout", P_DROPOUT), ("no dropout", 0.0)):
        lesson.step(f"""{name}, p = {p_dropout:g}: {counted(runs, "run")} of
                    {counted(epochs, "epoch")} on {train_size:,} images, η = {ETA:g},
                    watched on the first {WATCHED:,} validation images""")
        costs[name], curves[name], learnt[name], accuracies[name] = [], [], [], []
        for run in range(runs):
            net = build_network(p_dropout, backend, seed + run)
            history = net.SGD(some, epochs, MINI_BATCH_SIZE, ETA, evaluation_data=watched,
                              monitor_evaluation_accuracy=True, monitor_evaluation_cost=True,
                              checkpoint=lesson.checkpoint(f"{name} {run}"))
            costs[name].append(history.evaluation_cost)
            curves[name].append([100 * accuracy for accuracy in history.evaluation_accuracy])
            learnt[name].append(net.accuracy(some))
            accuracies[name].append(net.accuracy(test))

    finding = compared(accuracies, "dropout", "no dropout")
    lesson.table(("", "training images, %", "test, %", "difference", "cost, validation, nats",
                  "commonly promised", "book, dense 100, 60 epochs"),
                 [(name, spread(learnt[name]), spread(accuracies[name]),
                   f"{100 * (np.mean(learnt[name]) - np.mean(accuracies[name])):.2f}",
                   f"{np.mean([cost[-1] for cost in costs[name]]):.3f}",
                   PROMISED.get(name, ""), BOOK[name]) for name in BOOK])
    plots.lines({"validation images that are right, percent": curves,
                 "cost on the validation images, nats": costs}, lesson.path("accuracy.png"),
                f"On the test images {finding}",
                note=note(runs))
    gap = {name: 100 * (np.mean(learnt[name]) - np.mean(accuracies[name])) for name in BOOK}
    lesson.take_away(
        f"With dropout {spread(accuracies['dropout'])} % of the test images are right, without "
        f"{spread(accuracies['no dropout'])} %: {finding}.",
        f"""Of the training images {gap["no dropout"]:.1f} points more are right than of the test images
        without dropout, {gap["dropout"]:.1f} with it: that difference is the overfitting.""")
    return lesson.end(accuracy=accuracies["dropout"], accuracies=accuracies, training=learnt,
                      costs=costs, curves=curves)


def heard_with(ones, rng):
    """What becomes of ones in a Dropout layer while training, for three probabilities."""
    heard = []
    for p_dropout in (0.2, 0.5, 0.8):
        net = Network([Dropout(p_dropout)], input_shape=(1,), seed=int(rng.integers(1000)))
        heard.append(net.layers[0].forward(ones, training=True).copy())
    return heard


if __name__ == "__main__":
    raise SystemExit(command_line(main, FULL))
