"""Does the cost grow no faster than the work: images, mini-batch, filters, kernels, neurons, threads?

    python -m benchmarks scaling

Net A is trained by Network.SGD, with one thing varied at a time; the other settings stay as they are in
`nndl train`, mini-batch 10 among them.

    images       1,000 to 250,000 training images, MNIST five times over: microseconds per example of
                 a whole call of SGD, what it does once included
    mini-batch   1 to 1,000 examples: microseconds per example
    filters      10 to 80 maps of the second convolution: milliseconds per step
    kernel       3 x 3 to 9 x 9 in both, padded so that the maps keep their size: the same
    neurons      30 to 3,000 in the dense layer: the same
    threads      1 to all cores, at mini-batch 10 and 250: the same

Every network is compared with the NumPy backend in float64 before it is timed, and PyTorch's twins,
which take turns with it, with that.  "Of matrix product" is the part of the machine's rate for a large
matrix product that is reached, dense operations counted; where it does not fall, the cost grows no
faster than the multiplications.
"""

import math
import statistics
import sys
from functools import partial

import numpy as np

import nndl
from nndl import ConvPool, Dense, Network, ReLU, Softmax
from nndl.backends import usable_cores
from nndl.plots.drawing import BLACK, GREY, TEXT_SIZE, new_figure

from .figures import LOOK, NAMES, key, say
from .networks import multiply_adds, network, trainer
from .peers import train_by_turns, try_torch, verify
from .timing import (
    RESULTS,
    alternate,
    check_some,
    complaint,
    in_words,
    line,
    matrix_product_rates,
    report,
    spread,
    undisturbed,
    use_threads,
)

QUICK = {"rounds": 2, "seconds": 0.05, "tries": 1, "images": (1_000, 5_000, 25_000)}
IMAGES = (1_000, 5_000, 25_000, 50_000, 250_000)


def varied(filters=40, kernel_size=5, neurons=100, padding=0):
    """Net A with one thing varied."""
    return Network([ConvPool(20, kernel_size, padding=padding, init="he"),
                    ConvPool(filters, kernel_size, padding=padding, init="he"),
                    Dense(neurons, init="he"), ReLU(), Dense(10, init="he"), Softmax()],
                   backend="numba")


