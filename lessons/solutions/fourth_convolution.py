"""A fourth convolution without pooling, behind the third.  To lesson 3.3.1.

The exercise: put one more convolution behind the deep network's third, without pooling.  How many
parameters does it bring, and how many right answers?

The answer: 96 maps, each with 3 x 3 weights for each of the 96 maps before it and a bias, are
96·(96·9 + 1) = 83,040 parameters, three fifths of what the network had.  It brings some 60
more right answers of 10,000, and takes about half as long again.  In four runs of each the worst
with four convolutions is just ahead of the best with three.

Padding keeps the maps at 3 x 3, so the dense layer has as many weights as before.  What is new is
one more step of (125) and (112) between the image and the dense layer, and in it neurons that see
all of the digit: one of the third convolution sees a square of 18 x 18 pixels, one of the fourth
of 38 x 38, more than the image is.

These are short runs, of five epochs on 2,000 images.  Neither network has finished learning, and
the one with four has come further on its training images, too.  What is left of its lead at the end
of a long training, and whether it is the depth or the parameters, they do not say.

    python -m lessons.solutions.fourth_convolution
"""

from pathlib import Path
from statistics import mean

from lessons.network_3_3_1_deep import ETA, LMBDA_PER_IMAGE, MINI_BATCH_SIZE, P_DROPOUT
from nndl import Conv, ConvPool, Dense, Dropout, Network, ReLU, Softmax, load_mnist, plots
from nndl.comparing import compared
from nndl.lesson import counted, solution, spread
from nndl.schedules import falling

MAPS, KERNEL = (24, 48, 96), 3
THREE, FOUR = "three convolutions", "four convolutions"


def build(name, seed=0):
    """The lesson's deep network, or that with a fourth convolution, which leaves 3 x 3 as it is."""
    fourth = [Conv(MAPS[-1], KERNEL, padding=1, init="he"), ReLU()] if name == FOUR else []
    return Network([*(ConvPool(maps, KERNEL, padding=1, init="he") for maps in MAPS), *fourth,
                    Dropout(P_DROPOUT), Dense(100, init="he"), ReLU(),
                    Dropout(P_DROPOUT), Dense(10, init="he"), Softmax()], seed=seed)


def seen(pooled):
    """How many pixels wide is what a neuron of each convolution sees.

    pooled : for each convolution whether 2 x 2 max-pooling is behind it
    """
    wide, apart, regions = 1, 1, []  # apart: pixels between neighbours
    for pool in pooled:
        wide += (KERNEL - 1) * apart
        regions.append(wide)
        if pool:
            wide, apart = wide + apart, 2 * apart
    return regions


def main(epochs=5, train_size=2000, runs=4, seed=0, out="pictures", test_size=10_000):
    """Train both several times.  Returns accuracies, parameters and seconds an epoch."""
    training, _, test = load_mnist()
    few, test, eta = training[:train_size], test[:test_size], falling(ETA, epochs)
    lmbda = LMBDA_PER_IMAGE * train_size
    accuracies, by_heart, parameters, seconds = {}, {}, {}, {}
    print(f"{counted(epochs, 'epoch')} on {train_size:,} images; right, %:\n    {'':<20}"
          f"{'parameters':>10}  {'s an epoch':>10}  {'training':<18} test")
    for name in THREE, FOUR:
        nets = [build(name, seed + run) for run in range(runs)]
        seconds[name] = [second for net in nets for second in net.SGD(
            few, epochs, MINI_BATCH_SIZE, eta, lmbda, progress=False).seconds]
        accuracies[name] = [net.accuracy(test) for net in nets]
        by_heart[name] = [net.accuracy(few) for net in nets]
        parameters[name] = nets[0].parameters
        print(f"    {name:<20}{parameters[name]:>10,}  {mean(seconds[name]):>10.2f}  "
              f"{spread(by_heart[name]):<18} {spread(accuracies[name])}")
    more = parameters[FOUR] - parameters[THREE]
    answers = len(test.labels) * (mean(accuracies[FOUR]) - mean(accuracies[THREE]))
    said = compared(accuracies, FOUR, THREE)
    regions = seen((True, True, True, False))
    print(f"The fourth brings {more:,} parameters and {answers:+.0f} right answers of "
          f"{len(test.labels):,}: {said}.\nA neuron of each convolution sees a square of "
          f"{', '.join(map(str, regions))} pixels' width, of the image's 28.")
    saved = plots.dots(
        {f"{name.split()[0]}: {parameters[name]:,} parameters":
         [100 * accuracy for accuracy in of_runs] for name, of_runs in accuracies.items()},
        Path(out) / "solutions" / "fourth_convolution.png",
        f"A fourth convolution brings {more:,} parameters and {answers:+.0f} right answers of "
        f"{len(test.labels):,}; {said}",
        f"test images that are right after {counted(epochs, 'epoch')}, percent")
    print(f"saved: {saved}")
    return {"accuracies": accuracies, "parameters": parameters, "seen": regions, "seconds": seconds}


if __name__ == "__main__":
    raise SystemExit(solution(main))
