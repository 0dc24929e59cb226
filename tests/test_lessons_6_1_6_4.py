"""Lessons 6.1 and 6.4 and their solutions: each shows, at a tiny size, what it teaches."""

import re

import numpy as np
import pytest

from lessons import network_6_1_four_shapes as four_shapes
from lessons import network_6_4_what_hidden_units_hold as hidden_units
from lessons.solutions import adder_by_hand, most_significant_first, when_does_it_know
from nndl import LSTM, Dense, Embedding, Network, Recurrent, Sigmoid, load_mnist, plots, sampling
from nndl.data import rows, tasks

# Enough for the sums to be learnt, and for each other task to be gone through.
TINY = {task: sizes | {"epochs": 1, "train_size": 300, "units": 12}
        for task, sizes in four_shapes.QUICK.items()}
TINY["sums"] |= {"epochs": 5, "train_size": 3_000}
TINY["words"] |= {"epochs": 10, "longest": 4}
TINY["vanilla"] |= {"epochs": 3, "train_size": 2_000, "units": 48}


@pytest.fixture
def few(monkeypatch):
    """Let the lessons measure on few images: accuracies take time, too."""
    splits = load_mnist()
    splits = splits._replace(validation=splits.validation[:500], test=splits.test[:1000])
    for module in four_shapes, when_does_it_know:
        monkeypatch.setattr(module, "load_mnist", lambda: splits)


def figures(tmp_path, module):
    """The names of the figures that a lesson has made."""
    return {path.name for path in (tmp_path / module.__name__.split(".")[-1]).glob("*/*.png")}


def solved(tmp_path, module):
    """Whether a solution has saved its figure."""
    name = module.__name__.split(".")[-1]
    return (tmp_path / "solutions" / f"{name}.png").stat().st_size > 5000


def opinionated(net, factor=8):
    """The same network with weights so large that each step's input matters."""
    for layer in net.layers:
        for name in layer.parameters:
            getattr(layer, name)[...] *= factor
    return net


# --- 6.1 ------------------------------------------------------------------------------------------

def test_6_1_every_task_is_gone_through(few, tmp_path, capsys):
    measured = four_shapes.main(plan=TINY, judged=40, sums=300, out=tmp_path)
    said = capsys.readouterr().out
    assert measured["adding"] > 0.95 and measured["adding_short"] > 0.95  # longer than any in training
    assert measured["reading"]["vanilla"] > 0.5
    assert measured["real"] > 0.9               # net A reads real digits, in black and white, too
    assert measured["recognised"] < 0.5         # and is not taken in by noise
    assert {len(curve) for curve in measured["curves"].values()} == {3, 1}
    assert "had never seen more than 8" in said
    assert figures(tmp_path, four_shapes) == {"drawn_digits.png", "letter_by_letter.png",
                                              "reading_rows.png"}


class Quiet:
    """What a task says its story to."""

    def network(self, *what):
        pass

    step = network

    def checkpoint(self, name):
        return None


@pytest.mark.parametrize("task", ["words", "dates"])
def test_6_1_what_is_written_is_judged_letter_by_letter(task, monkeypatch):
    """A network that writes the right letters is wholly right; one that stops early is not."""
    asked, spoilt = [], []

    def writes_rightly(net, x, steps, feed=None, end=None):
        assert x.shape[1] == net.layers[1].reads + 1     # of what is to be written it gets nothing
        written = asked[-1][1].copy()
        written[:spoilt[-1], 2] = (written[:spoilt[-1], 2] + 1) % 10
        return written

    def remembered(*arguments, **named):
        asked.append(made(*arguments, **named))
        return asked[-1]

    module, name = {"words": (tasks, "reversed_words"), "dates": (four_shapes, "dates")}[task]
    made = getattr(module, name)
    monkeypatch.setattr(module, name, remembered)
    monkeypatch.setattr(four_shapes, "write", writes_rightly)
    for wrong, right in (10, 0.75), (0, 1.0):
        spoilt.append(wrong)
        run = four_shapes.Run(Quiet(), TINY | {task: TINY[task] | {"train_size": 50}}, None, 0)
        shown = run.rewriting(task, np.random.default_rng(0), 40)
        assert shown["right"] == right
    x, y = asked[-1]
    longest = int(x.valid.sum(axis=1).argmax())
    letters = {"words": tasks.LETTERS + "·", "dates": tasks.ISO_LETTERS}[task]
    if task == "words":
        assert shown["written"][-1] == "·" and shown["read"] in ("".join(shown["written"][-2::-1]), )
    else:
        assert "".join(shown["written"]) == tasks.text_of(y[longest], letters)
    assert all(len(p) == len(shown["written"]) for p in shown["p"].values())


