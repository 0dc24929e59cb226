"""The kernels of networks, compiled before they are needed; the first time by two processes.

Numba compiles one kernel after the other, those of a convolutional network for half a minute.  So on a
machine that has none yet a second process helps.  Both go through the same list of tasks, one from its
beginning and one from its end, and a file for each task says that somebody has taken it.  What the
helper has compiled comes to us by Numba's cache.
"""

import contextlib
import sys
import tempfile
from pathlib import Path

import numpy as np

from . import backends
from .layers import Layer
from .network import EVALUATED_AT_ONCE, Network, Step
from .small_dense import SmallDense


def compile_ahead(networks, mini_batch=None):
    """Have what training these networks may need compiled, or read from Numba's cache.

    networks : on the same backend;  mini_batch : as for Network.compile
    Changes nothing of them: what is compiled is tried out on black images, by steps of length 0.
    """
    ops, folder = networks[0].ops, backends.cache_folder()
    known = any(backends.has_compiled(ops, {kind}) for net in networks for kind in kinds(net))
    if ops.name == "numba" and ops.threads > 1 and folder is not None and not known:
        m = 10 if mini_batch is None else len(mini_batch[0])
        with contextlib.suppress(OSError, ValueError):  # no room, or layers of the user's own
            _compile_with_help(networks, m, folder)
    for network in networks:
        network.compile(mini_batch)
        backends.set_compiled(ops, kinds(network))


def kinds(network):
    """What a network's kernels depend on: the kinds of its layers and numbers, not their sizes."""
    if SmallDense.of(network, momentum=0) is not None:
        return {f"SmallDense {network.dtype}"}
    return {" ".join([type(layer).__name__, *(getattr(layer, name) for name in ("activation", "pool")
                                              if hasattr(layer, name)), str(network.dtype)])
            for layer in network.layers}


def _compile_with_help(networks, m, folder):
    with tempfile.TemporaryDirectory(dir=folder, prefix="helper-") as shared:
        shared = Path(shared)
        for number, network in enumerate(networks):
            network.save(shared / f"{number}.npz")
        helper = backends.another_python("nndl.compiling", shared, m, kernels=shared / "kernels")
        try:
            _work_off(enumerate(_tasks([network.copy() for network in networks], m)), shared)
            helper.wait()
        finally:
            helper.kill()  # nothing to it if it has ended
            helper.wait()
        backends.take_over(shared / "kernels", folder)


def help_out(shared, m):
    """The helper: do tasks from the end of the list."""
    networks = [Network.load(path, backend="numba") for path in sorted(shared.glob("*.npz"))]
    _work_off(reversed(list(enumerate(_tasks(networks, m)))), shared)


def _work_off(tasks, shared):
    """Do those of the tasks, (number, function), that the other process has not taken."""
    for number, task in tasks:
        with contextlib.suppress(FileExistsError):
            (shared / f"task {number}").touch(exist_ok=False)
            task()


def _tasks(networks, m):
    """Functions each of which compiles a part: a layer's way forward, or back, or a small network."""
    tasks = []
    for network in networks:
        if SmallDense.of(network, momentum=0) is not None:
            tasks.append(network.compile)
            continue
        back = network._walk_back()
        for layer in network.layers:
            if isinstance(layer, Layer):
                tasks.append(lambda layer=layer: _forward(layer, m))
                if layer in back:
                    tasks.append(lambda layer=layer, network=network: _backward(layer, network, m))
    return tasks


def _forward(layer, m):
    """A layer's way forward, in training and in measuring."""
    for n, training in (m, True), (EVALUATED_AT_ONCE, False):
        layer.forward(np.zeros((n, *layer.input_shape), layer.dtype), training)


def _backward(layer, network, m):
    """A layer's way back alone: forward it goes with NumPy, which compiles nothing."""
    fast, layer.ops = layer.ops, backends.get("numpy")
    output = layer.forward(np.zeros((m, *layer.input_shape), layer.dtype), training=True)
    layer.ops, layer.work = fast, {}
    Step(0.0, 0.0, 0.0, 0.0, network).learn(layer, np.zeros_like(output))
    if hasattr(layer, "compile"):
        layer.compile(m)


if __name__ == "__main__":
    help_out(Path(sys.argv[1]), int(sys.argv[2]))
