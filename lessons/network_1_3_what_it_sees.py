"""1.3  What does the network see, and is it more than how much ink there is?

Book: chapter 1, "Implementing our network to classify digits", its baselines; chapter 6, "Introducing
    convolutional networks", on what a dense layer does not know.
Before: 1.0.
Next: 2.0, a cost with which wrong neurons learn faster.

    python -m lessons 1.3          10 epochs on 10,000 images, two runs of each
    python -m lessons 1.3 --full   30 epochs on all 50,000, two runs of each

Steps through: average_darkness in nndl/baselines.py; Network.predict in nndl/network.py.

Measured in 0.1 minutes: Darkness alone reads 22.25 % of the test images, the network 91.13 ± 0.40
    (2) %.

Exercises
1. Show the network noise: images whose pixels are drawn at random.  What does it say, and how sure is
   it?  Is there anything in how it was trained that would let it say "none"?  Worked:
   solutions/sure_of_noise.py
"""

import numpy as np

from nndl import Dense, Network, Sigmoid, load_mnist, plots
from nndl.baselines import average_darkness
from nndl.costs import QuadraticCost
from nndl.lesson import Lesson, command_line, counted, percent, spread

ETA, MINI_BATCH_SIZE = 3.0, 10
FULL = {"epochs": 30, "train_size": 50_000}
BOOK = {"darkness": 22.25, "network": 95.42, "svm": 94.35}  # percent of the test images


def build_network(backend=None, seed=0):
    """784-30-10, chapter 1's: large weights, sigmoids, the quadratic cost."""
    return Network([
        Dense(30, init="large"), Sigmoid(),   # (m, 784) -> (m, 30)
        Dense(10, init="large"), Sigmoid(),   #          -> (m, 10)
    ], cost=QuadraticCost, backend=backend, seed=seed)


def main(epochs=10, train_size=10_000, backend=None, seed=0, out="pictures", runs=2):
    """Darkness, the network, the network on disordered pixels.  Returns accuracies, fractions."""
    lesson = Lesson(__file__, out, epochs=epochs, train_size=train_size, backend=backend, seed=seed,
                    runs=runs)
    lesson.idea("""
        A number such as 95 % means nothing alone.  Guessing is right for one image in ten.  Something
        a little less simple: a 1 needs little ink, a 0 much.  So take the digit whose images are on
        average as dark as the one to be read.  No network, no training, and better than guessing.
        What does a network see beyond that?

        And what does it not see?  Each neuron of the first layer is joined to all pixels, by a weight
        of its own for each.  Nothing tells it which pixels are neighbours.  To ask what that means, we
        train the same network on images whose 784 pixels have been put in disorder, all images in the
        same way: nobody could read them.  Its first weights go along with their pixels.""")
    lesson.mathematics("""
        darkness of an image = its mean pixel, 0 to 1 (byte/256)
        z_j = Σ_k w_jk a_k + b_j     a sum: the order of the pixels k does not matter    (25)
        ∂C/∂w_jk = a_k δ_j           its own pixel times δ_j, the error of its neuron,   BP4
                                     which does not mind the order either""")
    splits = load_mnist()
    training, validation, test = splits
    lesson.network(build_network(backend, seed))

    darkness = {digit: float(training.images[training.labels == digit].mean()) / 256
                for digit in range(10)}
    by_darkness = average_darkness(splits)
    disorder = np.random.default_rng(seed).permutation(784)
    names = {"network": "the network", "disorder": "the same, pixels in disorder"}
    accuracies, nets = {name: [] for name in names}, []
    for name in names:
        data = splits if name == "network" else [
            (part.images.reshape(-1, 784)[:, disorder], part.labels) for part in splits]
        images, labels = data[0]
        lesson.step(f"""{names[name].capitalize()}: {counted(runs, "run")} of {counted(epochs, "epoch")}
                    on {train_size:,} images, η = {ETA:g}, mini-batches of {MINI_BATCH_SIZE}.""")
        for run in range(runs):
            net = build_network(backend, seed + run)
            if name == "disorder":
                first = net.layers[1]                # (30, 784), behind Flatten
                first.w[...] = first.w[:, disorder]  # each still meets the pixel it was drawn for
            net.SGD((images[:train_size], labels[:train_size]), epochs, MINI_BATCH_SIZE, ETA,
                    evaluation_data=data[1], monitor_evaluation_accuracy=True,
                    checkpoint=lesson.checkpoint(f"{name} {run}"))
            accuracies[name].append(net.accuracy(data[2]))
            nets.append(net)

    said = nets[0].predict(test.images)
    darkly = np.array(test.labels, dtype=int)
    for number, prediction in by_darkness["test_errors"]:
        darkly[number] = prediction
    lesson.table(
        ("digit", "mean pixel", "read by darkness, %", "by the network, %", "it mostly says instead"),
        [(digit, f"{darkness[digit]:.3f}", *(percent(np.mean(by[test.labels == digit] == digit), 1)
                                             for by in (darkly, said)),
          mistake(digit, test.labels, said)) for digit in range(10)], "Measured, test images")
    lesson.table(
        ("", "test, %", "book, best epoch, 50,000"),
        [("guessing", "10", "10"),
         ("darkness", spread(by_darkness["test_accuracy"]), BOOK["darkness"]),
         *((names[name], spread(accuracies[name]), BOOK.get(name, "")) for name in names),
         ("a support-vector machine, not run here", "", BOOK["svm"])], "How much is read")

    order = sorted(darkness, key=darkness.get)
    plots.bars({f"training images of each digit; darkest: {order[-1]}, lightest: {order[0]}": darkness},
               lesson.path("darkness.png"),
               f"Darkness alone reads {percent(by_darkness['test_accuracy'][0])} % of the test images",
               "mean pixel, 0 to 1", x="digit")
    plots.misclassified(test.images, test.labels, said, lesson.path("misclassified.png"), most=80)
    ten = test.images[[np.flatnonzero(test.labels == digit)[0] for digit in range(10)]]
    plots.rows_of_images(
        [("a test image of each digit", ten),
         ("the mean of all training images of each digit",
          [training.images[training.labels == digit].mean(axis=0) for digit in range(10)]),
         ("the test images, their pixels in disorder",
          ten.reshape(10, 784)[:, disorder].reshape(10, 28, 28))],
        lesson.path("disorder.png"),
        f"In order the network reads {percent(np.mean(accuracies['network']), 1)} %, in disorder "
        f"{percent(np.mean(accuracies['disorder']), 1)} %")
    apart = max(abs(a - b) for a, b in zip(*accuracies.values()))
    lesson.take_away(
        f"Darkness alone reads {percent(by_darkness['test_accuracy'][0])} % of the test images, the "
        f"network {spread(accuracies['network'])} %.",
        f"""Trained on disordered pixels it reads {spread(accuracies['disorder'])} %, in no run more
        than {percent(apart)} percentage points from the same run in order.  By the sums above the two
        are the same network; only rounding differs, which training magnifies.  A dense network does
        not see an image.  It sees 784 numbers, and would see the same in any order; that neighbouring
        pixels belong together it would have to learn.  The convolutional networks of
        chapter 6 are told so (lesson 3.0.0).""")
    return lesson.end(darkness=by_darkness["test_accuracy"][0], accuracies=accuracies)


def mistake(digit, labels, said):
    """What the images of a digit are most often taken for instead, and how many of them."""
    counts = np.bincount(said[labels == digit], minlength=10)
    counts[digit] = 0
    return f"{counts.argmax()} ({counts.max()} times)" if counts.max() else "-"


if __name__ == "__main__":
    raise SystemExit(command_line(main, FULL))
