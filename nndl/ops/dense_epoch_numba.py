"""Many mini-batches of a small fully connected network in one call, in Numba.

A step of the book's 784-30-10 takes 20 microseconds to compute.  Called layer by layer from Python
it would take five times that, and its pieces are too small to be shared out to threads.  So here
the loop over mini-batches is compiled as well, and runs on the thread that calls it.  The weights lie
one after the other in one array meanwhile, so that the same kernel serves any number of layers.
"""

import numpy as np

from .activation_numba import relu, relu_prime, sigmoid, sigmoid_prime, tanh, tanh_prime
from .dense_epoch_numpy import ACTIVATIONS, check_epoch
from .gather_numba import as_floats
from .jit import exact_kernel, kernel
from .memory import buffer
from .softmax_numba import softmax
from .update_numba import step_down

LINEAR, SIGMOID, TANH, RELU, SOFTMAX = range(len(ACTIVATIONS))


def dense_epoch(images, rows, which, order, mini_batch_size, weights, biases, activations, matched,
                eta, l2=0.0, l1=0.0, out_weights=None, out_biases=None, work=None):
    """As dense_epoch_numpy.dense_epoch."""
    check_epoch(images, rows, which, order, mini_batch_size, weights, biases, activations, matched)
    sizes = np.array([images.shape[1], *map(len, weights)])
    kinds = np.array([ACTIVATIONS.index(name) for name in activations])
    number, m = rows.dtype.type, min(mini_batch_size, len(order))
    parameters = [x for pair in zip(weights, biases) for x in pair]
    theta = buffer(work, "theta", (sum(x.size for x in parameters),), rows.dtype)
    np.concatenate([x.reshape(-1) for x in parameters], out=theta)
    a = buffer(work, "a", (m * sizes.sum(),), rows.dtype)
    delta = buffer(work, "delta", (2, m * sizes.max()), rows.dtype)
    nabla_w = buffer(work, "nabla_w", (max(w.size for w in weights),), rows.dtype)
    nabla_b = buffer(work, "nabla_b", (sizes.max(),), rows.dtype)
    scale = number(1 / 256 if images.dtype == np.uint8 else 1)
    done = _dense_epoch(np.ascontiguousarray(images), scale, np.ascontiguousarray(rows),
                        which.astype(np.int64), order.astype(np.int64), mini_batch_size, sizes, kinds,
                        matched, number(eta), number(l2), number(l1), theta, a, delta, nabla_w, nabla_b)
    new, begin = [], 0
    outs = parameters if out_weights is None else [
        x for pair in zip(out_weights, out_biases) for x in pair]
    for x, out in zip(parameters, outs):
        changed = theta[begin:begin + x.size].reshape(x.shape)
        begin += x.size
        if out_weights is None:
            new.append(changed.copy())
        else:
            out[...] = changed
            new.append(out)
    return new[::2], new[1::2], done


@kernel
def _dense_epoch(images, scale, rows, which, order, mini_batch_size, sizes, kinds, matched, eta, l2,
                 l1, theta, a, delta, nabla_w, nabla_b):
    for start in range(0, order.size, mini_batch_size):
        some = order[start:start + mini_batch_size]
        m = some.size
        take(images, some, scale, a[:m * sizes[0]])
        output = forward(theta, sizes, kinds, m, a)
        deltas = delta[0, :output.size]
        if not output_error(output, rows, which, some, matched, kinds[-1], deltas):
            return start
        rate = theta.dtype.type(eta / m)
        backward(theta, sizes, kinds, m, a, delta, rate, l2, l1, nabla_w, nabla_b)
    return order.size


@kernel
def take(images, some, scale, a):
    """The activations of layer 0: the examples `some`, bytes as byte/256."""
    n_in = images.shape[1]
    for i in range(some.size):
        as_floats(images[some[i]], scale, a[i * n_in:(i + 1) * n_in])


@kernel
def forward(theta, sizes, kinds, m, a):
    """Layer by layer: each takes its activations behind those of the one before.  Book (25).

    Returns the last one's, (m n_out,).
    """
    at, here = 0, 0  # of this layer's weights in theta, of its inputs in a
    for layer in range(kinds.size):
        n_in, n_out = sizes[layer], sizes[layer + 1]
        w = theta[at:at + n_out * n_in].reshape(n_out, n_in)
        b = theta[at + w.size:at + w.size + n_out]
        inputs = a[here:here + m * n_in].reshape(m, n_in)
        here += inputs.size
        z = a[here:here + m * n_out].reshape(m, n_out)
        at += w.size + n_out
        np.dot(inputs, w.T, z)
        for i in range(m):
            for j in range(n_out):
                z[i, j] += b[j]
        if kinds[layer] == SOFTMAX:
            softmax(z, z)
        else:
            activate(kinds[layer], z.reshape(z.size))
    return a[here:here + m * sizes[-1]]


@exact_kernel
def activate(kind, a):
    """a becomes f(a).  (In place the numbers go one by one; there are few.)"""
    if kind == SIGMOID:
        sigmoid(a, a)
    elif kind == TANH:
        tanh(a, a)
    elif kind == RELU:
        relu(a, a)


@exact_kernel
def back(kind, delta, a):
    """delta becomes delta f'(z), f' read off a."""
    if kind == SIGMOID:
        sigmoid_prime(delta, a, delta)
    elif kind == TANH:
        tanh_prime(delta, a, delta)
    elif kind == RELU:
        relu_prime(delta, a, delta)


@exact_kernel
def output_error(a, rows, which, some, matched, kind, delta):
    """BP1: delta of the last layer.  Returns whether it is finite."""
    n_out = rows.shape[1]
    for i in range(some.size):
        y = rows[which[some[i]]]
        for j in range(n_out):
            delta[i * n_out + j] = a[i * n_out + j] - y[j]
    if not matched:
        back(kind, delta, a)
    return np.isfinite(delta.sum())


@kernel
def backward(theta, sizes, kinds, m, a, delta, eta, l2, l1, nabla_w, nabla_b):
    """BP2 to BP4 and the step, layer by layer from the last; delta's two rows take turns."""
    at, here = theta.size, m * sizes.sum()
    here -= m * sizes[-1]
    zero = eta - eta
    for layer in range(kinds.size - 1, -1, -1):
        n_in, n_out = sizes[layer], sizes[layer + 1]
        at -= n_out
        b = theta[at:at + n_out]
        at -= n_out * n_in
        w = theta[at:at + n_out * n_in]
        here -= m * n_in
        inputs = a[here:here + m * n_in]
        turn = (kinds.size - 1 - layer) % 2
        d, da = delta[turn, :m * n_out].reshape(m, n_out), delta[1 - turn, :m * n_in]
        if layer:
            np.dot(d, w.reshape(n_out, n_in), da.reshape(m, n_in))                # BP2
            back(kinds[layer - 1], da, inputs)
        gradient = nabla_w[:w.size]
        np.dot(d.T, inputs.reshape(m, n_in), gradient.reshape(n_out, n_in))       # BP4
        for j in range(n_out):                                                    # BP3
            nabla_b[j] = 0
            for i in range(m):
                nabla_b[j] += d[i, j]
        step_down(w, gradient, w[:0], eta, l2, l1, zero)
        step_down(b, nabla_b[:n_out], w[:0], eta, zero, zero, zero)
