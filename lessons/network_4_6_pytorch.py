"""4.6  Does PyTorch compute the same, layer by layer?

Book: chapter 6, "The code for our convolutional networks" (there with Theano).
Before: 4.3.
Next: 5.0, why deep networks are hard to train.

    python -m lessons 4.6          one mini-batch forward and back, then 40 steps of learning
    python -m lessons 4.6 --full   200 steps
    pip install torch              which only this lesson needs

Steps through: Network.backprop and Network.update_mini_batch in nndl/network.py, beside PyTorch's
backward() and SGD.

Measured in 0.1 minutes: The largest difference at any layer, of outputs and gradients, is 8e-15
    (layer 8 ReLU): the two compute the same. After 40 steps of learning weights differ by 2e-16 in
    float64, 3e-03 in float32, where two neurons of a pool were equal but for rounding at step 9.

Exercises
1. The book's (ch. 2): backpropagation for a whole mini-batch as matrices, as both do here.  Worked:
   solutions/backprop_as_matrices.py
2. Give both a momentum of 0.9.  The book's (107) has η within v, PyTorch multiplies v by η after: are
   the weights still equal, and if η is halved half way?  Worked: solutions/momentum_in_pytorch.py
"""

import time

import numpy as np

from nndl import Conv, Dense, MaxPool, Network, ReLU, Softmax, load_mnist, plots
from nndl.lesson import Lesson, command_line, counted

ETA, LMBDA, MINI_BATCH_SIZE = 0.03, 1.0, 10
ENOUGH = 1e-9  # float64 has 16 digits; sums of thousands of numbers lose some
TIE = 1e-6     # two numbers closer than this share of them are one in float32, which has 7 digits
FULL = {"steps": 200}


def build_network(backend=None, seed=0, dtype="float64"):
    """The book's two convolutions and dense layer, each step a layer of its own."""
    return Network([
        Conv(20, 5), ReLU(), MaxPool(2),   # (m, 1, 28, 28) -> (m, 20, 24, 24) -> (m, 20, 12, 12)
        Conv(40, 5), ReLU(), MaxPool(2),   #                -> (m, 40, 8, 8)   -> (m, 40, 4, 4)
        Dense(100), ReLU(),                # (m, 640)       -> (m, 100)
        Dense(10), Softmax(),              #                -> (m, 10)
    ], backend=backend, seed=seed, dtype=dtype)


