"""Data sets: IDX files, MNIST (shipped in this package), and folders like it."""

from nndl.data.idx import read_idx, write_idx
from nndl.data.mnist import Dataset, Splits, load_folder, load_mnist

__all__ = ["Dataset", "Splits", "load_folder", "load_mnist", "read_idx", "write_idx"]
