"""Lesson 6.3 and its solutions, at a tiny size: the network remembers more than two letters."""

import re

import numpy as np
import pytest

from lessons import network_6_3_character_model as characters
from lessons.solutions import longer_memory_by_counting, writing_at_a_temperature
from nndl.text import Alphabet, Trigram

# Each line ends as it began, which no two letters before its end tell, and two letters do not tell the
# words from each other: "(taste)", "[least]".
WORDS = ("taste", "least", "steal", "tales", "stale", "eaten", "teas", "seat")


def lines_of(n, seed):
    """A text of n lines."""
    rng = np.random.default_rng(seed)
    ends = np.array(["()", "[]", "{}", "<>"])[rng.integers(0, 4, n)]
    return "".join(f"{end[0]}{word}{end[1]}\n" for end, word in zip(ends, rng.choice(WORDS, n)))


@pytest.fixture
def brackets(monkeypatch):
    """Let the lesson and its solutions read such lines instead of the lessons."""
    for module in (characters, longer_memory_by_counting, writing_at_a_temperature):
        monkeypatch.setattr(module, "lessons", lambda: [lines_of(100, seed) for seed in range(20)])


def test_6_3_the_network_remembers_more_than_two_letters(brackets, tmp_path, capsys):
    measured = characters.main(epochs=5, hidden=24, out=tmp_path)
    said = capsys.readouterr().out
    one, two, three = measured["counted"]
    assert one > 1.3 * two > 1.3 * three
    assert measured["before"] > one
    assert measured["perplexity"] < three - 0.3
    assert measured["curve"][0] > measured["curve"][-1]
    memory = measured["by_memory"]
    assert list(memory) == ["1", "2", "3", "4-5", "6-10", "11-20", "21-50", "51-100"]
    assert memory["1"] > memory["51-100"] + 0.1
    assert memory["51-100"] == pytest.approx(measured["perplexity"], rel=0.1)
    assert measured["shares"][-1] > 0.7 > 0.4 > measured["share_counted"] > 0.02
    (folder,) = (path for path in (tmp_path / "network_6_3_character_model").iterdir() if path.is_dir())
    assert {path.name for path in folder.iterdir()} == {"perplexity.png", "memory.png", "results.json"}
    assert not list(tmp_path.rglob("*.checkpoint.npz"))
    assert "After epoch 5, perplexity" in said and "The trigram model writes:" in said


def test_6_3_with_dropout():
    net = characters.build_network(7, 5, p_dropout=0.3)
    assert [layer.name for layer in net.layers] == ["embedding", "lstm", "dropout", "dense", "softmax"]
    assert len(characters.build_network(7, 5).layers) == 4


def test_6_3_what_it_reads_are_the_lessons_and_what_is_held_out_are_others():
    texts = characters.lessons()
    assert any("6.3  Can a network learn to write" in text for text in texts)
    training, validation, test = characters.parts([f"{n};" for n in range(25)])
    assert (validation, test) == ("4;14;24;", "9;19;")
    assert training == "".join(f"{n};" for n in range(25) if n % 10 not in (4, 9))


def test_6_3_counting_by_so_many_letters():
    alphabet = Alphabet(text := lines_of(30, 0))
    symbols = alphabet.encode(text)
    trigram = Trigram(symbols, len(alphabet))
    by_two = characters.perplexity_by_counting(trigram, symbols, 2)
    assert by_two == pytest.approx(trigram.perplexity(symbols), rel=1e-12)
    assert characters.perplexity_by_counting(trigram, symbols, 0) > by_two


def test_6_3_perplexity_by_memory_of_a_network_that_knows_nothing():
    net = characters.build_network(7, 5)
    net.layers[2].w[...] = 0
    net.layers[2].b[...] = 0
    symbols = np.random.default_rng(0).integers(0, 7, 300)
    assert list(characters.perplexity_by_memory(net, symbols).values()) == pytest.approx([7] * 8)


