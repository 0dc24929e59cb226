"""A learning rate that is halved when nothing improves any more.  Book ch. 3.

The exercise: halve η each time that the validation accuracy has not improved for ten epochs, and end
when it has come down to 1/128 of what it was.

The answer: η may be a function of the epoch, and stop a function of the history.  Both are one small
object here: asked whether to stop, it looks at the history, and halves η if it is time to; after seven
halvings, 2^-7 = 1/128, it says yes.
Large steps come down quickly and then jump about in the valley; each halving lets the network settle a
little deeper.  Does it pay?  The same number of epochs with η as it was is beside it, one run of each.
To be short, η is halved here after four epochs without improvement; the exercise's is patience=10.

    python -m lessons.solutions.halving_schedule
"""

from pathlib import Path

from nndl import Dense, Network, Sigmoid, load_mnist, plots
from nndl.lesson import percent, solution

ETA, LMBDA, MINI_BATCH_SIZE = 1.0, 1.0, 10
SMALLEST = 1 / 128


class Halving:
    """η for Network.SGD, halved whenever the accuracy has not improved for `patience` epochs.

    eta : to begin with
    """

    def __init__(self, eta, patience):
        self.eta, self.patience = eta, patience
        self.part, self.halved = 1.0, 0     # of eta, and after how many epochs it last changed

    def __call__(self, epoch):
        """The learning rate of this epoch."""
        return self.eta * self.part

    def look(self, history):
        """SGD's stop, asked once after each epoch: halve η if it is time to; is it down to 1/128?"""
        accuracies = history.evaluation_accuracy
        improved = accuracies.index(max(accuracies)) + 1
        if history.epochs - max(improved, self.halved) >= self.patience:
            self.part, self.halved = self.part / 2, history.epochs
        return self.part <= SMALLEST


def build(seed):
    """784-30-10 with cross-entropy."""
    return Network([Dense(30), Sigmoid(), Dense(10), Sigmoid()], seed=seed)


def main(patience=4, train_size=5000, most=200, seed=0, out="pictures"):
    """Train with the schedule, and as long without.  Returns etas and accuracies."""
    training, validation, test = load_mnist()
    common = {"evaluation_data": validation[:5000], "monitor_evaluation_accuracy": True,
              "progress": False}
    net, constant = build(seed), build(seed)
    schedule = Halving(ETA, patience)
    halved = net.SGD(training[:train_size], most, MINI_BATCH_SIZE, schedule, LMBDA,
                     stop=schedule.look, **common)
    as_it_was = constant.SGD(training[:train_size], halved.epochs, MINI_BATCH_SIZE, ETA, LMBDA,
                             **common)
    accuracies = {"halved": net.accuracy(test), "constant": constant.accuracy(test)}
    print(f"η = {ETA:g}, halved after {patience} epochs without improvement: {halved.epochs} epochs, "
          f"the last with η = {halved.eta[-1]:.4g}")
    for name, history in (("halved", halved), ("constant", as_it_was)):
        last = history.evaluation_accuracy[-10:]
        print(f"    {name:<9} test {percent(accuracies[name])} %; validation in the last ten epochs "
              f"{percent(min(last))} to {percent(max(last))} %")
    saved = plots.lines(
        {"validation images that are right, percent": {
            "η halved": [100 * a for a in halved.evaluation_accuracy],
            f"η = {ETA:g}": [100 * a for a in as_it_was.evaluation_accuracy]},
         "η": {"η halved": halved.eta, f"η = {ETA:g}": as_it_was.eta}},
        Path(out) / "solutions" / "halving_schedule.png",
        f"η halved, {percent(accuracies['halved'])} % of the test images are right; left as it was, "
        f"{percent(accuracies['constant'])} %", log=("η",))
    print(f"saved: {saved}")
    return accuracies | {"etas": halved.eta, "halved curve": halved.evaluation_accuracy,
                         "constant curve": as_it_was.evaluation_accuracy}


if __name__ == "__main__":
    raise SystemExit(solution(main))
