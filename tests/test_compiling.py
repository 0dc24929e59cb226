"""Kernels compiled before they are needed, by one process or two."""

import json
import subprocess
import sys
import threading

import numpy as np
import pytest

import nndl
from nndl import ConvPool, Dense, Flatten, Network, Sigmoid, Softmax, backends, compiling
from nndl.compiling import compile_ahead, kinds
from tests.nets import digits, network
from tests.processes import in_a_new_process


def small(backend=None):
    """A network with a kernel of its own, tanh's."""
    return Network([ConvPool(2, 5, "tanh"), Dense(3), Softmax()], backend=backend)


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


def test_two_processes_compile_for_the_first_time_and_leave_it_to_later_ones(tmp_path):
    """All kernels of the network are there afterwards, and both have had a part in it."""
    if backends.usable_cores() < 2:
        pytest.skip("with one core there is no helper")
    code = WATCH + """
    from tests.test_compiling import small
    net = small()
    tasks, done = compiling._tasks, []
    compiling._tasks = lambda *given: [
        lambda number=number, task=task: done.append(number) or task()
        for number, task in enumerate(tasks(*given))]
    taken = []
    take_over = backends.take_over
    def noting(kernels, folder):
        taken.extend(path.name for path in kernels.rglob("*.nbi"))
        take_over(kernels, folder)
    backends.take_over = noting
    images, labels = nndl.load_mnist().training
    net.SGD((images[:20], labels[:20] % 3), 1, 10, 0.1)
    hits = sum(sum(kernel.stats.cache_hits.values()) for module in list(sys.modules.values())
               if module.__name__.startswith("nndl.ops")
               for kernel in vars(module).values() if isinstance(kernel, Dispatcher))
    folder = backends.cache_folder()
    print(json.dumps(dict(done=done, all=len(tasks([net], 10)), taken=len(taken), hits=hits,
                          left=[path.name for path in folder.glob("helper-*")],
                          kinds=sorted(path.name for path in (folder / "compiled").iterdir()),
                          w=float(abs(net.layers[-2].w).sum()))))
    """
    first, second = (in_a_new_process(code, NUMBA_CACHE_DIR=str(tmp_path)) for _ in range(2))
    assert "compiling this network's kernels" in first and "compiling" not in second
    first, second = (json.loads(out.splitlines()[-1]) for out in (first, second))
    assert 0 < len(first["done"]) < first["all"] and first["taken"] > 5 and first["hits"] > 5
    assert second["done"] == [] and second["taken"] == 0
    assert first["left"] == [] and first["w"] == second["w"]
    assert first["kinds"] == ["ConvPool tanh max float32", "Dense float32", "Flatten float32",
                              "Softmax float32"]


@pytest.fixture
def nothing_known(monkeypatch, tmp_path):
    """A numba backend that has compiled nothing yet, and an empty folder for kernels."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    ops = backends.get("numba")
    monkeypatch.setattr(ops, "compiled", set())
    monkeypatch.setattr(ops, "threads", 2)
    return ops


@pytest.fixture
def helpers(monkeypatch):
    """Notes whether a helper is asked for; it does nothing."""
    asked = []

    def another_python(module, *arguments, kernels):
        asked.append(module)
        return subprocess.Popen([sys.executable, "-c", ""])
    monkeypatch.setattr(backends, "another_python", another_python)
    return asked


def test_a_helper_is_there_for_the_first_time_only(nothing_known, helpers):
    """And if it does nothing, as here, all is compiled without it."""
    compile_ahead([small()])
    assert helpers == ["nndl.compiling"]
    compile_ahead([Network([ConvPool(2, 5, "gelu"), Dense(3), Softmax()])])
    assert len(helpers) == 1
    assert backends.has_compiled(nothing_known, kinds(small()) | {"ConvPool gelu max float32"})


@pytest.mark.parametrize("why", ["one thread", "no folder", "NumPy"])
def test_no_helper_where_it_would_be_of_no_use(nothing_known, helpers, monkeypatch, why):
    if why == "one thread":
        monkeypatch.setattr(nothing_known, "threads", 1)
    if why == "no folder":
        monkeypatch.setattr(backends, "cache_folder", lambda: None)
    compile_ahead([small("numpy" if why == "NumPy" else "numba")])
    assert helpers == []


class Doubling(nndl.Layer):
    """A user's own."""

    def forward(self, a, training=False):
        """a -> 2 a."""
        return 2 * a

    def backward(self, d):
        """dC/da = 2 d."""
        return 2 * d


