"""Mini-batches gathered from the data."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ops.checks import left_alone, refuses
from tests.strategies import dtypes, seeds, sizes

kinds = st.sampled_from(["uint8", "float32", "float64"])


@given(n=sizes(9), m=sizes(20), n_in=sizes(40), k=sizes(4), n_out=sizes(4), kind=kinds, dtype=dtypes,
       seed=seeds)
def test_numba_gathers_the_same_bits_as_numpy(reference, fast, n, m, n_in, k, n_out, kind, dtype, seed):
    rng = np.random.default_rng(seed)
    images = (rng.random((n, n_in)) * 256).astype(kind)
    rows, which = rng.normal(size=(k, n_out)).astype(dtype), rng.integers(0, k, n)
    some, got = rng.integers(0, n, m), []
    for ops in (reference, fast):
        x, y = np.full((m, n_in), 9, dtype), np.full((m, n_out), 9, dtype)
        with left_alone(images, rows, which, some):
            ops.gather(images, rows, which, some, x, y)
        got += [(x.tobytes(), y.tobytes())]
    assert got[0] == got[1]


def test_by_hand(ops):
    images = np.array([[0, 64, 255], [128, 1, 2]], np.uint8)
    rows, which = np.eye(3), np.array([2, 0])
    x, y = np.empty((3, 3)), np.empty((3, 3))
    ops.gather(images, rows, which, np.array([1, 0, 1]), x, y)
    assert x.tolist() == [[1 / 2, 1 / 256, 1 / 128], [0, 1 / 4, 255 / 256], [1 / 2, 1 / 256, 1 / 128]]
    assert y.tolist() == [[1, 0, 0], [0, 0, 1], [1, 0, 0]]


GIVEN = {"images": np.zeros((4, 3)), "rows": np.eye(2), "which": np.zeros(4, int),
         "some": np.array([3, 0]), "x": np.zeros((2, 3)), "y": np.zeros((2, 2))}


@pytest.mark.parametrize("wrong, error, words", [
    ({"x": np.zeros((2, 4))}, ValueError, ("x must", "(2, 3)", "(2, 4)")),
    ({"y": np.zeros((3, 2))}, ValueError, ("y must", "(2, 2)", "(3, 2)")),
    ({"some": np.array([4, 0])}, ValueError, ("some must be from 0 to 3", "0 to 4")),
    ({"some": np.array([-1, 0])}, ValueError, ("some must be from 0 to 3", "-1 to 0")),
    ({"which": np.full(4, 2)}, ValueError, ("which must be from 0 to 1", "2 to 2")),
    ({"which": np.zeros(3, int)}, ValueError, ("which must have 4", "not 3")),
    ({"images": np.zeros((4, 3), int)}, TypeError, ("images must be bytes", "int64")),
    ({"y": np.zeros((2, 2), "float32")}, TypeError, ("y is float32", "x is float64")),
])
def test_refuses(wrong, error, words):
    refuses(lambda ops: ops.gather(**GIVEN | wrong), error, *words)
