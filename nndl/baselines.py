"""What does without a network: the book's baselines, and the vote of networks.  Book ch. 1 and 6."""

import json
from pathlib import Path

import numpy as np

from .ensemble import plurality


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


def vote_of_dropout(splits, folder):
    """The plurality vote of the runs of 6.dropout that are in the folder, on the test images."""
    found = [json.loads(path.read_text(encoding="utf-8"))
             for path in sorted(Path(folder).glob("6.dropout.*.json"))]
    if not found:
        raise ValueError(f"6.vote is the vote of the runs of 6.dropout, and none is in {folder}: "
                         "`nndl reproduce 6.dropout` first")
    predictions = np.repeat(splits.test.labels[None].astype(int), len(found), axis=0)
    for mine, result in zip(predictions, found):
        for number, predicted in result["test_errors"]:
            mine[number] = predicted
    said = plurality(predictions)
    return {"validation_accuracy": [], "test_accuracy": [float(np.mean(said == splits.test.labels))],
            "test_errors": wrong(said, splits.test.labels)}


def measure(splits, predict):
    """{"validation_accuracy": [...], "test_accuracy": [...], "test_errors": ...} of a classifier."""
    said = predict(splits.test.images)
    return {"validation_accuracy": [float(np.mean(predict(splits.validation.images)
                                                  == splits.validation.labels))],
            "test_accuracy": [float(np.mean(said == splits.test.labels))],
            "test_errors": wrong(said, splits.test.labels)}


def wrong(said, labels):
    """[number, what was said] of each example that is not classified rightly."""
    return [[int(i), int(said[i])] for i in np.flatnonzero(said != labels)]
