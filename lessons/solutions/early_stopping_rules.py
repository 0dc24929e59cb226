"""Two rules for when to stop, in three experiments.  Book ch. 3.

The exercises: stop when the validation accuracy has not improved for n epochs, and try what n is good;
and find another rule, that balances accuracy and time, and compare both in three experiments.

The answer: a rule is a function of the history, which SGD(stop=...) asks after each epoch.  The other
rule here is generalisation loss (Prechelt 1998): stop when the validation cost is α % above the least
that it has been.  α is a trade as n is: a small one saves epochs and loses accuracy.
Each experiment is trained once, to the end; then both rules are asked, epoch by epoch, when they would
have stopped, and what the best epoch up to there was.  One of them is run again with stop=, to see that
SGD ends where the rule says.

    python -m lessons.solutions.early_stopping_rules
"""

from dataclasses import dataclass

from nndl import Dense, Network, Sigmoid, Softmax, load_mnist
from nndl.lesson import percent, solution


@dataclass(frozen=True)
class NoImprovementIn:
    """Stop when the validation accuracy has not been higher than before for n epochs."""

    n: int

    def __call__(self, history):
        """Whether to stop after the last epoch of history."""
        accuracies = history.evaluation_accuracy
        return len(accuracies) - 1 - accuracies.index(max(accuracies)) >= self.n


@dataclass(frozen=True)
class CostAboveLeast:
    """Stop when the validation cost is `percent` % above the least so far."""

    percent: float

    def __call__(self, history):
        """Whether to stop after the last epoch of history."""
        costs = history.evaluation_cost
        return costs[-1] > (1 + self.percent / 100) * min(costs)


@dataclass(frozen=True)
class Until:
    """The first `epochs` epochs of a history."""

    history: object
    epochs: int

    def __getattr__(self, name):
        return getattr(self.history, name)[:self.epochs]


RULES = (NoImprovementIn(2), NoImprovementIn(5), NoImprovementIn(10), NoImprovementIn(20),
         CostAboveLeast(2), CostAboveLeast(10))
EXPERIMENTS = {  # 784-30-10's output, eta, λ for all 50,000 images, part of train_size
    "few images, not regularised": (Sigmoid, 0.5, 0.0, 0.2),
    "more images, regularised": (Sigmoid, 0.5, 5.0, 1.0),
    "softmax, small η": (Softmax, 0.05, 0.0, 1.0),
}
MINI_BATCH_SIZE = 10


def trained(name, epochs, train_size, seed, stop=None):
    """The history of an experiment."""
    output, eta, lmbda, part = EXPERIMENTS[name]
    n = int(part * train_size)
    training, validation, _ = load_mnist()
    net = Network([Dense(30), Sigmoid(), Dense(10), output()], seed=seed)
    return net.SGD(training[:n], epochs, MINI_BATCH_SIZE, eta, lmbda * n / 50_000,
                   evaluation_data=validation[:5000], monitor_evaluation_accuracy=True,
                   monitor_evaluation_cost=True, stop=stop, progress=False)


def stopped_after(rule, history):
    """How many epochs a rule would have let pass of a history."""
    return next((n for n in range(1, history.epochs) if rule(Until(history, n))), history.epochs)


def main(epochs=50, train_size=5000, seed=0):
    """Returns {experiment: {rule: (epochs, best accuracy until then)}}, and how SGD ended."""
    found = {}
    for name in EXPERIMENTS:
        history = trained(name, epochs, train_size, seed)
        best = max(history.evaluation_accuracy)
        found[name] = {}
        print(f"{name}: the best of {epochs} epochs is {percent(best)} %, in epoch "
              f"{history.evaluation_accuracy.index(best) + 1}")
        for rule in RULES:
            n = stopped_after(rule, history)
            reached = max(history.evaluation_accuracy[:n])
            found[name][rule] = n, reached
            print(f"    {rule!r:<28} {n:>3} epochs, {percent(reached)} %, "
                  f"{percent(best - reached)} points below the best")
    name, rule = next(iter(EXPERIMENTS)), RULES[1]
    ended = trained(name, epochs, train_size, seed, stop=rule).epochs
    print(f"SGD(stop={rule!r}) for {name}: {ended} epochs")
    time = {rule: sum(found[name][rule][0] for name in found) for rule in RULES}
    mean = {rule: sum(found[name][rule][1] for name in found) / len(found) for rule in RULES}
    print("All three: epochs, and the mean of what was reached")
    for rule in RULES:
        print(f"    {rule!r:<28} {time[rule]:>3} epochs, {percent(mean[rule])} %")
    return {"found": found, "ended": ended, "epochs": time, "reached": mean}


if __name__ == "__main__":
    raise SystemExit(solution(main))
