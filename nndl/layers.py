"""The layers: each holds its parameters and remembers between forward and backward.

A layer is any object with

    setup(shape, ops, rng, dtype)   take the shape of one input example, return that of one output
    forward(a, training)            (m, *shape in) -> (m, *shape out)
    backward(d)                     dC/d output -> dC/d input, leaving nabla_w and nabla_b behind
    parameters                      the names of its parameter arrays, ("w", "b") or ()

The arithmetic is in nndl/ops; `ops` is one of its backends.  What forward hands out may be a buffer
that its next call uses again.
"""

import inspect

import numpy as np

from . import initialize
from .ops.dropout_numpy import check_p_dropout
from .ops.memory import (
    buffer,
    in_logical_order,
    memory_shape,
    remembered,
    rows_of_steps,
    seen_as,
    steps_of_rows,
)
from .ops.shapes import conv_size, is_int, pair, times


class Layer:
    """What layers share.  A layer of your own may inherit it and define forward and backward."""

    name = "layer"
    parameters = ()
    needs_da = True              # False for the first layer with parameters: nobody asks for dC/dx
    forward_equation = ""        # the book's, shown by Network.trace
    backward_equation = ""

    def setup(self, shape, ops, rng, dtype):
        """Take the shape of one input example and return that of one output example."""
        self.input_shape, self.ops, self.rng, self.dtype = shape, ops, rng, np.dtype(dtype)
        self.work = {}  # the operations' buffers, see nndl/ops/__init__.py
        self.needs_da = True
        return self.output_shape(shape)

    def output_shape(self, shape):
        """The shape of one output example; the same as the input's unless a layer says otherwise."""
        return shape

    def learn(self, d, step):
        """backward, then a step downhill.  Dense does both in one pass over its weights."""
        d = self.backward(d)
        if self.parameters:
            step.take(self)
        return d

    def config(self):
        """The constructor's arguments, each of which a layer keeps under its own name.

        Raises ValueError if one is not kept: the layer could not be copied or saved.
        """
        for name in self._argument_names():
            if not hasattr(self, name):
                raise ValueError(f"{type(self).__name__} takes {name} but does not keep it: write "
                                 f"self.{name} = {name} in its __init__, so that it can be made "
                                 "again")
        return {name: getattr(self, name) for name in self._argument_names()}

    def _argument_names(self):
        return list(inspect.signature(type(self)).parameters)

    def clone(self):
        """A new layer made with the same arguments, not yet set up."""
        return type(self)(**self.config())

    def __repr__(self):
        arguments = ", ".join(f"{name}={getattr(self, name, '?')!r}"
                              for name in self._argument_names())
        return f"{type(self).__name__}({arguments})"

    def describe(self):
        """The layer in a few words, for the table of the network."""
        return type(self).__name__

    def _draw(self, shape, fan_in, fan_out):
        """Set w and b by the layer's initialiser."""
        w, b = initialize.by_name(self.init)(self.rng, shape, fan_in, fan_out)
        self.w, self.b = w.astype(self.dtype), b.astype(self.dtype)


