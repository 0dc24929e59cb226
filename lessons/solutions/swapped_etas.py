"""ReLU's learning rate for the sigmoids, and theirs for ReLU: which minds more?  To lesson 3.1.0.

The exercise: give the sigmoid network the η of the ReLU network, 0.03, and the ReLU network that
of the sigmoids, 0.1.  Which of the two minds more?

The answer: the sigmoids.  With either η ReLU is right for some 95 to 96 % of the test images
after three epochs on 5,000, and the runs overlap.  The sigmoids are at some 77 % then with their
own η, and with 0.03 at a fifth at most, as good as guessing.

What comes back to the first layers is small, a slope of at most 1/4 in each, BP2.  So even with
0.1 they are on a plateau for two of the three epochs; with a third of η each step is a third as
long, and the plateau that much longer.  That is a matter of time: nothing here says that they
will not learn later.  ReLU's gradient comes back whole or not at all.  Steps with 0.03 are long
enough, and with 0.1 not yet too long; only after the first epoch its runs lie further apart, 88
to 93 % instead of 92 to 93.

    python -m lessons.solutions.swapped_etas
"""

from pathlib import Path

from lessons.network_3_1_0_relu_sigmoid import ETA, LMBDA, MINI_BATCH_SIZE, build_network
from nndl import load_mnist, plots
from nndl.comparing import compared
from nndl.lesson import TRAINING_IMAGES, note, percent, solution, spread

OTHER = {"ReLU": "sigmoid", "sigmoid": "ReLU"}


def main(epochs=3, train_size=5000, runs=3, seed=0, out="pictures"):
    """Both networks with both rates.  Returns curves, test accuracies, and what swapping costs."""
    training, validation, test = load_mnist()
    training, watched = training[:train_size], validation[:2000]
    curves, accuracies = {}, {}
    print(f"{epochs} epochs on {train_size:,} images, {runs} runs: the first 2,000 validation "
          "images after each epoch, then the test images, %")
    for name in ETA:
        for eta in ETA[name], ETA[OTHER[name]]:
            of = f"{name}, η = {eta:g}"
            curves[of], accuracies[of] = [], []
            for run in range(runs):
                net = build_network(name, seed=seed + run)
                history = net.SGD(training, epochs, MINI_BATCH_SIZE, eta,
                                  LMBDA[name] * train_size / TRAINING_IMAGES, progress=False,
                                  evaluation_data=watched, monitor_evaluation_accuracy=True)
                curves[of].append([100 * a for a in history.evaluation_accuracy])
                accuracies[of].append(net.accuracy(test))
            means = "  ".join(f"{sum(values) / runs:5.1f}" for values in zip(*curves[of]))
            print(f"    {of:<18} {means}   {spread(accuracies[of])}", flush=True)
    pairs = {name: [f"{name}, η = {ETA[whose]:g}" for whose in (name, OTHER[name])] for name in ETA}
    lost = {name: (sum(accuracies[own]) - sum(accuracies[swapped])) / runs
            for name, (own, swapped) in pairs.items()}
    more = max(lost, key=lost.get)
    for name in pairs:
        print(f"{name}: {compared(accuracies, *pairs[name])}.")
    saved = plots.lines(
        {"validation images that are right, percent": curves},
        Path(out) / "solutions" / "swapped_etas.png",
        f"With the other's η {more} loses {percent(lost[more], 1)} points, {OTHER[more]} "
        f"{percent(lost[OTHER[more]], 1)}", note=note(runs, "points of the test images"))
    print(f"saved: {saved}")
    return {"curves": curves, "accuracies": accuracies, "lost": lost}


if __name__ == "__main__":
    raise SystemExit(solution(main))
