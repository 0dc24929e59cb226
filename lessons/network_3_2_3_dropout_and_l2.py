"""3.2.3  Does it pay to use dropout and L2 regularisation together?

Book: chapter 3, "Other techniques for regularization"; chapter 6, "Convolutional neural networks in
    practice".
Before: 3.2.2.
Next: 3.3.0, the standard network.

    python -m lessons 3.2.3          25 epochs on 500 images, two runs of each of four
    python -m lessons 3.2.3 --full   20 epochs on all 50,000, one run of each

Steps through: Dropout.forward in nndl/layers.py, and layer_step in nndl/ops/update_numpy.py
(--backend numpy).

Measured in 0.3 minutes: With both 93.34 ± 0.06 (2) % of the test images are right; both came out
    ahead of dropout in every run, by 0.41 points on average (chance alone: 1 in 3).

Exercises
1. With both, either can be weaker.  Halve p, halve λ: what do the validation images say?
   Worked: solutions/half_of_each.py
"""

from statistics import mean

from nndl import ConvPool, Dense, Dropout, Network, ReLU, Softmax, load_mnist, plots
from nndl.comparing import compared, gained
from nndl.lesson import Lesson, command_line, counted, percent, spread
from nndl.schedules import falling

ETA, MINI_BATCH_SIZE = 0.03, 10
LMBDA, P_DROPOUT, NEURONS = 1.0, 0.5, 300
METHODS = {"neither": (0.0, 0.0), "L2": (LMBDA, 0.0), "dropout": (0.0, P_DROPOUT),
           "both": (LMBDA, P_DROPOUT)}
FULL = {"epochs": 20, "train_size": 50_000, "runs": 1, "falls_to": 1 / 16}
PROMISED = {"both": "99.5"}


def build_network(p_dropout=P_DROPOUT, backend=None, seed=0):
    """Two convolutions, a dense layer of 300, and dropout before what is dense."""
    return Network([
        ConvPool(20, 5, init="he"),                              # (m, 1, 28, 28) -> (m, 20, 12, 12)
        ConvPool(40, 5, init="he"),                              #                -> (m, 40, 4, 4)
        Dropout(p_dropout), Dense(NEURONS, init="he"), ReLU(),   #                -> (m, 300)
        Dropout(p_dropout), Dense(10, init="he"), Softmax(),     #                -> (m, 10)
    ], backend=backend, seed=seed)


def main(epochs=25, train_size=500, backend=None, seed=0, out="pictures", runs=2, falls_to=1.0):
    """Train with neither, L2, dropout, both, while η falls to so much of it.  Returns accuracies,
    fractions: of both under "accuracy", of all by name."""
    lesson = Lesson(__file__, out, epochs=epochs, train_size=train_size, backend=backend, seed=seed,
                    runs=runs, falls_to=falls_to)
    lesson.idea("""
        L2 regularisation and dropout are against the same thing by different means, and nothing forbids
        to use both: L2 in the cost, dropout in the network.  If each took care of half of the
        overfitting, both would take care of more than either.  But where one of them has done the work
        already, the other has nothing to add.""")
    lesson.mathematics("""
        C = C0 + λ/(2n) Σ w²                            L2                    (87)
        w -> (1 - ηλ/n) w - η/m Σ ∂C_x/∂w               its step              (93)
        a' = r a/(1-p),  r = 0 with probability p       dropout, in training""")
    training, validation, test = load_mnist()
    some = training[:train_size]
    lesson.network(build_network(P_DROPOUT, backend, seed))

    learnt, chosen, accuracies = ({name: [] for name in METHODS} for _ in range(3))
    for name, (lmbda, p_dropout) in METHODS.items():
        lesson.step(f"""{name}: {counted(runs, "run")} of {counted(epochs, "epoch")} on
                    {train_size:,} images, λ = {lmbda:g}, p = {p_dropout:g}, η
                    {f"= {ETA:g}" if falls_to == 1 else f"from {ETA:g} to {ETA * falls_to:.2g}"}""")
        for run in range(runs):
            net = build_network(p_dropout, backend, seed + run)
            net.SGD(some, epochs, MINI_BATCH_SIZE, falling(ETA, epochs, falls_to), lmbda,
                    checkpoint=lesson.checkpoint(f"{name} {run}"))
            learnt[name].append(net.accuracy(some))
            chosen[name].append(net.accuracy(validation))
            accuracies[name].append(net.accuracy(test))

    lesson.table(("", "training images, %", "validation, %", "test, %", "commonly promised"),
                 [(name, spread(learnt[name]), spread(chosen[name]), spread(accuracies[name]),
                   PROMISED.get(name, "")) for name in METHODS])
    best = max(METHODS, key=lambda name: mean(chosen[name]))
    rival = max(("L2", "dropout"), key=lambda name: mean(chosen[name]))
    finding = compared(accuracies, "both", rival)
    plots.dots({name: [100 * accuracy for accuracy in accuracies[name]] for name in METHODS},
               lesson.path("methods.png"), f"On the test images {finding}",
               "test images that are right, percent")
    gain = {name: gained(accuracies["neither"], accuracies[name]) for name in METHODS}
    lesson.take_away(
        f"With both {spread(accuracies['both'])} % of the test images are right; {finding}.",
        f"""On the validation images {best} comes out best, {percent(mean(chosen[best]))} %.  On the
        test images L2 alone is worth {gain["L2"]} points against neither, dropout alone
        {gain["dropout"]}, both {gain["both"]}.""",
        """A step shrinks each weight by the share ηλ/n, and an epoch has n/m steps: with one λ the
        weights shrink as much in an epoch of few images as in one of all 50,000.""")
    return lesson.end(accuracy=accuracies["both"], accuracies=accuracies, validation=chosen,
                      training=learnt, best=best)


if __name__ == "__main__":
    raise SystemExit(command_line(main, FULL))
