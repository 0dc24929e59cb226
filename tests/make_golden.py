"""PyTorch's numbers for the book's network, to compare nndl's with where PyTorch is not installed.

    python -m tests.make_golden

writes tests/golden_torch.npz: the cost of one mini-batch, its gradients, and the weights after some
steps with momentum and weight decay.  Of each array it keeps the norm and a fixed sample.
tests/test_parity.py compares nndl with this file, and with PyTorch itself if it is there.
"""

import io
import math
from pathlib import Path

import numpy as np

from nndl import load_mnist
from nndl.files import write_atomically

GOLDEN = Path(__file__).with_name("golden_torch.npz")
SEED = 20
M, STEPS = 10, 20                      # examples a mini-batch, mini-batches
ETA, MOMENTUM, LMBDA = 0.02, 0.9, 1.0  # nndl's conventions: the decay of a weight is ETA LMBDA / N
N = M * STEPS
SAMPLE = 60                            # entries kept of each array
SHAPES = {                             # of cli.book_network's parameters, by the number of the layer
    "0.w": (20, 1, 5, 5), "0.b": (20,), "1.w": (40, 20, 5, 5), "1.b": (40,),
    "3.w": (100, 640), "3.b": (100,), "5.w": (10, 100), "5.b": (10,),
}


def initial_parameters():
    """Name -> array: weights from N(0, 2/fan_in), biases from N(0, 0.01)."""
    rng = np.random.default_rng(SEED)
    return {name: rng.normal(size=shape) * (math.sqrt(2 / math.prod(shape[1:]))
                                            if name.endswith("w") else 0.1)
            for name, shape in SHAPES.items()}


def mini_batches():
    """The first N training images, M at a time, in their order: pairs of bytes and labels."""
    images, labels = load_mnist().training
    return [(images[i:i + M], labels[i:i + M]) for i in range(0, N, M)]


def pytorch():
    """What PyTorch computes: (cost, name -> gradient, costs of the steps, name -> parameter after)."""
    import torch
    from torch.nn import functional

    parameters = {name: torch.tensor(array, requires_grad=True)
                  for name, array in initial_parameters().items()}
    weights = [p for name, p in parameters.items() if name.endswith("w")]
    biases = [p for name, p in parameters.items() if name.endswith("b")]
    optimizer = torch.optim.SGD([{"params": weights, "weight_decay": LMBDA / N},
                                 {"params": biases, "weight_decay": 0.0}], ETA, MOMENTUM)

    def cost(images, labels):
        a = torch.tensor(images[:, None] / 256)
        for n in (0, 1):
            a = functional.conv2d(a, parameters[f"{n}.w"], parameters[f"{n}.b"])
            a = functional.max_pool2d(functional.relu(a), 2)
        a = functional.relu(functional.linear(a.flatten(1), parameters["3.w"], parameters["3.b"]))
        z = functional.linear(a, parameters["5.w"], parameters["5.b"])
        return functional.cross_entropy(z, torch.tensor(labels.astype(np.int64)))

    costs, first = [], None
    for images, labels in mini_batches():
        optimizer.zero_grad()
        loss = cost(images, labels)
        loss.backward()
        if first is None:
            first = {name: p.grad.numpy().copy() for name, p in parameters.items()}
        costs.append(loss.item())
        optimizer.step()
    return costs[0], first, costs, {name: p.detach().numpy() for name, p in parameters.items()}


def sample(array):
    """SAMPLE entries of array, always the same ones."""
    flat = np.ascontiguousarray(array).reshape(-1)
    return flat[np.random.default_rng(SEED).permutation(flat.size)[:SAMPLE]]


def main():
    """Write the file."""
    import torch
    torch.set_num_threads(1)
    cost, gradients, costs, after = pytorch()
    content = {"torch_version": torch.__version__, "cost": cost, "costs": costs}
    for kind, arrays in (("gradient", gradients), ("after", after)):
        for name, array in arrays.items():
            content[f"{kind} {name} norm"] = np.linalg.norm(array)
            content[f"{kind} {name} sample"] = sample(array)
    file = io.BytesIO()
    np.savez_compressed(file, **content)
    write_atomically(GOLDEN, file.getvalue())
    print(f"{GOLDEN}: {GOLDEN.stat().st_size:,} bytes, from torch {torch.__version__}")


if __name__ == "__main__":
    main()
