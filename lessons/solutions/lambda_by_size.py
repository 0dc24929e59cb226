"""A λ for the small network and one for the large: which needs more?  To lesson 3.2.2.

The exercise: find a λ for the small network, 30 hidden neurons, and another for the large one,
1,000, with which each is best on the validation images.  Which of the two needs more?

The answer: the small one, if either; by accuracy neither needs any.  On 500 images λ = 1 and 3
gain 0.3 points at most, and the runs overlap with those without.  With λ = 10 the small network
is still as good as without, the large one behind in every run; 30 is too much for both.  The cost
is a finer measure: both have the least with λ = 3, and the small one has gained twice as much by
it.

One might think that the large network, with 33 times the weights, needs more.  But without λ it
learns all 500 images by moving its weights by an eighth of their length, the small one by three
quarters: with so many neurons a little of each is enough.  L2 takes the same fraction of every
weight, (93), learnt or not; of the first weights e^(-ηλ epochs/m) remains, 0.64 with λ = 3, 0.22
with 10.  In the large network these are nearly all that there is, and it moves by 0.38 and 0.78
then: there L2 has little to take back that has been learnt by heart, and much else to spoil.

    python -m lessons.solutions.lambda_by_size
"""

from pathlib import Path

import numpy as np

from lessons.network_3_2_2_dropout_or_l2 import ETA, MINI_BATCH_SIZE, SIZES, build_network
from nndl import load_mnist, plots
from nndl.comparing import compared
from nndl.lesson import note, percent, solution, spread

LAMBDAS = (0.0, 1.0, 3.0, 10.0, 30.0)
MUCH = 10.0     # one of them, the title's


def judged(net, data):
    """(accuracy, mean cost (80) in nats) over data, in one pass."""
    outputs = net.feedforward(data.images)
    cost = -np.log(outputs[np.arange(len(outputs)), data.labels]).mean()
    return float((outputs.argmax(axis=1) == data.labels).mean()), float(cost)


def weights(net):
    """All weights in a row."""
    return np.concatenate([layer.w.ravel() for layer in net.layers if layer.parameters])


def main(epochs=30, train_size=500, runs=3, seed=0, out="pictures"):
    """Try each λ on each.  Returns by size and λ: accuracies, costs, how far weights went."""
    training, validation, test = load_mnist()
    found, costs, learnt, moved, kept = ({size: {} for size in SIZES} for _ in range(5))
    training = training[:train_size]
    print(f"{epochs} epochs on {train_size:,} images, {runs} runs; validation images")
    for size, n_hidden in SIZES.items():
        for lmbda in LAMBDAS:
            nets = [build_network(n_hidden, 0.0, seed=seed + run) for run in range(runs)]
            before = [weights(net) for net in nets]
            for net in nets:
                net.SGD(training, epochs, MINI_BATCH_SIZE, ETA, lmbda, progress=False)
            found[size][lmbda], costs[size][lmbda] = zip(*(judged(net, validation) for net in nets))
            learnt[size][lmbda] = float(np.mean([net.accuracy(training) for net in nets]))
            kept[size][lmbda] = nets
            moved[size][lmbda] = float(np.mean([
                np.linalg.norm(weights(net) - w) / np.linalg.norm(w)
                for net, w in zip(nets, before)]))
            print(f"    {size}, λ = {lmbda:<4g} {spread(found[size][lmbda])} % right, cost "
                  f"{np.mean(costs[size][lmbda]):.3f}; training images "
                  f"{percent(learnt[size][lmbda], 1)} %; weights moved by {moved[size][lmbda]:.2f} "
                  "of their length", flush=True)
    best, least = {}, {}
    for size in SIZES:
        best[size] = LAMBDAS[np.argmax([np.mean(found[size][lmbda]) for lmbda in LAMBDAS])]
        least[size] = LAMBDAS[np.argmin([np.mean(costs[size][lmbda]) for lmbda in LAMBDAS])]
        names = {f"{size}, λ = {lmbda:g}": found[size][lmbda] for lmbda in LAMBDAS}
        none = next(iter(names))
        print(f"{size}: best by accuracy λ = {best[size]:g}, by cost {least[size]:g}; on the "
              "validation images")
        for name in list(names)[1:]:
            print(f"    {compared(names, none, name)}")
        on_test = {f"λ = {lmbda:g}": [net.accuracy(test) for net in kept[size][lmbda]]
                   for lmbda in (least[size], LAMBDAS[0])}
        if least[size]:
            print(f"    on the test images {compared(on_test, *on_test)}")
    change = {size: 100 * (np.mean(found[size][MUCH]) - np.mean(found[size][LAMBDAS[0]]))
              for size in SIZES}
    saved = plots.lines(
        {"validation images that are right, percent": {
            size: (LAMBDAS, [[100 * a for a in run] for run in zip(*found[size].values())])
            for size in SIZES},
         "cost on the validation images, nats": {
            size: (LAMBDAS, list(zip(*costs[size].values()))) for size in SIZES}},
        Path(out) / "solutions" / "lambda_by_size.png",
        f"λ = {MUCH:g} instead of 0, points: " + ", ".join(
            f"{size} {change[size]:+.2f}" for size in SIZES)
        + "; least cost: " + ", ".join(f"{size} λ = {least[size]:g}" for size in SIZES),
        x="λ", note=note(runs, "small: 30 neurons, large: 1,000"))
    print(f"saved: {saved}")
    return {"found": found, "costs": costs, "learnt": learnt, "moved": moved,
            "best": best, "least": least}


if __name__ == "__main__":
    raise SystemExit(solution(main))
