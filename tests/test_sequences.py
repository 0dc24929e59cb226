"""Sequences of unequal length: which steps there are, and what is refused."""

import re

import numpy as np
import pytest

from nndl import Sequences
from nndl.data.sequences import parted

PADDED = np.arange(24).reshape(3, 4, 2)


def refused(make, error, said):
    """Whether `make` is refused with exactly this message."""
    with pytest.raises(error, match=f"^{re.escape(said)}$"):
        make()


# --- what there is --------------------------------------------------------------------------------

def test_lengths_are_steps_from_the_beginning():
    x = Sequences(PADDED, [1, 4, 2])
    np.testing.assert_array_equal(x.valid, [[1, 0, 0, 0], [1, 1, 1, 1], [1, 1, 0, 0]])
    assert x.valid.dtype == bool
    np.testing.assert_array_equal(x.padded, PADDED * x.valid[..., None])
    np.testing.assert_array_equal(x.lengths, [1, 4, 2])


@pytest.mark.parametrize("anything", [np.nan, np.inf, -1])
def test_what_stands_where_there_is_no_step_does_not_matter(anything):
    padded = PADDED.astype(float)
    padded[0, 1:] = anything
    before = padded.copy()
    x = Sequences(padded, [1, 4, 4])
    assert (x.padded[0, 1:] == 0).all() and (x.padded[1:] == PADDED[1:]).all()
    np.testing.assert_array_equal(padded, before)  # the caller's own array stays as it is


def test_valid_may_leave_out_any_steps():
    valid = np.array([[0, 1, 0, 1], [1, 0, 0, 0], [1, 1, 1, 1]], bool)
    x = Sequences(PADDED, valid=valid)
    np.testing.assert_array_equal(x.valid, valid)
    np.testing.assert_array_equal(x[0], PADDED[0, [1, 3]])


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.uint16, np.int64])
def test_lengths_are_ints_of_any_kind(dtype):
    assert Sequences(PADDED, np.array([1, 2, 3], dtype)).valid.sum() == 6


def test_of_pads_with_nothing_and_keeps_the_type():
    one, two = np.array([[1, 2], [3, 4]], np.float32), np.array([[5, 6]], np.float32)
    x = Sequences.of([one, two])
    np.testing.assert_array_equal(x.padded, [[[1, 2], [3, 4]], [[5, 6], [0, 0]]])
    np.testing.assert_array_equal(x.valid, [[True, True], [True, False]])
    assert x.dtype == np.float32
    for there, back in zip((one, two), x):
        np.testing.assert_array_equal(back, there)


def test_of_takes_the_wider_type():
    x = Sequences.of([np.ones(2), np.ones(3, np.float32), [1, 2]])
    assert x.dtype == np.float64 and x.lengths.tolist() == [2, 3, 2]


def test_of_takes_symbols_and_lists():
    x = Sequences.of([[3], [1, 2, 3], np.array([5, 6])])
    np.testing.assert_array_equal(x.padded, [[3, 0, 0], [1, 2, 3], [5, 6, 0]])
    assert x.dtype.kind == "i" and x.shape == (3, 3)


def test_it_looks_like_an_array():
    x = Sequences(PADDED.astype(np.float32), [1, 4, 2])
    assert (x.shape, x.dtype, x.ndim, len(x)) == ((3, 4, 2), np.float32, 3, 3)
    assert repr(x) == "<3 sequences of 1 to 4 steps>"
    # Counted by what is there, not by where it is.
    assert repr(Sequences(PADDED, valid=np.array([[0, 0, 1, 1]] * 3, bool))) == (
        "<3 sequences of 2 to 2 steps>")
    assert repr(x[[]]) == "<0 sequences>"


@pytest.mark.parametrize("some", [slice(1, 3), [2, 0], np.array([1, 1, 0]),
                                  np.array([True, False, True])])
def test_some_sequences_keep_their_steps(some):
    x = Sequences(PADDED, [1, 4, 2])
    y = x[some]
    assert isinstance(y, Sequences)
    np.testing.assert_array_equal(y.padded, x.padded[some])
    np.testing.assert_array_equal(y.valid, x.valid[some])


