"""Where does a training step spend its time, operation by operation, beside NumPy and PyTorch?

    python -m benchmarks operations

Each layer of net A, of net B's dense part and of a network of single steps (convolution, activation
and pooling apart) is timed alone, forward and backward, at mini-batch 10 and 250.  It is given what it
is given in training: the activations of the layer before and the gradient of the layer behind, for
real images, with all their zeros.  PyTorch's modules get the same numbers, and record what their
backward needs; "tuned" ones get maps with channels last.  "Softmax" goes back together with its cost.

Before, the networks are compared with the NumPy backend in float64, and PyTorch's with them.
"""

import contextlib
import statistics
import sys
from functools import partial

import numpy as np

import nndl
from nndl import GELU, Conv, Dense, L2Pool, MaxPool, Network, Sigmoid, Softmax, Tanh
from nndl.backends import usable_cores
from nndl.ops.shapes import times
from nndl.plots.drawing import BLACK, TEXT_SIZE, new_figure

from .figures import LOOK, NAMES, key, say
from .networks import network, products
from .peers import TorchTwin, modules, try_torch, verify
from .timing import (
    RESULTS,
    WARMING_UP,
    alternate,
    check_some,
    complaint,
    enough,
    in_words,
    line,
    matrix_product_rates,
    ratios,
    report,
    spread,
    undisturbed,
    use_threads,
)

QUICK = {"rounds": 3, "seconds": 0.01, "tries": 1}
NO_STEP = 1e-30  # a learning rate that costs what any other does and leaves the weights as they are
PEERS = ("numpy", "torch", "torch_tuned")


def single_steps():
    """Net A's first layers taken apart, with the other activations and the other pooling."""
    return Network([Conv(20, 5, init="glorot"), Tanh(), MaxPool(),
                    Conv(40, 5, init="glorot"), GELU(), L2Pool(),
                    Dense(100, init="glorot"), Sigmoid(), Dense(10), Softmax()], backend="numba")


# The network, the numbers of the layers in it that are timed, none twice, and whether its update is.
NETWORKS = {
    "A": (lambda: network("A"), (0, 1, 3, 4, 5, 6), True),
    "single steps": (single_steps, (0, 1, 2, 3, 4, 5, 8), False),
    "B": (lambda: network("B"), (2, 4, 5, 6, 7), True),
}


def main(threads=None, rounds=7, seconds=0.02, out=RESULTS, only="", tries=3,
         mini_batch_sizes=(10, 250)):
    """Verify, time, print a row for each operation, save out/operations.json and .png.

    threads : None: two, where there are two cores
    rounds : turns that each side has;  seconds : that a turn takes, about
    only : a part of the name of the operations to time, None or "" for all; out=None saves nothing
    tries : how often a row is measured at most, if other programs disturb it

    Returns what is saved.
    """
    torch = try_torch()
    threads = threads or min(2, usable_cores())
    use_threads(threads, torch)
    training = nndl.load_mnist().training
    with report("operations", threads, figure, out, rounds=rounds) as result:
        rates = result["matrix_product"] = matrix_product_rates({threads}, torch)
        rows = result["rows"] = []
        print("\n" + line(HEADINGS, WIDTHS))
        for m in mini_batch_sizes:
            x, y = training.images[:m], training.labels[:m]
            for name, (make, numbers, updated) in NETWORKS.items():
                net = make()
                verify(net, x, y, torch)
                timed = operations(net, numbers, updated, x, y, torch)
                for operation, work, runs in timed:
                    if only in f"{operation} ({name})":
                        row = {"operation": operation, "network": name, "mini_batch_size": m,
                               **undisturbed(partial(time_it, runs, rounds, seconds), tries)}
                        done = 2 * work * m / statistics.median(row["nndl"]) / 1e3
                        row["of_matrix_product"] = done / rates[threads]["gflops"] if work else None
                        rows.append(row)
                        print(line(cells(row), WIDTHS), complaint(row["others_busy_cores"]),
                              flush=True)
        check_some(rows, only)
        print(f"\n{finding(result)}\n")
    return result


# --- measuring ------------------------------------------------------------------------------------

