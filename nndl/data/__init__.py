"""Data sets: IDX files, MNIST (shipped in this package), folders like it, and sequences."""

from nndl.data.idx import read_idx, write_idx
from nndl.data.mnist import Dataset, Splits, load_folder, load_mnist
from nndl.data.sequences import Sequences

__all__ = ["Dataset", "Sequences", "Splits", "load_folder", "load_mnist", "read_idx", "write_idx"]
