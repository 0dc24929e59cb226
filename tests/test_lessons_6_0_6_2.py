"""Lessons 6.0 and 6.2 and their solutions, at a tiny size: what each shows, and its figures."""

import math

import numpy as np
import pytest

from lessons import network_6_0_unrolled as unrolled
from lessons import network_6_2_gradients_through_time as through_time
from lessons.solutions import lstm_by_hand, truncated_gradient, vanishing_range_of_a_cell
from nndl import LSTM, Recurrent


def figures(out, lesson):
    """The names of the figures that the one run of a lesson has left."""
    (folder,) = (out / lesson.__name__.split(".")[-1]).iterdir()
    assert (folder / "results.json").exists()
    return sorted(path.name for path in folder.glob("*.png"))


# --- 6.0 ------------------------------------------------------------------------------------------

def test_6_0_every_step_contributes_and_the_contributions_add_up(tmp_path, capsys):
    measured = unrolled.main(out=tmp_path)
    assert measured["checked"] == 210 and measured["numerical"] < 2e-9
    assert measured["deep"] < 1e-14 and measured["library"] < 1e-13
    for name, contributions in measured["contributions"].items():
        assert len(contributions) == 4 and math.isclose(sum(contributions), measured["sums"][name])
    assert measured["contributions"]["w_hh"][0] == 0 < measured["contributions"]["w_hh"][1]
    said = " ".join(capsys.readouterr().out.split())
    assert "210 derivatives by hand agree with central differences" in said
    assert figures(tmp_path, unrolled) == ["contributions.png", "learning.png"]


def test_6_0_the_last_step_by_pencil():
    contributions, delta = unrolled.backward(**unrolled.the_one_cell())
    h = [0.0]
    for x in unrolled.X:
        h.append(math.tanh(0.5 * x + 0.9 * h[-1] + 0.1))
    last = (h[4] + 0.5) * (1 - h[4] ** 2)
    before = last * 0.9 * (1 - h[3] ** 2)  # the chain of (122): a weight, a slope
    assert delta[3, 0] == pytest.approx(last, rel=1e-14)
    assert delta[2, 0] == pytest.approx(before, rel=1e-14)
    assert contributions["w_hh"][2].item() == pytest.approx(before * h[2], rel=1e-14)
    assert contributions["w_xh"][3].item() == pytest.approx(last * 0.8, rel=1e-14)


def test_6_0_going_back_once_adds_what_all_costs_say(tmp_path):
    measured = unrolled.main(out=tmp_path, seed=1)
    triangle = np.array(measured["triangle"])
    assert np.all(np.triu(triangle, 1) == 0), "a cost says nothing of later steps"
    np.testing.assert_allclose(triangle.sum(axis=0), measured["at_once"], rtol=1e-13)


def test_6_0_copies_go_apart_and_the_shared_weight_does_not(tmp_path):
    measured = unrolled.main(out=tmp_path)
    first, *others = measured["copies"]
    assert first == unrolled.W_HH > max(others)
    assert np.ptp(measured["copies"]) > 0.2
    assert max(measured["costs"].values()) < 1e-3


def test_6_0_a_mistake_in_bp2_is_found(tmp_path, monkeypatch, capsys):
    right = unrolled.backward

    def wrong(**cell):
        return right(**{**cell, "w_hh": 1.01 * cell["w_hh"]})

    monkeypatch.setattr(unrolled, "backward", wrong)
    assert unrolled.main(out=tmp_path)["library"] > 1e-4
    assert "do not all agree" in " ".join(capsys.readouterr().out.split())


# --- 6.2 ------------------------------------------------------------------------------------------

def test_6_2_gradients_vanish_and_explode_and_clipping_helps(tmp_path, monkeypatch):
    monkeypatch.setattr(through_time, "CLIP_STEPS", 400)
    measured = through_time.main(epochs=5, train_size=2500, out=tmp_path, steps=12, runs=1)
    scaled, slopes = measured["scaled"], measured["slopes"]
    assert scaled["0.5"] < 0.55 < 0.8 < scaled["0.9"] < 1 < scaled["2"] < scaled["4"] < 3
    assert slopes["0.5"] > 0.95 > 0.7 > slopes["2"] > slopes["4"]
    closed, usual, *_, opened = [of_c for _, of_c in measured["forget"].values()]
    assert closed < 0.8 < usual < opened
    for cell in "vanilla", "LSTM":
        (accuracy,) = measured["accuracies"][cell]["12"]
        assert accuracy > 0.9, cell
        assert measured["scatter"]["after"][cell] < 0.3 * measured["scatter"]["before"][cell]
    after = measured["arrives"]["after"]
    assert after["vanilla, ∂C/∂h"] < measured["arrives"]["before"]["vanilla, ∂C/∂h"]
    assert after["vanilla, ∂C/∂h"] < 0.2 * after["LSTM, ∂C/∂c"]
    (plain,), (clipped,) = (measured["clipping"][name]["cost"] for name in ("as it is", "clipped"))
    assert clipped < 0.7 * math.log(8) and clipped < plain
    assert figures(tmp_path, through_time) == ["clipping.png", "first_weights.png", "training.png"]


