"""The same seed trains to the same bits, whatever the number of threads.

Work is cut into a fixed number of blocks, whose sums are added in order; threads only choose who
computes which.  A kernel that added in the order in which threads are done would be found here, and
so would one whose thread reads another's scratch memory.
"""

import numba
import numpy as np
import pytest

from nndl import backends
from nndl.ops import dense_step_numba
from tests.nets import digits, network

STEPS = {"A": 200, "B": 20, "C": 200}


@pytest.fixture
def fast(monkeypatch):
    """The Numba backend; its number of threads is put back."""
    ops = backends.get("numba")
    monkeypatch.setattr(ops, "threads", ops.threads)
    if numba.config.NUMBA_NUM_THREADS < 2:
        pytest.skip("NUMBA_NUM_THREADS leaves nothing to compare")
    return ops


def trained(ops, name, mini_batch_size, threads, layer_by_layer):
    """The bytes of all weights and biases after the steps, the last of them a short mini-batch."""
    ops.threads = threads
    net = network(name)
    if layer_by_layer:
        net.update_mini_batch = net.update_mini_batch
    with ops.running():
        assert numba.get_num_threads() == threads
        data = digits(STEPS[name] * mini_batch_size - 1)
        net.SGD(data, 1, mini_batch_size, 0.05, 1.0, progress=False)
    weights = [getattr(layer, each) for layer in net.layers for each in layer.parameters]
    assert all(np.isfinite(w).all() for w in weights)
    return [np.ascontiguousarray(w).tobytes() for w in weights]


@pytest.mark.parametrize("name, layer_by_layer", [("A", True), ("B", True), ("C", True), ("C", False)])
@pytest.mark.parametrize("mini_batch_size", [10, 7])
def test_training_ends_in_the_same_bits(fast, name, mini_batch_size, layer_by_layer):
    most = min(4, numba.config.NUMBA_NUM_THREADS)
    results = {(threads, time): trained(fast, name, mini_batch_size, threads, layer_by_layer)
               for threads in range(1, most + 1) for time in range(2 if threads == most else 1)}
    first = results[1, 0]
    assert first != [np.ascontiguousarray(getattr(layer, each)).tobytes()
                     for layer in network(name).layers for each in layer.parameters]
    assert {run: [i for i, (one, other) in enumerate(zip(first, weights)) if one != other]
            for run, weights in results.items()} == {run: [] for run in results}


def test_a_sum_in_another_order_is_found(fast, monkeypatch):
    """As it would be, were it the order in which threads are done."""
    def sum_shares(shares, out):
        order = range(8) if fast.threads == 1 else range(7, -1, -1)
        out[...] = 0
        for block in order:
            out += shares[block]
        return out

    monkeypatch.setattr(dense_step_numba, "sum_shares", sum_shares)
    one, again, two = (trained(fast, "A", 7, threads, True) for threads in (1, 1, 2))
    assert one == again and one != two
