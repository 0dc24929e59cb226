"""The contract, the choice of a backend, its threads, and where compiled kernels are kept."""

import inspect
import json
import os
import platform
import re
import sys
import threading
from pathlib import Path

import numba
import numpy as np
import pytest
import scipy.linalg  # noqa: F401  the BLAS behind np.dot in kernels
from threadpoolctl import threadpool_info, threadpool_limits

from nndl import backends, compiling
from tests.ops.checks import normal, shared_out
from tests.processes import in_a_new_process

FUNCTIONS = [name for family in backends.CONTRACT.values() for name in family]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_contract(name):
    """Both have it, with the same names and defaults in the same order, and a docstring."""
    first, second = (getattr(backends.get(backend), name) for backend in ("numpy", "numba"))
    assert inspect.signature(first) == inspect.signature(second)
    assert first is not second
    assert first.__doc__ and second.__doc__


def test_functions_are_in_the_contract_once():
    assert len(FUNCTIONS) == len(set(FUNCTIONS))


def test_get_hands_out_one_object_each():
    assert backends.get("numba") is backends.get("numba") is not backends.get("numpy")
    assert "numpy" in repr(backends.get("numpy"))


@pytest.mark.parametrize("name, words", [("theano", "numpy or numba, not 'theano'"),
                                         ("Numba", "not 'Numba'"), (3, "not 3"), ("", "not ''"),
                                         ("cuda", "not written yet")])
def test_get_refuses_in_one_line(name, words):
    with pytest.raises(ValueError, match=words) as caught:
        backends.get(name)
    assert "\n" not in str(caught.value)


def test_the_environment_chooses(monkeypatch):
    for value, name in (("numpy", "numpy"), ("numba", "numba"), ("", "numba")):
        monkeypatch.setenv("NNDL_BACKEND", value)
        assert backends.get().name == name
    assert backends.get("numpy").name == "numpy"  # what is asked for goes first
    monkeypatch.delenv("NNDL_BACKEND")
    assert backends.get().name == "numba"
    monkeypatch.setenv("NNDL_BACKEND", "tensorflow")
    with pytest.raises(ValueError, match="NNDL_BACKEND must be .* not 'tensorflow'"):
        backends.get()


@pytest.fixture
def most(monkeypatch):
    """How many threads there can be; what a test sets is put back."""
    for name in ("numpy", "numba"):
        monkeypatch.setattr(backends.get(name), "threads", backends.get(name).threads)
    return numba.config.NUMBA_NUM_THREADS


def test_set_threads(most):
    for n in (1, np.int64(most)):
        backends.set_threads(n)
        for name in ("numpy", "numba"):
            assert backends.get(name).threads == n
            assert type(backends.get(name).threads) is int


def test_set_threads_refuses(most):
    for n in (0, -1, most + 1):
        with pytest.raises(ValueError, match=f"threads must be from 1 to {most}, not {n}"):
            backends.set_threads(n)
    with pytest.raises(ValueError, match=f"NUMBA_NUM_THREADS={most + 1} "):
        backends.set_threads(most + 1)
    for n in (1.0, "2", None, True):
        with pytest.raises(TypeError, match="threads must be an int"):
            backends.set_threads(n)


# --- the cores ------------------------------------------------------------------------------------

V1 = "32 31 0:29 {} /sys/fs/cgroup/cpu rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct\n"
V2 = "41 31 0:38 {} /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
OTHERS = ("33 31 0:30 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
          "22 1 8:1 / / rw - ext4 sda1 rw\n")


