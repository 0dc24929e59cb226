"""4.1  What do the filters look for, and what becomes of a digit on its way through the layers?

Book: chapter 6, "Convolutional neural networks in practice" (the figure of the learned features).
Before: 3.0.2, 4.0.
Next: 4.2, pooling.

    python -m lessons 4.1          4 epochs on 10,000 images
    python -m lessons 4.1 --full   30 epochs on all 50,000

Steps through: Conv, ReLU, MaxPool and their forward in nndl/layers.py; Network.trace, which prints
what layer_by_layer below keeps.

Measured in 0.2 minutes: Right by the nearest class mean: 75.4 % by the pixels, 77.7 % in the first
    maps, 88.0 % in the second maps, 96.1 % in the dense layer, 97.2 % in the outputs; in the
    untrained network it is 75.4, 77.2, 76.8, 75.5, 33.9 %.

Exercises
1. Set one of the 20 filters to zero, its bias too, and measure the accuracy; do it for each.  Is there
   a filter that is not missed?  Worked: solutions/missed_filters.py
"""

import numpy as np

from nndl import Conv, Dense, MaxPool, Network, ReLU, Softmax, load_mnist, plots
from nndl.lesson import Lesson, command_line, counted, percent

ETA, LMBDA, MINI_BATCH_SIZE = 0.03, 1.0, 10
MEANS, JUDGED = 2_000, 1_000  # images that class means are taken of, and that are judged by them
DIGIT = 0                     # which of the test images goes through the layers
OFF = 1e-3                    # a filter whose map is above 0 at a smaller share of places is off
BY_CHANCE = 0.13              # two sets of random filters seldom differ by more: by three deviations
FULL = {"epochs": 30, "train_size": 50_000}


def build_network(backend=None, seed=0):
    """Two convolutions, each step a layer of its own, so that one can look in between."""
    return Network([
        Conv(20, 5), ReLU(),   # (m, 1, 28, 28)  -> (m, 20, 24, 24)
        MaxPool(2),            #                 -> (m, 20, 12, 12)
        Conv(40, 5), ReLU(),   #                 -> (m, 40, 8, 8)
        MaxPool(2),            #                 -> (m, 40, 4, 4)
        Dense(100), ReLU(),    # (m, 640)        -> (m, 100)
        Dense(10), Softmax(),  #                 -> (m, 10)
    ], backend=backend, seed=seed)


STAGES = {"pixels": 0, "first maps": 3, "second maps": 6, "dense layer": 9, "outputs": 11}  # see below


def layer_by_layer(net, images):
    """What becomes of images (m, 28, 28) bytes: [pixels, after layer 0, after layer 1, ...]."""
    a = (images[:, None] / 256).astype(net.dtype)
    seen = [a]
    with net.ops.running():
        for layer in net.layers:
            a = layer.forward(a, training=False)
            seen.append(a.copy())  # a copy: the layer uses its memory again
    return seen


