"""Text for character models: symbols, streams, perplexity, and the trigram model by hand."""

import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nndl import LSTM, Dense, Embedding, EncoderDecoder, Network, Recurrent, Softmax
from nndl.text import UNKNOWN, Alphabet, Trigram, perplexity, streams


def net_of(symbols, layer=None, dtype="float64"):
    """A network of symbols that has not learnt anything, and is not indifferent."""
    net = Network([Embedding(symbols), layer or LSTM(5), Dense(symbols), Softmax()],
                  input_shape=(None,), dtype=dtype, seed=1)
    net.layers[2].w *= 4
    return net


# --- the alphabet ---------------------------------------------------------------------------------

@given(st.text("ab \nλé\N{REPLACEMENT CHARACTER}", max_size=30))
def test_what_is_encoded_comes_back(text):
    alphabet = Alphabet(text)
    symbols = alphabet.encode(text)
    assert symbols.shape == (len(text),) and symbols.dtype == np.int64
    assert alphabet.decode(symbols) == text
    assert len(alphabet) == len(set(text) | {UNKNOWN})


def test_letters_are_in_order_behind_the_unknown_one():
    alphabet = Alphabet("banana\n")
    assert alphabet.letters == f"{UNKNOWN}\nabn" and len(alphabet) == 5
    np.testing.assert_array_equal(alphabet.encode("nab"), [4, 2, 3])
    np.testing.assert_array_equal(alphabet.encode("bxb"), [3, 0, 3])
    assert alphabet.decode([3, 0, 2]) == f"b{UNKNOWN}a"


def test_rare_letters_are_unknown():
    alphabet = Alphabet("banana", rarest=2)
    assert alphabet.letters == f"{UNKNOWN}an"
    np.testing.assert_array_equal(alphabet.encode("ban"), [0, 1, 2])
    assert Alphabet("banana", rarest=3).letters == f"{UNKNOWN}a"


def test_the_unknown_letter_in_a_text_is_the_unknown_one():
    alphabet = Alphabet(f"a{UNKNOWN}a")
    assert alphabet.letters == f"{UNKNOWN}a"
    np.testing.assert_array_equal(alphabet.encode(f"{UNKNOWN}a"), [0, 1])


# --- streams --------------------------------------------------------------------------------------

def test_streams_by_hand():
    x, y = streams(np.arange(14), m=2, t=3)  # thirteen have a next one: two streams of two pieces
    np.testing.assert_array_equal(x, [[0, 1, 2], [6, 7, 8],      # mini-batch 0
                                      [3, 4, 5], [9, 10, 11]])   # mini-batch 1
    np.testing.assert_array_equal(y, x + 1)


@given(m=st.integers(1, 4), t=st.integers(1, 5), length=st.integers(21, 90))
def test_a_row_goes_on_in_the_same_row_of_the_next_mini_batch(m, t, length):
    x, y = streams(np.arange(length), m, t)
    assert x.shape == y.shape and x.shape[1] == t and len(x) % m == 0
    np.testing.assert_array_equal(y, x + 1)
    np.testing.assert_array_equal(x[m:, 0], y[:-m, -1])  # what comes next is where it goes on
    assert len(np.unique(x)) == x.size                   # nothing twice
    assert x.size + m * t > length - 1 >= x.size         # and as little as can be is left out


@pytest.mark.parametrize("symbols", [np.zeros(6, int), np.zeros(0, int), np.zeros(1, int)])
def test_too_little_text_for_the_streams(symbols):
    said = f"{len(symbols)} symbols are too few for 2 streams of 3: at least 7 are needed"
    with pytest.raises(ValueError, match=f"^{re.escape(said)}$"):
        streams(symbols, 2, 3)
    assert len(streams(np.zeros(7, int), 2, 3)[0]) == 2


# --- perplexity -----------------------------------------------------------------------------------

SYMBOLS = np.random.default_rng(0).integers(0, 6, 90)


@pytest.mark.parametrize("layer", [LSTM, Recurrent])
def test_perplexity_is_e_to_the_mean_cost(layer):
    net = net_of(6, layer(5))
    a = net.feedforward(SYMBOLS[None, :-1])[0]
    costs = [-math.log(a[i, SYMBOLS[i + 1]]) for i in range(len(SYMBOLS) - 1)]
    assert np.std(costs) > 0.2
    assert perplexity(net, SYMBOLS) == pytest.approx(math.exp(sum(costs) / len(costs)), rel=1e-12)
    # And as Network has it: a sum over the steps.
    cost = net.total_cost((SYMBOLS[None, :-1], SYMBOLS[None, 1:])) / (len(SYMBOLS) - 1)
    assert perplexity(net, SYMBOLS) == pytest.approx(math.exp(cost), rel=1e-12)


@pytest.mark.parametrize("at_once", [1, 7, 44, 88, 89, 90, 1000])
def test_perplexity_does_not_depend_on_how_much_is_read_at_once(at_once):
    net = net_of(6)
    assert perplexity(net, SYMBOLS, at_once) == pytest.approx(perplexity(net, SYMBOLS, 200), rel=1e-12)


def test_perplexity_of_a_network_that_knows_nothing_is_how_many_symbols_there_are():
    net = net_of(6)
    net.layers[2].w[...] = net.layers[2].b[...] = 0
    assert perplexity(net, SYMBOLS) == pytest.approx(6, rel=1e-12)


def test_perplexity_leaves_the_network_as_it_is():
    net = net_of(6, LSTM(5, stateful=True))
    before = perplexity(net, SYMBOLS)
    assert net.layers[1].state is None
    net.feedforward(SYMBOLS[None])
    assert perplexity(net, SYMBOLS) == before
    assert not net.layers[1].follows