@pytest.mark.parametrize("groups, mounts, files, cores", [
    # Version 2: one file, "quota period".
    ("0::/\n", V2.format("/"), {"cpu.max": "400000 100000\n"}, 4),
    ("0::/\n", V2.format("/"), {"cpu.max": "150000 100000\n"}, 2),  # rounded up
    ("0::/\n", V2.format("/"), {"cpu.max": "5000 100000\n"}, 1),
    ("0::/\n", V2.format("/"), {"cpu.max": "max 100000\n"}, None),
    ("0::/a/b\n", V2.format("/"), {"a/b/cpu.max": "800000 100000", "a/cpu.max": "300000 100000"}, 3),
    ("0::/a/b\n", V2.format("/"), {"a/b/cpu.max": "200000 100000", "a/cpu.max": "max 100000"}, 2),
    ("0::/a\n", V2.format("/"), {"b/cpu.max": "200000 100000"}, None),  # another's quota
    # Version 1: two files, and -1 where version 2 says max.
    ("4:cpuacct,cpu:/a\n3:cpuset:/b\n", OTHERS + V1.format("/"),
     {"cpu/a/cpu.cfs_quota_us": "250000\n", "cpu/a/cpu.cfs_period_us": "100000\n",
      "cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n",
      "cpu/b/cpu.cfs_quota_us": "100000\n", "cpu/b/cpu.cfs_period_us": "100000\n"}, 3),
    # In a container only its own part of the tree is mounted; the path may still be the whole one.
    ("4:cpu:/docker/3f\n", V1.format("/docker/3f"),
     {"cpu/cpu.cfs_quota_us": "200000", "cpu/cpu.cfs_period_us": "100000"}, 2),
    ("4:cpu:/docker/3f/x\n", V1.format("/docker/3f"),
     {"cpu/cpu.cfs_quota_us": "200000", "cpu/cpu.cfs_period_us": "100000",
      "cpu/x/cpu.cfs_quota_us": "50000", "cpu/x/cpu.cfs_period_us": "100000"}, 1),
    ("4:cpu:/\n", V1.format("/../.."),
     {"cpu/cpu.cfs_quota_us": "200000", "cpu/cpu.cfs_period_us": "100000"}, 2),
    # Both at once, where version 2 has other controllers.
    ("4:cpu:/a\n0::/\n", V1.format("/") + V2.format("/").replace("cgroup rw", "cgroup/unified rw"),
     {"cpu/a/cpu.cfs_quota_us": "300000", "cpu/a/cpu.cfs_period_us": "100000"}, 3),
    # Nothing that can be read.
    ("", "", {}, None),
    ("0::/\n", V2.format("/"), {}, None),
    ("0::/a\n", "41 31 - cgroup2\n- cgroup rw,cpu\n - \n" + V2.format("/"), {"cpu.max/x": ""}, None),
    ("0\n::\nx:y\n", V2.format("/"), {"cpu.max": "200000 100000"}, 2),
    *[("0::/\n", V2.format("/"), {"cpu.max": text}, None)
      for text in ("", "4", "four 100000", "200000 0", "0 100000", "-5 100000", "1 2 3", "\0\xff")],
])
def test_the_quota_of_a_container(groups, mounts, files, cores, tmp_path):
    (tmp_path / "proc/self").mkdir(parents=True)
    if groups:
        (tmp_path / "proc/self/cgroup").write_text(groups)
    if mounts:
        (tmp_path / "proc/self/mountinfo").write_text(mounts)
    for name, text in files.items():
        file = tmp_path / "sys/fs/cgroup" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="latin-1")
    assert backends.container_cores(tmp_path) == cores


@pytest.mark.parametrize("machine, affinity, quota, cores", [
    (64, 8, 2, 2), (64, 8, None, 8), (64, 2, 8, 2), (64, None, 3, 3), (64, None, None, 64),
    (None, None, None, 1),
])
def test_usable_cores_are_the_least(machine, affinity, quota, cores, monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: machine)
    monkeypatch.setattr(backends, "container_cores", lambda: quota)
    if affinity is None:  # macOS and Windows
        monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    else:
        monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(affinity)), raising=False)
    assert backends.usable_cores() == cores


