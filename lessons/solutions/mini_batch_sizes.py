"""What an epoch takes and is worth with mini-batches of 1, of 100, of all images.  To lesson 1.0.

The exercise: train lesson 1.0's network with mini-batches of 1, of 100, of all images.  What does
an epoch take, and what is it worth?

The answer: with mini-batches of m an epoch on n images is n/m steps (20), and a step costs
something for itself and something for each image.  An epoch of steps on one image takes about four
times as long as one of steps on ten; with more than ten it gets no shorter worth mentioning.

What it is worth depends on how many steps there are, and on how good they are.  The mean over a
mini-batch estimates the gradient, (18), and is off by what falls as 1/√m: before training, with one
image, by more than twice the gradient's own length, with ten by three quarters of it, with a
thousand by 7 %.  So ten times as many images make a step ten times as dear and about three times as
exact.  That is a bad bargain from ten on: an epoch with mini-batches of 100 is worth much less than
one with 10, and with all images it is a single step, exact, and hardly better than guessing.

With m = 1 a step must be smaller: of the η tried the validation images choose a tenth of what they
choose for m = 10, so that each image has the same say, η/m.  With that an epoch is worth about the
same for both, and only takes longer.  For more images η may not grow in proportion: they choose the
same η as for ten.  One that is too large puts output neurons where σ is flat (lessons 1.1 and 1.2).

    python -m lessons.solutions.mini_batch_sizes
"""

from pathlib import Path

import numpy as np

from lessons.network_1_0_first_network import build_network
from nndl import load_mnist, plots
from nndl.comparing import compared, counted
from nndl.lesson import note, percent, solution, spread

ETAS = (0.3, 1.0, 3.0, 10.0, 30.0)


def noise(net, data, m, draws):
    """How far a mini-batch's gradient is from that of all the data, in lengths of the latter."""
    def gradient(some):
        nablas = net.backprop(data.images[some], data.labels[some])
        return np.concatenate([nabla.ravel() for both in nablas for nabla in both]) / len(some)

    n = len(data.labels)
    whole = gradient(np.arange(n))
    rng = np.random.default_rng(net.seed)
    off = [np.linalg.norm(gradient(rng.choice(n, m, replace=False)) - whole) for _ in range(draws)]
    return float(np.mean(off) / np.linalg.norm(whole))


def main(epochs=5, train_size=5000, runs=3, seed=0, out="pictures"):
    """Every size with the η that suits it best.  Returns η, curves, seconds, noise, by size."""
    training, validation, test = load_mnist()
    training = training[:train_size]
    measured = {}
    print(f"784-30-10, {train_size:,} images, {counted(epochs, 'epoch')}, "
          f"{counted(runs, 'run')} of each; η by the validation images")
    print(f"    {'m':>6} {'steps':>6} {'η':>5} {'s an epoch':>11} {'gradient off by':>16}  "
          f"{'validation, 1st epoch, %':<25} {'test, %':<20}")
    for m in (1, 10, 100, 1000, train_size):
        tried = {}
        for eta in ETAS:
            nets = [build_network(seed=seed + run) for run in range(runs)]
            histories = [net.SGD(training, epochs, m, eta, evaluation_data=validation,
                                 monitor_evaluation_accuracy=True, progress=False) for net in nets]
            tried[eta] = nets, histories
        eta = max(ETAS, key=lambda eta: sum(h.evaluation_accuracy[-1] for h in tried[eta][1]))
        nets, histories = tried[eta]
        measured[m] = {
            "eta": eta, "curves": [history.evaluation_accuracy for history in histories],
            "test": [net.accuracy(test) for net in nets],
            "seconds": min(second for history in histories for second in history.seconds),
            "noise": noise(build_network(seed=seed), training, m, draws=20)}
        row = measured[m]
        print(f"    {m:>6,} {-(-train_size // m):>6,} {eta:>5g} {row['seconds']:>11.3f} "
              f"{row['noise']:>16.2f}  {spread([curve[0] for curve in row['curves']]):<25} "
              f"{spread(row['test']):<20}")
    print("Of the test images: " + "; ".join(
        compared({f"m = {m:,}": measured[m]["test"] for m in pair}, *(f"m = {m:,}" for m in pair))
        for pair in ((1, 10), (10, 100))) + ".")
    mean = {m: np.mean([curve[-1] for curve in row["curves"]]) for m, row in measured.items()}
    saved = plots.lines(
        {"validation images that are right, percent": {
            f"m = {m:,}" + ", all" * (m == train_size): [[100 * a for a in curve]
                                                         for curve in row["curves"]]
            for m, row in measured.items()}}, Path(out) / "solutions" / "mini_batch_sizes.png",
        f"After {counted(epochs, 'epoch')} {percent(mean[1], 0)} % are right with mini-batches of "
        f"1, {percent(mean[10], 0)} % with 10, {percent(mean[train_size], 0)} % with all images",
        note=note(runs, f"{train_size:,} images", "each m with the best of η = "
                  + ", ".join(f"{eta:g}" for eta in ETAS)))
    print(f"saved: {saved}")
    return measured


if __name__ == "__main__":
    raise SystemExit(solution(main))
