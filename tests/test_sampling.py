"""Networks that write: step by step is what all at once would be."""

import re

import numpy as np
import pytest

from nndl import (
    LSTM,
    Dense,
    Embedding,
    EncoderDecoder,
    Last,
    Network,
    Recurrent,
    Sequences,
    Sigmoid,
    Softmax,
)
from nndl.data import tasks
from nndl.sampling import Writer, sampler, write

SYMBOLS = 6
SEED = 3  # with which no network below writes always the same


def rng(seed=0):
    return np.random.default_rng(seed)


def net_of(*layers, symbols=SYMBOLS, n_out=SYMBOLS, backend="numpy"):
    """A network of symbols with outputs that differ from step to step."""
    net = Network([Embedding(symbols), *layers, Dense(n_out), Softmax()], input_shape=(None,),
                  dtype="float64", seed=3, backend=backend)
    chance = rng(SEED)
    for layer in net.layers:
        for name in layer.parameters:
            w = getattr(layer, name)
            w[...] = chance.normal(size=w.shape) * (2 if name != "b" else 0.5)
    return net


CELLS = {
    "recurrent": lambda: [Recurrent(7)],
    "lstm": lambda: [LSTM(7)],
    "two layers": lambda: [LSTM(5), Recurrent(6)],
    "stateful": lambda: [LSTM(7, stateful=True)],
}
X = rng().integers(0, SYMBOLS, (4, 12))


# --- step by step ---------------------------------------------------------------------------------

@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("pieces", [(12,), (1,) * 12, (5, 1, 6)])
def test_a_writer_goes_on_where_it_has_ended(cell, pieces):
    net = net_of(*CELLS[cell]())
    ends = np.cumsum(pieces)
    writer = Writer(net)
    a = np.concatenate([writer.read(X[:, end - n:end]) for n, end in zip(pieces, ends)], axis=1)
    np.testing.assert_allclose(a, net.feedforward(X), rtol=1e-12)
    assert not np.allclose(a[:, 5:], Writer(net).read(X[:, 5:]))  # the state matters


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_what_is_written_is_the_likeliest_of_one_forward_over_all(cell, backend):
    net = net_of(*CELLS[cell](), backend=backend)
    written = write(net, X[:, :3], steps=9)
    assert written.shape == (4, 9) and written.dtype.kind == "i"
    whole = net.feedforward(np.hstack([X[:, :3], written]))
    np.testing.assert_array_equal(written, whole[:, 2:-1].argmax(axis=2))
    assert len(np.unique(written)) > 1


def test_sequences_of_unequal_length_each_go_on_behind_their_last_symbol():
    net = net_of(LSTM(7))
    x = Sequences(X, [2, 12, 7, 1])
    together = write(net, x, steps=8)
    for row, one in zip(together, x):
        np.testing.assert_array_equal(row, write(net, one[None], steps=8)[0])


def test_what_is_read_of_sequences_is_said_at_each_step_that_there_is():
    net, x = net_of(LSTM(7)), Sequences(X, [2, 12, 7, 1])
    a = Writer(net).read(x)
    for row, one, n in zip(a, x, (2, 12, 7, 1)):
        np.testing.assert_allclose(row[:n], net.feedforward(one[None])[0], rtol=1e-12)


def test_what_a_writer_says_stays():
    writer = Writer(net_of(LSTM(7), backend="numba"))  # whose layers use their memory again
    first = writer.read(X[:, :1])
    kept = first.copy()
    second = writer.read(X[:, 1:2])
    assert not np.allclose(first, second)
    np.testing.assert_array_equal(first, kept)


def test_writing_leaves_the_network_as_it_is():
    net = net_of(LSTM(7, stateful=True))
    before = net.feedforward(X)
    once = write(net, X[:, :3], 5)
    np.testing.assert_array_equal(write(net, X[:, :3], 5), once)
    np.testing.assert_array_equal(net.feedforward(X), before)
    assert net.layers[1].state is None and not net.layers[1].follows


# --- an encoder and decoder -----------------------------------------------------------------------

@pytest.mark.parametrize("cell", ["lstm", "recurrent"])
def test_an_encoder_and_decoder_reads_and_then_writes(cell):
    net = net_of(EncoderDecoder(7, 3, cell))
    written = write(net, X[:, :4], steps=8)
    whole = net.feedforward(np.hstack([X[:, :4], written]))
    assert whole.shape == (4, 9, SYMBOLS)
    np.testing.assert_array_equal(written, whole[:, :-1].argmax(axis=2))
    assert (written != written[0]).any()  # what has been read matters


