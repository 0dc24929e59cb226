"""How long does a training step of a recurrent layer take, beside PyTorch's on the same machine?

    python -m benchmarks recurrent

Networks that read MNIST's images row by row, 28 steps of 28 pixels: 128 hidden units, of the vanilla
cell or of the LSTM, and a softmax layer on the last state.  They are trained by Network.SGD as a user
calls it; PyTorch's twin has torch.nn.RNN or torch.nn.LSTM, the same weights, mini-batches and number of
threads.  Everything is verified before, and takes turns, as in benchmarks/training_step.py.
"""

import statistics
import sys
from functools import partial

import numpy as np

import nndl
from nndl import LSTM, Dense, Last, Network, Recurrent, Softmax
from nndl.backends import usable_cores
from nndl.plots.drawing import BLACK, GREY, TEXT_SIZE, new_figure

from .figures import LOOK, NAMES, key, say
from .peers import train_by_turns, try_torch, verify
from .timing import (
    RESULTS,
    alternate,
    check_some,
    complaint,
    in_words,
    line,
    matrix_product_rates,
    ratios,
    report,
    spread,
    undisturbed,
    use_threads,
)
from .training_step import label

QUICK = {"rounds": 3, "seconds": 0.05, "tries": 1}
HIDDEN = 128
REQUIRED, GOAL = 0.6, 0.4  # our time over PyTorch's, at most
CELLS = {"vanilla cell": Recurrent, "LSTM": LSTM}
CASES = [(cell, m, one_thread) for one_thread in (False, True) for cell in CELLS for m in (10, 100)]


def main(threads=None, rounds=15, seconds=0.2, out=RESULTS, only="", tries=3, train_size=20_000):
    """Verify, time, print a row for each case, save out/recurrent.json and .png.

    Arguments as those of training_step.main.  Returns what is saved.
    """
    torch = try_torch()
    threads = threads or min(2, usable_cores())
    use_threads(threads, torch)
    training = nndl.load_mnist().training[:train_size]
    with report("recurrent", threads, figure, out, rounds=rounds) as result:
        rates = result["matrix_product"] = matrix_product_rates({1, threads}, torch)
        print(f"\n28 steps of 28 pixels, {HIDDEN} hidden units; medians of {rounds} rounds, ± half the "
              f"range of their middle half\n\n{line(HEADINGS, WIDTHS)}")
        rows = result["rows"] = []
        for cell, m, one_thread in CASES:
            n = 1 if one_thread else threads
            name = label(cell, m, n)
            if only not in name or name in {label(r["case"], r["mini_batch_size"], r["threads"])
                                            for r in rows}:
                continue
            row = undisturbed(partial(measure, cell, m, n, training, rounds, seconds, torch), tries)
            row["of_matrix_product"] = row["gflops"] / rates[n]["gflops"]
            rows.append(row)
            print(line(cells(row), WIDTHS), complaint(row["others_busy_cores"]), flush=True)
        check_some(rows, only)
        print(f"\n{finding(result)}\n")
    return result


