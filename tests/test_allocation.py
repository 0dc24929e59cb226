"""A training step allocates nothing that stays, and next to nothing that goes.

nndl/ops/__init__.py promises it of the operations.  Python's and NumPy's memory is what tracemalloc
sees.  Of a kernel's, Numba counts the allocations: one for each array that it is handed, to keep hold
of it, and those that the kernel makes itself, which are to be none.
"""

import contextlib
import ctypes
import functools
import gc
import sys
import tracemalloc

import numba
import numpy as np
import pytest
from numba.core.dispatcher import Dispatcher
from numba.core.runtime import rtsys

from nndl import LSTM, Dense, Embedding, Layer, Network, Sequences, Softmax
from nndl.network import STEPS_AT_ONCE
from tests.nets import digits, network

STAYS = 16_000     # bytes that 50 steps may leave behind, all together: 320 a step
# What comes and goes within a step.  NumPy turns bytes into floats through a buffer of 8192 numbers;
# dropout draws 4 random bytes for each of up to 1000 neurons of 10 examples, and its mask from them.
TRANSIENT = {"A": 40_000, "B": 60_000, "C": 40_000, "R": 40_000}
STEPS = 50


def steps_of(net, data, steps, each, mini_batch_size=10, **options):
    """Let SGD take so many steps, calling each(number) after each of them."""
    update, count = net.update_mini_batch, 0

    def update_mini_batch(*arguments, **more):
        nonlocal count
        update(*arguments, **more)
        each(count)
        count += 1

    net.update_mini_batch = update_mini_batch
    n = steps * mini_batch_size
    net.SGD((data[0][:n], data[1][:n]), 1, mini_batch_size, 0.01, progress=False, **options)
    del net.update_mini_batch
    assert count == steps


def check_traced(net, data, transient, **options):
    """Traced memory stays within STAYS after the third step, and no step takes `transient` more."""
    now, peak = np.zeros((2, STEPS + 3), int)

    def look(step):
        now[step], peak[step] = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()

    # Which path a step takes may depend on the numbers: first a copy of the network takes them, so that
    # all kernels are loaded.
    steps_of(net.copy(), data, STEPS + 3, lambda step: None, **options)
    gc.collect()
    tracemalloc.start()
    try:
        steps_of(net, data, STEPS + 3, look, **options)
    finally:
        tracemalloc.stop()
    stays, comes = now[-1] - now[2], (peak[3:] - now[2:-1]).max()
    assert stays < STAYS, f"{STEPS} steps leave {stays:,} bytes behind"
    assert comes < transient, f"a step takes {comes:,} bytes more meanwhile"


@pytest.mark.parametrize("name", "ABCR")
def test_a_step_leaves_nothing_behind(name):
    check_traced(network(name), digits(10 * (STEPS + 3)), TRANSIENT[name])


@pytest.mark.parametrize("name", "AC")
def test_mini_batches_of_two_sizes_leave_nothing_behind(name):
    """The last, short one of each epoch, and the next epoch's first."""
    net, data = network(name), digits(47)
    before = net.copy()
    for one, epochs in (before, 11), (net, 1):
        one.update_mini_batch = one.update_mini_batch  # C, too, layer by layer
        one.SGD(data, epochs, 10, 0.01, progress=False)
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        net.SGD(data, 10, 10, 0.01, progress=False)  # 50 steps
        # And what SGD itself makes, the history, the memory that mini-batches are gathered in; and what
        # Flatten makes anew where their size changes.
        assert tracemalloc.get_traced_memory()[0] - before < STAYS + 90_000
    finally:
        tracemalloc.stop()


def test_a_step_over_symbols_and_masks_allocates_next_to_nothing():
    """Labels at each step, of which not all count, and the gradient clipped; no whole array is made."""
    net = Network([Embedding(50), LSTM(64), Dense(50), Softmax()], input_shape=(None,))
    rng = np.random.default_rng(0)
    x = Sequences(rng.integers(0, 50, (530, 40)), rng.integers(1, 41, 530))
    y = rng.integers(-1, 50, (530, 40))
    one_array = 10 * 40 * 50 * 4
    check_traced(net, (x, y), one_array, clip=1.0)


class Hoarder(Layer):
    """Hands on what comes, and keeps a copy of some of it for ever."""

    def __init__(self, numbers):
        self.numbers, self.kept = numbers, []

    def forward(self, a, training=False):
        self.kept.append(a.ravel()[:self.numbers].copy())
        return a

    def backward(self, d):
        return d


class Spendthrift(Layer):
    """Makes arrays that it does not need."""

    def forward(self, a, training=False):
        return a + np.zeros(a.shape[1:], a.dtype)

    def backward(self, d):
        return d


def test_a_layer_that_keeps_an_array_each_step_is_found():
    with pytest.raises(AssertionError, match="leave .* bytes behind"):
        check_traced(network("C", [Hoarder(100)]), digits(10 * (STEPS + 3)), TRANSIENT["C"])


