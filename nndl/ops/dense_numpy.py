"""The fully connected layer, the reference: z = a wᵀ + b, one example per row."""

from .shapes import check_dense


def dense_forward(a, w, b, work=None):
    """z = a wᵀ + b, the argument of sigma in book (25).

    a : (m, n_in)      activations of layer l-1, one example per row
    w : (n_out, n_in)  w[j, k] joins neuron k to neuron j, the book's order
    b : (n_out,)
    Returns z : (m, n_out), dtype of a.
    """
    check_dense(a, w, b)
    return a @ w.T + b


def dense_backward(delta, a, w, need_da=True, work=None):
    """Undo dense_forward: delta = dC/dz, (m, n_out).  Book BP2, BP3, BP4.

    Returns (da, nabla_w, nabla_b), shaped like a, w, b, the last two summed over the mini-batch.
    da is None unless need_da: nobody asks the first layer for the gradient at the pixels.
    """
    check_dense(a, w, delta=delta)
    da = delta @ w if need_da else None  # BP2 less its sigma' factor: sigmoid_backward's job
    nabla_w = delta.T @ a                # BP4
    nabla_b = delta.sum(axis=0)          # BP3
    return da, nabla_w, nabla_b