def test_layers_of_ones_own_are_compiled_around(nothing_known):
    """The helper cannot make such a network, and ends at once."""
    net = Network([Dense(30), Doubling(), Dense(10), Softmax()])
    compile_ahead([net])
    assert backends.has_compiled(nothing_known, {"Doubling float32", "Dense float32"})


def test_a_helper_does_not_outlive_an_interruption(nothing_known, monkeypatch, tmp_path):
    started = []

    def another_python(module, *arguments, kernels):
        started.append(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(100)"]))
        return started[0]

    def interrupted(*_):
        raise KeyboardInterrupt
    monkeypatch.setattr(backends, "another_python", another_python)
    monkeypatch.setattr(compiling, "_work_off", interrupted)
    with pytest.raises(KeyboardInterrupt):
        compile_ahead([small()])
    assert started[0].poll() is not None
    assert not list(backends.cache_folder().glob("helper-*"))


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
        tasks = compiling._tasks([net], 2)
        for task in tasks:
            task()
        assert {layer for layer, way in ran if way == "forward"} == set(net.layers)
        assert [layer for layer, way in ran if way == "learn"] == net._walk_back()
        assert len(tasks) == len(net.layers) + len(net._walk_back())
    assert len(compiling._tasks([network("C")], 2)) == 1  # one call of dense_epoch


def test_kinds_are_of_layers_and_numbers_not_of_sizes():
    a = kinds(Network([ConvPool(2, 5), Dense(3), Softmax()]))
    assert a == kinds(Network([ConvPool(7, 3), Dense(4), Dense(2), Softmax()]))
    assert a == {"ConvPool relu max float32", "Flatten float32", "Dense float32", "Softmax float32"}
    assert kinds(Network([ConvPool(2, 5, pool="l2"), Dense(3), Softmax()])) - a == {
        "ConvPool relu l2 float32"}
    assert all(kind.endswith("float64") for kind in kinds(network("A", dtype="float64")))
    assert kinds(network("C")) == {"SmallDense float32"}


def test_taking_over_leaves_what_is_there(tmp_path):
    """Index and data of a kernel belong together: all of them come, or none."""
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    for folder, word in ((ours / "ops_1", "ours"), (theirs / "kernels-1" / "ops_1", "theirs")):
        folder.mkdir(parents=True)
        for name in ("a.f-1.py3.nbi", "a.f-1.py3.1.nbc"):
            (folder / name).write_text(word)
    for name in ("a.g[x]-7.py3.nbi", "a.g[x]-7.py3.1.nbc", "a.g[x]-7.py3.2.nbc", "a.f-1.py3.2.nbc"):
        (theirs / "kernels-1" / "ops_1" / name).write_text("theirs")
    backends.take_over(theirs, ours)
    assert {path.name: path.read_text() for path in (ours / "ops_1").iterdir()} == {
        "a.f-1.py3.nbi": "ours", "a.f-1.py3.1.nbc": "ours", "a.g[x]-7.py3.nbi": "theirs",
        "a.g[x]-7.py3.1.nbc": "theirs", "a.g[x]-7.py3.2.nbc": "theirs"}
    backends.take_over(tmp_path / "nothing", ours)


def test_another_python_imports_what_we_do_and_nothing_of_the_current_folder(monkeypatch, tmp_path):
    """A file numpy.py where the user happens to be is not ours to run."""
    (tmp_path / "numpy.py").write_text("raise SystemExit(3)")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "looks.py").write_text(
        "import os, sys, numpy, nndl; "
        "open(sys.argv[1], 'w').write(os.environ['NUMBA_CACHE_DIR'] + nndl.__file__)")
    monkeypatch.syspath_prepend(str(tmp_path / "elsewhere"))
    monkeypatch.chdir(tmp_path)
    process = backends.another_python("looks", tmp_path / "out", kernels=tmp_path / "kernels")
    assert process.wait(60) == 0
    assert (tmp_path / "out").read_text() == str(tmp_path / "kernels") + nndl.__file__


def test_black_images_are_what_compile_takes_by_itself():
    net = network("A")
    before = net.copy()
    net.compile()
    x, y = digits(7)
    assert all(np.array_equal(getattr(one, name), getattr(other, name))
               for one, other in zip(before.layers, net.layers) for name in one.parameters)
    net.update_mini_batch((x, y), 0.1)
    before.update_mini_batch((x, y), 0.1)
    assert np.array_equal(before.layers[0].w, net.layers[0].w)
