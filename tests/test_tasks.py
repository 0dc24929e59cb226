"""The tasks for recurrent networks: what they ask is what they say, and so is the answer."""

import datetime
import re

import numpy as np
import pytest

from nndl import Sequences
from nndl.data import tasks
from nndl.data.tasks import (
    DATE_LETTERS,
    GO,
    ISO_LETTERS,
    LETTERS,
    LONGEST_DATE,
    MONTHS,
    WEEKDAYS,
    binary_sums,
    dates,
    in_words,
    number_in_words,
    numeral,
    ordinal,
    reversed_words,
    symbols_of,
    text_of,
    to_be_written,
    year_in_words,
)


def rng(seed=0):
    return np.random.default_rng(seed)


# --- sums -----------------------------------------------------------------------------------------

def as_int(bits):
    """Bits, the least significant first, as Python's int."""
    return sum(int(bit) << place for place, bit in enumerate(bits))


@pytest.mark.parametrize("bits", [1, 8, 20, 100])
def test_sums_are_python_s(bits):
    x, y = binary_sums(200, bits, rng())
    assert x.shape == (200, bits + 1, 2) and x.dtype == np.float32 and y.shape == (200, bits + 1)
    assert set(np.unique(x)) == {0, 1} and y.dtype.kind == "i"
    assert (x[:, -1] == 0).all()
    for numbers, total in zip(x, y):
        assert as_int(numbers[:, 0]) + as_int(numbers[:, 1]) == as_int(total)
    # Every bit but the last is drawn evenly, and both numbers are drawn.
    assert np.abs(x[:, :-1].mean(axis=0) - 0.5).max() < 0.15
    assert (x[..., 0] != x[..., 1]).any()


def test_sums_of_unequal_length():
    x, y = binary_sums(500, (2, 5), rng())
    assert isinstance(x, Sequences) and x.shape == (500, 6, 2) and y.shape == (500, 6)
    steps = x.valid.sum(axis=1)
    assert set(steps) == {3, 4, 5, 6}  # two to five bits, and one more for what is carried
    for numbers, there, total, n in zip(x.padded, x.valid, y, steps):
        assert there[:n].all()
        assert not numbers[n - 1:].any() and not total[n:].any()
        assert as_int(numbers[:, 0]) + as_int(numbers[:, 1]) == as_int(total[:n])
    long = x.padded[steps == 6]
    assert np.abs(long[:, 4].mean(axis=0) - 0.5).max() < 0.15  # the highest of five bits is drawn, too


# --- words ----------------------------------------------------------------------------------------

def test_reversed_words():
    x, y = reversed_words(400, rng())
    assert isinstance(x, Sequences) and x.shape == (400, 21) and y.shape == (400, 11)
    lengths = x.valid[:, :10].sum(axis=1)
    assert set(lengths) == set(range(3, 11))
    for read, there, written, n in zip(x.padded, x.valid, y, lengths):
        word = text_of(read[:n], LETTERS)
        assert len(word) == n
        assert there[:n].all() and not there[n:10].any()
        assert there[10:11 + n].all() and not there[11 + n:].any()
        assert text_of(written, LETTERS) == word[::-1]
        assert written[n] == GO and (written[n + 1:] == -1).all()
        assert read[10] == GO and text_of(read[11:11 + n], LETTERS) == word[::-1]
    assert set(x.padded[:, :3].ravel()) == set(range(26))


def test_reversed_words_of_other_lengths():
    x, y = reversed_words(50, rng(), shortest=2, longest=4)
    assert x.shape == (50, 9) and y.shape == (50, 5)
    assert set(x.valid[:, :4].sum(axis=1)) == {2, 3, 4}


# --- what is read and what is written -------------------------------------------------------------

def test_the_layout_of_what_is_written_and_ended():
    x, y = to_be_written([np.array([1, 2]), np.array([3])], [np.array([2, 1]), np.array([3])],
                         reads=3, writes=3, go=9)
    np.testing.assert_array_equal(x.padded, [[1, 2, 0, 9, 2, 1], [3, 0, 0, 9, 3, 0]])
    np.testing.assert_array_equal(x.valid, [[1, 1, 0, 1, 1, 1], [1, 0, 0, 1, 1, 0]])
    np.testing.assert_array_equal(y, [[2, 1, 9], [3, 9, -1]])