def time_it(runs, rounds, seconds):
    """Microseconds of one call of each run, by turns; the calls of one turn take `seconds`."""
    runs = {name: repeat(*run) for name, run in runs.items()}
    counts = {name: enough(run, seconds, 10_000) for name, run in runs.items()}
    taken = alternate({name: lambda _, run=run, n=counts[name]: run(n)
                       for name, run in runs.items()}, rounds, WARMING_UP)
    return {name: [1e6 * s / counts[name] for s in taken.get(name, ())] for name in ("nndl", *PEERS)}


def repeat(run, ops):
    """A function that calls run so many times, with its backend's threads held for all of them."""
    def calls(n):
        with ops.running() if ops else contextlib.nullcontext():
            for _ in range(n):
                run()
    return calls


def operations(net, numbers, updated, x, y, torch):
    """(name, multiply-adds of an example, {library: (function, its backend or None)}) of each.

    numbers : which layers of net;  updated : whether the update, too;  x, y : a mini-batch
    """
    given = given_in_training(net, x, y)
    slow = net.copy("numpy")
    for layer in slow.layers:
        layer.rng = np.random.default_rng(0)  # dropout's: none of net's masks are used up
    twins = {} if torch is None else {name: TorchTwin(torch, net, eta=NO_STEP,
                                                      tuned=name == "torch_tuned")
                                      for name in ("torch", "torch_tuned")}
    for number in numbers:
        layer = net.layers[number]
        runs = {"nndl": ours(net, number, given[number], "K"),
                "numpy": ours(slow, number, given[number], "C")}
        runs |= {name: theirs(torch, twin, layer, given[number]) for name, twin in twins.items()}
        for way in ("forward", "backward"):
            back = 1 + layer.needs_da if way == "backward" else 1
            what = f"{layer.describe().split(',')[0]} on {times(layer.input_shape)}"
            yield (f"{what}, {way}", products(layer) * back,
                   {name: run[way] for name, run in runs.items()})
    if not updated:
        return
    updates = {"nndl": update(net, x, y), "numpy": update(slow, x, y)}
    for name, twin in twins.items():
        twin.SGD(*twin.tensors((x, y)), len(x))  # leaves gradients behind
        updates[name] = twin.optimizer.step, None
    yield f"update of {net.parameters:,} parameters", 0, updates


def given_in_training(net, x, y):
    """(what forward is given, what backward is given) of every layer for a mini-batch, copies."""
    with net.ops.running():
        a, inputs = x.reshape(len(x), *net.input_shape) / net.dtype.type(256), []
        for layer in net.layers:
            inputs.append(a.copy(order="K"))  # in memory as the layer before has left it
            a = layer.forward(a, training=True)
        targets = np.eye(*net.output_shape, dtype=net.dtype)[y]
        delta = net.cost.delta(a, targets, net.layers[-1])
        gradients = [targets]  # what the last layer's delta is made from
        for layer in net.layers[-2::-1]:
            gradients.append(delta.copy(order="K"))
            if layer is net.layers[net.first]:
                break
            delta = layer.backward(delta)
    return list(zip(inputs, gradients[::-1]))


def ours(net, number, given, order):
    """{"forward": ..., "backward": ...} of one of net's layers: (function, backend).

    order : in memory of what it is given, "K" as it was, "C" logical, as the NumPy backend has it
    """
    layer, ops = net.layers[number], net.ops
    a, d = (array.copy(order=order) for array in given)
    if layer is net.layers[-1]:
        def back():
            return net.cost.delta(layer.a, d, layer)
    else:
        def back():
            return layer.backward(d)
    with ops.running():
        layer.forward(a, training=True)  # backward needs what it remembers
    return {"forward": (lambda: layer.forward(a, training=True), ops), "backward": (back, ops)}


