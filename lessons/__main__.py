"""`python -m lessons`: the list of lessons; with a number one of them; --all or --path several."""

import ast
import importlib
import inspect
import re
import shlex
import shutil
import sys
import time
from pathlib import Path

from nndl.command import run, writable
from nndl.lesson import OPTIONS, Lesson, about, command_line, parser_of

from .course import PATHS, lessons, measured

NAME = "python -m lessons"
STOPPED = 130  # the exit status after Ctrl-C


def main(arguments=None):
    """Run the command; returns the exit status."""
    parser = parser_of(NAME, "The lessons, in their order; with the number of one, that lesson.")
    parser.add_argument("lesson", nargs="*", metavar="LESSON", help="a lesson's number, such as 3.2.0")
    parser.add_argument("--all", action="store_true", help="the whole course")
    parser.add_argument("--path", choices=sorted(PATHS), help="a short way through it")
    parser.add_argument("--results", metavar="FOLDER",
                        help="put what each lesson has measured there, LESSON.json")
    options = parser.parse_args(arguments)
    there = lessons()
    asked = list(dict.fromkeys([*(there if options.all else ()), *PATHS.get(options.path, ()),
                                *options.lesson]))
    if unknown := [lesson for lesson in asked if lesson not in there]:
        parser.error(f"there is no lesson {unknown[0]}; `{NAME}` lists them")
    changed = [name for name in OPTIONS if getattr(options, name) is not None
               and name != "out" and not (options.full and name == "seed")]
    if options.results and changed:
        parser.error("--results keeps what a lesson measures as it stands in its file: leave out --"
                     + changed[0].replace("_", "-"))
    if not asked:
        if given := [name for name, value in vars(options).items() if value]:
            parser.error(f"--{given[0].replace('_', '-')}: of which lesson?")
        return run(NAME, lambda: list_of(there))
    if len(asked) == 1:
        return run_one(asked[0], there, options)
    return run_several(asked, there, options)


def list_of(there):
    """Print a line for each lesson: number, question, its section in the book, minutes."""
    rows = []
    for id, path in there.items():
        results = measured(id)
        minutes = f"{results[0]['minutes']:.1f} min" if results else ""
        try:
            said = about(path)
            section = re.match(r'chapter \d+, (?:from )?"[^"]+"(?: to "[^"]+")?', said.book)
            rows.append((id, said.question, section[0] if section else said.book, minutes))
        except (SyntaxError, ValueError) as error:
            rows.append((id, f"{path.name}: {error}", "", ""))
    wide = [max(map(len, column)) for column in zip(*rows)]
    for row in rows:
        print("  ".join(f"{cell:<{width}}" for cell, width in zip(row, wide)).rstrip())
    print(f"\n`{NAME} {rows[0][0]}` runs one; --help shows what is possible")


def to_go(done, left, full):
    """How long the lessons that are left may take, in words; "" if one of them has not been measured.

    done : (id, seconds, exit status) of each lesson that has been run

    By the committed minutes, the fewest of a lesson's seeds, as other work on a machine only adds to
    them; and by how much faster or slower than these it has been so far.  A minute is added to both, so
    that the first few seconds decide little.
    """
    def takes(id):
        return min((result["minutes"] for result in measured(id, "full" if full else "quick")),
                   default=None)

    if None in (expected := [takes(id) for id in left]):
        return ""
    took, should = 1, 1
    for id, seconds, status in done:
        if status == 0 and (minutes := takes(id)) is not None:
            took, should = took + seconds / 60, should + minutes
    return f", about {max(1, round(sum(expected) * took / should))} min to go"


def run_one(id, there, options, all_options=True):
    """Run a lesson; returns the exit status.

    all_options : False leaves out those that this lesson does not have, as among many lessons
    """
    path = there[id]
    try:
        module = importlib.import_module(f"lessons.{path.stem}")
    except SyntaxError as error:
        print(f"{NAME} {id}: {path.name}, line {error.lineno}: {error.msg}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:  # its imports take a second
        print(f"\n{NAME} {id}: stopped; nothing was saved", file=sys.stderr)
        return STOPPED

    def keep():
        seed = f".{options.seed or 0}" if options.full else ""
        if Lesson.results:  # none from a lesson that could not be run
            shutil.copyfile(Lesson.results, Path(options.results) / f"{id}{seed}.json")

    known = inspect.signature(module.main).parameters
    given = [f"--{name.replace('_', '-')}={getattr(options, name)}" for name in OPTIONS
             if getattr(options, name) is not None and (all_options or name in known)]
    given += ["--full"] * options.full
    if options.results and (status := run(NAME, lambda: writable(options.results, "--results"))):
        return status
    Lesson.results = None
    status = command_line(module.main, module.FULL, given, f"{NAME} {id}")
    return status or (run(NAME, keep) if options.results else 0)


def run_several(asked, there, options):
    """Run lesson after lesson, also where one fails; returns the exit status of the worst."""
    def folders():  # once, and not for each lesson
        for name in ("out", "results"):
            if folder := getattr(options, name):
                writable(folder, f"--{name}")

    if status := run(NAME, folders):
        return status
    worst, began, rows = 0, time.perf_counter(), []
    for number, id in enumerate(asked, start=1):
        start = time.perf_counter()
        print(f"\n--- lesson {number} of {len(asked)}, {start - began:.0f} s so far"
              + to_go(rows, asked[number - 1:], options.full))
        status = run_one(id, there, options, all_options=False)
        rows.append((id, time.perf_counter() - start, status))
        worst = max(worst, status)
        if status == STOPPED:  # it was not this lesson alone that was meant
            break
    print()
    for id, seconds, status in rows:
        end = "stopped" if status == STOPPED else "failed" if status else ""
        print(f"{id:<6} {seconds:6.1f} s  {end}".rstrip())
    print(f"{'all':<6} {sum(seconds for _, seconds, _ in rows):6.1f} s")
    if status == STOPPED:
        left = asked[number - 1:]
        takes = arguments_of_main(there[left[0]]) if len(left) == 1 else OPTIONS  # one is strict
        given = [f"--{name.replace('_', '-')}={value}" for name in (*OPTIONS, "results")
                 if (value := getattr(options, name)) is not None
                 and (name in takes or name == "results")]
        print(f"\n`{NAME} {shlex.join([*left, *given, *['--full'] * options.full])}` goes on")
    return worst


def arguments_of_main(path):
    """The names of what a lesson's main takes, without importing the lesson."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    (main,) = (node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "main")
    return [argument.arg for argument in main.args.args]


if __name__ == "__main__":
    sys.exit(main())