def test_the_layout_of_what_is_written_in_other_letters_and_not_ended():
    x, y = to_be_written([np.array([1, 2, 3]), np.array([4])], [np.array([5, 6]), np.array([7])],
                         reads=3, writes=2, go=9, shift=10, ended=False)
    np.testing.assert_array_equal(x.padded, [[1, 2, 3, 19, 15], [4, 0, 0, 19, 0]])
    np.testing.assert_array_equal(x.valid, [[1, 1, 1, 1, 1], [1, 0, 0, 1, 0]])
    np.testing.assert_array_equal(y, [[5, 6], [7, -1]])


@pytest.mark.parametrize("read, written, ended, said", [
    (4, 1, True, "example 1 has 4 symbols to read and 1 to write; there are 3 steps and 1"),
    (1, 2, True, "example 1 has 1 symbols to read and 2 to write; there are 3 steps and 1"),
    (1, 3, False, "example 1 has 1 symbols to read and 3 to write; there are 3 steps and 2")])
def test_what_does_not_fit_is_refused(read, written, ended, said):
    one = np.zeros(1, int)
    with pytest.raises(ValueError, match=f"^{re.escape(said)}$"):
        to_be_written([one, np.zeros(read, int)], [one, np.zeros(written, int)], 3, 2, 9, ended=ended)


@pytest.mark.parametrize("given, said", [
    ({"written": [[1], [2]]}, "written must have an example for each of the 1 of read, not 2"),
    ({"reads": 0}, "reads must be an int of at least 1, not 0"),
    ({"writes": 2.0}, "writes must be an int of at least 1, not 2.0"),
    ({"go": -3}, "go must be an int of at least 0, not -3"),
    ({"shift": -1}, "shift must be an int of at least 0, not -1")])
def test_arguments_of_what_is_to_be_written_are_named(given, said):
    with pytest.raises(ValueError, match=f"^{re.escape(said)}$"):
        to_be_written(**{"read": [[1]], "written": [[2]], "reads": 1, "writes": 2, "go": 5, **given})


# --- dates ----------------------------------------------------------------------------------------

def test_dates_are_asked_and_answered():
    x, y = dates(500, rng())
    assert isinstance(x, Sequences) and x.shape == (500, LONGEST_DATE + 10) and y.shape == (500, 10)
    assert (y >= 0).all()
    years, months = set(), set()
    for read, there, written in zip(x.padded, x.valid, y):
        iso = text_of(written, ISO_LETTERS)
        date = datetime.date.fromisoformat(iso)
        years.add(date.year)
        months.add(date.month)
        n = there[:LONGEST_DATE].sum()
        text = text_of(read[:n], DATE_LETTERS)
        assert there[:n].all() and there[LONGEST_DATE:].all()
        assert MONTHS[date.month - 1][:3] in text
        assert (str(date.year) in text) != (year_in_words(date.year) in text)
        day = re.search(r"\b(\d{1,2})(?:st|nd|rd|th)?\b", text)
        assert int(day.group(1)) == date.day if day else ordinal(date.day) in text
        # What is written comes back as input, a step later, in letters of its own.
        later = read[LONGEST_DATE:] - len(DATE_LETTERS)
        assert later[0] == len(ISO_LETTERS)
        np.testing.assert_array_equal(later[1:], written[:-1])
    assert months == set(range(1, 13))
    assert min(years) >= 1900 and max(years) <= 2099 and len(years) > 150


def test_dates_of_some_years_from_the_first_day_to_the_last():
    _, y = dates(3000, rng(), first=2000, last=2000)
    days = {text_of(written, ISO_LETTERS) for written in y}
    assert {"2000-01-01", "2000-02-29", "2000-12-31"} <= days
    assert all(day.startswith("2000-") for day in days)


