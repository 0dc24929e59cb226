"""Training that is killed, at any moment, ends in the same bits as training that is not."""

import errno
import json
import os
import random
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nndl import ConvPool, Dense, Dropout, Network, ReLU, Sigmoid, Softmax, checkpoint, files
from nndl.data.made import Made
from nndl.schedules import falling
from tests.nets import digits
from tests.strategies import damaged

NETWORKS = {
    "layer by layer": lambda **options: Network(
        [ConvPool(2, 5), Dropout(0.3), Dense(12), ReLU(), Dense(10), Softmax()], **options),
    "small, many steps at once": lambda **options: Network(
        [Dense(12), Sigmoid(), Dense(10), Sigmoid()], **options),
}
EPOCHS = 3


class Noisy(Made):
    """digits with some noise, another one in each epoch."""

    def make(self, numbers, rng):
        """Bytes overflow; it is noise."""
        return digits(self.shape[0])[0][numbers] + rng.integers(0, 9, (len(numbers), 28, 28), np.uint8)

    def fingerprint(self):
        return f"noisy {self.shape}"


def train(net, path=None, epochs=EPOCHS, eta=0.1, momentum=0.0, made=False, **options):
    """Three epochs of 13 mini-batches, the last a short one; a checkpoint after each."""
    options = {"monitor_evaluation_accuracy": True, "monitor_training_cost": True,
               "evaluation_data": digits(30), "checkpoint_every": 0.0, "progress": False} | options
    data = (Noisy((125, 28, 28)), digits(125)[1]) if made else digits(125)
    return net.SGD(data, epochs, 10, eta, 1.0, momentum=momentum, checkpoint=path, **options)


def state(net):
    """All that training has made, bit for bit; but for the seconds, which differ."""
    history = vars(net.history) | {"seconds": len(net.history.seconds)}
    return (json.dumps(history), json.dumps(net.random_state),
            [getattr(layer, name).tobytes() for layer in net.layers for name in layer.parameters],
            {key: v.tobytes() for key, v in net.velocity.items()})


class Killed(BaseException):
    """As if the process were: nothing on the way catches it."""


def killed_after(monkeypatch, n):
    """Training ends when the checkpoint has been written n times."""
    write = checkpoint.Checkpoint.write

    def counted(self, at):
        write(self, at)
        counted.left -= 1
        if counted.left == 0:
            raise Killed

    counted.left = n
    monkeypatch.setattr(checkpoint.Checkpoint, "write", counted)


@pytest.mark.parametrize("backend", ["numpy", "numba"])
@pytest.mark.parametrize("momentum, made", [(0.0, False), (0.5, False), (0.0, True)])
@pytest.mark.parametrize("kind", NETWORKS)
def test_training_goes_on_to_the_same_bits(kind, momentum, made, backend, tmp_path, monkeypatch):
    """Killed after each of its writings in turn: within epochs, between them, at the end."""
    monkeypatch.setattr("nndl.network.STEPS_AT_ONCE", 4)
    monkeypatch.setattr("nndl.mini_batches.MADE_AT_ONCE", 30)
    whole = NETWORKS[kind](backend=backend)
    train(whole, momentum=momentum, made=made)
    path, writings = tmp_path / "run.npz", 0
    while writings < 50:
        net = NETWORKS[kind](backend=backend)
        with monkeypatch.context() as patch:
            killed_after(patch, 1)
            try:
                train(net, path, momentum=momentum, made=made)
            except Killed:
                writings += 1
                continue
        break
    assert state(net) == state(whole)
    by_step = kind == "layer by layer" or momentum or backend == "numpy"
    assert writings == EPOCHS * ((13 if by_step else 4) + 1)


# --- real processes, really killed ----------------------------------------------------------------

CHILD = """
    import os, sys
    from tests import test_checkpoint as t
    net = t.NETWORKS["layer by layer"](backend="numpy")
    {before}
    print("training", flush=True)
    t.train(net, sys.argv[1], epochs=int(sys.argv[2]))
"""


