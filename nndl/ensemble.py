"""Several networks, one answer.  Book ch. 6.

    from nndl import ensemble
    if __name__ == "__main__":
        nets = ensemble.train(net, load_mnist().training, seeds=range(5), epochs=40,
                              mini_batch_size=10, eta=0.03)
        print(ensemble.accuracy(nets, load_mnist().test))

Networks that differ only in their random numbers make different mistakes: where one is wrong, most of
the others are right.  They are trained in new processes, each of which imports the program that asked
for it: without the `if` it would ask for more.
"""

import multiprocessing
import pickle
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from pathlib import Path

import numpy as np

from .backends import set_threads, usable_cores
from .costs import classes
from .data.sequences import parted
from .model_file import describe, network_of, parameters, restore
from .network import Network
from .ops.shapes import is_int


def plurality(predictions):
    """What most networks say of each example; of equally many the one that the first of them says.

    predictions : (networks, m) ints, or (networks, m, t) of steps.  Returns (m,), or (m, t).
    """
    predictions = np.asarray(predictions)
    votes = (predictions[:, None] == predictions).sum(axis=1)  # how many say what each network says
    return np.take_along_axis(predictions, votes.argmax(axis=0)[None], axis=0)[0]


def predict(nets, x, by="vote"):
    """The class of each example, (m,) ints.

    nets : list of networks;  x : examples, as for Network.predict
    by : "vote", the book's plurality, or "probability": the class that the mean of their outputs
         names
    """
    if by not in ("vote", "probability"):
        raise ValueError(f'by must be "vote" or "probability", not {by!r}')
    nets = _some(nets)
    if by == "vote":
        return plurality([net.predict(x) for net in nets])
    return classes(sum(net.feedforward(x) for net in nets) / len(nets))


def accuracy(nets, data, by="vote"):
    """The fraction of data = (images, labels) that the networks together classify rightly.

    Where each step has an output, of the steps that count.
    """
    nets = _some(nets)
    images, labels = nets[0]._data("data", data)
    y, counted = parted(nets[0]._targets(labels, images))
    right = predict(nets, images, by) == classes(y)
    return float(np.mean(right if counted is None else right[counted]))


def _some(nets):
    """nets as a list, if there is one."""
    if isinstance(nets, Network):
        raise TypeError("nets must be a list of networks, not a network: say [net]")
    nets = list(nets)
    if not nets:
        raise ValueError("nets is empty: an ensemble needs at least one network")
    return nets


def train(net, training_data, seeds, executor=None, own_layers=(), checkpoint=None, **sgd):
    """Train networks like net, one for each seed.  Returns them, in the order of the seeds.

    net : a network, for what it is made of; it stays as it is
    training_data : as for Network.SGD;  sgd : its other arguments
    checkpoint : as for Network.SGD, for each network its own: of digits.checkpoint.npz for seed 3
                 digits.checkpoint.3.npz
    executor : any concurrent.futures.Executor, whose workers train; None: as many new processes as
               there are cores, one thread each.  Dask's is client.get_executor().  Processes must be
               spawned, ProcessPoolExecutor(2, multiprocessing.get_context("spawn")): where this
               process has trained before, OpenMP ends those that are forked
    own_layers : classes of your own that net contains
    Raises RuntimeError where a worker process has died.
    """
    if not isinstance(net, Network):
        raise TypeError(f"net must be an nndl.Network, not a {type(net).__module__}."
                        f"{type(net).__name__}")
    seeds = _seeds(seeds)
    if executor is not None and (isinstance(executor, type) or not hasattr(executor, "map")):
        raise TypeError("executor must be a concurrent.futures.Executor, such as "
                        f"ThreadPoolExecutor(2), or None, not {executor!r}")
    if executor is None or isinstance(executor, ProcessPoolExecutor):
        _can_be_sent(sgd)
    description, backend = describe(net), net.ops.name
    jobs = [(description | {"seed": int(seed)}, backend, own_layers, training_data,
             sgd | {"checkpoint": _of_its_own(checkpoint, seed)}) for seed in seeds]
    try:
        if executor is not None:
            trained = list(executor.map(_train_one, jobs))
        else:
            context = multiprocessing.get_context("spawn")
            workers = max(1, min(len(jobs), usable_cores()))
            with ProcessPoolExecutor(workers, context, set_threads, (1,)) as own:
                trained = list(own.map(_train_one, jobs))
    except BrokenExecutor as error:
        raise RuntimeError(
            "a process that was to train has died: a program that asks for processes does so below "
            'if __name__ == "__main__":, and an executor of its own spawns them, '
            'ProcessPoolExecutor(2, multiprocessing.get_context("spawn"))') from error
    except KeyboardInterrupt:
        if checkpoint is None:
            raise
        kept = ", ".join(str(_of_its_own(checkpoint, seed)) for seed in seeds)
        raise KeyboardInterrupt(f"training is kept in {kept}, as far as it has come, and the same call "
                                "goes on from there") from None
    return [_again(job, arrays) for job, arrays in zip(jobs, trained, strict=True)]


def _seeds(seeds):
    """seeds as a list of ints."""
    try:
        seeds = list(seeds)
    except TypeError:
        seeds = [seeds]
        if is_int(seeds[0]):
            raise TypeError(f"seeds must be a list of ints, one for each network, not {seeds[0]}: "
                            f"range({seeds[0]}) are so many") from None
    for seed in seeds:
        if not is_int(seed):
            raise TypeError(f"seeds must be ints, one for each network, not {seed!r}")
    return seeds


def _can_be_sent(sgd):
    """Raise TypeError for an argument that cannot go to another process, such as a lambda."""
    for name, value in sgd.items():
        try:
            pickle.dumps(value)
        except Exception as error:  # each kind of object has its own
            raise TypeError(f"{name} cannot be sent to another process ({error}): make it a function "
                            "at the top of your program, or hand in executor=ThreadPoolExecutor(2)"
                            ) from None


def _of_its_own(checkpoint, seed):
    """The file of one network; None: none."""
    return checkpoint and Path(checkpoint).with_suffix(f".{seed}{Path(checkpoint).suffix}")


def _train_one(job):
    """What a worker does: make the network, train it, and hand back what it has learnt."""
    description, backend, own_layers, training_data, sgd = job
    net = network_of(description, backend, own_layers)
    net.SGD(training_data, **{"progress": False} | sgd)
    return parameters(net)


def _again(job, arrays):
    """The network that a worker has trained."""
    description, backend, own_layers, *_ = job
    net = network_of(description, backend, own_layers)
    restore(net, arrays)
    return net
