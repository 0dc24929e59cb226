"""The kernels of networks, compiled before they are needed; many of them by two processes.

Numba compiles one kernel after the other, those of a convolutional network for half a minute.  So where
many are missing a second process helps.  Both go through the same list of tasks, one from its beginning
and one from its end, and a file for each task says that somebody has taken it.  What the helper has
compiled comes to us by Numba's cache.  Without it all would come out the same, but later.
"""

import contextlib
import glob
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np

from . import backends
from .model_file import describe, network_of
from .network import EVALUATED_AT_ONCE, Step
from .recurrent import LAYERS
from .small_dense import SmallDense

HELPED = 8        # tasks, below which a second process would begin when the first is nearly done
PATIENCE = 60     # seconds for the helper's last task, when ours are done
FORGOTTEN = 600   # seconds after which a helper's folder has nobody any more


def compile_ahead(networks, mini_batch=None, momentum=0.0):
    """Have what training these networks may need compiled, or read from Numba's cache.

    networks : on the same backend;  mini_batch, momentum : as for Network.compile
    Layers of one's own are not tried out: they may count what they are given, or not like it black.
    """
    ops, folder = networks[0].ops, backends.cache_folder()
    m = 10 if mini_batch is None else len(mini_batch[0])
    ours = [network for network in networks
            if all(type(layer) in LAYERS.values() for layer in network.layers)]
    known = compiled_kinds(folder)
    if ops.threads > 1 and folder is not None and len(_tasks(ours, m, known)) >= HELPED:
        with contextlib.suppress(OSError, ValueError):  # no room; a cost that cannot be described
            _compile_with_help(ours, m, known, folder)
    for network in networks:
        if network in ours:
            network.compile(mini_batch, momentum)
            set_compiled(folder, {kind(layer, network) for layer in network.layers})
        else:
            _compile_around(network, m)


def kind(layer, network):
    """The name of what a layer's kernels depend on most, so that those missing can be told roughly."""
    if SmallDense.of(network, momentum=0) is not None:
        return f"small dense network {network.dtype}"
    return " ".join([*["first"] * (not layer.needs_da), type(layer).__name__,
                     *(getattr(layer, name) for name in ("activation", "pool")
                       if hasattr(layer, name)), str(network.dtype)])


def compiled_kinds(folder):
    """The kinds of kernels that set_compiled has noted in a cache_folder."""
    with contextlib.suppress(OSError):
        if folder is not None:
            return {path.name for path in (folder / "compiled").iterdir()}
    return set()


def set_compiled(folder, kinds):
    """Note beside the kernels that those of these kinds are there; no folder: nothing to note."""
    with contextlib.suppress(OSError):
        if folder is not None:
            (folder / "compiled").mkdir(exist_ok=True)
            for name in kinds:
                (folder / "compiled" / name).touch()


def _tasks(networks, m, known):
    """Functions that each compile a part: a layer's way forward, or back, or a small network.

    known : kinds that have been compiled before
    """
    tasks = []
    for network in networks:
        back = network._walk_back()
        missing = [layer for layer in network.layers if kind(layer, network) not in known]
        if missing and SmallDense.of(network, momentum=0) is not None:
            tasks.append(network.compile)
            continue
        for layer in missing:
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
    layer.ops, layer.work = fast, {}  # what NumPy's forward kept is not for Numba's backward
    Step(0.0, 0.0, 0.0, 0.0, network).learn(layer, np.zeros_like(output))
    if hasattr(layer, "compile"):
        layer.compile(m)


def _compile_around(network, m):
    """What the layers of ours need in a network with others: tried out on layers like them."""
    back = network._walk_back()
    for layer in network.layers:
        if type(layer) in LAYERS.values():
            twin = layer.clone()
            twin.setup(layer.input_shape, network.ops, np.random.default_rng(0), network.dtype)
            twin.needs_da = layer.needs_da
            _forward(twin, m)
            if layer in back:
                _backward(twin, network, m)


# --- the two processes ----------------------------------------------------------------------------

def _compile_with_help(networks, m, known, folder):
    """Both go to work on networks made anew: nothing of the caller's is changed."""
    shared = folder / "helper"
    with contextlib.suppress(FileNotFoundError):
        if time.time() - shared.stat().st_mtime > FORGOTTEN:
            shutil.rmtree(shared)  # whoever made it was killed
    shared.mkdir()  # FileExistsError: another process has a helper just now
    helper = None
    try:
        order = json.dumps([[describe(network) for network in networks], m, sorted(known)])
        helper = backends.another_python("nndl.compiling", shared, kernels=shared / "kernels")
        helper.stdin.write(order.encode() + b"\n")
        helper.stdin.flush()
        _work_off(enumerate(_ordered(order)), shared)
        with contextlib.suppress(subprocess.TimeoutExpired):
            helper.wait(PATIENCE)
        take_over(shared / "kernels", folder)
    finally:
        if helper is not None:
            helper.kill()  # nothing to it if it has ended
            with contextlib.suppress(OSError):
                helper.stdin.close()
            helper.wait()
        shutil.rmtree(shared, ignore_errors=True)


def _ordered(order):
    """The tasks, of networks made anew."""
    descriptions, m, known = json.loads(order)
    networks = [network_of(description, backend="numba") for description in descriptions]
    return _tasks(networks, m, known)


def _work_off(tasks, shared):
    """Do those of the tasks, (number, function), that the other process has not taken."""
    with backends.get("numba").running():
        for number, task in tasks:
            try:
                (shared / f"task {number}").touch(exist_ok=False)
            except FileExistsError:
                continue
            task()


def take_over(kernels, folder):
    """Have in folder, too, what another process has kept in kernels, but for what is there already.

    Of a kernel Numba keeps an index, .nbi, and beside it a file for each version, .nbc.  A link is
    made only where there is no file yet, and Numba, too, writes the index first: so whoever uses
    the folder at the same time finds an index and data that belong together, or no data yet.
    """
    for version in kernels.glob("kernels-*"):
        for index in version.rglob("*.nbi"):
            target = folder / index.relative_to(version)
            target.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(FileExistsError):
                for file in index, *index.parent.glob(f"{glob.escape(index.stem)}.*.nbc"):
                    os.link(file, target.with_name(file.name))


def help_out(shared):
    """The helper: do tasks from the end of the list, as long as who has ordered them lives."""
    order = sys.stdin.buffer.readline()
    threading.Thread(target=lambda: (sys.stdin.buffer.read(), os._exit(1)), daemon=True).start()
    if backends.cache_folder().is_relative_to(shared):  # and nowhere else, where we would disturb
        _work_off(reversed(list(enumerate(_ordered(order)))), shared)


if __name__ == "__main__":
    help_out(Path(sys.argv[1]))