def test_6_3_a_digit_for_each_letter_of_a_line():
    text = "plots\n    plots.lines(one, two, three, four, five)\nnothing\n"
    line = characters.surprising_line(text)
    assert line == "    plots.lines(one, two, three, four, five)"
    assert characters.surprising_line("a\nb") == "b"
    alphabet = Alphabet(text)
    net = characters.build_network(len(alphabet), 4)
    net.layers[2].w[...] = 0
    net.layers[2].b[...] = np.where(np.arange(len(alphabet)) == alphabet.encode("e")[0], 20, 0)
    trigram = Trigram(alphabet.encode(text), len(alphabet))
    rows = characters.surprise(net, trigram, alphabet, text, line)
    assert {len(row) for row in rows.values()} == {len(line)} and rows[""] == line
    assert rows["LSTM"] == re.sub("[^·]", "9", re.sub("e", "·", line))  # e for sure, else 20 nats
    assert set(rows["trigram"]) <= set("·1234")


def test_6_3_words_that_are_known():
    words = characters.words_of("The layers, layer by layer: a_layer Conv1d")
    assert words == {"layers", "layer", "conv"}
    # the, "lay" at the end and short words do not count; what is cut off at the end is no word.
    assert characters.share_known(["layers lover the layer", "LAYER conver"], words) == 2 / 3
    assert characters.share_known(["a b"], words) == 0


# --- solutions ------------------------------------------------------------------------------------

def saved(tmp_path, module):
    """Whether a solution has saved its figure."""
    return (tmp_path / "solutions" / f"{module.__name__.split('.')[-1]}.png").stat().st_size > 5000


def test_longer_memory_by_counting(brackets, tmp_path):
    measured = longer_memory_by_counting.main(epochs=5, hidden=24, longest=7, out=tmp_path)
    counting, numbers = measured["counting"], measured["numbers"]
    assert counting[0] > 2 * counting[1] > 2.2 * counting[2] > 2.2 * counting[3]
    # The bracket at the end is known by the one at the beginning, six letters before it in most lines.
    assert counting[6] < 0.9 * counting[4]
    assert all(more > 1.1 * less for less, more in zip(numbers, numbers[1:]))
    assert counting[2] > measured["network"] + 0.3
    assert measured["enough"] == next(n for n in range(8) if counting[n] <= measured["network"])
    assert saved(tmp_path, longer_memory_by_counting)


def test_longer_memory_by_counting_is_the_trigram_s_rule():
    text = lines_of(30, 0)
    alphabet = Alphabet(text)
    behind = longer_memory_by_counting.counted(text, 2)
    trigram = Trigram(alphabet.encode(text), len(alphabet))
    for before, letter in (("", "t"), ("t", "h"), ("th", "r"), ("th", "e"), ("xh", "r"), ("xx", "e")):
        *_, p = longer_memory_by_counting.probabilities(behind, before, letter, len(alphabet), 2)
        known = trigram.probability(alphabet.encode(before).tolist(), int(alphabet.encode(letter)[0]))
        assert p == pytest.approx(known, rel=1e-12)
    counting = longer_memory_by_counting.by_counting(behind, text, len(alphabet), 2)
    assert counting[2] == pytest.approx(trigram.perplexity(alphabet.encode(text)), rel=1e-12)


def test_writing_at_a_temperature(brackets, tmp_path):
    measured = writing_at_a_temperature.main(epochs=5, hidden=24, temperatures=(0.2, 1.0, 3.0),
                                             out=tmp_path)
    known, blank = ([*measured[what].values()] for what in ("known", "blank"))
    assert known[0] > known[1] > known[2] + 0.3
    assert blank[1] == pytest.approx(measured["texts"], abs=0.03)
    assert measured["texts"] == pytest.approx(1 / 7.75, abs=0.02)  # at the end of each line
    assert writing_at_a_temperature.blanks("a b\nc") == 0.4
    assert saved(tmp_path, writing_at_a_temperature)
