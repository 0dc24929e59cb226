"""A learning rate that depends on the epoch.  Book ch. 6.

The exercise: let network3's η be a function of the epoch.

The answer: since n calls of its SGD with one epoch are one call with n, a subclass needs three lines.
In the library every η may be a function: SGD(eta=lambda epoch: ...), and nndl.schedules.falling makes
the one that `nndl train` uses.  Large steps first, to get near; small ones at the end, since steps
that are large for the place where one is only jump about in it.

    python -m lessons.solutions.eta_of_the_epoch
"""

import contextlib
import io
from pathlib import Path

import numpy as np

from nndl import ConvPool, Dense, Network, Softmax, load_mnist, plots
from nndl.book import network3
from nndl.lesson import counted, note, percent, solution, spread
from nndl.schedules import falling

MINI_BATCH_SIZE, ETA = 10, 0.2
PANEL = "validation images that are right, percent"


class OwnEta(network3.Network):
    """The book's network, whose eta may be a function of the epoch, 0, 1, ..."""

    def SGD(self, training_data, epochs, mini_batch_size, eta, *others):
        """As in the book."""
        for epoch in range(epochs):
            rate = eta(epoch) if callable(eta) else eta
            print(f"eta = {rate:g}:")
            super().SGD(training_data, 1, mini_batch_size, rate, *others)


def as_in_the_book(training, epochs, eta, validation):
    """The accuracy of an OwnEta, whose weights are those of a Network with seed 0 to begin with."""
    net = OwnEta([
        network3.ConvPoolLayer(filter_shape=(10, 1, 5, 5), image_shape=(MINI_BATCH_SIZE, 1, 28, 28),
                               activation_fn=network3.ReLU),
        network3.SoftmaxLayer(n_in=10 * 12 * 12, n_out=10)], MINI_BATCH_SIZE)
    for param, value in zip(net.params, start(build(0))):
        param.set_value(value)
    with contextlib.redirect_stdout(io.StringIO()):
        net.SGD(training, epochs, MINI_BATCH_SIZE, eta, validation, None)
    return net.accuracy(validation)


def build(seed):
    """A convolution and softmax."""
    return Network([ConvPool(10, 5), Dense(10), Softmax()], seed=seed)


def start(net):
    """The parameters as network3 has them: dense weights the other way round."""
    conv, dense = (layer for layer in net.layers if layer.parameters)
    return conv.w.copy(), conv.b.copy(), dense.w.T.copy(), dense.b.copy()


def main(epochs=6, train_size=3000, runs=2, seed=0, out="pictures"):
    """Constant and falling η.  Returns accuracies, fractions."""
    training, validation, _ = load_mnist()
    training, validation = training[:train_size], validation[:3000]
    etas = {f"η = {ETA:g}": ETA, f"η from {ETA:g} to {ETA / 16:g}": falling(ETA, epochs)}
    curves = {name: [build(seed + run).SGD(
        training, epochs, MINI_BATCH_SIZE, eta, progress=False, evaluation_data=validation,
        monitor_evaluation_accuracy=True).evaluation_accuracy for run in range(runs)]
        for name, eta in etas.items()}
    last = {name: [curve[-1] for curve in those] for name, those in curves.items()}
    print(f"{counted(epochs, 'epoch')} on {train_size:,} images, validation images right at last, %:")
    for name, accuracies in last.items():
        print(f"    {name:<20} {spread(accuracies)}")
    book = as_in_the_book(training, epochs, falling(ETA, epochs), validation)
    core = build(0)
    core.SGD(training, epochs, MINI_BATCH_SIZE, falling(ETA, epochs), shuffle=False, progress=False)
    same = core.accuracy(validation)
    print(f"network3's subclass, η falling: {percent(book)} %; the library, from the same weights and "
          f"without shuffling: {percent(same)} %")
    constant, falls = (np.mean(accuracies) for accuracies in last.values())
    saved = plots.lines(
        {PANEL: {name: 100 * np.array(those) for name, those in curves.items()}},
        Path(out) / "solutions" / "eta_of_the_epoch.png",
        f"With η falling {percent(falls)} % are right at last, with the same η {percent(constant)} %",
        note=note(runs))
    print(f"saved: {saved}")
    return {"constant": last[f"η = {ETA:g}"], "falling": list(last.values())[1], "book": book,
            "same": same}


if __name__ == "__main__":
    raise SystemExit(solution(main))
