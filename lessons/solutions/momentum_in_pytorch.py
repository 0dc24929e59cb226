"""Momentum in nndl and in PyTorch: are the weights still equal?  To lesson 4.6.

The exercise: give both a momentum of 0.9.  The book's (107) has η within v, PyTorch multiplies v by
η after: are the weights still equal, and if η is halved half way?

The answer: equal, as long as η stays.  The book and nndl; and PyTorch, its velocity called u here:

    v' = μv - η∇C    w' = w + v'          (107), (108)
    u' = μu + ∇C     w' = w - ηu'         torch.optim.SGD(lr=η, momentum=μ)

With v = -ηu the second line is the first.  But when η becomes η/2 at some step, v has been gathered
with η, and stays as it is: the book's steps shorten little by little, as the old v fades.  u has no
η in it, so that all that it has gathered is worth half from now on: PyTorch's steps halve at once.
The weights part there, and each next gradient is taken elsewhere.  Neither is wrong: they are two
methods, which are one only while η stays.

For the same weights v must be -ηu with the new η.  So multiply v by the new η over the old one when
η changes, and the two agree again; or divide u by that, and PyTorch does what (107) says.

Weight decay needs no such care: nndl has -ηλ/n w in v', PyTorch λ/n w in u', which is the same.

    python -m lessons.solutions.momentum_in_pytorch      needs PyTorch: pip install torch
"""

from pathlib import Path

import numpy as np

from lessons import network_4_6_pytorch as lesson
from nndl import load_mnist, plots
from nndl.lesson import solution

ETA, LMBDA, M, MU = lesson.ETA, lesson.LMBDA, lesson.MINI_BATCH_SIZE, 0.9
CASES = {  # is η halved half way, and whose velocity is rescaled then
    "η stays": (False, None),
    "η halved": (True, None),
    "η halved, v too": (True, "v"),
    "η halved, u doubled": (True, "u"),
}


def learn(torch, images, labels, steps, halved, rescaled, seed):
    """Train both with momentum; returns the largest difference of a weight after each step."""
    net = lesson.build_network(seed=seed)
    twin, n = lesson.build_in_pytorch(torch, net), len(labels)
    named, eta, apart = dict(twin.named_parameters()), ETA, []
    optimizer = torch.optim.SGD(
        [{"params": [p], "weight_decay": LMBDA / n if name.endswith("weight") else 0}
         for name, p in named.items()], eta, momentum=MU)
    for step in range(steps):
        if halved and step == steps // 2:
            eta /= 2
            for group in optimizer.param_groups:
                group["lr"] = eta
            for v in net.velocity.values() if rescaled == "v" else ():
                v *= 1 / 2                                         # new η / old η
            for state in optimizer.state.values() if rescaled == "u" else ():
                state["momentum_buffer"] *= 2                      # old η / new η
        some = slice(M * step, M * (step + 1))
        x, y = (images[some, None] / 256).astype(net.dtype), labels[some].astype(np.int64)
        net.update_mini_batch((x, y), eta, LMBDA, n, momentum=MU)  # (107), (108)
        optimizer.zero_grad()
        a = twin(torch.from_numpy(x))
        torch.nn.functional.nll_loss(torch.log(a), torch.from_numpy(y)).backward()
        optimizer.step()
        differences = []
        for name, p in named.items():
            number, what = name.split(".")                         # "0.weight"
            differences.append(lesson.largest(
                getattr(net.layers[int(number)], what[0]) - p.detach().numpy()))
        apart.append(max(differences))
    return apart


def main(steps=40, seed=0, out="pictures"):
    """Returns {case: the largest difference of a weight after each step}; {} without PyTorch."""
    try:
        import torch
    except ImportError:
        print("PyTorch is not installed: pip install torch, and run this solution again.")
        return {}
    images, labels = load_mnist().training[:M * steps]
    half, apart = steps // 2, {}
    print(f"Momentum {MU:g}, η = {ETA:g}, λ = {LMBDA:g}, float64: the largest difference of a "
          f"weight\n{'':24}after {half} steps  after {steps}")
    for name, (halved, rescaled) in CASES.items():
        apart[name] = learn(torch, images, labels, steps, halved, rescaled, seed)
        print(f"    {name:<20}{apart[name][half - 1]:14.1g}{apart[name][-1]:10.1g}")
    heading = "largest difference of a weight or bias, logarithmic"
    saved = plots.lines(
        {heading: apart}, Path(out) / "solutions" / "momentum_in_pytorch.png",
        f"After {steps} steps the two differ by {apart['η stays'][-1]:.1g} with one η, by "
        f"{apart['η halved'][-1]:.1g} with η halved half way, by "
        f"{apart['η halved, v too'][-1]:.1g} if v is halved with it", x="step", log=(heading,))
    print(f"saved: {saved}")
    return apart


if __name__ == "__main__":
    raise SystemExit(solution(main))
