"""How long does a training step take, beside PyTorch's on the same machine?

    python -m benchmarks training_step

The networks are those of the book and their relatives (benchmarks/networks.py), trained on MNIST by
Network.SGD as a user calls it: shuffling, gathering, layer objects and the progress bar are part of
the time.  Evaluation is not; it has a row of its own, Network.accuracy on the 10,000 test images.
PyTorch is eager, in float32, and has the same weights, mini-batches and number of threads, set on
both sides.  It runs twice: as one writes it by the tutorial, and "tuned", as somebody would who
knows it well (peers.TorchTwin).

Before a network is timed, cost, outputs, gradients and two steps of SGD are compared with the NumPy
backend's in float64, ours and PyTorch's.  Then they take turns in one process, each on the same
stretch of the training images.  Medians are quoted, ± half the range of the middle half of the
rounds; the ratio is the median of the rounds' ratios.
"""

import math
import statistics
import sys
from dataclasses import dataclass
from functools import partial

import numpy as np
from threadpoolctl import threadpool_limits

import nndl
from nndl.backends import usable_cores
from nndl.plots.drawing import BLACK, GREY, TEXT_SIZE, new_figure

from .figures import LOOK, NAMES, key, say
from .networks import WHAT, multiply_adds, network, trainer
from .peers import TorchTwin, sklearn_twin, train_by_turns, try_torch, verify, verify_sklearn
from .timing import (
    ETA,
    LMBDA,
    RESULTS,
    alternate,
    check_some,
    complaint,
    counted,
    in_words,
    line,
    matrix_product_rates,
    ratios,
    report,
    spread,
    text,
    undisturbed,
    use_threads,
)

QUICK = {"rounds": 3, "seconds": 0.05, "tries": 1}
AT_ONCE = (100, 250, 500, 1000)  # images a piece among which PyTorch's fastest evaluation is chosen


@dataclass
class Case:
    """A row of the table.

    required, goal : our time over PyTorch's, at most
    what : "step"; "epoch", over all training images; or "forward", the accuracy on the test images
    one_thread : with one thread, instead of as many as the benchmark is told
    left_over : so many examples more than whole mini-batches, for a last one that is shorter
    others : also time the NumPy backend, and scikit-learn where it has such a network
    """

    network: str
    mini_batch_size: int = 10
    required: float = 1.0
    goal: float = None
    what: str = "step"
    one_thread: bool = False
    left_over: int = 0
    others: bool = False

    @property
    def name(self):
        """The network, and what is done with it."""
        return (self.network + (", forward only" if self.what == "forward" else "")
                + (f", {self.left_over} left over" if self.left_over else ""))

    @property
    def pieces(self):
        """The mini-batch size where both sides have the same, else None."""
        return None if self.what == "forward" else self.mini_batch_size

    @property
    def unit(self):
        """What the times are, and how many of them a second has."""
        return {"step": ("ms per step", 1000), "epoch": ("s per epoch", 1),
                "forward": ("ms per 10,000", 1000)}[self.what]


CASES = [
    Case("A", 10, 0.30, 0.22, others=True),
    Case("A", 60, 0.48, 0.40),
    Case("A", 250, 0.48, 0.40, others=True),
    Case("A", 10, 0.40, 0.30, one_thread=True),
    Case("A", 60, 0.50, 0.40, one_thread=True),
    Case("A", 250, 0.50, 0.40, one_thread=True),
    Case("B", 10, 0.30, 0.22, others=True),
    Case("B", 60, 0.48, 0.40),
    Case("B", 250, 0.62, 0.50),
    Case("C", 10, 0.28, 0.20, "epoch", others=True),
    Case("A", 500, 0.70, 0.50, "forward", others=True),
    *map(Case, ("one convolution, sigmoid", "A with tanh", "A with L2 pooling", "A with padding 2",
                "A with stride 2, no pooling", "A with 3 x 3 kernels", "A with 7 x 7 kernels",
                "three convolutions 3 x 3", "784-500-500-10, ReLU", "A with GELU")),
    Case("A", 1), Case("A", 1000), Case("A", 64, left_over=17),
]


