"""What does without a network: the book's baselines, and the vote of networks.  Book ch. 1 and 6."""

import json
from pathlib import Path

import numpy as np

from .ensemble import plurality
from .network import Network


def average_darkness(splits, folder=None):
    """Which digit's images are, on average, as dark as this one.  Returns accuracies as `measure`."""
    def darkness(images):
        return images.reshape(len(images), -1).sum(axis=1, dtype=float)

    images, labels = splits.training
    average = np.array([darkness(images[labels == digit]).mean() for digit in range(10)])
    return measure(splits, lambda images: abs(darkness(images)[:, None] - average).argmin(axis=1))


def support_vector_machine(splits, folder=None):
    """scikit-learn's, as it was by default when the book was written: gamma = 1 / 784."""
    try:
        from sklearn.svm import SVC
    except ImportError:
        raise ValueError("the support-vector machine is scikit-learn's: "
                         "pip install scikit-learn") from None

    def rows(images):
        return images.reshape(len(images), -1) / 256

    machine = SVC(gamma="auto").fit(rows(splits.training.images), splits.training.labels)
    return measure(splits, lambda images: machine.predict(rows(images)))


def vote_of(name):
    """`measure` of the plurality vote, on the test images, of an experiment's runs in the folder."""
    def vote(splits, folder):
        found = [json.loads(path.read_text(encoding="utf-8"))
                 for path in _files_of(name, folder, "json")]
        predictions = np.repeat(splits.test.labels[None].astype(int), len(found), axis=0)
        for mine, result in zip(predictions, found):
            for number, predicted in result["test_errors"]:
                mine[number] = predicted
        return _of_test(splits, plurality(predictions))
    return vote


def mean_of(name):
    """The same of their mean probabilities, for which the networks themselves have to be there."""
    def mean(splits, folder):
        nets = (Network.load(path) for path in _files_of(name, folder, "npz"))
        return _of_test(splits, sum(net.feedforward(splits.test.images) for net in nets).argmax(axis=1))
    return mean


def _files_of(name, folder, kind):
    found = [path for path in sorted(Path(folder).glob(f"{name}.*.{kind}"))
             if path.name.removeprefix(f"{name}.").removesuffix(f".{kind}").isdigit()]
    if not found:
        raise ValueError(f"this is what the networks of {name} say together, and no {name}.*.{kind} is "
                         f"in {folder}: `nndl reproduce {name}` first")
    return found


def _of_test(splits, said):
    """Accuracies, as `measure` has them, of what was said of the test images."""
    return {"validation_accuracy": [], "test_accuracy": [float(np.mean(said == splits.test.labels))],
            "test_errors": wrong(said, splits.test.labels)}


def measure(splits, predict):
    """{"validation_accuracy": [...], "test_accuracy": [...], "test_errors": ...} of a classifier."""
    validation = predict(splits.validation.images) == splits.validation.labels
    return (_of_test(splits, predict(splits.test.images))
            | {"validation_accuracy": [float(np.mean(validation))]})


def wrong(said, labels):
    """[number, what was said] of each example that is not classified rightly."""
    return [[int(i), int(said[i])] for i in np.flatnonzero(said != labels)]
