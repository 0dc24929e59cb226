"""Many mini-batches of a small fully connected network in one call, the reference."""

import numpy as np

from .activation_numpy import activation_backward, activation_forward
from .dense_numpy import dense_forward
from .dense_step_numpy import dense_step
from .shapes import check_float, is_int
from .softmax_numpy import softmax_forward

ACTIVATIONS = ("linear", "sigmoid", "tanh", "relu", "softmax")


def dense_epoch(images, rows, which, order, mini_batch_size, weights, biases, activations, matched,
                eta, l2=0.0, l1=0.0, out_weights=None, out_biases=None, work=None):
    """Stochastic gradient descent through the examples in `order`, mini-batch by mini-batch.

    images : (n, n_in), bytes, which become byte/256, or floats
    rows, which : the desired outputs of example i are rows[which[i]];  rows : (k, n_out)
    order : (n,) which examples, in which order;  the last mini-batch may be shorter
    weights, biases : a list each, layer by layer, (n_out, n_in) and (n_out,)
    activations : a name for each layer; "softmax" only for the last
    matched : whether cost and output layer are companions, so that delta = a - y, book (66), (84);
              if not, the cost is the quadratic one, book (30)
    eta : learning rate;  l2, l1 : as for sgd_step
    Returns (weights, biases, done), the new ones in out_weights and out_biases where given (they may
    be weights and biases).  done counts the examples: fewer than in order if a delta was not finite,
    whose step is then not taken.
    """
    check_epoch(images, rows, which, order, mini_batch_size, weights, biases, activations, matched)
    weights = [w.copy() for w in weights]
    biases = [b.copy() for b in biases]
    number, done = weights[0].dtype.type, 0
    for start in range(0, len(order), mini_batch_size):
        some = order[start:start + mini_batch_size]
        x = images[some]
        x = x * number(1 / 256) if x.dtype == np.uint8 else x.astype(number)
        a = [x]
        for w, b, name in zip(weights, biases, activations):
            z = dense_forward(a[-1], w, b)
            a.append(softmax_forward(z) if name == "softmax" else activation_forward(z, name))
        delta = a[-1] - rows[which[some]]
        if not matched:
            delta = activation_backward(delta, a[-1], None, activations[-1])
        if not np.isfinite(delta.sum()):
            break
        for i in reversed(range(len(weights))):
            delta, weights[i], biases[i] = dense_step(delta, a[i], weights[i], biases[i],
                                                      eta / len(some), l2, l1, need_da=i > 0)
            if i:
                delta = activation_backward(delta, a[i], None, activations[i - 1])
        done += len(some)
    for new, out in (weights, out_weights), (biases, out_biases):
        if out is not None:
            for i, target in enumerate(out):
                target[...] = new[i]
                new[i] = target
    return weights, biases, done


def check_epoch(images, rows, which, order, mini_batch_size, weights, biases, activations,
                matched):
    """Shapes that fit together, layer by layer, and examples that are there."""
    if not is_int(mini_batch_size) or mini_batch_size < 1:
        raise ValueError(f"mini_batch_size must be an int, at least 1, not {mini_batch_size!r}")
    if not len(weights) == len(biases) == len(activations) > 0:
        raise ValueError(f"weights, biases and activations must be as many as there are layers, not "
                         f"{len(weights)}, {len(biases)} and {len(activations)}")
    check_float(rows=rows, **{f"weights[{i}]": w for i, w in enumerate(weights)},
                **{f"biases[{i}]": b for i, b in enumerate(biases)})
    if images.ndim != 2 or (images.dtype != np.uint8 and images.dtype.kind != "f"):
        raise ValueError(f"images must be bytes or floats of shape (n, n_in), not {images.dtype} "
                         f"{images.shape}")
    n_in = images.shape[1]
    for i, (w, b, name) in enumerate(zip(weights, biases, activations)):
        if w.ndim != 2 or w.shape[1] != n_in or b.shape != w.shape[:1]:
            raise ValueError(f"weights[{i}] and biases[{i}] must have shapes (n_out, {n_in}) and "
                             f"(n_out,), not {w.shape} and {b.shape}")
        if name not in ACTIVATIONS or (name == "softmax" and i + 1 < len(weights)):
            raise ValueError(f"activations[{i}] must be one of {', '.join(ACTIVATIONS)} (softmax "
                             f"only the last), not {name!r}")
        n_in = len(w)
    if activations[-1] == "softmax" and not matched:
        raise ValueError("a softmax layer's companion is the log-likelihood: matched must be True")
    if rows.ndim != 2 or rows.shape[1] != n_in or which.shape != images.shape[:1]:
        raise ValueError(f"rows must have shape (k, {n_in}) and which ({len(images)},), not "
                         f"{rows.shape} and {which.shape}")
    for name, numbers, most in ("order", order, len(images)), ("which", which, len(rows)):
        if numbers.dtype.kind not in "iu" or numbers.ndim != 1:
            raise TypeError(f"{name} must be ints (n,), not {numbers.dtype} {numbers.shape}")
        if numbers.size and not 0 <= numbers.min() <= numbers.max() < most:
            raise ValueError(f"{name} must be from 0 to {most - 1}, not {numbers.min()} to "
                             f"{numbers.max()}")