def measure(cell, m, threads, training, rounds, seconds, torch):
    """Verify a case, then time it.  Returns its row: everything measured, in ms per step."""
    use_threads(threads, torch)
    net = Network([CELLS[cell](HIDDEN), Last(), Dense(10), Softmax()], input_shape=(28, 28))
    verify(net, training.images[:m], training.labels[:m], torch)
    taken, examples = train_by_turns(net, training, m, rounds, seconds, torch)
    steps = -(-examples // m)
    few = max(m, examples // 20 // m * m)
    slow = net.copy("numpy")
    numpy = alternate({"numpy": lambda _: slow.SGD(training[:few], 1, m, 0.05, progress=False)},
                      min(3, rounds))["numpy"]
    row = {name: [1000 * s / steps for s in taken.get(name, ())]
           for name in ("nndl", "torch", "torch_tuned")}
    row["numpy"] = [1000 * s * examples / few / steps for s in numpy]
    for name in ("torch", "torch_tuned"):
        row[f"ratio_to_{name}"] = ratios(row["nndl"], row[name]) if row[name] else []
    row["gflops"] = 2 * m * multiply_adds(net) / statistics.median(row["nndl"]) / 1e6
    return {"case": cell, "mini_batch_size": m, "threads": threads, "required": REQUIRED, "goal": GOAL,
            "examples": examples, **row}


def multiply_adds(net):
    """How many multiplications, each with its addition, an example's training step has.

    At each step each weight is used going forward and for its own gradient, and those of w_hh once more
    for the state before; nobody asks for the gradient at the pixels.
    """
    layer, dense = (layer for layer in net.layers if layer.parameters)
    return layer.input_shape[0] * (2 * layer.w_xh.size + 3 * layer.w_hh.size) + 3 * dense.w.size


HEADINGS = ("cell", "mini-batch", "threads", "nndl, ms", "PyTorch", "tuned", "ratio", "to tuned",
            "required", "goal", "NumPy backend", "of matrix product")
WIDTHS = (13, 10, 7, 10, 10, 10, 9, 9, 8, 4, 13, 17)


def cells(row):
    """A row of the table."""
    return (row["case"], f"{row['mini_batch_size']:,}", str(row["threads"]),
            *(spread(row[name]) for name in ("nndl", "torch", "torch_tuned")),
            *(spread(row[f"ratio_to_{name}"], "{:.2f}".format) for name in ("torch", "torch_tuned")),
            f"{row['required']:.2f}", f"{row['goal']:.2f}", spread(row["numpy"]),
            f"{100 * row['of_matrix_product']:.0f} %")


def tables(result):
    """The table beside PyTorch."""
    return [(HEADINGS, [cells(row) for row in result["rows"]])]


def finding(result):
    """What the table comes to."""
    rows = [row for row in result["rows"] if row["ratio_to_torch"]]
    if not rows:
        return "PyTorch was not there to be compared with"
    found = [statistics.median(row["ratio_to_torch"]) for row in rows]
    within = sum(ratio <= row["required"] for ratio, row in zip(found, rows))
    return (f"nndl takes {min(found):.2f} to {max(found):.2f} of PyTorch's time; {within} of "
            f"{len(rows)} rows are within what is required")


def figure(result):
    """The ratios, a line for each row of the table, with what is required."""
    rows = result["rows"]
    note = ("Our time divided by PyTorch's, medians; bars span the middle half of the rounds. "
            + in_words(result).replace("\n", "; "))
    fig, ((ax,),) = new_figure(finding(result), 9.2, 2.2 + 0.27 * len(rows), note=note)
    for name in ("torch", "torch_tuned"):
        look = LOOK[name] | {"linestyle": "none"}
        where = [(y, row[f"ratio_to_{name}"]) for y, row in enumerate(rows) if row[f"ratio_to_{name}"]]
        for y, values in where:
            ax.plot(np.percentile(values, [25, 75]), [y, y], color=look["color"], linewidth=1.4)
        ax.plot([statistics.median(values) for _, values in where], [y for y, _ in where],
                markersize=5.5, label=f"to {NAMES[name]}", **look)
    for what, at, color, wide in (("required", REQUIRED, BLACK, 2.2), ("goal", GOAL, GREY, 1)):
        ax.plot([at] * len(rows), range(len(rows)), "|", markersize=11, markeredgewidth=wide,
                color=color, label=f"{what}, to PyTorch")
    ax.axvline(1, color=GREY, linewidth=1)
    ax.set_yticks(range(len(rows)), [label(row["case"], row["mini_batch_size"], row["threads"])
                                     for row in rows], fontsize=TEXT_SIZE - 1, color=BLACK)
    ax.set_ylim(len(rows) - 0.4, -0.6)
    medians = [statistics.median(row[name]) for row in rows
               for name in ("ratio_to_torch", "ratio_to_torch_tuned") if row[name]]
    ax.set_xlim(0, 1.1 * max([1.0, *medians]))
    ax.tick_params(axis="y", length=0)
    say(ax, x="our time / PyTorch's (1 = as fast, to the left faster)")
    key(ax, loc="lower center", bbox_to_anchor=(0.4, 1), ncols=4)
    return fig


if __name__ == "__main__":
    from .__main__ import main as run
    sys.exit(run(["recurrent", *sys.argv[1:]]))
