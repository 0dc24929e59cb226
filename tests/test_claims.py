"""What is commonly said, judged by measurements that are made up here: lessons/claims.py."""

import json
from importlib import import_module

import pytest

from lessons import course
from lessons.claims import CLAIMS, NOT_SO, SO, SOMETIMES, UNDECIDED

RELU, TANH, HALF, LARGE, TENTH, FAILS = CLAIMS
OVERLAP, FEW = f"{UNDECIDED}: the runs overlap", f"{UNDECIDED}: too few runs"


def judged(said, *runs):
    """(numbers in words, verdict) of a claim."""
    return CLAIMS[said][1](list(runs))


@pytest.mark.parametrize("relu, sigmoid, verdict", [
    ([5, 3, 1], [15, 20, None], SO),
    ([1, 2, 1], [4, 5, 14], f"of ReLU it {SO}; of sigmoid it {NOT_SO}"),
    ([6, 5, 5], [15, 15, 15], f"of ReLU it {SOMETIMES}; of sigmoid it {SO}"),
    ([5, 5, 5], [12, 20, 30], f"of ReLU it {SO}; of sigmoid it {SOMETIMES}"),
    ([None, 6, 7], [14, 3, 1], NOT_SO), ([1, 2], [15, 20], FEW)])
def test_relu_in_five_epochs(relu, sigmoid, verdict):
    said, found = judged(RELU, *({"reached": {"ReLU": [r], "sigmoid": [s]}}
                                 for r, s in zip(relu, sigmoid)))
    assert found == verdict
    assert said.endswith("sigmoid in epoch " + ", ".join(str(s or "never") for s in sigmoid))


@pytest.mark.parametrize("times, verdict", [
    ([2.0, 3.1, 2.0], SO), ([0.5, 1.9, 1], NOT_SO), ([2.0, 1.9, 2], SOMETIMES), ([2.0, 3.1], FEW)])
def test_relu_twice_as_fast(times, verdict):
    said, found = judged(TANH, *({"times": [time]} for time in times))
    assert found == verdict and f"{times[0]:.1f}, {times[1]:.1f}" in said


@pytest.mark.parametrize("half, none, fifth, verdict", [
    ([0.98, 0.97, 0.97], [0.96, 0.95, 0.95], [0.96, 0.96, 0.96], SO),
    ([0.98, 0.97, 0.97], [0.96, 0.95, 0.95], [0.99, 0.985, 0.99], NOT_SO),
    ([0.98, 0.97, 0.97], [0.96, 0.95, 0.95], [0.975] * 3, OVERLAP), ([0.98], [0.97], [0.97], FEW)])
def test_half_is_the_best_rate(half, none, fifth, verdict):
    said, found = judged(HALF, *({"validation": {"p = 0": [n], "p = 0.2": [f], "p = 0.5": [h]}}
                                 for h, n, f in zip(half, none, fifth)))
    assert found == verdict and f"p = 0.5 {100 * sum(half) / len(half):.2f}" in said


@pytest.mark.parametrize("dropout, l2, verdict", [
    ([0.98, 0.97, 0.97], [0.96] * 3, SO), ([0.95, 0.94, 0.95], [0.96] * 3, NOT_SO),
    ([0.98, 0.95, 0.98], [0.96] * 3, OVERLAP), ([0.96] * 3, [0.96] * 3, OVERLAP),
    ([0.98, 0.98], [0.96] * 2, FEW)])
def test_dropout_beats_l2(dropout, l2, verdict):
    runs = [{"accuracies": {"large with dropout": [d], "large with L2": [w],
                            "large with neither": [0.9], "small with L2": [0.5]}}
            for d, w in zip(dropout, l2)]
    assert judged(LARGE, *runs)[1] == verdict


@pytest.mark.parametrize("tenth, fiftieth, verdict", [
    ([0.98, 0.99, 0.98], [0.96, 0.98, 0.98], f"{SO}: conv 20 with 10 % of them"),
    ([0.98, 0.99, 0.98], [0.98, 0.975, 0.98],
     f"{SO}: conv 20 with 10 % of them and conv 8 + conv 16 with 2 % of them"),
    ([0.98, 0.965, 0.98], [0.98] * 3, f"{SO}: conv 8 + conv 16 with 2 % of them"),
    ([0.96, 0.95, 0.96], [0.96] * 3, NOT_SO), ([0.98, 0.965, 0.98], [0.96] * 3, OVERLAP),
    ([0.96, 0.95, 0.96], [0.98, 0.96, 0.98], OVERLAP), ([0.98, 0.98], [0.98, 0.98], FEW)])
def test_a_tenth_of_the_parameters(tenth, fiftieth, verdict):
    size = {"dense 364": 300_000, "conv 20": 30_000, "conv 8 + conv 16": 6_000}
    runs = [{"accuracies": {"dense 364": [0.97], "conv 20": [a], "conv 8 + conv 16": [b]},
             "parameters": size} for a, b in zip(tenth, fiftieth)]
    said, found = judged(TENTH, *runs)
    assert found == verdict and "30,000" in said


@pytest.mark.parametrize("sigmoid, verdict", [
    ([0.1, 0.49, 0.2], SO), ([0.5, 0.97, 0.9], NOT_SO), ([0.49, 0.5, 0.1], SOMETIMES),
    ([0.97, 0.97], FEW)])
def test_five_layers_of_sigmoids_fail(sigmoid, verdict):
    runs = [{"accuracies": {"sigmoid": [s], "ReLU": [0.98]}} for s in sigmoid]
    assert judged(FAILS, *runs)[1] == verdict


def test_lessons_measure_what_claims_ask_for():
    """Of the quick lessons, too: the same main has made them."""
    for said, (id, judge) in CLAIMS.items():
        (result,) = course.measured(id)
        assert all(judge([result["measured"]])), said


FULL = sorted((course.RESULTS / "full").glob("*.json"))


@pytest.mark.parametrize("path", FULL, ids=[path.stem for path in FULL])
def test_full_results_are_what_their_names_say(path):
    """Of this lesson and this seed, and with what the lesson's FULL says today."""
    result, (id, seed) = json.loads(path.read_text(encoding="utf-8")), path.stem.rsplit(".", 1)
    full = import_module(f"lessons.{course.lessons()[id].stem}").FULL
    assert (result["lesson"], result["settings"]["seed"]) == (id, int(seed))
    assert {name: result["settings"][name] for name in full} == json.loads(json.dumps(full))