def main(threads=None, rounds=15, seconds=0.2, out=RESULTS, only="", tries=3, train_size=50_000):
    """Verify, time, print a row for each case, save out/training_step.json and .png.

    threads : of the rows that do not say one thread; None: two, where there are two cores
    rounds : turns that each side has;  seconds : that one of our turns takes at least, about
    only : a part of the name of the cases to run, None or "" for all; out=None saves nothing
    tries : how often a row is measured at most, if other programs disturb it
    train_size : how many of the training images are used

    Returns what is saved.
    """
    torch = try_torch()
    threads = threads or min(2, usable_cores())
    use_threads(threads, torch)  # refuses now what cannot be had
    training, _, test = nndl.load_mnist()
    training = training[:train_size]
    with report("training_step", threads, figure, out, rounds=rounds) as result:
        rates = result["matrix_product"] = matrix_product_rates({1, threads}, torch)
        print("\n" + "\n".join(f"{name}: {what}" for name, what in WHAT.items()))
        print(f"\nmedians of {rounds} rounds, ± half the range of their middle half\n\n"
              + line(HEADINGS, WIDTHS))
        rows = result["rows"] = []
        # With one thread in all, net A's rows would come twice: the later ones have the right bounds.
        cases = {label(case.name, case.pieces, 1 if case.one_thread else threads): case
                 for case in CASES}
        for name, case in cases.items():
            if only in name:
                n = 1 if case.one_thread else threads
                row = undisturbed(partial(measure, case, n, training, test, rounds, seconds, torch),
                                  tries)
                row["of_matrix_product"] = row["gflops"] / rates[n]["gflops"]
                rows.append(row)
                print(line(cells(row), WIDTHS), complaint(row["others_busy_cores"]), flush=True)
        check_some(rows, only)
        for others in tables(result)[1:]:
            print("\n" + text(*others))
        print(f"\n{finding(result)}\n")
    return result


# --- measuring ------------------------------------------------------------------------------------

def measure(case, threads, training, test, rounds, seconds, torch):
    """Verify a case, then time it.  Returns its row: everything measured, times in its unit."""
    use_threads(threads, torch)
    net, m = network(case.network), case.mini_batch_size
    verify(net, training.images[:m], training.labels[:m], torch)
    time_it = forward if case.what == "forward" else steps
    row = time_it(case, net, training, test, rounds, seconds, torch)
    unit, in_a_second = case.unit
    for name in ("nndl", "torch", "torch_tuned", "numpy", "sklearn"):
        row[name] = [in_a_second * s / row["per_turn"] for s in row.get(name, ())]
    for name in ("torch", "torch_tuned"):
        row[f"ratio_to_{name}"] = ratios(row["nndl"], row[name]) if row[name] else []
    work = 2 * multiply_adds(net, training=case.what != "forward") * row["examples"] / row["per_turn"]
    row["gflops"] = work * in_a_second / statistics.median(row["nndl"]) / 1e9
    return {"case": case.name, "mini_batch_size": case.pieces, "threads": threads, "unit": unit,
            "required": case.required, "goal": case.goal, **row}