def test_threads_are_the_usable_cores_unless_numba_num_threads_says_otherwise(most, monkeypatch):
    monkeypatch.setattr(backends, "usable_cores", lambda: 1)
    assert os.environ["NUMBA_NUM_THREADS"] == str(most) != "1"  # by conftest
    assert backends.Backend("numba").threads == most
    assert backends.Backend("numpy").threads == most
    for text, threads in (("", 1), ("0", 1), ("two", 1), (" 2 ", 2)):
        monkeypatch.setenv("NUMBA_NUM_THREADS", text)
        assert backends.Backend("numpy").threads == threads
    monkeypatch.delenv("NUMBA_NUM_THREADS")
    assert backends.Backend("numba").threads == 1
    assert backends.Backend("numpy").threads == 1
    monkeypatch.setattr(backends, "usable_cores", lambda: most + 1)
    assert backends.Backend("numba").threads == most  # no more than Numba can start


def dense(ops, rng, m):
    a, w, b, delta = (normal(rng, "f", *shape) for shape in ((m, 37), (30, 37), (30,), (m, 30)))
    return ops.dense_forward(a, w, b), *ops.dense_backward(delta, a, w)


def thousand(ops, rng, m):
    """So many neurons that a block takes them in several pieces; more than once, to meet by chance."""
    a, w, delta = (normal(rng, "f", *shape) for shape in ((m, 300), (1000, 300), (m, 1000)))
    return [array for _ in range(5) for array in ops.dense_backward(delta, a, w)]


def dense_step(ops, rng, m, part):
    delta, a, w, b = (normal(rng, "f", *shape) for shape in ((m, 30), (m, 37), (30, 37), (30,)))
    delta[rng.random(delta.shape) >= part] = 0
    return ops.dense_step(delta, a, w, b, 0.1, 0.01, 0.002)


def elementwise(ops, rng, m):
    a, d = normal(rng, "f", m, 37), normal(rng, "f", m, 37)
    mask = ops.dropout_mask(a.shape, 0xC58EFD154CE32F6D, 0.4)
    return (mask, ops.dropout_forward(a, mask, 0.4), ops.gelu_forward(a), ops.gelu_backward(d, a),
            *ops.dropout_draw(a, 0xC58EFD154CE32F6D, 0.4),
            *ops.sgd_step(a, d, d, 0.1, 0.01, 0.002, 0.9),
            *ops.layer_step(a, a[:, 0], d, d[:, 0], 0.1, 0.01, 0.002))


def conv(ops, rng, m):
    x, w, b = normal(rng, "f", m, 3, 9, 8), normal(rng, "f", 13, 3, 3, 2), normal(rng, "f", 13)
    z = ops.conv_forward(x, w, b, (1, 2), (1, 1))
    return z, *ops.conv_backward(z, x, w, (1, 2), (1, 1))


def conv_pool(ops, rng, m, channels, activation):
    x, w, b = (normal(rng, "f", *shape)
               for shape in ((m, channels, 9, 8), (13, channels, 3, 2), (13,)))
    out = ops.conv_pool_forward(x, w, b, activation)
    _, *first_layer = ops.conv_pool_backward(out[0], *out, x, w, activation, need_dx=False)
    return *out[:2], *ops.conv_pool_backward(out[0], *out, x, w, activation), *first_layer


def sequences(ops, rng, m, cell, gates):
    x, w_xh, w_hh, b, dh = (normal(rng, "f", *shape) for shape in (
        (m, 5, 7), (gates * 21, 7), (gates * 21, 21), (gates * 21,), (m, 5, 21)))
    valid = rng.random((m, 5)) < 0.8
    out = getattr(ops, f"{cell}_forward")(x, w_xh, w_hh, b, valid=valid)
    out = out if isinstance(out, tuple) else (out,)
    return *out, *getattr(ops, f"{cell}_backward")(dh, *out, x, w_xh, w_hh, valid=valid)


