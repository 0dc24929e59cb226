"""Running the book's experiments; nndl/reproduced.py sets what came out beside what the book says.

Each run of an experiment is a file, <id>.<seed>.json, with all that it depends on and all that it
measured; until it is finished there is a checkpoint beside it, <id>.<seed>.<sources>.checkpoint.npz,
from which the next call of the same programs goes on.
"""

import ast
import difflib
import functools
import hashlib
import io
import json
import signal
import subprocess
import sys
import threading
import time
import tokenize
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path

from . import backends
from .data import load_mnist
from .environment import machine, versions
from .experiments import EXPERIMENTS, Experiment
from .files import write_atomically
from .interrupting import in_a_thread
from .locking import alone
from .model_file import describe
from .network import Network
from .one_run import make, train, training_data
from .scaled_tanh import ScaledTanh

# What a result depends on, but for the settings, which it has in it.
SOURCES = ("ops", "one_run.py", "schedules.py", "network.py", "examples.py", "layers.py",
           "costs.py", "initialize.py", "mini_batches.py", "small_dense.py", "data/mnist.py",
           "data/made.py", "data/expand.py", "book/layers.py")
FOR_BASELINES = ("baselines.py", "one_run.py", "ensemble.py", "data/mnist.py")
FOR_SEQUENCES = ("embedding", "panel", "recurrent")  # families of ops that no experiment uses
# What a result has in it, if its file is whole.
NEEDED = {"experiment", "seed", "sources", "validation_accuracy", "test_accuracy", "test_errors",
          "seconds"}
HANDED_ON_AFTER = 5.0  # s that a run has to save after a Ctrl-C, which takes less than one
# What a Ctrl-C says, unless SGD has said more.
KEPT = "what there is is kept, and the same command goes on"


def chosen(patterns, chapter=None, everything=False):
    """The experiments that an id, a pattern such as "6.*", a chapter or --all names, in their order.

    Raises ValueError for a pattern or a chapter that names none.
    """
    if chapter is not None and not any(each.chapter == chapter for each in EXPERIMENTS.values()):
        raise ValueError(f"chapter {chapter} has no experiments; `nndl reproduce` lists all")
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in EXPERIMENTS):
            close = difflib.get_close_matches(pattern, EXPERIMENTS, 1)
            below = [name for name in EXPERIMENTS if name.startswith(f"{pattern.rstrip('.')}.")]
            mend = (f"--chapter {pattern.rstrip('.')} means the whole chapter" if pattern[:1].isdigit()
                    and pattern.rstrip(".").isdigit() else
                    f"'{pattern.rstrip('.')}.*' means {', '.join(below)}" if below else
                    f"is {close[0]} meant?" if close else "`nndl reproduce` lists them")
            raise ValueError(f"there is no experiment {pattern!r}; {mend}")
    return [experiment for name, experiment in EXPERIMENTS.items()
            if everything or experiment.chapter == chapter
            or any(fnmatchcase(name, pattern) for pattern in patterns)]


