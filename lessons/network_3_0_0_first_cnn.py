"""3.0.0  What does a network gain that knows that an image is an image?

Book: chapter 6, "Introducing convolutional networks" and "Convolutional neural networks in practice".
Before: 2.3.
Next: 3.0.1, whether it is the convolution or merely more weights.

    python -m lessons 3.0.0          5 epochs on 10,000 images, two runs of each of three networks
    python -m lessons 3.0.0 --full   60 epochs on all 50,000, one run of each

Steps through: conv_forward and conv_backward in nndl/ops/conv_numpy.py, max_pool_forward and
max_pool_backward in nndl/ops/pool_numpy.py (--backend numpy).

Measured in 0.5 minutes: The first convolutional network is right for 95.56 ± 0.11 (2) % of the test
    images; conv + dense came out ahead of dense alone in every run, by 0.76 points on average
    (chance alone: 1 in 3).

Exercises
1. The book's (ch. 6): leave the dense layer out.  It is the second network here; after 60 epochs, and
   what it is worth on bare pixels.  Worked: solutions/no_dense_layer.py
2. The book's (ch. 6): how BP1 to BP4 change for this network.  Worked: solutions/conv_backprop.py
3. Take 5 feature maps, and 40.  What do they cost, and what are they worth?  Worked:
   solutions/feature_maps.py
"""

from nndl import ConvPool, Dense, Flatten, Network, Sigmoid, Softmax, load_mnist, plots
from nndl.comparing import compared
from nndl.lesson import Lesson, command_line, counted, note, smoothness, spread
from nndl.schedules import falling

# For few epochs: each network begins with the learning rate that suits it, which then falls.  The whole
# lesson takes the book's, which stays what it is.
FALLS_TO, MINI_BATCH_SIZE = 1 / 3, 10
FULL = {"epochs": 60, "train_size": 50_000, "eta": 0.1, "falls_to": 1.0, "runs": 1}
BOOK = {"conv + dense": "98.78", "conv alone": "", "dense alone": "97.80"}  # percent, test images
PROMISED = {"conv + dense": "98.5"}
BOTH, ALONE, DENSE = BOOK
ETA = {BOTH: 0.3, ALONE: 0.3, DENSE: 1.0}


def build_network(name="conv + dense", backend=None, seed=0):
    """The book's first convolutional network; or what remains without one of its hidden layers."""
    conv = [ConvPool(20, 5, activation="sigmoid")] if "conv" in name else [Flatten()]
    dense = [Dense(100), Sigmoid()] if "dense" in name else []
    return Network([
        *conv,                   # (m, 1, 28, 28) -> (m, 20, 24, 24) -> (m, 20, 12, 12)
        *dense,                  #                -> (m, 100)
        Dense(10), Softmax(),    #                -> (m, 10)
    ], backend=backend, seed=seed)


def main(epochs=5, train_size=10_000, backend=None, seed=0, out="pictures", eta=None,
         falls_to=FALLS_TO, runs=2):
    """Train all three.  Returns accuracies, fractions: of the first as "accuracy", of all by name.

    eta : one for all instead of ETA's
    """
    lesson = Lesson(__file__, out, epochs=epochs, train_size=train_size, backend=backend, seed=seed,
                    eta=eta, falls_to=falls_to, runs=runs)
    lesson.idea("""
        To a dense layer the pixels are a list: shuffle them all in the same way and it learns just as
        well.  So it has to find out for itself which pixels are neighbours, and what it has learnt
        about a stroke at one place is of no use to it at any other.

        A convolutional layer looks through a window of 5 x 5 pixels, and through the same 25 weights
        wherever it looks: a filter.  The 24 x 24 places give one feature map, which says where in the
        image the filter's feature is.  Then pooling keeps the largest of every four neighbours: that
        a feature is there matters more than exactly where.""")
    lesson.mathematics("""
        a_jk = σ(b + Σ_l Σ_m w_lm a_(j+l, k+m))    l, m = 0 .. 4: one filter        (125)
        20 filters of 25 weights and a bias: 520 numbers.  A dense layer from 784 pixels to
        as many outputs, 20 x 24 x 24, would have 9,043,200.
        a_y = e^(z_y) / Σ_k e^(z_k),   C = -ln a_y    softmax, log-likelihood       (78), (80)
        Softmax makes of the ten z probabilities that add up to 1; y is the right one of the ten.  With
        this cost δ = a - y (84), as with sigmoids and the cross-entropy.""")
    training, validation, test = load_mnist()
    lesson.network(build_network(backend=backend, seed=seed))
    lesson.step("""Most of its weights are in the dense layer.  Is that needed?  Leaving it out is an
                   exercise of the book, and the second network here:""")
    lesson.network(build_network(ALONE, backend, seed), "Without the dense layer")
    lesson.step("The third has no convolution: 784-100-10, the book's baseline.")

    curves, accuracies, first = {}, {}, None
    for name in BOOK:
        rate = eta or ETA[name]
        lesson.step(f"""{name}: {counted(runs, "run")} of {counted(epochs, "epoch")} on
                    {train_size:,} images, η from {rate:g} to {rate * falls_to:.2g}, mini-batches of
                    {MINI_BATCH_SIZE}""")
        curves[name], accuracies[name] = [], []
        for run in range(runs):
            net = build_network(name, backend, seed + run)
            history = net.SGD(training[:train_size], epochs, MINI_BATCH_SIZE,
                              falling(rate, epochs, falls_to), evaluation_data=validation,
                              monitor_evaluation_accuracy=True,
                              checkpoint=lesson.checkpoint(f"{name} {run}"))
            curves[name].append(history.evaluation_accuracy)
            accuracies[name].append(net.accuracy(test))
            first = first or net

    lesson.table(("", "parameters", "validation, %", "test, %", "commonly promised",
                  "book, 60 epochs on 50,000"),
                 [(name, f"{build_network(name).parameters:,}",
                   spread([curve[-1] for curve in curves[name]]), spread(accuracies[name]),
                   PROMISED.get(name, ""), BOOK[name]) for name in BOOK])
    finding = compared(accuracies, BOTH, DENSE)
    plots.lines({"validation images that are right, percent": {
        name: [[100 * accuracy for accuracy in curve] for curve in curves[name]] for name in BOOK}},
        lesson.path("accuracy.png"), f"On the test images {finding}",
        note=note(runs))
    plots.filters(first.layers[0].w, lesson.path("filters.png"),
                  f"The {len(first.layers[0].w)} filters: weights side by side correlate by "
                  f"{smoothness(first.layers[0].w):z.2f}, before training by "
                  f"{smoothness(build_network(backend=backend, seed=seed).layers[0].w):z.2f}")
    lesson.take_away(
        f"The first convolutional network is right for {spread(accuracies[BOTH])} % of "
        f"the test images; {finding}.",
        f"""Without its dense layer {build_network(ALONE).parameters:,} numbers are left of
        {build_network().parameters:,}; {compared(accuracies, BOTH, ALONE)}.""")
    return lesson.end(accuracy=accuracies[BOTH], accuracies=accuracies, curves=curves)


if __name__ == "__main__":
    raise SystemExit(command_line(main, FULL))