def test_an_encoder_and_decoder_with_padded_inputs_and_letters_of_its_own():
    net = net_of(EncoderDecoder(7, 5), symbols=10, n_out=4)
    feed = np.array([6, 7, 8, 9])
    valid = np.arange(6) < np.array([[2], [5], [3], [1]])
    valid[:, 5] = True
    x = np.where(valid, X[:, :6], 0)
    written = write(net, Sequences(x, valid=valid), steps=7, feed=feed)
    steps = np.hstack([valid, np.ones((4, 7), bool)])
    whole = net.feedforward(Sequences(np.hstack([x, feed[written]]), valid=steps))
    np.testing.assert_array_equal(written, whole[:, :-1].argmax(axis=2))


# --- end, feed, choose ----------------------------------------------------------------------------

def test_feed_says_which_input_an_output_becomes():
    net = net_of(LSTM(7), n_out=4)
    feed = np.array([5, 2, 4, 0])
    written = write(net, X[:, :3], steps=7, feed=feed)
    assert written.max() < 4 and len(np.unique(written)) > 1
    whole = net.feedforward(np.hstack([X[:, :3], feed[written]]))
    np.testing.assert_array_equal(written, whole[:, 2:-1].argmax(axis=2))
    assert (written != write(net, X[:, :3], steps=7)).any()


def test_behind_the_end_comes_nothing_more():
    net = net_of(LSTM(7))
    chosen = np.array([[1, 2, 5, 3], [5, 1, 1, 1], [1, 1, 1, 1], [2, 2, 2, 5]])
    steps = iter(chosen.T)
    written = write(net, X[:, :3], steps=4, choose=lambda a: next(steps), end=5)
    np.testing.assert_array_equal(
        written, [[1, 2, 5, -1], [5, -1, -1, -1], [1, 1, 1, 1], [2, 2, 2, 5]])


def test_when_all_have_ended_writing_ends():
    calls = []

    def choose(a):
        calls.append(a)
        return np.full(4, [5, 2, 5][len(calls) - 1])

    written = write(net_of(LSTM(7)), X[:, :3], steps=50, choose=choose, end=2)
    assert len(calls) == 2 and written.shape == (4, 50)
    np.testing.assert_array_equal(written[:, :3], [[5, 2, -1]] * 4)
    assert (written[:, 2:] == -1).all()


def test_choose_sees_the_probabilities_of_the_step():
    net, seen = net_of(LSTM(7)), []

    def choose(a):
        seen.append(a)
        return np.array([0, 1, 2, 3])

    written = write(net, X[:, :3], steps=3, choose=choose)
    np.testing.assert_array_equal(written, [[0] * 3, [1] * 3, [2] * 3, [3] * 3])
    whole = net.feedforward(np.hstack([X[:, :3], written]))
    np.testing.assert_allclose(np.stack(seen, axis=1), whole[:, 2:-1], rtol=1e-12)


# --- sampling -------------------------------------------------------------------------------------

P = np.array([0.5, 0.0, 0.3, 0.15, 0.05])


@pytest.mark.parametrize("temperature", [0.25, 1.0, 2.0])
def test_a_sampler_draws_by_probability_and_temperature(temperature):
    n = 40_000
    drawn = sampler(rng(), temperature)(np.tile(P.astype(np.float32), (n, 1)))
    assert drawn.shape == (n,) and drawn.dtype.kind == "i"
    shares = np.bincount(drawn, minlength=5) / n
    expected = P ** (1 / temperature) / (P ** (1 / temperature)).sum()
    assert shares[1] == 0
    np.testing.assert_allclose(shares, expected, atol=4 * np.sqrt(0.25 / n))


def test_each_row_is_drawn_by_its_own_probabilities():
    a = np.eye(5)[[3, 0, 4, 1, 2]]
    for _ in range(5):
        np.testing.assert_array_equal(sampler(rng())(a), [3, 0, 4, 1, 2])


def test_rows_are_drawn_apart_from_each_other():
    a = np.full((2000, 2), 0.5)
    first, second = sampler(rng())(a).reshape(2, 1000)
    assert (first == second).mean() == pytest.approx(0.5, abs=0.06)


@pytest.mark.parametrize("temperature", [1e-2, 1e-3, 1e-5])
def test_near_temperature_0_the_likeliest_is_drawn(temperature):
    a = np.array([[0.2, 0.35, 0.45], [0.4, 0.35, 0.25], [0.1, 0.5, 0.4]])
    np.testing.assert_array_equal(sampler(rng(), temperature)(np.repeat(a, 50, axis=0)),
                                  np.repeat([2, 0, 1], 50))


def test_at_a_high_temperature_what_is_possible_is_drawn_alike():
    drawn = sampler(rng(), 1e6)(np.tile([0.9, 0.09, 0.01], (9000, 1)))
    np.testing.assert_allclose(np.bincount(drawn) / 9000, 1 / 3, atol=0.03)


