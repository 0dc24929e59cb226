"""The network of the page: `python -m nndl.draw.shipped` trains it anew.

It is the book's with two convolutions, and has seen each digit turned, slanted, moved and bent: who
draws with a mouse does not write like the people of MNIST.
"""

import json
import time
from pathlib import Path

from .. import ConvPool, Dense, Dropout, Network, ReLU, Softmax, load_mnist
from ..data.distort import distorted
from ..environment import machine, versions
from ..files import write_atomically
from ..schedules import falling
from . import MEASURED, MODEL, measure

EPOCHS, MINI_BATCH_SIZE, ETA, MOMENTUM, LMBDA, SEED = 40, 20, 0.01, 0.9, 5.0, 0
HERE = Path(__file__).parent


def build_network():
    """Book ch. 6: two convolutions and a dense layer, with rectified linear units."""
    return Network([
        ConvPool(20, 5, init="he"),                 # (m, 1, 28, 28) -> (m, 20, 12, 12)
        ConvPool(40, 5, init="he"),                 #                -> (m, 40, 4, 4)
        Dense(100, init="he"), ReLU(),              #                -> (m, 100)
        Dropout(0.3),
        Dense(10, init="he"), Softmax(),            #                -> (m, 10)
    ], seed=SEED)


def main(folder=HERE, epochs=EPOCHS):
    """Train, and write model.npz and model.json."""
    began, splits, net = time.perf_counter(), load_mnist(), build_network()
    folder = Path(folder)
    net.SGD(distorted(splits.training), epochs, MINI_BATCH_SIZE, falling(ETA, epochs, to=0.01), LMBDA,
            splits.validation, monitor_evaluation_accuracy=True, momentum=MOMENTUM,
            checkpoint=folder / "checkpoint.npz")
    net.save(folder / MODEL)
    measured = measure(net, splits.test) | {
        "validation_accuracy": net.history.evaluation_accuracy[-1], "epochs": epochs, "seed": SEED,
        "minutes": round((time.perf_counter() - began) / 60, 1), "versions": versions(),
        "machine": machine()}
    write_atomically(folder / MEASURED, (json.dumps(measured) + "\n").encode())
    (folder / "checkpoint.npz").unlink(missing_ok=True)


if __name__ == "__main__":
    main()
