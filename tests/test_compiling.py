"""Kernels compiled before they are needed, by one process or two."""

import json
import os
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import nndl
from nndl import ConvPool, Dense, Dropout, Flatten, Network, Sigmoid, Softmax, backends, compiling
from nndl.compiling import compile_ahead, kind
from nndl.model_file import describe
from tests.nets import digits, network
from tests.processes import in_a_new_process


def small():
    """A network with a kernel of its own, tanh's, and with what draws random numbers."""
    return Network([ConvPool(2, 5, "tanh"), Dropout(0.5), Dense(3), Softmax()], backend="numba")


WATCH = """
    import json, sys, nndl
    from nndl import backends, compiling
    from tests.nets import network
    from numba.core.dispatcher import Dispatcher

    def versions():
        return {f"{module}.{name}": len(kernel.signatures)
                for module in sorted(sys.modules) if module.startswith("nndl.ops")
                for name, kernel in vars(sys.modules[module]).items() if isinstance(kernel, Dispatcher)}
"""


@pytest.mark.parametrize("name", ["A", "B", "C"])
@pytest.mark.parametrize("m", [10, 60])
def test_training_compiles_nothing_that_was_not_compiled_before(name, m):
    """With MNIST as it is loaded, which may not be written to: other versions of some kernels."""
    out = in_a_new_process(WATCH + f"""
    net, (images, labels) = network({name!r}), nndl.load_mnist().training
    before = net.copy()
    net.compile((images[:{m}], labels[:{m}]))
    assert all((getattr(one, name) == getattr(other, name)).all()
               for one, other in zip(before.layers, net.layers) for name in one.parameters)
    assert net.rng.bit_generator.state == before.rng.bit_generator.state
    compiled = versions()
    net.SGD((images[:4 * {m}], labels[:4 * {m}]), 2, {m}, 0.05, 0.1)
    net.accuracy((images[:1000], labels[:1000]))
    more = {{kernel: n - compiled[kernel] for kernel, n in versions().items() if n != compiled[kernel]}}
    print(json.dumps(more))
    """)
    assert json.loads(out.splitlines()[-1]) == {}


TOGETHER = WATCH + """
    from tests.test_compiling import small
    tasks, done = compiling._tasks, []
    compiling._tasks = lambda *given: [
        lambda number=number, task=task: done.append(number) or task()
        for number, task in enumerate(tasks(*given))]
    take_over, taken = compiling.take_over, []
    def noting(kernels, folder):
        taken.extend(path.name for path in kernels.rglob("*.nbi"))
        take_over(kernels, folder)
    compiling.take_over = noting
    net = small()
    images, labels = nndl.load_mnist().training
    net.SGD((images[:20], labels[:20] % 3), 1, 10, 0.1)
    hits = sum(sum(kernel.stats.cache_hits.values()) for module in list(sys.modules.values())
               if module.__name__.startswith("nndl.ops")
               for kernel in vars(module).values() if isinstance(kernel, Dispatcher))
    folder = backends.cache_folder()
    print(json.dumps(dict(done=done, all=len(tasks([net], 10, set())), taken=len(taken), hits=hits,
                          left=(folder / "helper").exists(), w=float(abs(net.layers[-2].w).sum()),
                          kinds=sorted(path.name for path in (folder / "compiled").iterdir()))))
"""


def test_two_processes_compile_for_the_first_time_and_leave_it_to_later_ones(tmp_path):
    """Both have had a part in it, and what the helper compiled is read here and later."""
    first, second = (in_a_new_process(TOGETHER, NUMBA_CACHE_DIR=str(tmp_path)) for _ in range(2))
    assert "compiling this network's kernels" in first
    first, second = (json.loads(out.splitlines()[-1]) for out in (first, second))
    assert 0 < len(first["done"]) < first["all"] and first["taken"] > 5 and first["hits"] > 5
    assert first["done"] == list(range(len(first["done"])))  # from the beginning, the helper not
    assert second["done"] == [] and second["taken"] == 0
    assert not first["left"] and first["w"] == second["w"]
    assert first["kinds"] == ["Dense float32", "Dropout float32", "Flatten float32", "Softmax float32",
                              "first ConvPool tanh max float32"]