CASES = {
    "dense": dense,
    "a thousand neurons": thousand,
    "a step of most neurons": lambda ops, rng, m: dense_step(ops, rng, m, 1.0),
    "a step of few neurons": lambda ops, rng, m: dense_step(ops, rng, m, 0.2),
    "number by number": elementwise,
    "convolution": conv,
    "short rows": lambda ops, rng, m: conv_pool(ops, rng, m, 1, "relu"),
    "long rows": lambda ops, rng, m: conv_pool(ops, rng, m, 8, "sigmoid"),
    "recurrent": lambda ops, rng, m: sequences(ops, rng, m, "recurrent", 1),
    "lstm": lambda ops, rng, m: sequences(ops, rng, m, "lstm", 4),
    "not fused": lambda ops, rng, m: conv_pool(ops, rng, m, 2, "gelu"),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("m", [10, 7, 1, 70])
def test_the_same_bits_for_any_number_of_threads(case, m, most):
    assert most >= 2, "NUMBA_NUM_THREADS leaves nothing to compare"
    fast = backends.get("numba")
    results = []
    for threads in range(1, min(most, 4) + 1):
        fast.threads = threads
        with fast.running(), shared_out():
            assert numba.get_num_threads() == threads
            results.append([part.tobytes() for part in CASES[case](fast, np.random.default_rng(0), m)])
    assert all(result == results[0] for result in results)


def blas_threads():
    found = [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]
    if not found:
        pytest.skip("no BLAS that threadpoolctl knows, such as Apple's Accelerate")
    return found


def test_running_limits_blas_to_one_thread_and_puts_it_back(most):
    fast = backends.get("numba")
    with threadpool_limits(2, user_api="blas"):
        before, threads = blas_threads(), numba.get_num_threads()
        fast.threads = 1
        with fast.running():
            assert set(blas_threads()) == {1} and numba.get_num_threads() == 1
            fast.threads = most
            with fast.running():  # within another it changes nothing
                assert set(blas_threads()) == {1} and numba.get_num_threads() == 1
            assert set(blas_threads()) == {1} and numba.get_num_threads() == 1  # still
        assert blas_threads() == before and numba.get_num_threads() == threads
        with pytest.raises(ZeroDivisionError), fast.running():
            raise ZeroDivisionError
        assert blas_threads() == before and numba.get_num_threads() == threads
        with fast.running():  # works again
            assert set(blas_threads()) == {1} and numba.get_num_threads() == most


def test_running_numpy_gives_blas_the_threads(most):
    numpy = backends.get("numpy")
    with threadpool_limits(1, user_api="blas"):
        numpy.threads = 2
        with numpy.running():
            # No more than the library was built or started for.
            assert blas_threads() == [min(2, n) for n in blas_threads()]
            inside = blas_threads()
        assert set(blas_threads()) == {1}
    if (os.cpu_count() or 1) >= 2:
        assert max(inside) == 2


def test_numpy_needs_no_numba():
    out = in_a_new_process("""
        import sys
        sys.modules["numba"] = None  # importing it raises ImportError
        import numpy as np
        from nndl import backends
        ops = backends.get("numpy")
        with ops.running():
            x, w = np.ones((2, 1, 5, 5)), np.ones((3, 1, 2, 2))
            pooled, *rest = ops.conv_pool_forward(x, w, np.ones(3))
            ops.conv_pool_backward(pooled, pooled, *rest, x, w)
            z = ops.dense_forward(pooled.reshape(2, -1), np.ones((4, 12)), np.ones(4))
            a = ops.softmax_forward(z)
        print(a[0, 0], backends.get("numpy").threads >= 1)
    """, NNDL_BACKEND=None)
    assert out.split() == ["0.25", "True"]


LOOK = """
    import json, tempfile
    {before}
    import numpy as np
    from nndl import backends, compiling
    folder = backends.cache_folder()
    ops = backends.get("numba")
    from nndl.ops import activation_numba
    relu = ops.relu_forward(np.array([-1.0, 2])).tolist()
    print(json.dumps(dict(folder=folder and str(folder), relu=relu,
                          compiled=len(compiling.compiled_kinds(folder)),
                          cached=activation_numba._relu.stats.cache_path)))
"""


@pytest.fixture
def nowhere(tmp_path):
    """An environment in which no folder for kernels can be made: below a file there are none.

    Permissions would not do: root may write everywhere.
    """
    file = tmp_path / "file"
    file.touch()
    bad = {name: str(file / name) for name in ("NUMBA_CACHE_DIR", "HOME", "TMPDIR")}
    return {**bad, "TEMP": None, "TMP": None, "XDG_CACHE_HOME": None, "LOCALAPPDATA": None}


@pytest.mark.parametrize("before", [
    "tempfile.tempdir = '{file}/temporary'",
    "tempfile._candidate_tempdir_list = lambda: []",  # gettempdir() raises
])
def test_without_any_folder_it_works_and_keeps_nothing(nowhere, tmp_path, before):
    found = json.loads(in_a_new_process(LOOK.format(before=before.format(file=tmp_path / "file")),
                                        **nowhere))
    assert found["folder"] is None and found["relu"] == [0, 2] and not found["compiled"]
    # Not beside the sources either: there Numba does not notice that a called kernel has changed.
    assert found["cached"] is None


def test_the_temporary_folder_is_the_last_resort(nowhere, tmp_path):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    nowhere["TMPDIR"] = str(temporary)
    found = json.loads(in_a_new_process(LOOK.format(before=""), **nowhere))
    assert found["folder"].startswith(f"{temporary}{os.sep}nndl-cache-")
    assert found["cached"].startswith(found["folder"])
    assert found["relu"] == [0, 2] and not found["compiled"]  # not all of a training step
    assert list(temporary.rglob("activation_numba.relu*.nbi"))
    for folder in temporary.glob("nndl-cache-*"):
        assert folder.stat().st_mode & 0o077 == 0  # nobody else's code is run


def test_the_order_of_the_places(monkeypatch, tmp_path):
    for name in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    version = backends.cache_folder().name
    assert backends.cache_folder() == tmp_path / "home" / ".cache" / "nndl" / version
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert backends.cache_folder() == tmp_path / "xdg" / "nndl" / version
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "numba"))
    assert backends.cache_folder() == tmp_path / "numba" / version
    assert compiling.compiled_kinds(backends.cache_folder()) == set()
    compiling.set_compiled(backends.cache_folder(), {"these", "those"})
    assert compiling.compiled_kinds(backends.cache_folder()) == {"these", "those"}


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="needs POSIX permissions")
def test_a_folder_that_others_may_write_to_is_passed_over(monkeypatch, tmp_path):
    """A cache is code that will be run."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "numba"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    first = backends.cache_folder()
    assert first.parent == tmp_path / "numba"
    first.chmod(0o777)
    assert backends.cache_folder() == tmp_path / "xdg" / "nndl" / first.name


def test_the_folder_changes_with_the_kernels(monkeypatch, tmp_path):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    before = backends.cache_folder()
    ops = tmp_path / "package" / "ops"
    ops.mkdir(parents=True)
    (ops / "jit.py").write_text("# another kernel\n")
    monkeypatch.setattr(backends, "__file__", str(tmp_path / "package" / "backends.py"))
    other = backends.cache_folder()
    assert other != before
    (ops / "jit.py").write_text("# yet another kernel\n")
    assert backends.cache_folder() not in (before, other)


def test_running_in_two_python_threads_at_once(most):
    """Each has Numba's count for itself; the last one to leave gives BLAS its threads back."""
    fast = backends.get("numba")
    fast.threads, left, seen = 1, threading.Event(), {}

    def stay():
        with fast.running():
            entered.set()
            left.wait(10)
            seen["numba"], seen["blas"] = numba.get_num_threads(), set(blas_threads())

    with threadpool_limits(2, user_api="blas"):
        before, entered = blas_threads(), threading.Event()
        with fast.running():
            other = threading.Thread(target=stay)
            other.start()
            entered.wait(10)
        left.set()
        other.join()
        assert seen == {"numba": 1, "blas": {1}}
        assert blas_threads() == before


