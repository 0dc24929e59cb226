"""The book's own published curves of chapter 3, computed again with the originals' random numbers.

    nndl reproduce curves [--published FOLDER]

The book's repository has them as data in its folder fig/: overfitting.json and multiple_eta.json.
Where that folder is at hand, its points are drawn beneath ours and the largest difference is said.
All counts agree, and costs to 1e-13, but for eta = 2.5: so large a step magnifies the rounding of
another machine's arithmetic within the first epoch.  (The book's own lines, run again example by
example, part company there just as far.)
"""

import contextlib
import io
import json
from pathlib import Path

import numpy as np

from ..files import write_atomically
from . import legacy, mnist_loader, network2

SEED = 12345678
ETAS = (0.025, 0.25, 2.5)
# What the four lists of network2's SGD are.
NAMES = ("test cost", "test accuracy", "training cost", "training accuracy")


def overfitting(epochs=400):
    """The four lists of a network that learns 1,000 images by heart."""
    training_data, _, test_data = _begin()
    net = network2.Network([784, 30, 10], cost=network2.CrossEntropyCost())
    net.large_weight_initializer()
    return _quietly(net, training_data[:1000], epochs, 10, 0.5, evaluation_data=test_data, lmbda=0.0,
                    monitor_evaluation_cost=True, monitor_evaluation_accuracy=True,
                    monitor_training_cost=True, monitor_training_accuracy=True)


def multiple_eta(epochs=30, n=50_000):
    """Of three learning rates the four lists each; of them only the training cost is measured."""
    training_data, validation_data, _ = _begin()
    training_data = training_data[:n]
    return [_quietly(network2.Network([784, 30, 10]), training_data, epochs, 10, eta, lmbda=5.0,
                     evaluation_data=validation_data, monitor_training_cost=True) for eta in ETAS]


def _begin():
    legacy.seed(SEED)
    return mnist_loader.load_data_wrapper()


def _quietly(net, *given, **options):
    with contextlib.redirect_stdout(io.StringIO()):
        return net.SGD(*given, **options)


def curves(folder, published=None, say=print, **shorter):
    """Compute both, write curves.json and curves.png into the folder.  Returns their paths.

    published : the folder with the book's own, or None;  shorter : epochs, for a trial
    """
    makers, ours = (overfitting, multiple_eta), {}
    theirs = {} if published is None else {
        make.__name__: _read(published, make.__name__) for make in makers}
    try:
        for make in makers:
            say(f"{make.__name__} ...")
            ours[make.__name__] = make(**shorter)
    finally:
        legacy.seed(None)
    for name in theirs:
        for label, mine, its in _pairs(ours[name], theirs[name], name):
            apart = np.abs(np.subtract(mine, its[:len(mine)])).max()
            say(f"{name}, {label}: at most {apart:.2g} from the book's")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / "curves.json", (json.dumps(ours) + "\n").encode())
    from ..plots import curves as draw
    panels = [(name, _pairs(ours[name], theirs.get(name), name)) for name in ours]
    return [folder / "curves.json", draw(panels, folder / "curves.png")]


def _read(folder, name):
    try:
        return json.loads((Path(folder) / f"{name}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"--published: {folder} must have the book's {name}.json: {error}") from None


def _pairs(ours, theirs, name):
    """(label, our list, the book's or None) of all that was measured."""
    if name == "overfitting":
        return [(label, mine, None if theirs is None else theirs[i])
                for i, (label, mine) in enumerate(zip(NAMES, ours))]
    return [(f"training cost, eta = {eta}", lists[2], None if theirs is None else theirs[i][2])
            for i, (eta, lists) in enumerate(zip(ETAS, ours))]
