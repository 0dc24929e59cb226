"""Sequences of unequal length, as one array."""

import numpy as np


class Sequences:
    """Sequences side by side in one array, and which of their steps there are.

    padded  : (n, t, ...)  a row for each sequence; what stands where there is no step does not matter:
              here it is 0.  Kept, not copied: whoever writes to it afterwards changes it here
    lengths : (n,) ints from 1 to t, how many steps each has, from its beginning
    valid   : (n, t) bools, instead of lengths where the missing steps are elsewhere than at the end

    To Network.SGD and its like what an array is.  Sequences.of([first, second]) pads for you.
    """

    may_be_empty = False

    def __init__(self, padded, lengths=None, valid=None):
        self.padded = np.asarray(padded)
        if self.padded.ndim < 2 or self.padded.shape[1] == 0:
            raise ValueError("padded must have shape (n, t, ...), a row of at least one step for each "
                             f"sequence, not {self.padded.shape}")
        if (lengths is None) == (valid is None):
            raise TypeError("say either lengths, how many steps each sequence has, or valid, which "
                            "steps there are")
        self.valid = (self._first_steps(np.asarray(lengths)) if valid is None else
                      self._mask(np.asarray(valid)))
        missing = ~self.valid
        if self.padded[missing].any():  # NaN, perhaps, and 0 times NaN is no 0
            self.padded = self.padded.copy(order="K")
            self.padded[missing] = 0

    @classmethod
    def of(cls, sequences):
        """From a list of arrays (t_i, ...), each a sequence with its own number of steps t_i."""
        sequences = [np.asarray(sequence) for sequence in sequences]
        if not sequences:
            raise ValueError("sequences is empty: at least one is needed")
        first = sequences[0]
        for number, one in enumerate(sequences):
            if one.ndim == 0:
                raise ValueError(f"sequences[{number}] is a single number, {one}, not an array "
                                 "of steps")
            if len(one) == 0:
                raise ValueError(f"sequences[{number}] is empty: each needs at least one step")
            if one.shape[1:] != first.shape[1:]:
                raise ValueError(f"sequences[{number}] has shape {one.shape}, and sequences[0] "
                                 f"{first.shape}: only the number of steps may differ")
        lengths, dtype = [len(one) for one in sequences], np.result_type(*sequences)
        padded = np.zeros((len(sequences), max(lengths), *first.shape[1:]), dtype)
        for row, one in zip(padded, sequences):
            row[:len(one)] = one
        return cls(padded, lengths)

    def _first_steps(self, lengths):
        n, t = self.padded.shape[:2]
        if lengths.shape != (n,) or lengths.dtype.kind not in "iu":
            raise ValueError(f"lengths must be {n} ints, one for each sequence, not {lengths.dtype} "
                             f"{lengths.shape}")
        if n and not (lengths.min() >= 1 and lengths.max() <= t):
            wrong = lengths.min() if lengths.min() < 1 else lengths.max()
            raise ValueError(f"lengths must be from 1 to {t}, the steps that padded has room for, "
                             f"not {wrong}")
        return np.arange(t) < lengths[:, None]

    def _mask(self, valid):
        if valid.shape != self.padded.shape[:2] or valid.dtype != bool:
            raise ValueError(f"valid must be bools {self.padded.shape[:2]}, one for each step of each "
                             f"sequence, not {valid.dtype} {valid.shape}")
        if not self.may_be_empty and not valid.any(axis=1).all():
            raise ValueError(f"valid leaves sequence {int(valid.any(axis=1).argmin())} no step: each "
                             "needs at least one")
        return valid

    @property
    def lengths(self):
        """(n,) how many steps each has."""
        return self.valid.sum(axis=1)

    @property
    def shape(self):
        """(n, t, ...)."""
        return self.padded.shape

    @property
    def dtype(self):
        """Of the numbers."""
        return self.padded.dtype

    @property
    def ndim(self):
        """How many axes."""
        return self.padded.ndim

    def __len__(self):
        return len(self.padded)

    def __getitem__(self, some):
        """Some of the sequences, by a slice or numbers; by one number its steps alone."""
        if np.ndim(some) == 0 and not isinstance(some, slice):
            return self.padded[some][self.valid[some]]
        return Sequences(self.padded[some], valid=self.valid[some])

    def __repr__(self):
        span = f" of {self.lengths.min()} to {self.lengths.max()} steps" if len(self) else ""
        return f"<{len(self)} sequences{span}>"


class Counted(Sequences):
    """Desired outputs, and which of the steps count: of a sequence perhaps none."""

    may_be_empty = True


def parted(x):
    """(the array, which of its steps there are), of Sequences or of an array, which has all: None."""
    return (x.padded, x.valid) if isinstance(x, Sequences) else (x, None)
