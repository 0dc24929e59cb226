"""How the benchmarks measure and report: turns, medians, the machine, tables, files.

A benchmark is a module with a first line that asks its question, QUICK settings of main, and

    main(...)        verifies, times, prints rows as they come, saves JSON and figure; returns the JSON
    tables(result)   what it says, from the JSON: [(headings, rows), ...] of strings
    figure(result)   the same as a picture

so that a table in the README is made from the file of a real run, never typed.
"""

import contextlib
import io
import json
import math
import os
import statistics
import time
from importlib import metadata
from pathlib import Path

import numpy as np

import nndl
from nndl.cli import machine, versions
from nndl.files import write_atomically

RESULTS = Path(__file__).parent / "results"
ETA, LMBDA = 0.05, 1.0  # of every network that is trained here
BUSY = 0.15             # cores that others may keep busy before we say so
WARMING_UP = 0.05       # s before a turn, see alternate
PAUSE = 0.05            # s between turns: until the other library's idle threads have gone to sleep


# --- time -----------------------------------------------------------------------------------------

def alternate(runs, rounds, warming_up=0.0):
    """Let every run take its turn, round by round.  Returns {name: seconds of each turn}.

    runs : {name: function of the round's number}
    warming_up : s that each run goes on uncounted before its turn.  A short turn needs it: threads
                 that the other library's had pushed to the same core need tens of milliseconds to
                 find another, and one in which they had not took up to three times its time
    What disturbs the machine for a while then disturbs all of them.  Every other round goes
    backwards, so that none always follows the same neighbour; round 0 warms up and is not counted.
    """
    seconds = {name: [] for name in runs}
    for number in range(rounds + 1):
        for name in (list(runs) if number % 2 else reversed(runs)):
            time.sleep(PAUSE)
            began = time.perf_counter()
            while time.perf_counter() - began < warming_up:
                runs[name](number)
            took = clock(runs[name], number)
            if number:
                seconds[name].append(took)
    return seconds


def clock(run, *arguments):
    """How many seconds run(*arguments) takes."""
    began = time.perf_counter()
    run(*arguments)
    return time.perf_counter() - began


def enough(run, seconds, most):
    """How many steps to ask of run(steps), up to `most`, so that it takes about `seconds`."""
    steps = 1
    run(steps)  # warms up
    while steps < most:
        took = clock(run, steps)
        if took >= 0.5 * seconds:
            return max(1, min(most, round(steps * seconds / took)))
        steps = min(most, 4 * steps)
    return steps


def ratios(ours, theirs):
    """Our time over theirs, round by round: neighbours in time, so that drift cancels."""
    return [a / b for a, b in zip(ours, theirs, strict=True)]


def spread(values, write=None):
    """The median, and half the range of the middle half of the values in percent of it.

    write : function that makes the median a string; None: three_digits
    """
    if not values:
        return "-"
    return f"{(write or three_digits)(statistics.median(values))} ±{100 * unlike(values):.0f}%"


def unlike(values):
    """Half the range of the middle half of the values, in proportion to their median."""
    if not values:
        return 0.0
    low, high = np.percentile(values, [25, 75])
    return 0.5 * (high - low) / statistics.median(values)


def three_digits(value):
    """A positive number without exponent: 0.0341, 25.1, 1,234."""
    return f"{value:,.{max(0, 2 - math.floor(math.log10(value)))}f}"


class Terminal(io.TextIOBase):
    """A terminal that nobody looks at: progress is drawn at its full price, but not on the screen."""

    def isatty(self):
        """It says it is one, so that nndl draws its bar."""
        return True

    def write(self, text):
        """Take the text and forget it."""
        return len(text)


@contextlib.contextmanager
def unseen():
    """What is printed goes to a Terminal: bars and lines of each epoch cost what they cost a user."""
    with contextlib.redirect_stdout(Terminal()), contextlib.redirect_stderr(Terminal()):
        yield


# --- the machine ----------------------------------------------------------------------------------

def use_threads(n, torch=None):
    """n threads for nndl, and for PyTorch where it is there."""
    nndl.set_threads(n)
    if torch is not None:
        torch.set_num_threads(n)


def matrix_product_rates(numbers, torch=None, n=2048, rounds=5):
    """What the machine can do: {threads: GF/s of a large float32 matrix product and by whom}.

    numbers : of threads;  n : rows and columns of the matrices
    A multiplication and its addition count as two.  NumPy's and SciPy's OpenBLAS and PyTorch's own
    library may each know this CPU better or worse: the fastest counts, in its fastest round.
    """
    rates = {}
    for threads in sorted(numbers):
        for _ in range(3):  # what others disturb can only be too low
            before = cpu_seconds()
            rate = _matrix_product_rate(threads, torch, n, rounds)
            rates[threads] = max(rate, rates.get(threads, rate), key=lambda rate: rate["gflops"])
            if not complaint(others_busy(before)):
                break
        print(f"large matrix product, {counted(threads, 'thread')}: "
              f"{rates[threads]['gflops']:.0f} GF/s ({rates[threads]['by']})", flush=True)
    return rates


def _matrix_product_rate(threads, torch, n, rounds):
    from scipy.linalg.blas import sgemm
    from threadpoolctl import threadpool_limits
    a = np.random.default_rng(0).random((n, n), dtype=np.float32)
    products = {"NumPy": lambda _: a @ a, "SciPy": lambda _: sgemm(1, a, a)}
    if torch is not None:
        torch.set_num_threads(threads)
        tensor = torch.from_numpy(a)
        products["PyTorch"] = lambda _: torch.mm(tensor, tensor)
    with threadpool_limits(threads, user_api="blas"):
        seconds = alternate(products, rounds)
    name, fastest = min(((name, min(s)) for name, s in seconds.items()), key=lambda pair: pair[1])
    return {"gflops": 2 * n**3 / fastest / 1e9, "by": name}


