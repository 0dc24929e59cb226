"""2.4  How does one find a learning rate, a λ, and the moment to stop?

Book: chapter 3, "How to choose a neural network's hyper-parameters?".
Before: 2.1, 2.2.
Next: 3.0.0, the first convolutional network.

    python -m lessons 2.4          10,000 images, at most 30 epochs
    python -m lessons 2.4 --full   all 50,000 images, at most 60 epochs

Steps through: nndl/schedules.py; eta and stop in Network.SGD, nndl/network.py.

Measured in 0.2 minutes: From a guess that reads 9.91 % of the validation images to η = 0.25, λ = 1:
    93.72 ± 0.09 (2) % of the test images, 94.16 ± 0.02 (2) % with η falling (book, other settings,
    50,000 images: 96.49).

Exercises
1. The book's (ch. 3): stop after n epochs without improvement, or by another rule, in three
   experiments.  Worked: solutions/early_stopping_rules.py
2. The book's (ch. 3): halve η when nothing improves, down to 1/128.  Worked:
   solutions/halving_schedule.py
3. The book's (ch. 3): momentum, and what μ > 1 and μ < 0 do.  Worked: solutions/momentum.py
4. Draw η and λ at random, ten pairs, and train each as long as the search here does.  Is the best of
   them better than what the steps found?  Worked: solutions/random_search.py
"""

from itertools import pairwise

import numpy as np

from nndl import Dense, Network, Sigmoid, load_mnist, plots
from nndl.lesson import Lesson, command_line, counted, note, percent, spread
from nndl.schedules import falling

MINI_BATCH_SIZE = 10
# 1. Is there a signal at all?  (η, λ) on 1,000 images; λ = 20 there decays weights as the book's first
# guess does, 1,000 on 50,000 images.
SIGNAL = ((10.0, 20.0), (1.0, 20.0), (1.0, 2.0), (1.0, 0.2))
SIGNAL_IMAGES, SIGNAL_EPOCHS = 1000, 10
# 2. Up to which η does the cost fall from the start?  Orders of magnitude, then within the last one.
# On 1,000 images too, so that one looks often: once in 10,000 images the cost falls with η = 10 as
# well, from 5.2 nats to 2.4, where η = 1 has come to 0.3.
ETAS, BETWEEN, ETA_EPOCHS = (0.01, 0.1, 1.0, 10.0, 100.0), (2, 5), 10
# 3. Which λ, for 10,000 images?  Orders of magnitude, then around the best.
LMBDAS, AROUND, LMBDA_EPOCHS = (0.0, 0.1, 1.0, 10.0), (0.3, 3.0), 20
# 4. Stop after so many epochs without improvement
PATIENCE = (2, 5, 10)
FULL = {"epochs": 60, "train_size": 50_000}
BOOK = 96.49  # percent of the test images: 30 hidden neurons, η = 0.5, λ = 5, best of 30 epochs


def build_network(backend=None, seed=0):
    """784-30-10 of sigmoids, with default weights and the cross-entropy."""
    return Network([
        Dense(30), Sigmoid(),   # (m, 784) -> (m, 30)
        Dense(10), Sigmoid(),   #          -> (m, 10)
    ], backend=backend, seed=seed)


