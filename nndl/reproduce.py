"""Running the book's experiments, and setting what came out beside what the book says.

Each run of an experiment is a file, <id>.<seed>.json, with all that it depends on and all that it
measured; until it is finished there is a checkpoint beside it, from which the next call goes on.
"""

import ast
import functools
import hashlib
import io
import json
import statistics
import subprocess
import sys
import threading
import time
import tokenize
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np

from . import backends
from .baselines import wrong
from .data import Dataset, load_mnist
from .data.distort import distorted
from .data.expand import expand
from .experiments import (
    AT_BEST_VALIDATION,
    BEST_TEST,
    BEST_VALIDATION,
    EXPERIMENTS,
    FIRST_VALIDATION,
    LAST_TEST,
    LAST_VALIDATION,
    Experiment,
)
from .files import write_atomically
from .model_file import describe
from .network import Network
from .schedules import falling

TOLERANCE = 0.15  # percent that a row may be below the book's number without a word
# What a result depends on, but for the settings, which it has in it.
SOURCES = ("ops", "network.py", "layers.py", "costs.py", "initialize.py", "mini_batches.py",
           "small_dense.py", "data/mnist.py", "data/made.py", "data/expand.py", "book/layers.py")


def chosen(patterns, chapter=None, everything=False):
    """The experiments that an id, a pattern such as "6.*", a chapter or --all names, in their order.

    Raises ValueError for a pattern that names none.
    """
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in EXPERIMENTS):
            raise ValueError(f"there is no experiment {pattern}; `nndl reproduce` lists them")
    return [experiment for name, experiment in EXPERIMENTS.items()
            if everything or experiment.chapter == chapter
            or any(fnmatchcase(name, pattern) for pattern in patterns)]


