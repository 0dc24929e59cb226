"""What the lessons share: how one speaks, where its figures go, and its command line.

A lesson is a module in lessons/ with a docstring whose first line is its number and its question,

    1.2  What does the learning rate do?

    Book: chapter 1, "Implementing our network to classify digits".
    Before: 1.0.
    Next: 1.3.
    ...

and a function main(epochs, train_size, backend, seed, out), whose defaults are the quick lesson, and a
dictionary FULL of those arguments that the whole one takes.  main tells its story through a Lesson, and
hands back what it has measured.
"""

import ast
import contextlib
import hashlib
import inspect
import json
import re
import statistics
import textwrap
import time
import weakref
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .command import Parser, new_folder, number, run
from .comparing import counted
from .environment import machine, versions
from .files import write_atomically

WIDTH = 92  # columns
TRAINING_IMAGES = 50_000


@dataclass(frozen=True)
class About:
    """What a lesson's docstring says of it, each a string: "" where it says nothing."""

    id: str
    question: str
    book: str
    before: str
    next: str
    steps_through: str
    exercises: str


def about(path):
    """Read what a lesson is about, without importing it.  Raises ValueError if it does not say."""
    text = ast.get_docstring(ast.parse(Path(path).read_text(encoding="utf-8"))) or ""
    head = re.match(r"(\d+(?:\.\d+)+)  (\S.*\?)\n", text)
    if head is None:
        raise ValueError(f"{path}: the docstring must begin with the lesson's number, two spaces and "
                         "its question")

    def said(word):
        found = re.search(rf"^{word}: (.*(?:\n(?!\w[\w ]*: ) *\S.*)*)", text, flags=re.M)
        return " ".join(found.group(1).split()) if found else ""

    exercises = re.search(r"^Exercises\n(.*)\Z", text, flags=re.M | re.S)
    return About(*head.groups(), said("Book"), said("Before"), said("Next"), said("Steps through"),
                 exercises.group(1).rstrip() if exercises else "")


class Lesson:
    """One run of a lesson: it prints as it goes, and its figures and numbers go to one folder.

    file : the lesson's __file__
    out : its figures go to out/<name of the lesson>/<date and time>/
    settings : what main was called with; they are kept with the results
    """

    results = None  # where the lesson that ended last in this process has kept its numbers

    def __init__(self, file, out, **settings):
        if settings.get("train_size", 0) > TRAINING_IMAGES:
            raise ValueError(f"train_size must be at most {TRAINING_IMAGES:,}, the training images "
                             f"that there are, not {settings['train_size']:,}")
        self.about, self.settings = about(file), settings
        self.name, self._source = Path(file).stem, Path(file).read_bytes()
        self._out, self._began = Path(out), time.perf_counter()
        self.folder = new_folder(self._out / self.name)
        weakref.finalize(self, _remove_if_empty, self.folder)  # a lesson that was stopped
        self.figures, self._checkpoints, self.finding = [], [], ""
        title = f"{self.about.id}  {self.about.question}"
        print(f"\n{title}\n{'=' * len(title)}")
        for word, text in (("Book", self.about.book), ("Before this", self.about.before)):
            if text:
                print(f"{word}: {text}")

    # --- speaking ------------------------------------------------------------------------------

    def idea(self, text):
        """The key idea, in a paragraph or two."""
        self._part("The idea", text)

    def mathematics(self, text):
        """The mathematics in a few lines, printed as they stand, with the book's equation numbers."""
        print(f"\nThe mathematics\n{textwrap.indent(inspect.cleandoc(text), '    ')}")

    def network(self, net, name="The network"):
        """A network layer by layer, with shapes and numbers of parameters."""
        print(f"\n{name}\n{textwrap.indent(str(net), '    ')}")

    def step(self, text):
        """What happens now."""
        self._part("", text)

    def table(self, headings, rows, title="Measured"):
        """What was measured.  headings : of the columns;  rows : of anything, numbers as strings."""
        rows = [[str(cell) for cell in row] for row in rows]
        wide = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
        several = any("±" in cell for row in rows for cell in row)
        print(f"\n{title}" + "; mean ± standard deviation (runs)" * several)
        for row in (headings, ["-" * width for width in wide], *rows):
            first, *rest = (cell.ljust(width) if column == 0 else cell.rjust(width)
                            for column, (cell, width) in enumerate(zip(row, wide)))
            print("    " + "  ".join([first, *rest]).rstrip())

    def take_away(self, finding, *more):
        """What to take away.  finding : a sentence with what was measured; more : further ones."""
        self.finding = finding
        if any("(chance alone" in text for text in (finding, *more)):  # comparing.compared says so
            more += ("""Chance alone: how often the runs of two networks that are equally good come
                     out in such an order.  It is about the order, not about how large the gap is.""",)
        self._part("To take away", "\n\n".join((finding, *more)))

    def _part(self, heading, text):
        paragraphs = [" ".join(part.split()) for part in inspect.cleandoc(text).split("\n\n")]
        filled = [textwrap.fill(re.sub(r" (?=%|±)", "\N{NO-BREAK SPACE}", part), WIDTH,
                                initial_indent="    ", subsequent_indent="    ")
                  for part in paragraphs]
        print("\n" + (f"{heading}\n" if heading else "")
              + "\n\n".join(filled).replace("\N{NO-BREAK SPACE}", " "), flush=True)

    # --- keeping -------------------------------------------------------------------------------

    def path(self, name):
        """Where a figure of this run goes: self.folder / name."""
        self.figures.append(self.folder / name)
        return self.figures[-1]

    def checkpoint(self, name):
        """Network.SGD's checkpoint for the network called name, so that a long lesson goes on.

        It stays in the lesson's folder until the lesson has ended; another version of the lesson, or
        other settings, have others.
        """
        what = hashlib.sha256(self._source + repr(sorted(self.settings.items())).encode()).hexdigest()
        slug = re.sub(r"\W+", "_", str(name)).strip("_")
        self._checkpoints.append(self._out / self.name / f"{slug}.{what[:12]}.checkpoint.npz")
        return self._checkpoints[-1]

    def end(self, **measured):
        """Say what comes next, where the figures are, and keep the numbers.  Returns measured."""
        if self.about.next:
            self._part("Next", self.about.next)
        if self.about.exercises:
            print(f"\nExercises\n{self.about.exercises}")
        results = {
            "lesson": self.about.id, "question": self.about.question, "finding": self.finding,
            "settings": self.settings, "measured": measured,
            "minutes": round((time.perf_counter() - self._began) / 60, 2),
            "versions": versions(), "machine": machine()}
        kept = self.folder / "results.json"
        write_atomically(kept, (json.dumps(results, indent=1, ensure_ascii=False) + "\n").encode())
        Lesson.results = kept
        for path in self._checkpoints:
            path.unlink(missing_ok=True)
        print("\nsaved:", *self.figures, kept, sep="\n    ", flush=True)
        return measured


