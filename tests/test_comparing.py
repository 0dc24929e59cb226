import pytest

from nndl.comparing import compared


@pytest.mark.parametrize("runs, sentence", [
    ({"a": [0.98], "b": [0.97]}, "a is 1.00 points ahead of b, in one run of each"),
    ({"a": [0.97, 0.975], "b": [0.98, 0.985]},
     "b is ahead of a in every run, by 1.00 points on average"),
    ({"a": [0.97, 0.99], "b": [0.975, 0.975]}, "a and b overlap, their means 0.50 points apart"),
    ({"a": [0.98, 0.98], "b": [0.98, 0.98]}, "a and b overlap, their means 0.00 points apart"),
])
def test_the_sentence_is_what_the_runs_bear_out(runs, sentence):
    assert compared(runs, "a", "b") == sentence
