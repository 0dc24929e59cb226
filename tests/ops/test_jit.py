"""What the Numba files share: blocks, memory, and the sum of listed patches."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nndl.ops import jit
from nndl.ops.jit import BLOCKS, add_patches, buffer, first, remembered, share, sum_shares
from tests.ops.checks import laid_out
from tests.strategies import dtypes, layouts, seeds, shapes, sizes


@pytest.mark.parametrize("n", [0, 1, BLOCKS - 1, BLOCKS, BLOCKS + 1, 1000])
def test_blocks_are_nearly_equal_and_cover_all(n):
    begins = [first(block, n) for block in range(BLOCKS + 1)]
    assert begins[0] == 0 and begins[-1] == n
    assert all(n // BLOCKS <= length <= -(-n // BLOCKS) for length in np.diff(begins))
    x = np.arange(n, dtype=float)
    parts = [share(block, x) for block in range(BLOCKS)]
    assert np.array_equal(np.concatenate(parts), x)
    assert all(np.shares_memory(part, x) for part in parts if part.size)


@given(shape=shapes(most=5), dtype=dtypes, seed=seeds)
def test_shares_are_summed_in_the_order_of_blocks(shape, dtype, seed):
    rng = np.random.default_rng(seed)
    shares = (rng.normal(size=(BLOCKS, *shape)) * 10.0 ** rng.integers(-6, 7, (BLOCKS, *shape)))
    shares = shares.astype(dtype)
    expected = shares[0].copy()
    for other in shares[1:]:
        expected += other
    out = np.full(shape, 99, dtype)
    assert sum_shares(shares, out) is out
    assert out.tobytes() == expected.tobytes()


@given(rows=sizes(3), run=sizes(20), listed=st.integers(0, 9), before=st.integers(0, 3), at=sizes(4),
       steps=st.tuples(st.integers(0, 25), st.integers(0, 25)), dtype=dtypes, seed=seeds)
def test_add_patches(rows, run, listed, before, at, steps, dtype, seed):
    """By fours and one by one; a step of 0 takes the same run again.  Whole numbers, so exactly."""
    rng = np.random.default_rng(seed)
    target_step, source_step = steps
    source = rng.integers(-9, 10, 30 + 2 * 25 + run).astype(dtype)
    target = rng.integers(-9, 10, at + 2 * 25 + run + 3).astype(dtype)
    d = rng.integers(-9, 10, before + listed + 2).astype(dtype)
    begin = rng.integers(0, 30, d.size)
    expected = target.copy()
    for q in range(before, before + listed):
        for u in range(rows):
            t, s = at + u * target_step, begin[q] + u * source_step
            expected[t:t + run] += d[q] * source[s:s + run]
    add_patches(target, at, target_step, source, begin, source_step, d, before, before + listed, rows,
                run)
    assert np.array_equal(target, expected)


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


def test_what_was_settled_is_remembered_for_these_shapes_types_and_options():
    calls, work = [], {}

    def settle(x, options=None, work=work, name="forward"):
        def prepare():
            calls.append(x.shape)
            return len(calls)
        return remembered(work, name, (x, x), options, prepare)

    assert [settle(np.ones(3)) for _ in range(3)] == [1, 1, 1]
    assert [settle(np.ones(4)), settle(np.ones(4)), settle(np.ones(3))] == [2, 2, 3]
    assert [settle(np.ones(3, "f")), settle(np.ones(3, "f"), (2, 2))] == [4, 5]
    assert [settle(np.ones(3, "f"), (2, 2), name="backward")] == [6]
    assert [settle(np.ones(3, "f"), (2, 2)), settle(np.zeros(3, "f"), (2, 2))] == [5, 5]
    assert [settle(np.ones(3), work=None), settle(np.ones(3), work=None)] == [7, 8]


def test_nothing_is_remembered_of_what_was_refused():
    work = {}

    def refuse():
        raise ValueError("wrong")

    for _ in range(2):
        with pytest.raises(ValueError, match="wrong"):
            remembered(work, "forward", (np.ones(3),), None, refuse)
    assert remembered(work, "forward", (np.ones(3),), None, lambda: 5) == 5


@given(shape=shapes(), layout=layouts, seed=seeds)
def test_orders_in_memory(shape, layout, seed):
    x = laid_out(np.random.default_rng(seed).normal(size=shape), layout)
    there = jit.in_memory_order(x)
    assert there.flags.c_contiguous
    assert np.array_equal(jit.in_logical_order(there), x)
    if len(shape) == 4:
        m, c, h, w = shape
        assert there.shape == (m, h, w, c)
        assert np.shares_memory(there, x) == x.transpose(0, 2, 3, 1).flags.c_contiguous
