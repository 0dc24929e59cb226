"""Saving a network, and loading it again.  Book ch. 6.

The exercise: give network3's Network methods to save it to a file and to load it from there.

The answer: what must be kept are the parameters, and of what layers the network is.  A subclass needs
few lines, as below: numbers in an .npz file, and the one who loads says what the layers are.  In the
library it is net.save(path) and Network.load(path), which keep both; a file of theirs has no pickle in
it, and so cannot run anything when it is loaded; and one that is damaged is refused by name.
network3's networks can be copied and pickled, too, which is enough for one's own files.

    python -m lessons.solutions.save_and_load
"""

import pickle
import tempfile
from pathlib import Path

import numpy as np

from nndl import ConvPool, Dense, Network, Softmax, load_mnist
from nndl.book import network3
from nndl.lesson import percent, solution

MINI_BATCH_SIZE, ETA = 10, 0.1


class Kept(network3.Network):
    """The book's network, with save and load."""

    def save(self, path):
        """Write all parameters to path, an .npz file."""
        np.savez(path, *(param.get_value() for param in self.params))

    def load(self, path):
        """Take over the parameters of a network of the same layers."""
        with np.load(path, allow_pickle=False) as arrays:
            for param, name in zip(self.params, arrays.files, strict=True):
                param.set_value(arrays[name])


def book_network():
    """A convolution and softmax, as network3 has it."""
    return Kept([network3.ConvPoolLayer(filter_shape=(10, 1, 5, 5),
                                        image_shape=(MINI_BATCH_SIZE, 1, 28, 28)),
                 network3.SoftmaxLayer(n_in=10 * 12 * 12, n_out=10)], MINI_BATCH_SIZE)


def main(epochs=1, train_size=2000, seed=0):
    """Save, load, compare.  Returns whether the outputs are the same, and what damage is answered."""
    training, _, test = load_mnist()
    x, test = test.images[:1000], test[:2000]
    core = Network([ConvPool(10, 5), Dense(10), Softmax()], seed=seed)
    core.SGD(training[:train_size], epochs, MINI_BATCH_SIZE, ETA, progress=False)
    book = book_network()
    book.params[2].set_value(np.random.default_rng(seed).normal(size=(1440, 10)))
    same = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "digits.npz"
        core.save(path)
        again, size = Network.load(path), path.stat().st_size
        same["the library"] = np.array_equal(core.feedforward(x), again.feedforward(x))
        print(f"the library: {core.parameters:,} parameters in {size:,} bytes; "
              f"{percent(core.accuracy(test))} % of 2,000 test images right before, "
              f"{percent(again.accuracy(test))} % after.  Loaded: {again!r}")

        other = book_network()
        before = np.array_equal(book.predict(x), other.predict(x))
        book.save(Path(folder) / "book.npz")
        other.load(Path(folder) / "book.npz")
        same["network3's subclass"] = np.array_equal(book.engine.feedforward(x),
                                                     other.engine.feedforward(x))
        pickled = pickle.loads(pickle.dumps(book))
        same["network3, pickled"] = np.array_equal(book.engine.feedforward(x),
                                                   pickled.engine.feedforward(x))
        path.write_bytes(path.read_bytes()[:size // 2])
        try:
            Network.load(path)
            refused = ""
        except ValueError as error:
            refused = str(error).replace(str(path), path.name)
    for name, is_same in same.items():
        print(f"{name}: outputs after loading are {'the same' if is_same else 'others'}, bit for bit")
    print(f"Half of the file: {refused}")
    return {"same": same, "before": before, "refused": refused}


if __name__ == "__main__":
    raise SystemExit(solution(main))