def main(epochs=30, train_size=10_000, backend=None, seed=0, out="pictures", runs=2):
    """The book's strategy, step by step.  Returns what was chosen, curves, accuracies."""
    lesson = Lesson(__file__, out, epochs=epochs, train_size=train_size, backend=backend, seed=seed,
                    runs=runs)
    lesson.idea("""
        η, λ, the number of epochs: no gradient says what they should be.  One tries.  What makes
        trying work is an order, and quick answers: first anything that learns at all, on few images;
        then η, from the training cost in the first epochs; then λ, from the validation images; then
        when to stop.  Each is chosen with the others as they are, and may be looked at again.

        The validation images choose.  The test images choose nothing: what they say is noted beside,
        and looked at when all is chosen.  A number that has helped to choose itself is too good to be
        true.""")
    lesson.mathematics("""
        w -> (1 - ηλ/n) w - η/m Σ ∂C0_x/∂w       η and λ stand here                    (93)
        stop when validation accuracy has not improved in n epochs
        η of epoch t:  η, the same in each;  or η (1/16)^(t/(T - 1)), falling""")
    lesson.network(build_network(backend, seed))
    training, validation, test = load_mnist()
    training = training[:train_size]
    n = len(training.images)

    def train(data, length, eta, lmbda, run=0, **how):
        net = build_network(backend, seed + run)
        return net, net.SGD(data, length, MINI_BATCH_SIZE, eta, lmbda, evaluation_data=validation,
                            monitor_evaluation_accuracy=True, **how)

    some = training[:SIGNAL_IMAGES]
    lesson.step(f"""1. A signal.  {len(some.images):,} images, {counted(SIGNAL_EPOCHS, "epoch")} for
                each guess, seconds in all.""")
    scale = len(some.images) / SIGNAL_IMAGES  # λ/n is what shrinks the weights
    guesses = [(rate, strength * scale) for rate, strength in SIGNAL]
    signal = {guess: train(some, SIGNAL_EPOCHS, *guess, progress=False)[1].evaluation_accuracy[-1]
              for guess in guesses}
    lesson.table(("η", "λ", "validation, %"), [(f"{eta:g}", f"{lmbda:g}", percent(accuracy))
                                              for (eta, lmbda), accuracy in signal.items()])

    lesson.step(f"""2. η.  The largest order of magnitude with which the training cost falls in each of
                the first {ETA_EPOCHS} epochs on {len(some.images):,} images; then 2 and 5 times that;
                then half of the largest that still falls, to be safe.""")
    costs = {}

    def goes_down(eta):
        costs[eta] = train(some, ETA_EPOCHS, eta, 0.0, monitor_training_cost=True,
                           progress=False)[1].training_cost
        return all(after < before for before, after in pairwise(costs[eta]))

    good = [eta for eta in ETAS if goes_down(eta)]
    threshold = max(good, default=ETAS[0])
    threshold = max([factor * threshold for factor in BETWEEN if goes_down(factor * threshold)],
                    default=threshold)
    eta = threshold / 2
    shown = (1, 2, 4, ETA_EPOCHS)
    lesson.table(("η", *(f"after epoch {epoch}" for epoch in shown), "falls in each"),
                 [(f"{rate:g}", *(f"{costs[rate][epoch - 1]:.3f}" for epoch in shown),
                   "yes" if all(b < a for a, b in pairwise(costs[rate])) else "no")
                  for rate in sorted(costs)], "Training cost, nats per example")
    heading = "training cost, nats per example"
    plots.lines({heading: {f"η = {rate:g}": costs[rate] for rate in sorted(costs)}},
                lesson.path("learning_rates.png"),
                f"The cost falls from the start up to η = {threshold:g}; we take {eta:g}" if good else
                f"The cost falls from the start with none of these; we take η = {eta:g}",
                log=(heading,), note=f"{len(some.images):,} images, without λ, one run of each")

    lesson.step(f"""3. λ, with η = {eta:g}: {counted(LMBDA_EPOCHS, "epoch")} for each on {n:,} images.
                Orders of magnitude first, then around the best.""")
    scale = n / 10_000

    def validated(lmbda):
        history = train(training, LMBDA_EPOCHS, eta, lmbda, progress=False)[1]
        return history.evaluation_accuracy[-1]

    by_lmbda = {lmbda * scale: validated(lmbda * scale) for lmbda in LMBDAS}
    around = max((lmbda for lmbda in by_lmbda if lmbda), key=by_lmbda.get)
    by_lmbda |= {factor * around: validated(factor * around) for factor in AROUND}
    lmbda = max(by_lmbda, key=by_lmbda.get)
    close = sorted(near for near in by_lmbda if by_lmbda[near] > by_lmbda[lmbda] - 0.003)
    lesson.table(("λ", "validation, %"), [(f"{strength:g}", percent(by_lmbda[strength]))
                                          for strength in sorted(by_lmbda)])
    plots.dots({f"λ = {strength:g}": [100 * by_lmbda[strength]] for strength in sorted(by_lmbda)},
               lesson.path("lambda.png"), f"λ = {lmbda:g}: {percent(by_lmbda[lmbda])} % of the "
               f"validation images; within 0.3 points of that are {len(close)} of {len(by_lmbda)} λ",
               "validation images that are right, percent",
               note=f"η = {eta:g}, {counted(LMBDA_EPOCHS, 'epoch')} on {n:,} images, one run of each")

    constant, fell = f"η = {eta:g}", f"η falls, {threshold:g} to {threshold / 16:.2g}"
    lesson.step(f"""4. When to stop.  λ = {lmbda:g}, {counted(epochs, "epoch")}: once with η as it is,
                once with an η that begins twice as large and falls, by the same factor in each epoch,
                to a sixteenth; {counted(runs, "run")} of each.""")
    curves, tests = ({constant: [], fell: []} for _ in range(2))
    rates = {}
    for name, rate in ((constant, eta), (fell, falling(threshold, epochs))):
        for run in range(runs):
            _, history = train(training, epochs, rate, lmbda, run,
                               monitors={"test": lambda net: net.accuracy(test)},
                               checkpoint=lesson.checkpoint(f"{name} {run}"))
            curves[name].append(history.evaluation_accuracy)
            tests[name].append(history.measured["test"])
            rates[name] = history.eta
    stopped = {patience: [stop_epoch(curve, patience) for curve in curves[constant]]
               for patience in PATIENCE}

    def row(name, ends, kind):
        return (name, ", ".join(f"{end} (the end)" if end == epochs else str(end) for end in ends),
                *(spread([curve[end - 1] for curve, end in zip(measured[kind], ends)])
                  for measured in (curves, tests)))

    lesson.table(
        ("", "epochs, each run", "validation, %", "test, %"),
        [*(row(f"{constant}, no improvement in {patience}", ends, constant)
           for patience, ends in stopped.items()),
         row(f"{constant}, to the end", [epochs] * runs, constant),
         row(f"{fell}, to the end", [epochs] * runs, fell)])
    ends = {name: [curve[-1] for curve in tests[name]] for name in tests}
    # How much the accuracy goes up and down from one epoch to the next, late in training
    jumps = {name: float(np.mean([np.abs(np.diff(curve[len(curve) // 2:])).mean() if epochs > 3 else 0
                                  for curve in curves[name]])) for name in curves}
    heading = "validation images that are right, percent"
    plots.lines({heading: {name: [[100 * a for a in run] for run in curves[name]] for name in curves}},
                lesson.path("schedule.png"),
                "From epoch to epoch, in the second half, the accuracy moves by "
                f"{percent(jumps[constant])} points with η = {eta:g}, by {percent(jumps[fell])} where "
                "it falls",
                note=note(runs, f"λ = {lmbda:g}"))
    change = float(np.mean([test[end - 1] - test[-1]
                            for test, end in zip(tests[constant], stopped[PATIENCE[-1]])]))
    lesson.take_away(
        f"From a guess that reads {percent(signal[guesses[0]])} % of the validation images to η = "
        f"{eta:g}, λ = {lmbda:g}: {spread(ends[constant])} % of the test images, {spread(ends[fell])} "
        f"% with η falling (book, other settings, 50,000 images: {BOOK:.2f}).",
        f"""Stopping after {PATIENCE[-1]} epochs without improvement saves
        {percent(1 - np.mean(stopped[PATIENCE[-1]]) / epochs, 0)} % of the {epochs} epochs and changes
        the test accuracy by {100 * change:+.2f} percentage points.  In the second half of training the
        validation accuracy moves by {percent(jumps[constant])} points from one epoch to the next with η
        as it is, and by {percent(jumps[fell])} where it falls."""
        + ("  Near the bottom, steps that are too large only jump about."
           if jumps[fell] < jumps[constant] else ""),
        f"""{len(close)} of the {len(by_lmbda)} λ tried are within 0.3 percentage points of the best:
        {', '.join(f'{near:g}' for near in close)}.""" + (
            "  One run of each cannot tell these apart." if len(close) > 1 else ""))
    return lesson.end(signal=list(signal.values()), eta=eta, threshold=threshold, lmbda=lmbda,
                      by_lmbda={f"{strength:g}": a for strength, a in by_lmbda.items()},
                      stopped={str(patience): ends for patience, ends in stopped.items()},
                      curves=curves, tests=ends, jumps=jumps, rates=rates)


def stop_epoch(accuracies, patience):
    """After which epoch, from 1, the rule "no improvement in `patience` epochs" ends training."""
    best = 0
    for epoch, accuracy in enumerate(accuracies):
        if accuracy > accuracies[best]:
            best = epoch
        if epoch - best >= patience:
            return epoch + 1
    return len(accuracies)


if __name__ == "__main__":
    raise SystemExit(command_line(main, FULL))