def test_the_process_that_compiles_gets_the_same_bits_as_those_after_it(bits_of_every_kernel):
    """A kernel just compiled and the same one out of Numba's cache must round alike."""
    compiling, later = bits_of_every_kernel
    assert compiling == later
    assert len(compiling.splitlines()) >= 23


# --- machines that lack something -----------------------------------------------------------------

AVX512 = {"avx2", "avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}
WHEEL = {"features": AVX512, "loaded": [("/numpy.libs/libopenblas.so", "Haswell")],
         "scipys": "scipy-openblas", "environment": {"HOME": "/"}, "system": ("linux", "x86_64")}


@pytest.mark.parametrize("different, why", [
    ({"environment": {"OPENBLAS_CORETYPE": "Zen"}}, "environment has OPENBLAS_CORETYPE=Zen"),
    ({"environment": {"OPENBLAS_CORETYPE": ""}}, "environment has"),
    ({"system": ("linux", "aarch64")}, "only on Linux"),
    ({"system": ("win32", "AMD64")}, "only on Linux"),
    ({"system": ("darwin", "x86_64")}, "only on Linux"),
    ({"features": set()}, "no AVX-512"),
    *[({"features": AVX512 - {lacking}}, "no AVX-512") for lacking in sorted(AVX512 - {"avx2"})],
    ({"scipys": "mkl"}, "not its own"),
    ({"scipys": None}, "not its own"),
    ({"loaded": []}, "not its own"),
    ({"loaded": [("/lib/libopenblas.so.0", "Haswell")]}, "not its own"),  # NumPy and SciPy share it
    ({"loaded": [*WHEEL["loaded"], ("/scipy.libs/libopenblas.so", "Haswell")]}, "already"),
    *[({"loaded": [(WHEEL["loaded"][0][0], kernels)]}, f"for {kernels}") for kernels in (
        "SkylakeX", "Cooperlake", "SapphireRapids", "Zen", "Prescott", "NotYetHeardOf", None)],
])
def test_no_hint_for_openblas_where_it_may_do_harm(different, why):
    hint, because = backends.blas_hint(**{**WHEEL, **different})
    assert hint is None and because.startswith("none: ") and why in because


def test_a_hint_where_openblas_takes_a_cpu_for_an_older_one():
    hint, because = backends.blas_hint(**WHEEL)
    assert hint == "SKYLAKEX" and "for Haswell" in because
    assert WHEEL["environment"] == {"HOME": "/"}


@pytest.mark.parametrize("then, hint, scipys", [
    ("del os.environ['OPENBLAS_CORETYPE']", "SKYLAKEX", "SkylakeX"),
    ("import scipy.linalg; del os.environ['OPENBLAS_CORETYPE']", "none: SciPy's", "Haswell"),
    ("pass", "none: the environment", "Haswell"),
])
def test_the_hint_reaches_scipys_openblas_and_nobody_else(then, hint, scipys):
    """Where OpenBLAS knows the CPU it can be made to look as if NumPy's did not."""
    blas = [Path(library["filepath"]) for library in threadpool_info() if library["user_api"] == "blas"]
    if {path.parent.name for path in blas} != {"numpy.libs", "scipy.libs"} or sys.platform != "linux":
        pytest.skip("needs the wheels of NumPy and SciPy for Linux")
    if not AVX512 <= backends.cpu_features():
        pytest.skip("needs a CPU with AVX-512")
    found = json.loads(in_a_new_process(f"""
        import json, os
        os.environ["OPENBLAS_CORETYPE"] = "Haswell"
        import numpy
        {then}
        from nndl import backends
        before = dict(os.environ)
        backends.get("numba")
        untouched = os.environ == before
        from threadpoolctl import threadpool_info
        print(json.dumps([backends.blas_hint_given(), untouched, *sorted(
            (library["filepath"], library["architecture"]) for library in threadpool_info()
            if library["internal_api"] == "openblas")]))
    """, OPENBLAS_CORETYPE=None))
    assert found[0].startswith(hint) and found[1]
    assert [kernels for _, kernels in found[2:]] == ["Haswell", scipys]  # NumPy's, SciPy's


TRAIN_A_LITTLE = """
import hashlib
import numpy as np
from nndl import ConvPool, Dense, Network, Softmax
rng = np.random.default_rng(0)
x, y = rng.integers(0, 256, (30, 28, 28), np.uint8), rng.integers(0, 10, 30)
net = Network([ConvPool(20, 5), Dense(10), Softmax()], backend="numba")
net.SGD((x, y), 1, 10, 0.1, 1.0, progress=False)
weights = [getattr(layer, name) for layer in net.layers for name in layer.parameters]
assert all(np.isfinite(w).all() for w in weights)
bits = hashlib.sha256(b"".join(np.ascontiguousarray(w).tobytes() for w in weights)).hexdigest()
"""


def trained_and_info(before, **environment):
    """Train a little and run nndl info where `before` has been run first.  Returns info's rows."""
    out = in_a_new_process(f"{before}\n{TRAIN_A_LITTLE}\nprint(bits)\n"
                           "from nndl import cli\nassert cli.main(['info']) == 0", **environment)
    bits, *lines = out.splitlines()
    here = {}
    exec(TRAIN_A_LITTLE, here)
    assert bits == here["bits"]  # whatever it lacks, it learns the same
    return dict(re.split(r" {2,}", line, maxsplit=1) for line in lines)


@pytest.mark.parametrize("before, environment, advice", [
    ("import sys; sys.modules['numba.np.ufunc.omppool'] = sys.modules['numba.np.ufunc.tbbpool'] = None",
     {"NUMBA_THREADING_LAYER": None, "NUMBA_THREADING_LAYER_PRIORITY": None}, "install libgomp"),
    ("", {"NUMBA_THREADING_LAYER": "workqueue"}, "the environment asks for workqueue"),
], ids=["not there", "not wanted"])
def test_a_machine_without_omp(before, environment, advice):
    info = trained_and_info(before, **environment)
    assert info["threading layer"].startswith("workqueue; ") and advice in info["threading layer"]


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="affinity is Linux's")
def test_a_machine_with_one_core():
    info = trained_and_info("import os; os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])",
                            NUMBA_NUM_THREADS=None)
    assert info["threads"].startswith("1 of 1 usable core")
    assert "on one core nothing runs side by side" in info["threads"]


