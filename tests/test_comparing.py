import pytest

from nndl.comparing import compared, counted, gained


@pytest.mark.parametrize("runs, sentence", [
    ({"a": [0.98], "b": [0.97]}, "a came out 1.00 points ahead of b, in one run of each"),
    ({"a": [0.97, 0.975], "b": [0.98, 0.985]},
     "b came out ahead of a in every run, by 1.00 points on average (chance alone: 1 in 3)"),
    ({"a": [0.98] * 3, "b": [0.97] * 3},
     "a came out ahead of b in every run, by 1.00 points on average (chance alone: 1 in 10)"),
    ({"a": [0.98] * 4, "b": [0.97] * 4},
     "a came out ahead of b in every run, by 1.00 points on average"),
    ({"a": [0.98], "b": [0.98]}, "a and b came out alike, in one run of each"),
    ({"a": [0.97, 0.99], "b": [0.975, 0.975]}, "a and b overlap, their means 0.50 points apart"),
    ({"a": [0.98, 0.98], "b": [0.98, 0.98]}, "a and b overlap, their means 0.00 points apart"),
])
def test_the_sentence_is_what_the_runs_bear_out(runs, sentence):
    assert compared(runs, "a", "b") == sentence


@pytest.mark.parametrize("before, after, said", [
    ([0.97, 0.96], [0.98, 0.99], "+2.00"), ([0.97, 0.98], [0.96, 0.975], "-0.75 (the runs overlap)"),
    ([0.97, 0.98], [0.96, 0.96], "-1.50"), ([0.97], [0.98], "+1.00 (one run of each)"),
    ([0.97], [0.98, 0.99], "+1.50"),
    ([0.97, 0.98], [0.97, 0.97999], "+0.00 (the runs overlap)")])
def test_what_a_change_has_brought(before, after, said):
    assert gained(before, after) == said


def test_how_many_there_are():
    assert (counted(1, "epoch"), counted(1200, "image")) == ("1 epoch", "1,200 images")