def cases(threads):
    """(panel, what is varied, network, mini-batch, threads) for all panels but the first."""
    for m in (1, 2, 5, 10, 25, 60, 250, 1000):
        yield "mini-batch", m, varied, m, threads
    for n in (10, 20, 40, 80):
        yield "filters", n, lambda n=n: varied(filters=n), 10, threads
    for n in (3, 5, 7, 9):
        yield "kernel", n, lambda n=n: varied(kernel_size=n, padding=n // 2), 10, threads
    for n in (30, 100, 300, 1000, 3000):
        yield "neurons", n, lambda n=n: varied(neurons=n), 10, threads
    for m in (10, 250):
        for n in range(1, usable_cores() + 1):
            yield f"threads, {m}", n, varied, m, n


def main(threads=None, rounds=5, seconds=0.1, out=RESULTS, only="", tries=3, images=IMAGES):
    """Verify, time, print a row for each point, save out/scaling.json and .png.

    threads : where they are not what is varied; None: two, where there are two cores
    rounds : turns that each side has;  seconds : that one of our turns takes at least, about
    only : a part of the name of the panels to measure, None or "" for all; out=None saves nothing
    tries : how often a point is measured at most, if other programs disturb it
    images : the numbers of training images

    Returns what is saved.
    """
    torch = try_torch()
    threads = threads or min(2, usable_cores())
    use_threads(threads, torch)
    training = nndl.load_mnist().training
    with report("scaling", threads, figure, out, rounds=rounds) as result:
        rates = result["matrix_product"] = matrix_product_rates(
            {*range(1, usable_cores() + 1), threads}, torch)
        print("\n" + line(HEADINGS, WIDTHS))
        rows = result["rows"] = []

        def enter(panel, x, net, m, n, times):
            """A row: times are seconds per example, {name: those of each turn}."""
            busy, products = times.pop("others_busy_cores", None), multiply_adds(net)
            done = 2 * products / statistics.median(times["nndl"]) / 1e9
            rows.append({"panel": panel, "x": x, "mini_batch_size": m, "threads": n,
                         "multiply_adds": products,
                         **{name: [1e6 * s for s in times.get(name, ())] for name in PEERS},
                         "of_matrix_product": done / rates[n]["gflops"],
                         "others_busy_cores": busy})
            print(line(cells(rows[-1]), WIDTHS), complaint(busy), flush=True)

        use_threads(threads, torch)  # matrix_product_rates has set PyTorch's
        if only in "images":
            for n, times in by_images(training, images, max(1, rounds // 2)):
                enter("images", n, network("A"), 10, threads, times)
        for panel, x, make, m, n in cases(threads):
            if only in panel:
                use_threads(n, torch)
                net = make()
                verify(net, training.images[:m], training.labels[:m], torch)
                enter(panel, x, net, m, n, undisturbed(partial(
                    per_example, net, training, m, rounds, seconds, torch), tries))
        check_some(rows, only)
        print(f"\n{finding(result)}\n")
    return result


def per_example(net, training, m, rounds, seconds, torch):
    """{name: seconds per example of each turn}."""
    taken, examples = train_by_turns(net, training, m, rounds, seconds, torch)
    return {name: [s / examples for s in turns] for name, turns in taken.items()}


def by_images(training, images, rounds):
    """(n, {"nndl": seconds per example}) for an epoch of net A over n images, by turns."""
    times_over = math.ceil(max(images) / len(training.images))
    data = nndl.data.Dataset(*(np.concatenate([part] * times_over) for part in training))
    net = network("A")
    verify(net, training.images[:10], training.labels[:10])
    train = trainer(net, data, 10)
    taken = alternate({n: lambda _, n=n: train(slice(0, n)) for n in images}, rounds)
    return [(n, {"nndl": [s / n for s in taken[n]]}) for n in images]


# --- reporting ------------------------------------------------------------------------------------

PEERS = ("nndl", "torch", "torch_tuned")
HEADINGS = ("varied", "value", "mini-batch", "threads", "nndl, us/example", "PyTorch", "tuned",
            "ratio", "multiply-adds/example", "of matrix product")
WIDTHS = (12, 8, 10, 7, 16, 11, 11, 5, 21, 17)


def cells(row):
    """A row of the table; times are microseconds per example."""
    ratio = statistics.median(row["nndl"]) / statistics.median(row["torch"] or [math.nan])
    return (row["panel"].split(",")[0], f"{row['x']:,}", str(row["mini_batch_size"]),
            str(row["threads"]), *(spread(row[name]) for name in PEERS),
            f"{ratio:.2f}" if row["torch"] else "-", f"{row['multiply_adds']:,}",
            f"{100 * row['of_matrix_product']:.0f} %")


def tables(result):
    """One table."""
    return [(HEADINGS, [cells(row) for row in result["rows"]])]


def panel(result, name):
    """The rows of a panel: those whose varied thing is called so."""
    return [row for row in result["rows"] if row["panel"].split(",")[0] == name]


def finding(result):
    """What the panels come to: how the cost grows from the first point of each to the last."""
    def growth(name):
        rows = panel(result, name)
        if len(rows) < 2:
            return None
        cost = [statistics.median(row["nndl"]) for row in (rows[0], rows[-1])]
        return rows[0]["x"], rows[-1]["x"], cost[1] / cost[0]

    parts = []
    if of_images := growth("images"):
        low, high, cost = of_images
        parts.append(f"Among {high:,} images an example costs {cost:.2f} times what it does among "
                     f"{low:,}")
    for name, what, power in (("filters", "the maps", 1), ("kernel", "the kernel's area", 2),
                              ("neurons", "the neurons", 1)):
        if found := growth(name):
            low, high, cost = found
            parts.append(f"{(high / low)**power:.0f} times {what} cost {cost:.1f} times as much")
    return "; ".join(parts) or "Nothing was varied whose cost could grow"


def figure(result):
    """A panel for each thing that is varied.  Where time is to grow as a line does, axes are linear."""
    fig, axes = new_figure(finding(result), 13, 8.4, 2, 3,
                           note="Medians, net A. Dashed grey: a straight line from our first point to "
                           "our last. " + in_words(result).replace("\n", "; "))
    (images, batch, filters), (kernel, neurons, threads) = axes
    for ax, name, heading, x in (
            (images, "images", "Training images", "images in an epoch"),
            (batch, "mini-batch", "Mini-batch", "examples in a mini-batch")):
        ax.set_xscale("log")
        draw(ax, panel(result, name), lambda row: row["x"], microseconds)
        say(ax, heading, x, "µs per example")
    for ax, name, heading, x, place in (
            (filters, "filters", "Maps of the second convolution", "maps", lambda row: row["x"]),
            (kernel, "kernel", "Kernels of both convolutions", "kernel, drawn by its area",
             lambda row: row["x"]**2),
            (neurons, "neurons", "Neurons of the dense layer", "neurons", lambda row: row["x"])):
        rows = panel(result, name)
        draw(ax, rows, place, milliseconds)
        ends = [rows[0], rows[-1]] if rows else []
        ax.plot([place(row) for row in ends], [milliseconds(row, "nndl") for row in ends],
                color=GREY, linewidth=1, linestyle="--", zorder=1)
        say(ax, heading, x, "ms per step")
    threads.set_xscale("log")
    threads.set_yscale("log")
    of_threads = panel(result, "threads")
    for m in sorted({row["mini_batch_size"] for row in of_threads}):
        rows = [row for row in of_threads if row["mini_batch_size"] == m]
        draw(threads, rows, lambda row: row["x"], milliseconds)
        highest = max(milliseconds(rows[0], name) for name in PEERS if rows[0][name])
        threads.annotate(f"mini-batch {m}", (rows[0]["x"], highest), (0, 8), fontsize=TEXT_SIZE - 1,
                         textcoords="offset points", color=BLACK)
    say(threads, "Threads", "threads", "ms per step, logarithmic")
    for ax, rows in ((images, panel(result, "images")), (batch, panel(result, "mini-batch")),
                     (threads, of_threads)):
        values = sorted({row["x"] for row in rows})
        ax.set_xticks(values, [f"{v // 1000}k" if v >= 10_000 else f"{v:,}" for v in values])
        ax.minorticks_off()
    sizes = [row["x"] for row in panel(result, "kernel")]
    kernel.set_xticks([n**2 for n in sizes], [f"{n} x {n}" for n in sizes])
    for ax in (images, batch, filters, kernel, neurons):
        ax.set_ylim(0, 1.1 * ax.get_ylim()[1])
    low, high = threads.get_ylim()
    ticks = [step * 10.0**power for power in range(-4, 7) for step in (1, 2, 5)
             if low <= step * 10.0**power <= 1.5 * high]
    threads.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    threads.set_ylim(low, 1.5 * high)
    key(batch, loc="upper right")
    return fig


def microseconds(row, name):
    """The median time of one example."""
    return statistics.median(row[name])


def milliseconds(row, name):
    """The median time of one step."""
    return microseconds(row, name) * row["mini_batch_size"] / 1000


def draw(ax, rows, place, time):
    """The lines of all peers; place(row) is where a row stands, time(row, name) how high."""
    for name in PEERS:
        points = [(place(row), time(row, name)) for row in rows if row[name]]
        if points:
            ax.plot(*zip(*points), label=NAMES[name], markersize=5, linewidth=1.6,
                    zorder=3 if name == "nndl" else 2, **LOOK[name])


if __name__ == "__main__":
    from .__main__ import main as run
    sys.exit(run(["scaling", *sys.argv[1:]]))
