"""Digits that are drawn row by row: black and white, each row after the rows above it."""

import numpy as np

INK = 128   # bytes from here on are ink, in black and white
AT_ONCE = 500  # digits that are drawn side by side


def black_and_white(images):
    """Images (n, h, w), bytes, as 0 and 1, float32: 1 where there is ink."""
    return (np.asarray(images) >= INK).astype(np.float32)


def to_be_drawn(images, labels, classes=10):
    """(x, y) for a network that draws: at each step it knows the label and the row above.

    images : (n, h, w) bytes;  labels : (n,) ints
    x : (n, h, w + classes), the row before, 0 at the first step, and the label with a 1 in its place
    y : (n, h, w), the row itself.  Both are float32, 0 and 1.
    """
    y = black_and_white(images)
    n, h, w = y.shape
    x = np.zeros((n, h, w + classes), np.float32)
    x[:, 1:, :w] = y[:, :-1]
    x[np.arange(n), :, w + np.asarray(labels)] = 1
    return x, y


def draw(net, labels, rng, rows=28, temperature=1.0):
    """Digits that a network draws, row by row, each pixel ink with the probability that it says.

    net : trained on what to_be_drawn makes, with sigmoid outputs, one for each pixel of a row
    labels : (n,) ints, what shall be drawn;  rng : a Generator
    rows : how many;  temperature : above 0; below 1 probabilities go towards 0 and 1
    Returns (n, rows, w) bytes, 0 and 255.
    """
    if not temperature > 0:
        raise ValueError(f"temperature must be above 0, not {temperature!r}")
    net = net.copy()  # it is stepped through: its layers go on where they have ended
    follow = [layer for layer in net.layers if hasattr(layer, "follows")]
    if not follow or net.layers[-1].name != "sigmoid":
        raise ValueError("only a recurrent network with sigmoid outputs at each step can draw, "
                         f"not {net!r}")
    for layer in follow:
        layer.follows = True
    (_, n_in), (_, w) = net.input_shape, net.output_shape
    labels = np.asarray(labels)
    drawn = np.zeros((len(labels), rows, w), np.uint8)
    for start in range(0, len(labels), AT_ONCE):
        some = slice(start, start + AT_ONCE)
        for layer in follow:
            layer.reset()
        x = np.zeros((len(labels[some]), 1, n_in), net.dtype)
        x[np.arange(len(x)), :, w + labels[some]] = 1
        for s in range(rows):
            p = sharpened(net.feedforward(x)[:, 0], temperature)
            ink = rng.random(p.shape) < p
            x[:, 0, :w], drawn[some, s] = ink, 255 * ink
    return drawn


def sharpened(p, temperature):
    """Probabilities p of sigmoid outputs σ(z) as those of σ(z / temperature)."""
    if temperature == 1:
        return p
    p = np.asarray(p, float)
    on, off = p ** (1 / temperature), (1 - p) ** (1 / temperature)
    return on / (on + off)