@contextlib.contextmanager
def report(benchmark, threads, figure, out, **more):
    """What a benchmark finds, a dict: printed at first is what it depends on, saved at the end all.

    figure : function of the result;  out : folder for <benchmark>.json and .png, None saves nothing
    """
    packages = {}
    for name in ("torch", "scikit-learn"):
        with contextlib.suppress(metadata.PackageNotFoundError):
            packages[name] = metadata.version(name)
    result = {"benchmark": benchmark, "date": time.strftime("%Y-%m-%d"), "machine": machine(),
              "threads": threads, "versions": versions() | packages, **more}
    print(in_words(result), flush=True)
    began, before = time.perf_counter(), cpu_seconds()
    time.sleep(0.2)
    if disturbed := complaint(others_busy(before)):
        print(f"do not believe these times, {disturbed}", flush=True)
    yield result
    result["others_busy_cores"] = others_busy(before)
    result["minutes"] = round((time.perf_counter() - began) / 60, 1)
    disturbed = complaint(result["others_busy_cores"])
    print(f"{result['minutes']} minutes{disturbed and ', '}{disturbed}")
    save(result, figure, out)


def undisturbed(measure, tries):
    """The row that measure() returns, from the quietest of up to `tries` times.

    It is measured again where other programs kept the machine busy, or the rounds are so unlike each
    other that something else did: a host, say, that this machine is a guest of.  How many cores
    others kept busy is entered as "others_busy_cores".
    """
    best, quietest = None, math.inf
    for _ in range(tries):
        before = cpu_seconds()
        row = measure()
        row["others_busy_cores"] = others_busy(before)
        unrest = (row["others_busy_cores"] or 0.0) + max(
            unlike(row.get(name)) for name in ("nndl", "torch", "torch_tuned"))
        if unrest < quietest:
            best, quietest = row, unrest
        if quietest < BUSY:
            break
    return best


def cpu_seconds():
    """(seconds of all cores' work so far, of ours and our children's, now), or None off Linux."""
    try:
        with open("/proc/stat", encoding="ascii") as file:
            user, nice, system, _idle, _wait, *others = map(int, file.readline().split()[1:])
    except OSError:
        return None
    everybody = (user + nice + system + sum(others[:3])) / os.sysconf("SC_CLK_TCK")
    return everybody, sum(os.times()[:4]), time.perf_counter()


def others_busy(before):
    """How many cores other programs have kept busy since cpu_seconds() was `before`, or None."""
    now = cpu_seconds()
    if now is None:
        return None
    everybody, ours, seconds = (b - a for a, b in zip(before, now))
    return round(max(0.0, everybody - ours) / seconds, 2)


def complaint(cores):
    """Words about other programs that spoil the times by keeping so many cores busy, or ""."""
    return f"{cores:.1f} cores are busy with other programs" if cores and cores > BUSY else ""


def in_words(result):
    """The machine and the versions of a result in two lines, a third for the machine's rate."""
    here = result["machine"]
    lines = [f"{here['cpu']}, {here['cores']} cores, {counted(result['threads'], 'thread')}, "
             f"{here['system']}, {result['date']}",
             ", ".join(f"{name} {version}" for name, version in result["versions"].items())]
    if rates := result.get("matrix_product"):
        lines.append("large matrix product " + ", ".join(
            f"{rate['gflops']:.0f} GF/s with {counted(int(n), 'thread')} ({rate['by']})"
            for n, rate in rates.items()))
    return "\n".join(lines)


def counted(n, thing):
    """n of a thing: 1 thread, 2 threads."""
    return f"{n} {thing}" + "s" * (n != 1)


# --- tables and files -----------------------------------------------------------------------------

def check_some(rows, only):
    """ValueError if there are no rows, because nothing measured is called as --only says."""
    if not rows:
        raise ValueError(f"--only: nothing that is measured has {only!r} in its name")


def line(cells, widths):
    """One row of a table: the first cell to the left, the others to the right."""
    first, *others = (f"{cell:<{wide}}" if number == 0 else f"{cell:>{wide}}"
                      for number, (cell, wide) in enumerate(zip(cells, widths, strict=True)))
    return "  ".join([first, *others]).rstrip()


def text(headings, rows):
    """A whole table, each column as wide as it must be."""
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    return "\n".join(line(row, widths) for row in (headings, *rows))


def markdown(result, tables):
    """The tables of a result, for a README."""
    parts = []
    for headings, rows in tables:
        rule = ["---"] + ["---:"] * (len(headings) - 1)
        parts.append("\n".join(f"| {' | '.join(row)} |" for row in (headings, rule, *rows)))
    return "\n\n".join([*parts, in_words(result).replace("\n", "; ") + "."])


def save(result, figure, out):
    """Write result and figure as out/<benchmark>.json and .png, and say so; out=None saves nothing."""
    if out is None:
        print("nothing is saved")
        return
    path = Path(out) / f"{result['benchmark']}.json"
    write_atomically(path, (json.dumps(result, indent=1) + "\n").encode())  # the figure can be redrawn
    picture = io.BytesIO()
    figure(result).savefig(picture, format="png")
    write_atomically(path.with_suffix(".png"), picture.getvalue())
    print(f"saved: {path}\n       {path.with_suffix('.png')}")


def load(benchmark, out=RESULTS):
    """The result that save wrote."""
    return json.loads((Path(out) / f"{benchmark}.json").read_text(encoding="utf-8"))
