"""A convolution and softmax, with nothing between.  Book ch. 6.

The exercise: leave out the fully connected layer and let softmax look at the feature maps directly.
Does the layer help?

The answer: it does, a little.  Softmax on the maps can weigh each place of each map, but it cannot say
"one of these two, but not both": whatever else there is, a feature at a place counts the same, for or
against.  A hidden layer can.  In the long runs that is worth a fifth of a percentage point.  In the
short ones, one of each here, also on bare pixels, it is a matter of how fast each learns, too.

A short run is made here; what 60 epochs on all images came to, as the book trains (η = 0.1,
mini-batches of 10, no regularisation), is read from the results of `nndl reproduce 6.dense 6.conv
6.conv.only`.

    python -m lessons.solutions.no_dense_layer
"""

from pathlib import Path

from nndl import Dense, Flatten, Network, Softmax, load_mnist, plots
from nndl.comparing import compared
from nndl.experiments import EXPERIMENTS
from nndl.lesson import percent, solution, spread
from nndl.reproduce import results

FOLDER = Path(__file__).parents[2] / "benchmarks" / "results" / "reproduce"
NAMES = {"6.conv": "convolution, dense 100, softmax", "6.conv.only": "convolution, softmax",
         "6.dense": "dense 100, softmax"}
PIXELS = "softmax on the pixels"
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
    net = Network([Flatten(), Dense(10), Softmax()], seed=seed)
    net.SGD(training[:train_size], epochs, MINI_BATCH_SIZE, ETA, progress=False)
    short[PIXELS], parameters[PIXELS] = net.accuracy(test[:test_size]), net.parameters
    print(f"    {PIXELS:<32} {percent(short[PIXELS])}   ({parameters[PIXELS]:,} parameters)")
    print("The dense layer is worth "
          f"{100 * (short['6.conv'] - short['6.conv.only']):+.2f} percentage points behind the "
          f"convolution, {100 * (short['6.dense'] - short[PIXELS]):+.2f} on the pixels.")
    long = {name: [run["test_accuracy"][-1] for run in results(EXPERIMENTS[name], FOLDER)]
            for name in NAMES}
    if not all(long.values()):
        print(f"In {FOLDER} are no results of `nndl reproduce {' '.join(NAMES)}`.")
        return {"short": short, "long": None, "parameters": parameters}
    print("60 epochs on 50,000 images:")
    for name, what in NAMES.items():
        print(f"    {what:<32} {spread(long[name])}")
    said = compared({NAMES[name]: runs for name, runs in long.items()}, NAMES["6.conv"],
                    NAMES["6.conv.only"])
    saved = plots.dots(
        {NAMES[name]: [100 * accuracy for accuracy in long[name]] for name in NAMES},
        Path(out) / "solutions" / "no_dense_layer.png",
        said[0].upper() + said[1:],
        "test images that are right after 60 epochs, percent")
    print(f"saved: {saved}")
    return {"short": short, "long": long, "parameters": parameters}


if __name__ == "__main__":
    raise SystemExit(solution(main))
