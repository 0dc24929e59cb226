"""From which learning rate on a network reads worse, and from which on nothing.  To lesson 1.2.

The exercise: between 3 and 100, from which η on does the network read worse?  And from which η on
nothing at all?

The answer: with the lesson's settings η may be three times as large as its 3, and the network reads
about as well, though with η = 7 one of four has lost a digit.  From some 15 on it reads worse, and
it does so digit by digit: outputs have come to rest at 0 even for images of their own digit, none
to two of the ten with η = 15, most of them with 30.  From about 50 on it is all of them or all but
one, and the network reads nothing, or hardly more than one digit.

Why so suddenly?  A step is proportional to η, (20), but σ' falls exponentially: σ'(z) ≈ exp(-|z|).
With η = 3 the first mini-batch moves the z of outputs by up to 6, from where a neuron comes back:
σ'(6) is 0.002.  With η = 30 it moves them by up to 36, and exp(-36) is nothing.  What would have to
bring it back has σ' as a factor, (30).  So a small η costs time.  One that is too large undoes for
good, in its first steps, what would have learnt.

    python -m lessons.solutions.eta_too_large
"""

from pathlib import Path

import numpy as np

from lessons.network_1_1_hidden_neurons import outputs_at_zero
from lessons.network_1_2_learning_rate import MINI_BATCH_SIZE, build_network, output_slope
from nndl import load_mnist, plots
from nndl.comparing import compared, counted
from nndl.lesson import percent, solution, spread

ETAS = (3, 5, 7, 10, 15, 20, 30, 50, 70, 100)
NOTHING = 0.2   # not even two of the ten digits


def leap(net, training, few, eta):
    """The largest change of an output's z by the first mini-batch, on a few images."""
    def z():
        a = few.images.astype(net.dtype) / 256
        for layer in net.layers[:-1]:
            a = layer.forward(a)
        return a.copy()

    before, some = z(), training[:MINI_BATCH_SIZE]
    net.update_mini_batch((some.images, some.labels), eta)
    return float(np.abs(z() - before).max())


def from_on(holds):
    """The least η from which on something holds for all that were tried; None if there is none."""
    return next((eta for eta in ETAS if all(holds(more) for more in ETAS if more >= eta)), None)


def main(epochs=10, train_size=10_000, runs=4, seed=0, out="pictures"):
    """Train with each η.  Returns accuracies, outputs at 0, slopes, leaps, by η; and the two η."""
    training, validation, test = load_mnist()
    training = training[:train_size]
    chosen, accuracies, silent, slopes, leaps = ({eta: [] for eta in ETAS} for _ in range(5))
    print(f"784-30-10, {counted(epochs, 'epoch')} on {train_size:,} images, {counted(runs, 'run')}")
    print(f"    {'η':>4}  {'test, %':<20} outputs at 0   mean σ'   first mini-batch moves z by")
    for eta in ETAS:
        for run in range(runs):
            leaps[eta].append(leap(build_network(seed=seed + run), training, validation[:100], eta))
            net = build_network(seed=seed + run)
            net.SGD(training, epochs, MINI_BATCH_SIZE, eta, progress=False)
            chosen[eta].append(net.accuracy(validation))
            accuracies[eta].append(net.accuracy(test))
            silent[eta].append(len(outputs_at_zero(net, validation)))
            slopes[eta].append(output_slope(net, validation))
        at_zero = " ".join(map(str, silent[eta]))
        print(f"    {eta:>4}  {spread(accuracies[eta]):<20} {at_zero:<14}"
              f"{np.mean(slopes[eta]):>8.1e}   {np.mean(leaps[eta]):.0f}")
    best = max(ETAS, key=lambda eta: np.mean(chosen[eta]))  # validation images choose
    worse = from_on(lambda eta: max(accuracies[eta]) < min(accuracies[ETAS[0]]))
    nothing = from_on(lambda eta: max(accuracies[eta]) < NOTHING)
    named = {f"η = {eta}": accuracies[eta] for eta in ETAS}
    print(f"By the validation images the best is η = {best}.  Of the test images: "
          + (compared(named, f"η = {best}", f"η = {ETAS[0]}") + ".  " if best != ETAS[0] else "")
          + f"From η = {worse} on every run reads worse than every run of η = {ETAS[0]}; from η = "
          f"{nothing} on none reads {percent(NOTHING, 0)} %.")
    saved = plots.dots(
        {name: [100 * a for a in values] for name, values in named.items()},
        Path(out) / "solutions" / "eta_too_large.png",
        f"From η = {worse} on a network reads worse than with {ETAS[0]}, from {nothing} on nothing",
        "test images that are right, percent",
        note=f"worse: every run below all of η = {ETAS[0]}; nothing: every run below "
             f"{percent(NOTHING, 0)} %")
    print(f"saved: {saved}")
    return {"accuracies": accuracies, "silent": silent, "slopes": slopes, "leaps": leaps,
            "best": best, "worse": worse, "nothing": nothing}


if __name__ == "__main__":
    raise SystemExit(solution(main))