def _remove_if_empty(folder):
    with contextlib.suppress(OSError):
        folder.rmdir()


# --- words for numbers ----------------------------------------------------------------------------

def percent(fraction, decimals=2):
    """A fraction in percent, without the sign: 0.9847 -> "98.47"."""
    return f"{100 * fraction:.{decimals}f}"


def spread(fractions, decimals=2):
    """Several runs' fractions in percent: mean ± standard deviation, and how many."""
    values = [100 * fraction for fraction in fractions]
    if len(values) < 2:
        return f"{values[0]:.{decimals}f}"
    return (f"{statistics.mean(values):.{decimals}f} ± {statistics.stdev(values):.{decimals}f} "
            f"({len(values)})")


def note(runs, *said):
    """A figure's note: what is said, and what lines over several runs are; None if nothing."""
    said += (f"the mean of {counted(runs, 'run')}, and their span",) * (runs > 1)
    return "; ".join(said) or None


def first_epoch_at(accuracies, least):
    """The first epoch, from 1, whose accuracy is at least `least`; None if there is none."""
    reached = (epoch for epoch, accuracy in enumerate(accuracies, start=1) if accuracy >= least)
    return next(reached, None)


def smoothness(images):
    """How far numbers side by side in images (..., h, w) correlate: 0 in noise, nearly 1 in strokes."""
    return float(np.corrcoef(images[..., 1:].ravel(), images[..., :-1].ravel())[0, 1])


# --- the command line -----------------------------------------------------------------------------

def command_line(main, full, arguments=None, name=None):
    """Run a lesson as its command line has it; returns the exit status.

    main : the lesson's main;  full : the arguments of the whole lesson, its FULL
    arguments : None takes those of the process;  name : what the command calls itself
    """
    file = inspect.getsourcefile(main)
    known = inspect.signature(main).parameters
    parser = parser_of(name or f"python -m lessons.{Path(file).stem}", about(file).question)
    options = parser.parse_args(arguments)
    asked = {option: value for option, value in vars(options).items()
             if option in OPTIONS and value is not None}

    def work():
        if foreign := sorted(asked.keys() - known.keys()):
            raise ValueError(f"--{foreign[0].replace('_', '-')}: lesson {about(file).id} has no such "
                             "thing to set")
        main(**(full if options.full else {}) | asked)

    return run(parser.prog, work)


def solution(main):
    """Run a worked solution, its main, as its command line has it; returns the exit status."""
    file = Path(inspect.getsourcefile(main))
    name = f"python -m lessons.solutions.{file.stem}"
    said = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))
    Parser(prog=name, description=said.splitlines()[0]).parse_args()
    return run(name, main)


OPTIONS = ("epochs", "train_size", "seed", "backend", "out")


def parser_of(name, description):
    """The parser of a lesson's options."""
    whole = number(int, 1, "a whole number, at least 1")
    parser = Parser(prog=name, description=description, allow_abbrev=False)
    pace = parser.add_mutually_exclusive_group()
    pace.add_argument("--quick", action="store_true",
                      help="at most two minutes on two cores (the default)")
    pace.add_argument("--full", action="store_true",
                      help="all images, and as many epochs as they need: up to hours")
    parser.add_argument("--epochs", type=whole, metavar="N", help="times through the training images")
    parser.add_argument("--train-size", type=whole, metavar="N",
                        help="how many of the 50,000 training images, the first ones")
    parser.add_argument("--seed", type=number(int, 0, "a whole number, at least 0"), metavar="N",
                        help="of the random numbers (default 0); several runs have N, N + 1, ...")
    parser.add_argument("--backend", choices=("numpy", "numba"), metavar="{numba,numpy}",
                        help="numba is fast, numpy is for stepping through")
    parser.add_argument("--out", metavar="FOLDER", help="where figures go (default: pictures)")
    return parser
