"""A convolution and softmax, with nothing between.  Book ch. 6.

The exercise: leave out the fully connected layer and let softmax look at the feature maps directly.
Does the layer help?

The answer: it does, a little.  Softmax on the maps can weigh each place of each map, but it cannot say
"this here, but only with that there", which is what a hidden layer is for; and that is worth less
behind a convolution, which has done much of the work, than on bare pixels.

A short run is made here; what 60 epochs on all images came to, as the book trains (η = 0.1,
mini-batches of 10, no regularisation), is read from the results of `nndl reproduce 6.dense 6.conv
6.conv.only`.

    python -m lessons.solutions.no_dense_layer
"""

from pathlib import Path

from nndl import Network, load_mnist, plots
from nndl.experiments import EXPERIMENTS
from nndl.lesson import percent, spread
from nndl.reproduce import results

FOLDER = Path(__file__).parents[2] / "benchmarks" / "results" / "reproduce"
NAMES = {"6.conv": "convolution, dense 100, softmax", "6.conv.only": "convolution, softmax",
         "6.dense": "dense 100, softmax"}
ETA, MINI_BATCH_SIZE = 0.1, 10


def main(epochs=4, train_size=4000, seed=0, out="pictures", test_size=10_000):
    """A short run of each, and the long ones.  Returns accuracies, fractions."""
    training, _, test = load_mnist()
    short, parameters = {}, {}
    print(f"{epochs} epochs on {train_size:,} images; right, % of the test images:")
    for name, what in NAMES.items():
        net = Network(EXPERIMENTS[name].layers(), seed=seed)
        net.SGD(training[:train_size], epochs, MINI_BATCH_SIZE, ETA, progress=False)
        short[name], parameters[name] = net.accuracy(test[:test_size]), net.parameters
        print(f"    {what:<32} {percent(short[name])}   ({parameters[name]:,} parameters)")
    long = {name: [run["test_accuracy"][-1] for run in results(EXPERIMENTS[name], FOLDER)]
            for name in NAMES}
    if not all(long.values()):
        print(f"In {FOLDER} are no results of `nndl reproduce {' '.join(NAMES)}`.")
        return {"short": short, "long": None, "parameters": parameters}
    print("60 epochs on 50,000 images:")
    for name, what in NAMES.items():
        print(f"    {what:<32} {spread(long[name])}")
    mean = {name: sum(runs) / len(runs) for name, runs in long.items()}
    helps = mean["6.conv"] - mean["6.conv.only"]
    saved = plots.dots(
        {NAMES[name]: [100 * accuracy for accuracy in long[name]] for name in NAMES},
        Path(out) / "solutions" / "no_dense_layer.png",
        f"Behind a convolution the dense layer is worth {percent(helps)} % of the test images",
        "test images that are right after 60 epochs, percent")
    print(f"saved: {saved}")
    return {"short": short, "long": long, "parameters": parameters}


if __name__ == "__main__":
    main()