def test_a_layer_that_makes_an_array_each_step_is_found():
    with pytest.raises(AssertionError, match="bytes more meanwhile"):
        check_traced(network("C", [Spendthrift()]), digits(10 * (STEPS + 3)), TRANSIENT["C"])


# --- the whole process ----------------------------------------------------------------------------

def resident():
    """Bytes of the process that are in memory."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * 4096
    except FileNotFoundError:
        pytest.skip("resident memory is read from Linux's /proc")


def growth(net, steps, mini_batch_size=4):
    """How many bytes the process grows by between half of the steps and all."""
    seen, data = np.zeros(steps, int), digits(mini_batch_size * steps)
    net.compile((data[0][:mini_batch_size], data[1][:mini_batch_size]))
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):  # what is free already would hide what comes
        ctypes.CDLL(None).malloc_trim(0)

    def look(step):
        seen[step] = resident()

    steps_of(net, data, steps, look, mini_batch_size)
    return seen[-1] - seen[steps // 2]  # by then all is compiled, 500 steps of C in one call


@pytest.mark.parametrize("name, steps", [("A", 2000), ("B", 100), ("C", 2000)])
def test_the_process_does_not_grow(name, steps):
    """A leak would show each time; another thread's page, or the allocator's, will not."""
    assert any(growth(network(name), steps) < 1_000_000 for _ in range(3))


def test_a_process_that_grows_is_found():
    assert growth(network("C", [Hoarder(2000)]), 1000) > 2_000_000


# --- inside the kernels ---------------------------------------------------------------------------

@functools.cache
def kernels():
    """(module, name) of all kernels that Python calls: those that no kernel beside them does."""
    found = []
    for key, module in sorted(sys.modules.items()):
        if key.startswith("nndl.ops."):
            mine = {name: kernel for name, kernel in vars(module).items()
                    if isinstance(kernel, Dispatcher) and kernel.py_func.__module__ == key}
            inside = {name for kernel in mine.values() for name in kernel.py_func.__code__.co_names}
            found += [(module, name) for name in mine if name not in inside]
    return found


def allocated_inside(kernel, arguments):
    """How many allocations a call makes beyond one for each array that it is handed; its result."""
    before = rtsys.get_allocation_stats()
    result = kernel(*arguments)
    after = rtsys.get_allocation_stats()
    assert after.alloc - before.alloc == after.free - before.free, "something was not freed"
    return after.alloc - before.alloc - sum(isinstance(x, np.ndarray) for x in arguments), result


@pytest.fixture
def counted(monkeypatch):
    """Whatever kernels allocate from now on: (name, how often), for each call."""
    try:
        rtsys.get_allocation_stats()
    except RuntimeError:
        pytest.skip("Numba counts no allocations: NUMBA_NRT_STATS=0")
    calls = []

    def counting(name, kernel):
        def call(*arguments):
            extra, result = allocated_inside(kernel, arguments)
            calls.append((name, extra))
            return result
        return call

    for module, name in kernels():
        monkeypatch.setattr(module, name, counting(f"{module.__name__}.{name}", getattr(module, name)))
    return calls


@pytest.mark.parametrize("name", "ABCR")
@pytest.mark.parametrize("mini_batch_size", [10, 7, 100])
def test_kernels_allocate_nothing(name, mini_batch_size, counted):
    net, data = network(name), digits(3 * mini_batch_size)
    steps_of(net, data, 3, lambda step: None, mini_batch_size)
    assert len(counted) >= 3 * len(net.layers)
    assert {kernel for kernel, extra in counted if extra} == set()


def test_a_small_dense_network_allocates_nothing_between_its_steps(counted):
    net, data = network("C"), digits(700)
    net.SGD(data, 2, 1, 0.01, progress=False)
    names = [name for name, _ in counted]
    assert names == ["nndl.ops.dense_epoch_numba._dense_epoch"] * 4 and 700 > STEPS_AT_ONCE
    assert not any(extra for _, extra in counted)
    gc.collect()
    tracemalloc.start()
    try:
        net.SGD(data, 1, 1, 0.01, progress=False)
        # The data's order, its weights behind one another: not by the step.
        assert tracemalloc.get_traced_memory()[1] < 300_000
    finally:
        tracemalloc.stop()


def test_a_kernel_that_allocates_is_found(counted):
    @numba.njit
    def wasteful(x, y):
        return np.dot(x, y.T)[0, 0]  # an array for the product

    @numba.njit
    def thrifty(x, y):
        return x[0, 0] * y[0, 0]

    x = np.ones((3, 3))
    wasteful(x, x), thrifty(x, x)
    assert allocated_inside(wasteful, (x, x))[0] == 1
    assert allocated_inside(thrifty, (x, x))[0] == 0
