"""`python -m lessons.solutions`: the list of worked solutions; with the name of one, that solution."""

import importlib
import sys

from lessons.course import worked
from nndl.command import Parser, run

NAME = "python -m lessons.solutions"


def main(arguments=None):
    """Run the command; returns the exit status."""
    parser = Parser(prog=NAME, description="Lists the worked solutions, or runs one of them.")
    parser.add_argument("name", nargs="?", metavar="NAME", help="of a solution, such as four_bits")
    name = parser.parse_args(arguments).name
    if name is None:
        return run(NAME, show)
    if name not in worked():
        parser.error(f"there is no solution {name}; `{NAME}` lists them")
    return run(f"{NAME} {name}", importlib.import_module(f"lessons.solutions.{name}").main)


def show():
    """Print a line for each solution: its name and its exercise."""
    wide = max(map(len, worked()))
    for name, exercise in worked().items():
        print(f"{name:<{wide}}  {exercise}")
    print(f"\n`{NAME} {next(iter(worked()))}` runs one")


if __name__ == "__main__":
    sys.exit(main())
