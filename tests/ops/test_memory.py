"""The memory of operations: buffers, what is settled once, and the order of axes."""

import numpy as np
import pytest
from hypothesis import given

from nndl.ops.memory import (
    LINE,
    buffer,
    channels_first,
    channels_last,
    in_logical_order,
    in_memory_order,
    in_order,
    memory_shape,
    remembered,
    rows_of_steps,
    seen_as,
    steps_of_rows,
)
from tests.ops.checks import laid_out
from tests.strategies import layouts, seeds, shapes


def test_a_buffer_is_used_again():
    assert buffer(None, "z", (2, 3), "float32") is not buffer(None, "z", (2, 3), "float32")
    work = {}
    z = buffer(work, "z", (4, 3), np.float32)
    assert z.shape == (4, 3) and z.dtype == np.float32 and z.flags.c_contiguous
    assert buffer(work, "z", (4, 3), np.float32) is z
    less = buffer(work, "z", (2, 3), np.float32)
    assert less.shape == (2, 3) and np.shares_memory(less, z)
    again = buffer(work, "z", (4, 3), np.float32)
    assert again.shape == (4, 3) and np.shares_memory(again, z)
    assert not np.shares_memory(buffer(work, "a", (4, 3), np.float32), z)
    more = buffer(work, "z", (5, 3), np.float32)
    assert more.shape == (5, 3) and not np.shares_memory(more, z)
    double = buffer(work, "z", (5, 3), np.float64)
    assert double.dtype == np.float64 and not np.shares_memory(double, more)
    assert buffer(work, "z", (0, 3), np.float64).shape == (0, 3)


def test_a_buffer_begins_with_a_line_of_cache():
    kept = [buffer(work, "z", (n,), dtype) for n in range(1, 9) for dtype in (np.float32, np.float64)
            for work in (None, {})]
    assert LINE == 64 and all(x.ctypes.data % 64 == 0 for x in kept)


def test_sequences_and_their_rows():
    """In memory the steps come first: rows are those of step 0, then those of step 1."""
    x = np.arange(24.0).reshape(2, 3, 4)
    assert rows_of_steps(x).tolist() == [x[i, s].tolist() for s in range(3) for i in range(2)]
    assert np.array_equal(steps_of_rows(2)(rows_of_steps(x)), x)
    mine = in_logical_order(np.empty((3, 2, 4)))
    assert np.shares_memory(rows_of_steps(mine), mine) and not np.shares_memory(rows_of_steps(x), x)
    assert memory_shape((2, 3, 4)) == (3, 2, 4) and in_order(mine) and not in_order(x)


def test_a_view_is_the_same_object_for_the_same_array_and_a_copy_is_made_anew():
    work, x, other = {}, np.ones((2, 3)), np.zeros((2, 3))
    view = seen_as(work, "view", x, np.transpose)
    assert seen_as(work, "view", x, np.transpose) is view
    assert seen_as(work, "view", other, np.transpose).base is other
    x[0, 0] = 7
    assert seen_as(work, "copy", x, np.array)[0, 0] == 7
    x[0, 0] = 8
    assert seen_as(work, "copy", x, np.array)[0, 0] == 8  # what it was before is of no use


def test_what_was_settled_is_remembered_for_these_arrays_and_options():
    calls, kept, x, y = [], {}, np.ones(3), np.ones(3)

    def prepare(work, *given):
        calls.append((work, *given))
        return len(calls)

    def another(*given):
        return -prepare(*given)

    def settle(*arrays, options=(), work=kept, prepare=prepare):
        return remembered(work, prepare, arrays, *options)

    assert [settle(x, y) for _ in range(3)] == [1, 1, 1]
    x[0] = 5
    assert settle(x, y) == 1                      # the numbers may change
    assert [settle(x, x), settle(x, y), settle(x, y)] == [2, 3, 3]
    assert [settle(y, None), settle(x, None), settle(x, None)] == [4, 5, 5]
    assert [settle(x, None, options=(2, "max")) for _ in range(2)] == [6, 6]
    assert calls[-1] == (kept, x, None, 2, "max")
    assert settle(x, None, options=(3, "max")) == 7
    assert [settle(x, None, prepare=another), settle(x, None, options=(3, "max"))] == [-8, 7]
    assert settle(x[:], None, options=(3, "max")) == 9
    assert [settle(x, work=None), settle(x, work=None)] == [10, 11]


@pytest.mark.parametrize("x, times", [
    (np.ones((2, 3)), 1), (np.ones((3, 2)).T, 2), (np.ones((2, 4, 5, 3)).transpose(0, 3, 1, 2), 1),
    (np.ones((2, 3, 4, 5)), 2), (np.ones((2, 1, 4, 5)), 1), (None, 1)])
def test_what_prepare_must_copy_is_settled_each_time(x, times):
    calls, work, other = [], {}, np.ones(1)

    def prepare(work, other, x):
        calls.append(1)

    for _ in range(2):
        remembered(work, prepare, (other, x))
    assert len(calls) == times
    assert in_order(x) == (times == 1)


def test_nothing_is_remembered_of_what_was_refused():
    work = {}

    def refuse(work, x):
        if wrong:
            raise ValueError("wrong")
        return 5

    wrong, x = True, np.ones(3)
    for _ in range(2):
        with pytest.raises(ValueError, match="wrong"):
            remembered(work, refuse, (x,))
    wrong = False
    assert remembered(work, refuse, (x,)) == 5


@given(shape=shapes(), layout=layouts, seed=seeds)
def test_orders_in_memory(shape, layout, seed):
    x = laid_out(np.random.default_rng(seed).normal(size=shape), layout)
    there = in_memory_order(x)
    assert there.flags.c_contiguous
    assert np.array_equal(in_logical_order(there), x)
    if len(shape) == 4:
        m, c, h, w = shape
        assert there.shape == channels_last(x).shape == (m, h, w, c)
        assert np.array_equal(channels_first(channels_last(x)), x)
        assert np.shares_memory(there, x) == x.transpose(0, 2, 3, 1).flags.c_contiguous
