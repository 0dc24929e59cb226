"""η and λ drawn at random, ten pairs, beside those found in steps.  To lesson 2.4.

The exercise: draw η and λ at random, ten pairs, and train each as long as the search in the lesson
does.  Is the best of them better than what the steps found?

The answer: not better, and it depends on the draw whether as good.  Three times ten pairs are drawn
here, by other random numbers each time.  The best of the second and of the third ten, chosen by the
validation images, read as many test images as η = 0.25 and λ = 1, as far as three runs of each can
tell.  The best of the first ten reads over a point less: no η between 0.03 and 2 was among them.

η is drawn over four orders of magnitude, and about one of these, from some 0.1 to 0.9, comes within
a point of the steps.  Ten pairs all miss that in (3/4)^10, once in 18 times.  From η = 10 on little
or nothing is read, and these pairs, one to four of the ten, are wasted.  Less depends on λ: with η
about 0.2 it makes no difference of a point between 0.4 and 3.

A draw trains on half as many images again as the lesson's search, which asks for η on 1,000 images
and in ten epochs what can be seen there.  What speaks for random pairs: no η comes twice, so that
ten pairs try ten values of what matters, whichever of the two it is; and nobody needs to look.

    python -m lessons.solutions.random_search
"""

from pathlib import Path

import numpy as np

from lessons.network_2_4_hyper_parameters import (
    AROUND,
    BETWEEN,
    ETA_EPOCHS,
    ETAS,
    LMBDA_EPOCHS,
    LMBDAS,
    MINI_BATCH_SIZE,
    SIGNAL,
    SIGNAL_EPOCHS,
    SIGNAL_IMAGES,
    build_network,
)
from nndl import load_mnist, plots
from nndl.comparing import compared, counted
from nndl.lesson import percent, solution, spread

STEPS = (0.25, 1.0)   # what the lesson comes to, step by step: η and, for 10,000 images, λ
NEAR = 0.01           # a pair that reads so much less at most counts as about as good


def drawn(rng, pairs):
    """Pairs (η, λ), their logarithms uniform between the least and the largest of the lesson's."""
    low, high = np.log([[min(ETAS), min(filter(None, LMBDAS))], [max(ETAS), max(LMBDAS)]])
    return [tuple(map(float, np.exp(rng.uniform(low, high)))) for _ in range(pairs)]


def main(pairs=10, draws=3, epochs=LMBDA_EPOCHS, train_size=10_000, runs=3, seed=0,
         out="pictures"):
    """Search at random, several times.  Returns what was tried, the best, and test accuracies."""
    training, validation, test = load_mnist()
    training, scale = training[:train_size], train_size / 10_000  # λ/n is what shrinks the weights

    def train(pair, run):
        net = build_network(seed=seed + run)
        net.SGD(training, epochs, MINI_BATCH_SIZE, pair[0], pair[1] * scale, progress=False)
        return net

    def tested(pair):  # by networks that have not chosen it
        return [train(pair, 1 + run).accuracy(test) for run in range(runs)]

    steps, accuracies = train(STEPS, 0).accuracy(validation), {"in steps": tested(STEPS)}
    tried, best = {}, {}
    print(f"784-30-10, {counted(epochs, 'epoch')} on {train_size:,} images; "
          "% of the validation images that are right")
    for number in range(1, draws + 1):
        some = drawn(np.random.default_rng([seed, number]), pairs)
        tried[number] = {pair: train(pair, 0).accuracy(validation) for pair in sorted(some)}
        best[number] = max(tried[number], key=tried[number].get)
        accuracies[f"draw {number}"] = tested(best[number])
        near = sum(accuracy > steps - NEAR for accuracy in tried[number].values())
        print(f"draw {number}, η | λ | %:  " + "   ".join(
            f"{eta:.2g} | {lmbda:.2g} | {percent(accuracy, 1)}"
            for (eta, lmbda), accuracy in tried[number].items()))
        print(f"    {near} of {pairs} come within a point of the steps' {percent(steps, 1)} %")
    print(f"Then {counted(runs, 'run')} of each; test images right, %")
    for name, values in accuracies.items():
        eta, lmbda = STEPS if name == "in steps" else best[int(name.split()[1])]
        print(f"    {name:<9} η = {eta:<6.2g} λ = {lmbda:<6.2g} {spread(values)}")
    print("; ".join(compared(accuracies, f"draw {number}", "in steps") for number in best) + ".")
    searched = (SIGNAL_IMAGES * SIGNAL_EPOCHS * len(SIGNAL)
                + SIGNAL_IMAGES * ETA_EPOCHS * len(ETAS + BETWEEN)
                + 10_000 * LMBDA_EPOCHS * len(LMBDAS + AROUND))
    print(f"A draw trains on {pairs * epochs * train_size / 1e6:.2f} million images, the search of "
          f"the lesson on {searched / 1e6:.2f} million.")
    heading = "validation images that are wrong, percent, logarithmic"
    saved = plots.lines(
        {heading: {f"draw {number}": (np.log10([eta for eta, _ in of_draw]),
                                      [100 - 100 * a for a in of_draw.values()])
                   for number, of_draw in tried.items()}},
        Path(out) / "solutions" / "random_search.png",
        "Of the test images the best at random read " + ", ".join(
            percent(np.mean(accuracies[f"draw {number}"]), 1) for number in best)
        + f" %, what was found in steps {percent(np.mean(accuracies['in steps']), 1)} %",
        x="log10 η; each mark has a λ of its own", log=(heading,),
        levels={heading: {"in steps": 100 - 100 * steps}},
        note=f"{counted(epochs, 'epoch')} on {train_size:,} images, one run of each pair")
    print(f"saved: {saved}")
    return {"tried": tried, "best": best, "steps": steps, "accuracies": accuracies}


if __name__ == "__main__":
    raise SystemExit(solution(main))