class Dense(Layer):
    """n_out neurons, each joined to all inputs: z = wa + b.  Book (25).

    n_out : how many neurons;  init : an initialiser's name, see nndl/initialize.py
    w : (n_out, n_in), b : (n_out,)
    Of sequences (m, t, n_in) every step is an example: the same weights at each.
    """

    name = "dense"
    parameters = ("w", "b")
    forward_equation, backward_equation = "(25)", "BP2-BP4"

    def __init__(self, n_out, init="default"):
        if is_int(init):
            raise TypeError(f"Dense({n_out}, {init}): a layer infers how many inputs it has; "
                            f"say Dense({init})")
        self.n_out, self.init = _count("n_out", n_out), init
        initialize.by_name(init)

    def output_shape(self, shape):
        """(n_in,) -> (n_out,), (t, n_in) -> (t, n_out)."""
        return (*shape[:-1], self.n_out)

    def weight_shape(self, shape):
        """(n_in,) or (t, n_in) -> (n_out, n_in)."""
        return self.n_out, shape[-1]

    def setup(self, shape, ops, rng, dtype):
        """Draw w and b; shape is (n_in,) or (t, n_in)."""
        if len(shape) not in (1, 2):
            raise ValueError(f"Dense needs a row of numbers, not {times(shape)}: "
                             "put a Flatten() before it")
        out = super().setup(shape, ops, rng, dtype)
        self._draw(self.weight_shape(shape), fan_in=shape[-1], fan_out=self.n_out)
        return out

    def forward(self, a, training=False):
        """(m, n_in) -> (m, n_out), (m, t, n_in) -> (m, t, n_out)."""
        self.a = self._rows("a", a)
        return self._steps("z", self.ops.dense_forward(self.a, self.w, self.b, work=self.work), len(a))

    def backward(self, delta):
        """delta = dC/dz (m, n_out) -> dC/da (m, n_in); sets nabla_w and nabla_b."""
        da, self.nabla_w, self.nabla_b = self.ops.dense_backward(
            self._rows("delta", delta), self.a, self.w, self.needs_da, work=self.work)
        return self._steps("da", da, len(delta))

    def _rows(self, name, x):
        """Sequences (m, t, n) as rows (t m, n)."""
        return x if x.ndim == 2 else seen_as(self.work, f"rows of {name}", x, rows_of_steps)

    def _steps(self, name, rows, m):
        """_rows's way back, if these are steps; there may be no da."""
        if rows is None or len(self.input_shape) == 1:
            return rows
        return seen_as(self.work, f"steps of {name}", rows, steps_of_rows(m))

    def learn(self, delta, step):
        """backward and step.take in one pass, without momentum.  Leaves no nabla behind.

        Not on the NumPy backend: there one is after the other, to be stepped through.
        """
        if step.mu or self.ops.name == "numpy":
            return super().learn(delta, step)
        da, _, _ = self.ops.dense_step(
            self._rows("delta", delta), self.a, self.w, self.b, step.eta, step.l2, step.l1,
            self.needs_da, out_w=self.w, out_b=self.b, work=self.work)
        return self._steps("da", da, len(delta))

    def compile(self, m):
        """Have both ways compiled that `learn` may go with m examples: with zeros in delta, or none."""
        if self.ops.name == "numba":
            a, w, b = np.zeros((m, self.w.shape[1]), self.dtype), self.w.copy(), self.b.copy()
            for zeros_or_ones in np.zeros, np.ones:
                self.ops.dense_step(zeros_or_ones((m, self.n_out), self.dtype), a, w, b, 0.0)

    def describe(self):
        """Name and size."""
        return f"Dense {self.n_out}"


class Flatten(Layer):
    """Feature maps as one row, map after map: (c, h, w) -> (c h w,).

    Copied into the same memory each time, so that the next layer has settled what to do with it, see
    memory.remembered.
    """

    name = "flatten"

    def output_shape(self, shape):
        """(c, h, w) -> (c h w,)."""
        if None in shape:
            raise ValueError(f"sequences of any length, {times(shape)}, have no row of their own: "
                             "Last() takes the last step")
        return (int(np.prod(shape)),)

    def forward(self, a, training=False):
        """(m, c, h, w) -> (m, c h w)."""
        rows, maps = remembered(self.work, _as_rows, (a,))
        maps[...] = a
        return rows

    def backward(self, d):
        """(m, c h w) -> (m, c, h, w)."""
        maps, d_maps = remembered(self.work, _as_maps, (d,), self.input_shape)
        maps[...] = d_maps
        return maps


def _as_rows(work, a):
    """Memory for a as rows, and the same seen as a is."""
    rows = buffer(work, "rows", (len(a), a[0].size), a.dtype)
    return rows, rows.reshape(a.shape)


def _as_maps(work, d, shape):
    """Memory for rows d as maps of this shape, and d seen as they are."""
    maps = in_logical_order(buffer(work, "maps", memory_shape((len(d), *shape)), d.dtype))
    return maps, d.reshape(maps.shape)