class Chosen:
    """A generator whose choices are known: of the month's name, of the form, of the weekday."""

    def __init__(self, short, form, weekday):
        self.randoms, self.form = iter((0.0 if short else 0.99, 0.0 if weekday else 0.99)), form

    def random(self):
        return next(self.randoms)

    def integers(self, forms):
        assert forms == 8
        return self.form


def test_every_day_fits():
    chance, letters = rng(), set(DATE_LETTERS)
    for day in range((datetime.date(2100, 1, 1) - datetime.date(1900, 1, 1)).days):
        date = datetime.date(1900, 1, 1) + datetime.timedelta(day)
        text = in_words(date, chance)
        assert 10 <= len(text) <= LONGEST_DATE and letters.issuperset(text), text


def test_the_longest_date_is_as_long_as_it_must_be():
    year = max(range(1900, 2100), key=lambda year: len(year_in_words(year)))
    days = [datetime.date(year, 1, 1) + datetime.timedelta(day) for day in range(365)]
    longest = max(len(in_words(date, Chosen(False, form, weekday)))
                  for date in days for form in range(8) for weekday in (False, True))
    assert LONGEST_DATE - 5 < longest <= LONGEST_DATE


@pytest.mark.parametrize("short, form, weekday, text", [
    (False, 0, False, "21 march 1999"), (True, 0, False, "21 mar 1999"),
    (False, 1, False, "march 21, 1999"), (False, 2, False, "21st march 1999"),
    (False, 3, False, "the 21st of march 1999"), (False, 4, False, "march the 21st, 1999"),
    (False, 5, False, "twenty-first of march nineteen ninety-nine"),
    (True, 6, False, "mar twenty-first, nineteen ninety-nine"),
    (False, 7, False, "the twenty-first of march 1999"),
    (True, 0, True, "sunday, 21 mar 1999"),
    (False, 7, True, "the twenty-first of march 1999"),  # too long for a weekday
    (False, 5, True, "twenty-first of march nineteen ninety-nine")])
def test_ways_of_writing_a_date(short, form, weekday, text):
    assert in_words(datetime.date(1999, 3, 21), Chosen(short, form, weekday)) == text


def test_weekdays_and_months_are_the_calendar_s():
    for day in range(7):
        date = datetime.date(2024, 1, 1) + datetime.timedelta(day)
        assert in_words(date, Chosen(False, 0, True)).startswith(date.strftime("%A").lower() + ", ")
    assert WEEKDAYS[0] == "monday"
    assert [datetime.date(2024, m, 1).strftime("%B").lower() for m in range(1, 13)] == list(MONTHS)


def test_how_often_a_month_is_short_and_a_weekday_is_said():
    chance = rng()
    texts = [in_words(datetime.date(1999, 11, 3), chance) for _ in range(2000)]
    assert np.mean(["november" not in text for text in texts]) == pytest.approx(0.3, abs=0.04)
    said = {form: np.mean(["wednesday, " in text for text in texts if re.search(form, text)])
            for form in (r"\b3 nov", "third of")}
    assert said[r"\b3 nov"] == pytest.approx(0.2, abs=0.06)
    assert len({text.removeprefix("wednesday, ") for text in texts}) == 16


@pytest.mark.parametrize("n, text", [
    (0, "zero"), (9, "nine"), (10, "ten"), (13, "thirteen"), (19, "nineteen"), (20, "twenty"),
    (21, "twenty-one"), (40, "forty"), (58, "fifty-eight"), (99, "ninety-nine")])
def test_numbers_in_words(n, text):
    assert number_in_words(n) == text


def test_a_number_has_words_of_its_own():
    assert len({number_in_words(n) for n in range(100)}) == 100


@pytest.mark.parametrize("year, text", [
    (1900, "nineteen hundred"), (1901, "nineteen oh one"), (1905, "nineteen oh five"),
    (1910, "nineteen ten"), (1919, "nineteen nineteen"), (1984, "nineteen eighty-four"),
    (2000, "two thousand"), (2009, "twenty oh nine"), (2012, "twenty twelve"),
    (2020, "twenty twenty"), (2099, "twenty ninety-nine"), (2100, "twenty-one hundred")])