def test_tasks_and_one_step_compile_all_that_training_needs(tmp_path):
    """What is left to compile after the tasks is gathering a mini-batch, and BP1."""
    out = in_a_new_process(WATCH + """
    for name in ("A", "B"):
        net = network(name)
        for task in compiling._tasks([network(name)], 10, set()):
            task()
        compiled = versions()
        net.compile()
        more = {kernel for kernel, n in versions().items() if n != compiled.get(kernel)}
        assert {kernel.split(".")[-1] for kernel in more} <= {
            "_gather", "as_floats", "copy_to", "_difference", "_all_finite"}, more
    """, NUMBA_CACHE_DIR=str(tmp_path))
    assert out == ""


@pytest.fixture
def nothing_known(monkeypatch, tmp_path):
    """The numba backend with two threads, and an empty folder for kernels."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    ops = backends.get("numba")
    monkeypatch.setattr(ops, "threads", 2)
    return ops


@pytest.fixture
def helpers(monkeypatch):
    """Notes the helpers that are asked for, which only sleep, and that nobody has patience with."""
    asked = []

    def another_python(module, *arguments, kernels):
        asked.append(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(100)"],
                                      stdin=subprocess.PIPE))
        return asked[-1]
    monkeypatch.setattr(backends, "another_python", another_python)
    monkeypatch.setattr(compiling, "PATIENCE", 0)
    return asked


def test_a_helper_is_there_for_what_is_missing(nothing_known, helpers):
    """And if it does nothing, as here, all is compiled without it, and it does not live on."""
    net = small()
    before, state = net.copy(), str(net.rng.bit_generator.state)
    compile_ahead([net])
    assert len(helpers) == 1 and helpers[0].poll() is not None
    assert not (backends.cache_folder() / "helper").exists()
    compile_ahead([small()])
    assert len(helpers) == 1
    compile_ahead([Network([ConvPool(2, 5, "gelu"), ConvPool(2, 5, "tanh"), Dense(3), Softmax()])])
    assert len(helpers) == 1  # for so little a second process would come too late
    assert compiling.compiled_kinds(backends.cache_folder()) == {
        "first ConvPool tanh max float32", "first ConvPool gelu max float32", "Flatten float32",
        "ConvPool tanh max float32", "Dense float32", "Dropout float32", "Softmax float32"}
    assert str(net.rng.bit_generator.state) == state and net.velocity == {}
    assert all(np.array_equal(getattr(one, name), getattr(other, name))
               for one, other in zip(before.layers, net.layers) for name in one.parameters)


@pytest.mark.parametrize("why", ["one thread", "no folder", "one task", "another is at it"])
def test_no_helper_where_it_would_be_of_no_use(nothing_known, helpers, monkeypatch, why):
    folder = backends.cache_folder()
    if why == "one thread":
        monkeypatch.setattr(nothing_known, "threads", 1)
    if why == "no folder":
        monkeypatch.setattr(backends, "cache_folder", lambda: None)
    if why == "another is at it":
        (folder / "helper").mkdir()
    net = network("C") if why == "one task" else small()
    compile_ahead([net])
    assert helpers == [] and (folder / "helper").exists() == (why == "another is at it")


def test_a_folder_that_a_killed_process_has_left_is_no_hindrance(nothing_known, helpers):
    left = backends.cache_folder() / "helper"
    left.mkdir()
    (left / "task 0").touch()
    an_hour_ago = time.time() - 3600
    os.utime(left, (an_hour_ago, an_hour_ago))
    compile_ahead([small()])
    assert len(helpers) == 1 and not left.exists()


class Doubling(nndl.Layer):
    """A user's own: with words for activation and pool that mean something else, and counting."""

    def __init__(self):
        self.activation, self.pool, self.calls = np.tanh, 2, 0

    def forward(self, a, training=False):
        """a -> 2 a, and no black images."""
        assert a.any()
        self.calls += 1
        return 2 * a

    def backward(self, d):
        """dC/da = 2 d."""
        return 2 * d


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_layers_of_ones_own_are_not_tried_out(nothing_known, helpers, monkeypatch, backend):
    """Their network trains; nobody hands them black images, nor makes others of them."""
    monkeypatch.setattr(nothing_known, "compiled", set())
    net = Network([ConvPool(2, 5, "tanh"), Dense(30), Doubling(), Dense(10), Softmax()],
                  backend=backend)
    net.SGD(digits(20), 1, 10, 0.1)
    assert helpers == [] and net.history.epochs == 1 and net.layers[3].calls == 2
    plain = Network([ConvPool(2, 5, "tanh"), Dense(30), Doubling(), Dense(10), Softmax()],
                    backend=backend)
    plain.SGD(digits(20), 1, 10, 0.1, progress=False)
    assert np.array_equal(net.layers[-2].w, plain.layers[-2].w)