def child(path, epochs, before=""):
    """A process that trains, when it has begun to."""
    code = textwrap.dedent(CHILD).format(before=before)
    process = subprocess.Popen([sys.executable, "-c", code, path, str(epochs)],
                               stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "training\n"
    return process


KILL = """import signal; from nndl import files
class File:
    def __init__(self, file): self.file = file
    def __enter__(self): return self
    def __exit__(self, *_): self.file.close()
    def fileno(self): return self.file.fileno()
    def write(self, content):
        event("before the write")
        self.file.write(content[:len(content) // 2]); self.file.flush()
        event("within the write")
        self.file.write(content[len(content) // 2:])
        event("after the write")
    def flush(self):
        self.file.flush()
        event("after the flush")

class Watched:
    def __getattr__(self, name): return getattr(os, name)
    def fdopen(self, *given): return File(os.fdopen(*given))
    def fsync(self, handle):
        os.fsync(handle)
        event("after fsync")
    def replace(self, *given):
        event("before the rename")
        os.replace(*given)
        event("after the rename")

writings = 0
def event(name):
    global writings
    writings += name == "before the write"
    if writings == {writing} and name == {moment!r}: os.kill(os.getpid(), signal.SIGKILL)
files.os = Watched()
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs POSIX signals")
@pytest.mark.parametrize("writing", [1, 20])
@pytest.mark.parametrize("moment", [
    "before the write", "within the write", "after the write", "after the flush", "after fsync",
    "before the rename", "after the rename"])
def test_killed_while_a_checkpoint_is_written(moment, writing, tmp_path):
    path, whole = tmp_path / "run.npz", NETWORKS["layer by layer"](backend="numpy")
    train(whole)
    process = child(path, EPOCHS, KILL.format(writing=writing, moment=moment))
    assert process.wait(60) == -signal.SIGKILL
    process.stdout.close()
    assert path.exists() == (writing > 1 or moment == "after the rename")
    net = NETWORKS["layer by layer"](backend="numpy")
    train(net, path)
    assert state(net) == state(whole)
    assert os.listdir(tmp_path) == ["run.npz"]  # nothing else is left of what was killed


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs POSIX signals")
@pytest.mark.parametrize("seed", range(4))
def test_killed_at_random_moments(seed, tmp_path):
    """Five times in one training, twenty in all."""
    epochs, path = 25, tmp_path / "run.npz"
    moments, killed = random.Random(seed), 0
    while killed < 5:
        process = child(path, epochs)
        time.sleep(moments.uniform(0, 0.25))
        process.kill()
        if process.wait(60) == -signal.SIGKILL:
            killed += 1
        else:  # it had ended before: another training, or nothing would be tested
            path.unlink(missing_ok=True)
        process.stdout.close()
    net, whole = (NETWORKS["layer by layer"](backend="numpy") for _ in range(2))
    train(net, path, epochs=epochs, checkpoint_every=60)
    train(whole, epochs=epochs)
    assert state(net) == state(whole)


@pytest.mark.skipif(not hasattr(os, "kill") or sys.platform == "win32", reason="needs POSIX signals")
def test_ctrl_c_keeps_what_there_is(tmp_path):
    path = tmp_path / "run.npz"
    process = child(path, 1000, "import signal; t.checkpoint.Checkpoint.due = lambda self: self.stop; "
                    "signal.signal(signal.SIGINT, signal.default_int_handler)")  # may be ignored here
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) not in (0, -signal.SIGKILL)
    process.stdout.close()
    net, whole = (NETWORKS["layer by layer"](backend="numpy") for _ in range(2))
    train(net, path, epochs=1000, stop=lambda history: history.epochs >= 30, checkpoint_every=60)
    train(whole, epochs=1000, stop=lambda history: history.epochs >= 30)
    assert state(net) == state(whole)


def test_ctrl_c_says_what_was_kept_and_a_second_one_does_not_wait(tmp_path):
    def press(times):
        def update(*given):
            for _ in range(times):
                signal.raise_signal(signal.SIGINT)
            return Network.update_mini_batch(net, *given)
        return update

    net, path = NETWORKS["layer by layer"](backend="numpy"), tmp_path / "run.npz"
    net.update_mini_batch = press(1)
    with pytest.raises(KeyboardInterrupt, match="training is kept in .*run.npz.*same call goes on"):
        train(net, path)
    del net.update_mini_batch
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    train(net, path)
    written = path.read_bytes()
    net.update_mini_batch = press(2)
    with pytest.raises(KeyboardInterrupt) as caught:
        train(net, path, epochs=5)
    assert str(caught.value) == "" and path.read_bytes() == written
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


# --- what a checkpoint is of ----------------------------------------------------------------------

def test_more_epochs_go_on_where_fewer_ended(tmp_path):
    path, net = tmp_path / "run.npz", NETWORKS["layer by layer"](backend="numpy")
    train(net, path, epochs=2)
    before = state(net)
    train(net, path, epochs=2)
    assert state(net) == before
    train(net, path, epochs=5)
    whole = NETWORKS["layer by layer"](backend="numpy")
    train(whole, epochs=5)
    assert state(net) == state(whole)
    with pytest.raises(ValueError, match="whose number of epochs was 5 or more, not 4"):
        train(net, path, epochs=4)


def test_monitors_and_stop(tmp_path):
    """Both are of the network and the history as they are after each epoch."""
    path, seen = tmp_path / "run.npz", []

    def stop(history):
        seen.append(len(history.measured["size"]))
        return seen[-1] == 2

    options = {"monitors": {"size": lambda net: np.abs(net.layers[-2].w).sum()}, "stop": stop}
    net = NETWORKS["layer by layer"](backend="numpy")
    history = train(net, path, epochs=5, **options)
    assert history.epochs == 2 and seen == [1, 2]
    assert history.measured["size"][-1] == float(np.abs(net.layers[-2].w).sum())
    again = NETWORKS["layer by layer"](backend="numpy")
    train(again, path, epochs=5, **options)
    assert state(again) == state(net)


@pytest.mark.parametrize("change, says", [
    ({"eta": 0.2}, "eta in epoch 0 was 0.1, not 0.2"), ({"momentum": 0.5}, "momentum was 0.0, not 0.5"),
    ({"eta": falling(0.1, 3)}, "eta in epoch 1 was 0.1, not 0.02"),
    ({"evaluation_data": digits(29)}, "evaluation_data was another:"),
    ({"evaluation_data": None, "monitor_evaluation_accuracy": False}, "monitored|evaluation_data was"),
    ({"monitor_training_cost": False}, r"monitored was .*True.*, not .*False"),
    ({"monitors": {"size": len}}, r"monitors was \[\], not \['size'\]")])
def test_another_training_is_refused(change, says, tmp_path):
    path, net = tmp_path / "run.npz", NETWORKS["layer by layer"](backend="numpy")
    train(net, path)
    written = path.read_bytes()
    with pytest.raises(ValueError, match=f"another training, whose {says}.*delete it to begin anew"):
        train(NETWORKS["layer by layer"](backend="numpy"), path, **change)
    assert path.read_bytes() == written


def test_a_place_that_cannot_be_written_is_refused_at_once(tmp_path):
    (tmp_path / "file").touch()
    net = tiny()
    before = state(net)
    with pytest.raises(ValueError, match="checkpoint: cannot write to .*file: "):
        train(net, tmp_path / "file" / "run.npz")
    with pytest.raises(TypeError, match="checkpoint must be the name of a file, not 5"):
        train(net, 5)
    assert state(net) == before


def test_a_model_is_not_to_be_deleted_for_a_checkpoint(tmp_path):
    """Nor the other way round: both are whole files."""
    net = tiny()
    net.save(tmp_path / "model.npz")
    with pytest.raises(ValueError, match="model.npz is an nndl model file, not an nndl checkpoint file"
                                         ": name another$"):
        train(net, tmp_path / "model.npz")
    train(net, tmp_path / "run.npz")
    with pytest.raises(ValueError, match="run.npz is an nndl checkpoint file, not an nndl model file"):
        Network.load(tmp_path / "run.npz")


@pytest.mark.parametrize("options", [{"seed": 1}, {"dtype": "float64"}, {"backend": "numba"},
                                     {"cost": "quadratic"}])
def test_another_network_is_refused(options, tmp_path):
    path = tmp_path / "run.npz"
    train(NETWORKS["layer by layer"](backend="numpy"), path)
    with pytest.raises(ValueError, match="another training, whose (network|backend) was"):
        train(NETWORKS["layer by layer"](**{"backend": "numpy"} | options), path)


@pytest.mark.parametrize("damage", [lambda b: b[:-40], lambda b: b[:300] + b"x" + b[301:],
                                    lambda b: b""])
def test_a_damaged_file_is_refused_and_the_network_as_before(damage, tmp_path):
    path, net = tmp_path / "run.npz", NETWORKS["layer by layer"](backend="numpy")
    train(net, path)
    path.write_bytes(damage(path.read_bytes()))
    net = NETWORKS["layer by layer"](backend="numpy")
    before = state(net)
    with pytest.raises(ValueError, match="not a whole nndl checkpoint file: .*another file, or delete"):
        train(net, path)
    assert state(net)[2] == before[2]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """(a checkpoint's bytes, what training that goes on from it comes to)."""
    path, net = tmp_path_factory.mktemp("written") / "run.npz", tiny()
    train(net, path)
    return path.read_bytes(), state(net)


def tiny():
    return Network([Dense(10), Softmax()], backend="numpy")


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_random_damage_is_noticed_or_does_none(data, written, tmp_path):
    """From a file that is accepted, training goes on to what it would have come to."""
    content, end = written
    path, net = tmp_path / "run.npz", tiny()
    path.write_bytes(data.draw(damaged(content)))
    before, found = state(net), path.read_bytes()
    try:
        train(net, path)
    except ValueError as error:
        assert str(path) in str(error) and "delete it to begin anew" in str(error)
        assert state(net) == before and path.read_bytes() == found
    else:
        assert state(net) == end


def test_a_full_disk_ends_nothing(tmp_path, monkeypatch):
    path, net = tmp_path / "run.npz", NETWORKS["layer by layer"](backend="numpy")
    train(net, path, epochs=1)
    written = path.read_bytes()

    def full(handle):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.warns(UserWarning, match="run.npz could not be written: No space left.*goes on"):
        train(net, path)
    assert path.read_bytes() == written and os.listdir(tmp_path) == ["run.npz"]
    monkeypatch.undo()
    again = NETWORKS["layer by layer"](backend="numpy")
    train(again, path)
    assert state(again) == state(net)
