"""How many digits does a network read that has no hidden layer?  Book ch. 1.

The exercise: a network of two layers only, 784 inputs and ten outputs.  What does it reach?

The answer: some 91 to 92 % of the test images, where 30 hidden neurons have 95.  Every output has one
weight for each pixel, and says σ(w·x + b), (22): it lays a stencil of its digit over the image and
weighs how much ink falls where.  No output can say "one of these two strokes, but not both": whatever
else there is, a pixel counts the same, for or against.  Hidden neurons are for that.  Of the settings
of chapter 1 not all are good here: with η = 3 and large weights some outputs saturate and hardly learn.

    python -m lessons.solutions.no_hidden_layer
"""

from pathlib import Path

from nndl import Dense, Network, Sigmoid, Softmax, load_mnist, plots
from nndl.lesson import percent, solution

SETTINGS = {  # layers, cost, eta
    "chapter 1's: quadratic, η = 3, large weights":
        (lambda: [Dense(10, init="large"), Sigmoid()], "quadratic", 3.0),
    "quadratic, η = 0.5, default weights":
        (lambda: [Dense(10), Sigmoid()], "quadratic", 0.5),
    "cross-entropy, η = 0.1, default weights":
        (lambda: [Dense(10), Sigmoid()], "cross_entropy", 0.1),
    "softmax, η = 0.1, default weights":
        (lambda: [Dense(10), Softmax()], "log_likelihood", 0.1),
}
MINI_BATCH_SIZE = 10


def main(epochs=5, train_size=50_000, seed=0, out="pictures"):
    """Train it in four ways.  Returns {settings: test accuracy, a fraction}."""
    training, validation, test = load_mnist()
    accuracies, nets, curves = {}, {}, {}
    print(f"784-10, {epochs} epochs on {train_size:,} images; right, % of the test images")
    for name, (layers, cost, eta) in SETTINGS.items():
        nets[name] = net = Network(layers(), cost=cost, seed=seed)
        history = net.SGD(training[:train_size], epochs, MINI_BATCH_SIZE, eta, progress=False,
                          evaluation_data=validation, monitor_evaluation_accuracy=True)
        curves[name], accuracies[name] = history.evaluation_accuracy, net.accuracy(test)
        print(f"    {name:<46} {percent(accuracies[name])}")

    best = max(SETTINGS, key=lambda name: curves[name][-1])  # validation images choose
    print(f"By the validation images the best is {best}: {percent(accuracies[best])} %.  "
          "The book's 30 hidden neurons: 95.42 %.")
    saved = plots.first_weights(
        nets[best].layers[1].w, Path(out) / "solutions" / "no_hidden_layer.png", (28, 28),
        f"Ten stencils, 0 to 9, are right for {percent(accuracies[best], 1)} % of the test images")
    print(f"saved: {saved}")
    return accuracies


if __name__ == "__main__":
    raise SystemExit(solution(main))
