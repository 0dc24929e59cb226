"""The quick course measures what lessons/results/quick says.  `pytest -m slow`: some 10 minutes."""

import json

import numpy as np
import pytest

import lessons.__main__ as course_command
from lessons import course

# What another machine, or another hour, does otherwise: times, and which few neurons or digits fail.
NOT_COMPARED = {"seconds", "times_as_fast", "unread", "at_zero", "steadier", "verdicts", "parted",
                "pytorch", "learned"}
# Gradients after training differ by factors where CPUs round differently: their magnitude is compared.
ROUGHLY = ("arrives: after", "scatter: after", "clipping: as it is: longest")
# Of dates one network gets 95 or 99.9 % right, by rounding; and shares are of a few hundred words that
# 6.3 writes after learning from the lessons, whose text changes: these may differ by ten points.
TEN_POINTS = ("dates", "shares")
ROUNDING = 1e-5  # differences that should be none


@pytest.mark.slow
@pytest.mark.parametrize("id", course.lessons())
def test_a_quick_lesson_measures_what_is_committed(id, tmp_path):
    if id == "4.6":
        pytest.importorskip("torch")
    out, kept = tmp_path / "pictures", tmp_path / "kept"
    assert course_command.main([id, "--quick", "--out", str(out), "--results", str(kept)]) == 0
    now = json.loads((kept / f"{id}.json").read_text(encoding="utf-8"))
    committed, = course.measured(id)
    assert now["settings"] == committed["settings"]
    assert now["measured"].keys() == committed["measured"].keys()
    compared = [same(now["measured"][name], committed["measured"][name], name)
                for name in committed["measured"].keys() - NOT_COMPARED]
    assert any(compared), "nothing of this lesson is compared"


def same(now, committed, where):
    """Compare numbers in dictionaries and lists; returns how many there were.

    CPUs round differently, and training makes more of it: means agree within a percentage point, for
    other numbers within a fifth of themselves, or within what the runs in a list differ by.  ROUGHLY
    and TEN_POINTS are the exceptions.
    """
    if isinstance(committed, dict):
        assert now.keys() == committed.keys(), where
        return sum(same(now[name], committed[name], f"{where}: {name}" if where else name)
                   for name in committed.keys() - NOT_COMPARED)
    if isinstance(committed, list) and committed and isinstance(committed[0], dict):
        assert len(now) == len(committed), where
        return sum(same(*pair, where) for pair in zip(now, committed))
    one, other = numbers(now), numbers(committed)
    if not other.size:
        return 0
    if max(abs(other)) < ROUNDING:
        assert max(abs(one)) < ROUNDING, where
    elif where.startswith(ROUGHLY):
        assert 0.1 < one.mean() / other.mean() < 10, (where, one.mean(), other.mean())
    elif where in TEN_POINTS:
        assert abs(one.mean() - other.mean()) < 0.1, (where, one.mean(), other.mean())
    else:
        mean = other.mean()
        whole = next((scale for scale in (1, 100) if scale / 2 < mean and max(other) <= scale), None)
        least = 0.01 * whole if whole else 0.2 * abs(mean)
        allowed = max(least, 2 * spread(now), 2 * spread(committed))
        assert abs(one.mean() - mean) <= allowed, (where, one.mean(), mean)
    return other.size


def spread(runs):
    """The standard deviation of a few runs, numbers or curves; 0 if these are none."""
    several = isinstance(runs, list) and 1 < len(runs) <= 5
    means = [numbers(run).mean() for run in runs if numbers(run).size] if several else []
    return np.std(means, ddof=1) if len(means) > 1 else 0.0


def numbers(value):
    """All numbers in a value of nested lists, (n,)."""
    if isinstance(value, list):
        return np.concatenate([numbers(each) for each in value] or [np.zeros(0)])
    return np.array([value] if isinstance(value, (int, float)) and not isinstance(value, bool) else [],
                    dtype=float)


def test_what_is_compared_and_what_not():
    """Accuracies, norms and curves are; that a lesson measures something else is noticed."""
    measured = {"accuracies": {"a": [0.91, 0.92], "b": [0.5, 0.7]}, "norm": 3e-4, "apart": 4e-15,
                "stopped": {"2": [11, 14]}, "seconds": 5.0, "best": "a", "curve": [[90.0, 95.0]],
                "dates": 0.95, "scatter: after": 0.05}
    assert same(measured, measured, "") == 12
    assert same(measured | {"dates": 0.999, "scatter: after": 0.1}, measured, "") == 12
    assert same({"apart": 5e-13, "seconds": 9.0}, {"apart": 4e-15, "seconds": 5.0}, "all") == 1
    for name, other in (("accuracies", {"a": [0.88, 0.88], "b": [0.5, 0.7]}), ("norm", 6e-4),
                        ("apart", 3e-3), ("stopped", {"2": [20, 24]}), ("curve", [[70.0, 75.0]]),
                        ("dates", 0.8), ("scatter: after", 0.004)):
        with pytest.raises(AssertionError, match=name):
            same(measured | {name: other}, measured, "")


@pytest.mark.parametrize("id", course.lessons())
def test_the_committed_results_have_something_to_compare(id):
    committed, = course.measured(id)
    assert same(committed["measured"], committed["measured"], id)