def test_perplexity_is_finite_where_the_network_is_sure_and_wrong():
    net = net_of(6, dtype="float32")
    net.layers[2].b[0] = 1000  # that 0 comes next
    assert perplexity(net, np.array([0, 1])) == pytest.approx(1e30, rel=1e-6)


def test_only_networks_that_tell_symbols_have_a_perplexity():
    feedforward = Network([Dense(6), Softmax()], input_shape=6)
    with pytest.raises(ValueError, match="^only a recurrent network with a softmax output"):
        perplexity(feedforward, SYMBOLS)


@pytest.mark.parametrize("n", [0, 1])
def test_without_a_next_symbol_there_is_no_perplexity(n):
    said = f"^a text of {n} symbols has none that another one comes before: at least 2 are needed$"
    with pytest.raises(ValueError, match=said):
        perplexity(net_of(6), SYMBOLS[:n])
    with pytest.raises(ValueError, match=said):
        Trigram([0, 1, 0], 2).perplexity(SYMBOLS[:n])


# --- the trigram model ----------------------------------------------------------------------------

@pytest.mark.parametrize("n", [2.5, 0, None, "a"])
def test_how_many_symbols_there_are(n):
    with pytest.raises(ValueError, match="^n_symbols must be an int of at least 1, not"):
        Trigram([0], n)


@pytest.mark.parametrize("symbol", [-1, 2])
def test_what_is_no_symbol_has_no_probability(symbol):
    with pytest.raises(ValueError, match=f"^symbol must be one from 0 to 1, not {symbol}$"):
        Trigram([0, 1, 0], 2).probability([0], symbol)


def test_a_trigram_model_by_hand():
    model = Trigram([0, 1, 0, 1, 2], n_symbols=3)
    # Alone: 0 twice, 1 twice, 2 once: n = 5, u = 3; below it all three alike.
    one = {0: (2 + 3 / 3) / 8, 1: (2 + 3 / 3) / 8, 2: (1 + 3 / 3) / 8}
    for symbol in range(3):
        assert model.probability([], symbol) == pytest.approx(one[symbol], rel=1e-15)
    # Behind 1: 0 once, 2 once: n = 2, u = 2.
    two = {0: (1 + 2 * one[0]) / 4, 1: (0 + 2 * one[1]) / 4, 2: (1 + 2 * one[2]) / 4}
    for symbol in range(3):
        assert model.probability([1], symbol) == pytest.approx(two[symbol], rel=1e-15)
    # Behind 0, 1: 0 once, 2 once; behind 1, 0: 1 once, n = u = 1; what came earlier does not count.
    for symbol in range(3):
        assert model.probability([0, 1], symbol) == pytest.approx(
            ((symbol != 1) + 2 * two[symbol]) / 4, rel=1e-15)
        behind_0 = ((2 if symbol == 1 else 0) + one[symbol]) / 3
        assert model.probability([2, 1, 0], symbol) == pytest.approx(
            ((symbol == 1) + behind_0) / 2, rel=1e-15)
    # Never seen behind each other: what is known of the last one alone.
    assert model.probability([2, 1], 2) == model.probability([1], 2)
    assert model.probability([1, 2], 0) == model.probability([], 0)


def test_the_trigram_model_s_perplexity_by_hand():
    model, text = Trigram([0, 1, 0, 1, 2], 3), [1, 0, 1, 1]
    p = [model.probability([1], 0), model.probability([1, 0], 1), model.probability([0, 1], 1)]
    assert model.perplexity(np.array(text)) == pytest.approx(math.prod(p) ** (-1 / 3), rel=1e-14)


@given(text=st.lists(st.integers(0, 4), max_size=40), n=st.integers(5, 7),
       before=st.lists(st.integers(0, 4), max_size=5))
def test_probabilities_sum_to_1_behind_anything(text, n, before):
    model = Trigram(text, n)
    p = [model.probability(before, symbol) for symbol in range(n)]
    assert sum(p) == pytest.approx(1, rel=1e-12)
    assert min(p) > 0
    assert p == [model.probability(before[-2:], symbol) for symbol in range(n)]


def test_a_trigram_model_that_has_seen_nothing_thinks_all_alike():
    assert Trigram([], 4).probability([1, 2], 3) == 0.25


def test_a_trigram_model_learns_what_two_letters_tell_and_no_more():
    # The next of this text is known from the two before, but not from one.
    text = [0, 0, 1, 1] * 100
    assert Trigram(text, 2).perplexity(text) < 1.05
    # Of this one it is not: behind two zeros comes a 0 or a 1.
    assert Trigram([0, 0, 0, 1] * 100, 2).perplexity([0, 0, 0, 1] * 100) > 1.2


def test_a_trigram_model_takes_arrays_and_lists():
    text = np.array([0, 1, 0, 1, 2])
    assert Trigram(text, 3).probability(np.array([0, 1]), np.int64(2)) == (
        Trigram([0, 1, 0, 1, 2], 3).probability([0, 1], 2))


@pytest.mark.parametrize("text, error, said", [
    ([0, 3, 1], ValueError, "symbols must be symbols from 0 to 2, not 3"),
    ([0, -1], ValueError, "symbols must be symbols from 0 to 2, not -1"),
    ([0.0, 1.0], TypeError, "symbols must be symbols, ints from 0 to 2, not float64")])
def test_the_trigram_model_counts_symbols(text, error, said):
    with pytest.raises(error, match=f"^{said}$"):
        Trigram(text, 3)


def test_an_encoder_and_decoder_has_no_perplexity_of_one_text():
    net = Network([Embedding(6), EncoderDecoder(4, 3), Dense(6), Softmax()], input_shape=(None,))
    with pytest.raises(ValueError, match="reads before it writes: it says nothing of a text that goes"):
        perplexity(net, SYMBOLS)