def main(epochs=4, train_size=10_000, backend=None, seed=0, out="pictures"):
    """Train, then look inside.  Returns what was measured, before training and after."""
    lesson = Lesson(__file__, out, epochs=epochs, train_size=train_size, backend=backend, seed=seed)
    lesson.idea("""
        A filter is a small image of what it looks for: dark where ink excites the neuron, light where
        ink inhibits it.  Nobody has drawn these; they begin as noise and end as what helped.  And the
        map that a filter makes is an image too, of where in the digit it has found that.

        So one can watch a digit go through the network.  Two numbers go with the pictures.  Is there
        form in the filters?  In noise a weight says nothing of its neighbour; in an edge or a blob it
        does.  And what do the layers do for the reading?  If one only asks which class's mean is
        nearest, how many digits are right, at each layer?""")
    lesson.mathematics("""
        a_jk = max(0, b + Σ_l Σ_m w_lm a_(j+l, k+m))               a feature map, ReLU   (125), (112)
        r = correlation of w_lm with its neighbours w_(l+1, m), w_(l, m+1)
        class of x = argmin over classes k of ‖a(x) - mean of a over class k‖""")
    training, validation, test = load_mnist()
    net = build_network(backend, seed)
    lesson.network(net)

    noise, before = net.layers[0].w.copy(), nearest_mean(net, training, validation)
    off_at_first = on(layer_by_layer(net, test.images[:JUDGED])) < OFF
    lesson.step(f"{counted(epochs, 'epoch')} on {train_size:,} images, η = {ETA:g}, λ = {LMBDA:g}:")
    net.SGD(training[:train_size], epochs, MINI_BATCH_SIZE, ETA, LMBDA, evaluation_data=validation,
            monitor_evaluation_accuracy=True, checkpoint=lesson.checkpoint("network"))
    learned, after = net.layers[0].w, nearest_mean(net, training, validation)
    form = {"before": neighbours(noise), "after": neighbours(learned)}
    accuracy = net.accuracy(test)

    seen = layer_by_layer(net, test.images[:JUDGED])
    numbers = [seen[stage][0].size for stage in STAGES.values()]
    zeros = [float(np.mean(seen[stage] == 0)) for stage in STAGES.values()]
    off = on(seen) < OFF
    both = int((off & off_at_first).sum())
    lesson.table(("", "numbers", "of these 0, %", "nearest mean right, untrained, %", "trained, %"),
                 [(name, f"{n:,}", percent(zero, 0), percent(before[name], 1), percent(after[name], 1))
                  for name, n, zero in zip(STAGES, numbers, zeros)],
                 f"Measured, layer by layer (means of {MEANS:,} training images, "
                 f"{JUDGED:,} validation images)")
    lesson.table(("", "before training", "after"),
                 [("correlation of neighbouring weights in the 20 filters",
                   *(f"{r:z.2f}" for r in form.values())),
                  ("mean size of a weight", *(f"{np.abs(w).mean():.3f}" for w in (noise, learned))),
                  ("filters that are off: above 0 at fewer than 1 in 1,000 places",
                   *(f"{each.sum()} of {len(each)}" for each in (off_at_first, off))),
                  ("test images that are right, %", "", percent(accuracy))])

    plots.filters(noise, lesson.path("filters_before.png"),
                  f"Before training: noise, neighbouring weights correlate at {form['before']:z.2f}")
    plots.filters(learned, lesson.path("filters.png"),
                  f"After {counted(epochs, 'epoch')}: neighbouring weights correlate at "
                  f"{form['after']:z.2f}, before training at {form['before']:z.2f}")
    one = [a[DIGIT] for a in layer_by_layer(net, test.images[:DIGIT + 1])]
    said, label = int(one[-1].argmax()), int(test.labels[DIGIT])
    plots.rows_of_images(
        [("the digit, 28×28", one[0]),
         ("the filters, 5×5", learned[:, 0]),
         ("what they make of it, z, 24×24", one[1]),
         ("after ReLU", one[2]),
         ("after max-pooling, 12×12", one[3]),
         ("second convolution, after ReLU, 8×8", one[5]),
         ("after max-pooling, 4×4", one[6]),
         ("the dense layer's 100 neurons", one[9].reshape(1, 10, 10)),
         ("the ten outputs, 0 to 9", one[-1].reshape(10, 1, 1))],
        lesson.path("layer_by_layer.png"),
        f"A {label} on its way through the layers, from 784 pixels to ten outputs: it says "
        f"{said}, with probability {one[-1][said]:.3f}",
        ["dark is more; in the rows of filters and of z mid-grey is 0"])
    plots.bars({heading: {name.replace(" ", "\n"): 100 * share for name, share in shares.items()}
                for heading, shares in (("untrained", before), ("trained", after))},
               lesson.path("nearest_mean.png"),
               f"Trained, the nearest class mean is right for {percent(after['pixels'], 0)} % by "
               f"pixels and for {percent(after['outputs'], 0)} % by outputs; untrained for "
               f"{percent(before['outputs'], 0)} % by outputs",
               "validation images that are right", percent=True)
    sharper = form["after"] > form["before"] + BY_CHANCE
    lesson.take_away(
        "Right by the nearest class mean: " + ", ".join(
            f"{percent(after[name], 1)} % {'by' if name == 'pixels' else 'in'} the {name}"
            for name in STAGES) + "; in the untrained network it is "
        + ", ".join(percent(before[name], 1) for name in STAGES) + " %.",
        """What a layer adds is seen from one number to the next: how much better the means of the
        classes part what is of one from what is of another.""",
        f"""The correlation of neighbouring weights {'grows' if sharper else 'hardly changes'}, from
        {form['before']:z.2f} to {form['after']:z.2f}: there is {'some' if sharper else 'no'} form in
        the filters.  What single ones look for seldom has a name; the book claims no more.""",
        f"""Filters that are off, of {len(off)}: {off.sum()}, {both} of which since before training.
        Where ReLU's output is 0 it hands no gradient back, so a filter that is off everywhere does not
        learn, and one that nearly is hardly does.  Exercise 1 asks who misses them.""")
    return lesson.end(before=before, after=after, form=form, accuracy=accuracy, zeros=zeros,
                      off={"before": int(off_at_first.sum()), "after": int(off.sum()), "both": both})


def on(seen):
    """The share of places, over all images, at which each first filter's map is above 0, (20,).

    seen : of layer_by_layer; [2] is behind layers 0 and 1, the convolution and ReLU
    """
    return (seen[2] > 0).mean(axis=(0, 2, 3))


def neighbours(w):
    """The correlation of weights beside and above each other in filters (f, c, kh, kw)."""
    one = np.concatenate([w[..., :-1, :].ravel(), w[..., :-1].ravel()])
    other = np.concatenate([w[..., 1:, :].ravel(), w[..., 1:].ravel()])
    return float(np.corrcoef(one, other)[0, 1])


def nearest_mean(net, training, validation):
    """{stage: share of validation images whose class has the nearest mean there}."""
    means = {name: [] for name in STAGES}
    for digit in range(10):
        images = training.images[:MEANS][training.labels[:MEANS] == digit]
        for name, rows in at_stages(net, images).items():
            means[name].append(rows.mean(axis=0))
    right = {}
    for name, rows in at_stages(net, validation.images[:JUDGED]).items():
        centres = np.array(means[name])
        # ‖a - m‖² = ‖a‖² - 2 a·m + ‖m‖², of which ‖a‖² is the same for all classes
        distance = np.square(centres).sum(axis=1) - 2 * rows @ centres.T
        right[name] = float(np.mean(distance.argmin(axis=1) == validation.labels[:JUDGED]))
    return right


def at_stages(net, images):
    """{stage: its numbers, a row for each image}."""
    seen = layer_by_layer(net, images)
    return {name: seen[stage].reshape(len(images), -1) for name, stage in STAGES.items()}


if __name__ == "__main__":
    raise SystemExit(command_line(main, FULL))
