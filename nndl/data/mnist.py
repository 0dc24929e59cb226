"""MNIST, which is shipped beside this file, and data sets in folders like it.

Images stay bytes here. What a network sees is byte / 256, as in the book's own data file, made a
mini-batch at a time.
"""

import hashlib
from importlib import resources
from pathlib import Path
from typing import NamedTuple

import numpy as np

from nndl.data.idx import idx_header, read_idx

# SHA-256 of each uncompressed file, as in NOTICE.
SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}


class Dataset(NamedTuple):
    """Images and what they show; unpacks as `images, labels = dataset`.  Both are read-only.

    images : (n, h, w)  uint8, 0 is the background and 255 full ink; a network sees byte / 256
    labels : (n,)       uint8, the class of each image; in MNIST the digit

    It is a pair, of length 2; len(dataset.images) is how many examples there are.  Two of them are put
    one behind the other by +.
    """

    images: np.ndarray
    labels: np.ndarray

    def __getitem__(self, key):
        """Examples, by a slice, dataset[:1000], a mask, dataset[dataset.labels == 3], or a list or
        array of their numbers; an int takes one of the two arrays.
        """
        if isinstance(key, (slice, list, range)) or isinstance(key, np.ndarray) and key.ndim:
            return _read_only(Dataset(self.images[key], self.labels[key]))
        try:
            return tuple.__getitem__(self, key)
        except IndexError:
            raise IndexError(f"a data set is a pair, images and labels: example {key} is "
                             f"dataset[{key}:{key + 1}]") from None

    def __add__(self, other):
        if not isinstance(other, Dataset):
            return NotImplemented
        return _read_only(Dataset(*map(np.concatenate, zip(self, other))))

    def __repr__(self):
        return (f"<{len(self.images):,} images of {' x '.join(map(str, self.images.shape[1:]))}, "
                f"{self.images.dtype}, and their labels>")


def _read_only(dataset):
    """The dataset, whose arrays nobody else has yet, where they are arrays."""
    for array in dataset:
        if isinstance(array, np.ndarray):
            array.setflags(write=False)
    return dataset


class Splits(NamedTuple):
    """The three parts of a data set, each a Dataset.

    training : to learn from
    validation : to choose hyper-parameters by
    test : to judge the finished network, once
    """

    training: Dataset
    validation: Dataset
    test: Dataset


def load_mnist():
    """MNIST as the book splits it: 50,000 / 10,000 / 10,000 images of 28 x 28 pixels.

    Training is the first 50,000 images of the training file, validation its last 10,000, test the
    t10k file. The files are part of the installed package. They are read anew at each call: keep
    what is returned.

    Returns Splits, whose arrays are read-only: copy one to change it.

    Raises ValueError if a file is damaged or is not MNIST, by its SHA-256, and FileNotFoundError
    if one is missing. Reinstalling nndl mends both.
    """
    train_images, train_labels, test_images, test_labels = map(_read_shipped, SHA256)
    return _split(Dataset(train_images, train_labels), Dataset(test_images, test_labels))


