"""Which of chapter 3's three changes is worth most, alone and last?  To lesson 2.3.

The exercise: cross-entropy, regularisation, initialisation: which is worth most if the other two
are left out?  Eight networks say it.

The answer: the initialisation.  Alone it brings chapter 1's network from some 66 % to 93 %, hardly
less than all three together.  λ alone and the cross-entropy alone come to 90 or 91 %.

All three mend the same thing.  Without any of them outputs get stuck at 0, one to four of the ten
(lesson 1.1), and with them go their digits.  In none of the seven other networks is there such an
output.  The default weights keep z small, so that no neuron gets where σ is flat.  The
cross-entropy lets it come back, (66).  λ pulls it back: the decay (1 - ηλ/n), (93), has no factor
σ', and makes weights and z smaller in each step even where the gradient is gone.  (It is one λ, but
with chapter 1's η = 3 the decay is six times that of η = 0.5.)  That is not what it is for: what it
does against overfitting shows after more epochs, in lesson 2.1.

So they do not add up, and the order matters.  Made last, after the other two, the default weights
still bring two points or more, the cross-entropy about one, λ nothing that these runs could tell.

    python -m lessons.solutions.which_change
"""

from itertools import product
from pathlib import Path

import numpy as np

from lessons.network_1_1_hidden_neurons import outputs_at_zero
from lessons.network_2_3_all_together import LMBDA_PER_IMAGE, MINI_BATCH_SIZE, build_network
from nndl import costs, load_mnist, plots
from nndl.comparing import compared, counted, gained
from nndl.lesson import solution, spread

COST = {False: (costs.QuadraticCost, 3.0), True: (costs.CrossEntropyCost, 0.5)}  # each with its η
INIT = {False: "large", True: "default"}
CHANGES = ("cross-entropy", "λ", "default weights")
NONE, ALL = "none of them", "all three"


def name_of(made):
    """What a network is called after the changes that are made in it, three times True or False."""
    said = [change for change, this in zip(CHANGES, made) if this]
    return {0: NONE, 3: ALL}.get(len(said), ", ".join(said))


def main(epochs=8, train_size=5000, runs=5, seed=0, out="pictures"):
    """All eight.  Returns test accuracies, and how many outputs are at 0, by network."""
    training, _, test = load_mnist()
    training, lmbda = training[:train_size], LMBDA_PER_IMAGE * train_size
    accuracies, silent = {}, {}
    print(f"784-100-10, {counted(epochs, 'epoch')} on {train_size:,} images, "
          f"{counted(runs, 'run')} of each")
    print(f"    {'changed':<32} {'test, %':<22} outputs at 0, each run")
    for made in sorted(product((False, True), repeat=3), key=sum):
        name, (entropy, decays, small) = name_of(made), made
        cost, eta = COST[entropy]
        accuracies[name], silent[name] = [], []
        for run in range(runs):
            net = build_network(cost, INIT[small], seed=seed + run)
            net.SGD(training, epochs, MINI_BATCH_SIZE, eta, lmbda * decays, progress=False)
            accuracies[name].append(net.accuracy(test))
            silent[name].append(len(outputs_at_zero(net, test)))
        print(f"    {name:<32} {spread(accuracies[name]):<22} {' '.join(map(str, silent[name]))}")
    mean = {name: float(np.mean(values)) for name, values in accuracies.items()}
    alone = sorted(CHANGES, key=mean.get, reverse=True)
    print("Alone, in percentage points: " + ", ".join(
        f"{name} {gained(accuracies[NONE], accuracies[name])}" for name in alone)
        + f".  {compared(accuracies, *alone[:2])}; {compared(accuracies, *alone[1:])}.")
    without = {change: name_of([other != change for other in CHANGES]) for change in CHANGES}
    print("Last, the other two made: " + ", ".join(
        f"{change} {gained(accuracies[before], accuracies[ALL])}"
        for change, before in without.items()) + ".")
    saved = plots.dots(
        {name: [100 * a for a in values] for name, values in accuracies.items()},
        Path(out) / "solutions" / "which_change.png",
        f"What brings most alone: {alone[0]}, {100 * (mean[alone[0]] - mean[NONE]):.1f} points; "
        f"all three together {100 * (mean[ALL] - mean[NONE]):.1f}",
        "test images that are right, percent")
    print(f"saved: {saved}")
    return {"accuracies": accuracies, "silent": silent, "without": without}


if __name__ == "__main__":
    raise SystemExit(solution(main))
