"""L1 regularisation, and a λ with which it beats none.  Book ch. 3.

The exercise: give the network L1 regularisation, C = C0 + λ/n Σ |w|, (95), and find a λ with which 30
hidden neurons do better than without.

The answer: the library has it, SGD(lmbda_l1=...), and the step is (97):

    w -> w - ηλ/n sgn(w) - η ∂C0/∂w          L2, (98), has (1 - ηλ/n) w in the place of the first two

L1 takes the same amount off every weight, L2 the same fraction: so L1 brings small weights to 0 and
leaves few large ones, L2 makes all of them smaller.  Few images, with which the
network overfits, show it best.  Validation images choose λ; the test images then say what it was worth.

    python -m lessons.solutions.l1_regularisation
"""

from pathlib import Path

import numpy as np

from nndl import Dense, Network, Sigmoid, load_mnist, plots
from nndl.comparing import gained
from nndl.lesson import percent, solution, spread

ETA, MINI_BATCH_SIZE = 0.5, 10
LAMBDAS = {"L1": (0.03, 0.1, 0.3, 1.0, 3.0), "L2": (0.1, 1.0, 3.0)}  # the book's L2 here: 0.1
ARGUMENT = {"L1": "lmbda_l1", "L2": "lmbda"}
SMALL = 0.01     # a weight that is smaller counts as gone


def train(training, epochs, seed, **regularised):
    """784-30-10 with cross-entropy and chapter 1's large weights, the book's for this."""
    net = Network([Dense(30, init="large"), Sigmoid(), Dense(10, init="large"), Sigmoid()], seed=seed)
    net.SGD(training, epochs, MINI_BATCH_SIZE, ETA, progress=False, **regularised)
    return net


def main(epochs=40, train_size=1000, runs=2, seed=0, out="pictures"):
    """Returns test accuracies and shares of small weights of none, the best L1, and L2."""
    training, validation, test = load_mnist()
    training = training[:train_size]

    def nets(**regularised):
        return [train(training, epochs, seed + run, **regularised) for run in range(runs)]

    print(f"784-30-10, {train_size:,} images, {epochs} epochs, {runs} runs; validation images right, %")
    rows, best = {"none": nets()}, {}
    for kind, lambdas in LAMBDAS.items():
        trained = {lmbda: nets(**{ARGUMENT[kind]: lmbda}) for lmbda in lambdas}
        chosen = {lmbda: [net.accuracy(validation) for net in trained[lmbda]] for lmbda in lambdas}
        for lmbda in lambdas:
            print(f"    {kind}, λ = {lmbda:<6g} {spread(chosen[lmbda])}")
        best[kind] = max(lambdas, key=lambda lmbda: np.mean(chosen[lmbda]))
        rows[kind] = trained[best[kind]]
    accuracies = {name: [net.accuracy(test) for net in those] for name, those in rows.items()}
    weights = {name: those[0].layers[1].w for name, those in rows.items()}
    gone = {name: float(np.mean(np.abs(w) < SMALL)) for name, w in weights.items()}
    print("test images right, %, and first-layer weights below 0.01")
    for name in rows:
        with_lambda = name + (f", λ = {best[name]:g}" if name in best else "")
        print(f"    {with_lambda:<14} {spread(accuracies[name]):<22} {percent(gone[name], 1)} %")
    print(f"L1 against none: {gained(accuracies['none'], accuracies['L1'])} percentage points; against "
          f"L2: {gained(accuracies['L2'], accuracies['L1'])}")
    saved = plots.distributions(
        {"first layer's weights": weights}, Path(out) / "solutions" / "l1_regularisation.png",
        f"L1 leaves {percent(gone['L1'], 0)} % of the weights below 0.01, "
        f"L2 {percent(gone['L2'], 0)} %, none {percent(gone['none'], 0)} %",
        "weight", span=(-2, 2), bins=81,
        note=f"λ chosen by the validation images: L1 {best['L1']:g}, L2 {best['L2']:g}")
    print(f"saved: {saved}")
    return {"best": best, "accuracies": accuracies, "gone": gone}


if __name__ == "__main__":
    raise SystemExit(solution(main))
