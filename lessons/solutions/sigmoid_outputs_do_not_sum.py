"""A layer of sigmoids whose outputs do not sum to 1.  Book ch. 3.

The exercise: show by an example that a network with sigmoid outputs need not have outputs that sum to
1, as softmax outputs always do, (79).

The answer: let all weighted inputs z be 0.  Then each of the ten outputs is σ(0) = 1/2, and they sum to
5.  Any sum between 0 and 10 can be had, since no sigmoid looks at its neighbours: z = s for all ten
gives 10 σ(s).  In a trained network the sum tells something: it is near 1 for images that the network
is sure of, and near 0, or well above 1, for those that it has no digit for, or several.

    python -m lessons.solutions.sigmoid_outputs_do_not_sum
"""

from pathlib import Path

import numpy as np

from nndl import Dense, Network, Sigmoid, Softmax, load_mnist, plots
from nndl.lesson import percent, solution

MINI_BATCH_SIZE = 10


def main(epochs=5, train_size=10_000, seed=0, out="pictures"):
    """Sums of ten outputs, by hand and of trained networks.  Returns what was measured."""
    by_hand = 10 / (1 + np.exp(-np.array([-5.0, 0.0, 5.0])))
    print(f"All ten z = -5, 0, 5: the sigmoids sum to {by_hand.round(3)}.")
    training, _, test = load_mnist()
    sums, right = {}, {}
    for name, output, eta in (("sigmoid", Sigmoid, 0.5), ("softmax", Softmax, 0.3)):
        net = Network([Dense(30), Sigmoid(), Dense(10), output()], seed=seed)
        net.SGD(training[:train_size], epochs, MINI_BATCH_SIZE, eta, progress=False)
        outputs = net.feedforward(test.images)
        sums[name], right[name] = outputs.sum(axis=1), outputs.argmax(axis=1) == test.labels
        print(f"784-30-10, {name} outputs, {percent(right[name].mean())} % of the test images right: "
              f"sums from {sums[name].min():.6f} to {sums[name].max():.6f}, "
              f"mean {sums[name].mean():.4f}")
    away = np.abs(sums["sigmoid"] - 1) > 0.5
    fractions = {"near": float(right["sigmoid"][~away].mean()),
                 "away": float(right["sigmoid"][away].mean())}
    print(f"Where the sigmoids' sum is within 0.5 of 1, {percent(fractions['near'])} % of the images "
          f"are right, elsewhere ({away.sum():,} images) {percent(fractions['away'])} %.")
    saved = plots.distributions(
        {"784-30-10 with sigmoid outputs, 10,000 test images": {
            "classified rightly": sums["sigmoid"][right["sigmoid"]],
            "classified wrongly": sums["sigmoid"][~right["sigmoid"]]}},
        Path(out) / "solutions" / "sigmoid_outputs_do_not_sum.png",
        f"Ten sigmoids sum to anything from {sums['sigmoid'].min():.2f} to {sums['sigmoid'].max():.2f}",
        "sum of the ten outputs", span=(0, 2.5))
    print(f"saved: {saved}")
    return {"by_hand": by_hand, "sums": sums} | fractions


if __name__ == "__main__":
    raise SystemExit(solution(main))
