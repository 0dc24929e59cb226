"""What one run of an experiment does: its data, its network, its training, what is measured.

With what is imported here it makes all the numbers of a result; nndl/reproduce.py keeps them.
nndl/baselines.py measures what does without a network, or is of several.
"""

import numpy as np

from .data.distort import distorted
from .data.expand import expand
from .network import Network
from .schedules import falling


def make(experiment, seed, backend=None):
    """Its network, not yet trained."""
    return Network(experiment.layers(), experiment.cost, seed=seed, backend=backend)


def training_data(experiment, splits):
    """The Dataset that it learns from."""
    return {"all": lambda: splits.training, "first 1,000": lambda: splits.training[:1000],
            "first 2,500": lambda: splits.training[:2500],
            "expanded": lambda: expand(splits.training),
            "distorted": lambda: distorted(splits.training, **experiment.distortion),
            "60,000 distorted": lambda: distorted(splits.training + splits.validation,
                                                  **experiment.distortion),
            }[experiment.data]()


def train(experiment, seed, splits, checkpoint, progress, backend=None):
    """(what a network measures while it is trained, as it stands in the file; the network)."""
    net = make(experiment, seed, backend)
    validation = None if experiment.data.startswith("60,000") else splits.validation
    monitors = {"test_accuracy": lambda net: net.accuracy(splits.test)}
    history = net.SGD(
        training_data(experiment, splits), experiment.epochs, experiment.mini_batch_size,
        falling(experiment.eta, experiment.epochs, experiment.falls_to), experiment.lmbda, validation,
        monitor_evaluation_accuracy=validation is not None, momentum=experiment.momentum,
        monitors=monitors if experiment.test_each_epoch else {},
        shuffle=experiment.shuffle, checkpoint=checkpoint, progress=progress)
    test = history.measured.get("test_accuracy") or [net.accuracy(splits.test)]
    return {"parameters": net.parameters, "validation_accuracy": history.evaluation_accuracy,
            "test_accuracy": test,
            "test_errors": wrong(net.predict(splits.test.images), splits.test.labels),
            "seconds": [round(s, 2) for s in history.seconds]}, net


def wrong(said, labels):
    """[number, what was said] of each example that is not classified rightly."""
    return [[int(i), int(said[i])] for i in np.flatnonzero(said != labels)]