def test_a_cpu_without_avx512(tmp_path):
    """Numba and OpenBLAS are told that it is a Haswell; the kernels are compiled for that."""
    if platform.machine().lower() not in ("x86_64", "amd64"):
        pytest.skip("needs an x86-64")
    out = in_a_new_process("""
        import numpy as np
        from threadpoolctl import threadpool_info
        from nndl import backends
        from nndl.selftest import FLOAT32
        rng = np.random.default_rng(0)
        a, w, b = (rng.normal(size=shape).astype("float32") for shape in ((700, 37), (30, 37), (30,)))
        results = []
        for ops in (backends.get("numpy"), backends.get("numba")):
            with ops.running():
                results.append(ops.relu_forward(ops.dense_forward(a, w, b)))
        bound = FLOAT32 * np.max(abs(a) @ abs(w).T + abs(b))
        assert 0 <= abs(results[0] - results[1]).max() < bound and results[0].max() > 1
        from nndl.ops import activation_numba
        assembly, = activation_numba.relu.inspect_asm().values()
        assert "ymm" in assembly and "zmm" not in assembly  # 256 bits, not 512
        print({library["architecture"] for library in threadpool_info()
               if library["internal_api"] == "openblas"} <= {"Haswell"})
    """, NUMBA_CACHE_DIR=str(tmp_path), OPENBLAS_CORETYPE="Haswell", NUMBA_CPU_NAME="haswell",
        NUMBA_CPU_FEATURES="+avx2,+fma,+bmi,+bmi2,+f16c,+lzcnt,+movbe,+popcnt,+sse4.2")
    assert out.split() == ["True"]
