"""Dropout in Numba: one loop over all numbers, in the order of memory."""

from numba import prange

from .dropout_numpy import check_p_dropout
from .jit import BLOCKS, elementwise_kernel, share
from .memory import buffer, in_logical_order, in_memory_order, remembered
from .shapes import check_float, check_output


def dropout_forward(a, mask, p_dropout, work=None):
    """As dropout_numpy.dropout_forward."""
    return _dropout(a, mask, p_dropout, work, "dropped")


def dropout_backward(d_dropped, mask, p_dropout, work=None):
    """As dropout_numpy.dropout_backward."""
    return _dropout(d_dropped, mask, p_dropout, work, "da")


def _dropout(a, mask, p_dropout, work, name):
    def prepare():
        check_float(a=a)
        check_output("mask", mask, a.shape)
        check_p_dropout(p_dropout)
        flat = in_memory_order(a)
        out = buffer(work, name, flat.shape, a.dtype)
        return (flat.reshape(-1), in_memory_order(mask).reshape(-1),
                a.dtype.type(1 / (1 - p_dropout)), out.reshape(-1)), in_logical_order(out)

    arguments, out = remembered(work, f"{name} call", (a, mask), p_dropout, prepare)
    _masked(*arguments)
    return out


@elementwise_kernel
def _masked(a, mask, scale, out):
    for block in prange(BLOCKS):
        a_, mask_, out_ = share(block, a), share(block, mask), share(block, out)
        for i in range(out_.size):
            out_[i] = a_[i] * scale if mask_[i] else 0