def test_what_stands_beside_layers_of_ones_own_is_compiled():
    out = in_a_new_process(WATCH + """
    from tests.test_compiling import ConvPool, Dense, Doubling, Network, Softmax, digits
    net = Network([ConvPool(2, 5, "tanh"), Dense(30), Doubling(), Dense(10), Softmax()])
    compiling.compile_ahead([net])
    compiled = versions()
    net.SGD(digits(20), 1, 10, 0.1, progress=False)
    print(*{kernel.split(".")[-1] for kernel, n in versions().items() if n != compiled[kernel]})
    """)
    assert set(out.split()) <= {"_gather", "as_floats", "copy_to", "softmax", "clear",
                                 "_difference", "_all_finite"}


@pytest.mark.parametrize("broken", [lambda patch: patch.setattr(sys, "executable", None),
                                    lambda patch: patch.setattr(sys, "executable", "/nowhere"),
                                    lambda patch: patch.setattr(sys, "frozen", True, raising=False)])
def test_where_no_python_can_be_started_it_goes_alone(nothing_known, monkeypatch, broken):
    broken(monkeypatch)
    compile_ahead([small()])
    assert not (backends.cache_folder() / "helper").exists()


def test_a_helper_does_not_outlive_an_interruption(nothing_known, helpers, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt
    monkeypatch.setattr(compiling, "_work_off", interrupted)
    with pytest.raises(KeyboardInterrupt):
        compile_ahead([small()])
    assert helpers[0].poll() is not None
    assert not (backends.cache_folder() / "helper").exists()


def test_a_helper_ends_with_who_has_ordered_it(nothing_known, tmp_path):
    """Killed, that process says nothing, but its end of the pipe closes."""
    (tmp_path / "shared").mkdir()
    order = json.dumps([[describe(small())], 10, []])
    helper = backends.another_python("nndl.compiling", tmp_path / "shared",
                                     kernels=tmp_path / "shared" / "kernels")
    helper.stdin.write(order.encode() + b"\n")
    helper.stdin.close()
    assert helper.wait(60) == 1
    assert len(list((tmp_path / "shared").glob("task *"))) < len(compiling._ordered(order))


def test_every_task_is_done_by_one_of_two(tmp_path):
    """One from the beginning, one from the end."""
    done, both = {"first": [], "second": []}, threading.Barrier(2)

    def work(who, numbers):
        tasks = [(number, lambda number=number: (done[who].append(number), both.wait(10)))
                 for number in numbers]
        compiling._work_off(tasks, tmp_path)
    second = threading.Thread(target=work, args=("second", range(9, -1, -1)))
    second.start()
    work("first", range(10))
    second.join()
    assert done == {"first": [0, 1, 2, 3, 4], "second": [9, 8, 7, 6, 5]}


def test_an_error_of_a_task_is_no_sign_that_somebody_has_taken_it(tmp_path):
    def task():
        raise FileExistsError("of its own")
    with pytest.raises(FileExistsError, match="of its own"):
        compiling._work_off([(0, task)], tmp_path)


def noting(ran, layer, way):
    """The layer's method of that name, which notes that it ran."""
    do = getattr(layer, way)

    def noted(*given, **named):
        ran.append((layer, way))
        return do(*given, **named)
    return noted


def test_the_tasks_leave_out_nothing():
    """A way forward for each layer, a way back for those that learn or are in between."""
    for net in (network("A"), Network([Flatten(), Dense(5), Sigmoid(), Softmax()])):
        ran = []
        for layer in net.layers:
            for way in ("forward", "learn"):
                setattr(layer, way, noting(ran, layer, way))
        tasks = compiling._tasks([net], 2, set())
        for task in tasks:
            task()
        assert {layer for layer, way in ran if way == "forward"} == set(net.layers)
        assert [layer for layer, way in ran if way == "learn"] == net._walk_back()
        assert len(tasks) == len(net.layers) + len(net._walk_back())
        known = {kind(layer, net) for layer in net.layers}
        assert compiling._tasks([net], 2, known) == []
    assert len(compiling._tasks([network("C")], 2, set())) == 1  # one call of dense_epoch


def test_kinds_are_of_layers_and_numbers_not_of_sizes():
    def kinds(net):
        return {kind(layer, net) for layer in net.layers}
    a = kinds(Network([ConvPool(2, 5), Dense(3), Softmax()]))
    assert a == kinds(Network([ConvPool(7, 3), Dense(4), Dense(2), Softmax()]))
    assert a == {"first ConvPool relu max float32", "Flatten float32", "Dense float32",
                 "Softmax float32"}
    assert kinds(Network([ConvPool(2, 5), ConvPool(2, 5, pool="l2"), Dense(3), Softmax()])) - a == {
        "ConvPool relu l2 float32"}
    assert all(word.endswith("float64") for word in kinds(network("A", dtype="float64")))
    assert kinds(network("C")) == {"small dense network float32"}


def test_taking_over_leaves_what_is_there(tmp_path, monkeypatch):
    """Index and data of a kernel belong together: the index first, and neither where one is."""
    ours, theirs, order = tmp_path / "ours", tmp_path / "theirs", []
    for folder, word in ((ours / "ops_1", "ours"), (theirs / "kernels-1" / "ops_1", "theirs")):
        folder.mkdir(parents=True)
        for name in ("a.f-1.py3.nbi", "a.f-1.py3.1.nbc"):
            (folder / name).write_text(word)
    for name in ("a.g[x]-7.py3.nbi", "a.g[x]-7.py3.1.nbc", "a.g[x]-7.py3.2.nbc", "a.f-1.py3.2.nbc"):
        (theirs / "kernels-1" / "ops_1" / name).write_text("theirs")
    link = os.link
    monkeypatch.setattr(os, "link", lambda one, two: (link(one, two), order.append(two.suffix)))
    compiling.take_over(theirs, ours)
    assert {path.name: path.read_text() for path in (ours / "ops_1").iterdir()} == {
        "a.f-1.py3.nbi": "ours", "a.f-1.py3.1.nbc": "ours", "a.g[x]-7.py3.nbi": "theirs",
        "a.g[x]-7.py3.1.nbc": "theirs", "a.g[x]-7.py3.2.nbc": "theirs"}
    assert order == [".nbi", ".nbc", ".nbc"]
    compiling.take_over(tmp_path / "nothing", ours)


def test_another_python_imports_what_we_do_and_nothing_else(monkeypatch, tmp_path):
    """A file numpy.py where the user happens to be is not ours to run."""
    (tmp_path / "numpy.py").write_text("raise SystemExit(3)")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "looks.py").write_text(
        "import os, sys, numpy, nndl; "
        "open(sys.argv[1], 'w').write(os.environ['NUMBA_CACHE_DIR'] + nndl.__file__)")
    monkeypatch.syspath_prepend(str(tmp_path / "elsewhere"))
    monkeypatch.setattr(sys, "path", [*sys.path, None, b"bytes"])
    monkeypatch.syspath_prepend(os.path.relpath(tmp_path / "elsewhere"))
    monkeypatch.chdir(tmp_path)
    process = backends.another_python("looks", tmp_path / "out", kernels=tmp_path / "kernels")
    process.stdin.close()
    assert process.wait(60) == 0
    assert (tmp_path / "out").read_text() == str(tmp_path / "kernels") + nndl.__file__


