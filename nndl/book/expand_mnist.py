"""The book's expand_mnist.py: 250,000 training images of 50,000, moved by a pixel.  Book ch. 3.

    python -m nndl.book.expand_mnist [FILE]

Nothing in nndl needs the file: network3.load_data_shared("mnist_expanded.pkl.gz") makes the same images
in memory where it is not there.  For other programs it is written as the book's is, a pickle of arrays
(n, 784) float32, byte/256, and labels.
"""

import gzip
import pickle
import sys
from pathlib import Path

import numpy as np

from ..command import Parser, run
from ..data import load_mnist
from ..data.expand import expand
from ..files import write_atomically
from .mnist_loader import as_floats

FILE = "../data/mnist_expanded.pkl.gz"


def expand_mnist(filename=FILE, splits=None):
    """Write the file, if it is not there yet.  Returns its path.

    splits : the data; None: MNIST
    """
    path = Path(filename)
    if path.is_dir():
        raise ValueError(f"{path} is a folder: name the file, {path / Path(FILE).name}")
    if path.exists():
        print("The expanded training set already exists.  Exiting.")
        return path
    splits = splits or load_mnist()
    training = expand(splits.training)
    data = [(as_floats(images), labels.astype(np.int64)) for images, labels in (
        (training.images[:], training.labels), splits.validation, splits.test)]
    print(f"Saving expanded data, {len(training.labels):,} training images: this takes a minute.")

    def write(file):
        with gzip.GzipFile(fileobj=file, mode="wb", compresslevel=1) as zipped:
            pickle.dump(data, zipped, protocol=4)

    write_atomically(path, write)
    return path


def main(arguments=None):
    """Run it as its command line has it; returns the exit status."""
    parser = Parser(prog="python -m nndl.book.expand_mnist", description="Write the 250,000 training "
                    "images to a file; nothing in nndl needs it.")
    parser.add_argument("file", metavar="FILE", nargs="?", default=FILE, help=f"default: {FILE}")
    options = parser.parse_args(arguments)
    return run(parser.prog, lambda: print(expand_mnist(options.file).resolve()))


if __name__ == "__main__":
    sys.exit(main())
