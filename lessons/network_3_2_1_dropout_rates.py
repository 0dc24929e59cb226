"""3.2.1  How many neurons should dropout silence: a fifth, half, four fifths?

Book: chapter 3, "Other techniques for regularization".
Before: 3.2.0.
Next: 3.2.2, dropout against L2 regularisation.

    python -m lessons 3.2.1          30 epochs on 1,000 images, three runs of each of four rates
    python -m lessons 3.2.1 --full   30 epochs on all 50,000, one run of each

Steps through: dropout_mask and dropout_draw in nndl/ops/dropout_numpy.py (--backend numpy).

Measured in 0.2 minutes: The validation images choose p = 0.8. On the test images p = 0.5 and p =
    0.8 overlap, their means 0.08 points apart.

Exercises
1. The book's (ch. 6): for network3, a learning rate that is a function of the epoch.  Worked:
   solutions/eta_of_the_epoch.py
2. Give the network 1,000 hidden neurons, or 50.  Does the best rate move?  Worked:
   solutions/best_rate_by_size.py
"""

from statistics import mean

from nndl import Dense, Dropout, Network, ReLU, Softmax, load_mnist, plots
from nndl.comparing import compared
from nndl.lesson import Lesson, command_line, counted, note, percent, spread

RATES, CLAIM = (0.0, 0.2, 0.5, 0.8), 0.5
ETA, MINI_BATCH_SIZE, NEURONS = 0.05, 10, 300
WATCHED = 2_000  # validation images of each epoch, the first ones; all of them choose in the end
FULL = {"epochs": 30, "train_size": 50_000, "runs": 1}


def build_network(p_dropout=CLAIM, backend=None, seed=0):
    """784-300-10 with ReLU; p_dropout is the probability that a hidden neuron is silenced."""
    return Network([
        Dense(NEURONS, init="he"), ReLU(), Dropout(p_dropout),   # (m, 784) -> (m, 300)
        Dense(10, init="he"), Softmax(),                         #          -> (m, 10)
    ], backend=backend, seed=seed)


def main(epochs=30, train_size=1_000, backend=None, seed=0, out="pictures", runs=3):
    """Train with each rate.  Returns accuracies, fractions: of 0.5 as "accuracy", all by rate."""
    lesson = Lesson(__file__, out, epochs=epochs, train_size=train_size, backend=backend, seed=seed,
                    runs=runs)
    lesson.idea("""
        The rate p is the probability that a neuron is silenced.  With p = 0 there is no dropout, and
        the network learns its images by heart.  With p near 1 so few neurons speak at a time that they
        cannot learn even what is true of all images.  Somewhere between is the best rate, and 0.5, with
        which the masks differ most, is often said to be it.""")
    lesson.mathematics(f"""
        neurons that speak at a time      {NEURONS} (1-p), on average
        variance of r/(1-p)               p/(1-p):  0, 0.25, 1, 4   noise on what each neuron says""")
    lesson.network(build_network(CLAIM, backend, seed))
    training, validation, test = load_mnist()
    some, watched = training[:train_size], validation[:WATCHED]

    names = {p_dropout: f"p = {p_dropout:g}" for p_dropout in RATES}
    curves, learnt, chosen, accuracies = ({name: [] for name in names.values()} for _ in range(4))
    for p_dropout, name in names.items():
        lesson.step(f"""{name}: {counted(runs, "run")} of {counted(epochs, "epoch")} on
                    {train_size:,} images, η = {ETA:g}, watched on the first {WATCHED:,} validation
                    images""")
        for run in range(runs):
            net = build_network(p_dropout, backend, seed + run)
            history = net.SGD(some, epochs, MINI_BATCH_SIZE, ETA, evaluation_data=watched,
                              monitor_evaluation_accuracy=True,
                              checkpoint=lesson.checkpoint(f"{name} {run}"))
            curves[name].append([100 * accuracy for accuracy in history.evaluation_accuracy])
            learnt[name].append(net.accuracy(some))
            chosen[name].append(net.accuracy(validation))
            accuracies[name].append(net.accuracy(test))

    lesson.table(("", "training images, %", "validation, %", "test, %"),
                 [(name, spread(learnt[name]), spread(chosen[name]), spread(accuracies[name]))
                  for name in names.values()])
    best = max(names.values(), key=lambda name: mean(chosen[name]))
    half = names[CLAIM]
    others = [name for name in names.values() if name != half]
    rival = best if best != half else max(others, key=lambda name: mean(chosen[name]))
    finding = compared(accuracies, half, rival)
    at = {name: [mean(curve[epoch] for curve in curves[name]) for epoch in (0, -1)] for name in curves}
    few, many = names[RATES[0]], names[RATES[-1]]
    plots.lines({f"the first {WATCHED:,} validation images that are right, percent": curves},
                lesson.path("curves.png"),
                f"After the first epoch {few} is at {at[few][0]:.1f} %, {many} at {at[many][0]:.1f} %; "
                f"in the end {few} at {at[few][1]:.1f} %, {many} at {at[many][1]:.1f} %",
                note=note(runs))
    plots.dots({name: [100 * accuracy for accuracy in accuracies[name]] for name in names.values()},
               lesson.path("rates.png"), f"On the test images {finding}",
               "test images that are right, percent")
    lesson.take_away(
        f"The validation images choose {best}.  On the test images {finding}.",
        f"""That 0.5 is the best rate is {"what they choose" if best == half else
        "not what they choose"} here, with {train_size:,} images and {NEURONS} hidden neurons.  With
        {many} {percent(mean(learnt[many]), 1)} % of the training images themselves are right at the
        end, with {few} {percent(mean(learnt[few]), 1)} %.""")
    return lesson.end(accuracy=accuracies[half], accuracies=accuracies, validation=chosen,
                      training=learnt, best=best, curves=curves)


if __name__ == "__main__":
    raise SystemExit(command_line(main, FULL))