class Conv(Layer):
    """Feature maps, each made by sliding one filter with one bias over the input.  Book (125).

    filters : how many maps;  kernel_size, stride, padding : an int, or a pair (rows, columns)
    w : (filters, c, kh, kw), b : (filters,)
    """

    name = "conv"
    parameters = ("w", "b")
    forward_equation, backward_equation = "(125)", "BP2-BP4, shared w"

    def __init__(self, filters, kernel_size, stride=1, padding=0, init="default"):
        self.filters, self.init = _count("filters", filters), init
        self.kernel_size, self.stride = kernel_size, stride
        self.padding = padding
        self._kernel = pair("kernel_size", kernel_size, 1)
        self._stride, self._padding = pair("stride", stride, 1), pair("padding", padding, 0)
        initialize.by_name(init)

    def output_shape(self, shape):
        """(c, h, w) -> (filters, oh, ow)."""
        return (self.filters,
                *conv_size(_image("Conv", shape)[1:], self._kernel, self._stride, self._padding))

    def weight_shape(self, shape):
        """(c, h, w) -> (filters, c, kh, kw)."""
        return self.filters, shape[0], *self._kernel

    def setup(self, shape, ops, rng, dtype, pool_area=1):
        """Draw w and b; shape is (c, h, w)."""
        out = super().setup(shape, ops, rng, dtype)
        area = self._kernel[0] * self._kernel[1]
        self._draw(self.weight_shape(shape), fan_in=shape[0] * area,
                   fan_out=max(1, self.filters * area // pool_area))
        self.w = ops.conv_layout(self.w)
        return out

    def forward(self, x, training=False):
        """(m, c, h, w) -> (m, filters, oh, ow)."""
        self.x = x
        return self.ops.conv_forward(x, self.w, self.b, self._stride, self._padding, self.work)

    def backward(self, dz):
        """dC/dz -> dC/dx; sets nabla_w and nabla_b."""
        dx, self.nabla_w, self.nabla_b = self.ops.conv_backward(
            dz, self.x, self.w, self._stride, self._padding, self.needs_da, self.work)
        return dx

    def describe(self):
        """Name, number of maps, kernel, and what is not the default."""
        extra = f", stride {times(self._stride)}" if self._stride != (1, 1) else ""
        extra += f", padding {times(self._padding)}" if self._padding != (0, 0) else ""
        return f"{type(self).__name__} {self.filters} maps {times(self._kernel)}{extra}"


class ConvPool(Conv):
    """The book's convolutional layer in one: convolution, activation, pooling.  Book ch. 6.

    activation : "relu", "sigmoid", "tanh", "leaky_relu", "elu", "gelu" or "linear"
    alpha : the slope of leaky_relu (0.01 if None) or scale of elu (1 if None)
    pool : "max" or "l2";  pool_size : an int or a pair;  pool_stride : the same as pool_size if None
    """

    name = "conv_pool"
    forward_equation, backward_equation = "(125), pool", "BP2-BP4, winners only"

    def __init__(self, filters, kernel_size, activation="relu", pool_size=2, pool="max",
                 pool_stride=None, stride=1, padding=0, alpha=None, init="default"):
        super().__init__(filters, kernel_size, stride, padding, init)
        self.activation, self.pool, self.alpha = activation, pool, alpha
        self.pool_size, self.pool_stride = pool_size, pool_stride
        self._size = pair("pool_size", pool_size, 1)
        self._step = self._size if pool_stride is None else pair("pool_stride", pool_stride, 1)
        names = ("linear", "sigmoid", "tanh", "relu", "leaky_relu", "elu", "gelu")
        if activation not in names:
            raise ValueError(f"activation must be one of {', '.join(names)}, not {activation!r}")
        if pool not in ("max", "l2"):
            raise ValueError(f"pool must be 'max' or 'l2', not {pool!r}")
        if alpha is None:
            alpha = {"leaky_relu": 0.01, "elu": 1.0}.get(activation, 0.0)
        elif activation in ("leaky_relu", "elu"):
            _alpha(activation, alpha)
        else:
            raise ValueError(f"alpha is the slope of leaky_relu or the scale of elu; {activation} "
                             f"has none: leave out alpha={alpha!r}")
        self._unit = {"activation": activation, "alpha": float(alpha), "pool": pool,
                      "size": self._size, "pool_stride": self._step, "stride": self._stride,
                      "padding": self._padding}

    def output_shape(self, shape):
        """(c, h, w) -> (filters, oh, ow), after pooling."""
        maps = super().output_shape(shape)
        return self.filters, *conv_size(maps[1:], self._size, self._step, what="pool size")

    def setup(self, shape, ops, rng, dtype):
        """Draw w and b; shape is (c, h, w)."""
        return super().setup(shape, ops, rng, dtype, pool_area=self._size[0] * self._size[1])

    def forward(self, x, training=False):
        """(m, c, h, w) -> (m, filters, oh, ow)."""
        self.x = x
        self.pooled, self.winner, self.a, self.z = self.ops.conv_pool_forward(
            x, self.w, self.b, **self._unit, work=self.work)
        return self.pooled

    def backward(self, d_pooled):
        """dC/d pooled -> dC/dx; sets nabla_w and nabla_b."""
        dx, self.nabla_w, self.nabla_b = self.ops.conv_pool_backward(
            d_pooled, self.pooled, self.winner, self.a, self.z, self.x, self.w, **self._unit,
            need_dx=self.needs_da, work=self.work)
        return dx

    def describe(self):
        """Name, number of maps, kernel, activation, pool."""
        return f"{super().describe()}, {self.activation}, {self.pool} pool {times(self._size)}"


class MaxPool(Layer):
    """The largest activation of each size x size window.  Book ch. 6; no parameters.

    size, stride : an int or a pair (rows, columns); stride is the same as size if None
    """

    name = "max_pool"
    forward_equation, backward_equation = "ch. 6", "to the winner"

    def __init__(self, size=2, stride=None):
        self.size, self.stride = size, stride
        self._size = pair("size", size, 1)
        self._stride = self._size if stride is None else pair("stride", stride, 1)

    def output_shape(self, shape):
        """(c, h, w) -> (c, oh, ow); a remainder at the edge is dropped."""
        c, *image = _image(type(self).__name__, shape)
        return c, *conv_size(image, self._size, self._stride, what="pool size")

    def forward(self, a, training=False):
        """(m, c, h, w) -> (m, c, oh, ow)."""
        pooled, self.winner = self.ops.max_pool_forward(a, self._size, self._stride, self.work)
        return pooled

    def backward(self, d_pooled):
        """dC/d pooled -> dC/da."""
        return self.ops.max_pool_backward(d_pooled, self.winner,
                                          (len(d_pooled), *self.input_shape),
                                          self._size, self._stride, self.work)

    def describe(self):
        """Name and window."""
        return f"{type(self).__name__} {times(self._size)}"


class L2Pool(MaxPool):
    """The root of the sum of squares of each window.  Book ch. 6; arguments as MaxPool."""

    name = "l2_pool"
    backward_equation = "x / pooled"

    def forward(self, a, training=False):
        """(m, c, h, w) -> (m, c, oh, ow)."""
        self.a = a
        self.pooled = self.ops.l2_pool_forward(a, self._size, self._stride, self.work)
        return self.pooled

    def backward(self, d_pooled):
        """dC/d pooled -> dC/da."""
        return self.ops.l2_pool_backward(d_pooled, self.a, self.pooled, self._size, self._stride,
                                         self.work)


class Sigmoid(Layer):
    """sigma(z) = 1 / (1 + e^-z).  Book (3)."""

    name = "sigmoid"
    forward_equation, backward_equation = "(3)", "BP2's ⊙ sigma'"

    def forward(self, z, training=False):
        """z -> a, any shape."""
        self.a = self.ops.sigmoid_forward(z, work=self.work)
        return self.a

    def backward(self, da):
        """dC/da -> dC/dz."""
        return self.ops.sigmoid_backward(da, self.a, work=self.work)


class Tanh(Layer):
    """tanh(z).  Book (109), (110)."""

    name = "tanh"
    forward_equation, backward_equation = "(110)", "BP2's ⊙ tanh'"

    def forward(self, z, training=False):
        """z -> a, any shape."""
        self.a = self.ops.tanh_forward(z, work=self.work)
        return self.a

    def backward(self, da):
        """dC/da -> dC/dz."""
        return self.ops.tanh_backward(da, self.a, work=self.work)


class ReLU(Layer):
    """max(0, z).  Book (112)."""

    name = "relu"
    forward_equation, backward_equation = "(112)", "BP2, where on"

    def forward(self, z, training=False):
        """z -> a, any shape."""
        self.a = self.ops.relu_forward(z, work=self.work)
        return self.a

    def backward(self, da):
        """dC/da -> dC/dz."""
        return self.ops.relu_backward(da, self.a, work=self.work)


class LeakyReLU(Layer):
    """z where z > 0, slope·z elsewhere; 0 < slope < 1."""

    name = "leaky_relu"
    backward_equation = "BP2's ⊙ f'"

    def __init__(self, slope=0.01):
        self.slope = _alpha("leaky_relu", slope, "slope")

    def forward(self, z, training=False):
        """z -> a, any shape."""
        self.a = self.ops.leaky_relu_forward(z, self.slope, work=self.work)
        return self.a

    def backward(self, da):
        """dC/da -> dC/dz."""
        return self.ops.leaky_relu_backward(da, self.a, self.slope, work=self.work)


class ELU(Layer):
    """z where z > 0, alpha (e^z - 1) elsewhere; alpha > 0."""

    name = "elu"
    backward_equation = "BP2's ⊙ f'"

    def __init__(self, alpha=1.0):
        self.alpha = _alpha("elu", alpha)

    def forward(self, z, training=False):
        """z -> a, any shape."""
        self.a = self.ops.elu_forward(z, self.alpha, work=self.work)
        return self.a

    def backward(self, da):
        """dC/da -> dC/dz."""
        return self.ops.elu_backward(da, self.a, self.alpha, work=self.work)


class GELU(Layer):
    """z Phi(z), Phi the normal distribution function; not monotone, so z is remembered."""

    name = "gelu"
    backward_equation = "BP2's ⊙ f'"

    def forward(self, z, training=False):
        """z -> a, any shape."""
        self.z = z
        return self.ops.gelu_forward(z, work=self.work)

    def backward(self, da):
        """dC/da -> dC/dz."""
        return self.ops.gelu_backward(da, self.z, work=self.work)


class Softmax(Layer):
    """Outputs that are positive and sum to 1.  Book (78), (79)."""

    name = "softmax"
    forward_equation = "(78)"

    def output_shape(self, shape):
        """(n,) -> (n,), (t, n) -> (t, n)."""
        if len(shape) not in (1, 2):
            raise ValueError(f"Softmax needs a row of numbers, not {times(shape)}: "
                             "put a Dense layer before it")
        return shape

    def forward(self, z, training=False):
        """(m, n) -> (m, n); of sequences (m, t, n) each step by itself."""
        self.a = self.ops.softmax_forward(z, work=self.work)
        return self.a

    def backward(self, da):
        """dC/da -> dC/dz.  (With the log-likelihood cost Network goes straight to a - y.)"""
        return self.ops.softmax_backward(da, self.a, work=self.work)


class Dropout(Layer):
    """While training, silence each unit with probability p_dropout; those kept are scaled up.

    p_dropout : the probability that a unit is *dropped*, 0 <= p_dropout < 1
    inverted : False as in book ch. 3 and 6: those kept stay as they are, and instead all are scaled
               down when testing.  Larger steps then, in effect, for the same eta
    """

    name = "dropout"
    forward_equation, backward_equation = "ch. 3", "the same mask"

    def __init__(self, p_dropout=0.5, inverted=True):
        self.p_dropout, self.inverted = float(check_p_dropout(p_dropout)), bool(inverted)

    def forward(self, a, training=False):
        """a -> a with a fresh mask while training; otherwise a itself, or a (1 - p_dropout)."""
        self.mask = None
        if not training or self.p_dropout == 0:
            return a if self.inverted else a * a.dtype.type(1 - self.p_dropout)
        dropped, self.mask = self.ops.dropout_draw(a, self.key(), self.p_dropout, self.inverted,
                                                   work=self.work)
        return dropped

    def key(self):
        """What a mask is drawn by, see ops.dropout_mask: a random int of 64 bits."""
        return self.rng.bit_generator.random_raw()

    def backward(self, d):
        """dC/d output -> dC/da."""
        if self.mask is None:
            return d
        return self.ops.dropout_backward(d, self.mask, self.p_dropout, self.inverted, work=self.work)

    def describe(self):
        """Name and probability."""
        return f"Dropout {self.p_dropout:g}"


def forget(layers):
    """Those of the layers that have a state begin anew, with 0."""
    for layer in layers:
        if hasattr(layer, "reset"):
            layer.reset()


def handed_on(layer, a):
    """What a layer's forward has returned, if it has."""
    if a is None:
        raise TypeError(f"{layer!r} has a forward that returns None; it must return its outputs")
    return a


def is_weight(name):
    """Whether a parameter of this name is a weight, w, w_xh, encoder_w_hh, and decays; or a bias."""
    return "w" in name.split("_")


def _count(name, n):
    """n, if it is a positive int."""
    if not is_int(n):
        raise TypeError(f"{name} must be an int, not {n!r}")
    if n < 1:
        raise ValueError(f"{name} must be at least 1, not {n}")
    return int(n)


def _alpha(activation, alpha, name="alpha"):
    """alpha, if the activation is monotone with it."""
    most = 1 if activation == "leaky_relu" else float("inf")
    if not isinstance(alpha, (int, float)) or not 0 < alpha < most:
        raise ValueError(f"{name} of {activation} must be above 0"
                         + (" and below 1" if most == 1 else "") + f", not {alpha!r}")
    return float(alpha)


def _image(layer, shape):
    """shape, if it is that of feature maps."""
    if len(shape) != 3:
        raise ValueError(f"{layer} needs feature maps (c, h, w), not {times(shape)} numbers: it "
                         "belongs before Flatten and Dense; a grey image is input_shape=(1, 28, 28)")
    return shape


LAYERS = {layer.__name__: layer for layer in (
    Dense, Flatten, Conv, ConvPool, MaxPool, L2Pool, Sigmoid, Tanh, ReLU, LeakyReLU, ELU, GELU,
    Softmax, Dropout)}
