"""3.2.2  Against overfitting, is dropout better than L2 regularisation, and does size matter?

Book: chapter 3, "Overfitting and regularization" and "Other techniques for regularization".
Before: 2.1, 3.2.1.
Next: 3.2.3, both together.

    python -m lessons 3.2.2          20 epochs on 1,000 images, two runs of each of six networks
    python -m lessons 3.2.2 --full   15 epochs on all 50,000, one run of each

Steps through: Step.take in nndl/network.py and layer_step in nndl/ops/update_numpy.py, where the
weights decay; dropout_draw in nndl/ops/dropout_numpy.py (--backend numpy).

Measured in 0.1 minutes: On the test images large with dropout came out ahead of large with L2 in
    every run, by 0.53 points on average (chance alone: 1 in 3); small with L2 and small with
    dropout overlap, their means 0.48 points apart.

Exercises
1. Find a λ for the small network and another for the large one, with which each is best on the
   validation images.  Which of the two needs more?  Worked: solutions/lambda_by_size.py
"""

from nndl import Dense, Dropout, Network, ReLU, Softmax, load_mnist, plots
from nndl.comparing import compared, gained
from nndl.lesson import Lesson, command_line, counted, spread

SIZES = {"small": 30, "large": 1_000}
# λ: with 1,000 images 0.1, 1, 3 and 10 differ by less than runs do on the validation images, 30 harms.
# With all 50,000 it is the book's for dense networks.  Dropout's rate is the usual one.
LMBDA, P_DROPOUT = 3.0, 0.5
ETA, MINI_BATCH_SIZE = 0.05, 10
FULL = {"epochs": 15, "train_size": 50_000, "runs": 1, "lmbda": 5.0}
METHODS = ("neither", "L2", "dropout")


def build_network(n_hidden, p_dropout, backend=None, seed=0):
    """784-n_hidden-10 with ReLU; p_dropout is 0 where L2 regularisation is at work, or nothing."""
    return Network([
        Dense(n_hidden, init="he"), ReLU(), Dropout(p_dropout),   # (m, 784) -> (m, n_hidden)
        Dense(10, init="he"), Softmax(),                          #          -> (m, 10)
    ], backend=backend, seed=seed)


def main(epochs=20, train_size=1_000, backend=None, seed=0, out="pictures", runs=2, lmbda=LMBDA):
    """Train small and large, with neither, L2, dropout.  Returns accuracies, fractions: of the large
    one with dropout under "accuracy", and of all by name."""
    lesson = Lesson(__file__, out, epochs=epochs, train_size=train_size, backend=backend, seed=seed,
                    runs=runs, lmbda=lmbda)
    lesson.idea("""
        L2 regularisation makes all weights a little smaller at every step: what is worth a large
        weight has to be worth it again and again.  Dropout leaves the weights alone and disturbs the
        neurons.  Both are against learning by heart.

        It is often said that dropout is the better one for large networks: they have neurons to spare.
        So here are a small and a large network, each with neither, with L2, with dropout.""")
    lesson.mathematics("""
        C = C0 + λ/(2n) Σ w²                            L2                    (87)
        w -> (1 - ηλ/n) w - η/m Σ ∂C_x/∂w               its step              (93)
        a' = r a/(1-p),  r = 0 with probability p       dropout, in training""")
    training, validation, test = load_mnist()
    some = training[:train_size]
    for size, n_hidden in SIZES.items():
        lesson.network(build_network(n_hidden, P_DROPOUT, backend, seed), f"The {size} network")

    names = [f"{size} with {method}" for size in SIZES for method in METHODS]
    learnt, chosen, accuracies = ({name: [] for name in names} for _ in range(3))
    for name in names:
        size, method = name.split(" with ")
        strength = lmbda if method == "L2" else 0.0
        p_dropout = P_DROPOUT if method == "dropout" else 0.0
        lesson.step(f"""{name}: {counted(runs, "run")} of {counted(epochs, "epoch")} on
                    {train_size:,} images, η = {ETA:g}, λ = {strength:g}, p = {p_dropout:g}""")
        for run in range(runs):
            net = build_network(SIZES[size], p_dropout, backend, seed + run)
            net.SGD(some, epochs, MINI_BATCH_SIZE, ETA, strength,
                    checkpoint=lesson.checkpoint(f"{name} {run}"))
            learnt[name].append(net.accuracy(some))
            chosen[name].append(net.accuracy(validation))
            accuracies[name].append(net.accuracy(test))

    lesson.table(("", "training images, %", "validation, %", "test, %"),
                 [(name, spread(learnt[name]), spread(chosen[name]), spread(accuracies[name]))
                  for name in names])
    said = {size: compared(accuracies, f"{size} with dropout", f"{size} with L2") for size in SIZES}
    plots.dots({name: [100 * accuracy for accuracy in accuracies[name]] for name in names},
               lesson.path("methods.png"), said["large"][0].upper() + said["large"][1:],
               "test images that are right, percent")
    gain = {name: gained(accuracies[f"{name.split()[0]} with neither"], accuracies[name])
            for name in names}
    lesson.take_away(
        f"On the test images {said['large']}; {said['small']}.",
        f"""Against neither, L2 is worth {gain["small with L2"]} points on the small network and
        {gain["large with L2"]} on the large one; dropout {gain["small with dropout"]} and
        {gain["large with dropout"]}.""")
    return lesson.end(accuracy=accuracies["large with dropout"], accuracies=accuracies,
                      validation=chosen, training=learnt)


if __name__ == "__main__":
    raise SystemExit(command_line(main, FULL))