def build_in_pytorch(torch, net):
    """The same network of PyTorch's layers, with the same weights."""
    nn = torch.nn
    twin = nn.Sequential(
        nn.Conv2d(1, 20, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(20, 40, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(640, 100), nn.ReLU(),
        nn.Linear(100, 10), nn.Softmax(dim=1)).to(getattr(torch, net.dtype.name))
    with torch.no_grad():
        for layer, its in zip(net.layers, twin, strict=True):
            if layer.parameters:
                its.weight.copy_(torch.from_numpy(np.ascontiguousarray(layer.w)))
                its.bias.copy_(torch.from_numpy(layer.b.copy()))
    return twin


def main(steps=40, backend=None, seed=0, out="pictures"):
    """Compare outputs, gradients and learning.  Returns the largest differences; {} without PyTorch."""
    try:
        import torch
    except ImportError:
        print("4.6 compares with PyTorch, which is not installed: pip install torch, and run it again.")
        return {}
    lesson = Lesson(__file__, out, steps=steps, backend=backend, seed=seed)
    lesson.idea("""
        The book's last program hands the derivatives to a library, Theano; today it would be PyTorch.
        There one writes the forward pass only.  Each operation that is done is remembered, and
        backward() walks that list from its end and multiplies derivatives: the same BP1 to BP4, written
        once for each operation, as they stand in nndl/ops.

        If both are right, the same weights give the same outputs and the same gradients, up to the
        rounding of the last digits, at each layer and not only at the end.  There is one place where
        the last digit decides more: where two neurons of a pool are equal but for it, each program may
        take another of them for the larger one, and hand the whole δ to another place.""")
    lesson.mathematics("""
        nndl                                         PyTorch
        net.feedforward(x)                           twin(x)
        LogLikelihoodCost, C = -ln a_y      (80)     NLLLoss of log a, a mean over the mini-batch
        net.backprop(x, y): sums            BP1-BP4  cost.backward(): of that mean
        w -> (1 - ηλ/n) w - η/m Σ ∂C/∂w     (93)     SGD(lr=η, weight_decay=λ/n), for weights only""")
    net = build_network(backend, seed)
    twin = build_in_pytorch(torch, net)
    lesson.network(net, "The network in nndl")
    print("\nand in PyTorch\n    " + str(twin).replace("\n", "\n    "))

    images, labels = load_mnist().training[:MINI_BATCH_SIZE * max(steps, 1)]
    x, y = images[:MINI_BATCH_SIZE, None] / 256, labels[:MINI_BATCH_SIZE]
    lesson.step(f"One mini-batch of {len(y)} images in float64, forward and back through both.")
    ours, theirs = of_nndl(net, x, y), of_pytorch(torch, twin, x, y)
    rows, worst = [], {}
    for number, (layer, its) in enumerate(zip(net.layers, twin, strict=True)):
        apart = {what: largest(ours[what][number] - theirs[what][number])
                 for what in ("output", "delta", "nabla_w", "nabla_b")
                 if ours[what][number] is not None}
        worst[f"{number} {layer.describe()}"] = max(apart.values())
        rows.append((layer.describe(), str(its).split("(")[0],
                     *(f"{apart[what]:.0e}" if what in apart else ""
                       for what in ("output", "delta", "nabla_w", "nabla_b"))))
    lesson.table(("nndl", "PyTorch", "output", "∂C/∂output", "∂C/∂w", "∂C/∂b"), rows,
                 "Measured: the largest difference at each layer (BP1 starts behind the softmax)")
    cost = abs(ours["cost"] - theirs["cost"])

    lesson.step(f"""Now both learn: {counted(steps, 'step')} with the same mini-batches, η = {ETA:g},
                λ = {LMBDA:g}; once in float64, once in float32, as networks are trained.""")
    learned, parted = {}, {}
    for dtype in ("float64", "float32"):
        *learned[dtype], ties = learn(torch, build_network(backend, seed, dtype), images, labels, steps)
        parted[dtype] = where_they_part(learned[dtype][0], ties)
    lesson.table(("", "nndl, ms a step", "PyTorch, ms a step", "largest difference of a weight, then"),
                 [(dtype, f"{1000 * seconds[0]:.2f}", f"{1000 * seconds[1]:.2f}", f"{apart[-1]:.0e}")
                  for dtype, (apart, seconds) in learned.items()],
                 f"Measured: after {counted(steps, 'step')}; {net.ops.threads} and "
                 f"{torch.get_num_threads()} threads")
    tie = ""
    if parted["float32"]:
        step, gap = parted["float32"]
        lesson.step(f"""In float32 they part at step {step}: there two neurons of a pool
                    {f"differ by {gap:.0e} of their value, less than rounding does" if gap else
                     "are equal"}, and each program has taken another for the larger one.""")
        tie = f", where two neurons of a pool were equal but for rounding at step {step}"
    plots.lines({"largest difference of a weight or bias": {dtype: apart for dtype, (apart, _) in
                                                            learned.items()}},
                lesson.path("learning.png"),
                f"After {counted(steps, 'step')} the two differ by {learned['float64'][0][-1]:.0e} in "
                f"float64, by {learned['float32'][0][-1]:.0e} in float32",
                "step", log=("largest difference of a weight or bias",))
    mine, its = ours["nabla_w"][0][:, 0], theirs["nabla_w"][0][:, 0]
    plots.rows_of_images([("∂C/∂w of the first filters, nndl", mine), ("the same, PyTorch", its),
                          (f"their difference, at most {largest(mine - its):.0e}", mine - its)],
                         lesson.path("gradients.png"),
                         "The gradients of the first filters differ by at most "
                         f"{largest(mine - its):.0e}, where the largest is {largest(mine):.2f}",
                         ["each row on its own scale; mid-grey is 0"])
    most, layer = max((apart, name) for name, apart in worst.items())
    same = max(most, cost) < ENOUGH
    lesson.take_away(
        f"The largest difference at any layer, of outputs and gradients, is {most:.0e} (layer {layer})"
        f": {'the two compute the same' if same else 'more than rounding explains'}.  After "
        f"{counted(steps, 'step')} of learning weights differ by {learned['float64'][0][-1]:.0e} in "
        f"float64, {learned['float32'][0][-1]:.0e} in float32{tie}.",
        """Nobody needs a library of one's own to train a network.  But one that can be read says what
        the other one does.""")
    return lesson.end(layers=worst, most=most, cost=cost, same=same,
                      learned={dtype: apart for dtype, (apart, _) in learned.items()},
                      seconds={dtype: seconds for dtype, (_, seconds) in learned.items()},
                      parted=parted, pytorch=torch.__version__)


def of_nndl(net, x, y):
    """What each layer hands on and is told: outputs and gradients of the mini-batch's mean cost."""
    m, a, seen = len(x), x, {"output": [], "delta": [None] * len(net.layers)}
    targets = np.eye(10)[y]
    for layer in net.layers:
        a = layer.forward(a, training=True)
        seen["output"].append(a.copy())
    delta = net.cost.delta(a, targets, net.layers[-1])                     # BP1
    for number in reversed(range(len(net.layers) - 1)):
        seen["delta"][number] = delta / m                                  # dC/d output of this layer
        delta = net.layers[number].backward(delta)                         # BP2, BP3, BP4
    for nabla, name in (("nabla_w", "w"), ("nabla_b", "b")):
        seen[nabla] = [getattr(layer, nabla) / m if name in layer.parameters else None
                       for layer in net.layers]
    seen["cost"] = net.cost.fn(a, targets)
    return seen


def of_pytorch(torch, twin, x, y):
    """The same of the twin; retain_grad keeps what PyTorch would throw away on its way back."""
    a, outputs = torch.tensor(x), []
    for layer in twin:
        a = layer(a)
        a.retain_grad()
        outputs.append(a)
    cost = torch.nn.functional.nll_loss(torch.log(a), torch.tensor(y.astype(np.int64)))
    twin.zero_grad()
    cost.backward()
    return {"output": [a.detach().numpy() for a in outputs], "delta": [a.grad.numpy() for a in outputs],
            "nabla_w": [layer.weight.grad.numpy() if hasattr(layer, "weight") else None
                        for layer in twin],
            "nabla_b": [layer.bias.grad.numpy() if hasattr(layer, "bias") else None for layer in twin],
            "cost": cost.item()}


def learn(torch, net, images, labels, steps):
    """Train both; returns the largest difference after each step, (seconds of ours, of theirs), and
    before each step nearest_tie."""
    twin, n = build_in_pytorch(torch, net), len(labels)
    named = dict(twin.named_parameters())
    decay = {"weight": LMBDA / n, "bias": 0.0}
    optimizer = torch.optim.SGD([{"params": [p], "weight_decay": decay[name.split(".")[-1]]}
                                 for name, p in named.items()], ETA)
    number = np.arange(0, n, MINI_BATCH_SIZE)
    apart, seconds, ties = [], ([], []), []
    for start in number[:steps]:
        x = (images[start:start + MINI_BATCH_SIZE, None] / 256).astype(net.dtype)
        y = labels[start:start + MINI_BATCH_SIZE].astype(np.int64)
        ties.append(nearest_tie(net, x))
        began = time.perf_counter()
        net.update_mini_batch((x, y), ETA, LMBDA, n)
        between = time.perf_counter()
        optimizer.zero_grad()
        a = twin(torch.from_numpy(x))
        torch.nn.functional.nll_loss(torch.log(a), torch.from_numpy(y)).backward()
        optimizer.step()
        seconds[0].append(between - began)
        seconds[1].append(time.perf_counter() - between)
        apart.append(max(largest(getattr(net.layers[int(name.split(".")[0])], name.split(".")[-1][0])
                                 - p.detach().numpy()) for name, p in named.items()))
    return apart, tuple(float(np.median(times)) for times in seconds), ties


def nearest_tie(net, a):
    """How close the two largest neurons of a pooling window come, as a share of the larger one."""
    nearest = np.inf
    for layer in net.layers:
        if isinstance(layer, MaxPool):
            m, c, h, w = a.shape
            windows = a.reshape(m, c, h // 2, 2, w // 2, 2).transpose(0, 1, 2, 4, 3, 5).reshape(-1, 4)
            second, first = np.partition(windows, 2)[:, 2:].T
            on = first > 0  # of neurons that are off none gets anything
            nearest = min(nearest, ((first - second)[on] / first[on]).min(initial=np.inf))
        a = layer.forward(a, training=False).copy()
    return float(nearest)


def where_they_part(apart, ties):
    """(step, from 1; the nearest tie there) of the first leap of their differences that a tie explains;
    None if there is none."""
    for step, (before, now, tie) in enumerate(zip(apart, apart[1:], ties[1:]), start=2):
        if now > 100 * before and tie < TIE:
            return step, tie
    return None


def largest(array):
    """The largest number of an array, whatever its sign."""
    return float(np.abs(array).max())


if __name__ == "__main__":
    raise SystemExit(command_line(main, FULL))
