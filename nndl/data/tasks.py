"""Tasks for recurrent networks, made by chance: sums to work out, words to reverse, dates to rewrite.

Each function makes n examples with a Generator rng and returns (x, y) as Network.SGD takes them.
"""

import datetime
import math

import numpy as np

from ..arguments import check_generator, check_int
from ..ops.shapes import is_int
from .sequences import Sequences

LETTERS = "abcdefghijklmnopqrstuvwxyz"
GO = len(LETTERS)  # the symbol that ends what is read, and what is written
DATE_LETTERS = LETTERS + "0123456789 ,-"
ISO_LETTERS = "0123456789-"
LONGEST_DATE = 50  # letters: what is read is padded to so many steps
YEARS = 1900, 2099  # of some other centuries dates are longer
MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september",
          "october", "november", "december")
WEEKDAYS = "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"
SMALL = ("zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
         "fifteen sixteen seventeen eighteen nineteen").split()
TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
ORDINALS = {"one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth",
            "nine": "ninth", "twelve": "twelfth"}


def binary_sums(n, bits, rng):
    """Two numbers of `bits` bits, a bit of each at every step, the least significant first.

    x : (n, bits + 1, 2), 0 and 1, at the last step 0 and 0;  y : (n, bits + 1), the bits of their sum
    bits : an int, or (least, most): each example its own number, and x are Sequences
    """
    _check(n, rng)
    pair = (bits, bits) if np.ndim(bits) == 0 else tuple(bits)
    if len(pair) != 2:
        raise ValueError(f"bits must be an int or two, (least, most), not {bits!r}")
    least, most = pair
    _in_order("bits", least, most)
    lengths = rng.integers(least, most + 1, n)
    x = np.zeros((n, most + 1, 2), np.float32)
    x[:, :most] = rng.integers(0, 2, (n, most, 2))
    x[np.arange(most + 1) >= lengths[:, None]] = 0
    y, carry = x.sum(axis=2).astype(np.int64), 0
    for s in range(most + 1):
        y[:, s] += carry
        carry, y[:, s] = y[:, s] >> 1, y[:, s] & 1
    return (x if np.ndim(bits) == 0 else Sequences(x, lengths + 1)), y


def reversed_words(n, rng, shortest=3, longest=10):
    """Words of random letters, and the same backwards.

    x : (n, 2 longest + 1) symbols: a word, in `longest` steps; then GO and the word backwards
    y : (n, longest + 1) symbols: the word backwards and GO, then -1
    Which steps there are, x, Sequences, says.  For an EncoderDecoder that reads `longest` steps.
    """
    _check(n, rng)
    _in_order("shortest, longest", shortest, longest)
    lengths = rng.integers(shortest, longest + 1, n)
    words = [rng.integers(0, len(LETTERS), length) for length in lengths]
    return to_be_written(words, [word[::-1] for word in words], longest, longest + 1, GO)


def dates(n, rng, first=YEARS[0], last=YEARS[1]):
    """Dates as people write them, and in ISO form, 1999-03-21, of the years from first to last.

    x : (n, LONGEST_DATE + 10) symbols: places in DATE_LETTERS in what is read; then
        len(DATE_LETTERS) + len(ISO_LETTERS), with which writing begins, and len(DATE_LETTERS) + places
        in ISO_LETTERS
    y : (n, 10) symbols, ISO_LETTERS
    The letters of what is written come in x after those of what is read, so that they are others.
    """
    _check(n, rng)
    _in_order("first, last", first, last, *YEARS)
    day, days = datetime.date(first, 1, 1), (datetime.date(last + 1, 1, 1)
                                             - datetime.date(first, 1, 1)).days
    chosen = [day + datetime.timedelta(int(d)) for d in rng.integers(0, days, n)]
    read = [symbols_of(in_words(date, rng), DATE_LETTERS) for date in chosen]
    written = [symbols_of(date.isoformat(), ISO_LETTERS) for date in chosen]
    return to_be_written(read, written, LONGEST_DATE, 10, len(ISO_LETTERS),
                         shift=len(DATE_LETTERS), ended=False)