def test_6_1_the_probabilities_shown_are_those_that_it_wrote_by():
    net = opinionated(four_shapes.build_network("dates", TINY))
    x, _ = four_shapes.dates(3, np.random.default_rng(0), 20)
    feed = four_shapes.ISO + np.arange(11)
    first = four_shapes.Sequences(x.padded[:, :21], valid=x.valid[:, :21])
    written = four_shapes.write(net, first, 10, feed=feed)
    shown = four_shapes.letter_by_letter(net, x[[1]], written[1], tasks.ISO_LETTERS, feed)
    likeliest = [max(shown["p"], key=lambda letter: shown["p"][letter][s]) for s in range(10)]
    assert likeliest == shown["written"] == [tasks.ISO_LETTERS[symbol] for symbol in written[1]]


def test_6_1_short_dates_are_dates():
    x, y = four_shapes.dates(50, np.random.default_rng(0), 20)
    assert x.shape == (50, 30) and y.shape == (50, 10)
    assert x.valid[:, 20:].all() and 8 < x.valid[:, :20].sum(axis=1).min()
    np.testing.assert_array_equal(x.padded[:, 21:] - four_shapes.ISO, y[:, :-1])
    assert four_shapes.dates(7, np.random.default_rng(0), tasks.LONGEST_DATE)[0].shape == (7, 60)


def test_6_1_the_whole_plan_has_what_the_quick_one_has():
    assert four_shapes.FULL["plan"].keys() == four_shapes.QUICK.keys()
    for task, sizes in four_shapes.WHOLE.items():
        assert sizes.keys() == four_shapes.QUICK[task].keys()
        assert four_shapes.build_network(task, four_shapes.WHOLE).parameters > 0
        assert sizes["train_size"] >= four_shapes.QUICK[task]["train_size"]


# --- 6.4 ------------------------------------------------------------------------------------------

def test_6_4_the_carry_is_read_off_and_can_be_changed(tmp_path):
    measured = hidden_units.main(epochs=4, train_size=2_000, runs=2, judged=300, out=tmp_path)
    assert min(measured["right"]) > 0.95
    assert min(measured["direction"]["after"]) > 0.99
    assert min(measured["unit"]["after"]) > 0.9
    assert max(measured["direction"]["before"]) < 0.98     # but far above the bits alone
    assert min(measured["direction"]["before"]) > 0.85
    by_means, _, along_v, nothing = hidden_units.WAYS
    assert min(measured["ways"][by_means]) > 0.95
    assert measured["ways"][nothing] == [0, 0]
    assert len(measured["ways"][along_v]) == 2
    assert figures(tmp_path, hidden_units) == {"one_sum.png", "read_off.png", "changed.png"}


def test_6_4_carries_are_those_of_adding():
    rng = np.random.default_rng(0)
    x, y = tasks.binary_sums(50, 12, rng)
    carry = hidden_units.carries(x)
    into = np.concatenate([np.zeros((50, 1), int), carry[:, :-1]], axis=1)
    np.testing.assert_array_equal((x.sum(axis=2).astype(int) + into) % 2, y)
    assert not carry[:, -1].any()
    assert hidden_units.by_bits(x) == pytest.approx(0.77, abs=0.06)


def test_6_4_a_network_by_hand_whose_first_unit_is_the_carry_is_found_out():
    """Which unit, and that the network goes by it alone, is known there."""
    net = adder_by_hand.by_hand()
    x, _ = tasks.binary_sums(200, 20, np.random.default_rng(0))
    probe = hidden_units.Probe(net, x)
    assert probe.unit == 0
    assert probe.judge(x)["unit"] == probe.judge(x)["direction"] == 1
    np.testing.assert_allclose(probe.means[:, 0], [-1, 1], atol=1e-2)


# --- solutions ------------------------------------------------------------------------------------

