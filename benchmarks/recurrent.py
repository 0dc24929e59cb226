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

import nndl
from nndl import LSTM, Dense, Last, Network, Recurrent, Softmax
from nndl.backends import usable_cores

from .peers import train_by_turns, try_torch, verify
from .timing import (
    RESULTS,
    alternate,
    check_some,
    complaint,
    line,
    matrix_product_rates,
    ratios,
    report,
    undisturbed,
    use_threads,
)

# Its table, too: what benchmarks/__main__.py asks each benchmark for.
from .training_step import HEADINGS, WIDTHS, cells, figure, finding, label, tables  # noqa: F401

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
        # With one thread in all, rows would come twice.
        each = {label(cell, m, n): (cell, m, n) for cell, m, one_thread in CASES
                for n in [1 if one_thread else threads]}
        for cell, m, n in (case for name, case in each.items() if only in name):
            row = undisturbed(partial(measure, cell, m, n, training, rounds, seconds, torch), tries)
            row["of_matrix_product"] = row["gflops"] / rates[n]["gflops"]
            rows.append(row)
            print(line(cells(row), WIDTHS), complaint(row["others_busy_cores"]), flush=True)
        check_some(rows, only)
        print(f"\n{finding(result)}\n")
    return result


def measure(cell, m, threads, training, rounds, seconds, torch):
    """Verify a case, then time it.  Returns its row: everything measured, as training_step has it."""
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
    return {"case": cell, "mini_batch_size": m, "threads": threads, "unit": "ms per step",
            "required": REQUIRED, "goal": GOAL, "examples": examples, "sklearn": [], **row}


def multiply_adds(net):
    """How many multiplications, each with its addition, an example's training step has.

    At each step each weight is used going forward and for its own gradient, and those of w_hh once more
    for the state before; nobody asks for the gradient at the pixels.
    """
    layer, dense = (layer for layer in net.layers if layer.parameters)
    return layer.input_shape[0] * (2 * layer.w_xh.size + 3 * layer.w_hh.size) + 3 * dense.w.size


if __name__ == "__main__":
    from .__main__ import main as run
    sys.exit(run(["recurrent", *sys.argv[1:]]))