@pytest.mark.parametrize("number", [0, 2, -2, np.int64(1)])
def test_one_sequence_is_its_steps_alone(number):
    one = Sequences(PADDED, [1, 4, 2])[number]
    assert type(one) is np.ndarray
    np.testing.assert_array_equal(one, PADDED[number, :(1, 4, 2)[number]])


def test_parted_is_the_array_and_its_steps():
    x = Sequences(PADDED, [1, 4, 2])
    assert parted(x)[0] is x.padded and parted(x)[1] is x.valid
    assert parted(PADDED)[0] is PADDED and parted(PADDED)[1] is None


# --- what is refused ------------------------------------------------------------------------------

@pytest.mark.parametrize("shape", [(), (3,), (3, 0), (3, 0, 2)])
def test_without_steps_there_are_no_sequences(shape):
    refused(lambda: Sequences(np.zeros(shape), [1] * 3), ValueError,
            "padded must have shape (n, t, ...), a row of at least one step for each sequence, not "
            f"{shape}")


@pytest.mark.parametrize("steps", [{}, {"lengths": [1, 2, 3], "valid": np.ones((3, 4), bool)}])
def test_which_steps_there_are_is_said_once(steps):
    refused(lambda: Sequences(PADDED, **steps), TypeError,
            "say either lengths, how many steps each sequence has, or valid, which steps there are")


@pytest.mark.parametrize("lengths, said", [
    ([1, 2], "int64 (2,)"), ([1, 2, 3, 4], "int64 (4,)"), (2, "int64 ()"),
    ([[1], [2], [3]], "int64 (3, 1)"), ([1.0, 2.0, 3.0], "float64 (3,)"),
    ([True, True, True], "bool (3,)")])
def test_a_length_for_each_sequence(lengths, said):
    refused(lambda: Sequences(PADDED, lengths), ValueError,
            f"lengths must be 3 ints, one for each sequence, not {said}")


@pytest.mark.parametrize("lengths, wrong", [
    ([1, 0, 4], 0), ([-1, 2, 2], -1), ([1, 5, 2], 5), ([0, 5, 2], 0)])
def test_lengths_within_the_room(lengths, wrong):
    refused(lambda: Sequences(PADDED, lengths), ValueError,
            f"lengths must be from 1 to 4, the steps that padded has room for, not {wrong}")


@pytest.mark.parametrize("valid, said", [
    (np.ones((3, 3), bool), "bool (3, 3)"), (np.ones((4, 3), bool), "bool (4, 3)"),
    (np.ones((3, 4, 2), bool), "bool (3, 4, 2)"), (np.ones((3, 4), int), "int64 (3, 4)"),
    (np.ones(3, bool), "bool (3,)")])
def test_a_mask_that_does_not_fit(valid, said):
    refused(lambda: Sequences(PADDED, valid=valid), ValueError,
            f"valid must be bools (3, 4), one for each step of each sequence, not {said}")


def test_a_mask_that_leaves_a_sequence_nothing():
    valid = np.array([[1, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]], bool)
    refused(lambda: Sequences(PADDED, valid=valid), ValueError,
            "valid leaves sequence 1 no step: each needs at least one")


@pytest.mark.parametrize("sequences, said", [
    ([], "sequences is empty: at least one is needed"),
    ([np.ones((2, 3)), np.ones((2, 4))],
     "sequences[1] has shape (2, 4), and sequences[0] (2, 3): only the number of steps may differ"),
    ([np.ones(2), np.ones(2), np.ones((2, 1))],
     "sequences[2] has shape (2, 1), and sequences[0] (2,): only the number of steps may differ"),
    ([np.float64(1)], "sequences[0] is a single number, 1.0, not an array of steps"),
    ([[1, 2], 3], "sequences[1] is a single number, 3, not an array of steps"),
    ([[1, 2], []], "sequences[1] is empty: each needs at least one step"),
    ([np.ones(2), np.ones(0)], "sequences[1] is empty: each needs at least one step"),
    ([np.ones((0, 3)), np.ones((2, 3))], "sequences[0] is empty: each needs at least one step")])
def test_sequences_that_do_not_belong_together(sequences, said):
    refused(lambda: Sequences.of(sequences), ValueError, said)