def test_adder_by_hand(tmp_path, monkeypatch):
    monkeypatch.setattr(adder_by_hand, "UNITS", (1, 8))
    measured = adder_by_hand.main(epochs=4, train_size=2_000, runs=1, sums=500, out=tmp_path)
    assert measured["by_hand"] == 1
    assert measured["trained"][1][0] < 0.1 and measured["trained"][8][0] > 0.95
    assert solved(tmp_path, adder_by_hand)


@pytest.mark.parametrize("a, b", [(0, 0), (1, 1), (2**20 - 1, 1), (699_050, 349_525), (12345, 54321)])
def test_the_adder_by_hand_is_sure_of_every_bit(a, b):
    x = np.array([[[a >> s & 1, b >> s & 1] for s in range(21)]], np.float32)
    p = adder_by_hand.by_hand().feedforward(x)[0, :, 1]
    np.testing.assert_allclose(p, [(a + b) >> s & 1 for s in range(21)], atol=1e-3)


def test_most_significant_first(tmp_path):
    measured = most_significant_first.main(epochs=4, train_size=2_000, sums=2_000, out=tmp_path)
    limit = np.array(measured["limit"])
    assert limit[:2].tolist() == [1, 0.75]
    assert min(measured["least significant first"]) > 0.98
    from_the_wrong_end = np.array(measured["most significant first"])
    assert (from_the_wrong_end < limit + 0.04).all()
    assert from_the_wrong_end[0] > 0.95 and from_the_wrong_end[-1] < 0.56
    assert solved(tmp_path, most_significant_first)


def test_most_significant_first_no_better_is_possible():
    """Of all sums of 6 bits: how often a ⊕ b is right."""
    a, b = np.arange(64)[:, None], np.arange(64)
    for below in range(6):
        right = ((a + b) >> below & 1) == ((a ^ b) >> below & 1)
        assert right.mean() == most_significant_first.best(below)


def test_when_does_it_know(few, tmp_path):
    measured = when_does_it_know.main(epochs=3, train_size=2_000, out=tmp_path)
    at_the_end, each_row = (np.array(measured[asked]) for asked in when_does_it_know.ASKED)
    assert at_the_end[-1] > at_the_end[:20].max() + 0.2    # made for the last row alone
    assert each_row[15] > at_the_end[15] + 0.15
    assert solved(tmp_path, when_does_it_know)


def test_when_does_it_know_asks_the_same_network():
    net, data = when_does_it_know.build_network("at the end"), load_mnist().test[:300]
    assert when_does_it_know.after_each_row(net, data)[-1] == net.accuracy(data)


# --- digits drawn row by row ----------------------------------------------------------------------

def test_a_row_comes_in_after_it_was_to_be_drawn():
    images, labels = load_mnist().test[:5]
    x, y = rows.to_be_drawn(images, labels)
    assert x.shape == (5, 28, 38) and y.shape == (5, 28, 28) and x.dtype == y.dtype == np.float32
    np.testing.assert_array_equal(y, images >= 128)
    np.testing.assert_array_equal(x[:, 1:, :28], y[:, :-1])
    assert not x[:, 0, :28].any()
    np.testing.assert_array_equal(x[:, :, 28:].argmax(axis=2), np.repeat(labels[:, None], 28, axis=1))
    assert (x[:, :, 28:].sum(axis=2) == 1).all()


@pytest.mark.parametrize("labels", [[[1], [2]], [1], 1, [1, 2, 3]])
def test_a_label_for_each_image(labels):
    images = np.zeros((2, 28, 28), np.uint8)
    said = f"labels must have shape (2,), one for each image, not {np.shape(labels)}"
    with pytest.raises(ValueError, match=f"^{re.escape(said)}$"):
        rows.to_be_drawn(images, labels)


def test_how_many_classes_there_are():
    with pytest.raises(ValueError, match="^classes must be an int of at least 1, not 'a'$"):
        rows.to_be_drawn(np.zeros((2, 28, 28), np.uint8), [0, 0], classes="a")


def test_only_bytes_are_black_and_white():
    with pytest.raises((TypeError, ValueError), match="bytes|uint8"):
        rows.black_and_white(np.zeros((2, 28, 28)))


