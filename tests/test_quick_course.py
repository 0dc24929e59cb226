"""The quick course measures what lessons/results/quick says.  `pytest -m slow`: some 20 minutes."""

import json

import numpy as np
import pytest

import lessons.__main__ as course_command
from lessons import course

pytestmark = pytest.mark.slow


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
    for what in {"accuracy", "accuracies"} & now["measured"].keys():
        same_accuracies(now["measured"][what], committed["measured"][what], what)


def same_accuracies(now, committed, where):
    """Within a percentage point, or what the runs differ by: CPUs round differently."""
    if isinstance(committed, dict):
        assert now.keys() == committed.keys(), where
        for name in committed:
            same_accuracies(now[name], committed[name], f"{where}: {name}")
    else:
        assert np.shape(now) == np.shape(committed), where
        spread = max(np.std(now), np.std(committed))
        assert abs(np.mean(now) - np.mean(committed)) <= max(0.01, 2 * spread), where