def test_the_same_chance_writes_the_same():
    net = net_of(LSTM(7))
    one, same, other = (write(net, X[:, :3], 20, sampler(rng(seed))) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


def test_samples_have_the_network_s_frequencies():
    net = net_of(LSTM(7))
    p = net.feedforward(X[:1, :3])[0, -1]
    drawn = write(net, np.repeat(X[:1, :3], 5000, axis=0), 1, sampler(rng()))[:, 0]
    np.testing.assert_allclose(np.bincount(drawn, minlength=SYMBOLS) / 5000, p, atol=0.03)


# --- what is refused ------------------------------------------------------------------------------

@pytest.mark.parametrize("temperature", [0, -1.0, float("nan"), None, "warm", True])
def test_a_temperature_is_above_0(temperature):
    said = (f"temperature must be a number above 0, not {temperature!r}; to take the likeliest always, "
            "leave out choose")
    with pytest.raises(ValueError, match=f"^{re.escape(said)}$"):
        sampler(rng(), temperature)


@pytest.mark.parametrize("layers, shape", [
    ([Dense(6), Softmax()], (6,)),                                    # nothing recurrent
    ([Embedding(6), LSTM(4), Dense(6), Sigmoid()], (None,)),          # no probabilities
    ([Embedding(6), LSTM(4), Last(), Dense(6), Softmax()], (None,))])  # not at each step
def test_who_cannot_write(layers, shape):
    net = Network(layers, input_shape=shape)
    said = f"only a recurrent network with a softmax output at each step can write, not {net!r}"
    with pytest.raises(ValueError, match=f"^{re.escape(said)}$"):
        write(net, X, 3)


def test_other_sequences_do_not_go_on_where_these_have_ended():
    writer = Writer(net_of(LSTM(7)))
    writer.read(X)
    with pytest.raises(ValueError, match="^2 sequences cannot go on where 4 have ended: a new Writer"):
        writer.read(X[:2])
    writer = Writer(net_of(EncoderDecoder(7, 3)))
    writer.read(X)
    with pytest.raises(ValueError, match="^2 sequences cannot go on where 4 have ended: a new Writer"):
        writer.read(X[:2, :1])


def test_what_is_no_symbol_cannot_be_read():
    with pytest.raises(ValueError, match="must be symbols from 0 to 5, not 6"):
        write(net_of(LSTM(7)), X + 1, 3)
    with pytest.raises(ValueError, match="reads|read"):
        write(net_of(EncoderDecoder(7, 3)), X[:, :3], 2)


def test_all_of_an_example_is_more_than_what_writing_begins_with():
    """What tasks.reversed_words returns has the answer in it."""
    x, _ = tasks.reversed_words(4, rng(), longest=5)
    net = Network([Embedding(27), EncoderDecoder(7, 5), Dense(27), Softmax()], input_shape=(None,))
    said = ("x must have 6 steps, what the EncoderDecoder reads and the symbol that writing begins "
            "with, not 11: say Sequences(x.padded[:, :6], valid=x.valid[:, :6])")
    with pytest.raises(ValueError, match=f"^{re.escape(said)}$"):
        write(net, x, 3)
    assert write(net, Sequences(x.padded[:, :6], valid=x.valid[:, :6]), 3).shape == (4, 3)


@pytest.mark.parametrize("given, error, said", [
    ({"choose": lambda a: np.full(len(a), 6)}, ValueError,
     "what choose returns must be symbols from 0 to 5, not 6"),
    ({"choose": lambda a: np.full(len(a), 2.9)}, TypeError,
     "what choose returns must be symbols, ints from 0 to 5, not float64"),
    ({"choose": lambda a: 3}, ValueError,
     "choose must return a symbol for each row, shape (4,), not ()"),
    ({"end": 6}, ValueError, "end must be a symbol from 0 to 5, not 6"),
    ({"end": -1}, ValueError, "end must be a symbol from 0 to 5, not -1"),
    ({"feed": [0, 1, 2, 3, 4, 6]}, ValueError, "feed must be symbols from 0 to 5, not 6"),
    ({"net": "s"}, TypeError, "net must be a Network, not 's'")])
def test_arguments_of_writing_are_named(given, error, said):
    with pytest.raises(error, match=f"^{re.escape(said)}$"):
        write(**{"net": net_of(LSTM(7)), "x": X, "steps": 1, **given})


def test_an_input_for_each_output():
    said = "feed must have an input for each of the 6 outputs, not shape (1,)"
    with pytest.raises(ValueError, match=f"^{re.escape(said)}$"):
        write(net_of(LSTM(7)), X, 3, feed=[0])