def to_be_written(read, written, reads, writes, go, shift=0, ended=True):
    """(x, y) for an EncoderDecoder, of lists of what it reads and what it shall write, symbols.

    reads, writes : steps;  go : the symbol in x that the writing begins with, and in y, if `ended`,
    the one that it ends with;  shift : added in x to the symbols that are written
    """
    for name, value, least in (("reads", reads, 1), ("writes", writes, 1), ("go", go, 0),
                               ("shift", shift, 0)):
        check_int(name, value, least)
    n = len(read)
    if len(written) != n:
        raise ValueError(f"written must have an example for each of the {n} of read, not "
                         f"{len(written)}")
    x, valid = np.zeros((n, reads + writes), np.int64), np.zeros((n, reads + writes), bool)
    y = np.full((n, writes), -1)
    for i, (before, after) in enumerate(zip(read, written)):
        if len(before) > reads or len(after) + ended > writes:
            raise ValueError(f"example {i} has {len(before)} symbols to read and {len(after)} to "
                             f"write; there are {reads} steps and {writes - ended}")
        end = len(after) + ended
        x[i, :len(before)], valid[i, :len(before)] = before, True
        x[i, reads], valid[i, reads:reads + end] = go + shift, True
        x[i, reads + 1:reads + end] = np.asarray(after[:end - 1], np.int64) + shift
        y[i, :end] = [*after, go][:end]
    return Sequences(x, valid=valid), y


def _check(n, rng):
    check_int("n", n, 0)
    check_generator(rng)


def _in_order(name, least, most, first=1, limit=math.inf):
    if not (is_int(least) and is_int(most) and first <= least <= most <= limit):
        raise ValueError(f"{name} must be ints, at least {first} and in order"
                         + (f", and at most {limit}" if limit < math.inf else "")
                         + f", not {least!r} and {most!r}")


def symbols_of(text, letters):
    """Text as ints, each letter's place in `letters`."""
    for letter in text:
        if letter not in letters:
            raise ValueError(f"{letter!r} in {text!r} is none of the letters {letters!r}")
    return np.array([letters.index(letter) for letter in text], np.int64)


def text_of(symbols, letters):
    """The way back; what is no place in `letters` ends it."""
    symbols = list(symbols)
    end = next((i for i, s in enumerate(symbols) if not 0 <= s < len(letters)), len(symbols))
    return "".join(letters[s] for s in symbols[:end])


def in_words(date, rng):
    """A date in one of several ways of writing it, lower case."""
    day, month, year = date.day, MONTHS[date.month - 1], date.year
    if rng.random() < 0.3:
        month = month[:3]
    spelled = ordinal(day), month, year_in_words(year)
    text = [f"{day} {month} {year}", f"{month} {day}, {year}", f"{numeral(day)} {month} {year}",
            f"the {numeral(day)} of {month} {year}", f"{month} the {numeral(day)}, {year}",
            "{} of {} {}".format(*spelled), f"{month} {ordinal(day)}, {year_in_words(year)}",
            f"the {ordinal(day)} of {month} {year}"][rng.integers(8)]
    return f"{WEEKDAYS[date.weekday()]}, {text}" if rng.random() < 0.2 and len(text) < 30 else text


def number_in_words(n):
    """21 as twenty-one; n below 100."""
    if n < 20:
        return SMALL[n]
    return TENS[n // 10 - 2] + (f"-{SMALL[n % 10]}" if n % 10 else "")


def year_in_words(year):
    """1905 as nineteen oh five, 2000 as two thousand, 2012 as twenty twelve."""
    century, rest = divmod(year, 100)
    if rest == 0:
        return "two thousand" if year == 2000 else f"{number_in_words(century)} hundred"
    rest = f"oh {SMALL[rest]}" if rest < 10 else number_in_words(rest)
    return f"{number_in_words(century)} {rest}"


def ordinal(n):
    """21 as twenty-first."""
    *tens, last = number_in_words(n).split("-")
    last = ORDINALS.get(last) or (f"{last[:-1]}ieth" if last.endswith("y") else f"{last}th")
    return "-".join([*tens, last])


def numeral(n):
    """21 as 21st."""
    ending = "th" if n // 10 == 1 else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{n}{ending}"
