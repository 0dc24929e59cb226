"""The benchmarks: what there is, and how to run it.

    python -m benchmarks                     lists them
    python -m benchmarks NAME... | --all     runs some, or all
"""

import argparse
import importlib
import sys
from pathlib import Path

from .timing import RESULTS, load, markdown

NAMES = ("training_step", "operations", "scaling", "startup", "drawing", "recurrent")


class Parser(argparse.ArgumentParser):
    """A parser that says in one line what is wrong."""

    def error(self, message):
        """Exit status 2, without the usage that argparse would print."""
        print(f"{self.prog}: {message}; {self.prog} --help shows what is possible", file=sys.stderr)
        sys.exit(2)


def main(arguments=None):
    """List or run benchmarks; arguments are those of the command line if None.  Returns the status."""
    parser = _parser()
    options = parser.parse_args(arguments)
    for name in options.names:
        if name not in NAMES:
            parser.error(f"no benchmark is called {name!r}: there are {', '.join(NAMES)}")
    names = NAMES if options.all else options.names
    if not names:
        print(listing())
        return 0
    try:
        for name in names:
            _run(name, options)
    except KeyboardInterrupt:
        print("\nstopped; nothing was saved of the benchmark that was running", file=sys.stderr)
        return 130
    except (ValueError, OSError, RuntimeError) as error:
        parser.error(" ".join(str(error).split()))
    return 0


def listing():
    """One line for each benchmark: name, question, minutes."""
    wide = max(map(len, NAMES))
    lines = [f"  {name:<{wide}}  {question(name)}  ({minutes(name)})" for name in NAMES]
    return "\n".join(["Benchmarks: each verifies first, then times, and saves JSON and a figure.\n",
                      *lines, "",
                      "python -m benchmarks NAME...   runs them; --all runs all, one after the other",
                      "python -m benchmarks --help    shows --threads, --rounds, --quick and more"])


def benchmark(name):
    """The module of that name."""
    return importlib.import_module(f"benchmarks.{name}")


def question(name):
    """What a benchmark asks: the first line of its docstring."""
    return benchmark(name).__doc__.splitlines()[0]


def minutes(name):
    """How long it took when it was measured: what the saved result says."""
    try:
        return f"{load(name)['minutes']:.0f} min"
    except (OSError, KeyError):
        return "never measured here"


def _run(name, options):
    module = benchmark(name)
    if options.markdown:
        result = load(name, options.out or RESULTS)
        print(markdown(result, module.tables(result)))
        return
    asked = {"threads": options.threads, "rounds": options.rounds, "out": options.out,
             "only": options.only}
    wanted = {key: value for key, value in asked.items() if value is not None}
    if options.quick or options.only:  # no result to stand for a whole one
        wanted = (module.QUICK if options.quick else {}) | {"out": None} | wanted
    print(f"--- {name}: {question(name)}\n")
    module.main(**wanted)


def _parser():
    parser = Parser(prog="python -m benchmarks", allow_abbrev=False, description="Benchmarks of "
                    "nndl: lists them, or runs those that are named.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--all", action="store_true", help="run all of them")
    parser.add_argument("--threads", type=_at_least_one, metavar="N", help="default: 2")
    parser.add_argument("--rounds", type=_at_least_one, metavar="N",
                        help="how often each side takes its turn")
    parser.add_argument("--quick", action="store_true", help="few and short rounds: a first idea; "
                        "nothing is saved then, unless --out says where")
    parser.add_argument("--only", metavar="TEXT", help="only the rows with TEXT in their name; "
                        "saved as with --quick")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="for JSON and figure (default: "
                        "benchmarks/results)")
    parser.add_argument("--markdown", action="store_true",
                        help="measure nothing, print the saved result's tables in Markdown")
    return parser


def _at_least_one(text):
    if text.isdecimal() and int(text) > 0:
        return int(text)
    raise argparse.ArgumentTypeError(f"must be a whole number, at least 1, not {text!r}")


if __name__ == "__main__":
    sys.exit(main())