def theirs(torch, twin, layer, given):
    """The same of a twin: its modules for this layer, the gradient by autograd."""
    a, d = (torch.from_numpy(np.ascontiguousarray(array)) for array in given)
    if layer.name == "softmax":
        labels, d = d.argmax(1), None

        def module(z):
            return twin.cost(z, labels)
    else:
        module = torch.nn.Sequential(*modules(torch.nn, layer, twin.tuned))
        if twin.channels_last:
            module = module.to(memory_format=torch.channels_last)
            a, d = (t.contiguous(memory_format=torch.channels_last) if t.ndim == 4 else t
                    for t in (a, d))
    wanted = [p for p in getattr(module, "parameters", list)() if p.requires_grad]
    if layer.needs_da:
        wanted.append(a.requires_grad_())
    out = module(a)
    return {"forward": (lambda: module(a), None),
            "backward": (lambda: torch.autograd.grad(out, wanted, d, retain_graph=True), None)}


def update(net, x, y):
    """(function, backend) of the update of all of net's parameters, by steps that change nothing."""
    net.backprop(x, y, copy=False)
    arrays = [(layer.w, layer.b, layer.nabla_w, layer.nabla_b, {}) for layer in net.layers
              if layer.parameters]

    def step():
        for w, b, nabla_w, nabla_b, work in arrays:
            net.ops.layer_step(w, b, nabla_w, nabla_b, NO_STEP, NO_STEP, out_w=w, out_b=b, work=work)
    return step, net.ops


# --- reporting ------------------------------------------------------------------------------------

HEADINGS = ("operation", "net", "mini-batch", "nndl, us", "NumPy, us", "PyTorch, us", "tuned, us",
            "to NumPy", "to PyTorch", "to tuned", "of matrix product")
WIDTHS = (49, 12, 10, 11, 11, 11, 11, 9, 10, 9, 17)


def cells(row):
    """A row of the table: microseconds, ratios of the medians, and the share of the peak."""
    share = row["of_matrix_product"]
    return (row["operation"], row["network"], str(row["mini_batch_size"]),
            *(spread(row[name]) for name in ("nndl", *PEERS)),
            *(f"{ratio(row, name):.2f}" if row[name] else "-" for name in PEERS),
            "" if share is None else f"{100 * share:.0f} %")


def ratio(row, name):
    """Our time over a peer's, the median of the rounds'."""
    return statistics.median(ratios(row["nndl"], row[name]))


def tables(result):
    """One table."""
    return [(HEADINGS, [cells(row) for row in result["rows"]])]


def finding(result):
    """How many operations are slower here than there."""
    rows, parts = result["rows"], []
    for name in PEERS:
        compared = [row for row in rows if row[name]]
        if compared:
            parts.append(f"than {NAMES[name]} in {sum(ratio(row, name) < 1 for row in compared)}")
    return f"Of {len(rows)} operations nndl is faster " + "; ".join(parts)


def figure(result):
    """Microseconds of every operation, a panel for each mini-batch size."""
    sizes = sorted({row["mini_batch_size"] for row in result["rows"]})
    names = list(dict.fromkeys(f"{row['operation']} ({row['network']})" for row in result["rows"]))
    fig, (axes,) = new_figure(finding(result), 13, 2.4 + 0.23 * len(names), 1, len(sizes),
                              sharey=True, note="Medians. " + in_words(result).replace("\n", "; "))
    for ax, m in zip(axes, sizes):
        for name in ("nndl", *PEERS):
            where = [(statistics.median(row[name]),
                      names.index(f"{row['operation']} ({row['network']})"))
                     for row in result["rows"] if row["mini_batch_size"] == m and row[name]]
            if where:
                ax.plot(*zip(*where), label=NAMES[name], markersize=5.5,
                        **LOOK[name] | {"linestyle": "none", "zorder": 3 if name == "nndl" else 2})
        ax.set_xscale("log")
        ax.tick_params(axis="y", length=0)
        say(ax, f"mini-batch {m}", "microseconds, logarithmic")
    axes[0].set_yticks(range(len(names)), names, fontsize=TEXT_SIZE - 2, color=BLACK)
    axes[0].set_ylim(len(names) - 0.4, -0.6)
    key(axes[0], loc="lower left", bbox_to_anchor=(0, 1.03), ncols=4)
    return fig


if __name__ == "__main__":
    from .__main__ import main as run
    sys.exit(run(["operations", *sys.argv[1:]]))
