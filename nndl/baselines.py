"""What does without a network: the book's baselines, and the vote of networks.  Book ch. 1 and 6."""

import numpy as np

from .ensemble import plurality, predict
from .one_run import wrong


def average_darkness(splits):
    """Which digit's images are, on average, as dark as this one.  Returns what `accuracies` does."""
    def darkness(images):
        return images.reshape(len(images), -1).sum(axis=1, dtype=float)

    images, labels = splits.training
    average = np.array([darkness(images[labels == digit]).mean() for digit in range(10)])
    return accuracies(splits, lambda images: abs(darkness(images)[:, None] - average).argmin(axis=1))


def support_vector_machine(splits):
    """scikit-learn's, as it was by default when the book was written: gamma = 1 / 784."""
    try:
        from sklearn.svm import SVC
    except ImportError:
        raise ValueError("the support-vector machine is scikit-learn's: "
                         "pip install scikit-learn") from None

    def rows(images):
        return images.reshape(len(images), -1) / 256

    machine = SVC(gamma="auto").fit(rows(splits.training.images), splits.training.labels)
    return accuracies(splits, lambda images: machine.predict(rows(images)))


def vote(splits, runs):
    """The plurality vote of networks on the test images.

    runs : (result, function that loads the network) of each, of which only the results are needed
    """
    predictions = np.repeat(splits.test.labels[None].astype(int), len(runs), axis=0)
    for mine, (result, _) in zip(predictions, runs):
        for number, predicted in result["test_errors"]:
            mine[number] = predicted
    return of_test(splits, plurality(predictions))


def mean_probability(splits, runs):
    """The same of their mean outputs, for which the networks themselves are needed."""
    nets = [load() for _, load in runs]
    return of_test(splits, predict(nets, splits.test.images, by="probability"))


def accuracies(splits, classify):
    """{"validation_accuracy": [...], "test_accuracy": [...], "test_errors": ...} of a classifier.

    classify : function of images, their classes
    """
    validation = classify(splits.validation.images) == splits.validation.labels
    return (of_test(splits, classify(splits.test.images))
            | {"validation_accuracy": [float(np.mean(validation))]})


def of_test(splits, said):
    """The same of what was said of the test images alone."""
    return {"validation_accuracy": [], "test_accuracy": [float(np.mean(said == splits.test.labels))],
            "test_errors": wrong(said, splits.test.labels)}
