"""Dropout of the pixels as well: what do the images look like, and does it help?  To lesson 3.2.0.

The exercise: put a Dropout before the first layer as well.  What do the images look like, and
does it help?

The answer: the images get holes, others each time, and what is left is 1/(1 - p) times as dark.
With p = 0.2 one can still read them, with 0.5 most of them.  It does not help.  With p = 0.1 the
mean is a point lower, and runs overlap; with p = 0.2 all runs are behind, and with 0.5 it is by
some four points.

A hidden neuron that is silenced says what others can say, too: that is what dropout teaches them.
A pixel is no such neuron; it does not learn.  And one thing that goes wrong can be measured.
1/(1 - p) keeps the mean of what the filters are told, but not of what they answer: behind them
stand max-pooling and max(0, z), (112), and the largest of four numbers that jump about is larger
than that of four which do not.  With the holes of p = 0.2 the first layer hands on 1.4 times as
much as without, with those of 0.5 it is 2.7 times.  The layers behind are tuned to that, and are
judged by images without holes.

    python -m lessons.solutions.dropout_of_pixels
"""

from pathlib import Path

import numpy as np

from lessons.network_3_2_0_dropout import ETA, MINI_BATCH_SIZE, build_network
from nndl import Dropout, Network, load_mnist, plots
from nndl.comparing import compared
from nndl.lesson import percent, solution, spread

RATES = (0.0, 0.1, 0.2, 0.5)
SHOWN = 8


def build(p_pixels, seed):
    """The lesson's network behind a Dropout of its pixels."""
    layers = [layer.clone() for layer in build_network().layers]
    return Network([Dropout(p_pixels), *layers], seed=seed)


def with_holes(images, p_pixels, seed):
    """What such a Dropout makes of bytes (n, 28, 28) while training: floats."""
    net = Network([Dropout(p_pixels)], seed=seed)
    x = images[:, None].astype(np.float32) / 256
    return np.array(net.layers[0].forward(x, training=True))[:, 0]


def handed_on(net, images):
    """The mean output of the first convolutional layer, in training over that when testing."""
    dropout, conv = net.layers[:2]
    x = images[:, None].astype(np.float32) / 256
    return float(conv.forward(np.array(dropout.forward(x, True))).mean() / conv.forward(x).mean())


def main(epochs=25, train_size=500, runs=3, seed=0, out="pictures"):
    """Train with each rate.  Returns by rate: accuracies, and what the first layer hands on."""
    training, validation, test = load_mnist()
    some = training[:train_size]
    names = {p_pixels: f"p = {p_pixels:g}" for p_pixels in RATES}
    nets, chosen, more = {}, {}, {}
    print(f"{epochs} epochs on {train_size:,} images, {runs} runs")
    for p_pixels, name in names.items():
        nets[name] = [build(p_pixels, seed + run) for run in range(runs)]
        for net in nets[name]:
            net.SGD(some, epochs, MINI_BATCH_SIZE, ETA, progress=False)
        chosen[name] = [net.accuracy(validation[:5000]) for net in nets[name]]
        more[name] = float(np.mean([handed_on(net, some.images) for net in nets[name]]))
        print(f"    pixels dropped with {name:<8} validation {spread(chosen[name])} %; the first "
              f"layer hands on {more[name]:.2f} times as much as without", flush=True)
    none, *others = names.values()
    best = max(others, key=lambda name: np.mean(chosen[name]))
    accuracies = {name: [net.accuracy(test) for net in nets[name]] for name in (none, best)}
    lost = {name: np.mean(chosen[none]) - np.mean(chosen[name]) for name in others}
    for name in others:
        print(f"    {compared(chosen, none, name)}")
    print(f"Of the rates above 0 the validation images choose {best}.  On the test images "
          f"{compared(accuracies, none, best)}.")
    digits = test.images[:SHOWN]
    saved = plots.rows_of_images(
        [("test images", digits),
         *((f"{name}: {percent(lost[name], 1)} points lost", with_holes(digits, p_pixels, seed))
           for p_pixels, name in names.items() if p_pixels)],
        Path(out) / "solutions" / "dropout_of_pixels.png",
        f"With half of the pixels dropped in training {percent(lost['p = 0.5'], 1)} points fewer "
        "are right",
        ["each row on its own scale: what is left is 1/(1 - p) times as dark",
         "points: of the validation images, without holes"])
    print(f"saved: {saved}")
    return {"validation": chosen, "accuracies": accuracies, "handed on": more}


if __name__ == "__main__":
    raise SystemExit(solution(main))
