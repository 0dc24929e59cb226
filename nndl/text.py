"""Text for character models: letters as symbols, streams for mini-batches, and a baseline to beat.

A character model says at each letter how likely each one is to come next.  Its perplexity is e to the
mean cost of a letter in nats: as unsure as if it chose among so many letters that are all as likely.
"""

import math
from collections import Counter

import numpy as np

from .arguments import check_int
from .data.tasks import text_of
from .ops.shapes import check_symbols
from .sampling import Writer

UNKNOWN = "\N{REPLACEMENT CHARACTER}"  # stands for letters that the training text does not have


class Alphabet:
    """The letters of a text, each with a number: alphabet.letters[number].

    text : whose letters they are;  rarest : letters that stand there less often are UNKNOWN
    """

    def __init__(self, text, rarest=1):
        if not isinstance(text, str):
            raise TypeError(f"text must be a str, not {type(text).__name__}")
        check_int("rarest", rarest, 1)
        counts = Counter(text)
        self.letters = UNKNOWN + "".join(sorted(
            letter for letter, n in counts.items() if n >= rarest and letter != UNKNOWN))
        self._number = {letter: number for number, letter in enumerate(self.letters)}

    def __len__(self):
        return len(self.letters)

    def encode(self, text):
        """Text as ints (len(text),); what the alphabet does not have is 0."""
        return np.array([self._number.get(letter, 0) for letter in text], np.int64)

    def decode(self, symbols):
        """The way back; what is the number of no letter, say -1, ends it."""
        return text_of(symbols, self.letters)


def streams(symbols, m, t):
    """One long text as training data for stateful layers: m streams, read side by side, t at a time.

    symbols : (length,) ints
    Returns (x, y), (k m, t) each: mini-batch j, the rows from j m on, has the next t symbols of each
    stream, and y the symbols one further on.  Train with mini_batch_size=m and shuffle=False.  What
    does not fill a mini-batch at the end is left out.
    """
    for name, number in ("m", m), ("t", t):
        check_int(name, number, 1)
    symbols = _one_text(symbols)
    pieces = (len(symbols) - 1) // (m * t)
    if pieces < 1:
        raise ValueError(f"{len(symbols)} symbols are too few for {m} streams of {t}: at least "
                         f"{m * t + 1} are needed")
    each = pieces * t

    def by_mini_batch(all_of_them):
        return all_of_them[:m * each].reshape(m, pieces, t).transpose(1, 0, 2).reshape(-1, t)

    return by_mini_batch(symbols[:-1]), by_mini_batch(symbols[1:])


def perplexity(net, symbols, at_once=200):
    """e to the mean cost of each symbol but the first, given all those before it.

    net : a Network of symbols with a softmax output at each step
    symbols : (length,) ints;  at_once : steps between which only the state is handed on
    """
    check_int("at_once", at_once, 1)
    symbols, writer, cost = _at_least_two(symbols), Writer(net), 0.0
    check_symbols("symbols", symbols, net.output_shape[-1])
    if any(hasattr(layer, "reads") for layer in net.layers):
        raise ValueError(f"{net!r} reads before it writes: it says nothing of a text that goes on")
    for begin in range(0, len(symbols) - 1, at_once):
        piece = symbols[begin:begin + at_once + 1]
        a = writer.read(piece[None, :-1])[0]
        cost -= np.log(np.maximum(a[np.arange(len(a)), piece[1:]], 1e-30), dtype=float).sum()
    return math.exp(cost / (len(symbols) - 1))


def _at_least_two(symbols):
    """symbols as an array, if there is one that another comes before."""
    symbols = _one_text(symbols)
    if len(symbols) < 2:
        raise ValueError(f"a text of {len(symbols)} symbols has none that another one comes before: at "
                         "least 2 are needed")
    return symbols


def _one_text(symbols):
    """symbols as an array (length,)."""
    symbols = np.asarray(symbols)
    if symbols.ndim != 1:
        raise TypeError(f"symbols must be one text as ints (length,), see Alphabet.encode, not "
                        f"{symbols.dtype} {symbols.shape}")
    return symbols


class Trigram:
    """How often letters follow each other: the next one by the two before it, smoothed.

    Where two letters have been seen n times, and before u different ones, the letters that followed
    have n / (n + u) of the say, and the model of one letter before has the rest; and so on down to all
    letters alike (Witten and Bell 1991).

    symbols : (length,) ints, from 0 to n_symbols - 1
    """

    def __init__(self, symbols, n_symbols):
        check_int("n_symbols", n_symbols, 1)
        symbols = _one_text(symbols if np.size(symbols) else np.zeros(0, int))
        check_symbols("symbols", symbols, n_symbols)
        self.n_symbols = n_symbols
        self.counts = [Counter() for _ in range(3)]     # (before..., symbol) -> how often
        self.totals = [Counter() for _ in range(3)]     # before -> how often
        self.followers = [Counter() for _ in range(3)]  # before -> by how many different ones
        symbols = symbols.tolist()
        for order in range(3):
            for end in range(order, len(symbols)):
                seen = tuple(symbols[end - order:end + 1])
                self.totals[order][seen[:-1]] += 1
                self.followers[order][seen[:-1]] += seen not in self.counts[order]
                self.counts[order][seen] += 1

    def probability(self, before, symbol):
        """Of a symbol behind the symbols `before`, of which the last two count."""
        if not 0 <= symbol < self.n_symbols:
            raise ValueError(f"symbol must be one from 0 to {self.n_symbols - 1}, not {symbol}")
        p = 1 / self.n_symbols
        for order in range(min(3, len(before) + 1)):
            context = tuple(before[len(before) - order:])
            n, u = self.totals[order][context], self.followers[order][context]
            if n:
                p = (self.counts[order][*context, symbol] + u * p) / (n + u)
        return p

    def perplexity(self, symbols):
        """As the function perplexity, of this model."""
        symbols = _at_least_two(symbols)
        check_symbols("symbols", symbols, self.n_symbols)
        symbols = symbols.tolist()
        cost = -sum(math.log(self.probability(symbols[max(0, i - 2):i], symbols[i]))
                    for i in range(1, len(symbols)))
        return math.exp(cost / (len(symbols) - 1))
