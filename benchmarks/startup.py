"""How long until the first mini-batch, cold and warm, and how much memory does `nndl train` take?

    python -m benchmarks startup

Whole processes, as a user starts them, each measured from outside:

    cold           `nndl train` with an empty folder for compiled kernels: seconds of compilation
    warm           the same with the kernels there: seconds from the command to the first mini-batch,
                   the interpreter and all imports included
    architecture   after that, a first step of each network of the training_step benchmark, every one
                   in a process of its own: seconds of compilation that it adds, which is how much
                   longer the first step takes than the second
    memory         the largest resident memory of `nndl train --epochs 1`, kernels there, in MB

Before, the networks are compared with the NumPy backend in float64.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nndl
from nndl.backends import usable_cores
from nndl.plots.drawing import BLACK, GREY, SMALL_SIZE, TEXT_SIZE, new_figure

from .figures import LOOK, key, say
from .networks import NETWORKS, network
from .peers import verify
from .timing import ETA, LMBDA, RESULTS, check_some, in_words, report, text, three_digits, unseen

QUICK = {"rounds": 1, "networks": ("A", "B", "C", "A with L2 pooling", "A with GELU")}
ROOT = Path(__file__).parent.parent
# What is allowed, and in which unit.
ALLOWED = {"cold": (20, "s"), "warm": (2, "s"), "architecture": (3, "s"), "memory": (600, "MB")}


def main(threads=None, rounds=3, out=RESULTS, only="", networks=tuple(NETWORKS), data=None):
    """Verify, measure, print a table, save out/startup.json and .png.

    threads : of every process; None: two, where there are two cores
    rounds : how many times warm starts and memory are measured; cold ones half as often
    only : a part of the name of what to measure, None or "" for all; out=None saves nothing
    networks : names of the new architectures;  data : as for nndl train --data

    Returns what is saved.
    """
    threads = threads or min(2, usable_cores())
    training = nndl.load_mnist().training
    parts = [part for part in ALLOWED if only in part]
    with (report("startup", threads, figure, out, rounds=rounds) as result,
          tempfile.TemporaryDirectory() as folder):
        check_some(parts, only)
        for name in networks if "architecture" in parts else ["A"]:
            verify(network(name), training.images[:10], training.labels[:10])
        folder, rows = Path(folder), []
        result["rows"] = rows
        command = ["--threads", str(threads), "--epochs", "1", *(["--data", str(data)] * bool(data))]

        def enter(what, values):
            allowed, unit = ALLOWED[what.split(",")[0]]
            rows.append({"what": what, "unit": unit, "allowed": allowed, "values": values})
            print(f"{what}: {three_digits(max(max(values), 1e-3))} {unit} at most", flush=True)

        kernels = folder / "kernels"
        cold = [train(folder / f"empty {n}", command, folder)["compiling"]
                for n in range((rounds + 1) // 2 if "cold" in parts else 0)]
        train(kernels, command, folder)  # leaves the kernels there
        if cold:
            enter("cold", cold)
        if {"warm", "memory"} & set(parts):
            warm = [train(kernels, command, folder) for _ in range(rounds)]
            for what, of in (("warm", "first_mini_batch"), ("memory", "memory")):
                if what in parts:
                    enter(what, [run[of] for run in warm])
        if "architecture" in parts:
            for name in networks:
                enter(f"architecture, {name}", [first_step(name, kernels, folder, threads)])
        print("\n" + "\n\n".join(text(*table) for table in tables(result)))
        print(f"\n{finding(result)}\n")
    return result


# --- measuring ------------------------------------------------------------------------------------

def train(kernels, options, folder):
    """Run `nndl train`.  Returns seconds of compiling, seconds to the first mini-batch, and MB.

    kernels : the folder for compiled kernels;  options : of nndl train;  folder : for its results
    """
    started = process(["-c", "import nndl.cli"], kernels)["seconds"]  # before nndl's own clock runs
    results = Path(tempfile.mkdtemp(dir=folder))
    done = process(["-m", "nndl", "train", *options, "--out", str(results)], kernels)
    seconds = json.loads((results / "results.json").read_text(encoding="utf-8"))["seconds"]
    return {"compiling": seconds["of_that_compiling"], "memory": done["memory"],
            "first_mini_batch": started + seconds["until_first_mini_batch"]}


def first_step(name, kernels, folder, threads):
    """Seconds by which the first step of a network is slower than the second, in a fresh process.

    It finds the kernels of `nndl train` as they were left: a copy, so that no network finds those
    of another.
    """
    copy = Path(tempfile.mkdtemp(dir=folder)) / "kernels"
    shutil.copytree(kernels, copy, copy_function=shutil.copy2)
    code = f"from benchmarks.startup import steps; steps({name!r}, {threads})"
    first, second = json.loads(process(["-c", code], copy)["printed"].splitlines()[-1])
    return max(0.0, first - second)


def steps(name, threads):
    """Print the seconds of a network's first two steps as JSON: what first_step has a process do."""
    nndl.set_threads(threads)
    net, few = network(name), nndl.load_mnist().training[:10]
    seconds = []
    for _ in range(2):
        began = time.perf_counter()
        with unseen():
            net.SGD(few, 1, 10, ETA, LMBDA)
        net.accuracy(few)
        seconds.append(time.perf_counter() - began)
    print(json.dumps(seconds))


