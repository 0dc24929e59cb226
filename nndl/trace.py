"""Network.trace: one mini-batch through the network and back, a line for each operation.

Forward, each line shows what the layer did, where the book says so, the shape of what came out,
its mean and standard deviation, and what share of it says nothing more: zeros (of ReLU, dropout),
or saturated neurons (sigmoid within 0.01 of 0 or 1, tanh within 0.02 of ±1), whose sigma' is
almost 0.  Backward, from the cost up: the norm of the gradient that reaches each layer (dC/d its
input) and of the gradients of its weights and biases, for the mean cost of the mini-batch.
"""

import numpy as np

from .costs import classes, name_of
from .data.sequences import parted
from .layers import handed_on, is_weight
from .ops.shapes import times

FORWARD = "{:<46} {:<19} {:>18} {:>10} {:>10}  {}"
BACKWARD = "{:<46} {:<19} {:>18} {:>10} {:>10} {:>10}"


def trace(net, x, y, file):
    """Print the steps of one mini-batch x, y to file.  The network is left as it was."""
    net = net.copy()  # its own buffers, gradients and random state
    say = _printer(file)
    images = net._inputs(x)
    bytes_came = np.asarray(parted(x)[0]).dtype == np.uint8
    m = len(images)
    targets = net._targets(y, images)

    say(f"One mini-batch of {m}, on the {net.ops.name} backend, {net.dtype}.")
    say("\nForward")
    say(FORWARD.format("operation", "book", "shape", "mean", "std", ""))
    a = net._begin(images)
    say(_forward_row("input", "byte/256" if bytes_came else "", a, ""))
    with net.ops.running():
        for layer in net.layers:
            a = handed_on(layer, layer.forward(a, True))
            say(_forward_row(_describe(layer), layer_equation(layer, "forward"), a,
                             _idle(layer, a)))
        y, counted = parted(targets)
        right = classes(a) == classes(y)
        right = right if counted is None else right[counted]
        say(f"\nCost: {net._cost(a, targets):.6g} nats, the mean of {m}; {right.sum()} of {right.size} "
            f"{'steps ' * (a.ndim == 3)}are right.")

        say("\nBackward, of the mean cost")
        say(BACKWARD.format(
            "operation", "book", "shape", "|gradient|", "|nabla_w|", "|nabla_b|"))
        delta = net._output_error(a, targets)
        say(_backward_row(f"delta of {name_of(net.cost)}, {_describe(net.layers[-1])}", "BP1", delta,
                          None, m))
        for layer in reversed(net._walk_back()):
            delta = layer.backward(delta)
            say(_backward_row(_describe(layer), layer_equation(layer, "backward"), delta, layer, m))
    if net.first < len(net.layers):
        say("\nNobody needs the gradient at the input: the first layer with weights ends the walk.")


def layer_equation(layer, way):
    """Where the book has it; a layer of the reader's own may not say."""
    return getattr(layer, f"{way}_equation", "")


def _printer(file):
    return lambda line: print(line.rstrip(), file=file)


def _describe(layer):
    return getattr(layer, "describe", lambda: type(layer).__name__)()


def _forward_row(what, equation, a, idle):
    numbers = np.asarray(a, dtype=float)
    return FORWARD.format(what, equation, times(a.shape), f"{numbers.mean():.4g}",
                          f"{numbers.std():.4g}", idle)


def _backward_row(what, equation, delta, layer, m):
    def norm(array):
        return f"{np.linalg.norm(np.asarray(array, dtype=float)) / m:.4g}"
    names = layer.parameters if layer else ()
    norms = {name: norm(getattr(layer, f"nabla_{name}")) for name in names}
    shape, size = ("", "") if delta is None else (times(delta.shape), norm(delta))
    own, lines = [what, equation, shape, size], []
    for weights in (True, False):  # in the layer's own line, or where there are several in one each
        those = [name for name in names if is_weight(name) == weights]
        own.append(norms[those[0]] if len(those) == 1 else "")
        if len(those) > 1:
            lines += [BACKWARD.format(f"    its {name}", "", "", "", norms[name] if weights else "",
                                      "" if weights else norms[name]) for name in those]
    return "\n".join(line.rstrip() for line in [BACKWARD.format(*own), *lines])


def _idle(layer, a):
    """The share of outputs that are zero or saturated, where there are such."""
    if getattr(layer, "pool", "max") != "max":
        a = layer.a  # L2 pooling's output is no activation
    kind = getattr(layer, "activation", getattr(layer, "name", ""))
    if kind == "sigmoid":
        return f"{np.mean((a < 0.01) | (a > 0.99)):.0%} saturated"
    if kind == "tanh":
        return f"{np.mean(np.abs(a) > 0.98):.0%} saturated"
    zeros = np.mean(a == 0)
    return f"{zeros:.0%} zeros" if zeros else ""