# --- what is changed -------------------------------------------------------------------------------

def test_momentum_is_compiled_for_where_there_is_any(monkeypatch):
    net, seen = network("C"), []
    monkeypatch.setattr(compiling, "compile_ahead", lambda *given: seen.append(given))
    monkeypatch.setattr(net.ops, "compiled", set())
    data = digits(20)
    for momentum, m in ((0.0, 10), (0.9, 10), (0.5, 10), (0.0, 10), (0.0, 20), (0.0, 30)):
        net.SGD(data, 1, m, 0.1, momentum=momentum)
    assert [(momentum, len(mini_batch[0])) for _, mini_batch, momentum in seen] == [
        (0.0, 10), (0.9, 10), (0.0, 20)]


def test_compiling_changes_nothing():
    for momentum in (0.0, 0.9):
        net = network("B")
        before = net.copy()
        net.compile(momentum=momentum)
        assert all(np.array_equal(getattr(one, name), getattr(other, name))
                   for one, other in zip(before.layers, net.layers) for name in one.parameters)
        assert net.velocity == {} and net.rng.random() == before.rng.random()


def test_without_the_compiler_nothing_is_compiled():
    """With NUMBA_DISABLE_JIT 500 images would take minutes."""
    out = in_a_new_process("""
        from nndl import backends, compiling
        from tests.nets import digits, network
        compiling.compile_ahead = None
        net = network("C")
        net.SGD(digits(1), 1, 1, 0.1)
        print(backends.compiles(net.ops), backends.compiles(backends.get("numpy")))
    """, NUMBA_DISABLE_JIT="1")
    assert out.splitlines()[-1] == "False False"