def load_folder(folder):
    """A data set in the four files of MNIST, from any folder: Fashion-MNIST, KMNIST, your own.

    folder : str or Path  holds train-images-idx3-ubyte, train-labels-idx1-ubyte and the same two
        for t10k, plain or with .gz after the name; train-images.idx3-ubyte, with a dot, will do
        too. Plain goes before .gz where both are there.

    Images are uint8 of any size, test images as large as the training images. Labels are integers
    from 0 to 255, one per image. Nothing else is checked. write_idx makes such files.

    Validation is the last 10,000 training images if there are 60,000 or more, otherwise the last
    sixth of them, rounded down but at least one. Training is what stands before.

    Returns Splits, whose arrays are read-only: copy one to change it.

    Raises FileNotFoundError if the folder or one of the files is missing, ValueError if a file is
    damaged or does not fit the others.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder {folder}. Check the path")
    train_images, train_labels, test_images, test_labels = (_find(folder, name) for name in SHA256)
    train = _read_dataset(train_images, train_labels, least=2)  # one to learn from, one to validate
    test = _read_dataset(test_images, test_labels, least=1)

    expected, got = train.images.shape[1:], test.images.shape[1:]
    if got != expected:
        raise ValueError(
            f"{test_images}: expected images of {expected[0]} x {expected[1]} pixels, as in "
            f"{train_images.name}, got {got[0]} x {got[1]}. Take both files from the same data set"
        )
    return _split(train, test)


def _split(train, test):
    """Splits of the training file's images and the test file's; slices, so nothing is copied."""
    n = len(train.images)
    n_validation = 10_000 if n >= 60_000 else max(1, n // 6)
    for array in (*train, *test):
        array.setflags(write=False)  # slices of a read-only array are read-only
    training = Dataset(*(array[: n - n_validation] for array in train))
    validation = Dataset(*(array[n - n_validation :] for array in train))
    return Splits(training, validation, test)


def _read_shipped(name):
    """The array in one of the package's own files, named without .gz, with its SHA-256 checked."""
    shipped = resources.files("nndl.data") / f"{name}.gz"
    try:
        with resources.as_file(shipped) as path:
            array = read_idx(path)
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"{shipped}: expected this file in the installed package, and it is not there. "
            f"Reinstall nndl"
        ) from error
    except ValueError as error:
        raise ValueError(
            f"{shipped}: expected the file that nndl ships, got a damaged one ({error}). "
            f"Reinstall nndl"
        ) from error

    # The bytes of an IDX file follow from its array, so they need not be kept for this.
    sha256 = hashlib.sha256(idx_header(array))
    sha256.update(array)
    if sha256.hexdigest() != SHA256[name]:
        raise ValueError(
            f"{shipped}: expected the file that nndl ships, of SHA-256 {SHA256[name]} when "
            f"uncompressed, got {sha256.hexdigest()}. Reinstall nndl; to read another data set "
            f"call load_folder"
        )
    return array


def _find(folder, name):
    """The path of the file called name in folder, under one of its four spellings."""
    dotted = name.replace("-idx", ".idx")
    spellings = [name, f"{name}.gz", dotted, f"{dotted}.gz"]
    for spelling in spellings:
        if (folder / spelling).is_file():
            return folder / spelling
    raise FileNotFoundError(
        f"looked in the folder {folder} for one of {', '.join(spellings)}; none is there. "
        f"Put the file there, or rename it so"
    )


def _read_dataset(images_path, labels_path, least):
    """The Dataset in two files, checked to fit each other and to hold least images or more."""
    images, labels = read_idx(images_path), read_idx(labels_path)

    if images.ndim != 3 or images.dtype != np.uint8:
        raise ValueError(
            f"{images_path}: expected images, uint8 of shape (n, h, w), got {images.dtype} of "
            f"shape {images.shape}. Check that the images and labels files are not swapped"
        )
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise ValueError(
            f"{labels_path}: expected labels, integers of shape (n,), got {labels.dtype} of "
            f"shape {labels.shape}. Check that the images and labels files are not swapped"
        )
    if len(images) < least or 0 in images.shape:
        raise ValueError(
            f"{images_path}: expected {least} or more images of 1 x 1 pixel or more, got shape "
            f"{images.shape}. Put more images in the file"
        )
    if len(labels) != len(images):
        raise ValueError(
            f"{labels_path}: expected {len(images):,} labels, one for each image in "
            f"{images_path.name}, got {len(labels):,}. Take both files from the same data set"
        )
    if labels.min() < 0 or labels.max() > 255:
        raise ValueError(
            f"{labels_path}: expected labels from 0 to 255, got {labels.min()} to {labels.max()}. "
            f"Number the classes from 0"
        )
    return Dataset(images, labels.astype(np.uint8, copy=False))
