"""A network as the page computes it: a list of stages, and its weights as text.

A stage is one step that the page shows, and a function in nndl/draw/network.js.  A ConvPool is three
of them: convolution, activation, pooling.
"""

import base64
from math import prod

import numpy as np

from ..book.layers import SameMaskDropout
from ..layers import (
    ELU,
    GELU,
    Conv,
    ConvPool,
    Dense,
    Dropout,
    Flatten,
    L2Pool,
    LeakyReLU,
    MaxPool,
    ReLU,
    Sigmoid,
    Softmax,
    Tanh,
)
from ..ops.shapes import conv_size, times
from ..scaled_tanh import ScaledTanh

ACTIVATIONS = {Sigmoid: "sigmoid", Tanh: "tanh", ReLU: "relu", LeakyReLU: "leaky_relu", ELU: "elu",
               GELU: "gelu", ScaledTanh: "scaled_tanh"}
OWN_LAYERS = (SameMaskDropout, ScaledTanh)  # of the library, but not in nndl.layers.LAYERS


def stages(net):
    """What the page needs to compute net.feedforward.

    net : a Network from 28 x 28 pixels to ten outputs
    Returns (stages, weights): a list of dicts for JSON, each with "kind", "shapeIn" and "shape" (of
    one example) and what its function needs; and base64 of all parameters one after the other, in
    net.dtype, little-endian.  A stage's "w" and "b" are [from, to] in these.
    Raises ValueError for other inputs or outputs, and for a layer that the page cannot compute.
    """
    for layer in net.layers:
        if hasattr(layer, "valid"):
            raise ValueError(f"the page cannot compute the layer {type(layer).__name__}, which reads "
                             "sequences: it shows networks that see the image at once")
    if net.input_shape not in ((1, 28, 28), (784,)):
        raise ValueError("the page draws 28 x 28 pixels, and the network takes "
                         f"{times(net.input_shape)} numbers: train it on MNIST's images")
    if net.output_shape != (10,):
        raise ValueError("the page reads digits, ten outputs, and the network has "
                         f"{times(net.output_shape)}: end it with Dense(10), Softmax()")
    found, arrays, shape = [], [], (1, 28, 28)
    for layer in net.layers:
        for stage in _stages_of(layer, shape):
            for name in ("w", "b"):
                if name in stage:
                    begin = sum(array.size for array in arrays)
                    arrays.append(np.ascontiguousarray(stage[name], net.dtype.newbyteorder("<")))
                    stage[name] = [begin, begin + arrays[-1].size]
            found.append({"shapeIn": shape, "shape": shape, **stage})
            shape = found[-1]["shape"]
    return found, base64.b64encode(b"".join(array.tobytes() for array in arrays)).decode("ascii")


def multiplications(stages):
    """About how many multiplications a forward pass takes."""
    each = {"conv": lambda stage: stage["shapeIn"][0] * prod(stage["kernel"]),
            "dense": lambda stage: prod(stage["shapeIn"])}
    return sum(prod(stage["shape"]) * each.get(stage["kind"], lambda stage: 1)(stage)
               for stage in stages)


def _stages_of(layer, shape):
    """A layer's stages; shape is that of what it gets, maps also where a Flatten has been."""
    kind = type(layer)
    if kind is Dense:
        return [{"kind": "dense", "shape": (layer.n_out,), "w": layer.w, "b": layer.b}]
    if kind is Conv:
        return [_conv(layer, shape)]
    if kind is ConvPool:
        unit, conv = layer._unit, _conv(layer, shape)
        activation = {"kind": "activation", "f": unit["activation"], "alpha": unit["alpha"],
                      "shape": conv["shape"]}
        pool = _pool(unit["pool"], conv["shape"], unit["size"], unit["pool_stride"])
        return [conv, pool] if layer.activation == "linear" else [conv, activation, pool]
    if kind in (MaxPool, L2Pool):
        return [_pool("max" if kind is MaxPool else "l2", shape, layer._size, layer._stride)]
    if kind in ACTIVATIONS:
        alpha = getattr(layer, "slope", getattr(layer, "alpha", 0.0))
        return [{"kind": "activation", "f": ACTIVATIONS[kind], "alpha": alpha}]
    if kind is Softmax:
        return [{"kind": "softmax"}]
    if kind in (Dropout, SameMaskDropout):
        return [] if layer.inverted else [{"kind": "scale", "factor": 1 - layer.p_dropout}]
    if kind is Flatten:
        return []
    raise ValueError(f"the page cannot compute the layer {kind.__name__}: it knows those of nndl only")


def _conv(layer, shape):
    kernel, stride, padding = layer._kernel, layer._stride, layer._padding
    return {"kind": "conv", "kernel": kernel, "stride": stride, "padding": padding, "w": layer.w,
            "b": layer.b,
            "shape": (layer.filters, *conv_size(shape[1:], kernel, stride, padding))}


def _pool(how, shape, size, stride):
    return {"kind": "pool", "how": how, "size": size, "stride": stride,
            "shape": (shape[0], *conv_size(shape[1:], size, stride, what="pool size"))}