@pytest.mark.parametrize("cell", [Recurrent, LSTM])
def test_6_2_back_in_time_is_what_nndl_hands_back_at_each_step(cell):
    net = through_time.build_network(cell)
    x, y = through_time.remembered(5, 6, np.random.default_rng(0), ragged=False)
    of_h, *of_c = through_time.gradients(net, (x, y))
    layer = net.layers[0]
    h, c = layer.h.copy(), layer.c.copy() if of_c else None
    gates = layer.all_gates.copy() if of_c else None
    d_last = np.zeros((5, 1, through_time.UNITS), np.float32)
    d_last[:, 0] = of_h[-1]
    for s in range(5):  # begin after step s, with its state: what comes back is dC/dh_s
        layer.begin = (h[:, s], c[:, s]) if of_c else (h[:, s],)
        layer.forward(x[:, s + 1:])
        d = np.concatenate([np.zeros((5, 4 - s, through_time.UNITS), np.float32), d_last], axis=1)
        _, first = layer.back(d)
        np.testing.assert_allclose(first[0], of_h[s], rtol=1e-3, atol=1e-7)
        if of_c:  # and by way of h_s
            o = gates[:, s, -through_time.UNITS:]
            by_h = of_h[s] * o * (1 - np.tanh(c[:, s]) ** 2)
            np.testing.assert_allclose(first[1] + by_h, of_c[0][s], rtol=1e-3, atol=1e-7)


def test_6_2_a_scaled_matrix_has_its_radius():
    data = through_time.remembered(20, 30, np.random.default_rng(0), ragged=False)
    curve, slope = through_time.of_scaled(0.1, data, None, 0)
    assert slope > 0.95 and curve[-1] == 1
    assert curve[9] / curve[10] == pytest.approx(0.1, rel=0.35)  # a step further back


def test_6_2_remembered_is_a_letter_and_then_noise():
    x, y = through_time.remembered(300, 9, np.random.default_rng(0))
    assert (x.padded[:, 0].argmax(axis=1) == y).all() and (x.padded[:, 0].sum(axis=1) == 1).all()
    assert abs(x.padded[:, 1:][x.valid[:, 1:]].std() - through_time.NOISE) < 0.01
    assert set(x.valid.sum(axis=1)) == set(range(1, 10))


def test_6_2_says_of_clipping_what_was_measured():
    def run(cost, n=through_time.CLIP_STEPS):
        return {"costs": np.full((2, n), cost), "slope": np.array([0.1, 0.2])}

    assert "saves" in through_time.said_of_clipping({"as it is": run(2.5), "clipped": run(0.5)})
    assert "saves" not in through_time.said_of_clipping({"as it is": run(1.0), "clipped": run(0.5)})
    assert "saves" not in through_time.said_of_clipping({"as it is": run(2.5), "clipped": run(2.2)})
    assert "ceased to be finite" in through_time.said_of_clipping(
        {"as it is": run(2.5, 100), "clipped": run(0.5)})


# --- solutions ------------------------------------------------------------------------------------

def test_an_lstm_by_hand():
    measured = lstm_by_hand.main()
    assert measured["checked"] == 48
    assert measured["numerical"] < 1e-10 and measured["library"] < 1e-14
    assert np.all(np.abs(measured["of_c"]) > 0)
    assert lstm_by_hand.main(seed=3)["numerical"] < 1e-10


def test_a_cell_that_stays_has_a_gradient_that_vanishes(tmp_path):
    measured = vanishing_range_of_a_cell.main(out=tmp_path)
    assert measured["w"] == pytest.approx(6.9 / 4, abs=0.01)              # the book's, for tanh
    assert measured["width"] / 2 == pytest.approx(0.45, abs=0.01)         # the book's share
    assert measured["off"] < 1e-4
    assert all(0 <= factor < 1 for factor in measured["factors"].values())
    top, last = measured["tops"]["3"]
    assert top > 10 and last < 1e-20
    assert (tmp_path / "solutions" / "vanishing_range_of_a_cell.png").exists()


def test_a_truncated_gradient(tmp_path):
    measured = truncated_gradient.main(n=3000, epochs=3, out=tmp_path)
    errors, cosines = (list(measured[name].values()) for name in ("errors", "cosines"))
    assert errors == sorted(errors, reverse=True) and cosines == sorted(cosines)
    assert errors[0] > 0.4 and errors[-1] == 0 and cosines[-1] == pytest.approx(1)
    assert measured["cosines"][8] > 0.98
    assert measured["right"].keys() == {"1", "2", "None"}
    assert (tmp_path / "solutions" / "truncated_gradient.png").exists()