@pytest.mark.parametrize("given, error, said", [
    ({"labels": [[1], [2]]}, ValueError, "labels must have shape (n,), not (2, 1)"),
    ({"rows": 2.5}, ValueError, "rows must be an int of at least 1, not 2.5"),
    ({"rng": 0}, TypeError, "rng must be a Generator, say np.random.default_rng(0), not 0"),
    ({"temperature": None}, ValueError, "temperature must be a number above 0, not None")])
def test_what_cannot_be_drawn(given, error, said):
    net = Network([LSTM(6), Dense(4), Sigmoid()], input_shape=(None, 7))
    with pytest.raises(error, match=f"^{re.escape(said)}$"):
        sampling.draw(net, **{"labels": [0, 1], "rng": np.random.default_rng(0), **given})


@pytest.mark.parametrize("layers, shape", [
    ([LSTM(6), Dense(4), Sigmoid()], (None, 4)), ([LSTM(6), Dense(4), Sigmoid()], (28, 7)),
    ([Embedding(7), LSTM(6), Dense(4), Sigmoid()], (None,))])
def test_who_cannot_draw(layers, shape):
    net = Network(layers, input_shape=shape)
    said = ("behind 4 outputs it needs input_shape=(None, 4 + classes), as data.rows.to_be_drawn makes "
            f"it, not {shape}")
    with pytest.raises(ValueError, match=f"{re.escape(said)}$"):
        sampling.draw(net, [0, 1], np.random.default_rng(0))


def test_what_is_drawn_goes_by_what_was_drawn_before():
    """With p the network's probability of each pixel, given its own rows before, ink is where u < p."""
    net = opinionated(Network([LSTM(6), Dense(4), Sigmoid()], input_shape=(None, 7), seed=1))
    labels = np.arange(7) % 3
    drawn = sampling.draw(net, labels, np.random.default_rng(3), rows=5)
    assert drawn.shape == (7, 5, 4) and set(np.unique(drawn)) <= {0, 255}
    x, _ = rows.to_be_drawn(drawn, labels, classes=3)
    p, rng = net.feedforward(x), np.random.default_rng(3)
    for s in range(5):
        np.testing.assert_array_equal(drawn[:, s] == 255, rng.random((7, 4)) < p[:, s])


def test_drawing_in_pieces_begins_each_with_nothing(monkeypatch):
    net = opinionated(Network([Recurrent(6), Dense(4), Sigmoid()], input_shape=(None, 7), seed=1))
    monkeypatch.setattr(sampling, "AT_ONCE", 4)
    monkeypatch.setattr(sampling, "sharpened", lambda p, temperature: p > 0.5)  # no chance
    drawn = sampling.draw(net, [0, 1, 2, 2, 0, 1, 2, 2], np.random.default_rng(0), rows=6)
    np.testing.assert_array_equal(drawn[:4], drawn[4:])
    assert not any(layer.follows for layer in net.layers if hasattr(layer, "follows"))


def test_a_temperature_sharpens():
    z = np.array([-3.0, -0.5, 0, 2])
    np.testing.assert_allclose(sampling.sharpened(1 / (1 + np.exp(-z)), 0.5), 1 / (1 + np.exp(-2 * z)))
    net = Network([Recurrent(6), Dense(4), Sigmoid()], input_shape=(None, 7))
    with pytest.raises(ValueError, match="temperature must be a number above 0"):
        sampling.draw(net, [0], np.random.default_rng(0), temperature=0)
    with pytest.raises(ValueError, match="only a recurrent network with a sigmoid output"):
        sampling.draw(Network([Dense(4), Sigmoid()]), [0], np.random.default_rng(0))


# --- the figure -----------------------------------------------------------------------------------

def test_over_steps(tmp_path):
    path = plots.over_steps(
        {"bits": ("abc", {"x": np.array([0, 1, 1])}), "shades": ("123", {"y": [0.5, -1, 1.0]})},
        tmp_path / "steps.png", "A title", "step")
    assert path.stat().st_size > 5000
    for values, said in ([0.1, 0.2], "must be 3 values"), ([0.1, 2, 0], "from -1 to 1"):
        with pytest.raises(ValueError, match=said):
            plots.over_steps({"bits": ("abc", {"x": values})}, path, "A title", "step")
    with pytest.raises(ValueError, match="at least one panel"):
        plots.over_steps({}, path, "A title", "step")
