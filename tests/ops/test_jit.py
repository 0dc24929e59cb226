"""What the Numba files share: blocks, and the sum of listed patches."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nndl.ops.jit import BLOCKS, add_patches, add_runs, first, share, sum_shares
from tests.strategies import dtypes, seeds, sizes


@pytest.mark.parametrize("n", [0, 1, BLOCKS - 1, BLOCKS, BLOCKS + 1, 1000])
def test_blocks_are_nearly_equal_and_cover_all(n):
    begins = [first(block, n) for block in range(BLOCKS + 1)]
    assert begins[0] == 0 and begins[-1] == n
    assert all(n // BLOCKS <= length <= -(-n // BLOCKS) for length in np.diff(begins))
    x = np.arange(n, dtype=float)
    parts = [share(block, x) for block in range(BLOCKS)]
    assert np.array_equal(np.concatenate(parts), x)
    assert all(np.shares_memory(part, x) for part in parts if part.size)


@given(n=sizes(40), dtype=dtypes, seed=seeds)
def test_shares_are_summed_in_the_order_of_blocks(n, dtype, seed):
    rng = np.random.default_rng(seed)
    shares = rng.normal(size=(BLOCKS, n)) * 10.0 ** rng.integers(-6, 7, (BLOCKS, n))
    shares = shares.astype(dtype)
    expected = shares[0].copy()
    for other in shares[1:]:
        expected += other
    out = np.full(n, 99, dtype)
    sum_shares(shares, out)
    assert out.tobytes() == expected.tobytes()


@given(rows=sizes(3), run=sizes(20), listed=st.integers(0, 9), at=sizes(4),
       steps=st.tuples(st.integers(0, 25), st.integers(0, 25)), dtype=dtypes, seed=seeds)
def test_add_patches(rows, run, listed, at, steps, dtype, seed):
    """By fours and one by one; a step of 0 takes the same run again.  Whole numbers, so exactly."""
    rng = np.random.default_rng(seed)
    target_step, source_step = steps
    source = rng.integers(-9, 10, 30 + 2 * 25 + run).astype(dtype)
    target = rng.integers(-9, 10, at + 2 * 25 + run + 3).astype(dtype)
    d = rng.integers(-9, 10, listed).astype(dtype)
    begin = rng.integers(0, 30, listed + 2)
    expected = target.copy()
    for q in range(listed):
        for u in range(rows):
            t, s = at + u * target_step, begin[q] + u * source_step
            expected[t:t + run] += d[q] * source[s:s + run]
    add_patches(target, at, target_step, source, begin, source_step, d, rows, run)
    assert np.array_equal(target, expected)


@given(run=sizes(20), listed=st.integers(0, 9), dtype=dtypes, seed=seeds)
def test_add_runs(run, listed, dtype, seed):
    rng = np.random.default_rng(seed)
    source, target = (rng.integers(-9, 10, size).astype(dtype) for size in (30 + run, run))
    d, begin = rng.integers(-9, 10, listed).astype(dtype), rng.integers(0, 30, listed)
    expected = target + sum((d[q] * source[begin[q]:begin[q] + run] for q in range(listed)), dtype(0))
    add_runs(target, source, begin, d)
    assert np.array_equal(target, expected)