def steps(case, net, training, test, rounds, seconds, torch):
    """Train by turns; NumPy, which is slow, on a twentieth of the images and in fewer rounds."""
    m, epoch = case.mini_batch_size, case.what == "epoch"
    taken, examples = train_by_turns(net, training, m, rounds, seconds, torch,
                                     len(training.images) if epoch else None, case.left_over)
    if case.others:
        few = examples if epoch else max(m, examples // 20 // m * m)
        slow = trainer(net.copy("numpy"), training, m)
        numpy = alternate({"numpy": lambda _: slow(slice(0, few))}, min(3, rounds))["numpy"]
        taken["numpy"] = [s * examples / few for s in numpy]
    if case.others and epoch:
        taken["sklearn"] = sklearn_epochs(net, training, m, min(3, rounds))
    return taken | {"per_turn": 1 if epoch else math.ceil(examples / m), "examples": examples}


def forward(case, net, training, test, rounds, seconds, torch):
    """Classify the test images by turns: Network.accuracy, and PyTorch's fastest mini-batch."""
    net.SGD(training[:10_000], 1, 10, ETA, LMBDA, progress=False)  # activations as of a trained net
    expected = net.accuracy(test)
    runs, at_once = {"nndl": lambda _: net.accuracy(test)}, {}
    if torch is not None:
        for name in ("torch", "torch_tuned"):
            twin = TorchTwin(torch, net, tuned=name == "torch_tuned")
            classify = partial(twin.accuracy, *twin.tensors(test))
            if not abs(classify(500) - expected) < 3e-4:  # a tie or two
                raise SystemExit("nothing is timed: PyTorch's twin classifies otherwise")
            pieces = {m: lambda _, m=m, classify=classify: classify(m) for m in AT_ONCE}
            trials = alternate(pieces, min(3, rounds))
            at_once[name] = min(AT_ONCE, key=lambda m, trials=trials: statistics.median(trials[m]))
            runs[name] = pieces[at_once[name]]
    taken = alternate(runs, rounds)
    if case.others:
        slow = net.copy("numpy")
        taken |= alternate({"numpy": lambda _: slow.accuracy(test)}, min(3, rounds))
    return taken | {"per_turn": len(test.images) / 10_000, "examples": len(test.images),
                    "at_once": at_once}


def sklearn_epochs(net, training, m, rounds):
    """Seconds of each epoch that scikit-learn's MLPClassifier trains a network like net."""
    x = training.images.reshape(len(training.images), -1).astype(np.float32) / 256
    twin = sklearn_twin(net, x, training.labels, m)
    if twin is None:
        return []
    verify_sklearn(net, twin, x[:m])
    with threadpool_limits(net.ops.threads, user_api="blas"):
        return alternate({"sklearn": lambda _: twin.partial_fit(x, training.labels)}, rounds)["sklearn"]


# --- reporting ------------------------------------------------------------------------------------

HEADINGS = ("network", "mini-batch", "threads", "unit", "nndl", "PyTorch", "tuned", "ratio",
            "to tuned", "required", "goal", "of matrix product")
WIDTHS = (29, 10, 7, 13, 10, 10, 10, 9, 9, 8, 4, 17)


def label(name, mini_batch_size, threads):
    """What a row is called in the figure and by --only."""
    return (name + (f", mini-batch {mini_batch_size:,}" if mini_batch_size else "")
            + f", {counted(threads, 'thread')}")


def cells(row):
    """A row of the table."""
    return (row["case"], *setting(row),
            *(spread(row[name]) for name in ("nndl", "torch", "torch_tuned")),
            *(spread(row[f"ratio_to_{name}"], "{:.2f}".format) for name in ("torch", "torch_tuned")),
            f"{row['required']:.2f}", f"{row['goal']:.2f}" if row["goal"] else "",
            f"{100 * row['of_matrix_product']:.0f} %")


def setting(row):
    """Mini-batch, threads and unit of a row."""
    size = row["mini_batch_size"]
    return f"{size:,}" if size else "", str(row["threads"]), row["unit"]


def tables(result):
    """The table beside PyTorch, and that of the other yardsticks."""
    others = []
    for row in result["rows"]:
        for name, peer in (("numpy", "the NumPy backend"), ("sklearn", "scikit-learn")):
            if row[name]:
                ratio = statistics.median(row["nndl"]) / statistics.median(row[name])
                others.append((row["case"], *setting(row), spread(row["nndl"]), peer,
                               spread(row[name]), f"{ratio:.2f}"))
    found = [(HEADINGS, [cells(row) for row in result["rows"]])]
    if others:
        found.append(((*HEADINGS[:5], "beside", "its time", "ratio"), others))
    return found


def finding(result):
    """What the table comes to, in sentences that do not leave out where PyTorch is ahead."""
    rows = [row for row in result["rows"] if row["ratio_to_torch"]]
    if not rows:
        return "PyTorch was not there to be compared with"
    by = {name: [statistics.median(row[f"ratio_to_{name}"]) for row in rows]
          for name in ("torch", "torch_tuned")}
    within = sum(ratio <= row["required"] for ratio, row in zip(by["torch"], rows))
    ahead = {name: sum(ratio > 1 for ratio in ratios) for name, ratios in by.items()}
    return (f"nndl takes {min(by['torch']):.2f} to {max(by['torch']):.2f} of PyTorch's time, "
            f"{min(by['torch_tuned']):.2f} to {max(by['torch_tuned']):.2f} of tuned PyTorch's; "
            f"{within} of {len(rows)} rows are within what is required. PyTorch is ahead in "
            f"{ahead['torch']} of them, tuned in {ahead['torch_tuned']}")


def figure(result):
    """The ratios, a line for each row of the table, with what is required."""
    rows = result["rows"]
    note = ("Our time divided by PyTorch's, medians; bars span the middle half of the rounds. "
            + in_words(result).replace("\n", "; "))
    fig, ((ax,),) = new_figure(finding(result), 9.2, 2.2 + 0.27 * len(rows), note=note)
    for name in ("torch", "torch_tuned"):
        where = [(y, row[f"ratio_to_{name}"]) for y, row in enumerate(rows) if row[f"ratio_to_{name}"]]
        look = LOOK[name] | {"linestyle": "none"}
        for y, values in where:
            ax.plot(np.percentile(values, [25, 75]), [y, y], color=look["color"], linewidth=1.4)
        ax.plot([statistics.median(values) for _, values in where], [y for y, _ in where],
                markersize=5.5, label=f"to {NAMES[name]}", **look)
    for what, color, wide in (("required", BLACK, 2.2), ("goal", GREY, 1)):
        where = [(row[what], y) for y, row in enumerate(rows) if row[what]]
        if where:
            ax.plot(*zip(*where), "|", markersize=11, markeredgewidth=wide, color=color,
                    label=f"{what}, to PyTorch")
    ax.axvline(1, color=GREY, linewidth=1)
    ax.set_yticks(range(len(rows)), [label(row["case"], row["mini_batch_size"], row["threads"])
                                     for row in rows], fontsize=TEXT_SIZE - 1, color=BLACK)
    ax.set_ylim(len(rows) - 0.4, -0.6)
    medians = [statistics.median(row[name]) for row in rows
               for name in ("ratio_to_torch", "ratio_to_torch_tuned") if row[name]]
    ax.set_xlim(0, 1.1 * max([1.0, *medians]))  # the bar of a disturbed row may go beyond
    ax.tick_params(axis="y", length=0)
    say(ax, x="our time / PyTorch's (1 = as fast, to the left faster)")
    key(ax, loc="lower center", bbox_to_anchor=(0.4, 1), ncols=4)
    return fig


if __name__ == "__main__":
    from .__main__ import main as run
    sys.exit(run(["training_step", *sys.argv[1:]]))