def quick(experiment):
    """A twentieth of its epochs, and one run: enough to see the direction."""
    return replace(experiment, epochs=max(1, experiment.epochs // 20), runs=1)


# --- one run --------------------------------------------------------------------------------------

def result_file(folder, experiment, seed):
    """Where the run of this seed leaves what it found."""
    return Path(folder) / f"{experiment.id}.{seed}.json"


def make(experiment, seed, backend=None):
    """Its network, not yet trained."""
    return Network(experiment.layers(), experiment.cost, seed=seed, backend=backend)


def settings(experiment):
    """All that an experiment says, as JSON has it: what makes a result one of this experiment."""
    named = {name: getattr(experiment, name) for name in (
        "id", "epochs", "eta", "lmbda", "mini_batch_size", "data", "shuffle")}
    named |= {name: getattr(experiment, name) for name in (
        "falls_to", "momentum", "distortion", "test_each_epoch")
        if getattr(experiment, name) != getattr(Experiment, name, {})}
    if experiment.layers is None:
        return named
    network = describe(make(experiment, 0, backend="numpy"))
    del network["seed"]
    return named | {"network": network}


def training_data(experiment, splits):
    """The Dataset that it learns from."""
    def with_validation():
        return Dataset(*map(np.concatenate, zip(splits.training, splits.validation)))

    return {"all": lambda: splits.training, "first 1,000": lambda: splits.training[:1000],
            "expanded": lambda: expand(splits.training),
            "distorted": lambda: distorted(splits.training, **experiment.distortion),
            "60,000 distorted": lambda: distorted(with_validation(), **experiment.distortion),
            }[experiment.data]()


def run(experiment, seed, folder, progress=True):
    """Train one network, or go on where an earlier call was stopped.  Returns what is in the file."""
    from .cli import machine, versions
    path = result_file(folder, experiment, seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    splits, programs = load_mnist(), sources(experiment)
    kept = path.with_suffix(".checkpoint.npz")
    if experiment.layers is None:
        began = time.perf_counter()
        measured = experiment.measure(splits, folder)
        measured["seconds"] = [round(time.perf_counter() - began, 2)]
    else:
        measured, net = train(experiment, seed, splits, kept, progress)
        if experiment.keep_model:
            net.save(path.with_suffix(".npz"))
    result = {"experiment": settings(experiment), "seed": seed, **measured,
              "threads": backends.get("numba").threads, "date": time.strftime("%Y-%m-%d"),
              "machine": machine(), "versions": versions(), "sources": programs}
    write_atomically(path, _as_text(result))
    kept.unlink(missing_ok=True)
    return result


def train(experiment, seed, splits, checkpoint, progress):
    """(what a network measures while it is trained, as it stands in the file; the network)."""
    net = make(experiment, seed)
    validation = None if experiment.data.startswith("60,000") else splits.validation
    monitors = {"test_accuracy": lambda net: net.accuracy(splits.test)}
    history = net.SGD(
        training_data(experiment, splits), experiment.epochs, experiment.mini_batch_size,
        falling(experiment.eta, experiment.epochs, experiment.falls_to), experiment.lmbda, validation,
        monitor_evaluation_accuracy=validation is not None, momentum=experiment.momentum,
        monitors=monitors if experiment.test_each_epoch else {},
        shuffle=experiment.shuffle, checkpoint=checkpoint, progress=progress)
    test = history.measured.get("test_accuracy") or [net.accuracy(splits.test)]
    return {"parameters": net.parameters, "validation_accuracy": history.evaluation_accuracy,
            "test_accuracy": test,
            "test_errors": wrong(net.predict(splits.test.images), splits.test.labels),
            "seconds": [round(s, 2) for s in history.seconds]}, net


def _as_text(result):
    """JSON with a line for each entry."""
    lines = (f" {json.dumps(name)}: {json.dumps(value)}" for name, value in result.items())
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode()


def sources(experiment):
    """A hash of the programs that its result comes from: of what they do, not of what they say."""
    total = hashlib.sha256()
    here = Path(__file__).parent
    names = SOURCES if experiment.layers else ("baselines.py", "ensemble.py", "data/mnist.py")
    for name in (*names, *["data/distort.py", "schedules.py"] * bool(experiment.distortion)):
        files = [here / name] if name.endswith(".py") else sorted((here / name).glob("*.py"))
        for file in files:
            if file.name.endswith("_numpy.py"):
                continue  # what is run is checked against these, and is elsewhere
            total.update(f"{file.name}\n{_program(file)}\n".encode())
    return total.hexdigest()[:16]


@functools.cache
def _program(file):
    return what_it_does(file.read_text(encoding="utf-8"))


def what_it_does(program):
    """A program's text without comments, docstrings and blank lines: the same on every Python."""
    lines = program.splitlines()
    for node in ast.walk(ast.parse(program)):
        if (isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and node.body
                and isinstance(node.body[0], ast.Expr)
                and isinstance(node.body[0].value, ast.Constant)):
            docstring = node.body[0]
            for number in range(docstring.lineno - 1, docstring.end_lineno):
                lines[number] = ""
    # A docstring stands on lines of its own, so that the places of what is left are as they were.
    for token in tokenize.generate_tokens(io.StringIO(program).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column]
    return "\n".join(line.rstrip() for line in lines if line.strip())


# --- many runs ------------------------------------------------------------------------------------

def run_all(experiments, folder, runs=None, jobs=1, say=print, options=()):
    """Each of the experiments as often as it says, but for what is there already, several at once.

    runs : of each, None: as it says;  jobs : how many processes, each with its share of the cores
    options : of `nndl reproduce`, by which such a process finds the same experiments and folder
    """
    wanted = [(experiment, seed) for experiment in experiments
              for seed in range(runs or experiment.runs)
              if not result_file(folder, experiment, seed).exists()]
    if jobs == 1:
        for experiment, seed in wanted:
            say(f"{experiment.id}, seed {seed}: {experiment.what}")
            run(experiment, seed, folder)
        return
    threads = max(1, backends.get("numba").threads // jobs)
    stop = threading.Event()

    def process(experiment, seed):
        name = f"{experiment.id}, seed {seed}"
        if stop.is_set():
            return
        command = [sys.executable, "-m", "nndl", "reproduce", experiment.id, "--seed", str(seed),
                   "--threads", str(threads), *options]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True) as child:
            for line in child.stdout:
                say(f"{name}: {line.rstrip()}")
        if child.returncode:
            stop.set()
            raise ChildProcessError(f"{name} ended with exit status {child.returncode}, see above")

    with ThreadPoolExecutor(jobs) as pool:
        try:
            list(pool.map(lambda pair: process(*pair), wanted))
        except KeyboardInterrupt:
            stop.set()  # the children have had the same Ctrl-C, and save
            raise KeyboardInterrupt("what there is is kept, and the same command goes on") from None


# --- what came out --------------------------------------------------------------------------------

def results(experiment, folder):
    """Those of its runs that are there, by seed."""
    found = []
    for path in Path(folder).glob(f"{experiment.id}.*.json"):
        seed = path.name.removeprefix(f"{experiment.id}.").removesuffix(".json")
        if seed.isdigit():
            found.append(json.loads(path.read_text(encoding="utf-8")))
    return sorted(found, key=lambda result: result["seed"])


def measured(experiment, result):
    """What the book's protocol reads off a run, in percent."""
    validation, test = result["validation_accuracy"], result["test_accuracy"]
    if experiment.protocol == AT_BEST_VALIDATION:  # of equally good epochs the last, as in network3
        return 100 * test[max(range(len(validation)), key=lambda epoch: (validation[epoch], epoch))]
    return 100 * {BEST_TEST: lambda: max(test), LAST_TEST: lambda: test[-1],
                  BEST_VALIDATION: lambda: max(validation),
                  FIRST_VALIDATION: lambda: validation[0],
                  LAST_VALIDATION: lambda: validation[-1]}[experiment.protocol]()


def best(experiment, found):
    """The number that the book's protocol takes from several runs, in percent."""
    if experiment.protocol == AT_BEST_VALIDATION:
        return measured(experiment, max(found, key=lambda result: max(result["validation_accuracy"])))
    return max(measured(experiment, result) for result in found)


def stale(experiment, found):
    """Whether a run is of other settings or other programs than those of now."""
    now = json.loads(json.dumps(settings(experiment))), sources(experiment)
    return any((result["experiment"], result["sources"]) != now for result in found)


HEADINGS = ("experiment", "", "book, %", "here, %", "best, %", "s a run", "verdict")


def table(experiments, folder):
    """Rows of HEADINGS, strings, for those of the experiments that have been run."""
    rows = []
    for experiment in experiments:
        if found := results(experiment, folder):
            values = [measured(experiment, result) for result in found]
            spread = statistics.stdev(values) if len(values) > 1 else None
            here = f"{statistics.mean(values):.2f}" + (f" ± {spread:.2f}" if spread is not None else "")
            rows.append((
                experiment.id, experiment.what,
                experiment.says or ("" if experiment.book is None else f"{experiment.book:.2f}"),
                f"{here} ({len(values)})", f"{best(experiment, found):.2f}",
                f"{statistics.median(sum(result['seconds']) for result in found):,.0f}",
                verdict(experiment, found, spread)))
    return rows


def verdict(experiment, found, spread):
    """In a word: whether the book's number was reached, within TOLERANCE and twice the spread."""
    text = ""
    if experiment.book is not None:
        short = round(experiment.book - best(experiment, found), 2)
        text = "reached" if short <= max(TOLERANCE, 2 * (spread or 0)) else f"{short:.2f} below"
    return ", ".join([text] * bool(text) + ["stale"] * stale(experiment, found))


def markdown(rows):
    """The table for a README."""
    lines = (HEADINGS, ["---"] * 2 + ["---:"] * (len(HEADINGS) - 2), *rows)
    return "".join(f"| {' | '.join(row)} |\n" for row in lines)


def draw(experiments, folder):
    """Write table.md and book_and_here.png into the folder.  Returns their paths."""
    from .plots import book_and_here
    rows = [(experiment.id, experiment.what, experiment.book,
             [measured(experiment, result) for result in found])
            for experiment in experiments if (found := results(experiment, folder))]
    path = Path(folder) / "table.md"
    write_atomically(path, markdown(table(experiments, folder)).encode())
    return [path, book_and_here(rows, Path(folder) / "book_and_here.png")]
