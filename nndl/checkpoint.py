"""Training that survives being killed: its whole state, on disk from time to time.

In the file is all that the next mini-batch depends on: weights, momentum's velocities, the states of
stateful layers and of the random generator, the order of this epoch's examples and how many of them
are done, and what was measured so far.  A run that goes on from there ends in the same bits as one that
was never stopped.

    net.SGD(training, 60, 10, 0.1, checkpoint="digits.checkpoint.npz")
"""

import glob
import hashlib
import json
import signal
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .array_file import read_arrays, write_arrays
from .data.made import Made
from .data.sequences import parted
from .files import probe
from .interrupting import ctrl_c
from .model_file import describe, parameters, restore

KIND, VERSION = "nndl checkpoint", 1
MEND = "name another file, or delete it to begin anew"


@dataclass
class Position:
    """How far training has got: in epoch `epoch` (from 0), `done` examples of `order`."""

    epoch: int = 0
    done: int = 0
    order: np.ndarray | None = None  # None: the epoch has not begun
    key: int = 0                     # of this epoch's chance, where images are made
    seconds: float = 0.0             # of training, in this epoch


class Checkpoint:
    """The file that one call of Network.SGD keeps its state in.

    path : the file;  every : s between two writings of it
    network : what is trained;  settings : all else that its training depends on, as JSON has it
    """

    def __init__(self, path, every, network, settings):
        try:
            self.path = Path(path)
        except TypeError:
            raise TypeError(f"checkpoint must be the name of a file, not {path!r}") from None
        self.every, self.network = every, network
        self.settings = json.loads(json.dumps(
            {"network": describe(network), "backend": network.ops.name, **settings}))
        self.stop = False  # somebody has pressed Ctrl-C
        self.next = time.monotonic() + every

    def resume(self, epochs, eta):
        """Bring the network to where the file says it was.  Returns its Position; without a file the
        beginning.

        epochs, eta : SGD's; more epochs than before are welcome
        Raises ValueError for a file that is damaged, or of another network or training, or that could
        not be written.
        """
        try:
            probe(self.path.parent)
        except OSError as error:
            raise ValueError(f"checkpoint: cannot write to {self.path.parent}: {error.strerror}"
                             ) from None
        for leftover in self.path.parent.glob(f".{glob.escape(self.path.name)}.*"):
            leftover.unlink(missing_ok=True)  # of a writing that was killed
        try:
            header, arrays = read_arrays(self.path, KIND, VERSION, MEND)
        except FileNotFoundError:
            return Position()
        self._compare(header, epochs, eta)
        net = self.network
        restore(net, arrays)
        for key in header["velocity"]:
            number, name = key.split(".")
            v = net.velocity[int(number), name] = np.zeros_like(getattr(net.layers[int(number)], name))
            v[...] = arrays[f"velocity {key}"]
        for number, layer in enumerate(net.layers):
            state = [arrays[name] for name in _names_of_state(number) if name in arrays]
            if state:
                layer.state = tuple(array.copy() for array in state)
        net.random_state = header["random_state"]
        for name, values in header["history"].items():
            setattr(net.history, name, values)
        order = arrays["order"].copy() if "order" in arrays else None  # writeable: kernels care
        return Position(header["epoch"], header["done"], order, header["key"], header["seconds"])

    def _compare(self, header, epochs, eta):
        """ValueError if the file is of another training."""
        def refuse(name, there, here):
            was = ("another" if name.endswith("_data") and there and here else
                   f"{there}, not {here}")  # fingerprints tell nobody anything
            raise ValueError(f"the checkpoint {self.path} is of another training, whose {name} was "
                             f"{was}: {MEND}")

        for name in {**self.settings, **header["settings"]}:
            there, here = header["settings"].get(name), self.settings.get(name)
            if there != here:
                refuse(name, *_difference(there, here))
        begun = header["epoch"] + (header["done"] > 0)
        if begun > epochs:
            refuse("number of epochs", f"{begun} or more", epochs)
        for epoch, there in enumerate(header["history"]["eta"]):
            here = eta(epoch) if callable(eta) else eta
            if there != here:
                refuse(f"eta in epoch {epoch}", there, here)

    def due(self):
        """Whether it is time to write, or to stop."""
        return self.stop or time.monotonic() >= self.next

    def write(self, at):
        """Write the file.  at : Position.  Raises KeyboardInterrupt after Ctrl-C.

        A full disk does not end a training of hours: it warns, and goes on with the file there was.
        """
        net = self.network
        arrays = parameters(net)
        velocity = {f"{number}.{name}": v for (number, name), v in net.velocity.items()}
        arrays |= {f"velocity {key}": np.ascontiguousarray(v) for key, v in velocity.items()}
        for number, layer in enumerate(net.layers):
            if getattr(layer, "stateful", False) and layer.state is not None:
                arrays |= dict(zip(_names_of_state(number), layer.state))
        if at.order is not None:
            arrays["order"] = at.order
        header = {"settings": self.settings, "epoch": at.epoch, "done": at.done, "key": at.key,
                  "seconds": at.seconds,
                  "random_state": net.random_state, "history": vars(net.history),
                  "velocity": list(velocity)}
        kept = f"training is kept in {self.path}, and the same call goes on from there"
        try:
            write_arrays(self.path, KIND, VERSION, header, arrays)
        except OSError as error:
            kept = f"{self.path} could not be written: {error.strerror}"
            warnings.warn(f"the checkpoint {kept}; training goes on", stacklevel=3)
        self.next = time.monotonic() + self.every
        if self.stop:
            raise KeyboardInterrupt(kept)

    def stopping(self):
        """Within it Ctrl-C is obeyed after the mini-batch: in the midst of one nothing could be kept.

        A second one is obeyed at once.
        """
        def interrupt(number, frame):
            self.stop = True
            signal.signal(signal.SIGINT, signal.default_int_handler)

        return ctrl_c(interrupt)


def _names_of_state(number):
    """Of the arrays of layer `number`'s state in the file; a layer may have one or two."""
    return f"state {number}.0", f"state {number}.1"


def fingerprint(data):
    """What tells one data set (images, labels) from another: SHA-256 of types, shapes and numbers."""
    if data is None:
        return None
    total = hashlib.sha256()
    images, y = data
    if isinstance(images, Made):
        total.update(images.fingerprint().encode())
        images = np.zeros(0)
    images, valid = parted(images)
    for array in map(np.ascontiguousarray, (images, y) if valid is None else (images, valid, y)):
        total.update(f"{array.dtype.str} {array.shape}\n".encode())
        total.update(array)
    return total.hexdigest()


def _difference(there, here):
    """Two values, of dicts only what is unlike."""
    if isinstance(there, dict) and isinstance(here, dict):
        names = [name for name in there if there[name] != here.get(name)]
        return {name: there[name] for name in names}, {name: here.get(name) for name in names}
    return there, here
