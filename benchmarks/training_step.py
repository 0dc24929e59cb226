"""How long does one training step of the book's network take, beside PyTorch on the same machine?

    python -m benchmarks.training_step [--threads 1 2] [--mini-batch-size 10] [--rounds 15]

Both train 20 5x5 maps, pool, 40 5x5 maps, pool, 100 ReLU, softmax on MNIST: forward, backward, plain
SGD with weight decay, shuffling and gathering included, evaluation not.  Ours runs through
Network.SGD as a user calls it.  Before anything is timed, one step of the numba backend is compared
with the NumPy backend's, and with PyTorch's.  The two take turns, round by round, in one process with
the same number of threads; medians are quoted, and the ratio is the median of the rounds' ratios.

PyTorch is the extra `bench`; without it only our time is shown.
"""

import argparse
import json
import statistics
import time
from pathlib import Path

import numpy as np

import nndl
from nndl import backends
from nndl.cli import book_network, machine, versions

ETA, LMBDA, EXAMPLES = 0.05, 1.0, 50_000
RESULTS = Path(__file__).parent / "results"


def main(threads=(1, 2), mini_batch_size=10, rounds=15, steps=200, out=RESULTS):
    """Verify, time, print a table, write out/training_step.json.  Returns the rows."""
    torch = try_torch()
    data = nndl.load_mnist().training
    verify(data, mini_batch_size, torch)
    here, made_of = machine(), versions() | ({"torch": torch.__version__} if torch else {})
    print(f"{here['cpu']}, {here['cores']} cores; "
          + ", ".join(f"{name} {version}" for name, version in made_of.items()))
    print(f"ms per training step, mini-batch {mini_batch_size}, median of {rounds} rounds of "
          f"{steps} steps (smallest to largest)\n")
    print(f"{'threads':>7}  {'nndl':>22}  {'PyTorch':>22}  {'nndl / PyTorch':>22}")
    rows = []
    for n in threads:
        nndl.set_threads(n)
        few = data.images[:steps * mini_batch_size], data.labels[:steps * mini_batch_size]
        ours = our_round(few, mini_batch_size)
        peer = torch_round(torch, few, mini_batch_size, n) if torch else None
        times = {"nndl": [], "torch": []}
        for turn in range(rounds + 1):  # the first warms up
            for name, run in (("nndl", ours), ("torch", peer)):
                if run is not None:
                    time.sleep(0.05)  # until the other's idle threads have gone to sleep
                    began = time.perf_counter()
                    run()
                    if turn:
                        times[name].append(1000 * (time.perf_counter() - began) / steps)
        ratios = [a / b for a, b in zip(times["nndl"], times["torch"])]
        print(f"{n:>7}  {spread(times['nndl']):>22}  {spread(times['torch']):>22}  "
              f"{spread(ratios):>22}")
        rows.append({"threads": n, "mini_batch_size": mini_batch_size,
                     "nndl_ms": times["nndl"], "torch_ms": times["torch"],
                     "median_ratio": statistics.median(ratios) if ratios else None})
    out.mkdir(parents=True, exist_ok=True)
    path = out / "training_step.json"
    path.write_text(json.dumps({"machine": here, "versions": made_of, "rows": rows}, indent=1)
                    + "\n", encoding="utf-8")
    print(f"\nsaved: {path}")
    return rows


def try_torch():
    """PyTorch, or None with a line that says so."""
    try:
        import torch
    except ImportError:
        print("PyTorch is not installed, so there is nothing to compare with: "
              "pip install -e '.[bench]'\n")
        return None
    return torch


def verify(data, m, torch):
    """One mini-batch: numba's gradients are NumPy's and PyTorch's, or there is nothing to time."""
    x, y = data.images[:m], data.labels[:m]
    net = book_network(backend="numba")
    reference = net.copy(backend="numpy", dtype="float64")
    expected = [g for lists in reference.backprop(x, y) for g in lists]
    got = [g for lists in net.backprop(x, y) for g in lists]
    worst = max(np.linalg.norm(a - b) / np.linalg.norm(a) for a, b in zip(expected, got))
    if not worst < 1e-5:
        raise SystemExit(f"the numba backend's gradients differ from NumPy's by {worst:.2g}")
    line = f"verified: gradients agree with NumPy in float64 to {worst:.1g}"
    if torch:
        model = torch_network(torch)
        copy_weights(torch, net, model)
        images = torch.from_numpy(x.astype(np.float32) / 256).reshape(-1, 1, 28, 28)
        loss = torch.nn.CrossEntropyLoss()(model(images), torch.from_numpy(y.astype(np.int64)))
        difference = abs(loss.item() - net.cost_of(x, y))
        if not difference < 1e-5:
            raise SystemExit(f"the costs differ from PyTorch's by {difference:.2g}")
        line += f", the cost with PyTorch's to {difference:.1g}"
    print(line)


def our_round(few, m):
    """A function that trains for one epoch on these few examples."""
    net = book_network(backend="numba")
    return lambda: net.SGD(few, 1, m, ETA, LMBDA, progress=False)


def torch_network(torch):
    """The same network in PyTorch."""
    nn = torch.nn
    return nn.Sequential(
        nn.Conv2d(1, 20, 5), nn.MaxPool2d(2), nn.ReLU(),  # pooling first: the same, and faster
        nn.Conv2d(20, 40, 5), nn.MaxPool2d(2), nn.ReLU(),
        nn.Flatten(), nn.Linear(640, 100), nn.ReLU(), nn.Linear(100, 10))


def copy_weights(torch, net, model):
    """Give PyTorch's layers our weights."""
    theirs = [layer for layer in model if hasattr(layer, "weight")]
    ours = [layer for layer in net.layers if layer.parameters]
    with torch.no_grad():
        for its, mine in zip(theirs, ours, strict=True):
            its.weight.copy_(torch.from_numpy(np.ascontiguousarray(mine.w)))
            its.bias.copy_(torch.from_numpy(mine.b))


def torch_round(torch, few, m, threads):
    """The same epoch in PyTorch: its usual loop, with shuffling and gathering from bytes."""
    torch.set_num_threads(threads)
    model, cost = torch_network(torch), torch.nn.CrossEntropyLoss()
    weights = [p for name, p in model.named_parameters() if name.endswith("weight")]
    biases = [p for name, p in model.named_parameters() if name.endswith("bias")]
    optimizer = torch.optim.SGD([{"params": weights, "weight_decay": LMBDA / EXAMPLES},
                                 {"params": biases}], lr=ETA)
    images = torch.from_numpy(few[0].copy()).reshape(-1, 1, 28, 28)
    labels = torch.from_numpy(few[1].astype(np.int64))

    def run():
        order = torch.randperm(len(images))
        for start in range(0, len(images), m):
            some = order[start:start + m]
            optimizer.zero_grad()
            cost(model(images[some].float() / 256), labels[some]).backward()
            optimizer.step()

    return run


def spread(values):
    """The median, with the smallest and the largest."""
    if not values:
        return "-"
    return f"{statistics.median(values):.3g} ({min(values):.3g} to {max(values):.3g})"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    cores = backends.usable_cores()
    parser.add_argument("--threads", type=int, nargs="+", default=sorted({1, min(2, cores)}))
    parser.add_argument("--mini-batch-size", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    main(options.threads, options.mini_batch_size, options.rounds, out=options.out)
