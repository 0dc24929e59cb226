"""After how many rows a network knows which digit it is reading.  To lesson 6.1.

The exercise: a network reads an image row by row and says at the end which digit it is.  Ask it after
each row.  After how many does it know?  And what if it is asked in training, too, after each row?

The answer: the layers behind the recurrent one can be put behind each of its steps, with the same
weights; only Last() is left out.  The network that is asked at the end alone has never been told what
to say before: its state in the middle is made for its own later use, and the output's weights do not
fit it.  Asked after every row in training, costs Σ_s -ln a_y,s, (80) at each step, the same layer
says early what it has.  At the last row it has seen no more than the other one, and its state has to
serve 28 answers instead of one.  Whether it reads worse there, the last column of the table says.

    python -m lessons.solutions.when_does_it_know
"""

from pathlib import Path

import numpy as np

from nndl import Dense, Last, Network, Recurrent, Softmax, load_mnist, plots
from nndl.lesson import solution

UNITS, ETA, MINI_BATCH_SIZE = 64, 0.02, 20
ASKED = ("at the end", "after each row")


def build_network(asked, seed=0):
    """A network that is asked at the end, or after each row."""
    last = [Last()] if asked == "at the end" else []
    return Network([Recurrent(UNITS), *last, Dense(10), Softmax()], input_shape=(28, 28), seed=seed)


def after_each_row(net, data):
    """The share of right answers after each row, (28,)."""
    asking = build_network("after each row")
    layers, others = ([layer for layer in each.layers if layer.parameters] for each in (asking, net))
    for layer, other in zip(layers, others, strict=True):
        for name in layer.parameters:
            getattr(layer, name)[...] = getattr(other, name)
    images, labels = data
    return (asking.predict(images) == labels[:, None]).mean(axis=0)


def main(epochs=4, train_size=10_000, seed=0, out="pictures"):
    """Train both, ask both after each row.  Returns the shares of right test images by row."""
    training, _, test = load_mnist()
    images, labels = training[:train_size]
    right = {}
    for asked in ASKED:
        net = build_network(asked, seed)
        y = labels if asked == "at the end" else np.repeat(labels[:, None].astype(int), 28, axis=1)
        # Summed over 28 steps costs and gradients are larger: both are clipped to one length.
        net.SGD((images, y), epochs, MINI_BATCH_SIZE, lambda e: ETA * 0.1 ** (e / epochs),
                momentum=0.9, clip=1.0, progress=False)
        right[asked] = after_each_row(net, test)
    print("Test images that are right, percent, by the rows that have been read:")
    print(f"    {'trained':<20}{''.join(f'{row:>7}' for row in range(4, 29, 4))}")
    for asked, shares in right.items():
        print(f"    {asked:<20}{''.join(f'{100 * shares[row - 1]:7.1f}' for row in range(4, 29, 4))}")
    known = {asked: int((shares >= 0.5).argmax()) + 1 if shares.max() >= 0.5 else None
             for asked, shares in right.items()}
    said = ", ".join((f"after row {row}" if row else "after no row") + f" if trained {asked}"
                     for asked, row in known.items())
    saved = plots.lines(
        {"test images that are right, percent": {
            f"trained {asked}": 100 * shares for asked, shares in right.items()}},
        Path(out) / "solutions" / "when_does_it_know.png",
        f"Half of the digits are first known {said}", x="rows that have been read",
        levels={"test images that are right, percent": {"guessing": 10}})
    print(f"saved: {saved}")
    return {asked: shares.tolist() for asked, shares in right.items()} | {"half": known}


if __name__ == "__main__":
    raise SystemExit(solution(main))