# Between us and the process, a small one: a new process begins with its parent's memory, so that
# measured from here the largest would be ours.
MEASURE = """
import json, subprocess, sys, time
began = time.perf_counter()
done = subprocess.run([sys.executable, *sys.argv[1:]], stdout=subprocess.PIPE, text=True)
seconds = time.perf_counter() - began
try:
    import resource
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    memory *= 1 if sys.platform == "darwin" else 1024
except ImportError:  # Windows
    memory = float("nan")
print(json.dumps({"seconds": seconds, "memory": memory / 1e6, "printed": done.stdout}))
sys.exit(done.returncode)
"""


def process(arguments, kernels):
    """Run Python with these arguments: {"seconds", "memory" in MB at most, "printed"}."""
    done = subprocess.run([sys.executable, "-c", MEASURE, *arguments], cwd=ROOT, text=True,
                          capture_output=True, env=os.environ | {"NUMBA_CACHE_DIR": str(kernels)})
    if done.returncode:
        raise RuntimeError(f"python {' '.join(arguments)} failed: {done.stderr.strip()}")
    return json.loads(done.stdout)


# --- reporting ------------------------------------------------------------------------------------

def tables(result):
    """One table."""
    return [(("what", "unit", "median", "most", "allowed"),
             [(row["what"], row["unit"], f"{statistics.median(row['values']):.2f}",
               f"{max(row['values']):.2f}", f"{row['allowed']:g}") for row in result["rows"]])]


def finding(result):
    """The largest of each kind beside what is allowed."""
    sentences = []
    for what, words in (("cold", "Compiling the first time takes {} s"),
                        ("warm", "a warm start {} s"),
                        ("architecture", "a new architecture adds {} s at most"),
                        ("memory", "memory is {} MB at most")):
        rows = [row for row in result["rows"] if row["what"].split(",")[0] == what]
        if rows:
            value = max(max(row["values"]) for row in rows)
            number = f"{value:.0f}" if what == "memory" else f"{value:.1f}"
            sentences.append(words.format(number) + f" ({rows[0]['allowed']:g} are allowed)")
    return "; ".join(sentences)


def figure(result):
    """Every measurement as a part of what is allowed."""
    rows = result["rows"]
    fig, ((ax,),) = new_figure(finding(result), 9.2, 2.2 + 0.27 * len(rows),
                               note=in_words(result).replace("\n", "; "))
    for y, row in enumerate(rows):
        parts = [value / row["allowed"] for value in row["values"]]
        ax.barh(y, max(parts), height=0.55, color=LOOK["nndl"]["color"])
        amount = f"{max(row['values']):.0f}" if row["unit"] == "MB" else f"{max(row['values']):.2f}"
        ax.annotate(f"{amount} {row['unit']} of {row['allowed']:g}", (1, y), (6, 0),
                    xycoords=("axes fraction", "data"), textcoords="offset points", va="center",
                    fontsize=SMALL_SIZE, color=BLACK)
    ax.axvline(1, color=GREY, linewidth=1.4, label="allowed")
    ax.set_yticks(range(len(rows)), [row["what"] for row in rows], fontsize=TEXT_SIZE - 1, color=BLACK)
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.set_xlim(0, max(1.05, ax.get_xlim()[1]))
    ax.tick_params(axis="y", length=0)
    say(ax, x="part of what is allowed, the largest of the runs")
    key(ax, loc="lower right", bbox_to_anchor=(1, 1))
    return fig


if __name__ == "__main__":
    from .__main__ import main as run
    sys.exit(run(["startup", *sys.argv[1:]]))
