"""What the project's commands share: the parser, how a command ends, and the folder that it fills.

Wrong input of any kind is one line on stderr and exit status 2; Ctrl-C says what was saved and is
exit status 130.
"""

import argparse
import contextlib
import itertools
import os
import pickle
import shutil
import sys
from datetime import datetime
from pathlib import Path

from .files import probe


def run(name, work):
    """Call work(); returns the exit status.  name : what the command calls itself, "nndl train"."""
    try:
        work()
        if sys.stdout is not None:  # it is None where it was closed from the start
            sys.stdout.flush()
    except KeyboardInterrupt as stop:
        print(f"\n{name}: stopped; {str(stop) or 'nothing was saved'}", file=sys.stderr)
        return 130
    except BrokenPipeError:  # `nndl info | head -1`: nobody reads on, which is no error
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (EOFError, pickle.UnpicklingError):  # what Numba says to a truncated file of its cache
        from . import backends
        shutil.rmtree(backends.cache_folder() or "", ignore_errors=True)
        print(f"{name}: the compiled kernels were damaged and have been removed; run the command "
              "again, it compiles them anew", file=sys.stderr)
        return 2
    except (ValueError, TypeError, ArithmeticError, OSError, MemoryError) as error:
        print(f"{name}: {_one_line(error)}", file=sys.stderr)
        return 2
    return 0


def _one_line(error):
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    if isinstance(error, OSError) and error.filename and str(error.filename) not in text:
        text = f"{error.filename}: {text}"
    return " ".join(text.split()) or type(error).__name__


class Parser(argparse.ArgumentParser):
    """An ArgumentParser whose errors are one line."""

    def error(self, message):
        """One line, without the usage that argparse would print."""
        print(f"{self.prog}: {message}; {self.prog} --help shows what is possible",
              file=sys.stderr)
        sys.exit(2)


def number(convert, least, what, above=False):
    """For an option's type: an int or float that is at least (or above) `least`; what: in words."""
    def parse(text):
        with contextlib.suppress(ValueError):
            value = convert(text)
            if (value > least if above else value >= least) and value < float("inf"):
                return value
        raise argparse.ArgumentTypeError(f"must be {what}, not {text!r}")
    return parse


def writable(folder, option="--out"):
    """The folder as a Path, made now, if files can be written there; ValueError if not."""
    folder = Path(folder)
    try:
        probe(folder)
    except OSError as error:
        raise ValueError(f"{option}: cannot write to {folder}: {error.strerror}") from None
    return folder


def new_folder(parent, option="--out"):
    """A folder in parent for one run alone, named by the time: five may be started in one second."""
    parent = writable(parent, option)
    now = datetime.now().strftime("%Y%m%d_%H%M%S")
    for n in itertools.count(1):
        folder = parent / (now if n == 1 else f"{now}_{n}")
        with contextlib.suppress(FileExistsError):
            folder.mkdir()
            return folder