def test_years_in_words(year, text):
    assert year_in_words(year) == text


@pytest.mark.parametrize("n, word, short", [
    (1, "first", "1st"), (2, "second", "2nd"), (3, "third", "3rd"), (4, "fourth", "4th"),
    (5, "fifth", "5th"), (8, "eighth", "8th"), (9, "ninth", "9th"), (10, "tenth", "10th"),
    (11, "eleventh", "11th"), (12, "twelfth", "12th"), (13, "thirteenth", "13th"),
    (20, "twentieth", "20th"), (21, "twenty-first", "21st"), (22, "twenty-second", "22nd"),
    (23, "twenty-third", "23rd"), (24, "twenty-fourth", "24th"), (28, "twenty-eighth", "28th"),
    (30, "thirtieth", "30th"), (31, "thirty-first", "31st")])
def test_ordinals(n, word, short):
    assert (ordinal(n), numeral(n)) == (word, short)


# --- letters --------------------------------------------------------------------------------------

def test_letters_and_symbols_there_and_back():
    np.testing.assert_array_equal(symbols_of("cab", LETTERS), [2, 0, 1])
    for letters in (LETTERS, DATE_LETTERS, ISO_LETTERS):
        assert len(set(letters)) == len(letters)
        assert text_of(symbols_of(letters, letters), letters) == letters
    assert GO == 26
    with pytest.raises(ValueError):
        symbols_of("a!", LETTERS)


@pytest.mark.parametrize("symbols, text", [
    ([0, 1, GO, 2], "ab"), ([0, 1, -1, 2], "ab"), ([-1, 2], ""), ([], ""), ([25, 0], "za")])
def test_what_is_no_letter_ends_a_text(symbols, text):
    assert text_of(np.array(symbols, int), LETTERS) == text


def test_the_same_chance_makes_the_same_examples():
    for make in (lambda r: binary_sums(5, (1, 8), r), lambda r: reversed_words(5, r),
                 lambda r: dates(5, r)):
        (x, y), (again, y_again), (other, _) = make(rng(1)), make(rng(1)), make(rng(2))
        np.testing.assert_array_equal(x.padded, again.padded)
        np.testing.assert_array_equal(y, y_again)
        assert (x.padded != other.padded).any()


@pytest.mark.parametrize("make, error, said", [
    (lambda rng: tasks.binary_sums(5, (1,), rng), ValueError,
     "bits must be an int or two, (least, most), not (1,)"),
    (lambda rng: tasks.binary_sums(5, "8", rng), ValueError,
     "bits must be ints, at least 1 and in order, not '8' and '8'"),
    (lambda rng: tasks.binary_sums(-1, 3, rng), ValueError, "n must be an int of at least 0, not -1"),
    (lambda rng: tasks.reversed_words(2.5, rng), ValueError, "n must be an int of at least 0, not 2.5"),
    (lambda rng: tasks.dates(5, 0), TypeError,
     "rng must be a Generator, say np.random.default_rng(0), not 0"),
    (lambda rng: tasks.dates(5, rng, 1800, 1850), ValueError,
     "first, last must be ints, at least 1900 and in order, and at most 2099, not 1800 and 1850")])
def test_arguments_of_the_wrong_kind(make, error, said):
    with pytest.raises(error, match=f"^{re.escape(said)}$"):
        make(np.random.default_rng(0))


def test_every_date_fits():
    """The longest way of writing each day of the two centuries."""
    days = datetime.date(2100, 1, 1) - datetime.date(1900, 1, 1)
    for n in range(0, days.days, 7):
        date = datetime.date(1900, 1, 1) + datetime.timedelta(n)
        spelled = f"{tasks.MONTHS[date.month - 1]} {tasks.ordinal(date.day)}"
        assert len(f"{spelled}, {tasks.year_in_words(date.year)}") <= tasks.LONGEST_DATE
        assert len(f"{tasks.ordinal(date.day)} of {tasks.MONTHS[date.month - 1]} "
                   f"{tasks.year_in_words(date.year)}") <= tasks.LONGEST_DATE