def quick(experiments):
    """One run with a twentieth of the epochs: enough to see the direction.

    Baselines, which have no epochs, learn from a twentieth of the images.  What several networks say
    together is left out: of one run of each there is no vote.
    """
    return [replace(experiment, epochs=max(1, experiment.epochs // 20), runs=1) if experiment.layers
            else replace(experiment, data="first 2,500", runs=1)
            for experiment in experiments if not experiment.of]


# --- one run --------------------------------------------------------------------------------------

def result_file(folder, experiment, seed):
    """Where the run of this seed leaves what it found."""
    return Path(folder) / f"{experiment.id}.{seed}.json"


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


def run(experiment, seed, folder, progress=True, backend=None):
    """Train one network, or go on where an earlier call was stopped.  Returns what is in the file."""
    path = result_file(folder, experiment, seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    splits, programs, ops = load_mnist(), sources(experiment), backends.get(backend)
    result = {"experiment": settings(experiment), "seed": seed}
    # Of other programs nothing is gone on with: the result would be of both, and say that it is of one.
    kept = path.with_suffix(f".{programs}.checkpoint.npz")
    for other in path.parent.glob(f"{path.stem}.{'[0-9a-f]' * 16}.checkpoint.npz"):
        if other != kept:
            other.unlink(missing_ok=True)
    if kept.exists():
        result["resumed"] = True  # earlier epochs may be of another machine than the one named below
    if experiment.layers is None:
        result |= without_network(experiment, splits, folder, backend)
    else:
        found, net = train(experiment, seed, splits, kept, progress, backend)
        result |= found
        if experiment.keep_model:
            net.save(path.with_suffix(".npz"))
    result |= {"backend": ops.name, "threads": ops.threads, "date": time.strftime("%Y-%m-%d"),
               "machine": machine(), "versions": versions(), "sources": programs}
    write_atomically(path, _as_text(result))
    kept.unlink(missing_ok=True)
    return result


def without_network(experiment, splits, folder, backend=None):
    """What a baseline says, or networks together that have been trained; as it stands in the file."""
    began = time.perf_counter()
    data = splits._replace(training=training_data(experiment, splits))
    if experiment.of:
        runs = members(experiment, folder)
        together = [(run, functools.partial(_its_network, experiment.of, run["seed"], folder, backend))
                    for run in runs]
        found = experiment.measure(data, together) | {"members": named(runs)}
    else:
        found = in_a_thread(lambda: experiment.measure(data))
    return found | {"seconds": [round(time.perf_counter() - began, 2)]}


def members(experiment, folder, all_of_them=True):
    """The results of the runs that it is of: all that their experiment asks for, and no others."""
    whole = EXPERIMENTS[experiment.of]
    found = [result for result in results(whole, folder) if result["seed"] < whole.runs]
    if all_of_them and len(found) < whole.runs:
        raise ValueError(f"{len(found)} of the {whole.runs} runs of {whole.id} are there; "
                         f"`nndl reproduce {whole.id}` makes the others")
    return found


def named(runs):
    """Which runs these are: of which seed, by which programs, and a hash of what they get wrong."""
    return [{"seed": run["seed"], "sources": run["sources"],
             "test_errors": hashlib.sha256(json.dumps(run["test_errors"]).encode()).hexdigest()[:16]}
            for run in runs]


def _its_network(name, seed, folder, backend):
    path = result_file(folder, EXPERIMENTS[name], seed)
    if not path.with_suffix(".npz").exists():
        raise ValueError(f"the network {path.with_suffix('.npz')} is not there: delete {path}, and "
                         f"`nndl reproduce {name}` makes both")
    return Network.load(path.with_suffix(".npz"), backend)


def _as_text(result):
    """JSON with a line for each entry."""
    lines = (f" {json.dumps(name)}: {json.dumps(value)}" for name, value in result.items())
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode()


def sources(experiment):
    """A hash of the programs that its result comes from: of what they do, not of what they say."""
    total = hashlib.sha256()
    here = Path(__file__).parent
    names = SOURCES if experiment.layers else FOR_BASELINES
    made_of = experiment.layers() if experiment.layers else []
    more = (["data/distort.py"] * bool(experiment.distortion)
            + ["scaled_tanh.py"] * any(isinstance(layer, ScaledTanh) for layer in made_of))
    for name in (*names, *more):
        files = [here / name] if name.endswith(".py") else sorted((here / name).glob("*.py"))
        for file in files:
            if file.name.endswith("_numpy.py") or file.stem.startswith(FOR_SEQUENCES):
                continue  # what is run is checked against the former, and is elsewhere
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

def run_all(experiments, folder, runs=None, jobs=1, say=print, options=(), seed=None, backend=None):
    """Each of the experiments as often as it says, but for what is there already, several at once.

    runs : of each, None: as it says;  seed : only the run of this seed
    jobs : how many processes, each with its share of the cores
    options : of `nndl reproduce`, by which such a process finds the same experiments and folder
    Returns those that failed, a line for each with the reason: the others are made nevertheless.
    """
    threads = max(1, backends.get(backend).threads // jobs)
    stop, failed, children = threading.Event(), [], []

    def attempt(experiment, seed):
        name = f"{experiment.id}, seed {seed}"
        try:
            if jobs == 1:
                _here(name, experiment, seed, folder, backend, say)
            elif not stop.is_set():
                _in_a_process(name, [experiment.id, "--seed", str(seed), "--threads", str(threads),
                                     *options], children, say)
        except (ValueError, ArithmeticError) as error:
            failed.append(f"{name}: {error}")
        except KeyboardInterrupt as interrupt:
            stop.set()
            raise KeyboardInterrupt(str(interrupt) or KEPT) from None

    wanted = [(experiment, number) for experiment in experiments
              for number in ([seed] if seed is not None else _seeds(experiment, runs))
              if seed is not None or not result_file(folder, experiment, number).exists()]
    for together in (False, True):  # what networks say together, when all of them have ended
        part = [pair for pair in wanted if bool(pair[0].of) == together]
        if jobs == 1:
            for pair in part:
                attempt(*pair)
            continue
        with ThreadPoolExecutor(jobs) as pool:
            try:
                list(pool.map(lambda pair: attempt(*pair), part))
            except KeyboardInterrupt:
                stop.set()
                _hand_on_ctrl_c(children)
                raise KeyboardInterrupt(KEPT) from None
    return failed


def _seeds(experiment, runs):
    """0, 1, ...; without a network there is no chance in it, and more runs would be the same again."""
    runs = runs or experiment.runs
    return range(runs if experiment.layers else min(runs, experiment.runs))


def _here(name, experiment, seed, folder, backend, say):
    """Make one run, if it is not there and nobody else is making it."""
    path = result_file(folder, experiment, seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    with alone(path.with_suffix(".lock")) as mine:
        if not mine:
            say(f"{name}: another process is making it")
        elif path.exists():
            say(f"{name}: is there already; delete {path} to make it again")
        else:
            watched = experiment.layers and not experiment.data.startswith("60,000")
            say(f"{name}: {experiment.what}"
                + "; after each epoch, accuracy on the validation images" * bool(watched)
                + "; nothing more is said until it is done" * (not experiment.layers))
            run(experiment, seed, folder, backend=backend)


def _in_a_process(name, arguments, children, say):
    """Have `nndl reproduce` make one run, and say what it says.  children : those that run now."""
    command, last = [sys.executable, "-m", "nndl", "reproduce", *arguments], ""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True) as child:
        children.append(child)
        for line in child.stdout:
            line = line.rstrip().removeprefix("nndl reproduce: ").removeprefix(f"{name}: ")
            if line and line != "saved:":
                last = line if line[0] != " " else f"saved {line.lstrip()}"
                say(f"{name}: {last}")
    if child.returncode in (130, -signal.SIGINT):  # the latter while it was still importing
        raise KeyboardInterrupt
    if child.returncode:
        raise ValueError(last if child.returncode == 2 else f"exit status {child.returncode}")


def _hand_on_ctrl_c(children):
    """Interrupt the processes that still run.

    A terminal's Ctrl-C goes to all of them at once, and a second one would not wait for what the first
    saves; but that which an editor or `kill` sends comes to us alone.
    """
    def interrupt():
        for child in children:
            if child.poll() is None:
                child.send_signal(signal.SIGINT)

    if sys.platform != "win32":
        later = threading.Timer(HANDED_ON_AFTER, interrupt)
        later.daemon = True
        later.start()


# --- what there is --------------------------------------------------------------------------------

def results(experiment, folder):
    """Those of its runs that are there, by seed."""
    found = []
    for path in Path(folder).glob(f"{experiment.id}.*.json"):
        seed = path.name.removeprefix(f"{experiment.id}.").removesuffix(".json")
        if seed.isdigit():
            found.append(_read(path))
    return sorted(found, key=lambda result: result["seed"])


def _read(path):
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        result = None
    if not isinstance(result, dict) or not NEEDED <= result.keys():
        raise ValueError(f"{path} is damaged: delete it, and its run is made again")
    return result
