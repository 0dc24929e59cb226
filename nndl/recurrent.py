"""Layers for sequences (m, t, n): the same weights at each of their t steps.

    Embedding        symbols, ints (m, t), as vectors
    Recurrent, LSTM  a state that each step hands to the next
    Last             the last step alone: many to one
    EncoderDecoder   one recurrent layer reads, another begins with what it has read and writes

Network tells them by their attribute `valid`, (m, t) bools or None, which steps there are; see
nndl/data/sequences.py.  A layer that hands on no such steps says so: `keeps_steps = False`.
"""

import numpy as np

from . import initialize
from .arguments import is_number
from .layers import LAYERS as OTHERS
from .layers import Layer, _count
from .ops.memory import buffer, in_logical_order, memory_shape, seen_as
from .ops.shapes import check_truncate, times


class Embedding(Layer):
    """Symbols as vectors: each of them 1 in a place of its own, or a row of weights.

    symbols : how many there are; the inputs are ints from 0 to symbols - 1
    n_out : numbers of a vector that is learnt; None: one-hot, `symbols` numbers
    w : (symbols, n_out), if learnt
    """

    name = "embedding"
    valid = None

    def __init__(self, symbols, n_out=None, init="glorot"):
        self.symbols, self.init = _count("symbols", symbols), init
        self.n_out = None if n_out is None else _count("n_out", n_out)
        self.parameters = () if n_out is None else ("w",)
        initialize.by_name(init)

    def output_shape(self, shape):
        """(t,) -> (t, n_out)."""
        if len(shape) != 1:
            raise ValueError(f"Embedding needs a symbol at each step, input_shape=(t,), not "
                             f"{times(shape)}; (None,) for sequences of any length")
        return (*shape, self.n_out or self.symbols)

    def weight_shape(self, shape):
        """(t,) -> (symbols, n_out)."""
        return self.symbols, self.n_out or self.symbols

    def setup(self, shape, ops, rng, dtype):
        """Draw w, if it is learnt."""
        out = super().setup(shape, ops, rng, dtype)
        if self.parameters:
            self._draw(self.weight_shape(shape), fan_in=self.symbols, fan_out=self.n_out)
            del self.b
        else:
            self.w = np.eye(self.symbols, dtype=self.dtype)
        return out

    def forward(self, a, training=False):
        """(m, t) ints -> (m, t, n_out)."""
        self.a = a
        return self.ops.embedding_forward(a, self.w, work=self.work)

    def backward(self, d):
        """dC/d output -> None: between symbols there is no slope.  Sets nabla_w if w is learnt."""
        if self.parameters:
            self.nabla_w = self.ops.embedding_backward(d, self.a, self.w, work=self.work)

    def describe(self):
        """How many symbols, and what becomes of them."""
        return f"Embedding of {self.symbols}" + (", one-hot" if self.n_out is None else "")


class Recurrent(Layer):
    """n hidden units that see their own last state: h_s = tanh(w_xh x_s + w_hh h_(s-1) + b).

    n : how many;  init : an initialiser's name, for [w_xh, w_hh] as one matrix
    truncate : the gradient goes back so many steps at most, in pieces of so many; None: all the way
    stateful : a mini-batch begins with the state that the one before has left, while training: its
               row i goes on where row i has ended.  Each epoch begins with 0
    w_xh : (n, n_in), w_hh : (n, n), b : (n,)

    After forward `state` holds the last h, (m, n), as a tuple with one array.
    """

    name = "recurrent"
    parameters = ("w_xh", "w_hh", "b")
    backward_equation = "BP2-BP4, all steps"
    gates = 1        # rows of w for each unit
    kinds = 1        # arrays that a state is made of
    valid = None
    begin = None     # the state that forward begins with, instead of 0; handed in for one call
    follows = False  # forward begins where the last one ended: for sampling, step by step

    def __init__(self, n, *, truncate=None, stateful=False, init="glorot"):
        self.n, self.truncate = _count("n", n), check_truncate(truncate)
        if not isinstance(stateful, (bool, np.bool_)):
            raise TypeError(f"stateful must be True or False, not {stateful!r}")
        self.stateful, self.init = bool(stateful), init
        self.state = None
        initialize.by_name(init)

    def output_shape(self, shape):
        """(t, n_in) -> (t, n)."""
        if len(shape) != 2:
            raise ValueError(f"{type(self).__name__} needs sequences (t, n_in), not {times(shape)}: "
                             "input_shape=(28, 28) are an image's rows, one after the other, and "
                             "(None, 28) as many as there are; symbols go through an Embedding")
        return shape[0], self.n

    def weight_shapes(self, shape):
        """(t, n_in) -> the shapes of w_xh and w_hh."""
        rows = self.gates * self.n
        return {"w_xh": (rows, shape[1]), "w_hh": (rows, self.n)}

    def setup(self, shape, ops, rng, dtype):
        """Draw the weights; shape is (t, n_in)."""
        out = super().setup(shape, ops, rng, dtype)
        n_in = shape[1]
        w, b = initialize.by_name(self.init)(
            rng, (self.gates * self.n, n_in + self.n), n_in + self.n, self.n)
        self.w_xh = np.ascontiguousarray(w[:, :n_in], self.dtype)
        self.w_hh = np.ascontiguousarray(w[:, n_in:], self.dtype)
        self.b = b.astype(self.dtype)
        self.forward_work, self.backward_work, self.state = {}, {}, None
        return out

    def forward(self, a, training=False):
        """(m, t, n_in) -> (m, t, n)."""
        self.x = in_steps(self.work, "x", a)
        self.began = self._beginning(len(a), training)
        out = self._forward()
        # A copy: the next forward uses the memory again, and may begin with this.
        self.state = tuple([kept(self.work, f"state {number}", array[:, -1])
                            for number, array in enumerate(self.states)])
        return out

    def backward(self, d):
        """dC/dh -> dC/dx; sets nabla_w_xh, nabla_w_hh and nabla_b."""
        return self.back(d)[0]

    def back(self, d):
        """backward, and the gradients at the first state: (dC/dx, a tuple of them)."""
        return self._backward(in_steps(self.work, "d", d))

    def _forward(self):
        h = self.h = self.ops.recurrent_forward(self.x, self.w_xh, self.w_hh, self.b, *self.began,
                                                valid=self.valid, work=self.forward_work)
        self.states = (h,)
        return h

    def _backward(self, d):
        dx, dh0, self.nabla_w_xh, self.nabla_w_hh, self.nabla_b = self.ops.recurrent_backward(
            d, self.h, self.x, self.w_xh, self.w_hh, *self.began, valid=self.valid,
            truncate=self.truncate, need_dx=self.needs_da, work=self.backward_work)
        return dx, (dh0,)

    def _beginning(self, m, training):
        """The state before the first step: handed in, or left over, or nothing, which is 0."""
        if self.begin is not None:
            state, self.begin = self.begin, None
            if not isinstance(state, tuple) or len(state) != self.kinds:
                raise TypeError(f"begin must be a tuple, ({'h' if self.kinds == 1 else 'h, c'},), of "
                                f"arrays ({m}, {self.n}), as state is, not {type(state).__name__}")
        elif self.state is None or not (self.follows or (self.stateful and training)):
            return (None,) * self.kinds
        else:
            state = self.state
            if len(state[0]) != m:
                raise ValueError(f"{m} sequences cannot go on where {len(state[0])} have ended: "
                                 "reset() lets them begin with 0")
        # A copy: forward will overwrite state, and backward asks for this still.
        return tuple([kept(self.work, f"begun {number}", np.asarray(array, self.dtype))
                      for number, array in enumerate(state)])

    def reset(self):
        """Forget the state: the next sequences begin with 0."""
        self.state = None

    def describe(self):
        """Name and size, and how far the gradient goes back."""
        extra = f", truncated at {self.truncate}" if self.truncate else ""
        return f"{type(self).__name__} {self.n}{extra}" + (", stateful" if self.stateful else "")


class LSTM(Recurrent):
    """n memory cells behind gates, see ops.lstm_forward; arguments as Recurrent.

    forget_bias : what the forget gates' biases begin with: open, so that cells keep what they have
    w_xh : (4 n, n_in), w_hh : (4 n, n), b : (4 n,), for the gates i, f, g, o in this order

    After forward `state` holds the last h and c, (m, n) each.
    """

    name = "lstm"
    gates, kinds = 4, 2

    def __init__(self, n, *, truncate=None, stateful=False, init="glorot", forget_bias=1.0):
        super().__init__(n, truncate=truncate, stateful=stateful, init=init)
        if not is_number(forget_bias):
            raise TypeError(f"forget_bias must be a finite number, not {forget_bias!r}")
        self.forget_bias = float(forget_bias)

    def setup(self, shape, ops, rng, dtype):
        """Draw the weights; shape is (t, n_in)."""
        out = super().setup(shape, ops, rng, dtype)
        self.b[self.n:2 * self.n] = self.forget_bias
        return out

    def _forward(self):
        h, self.c, self.all_gates = self.ops.lstm_forward(
            self.x, self.w_xh, self.w_hh, self.b, *self.began, valid=self.valid,
            work=self.forward_work)
        self.h, self.states = h, (h, self.c)
        return h

    def back(self, d, dc_last=None):
        """As Recurrent.back; dc_last : the gradient at the last cells, (m, n)."""
        return self._backward(in_steps(self.work, "d", d), dc_last)

    def _backward(self, d, dc_last):
        dx, dh0, dc0, self.nabla_w_xh, self.nabla_w_hh, self.nabla_b = self.ops.lstm_backward(
            d, self.h, self.c, self.all_gates, self.x, self.w_xh, self.w_hh, *self.began,
            valid=self.valid, truncate=self.truncate, dc_last=dc_last, need_dx=self.needs_da,
            work=self.backward_work)
        return dx, (dh0, dc0)


class Last(Layer):
    """The last step of each sequence alone, (m, t, n) -> (m, n): many to one."""

    name = "last"
    valid = None
    keeps_steps = False

    def output_shape(self, shape):
        """(t, n) -> (n,)."""
        if len(shape) != 2:
            raise ValueError(f"Last needs sequences (t, n), not {times(shape)}: it belongs behind a "
                             "recurrent layer")
        return shape[1:]

    def forward(self, a, training=False):
        """(m, t, n) -> (m, n)."""
        self.a_shape = a.shape
        if self.valid is None:
            self.where = slice(None), -1
        else:
            self.where = np.arange(len(a)), a.shape[1] - 1 - self.valid[:, ::-1].argmax(axis=1)
        out = buffer(self.work, "last", (len(a), a.shape[2]), a.dtype)
        out[...] = a[self.where]
        return out

    def backward(self, d):
        """(m, n) -> (m, t, n): 0 at all other steps."""
        dh = steps_of(self.work, "dh", self.a_shape, d.dtype)
        dh[...] = 0
        dh[self.where] = d
        return dh


class EncoderDecoder(Layer):
    """One recurrent layer reads the first steps, and with its last state another begins to write.

    n : hidden units of each;  reads : how many steps are read, padded where a sequence has fewer
    cell : "lstm" or "recurrent"

    (m, reads + t, n_in) -> (m, t, n).  At the steps that are written the inputs are, while training,
    what should have been written the step before.  Sutskever, Vinyals and Le 2014.
    """

    name = "encoder_decoder"
    valid = None
    keeps_steps = False
    follows = False
    parameters = tuple(f"{part}_{name}" for part in ("encoder", "decoder")
                       for name in Recurrent.parameters)
    backward_equation = "BP2-BP4, all steps"

    def __init__(self, n, reads, cell="lstm", init="glorot"):
        self.n, self.reads, self.cell, self.init = _count("n", n), _count("reads", reads), cell, init
        if cell not in ("lstm", "recurrent"):
            raise ValueError(f"cell must be 'lstm' or 'recurrent', not {cell!r}")
        kind = LSTM if cell == "lstm" else Recurrent
        self.encoder, self.decoder = kind(n, init=init), kind(n, init=init)

    def output_shape(self, shape):
        """(reads + t, n_in) -> (t, n)."""
        t, n = self.encoder.output_shape(shape)
        if t is not None and t <= self.reads:
            raise ValueError(f"of {t} steps {self.reads} are read: none is left to be written")
        return None if t is None else t - self.reads, n

    def weight_shapes(self, shape):
        """(reads + t, n_in) -> the shapes of both parts' weights."""
        return {f"{part}_{name}": asks for part in ("encoder", "decoder")
                for name, asks in self.encoder.weight_shapes(shape).items()}

    def setup(self, shape, ops, rng, dtype):
        """Draw the weights of both; shape is (reads + t, n_in)."""
        out = super().setup(shape, ops, rng, dtype)
        for layer in (self.encoder, self.decoder):
            layer.setup(shape, ops, rng, dtype)
        return out

    def forward(self, a, training=False):
        """(m, reads + t, n_in) -> (m, t, n)."""
        going_on = self.follows and self.decoder.state is not None
        self.decoder.follows = going_on
        if not going_on:
            if a.shape[1] <= self.reads:
                raise ValueError(f"of {a.shape[1]} steps {self.reads} are read: none is left to be "
                                 "written")
            self.encoder.valid = self._valid("valid read", slice(self.reads))
            self.encoder.forward(seen_as(self.work, "read", a, lambda a: a[:, :self.reads]), training)
            self.decoder.begin = self.encoder.state
            a = seen_as(self.work, "to write", a, lambda a: a[:, self.reads:])
        self.decoder.valid = self._valid("valid written", slice(0 if going_on else self.reads, None))
        return self.decoder.forward(a, training)

    def _valid(self, name, steps):
        """Which of these steps there are, in the same memory each time; None: all."""
        return None if self.valid is None else kept(self.work, name, self.valid[:, steps])

    def backward(self, d):
        """dC/dh of what is written -> dC/dx, by way of the state between the two."""
        self.encoder.needs_da = self.decoder.needs_da = self.needs_da
        m, t, n = d.shape
        dx, d_between = self.decoder.back(d)
        # Of what has been read nothing costs but the last state, which the decoder began with.
        d_read = steps_of(self.work, "d read", (m, self.reads, n), d.dtype)
        d_read[...] = 0
        d_read[:, -1] = d_between[0]
        dx_read, _ = self.encoder.back(d_read, *d_between[1:])
        if dx is None:
            return None
        whole = steps_of(self.work, "dx", (m, self.reads + t, dx.shape[2]), d.dtype)
        whole[:, :self.reads], whole[:, self.reads:] = dx_read, dx
        return whole

    @property
    def state(self):
        """The decoder's last state."""
        return self.decoder.state

    def reset(self):
        """Forget the state: the next sequences are read anew."""
        self.encoder.reset()
        self.decoder.reset()

    def describe(self):
        """The two parts."""
        kind = type(self.encoder).__name__
        return f"{kind} {self.n} reads {self.reads}, {kind} {self.n} writes"


def _of_part(part, name):
    """The encoder's or the decoder's w_xh, and so on, as an attribute of both together."""
    def its(both):
        return getattr(getattr(both, part), name)

    def set_its(both, array):
        setattr(getattr(both, part), name, array)

    return property(its, set_its)


for _part in ("encoder", "decoder"):
    for _name in Recurrent.parameters:
        setattr(EncoderDecoder, f"{_part}_{_name}", _of_part(_part, _name))
        setattr(EncoderDecoder, f"nabla_{_part}_{_name}", _of_part(_part, f"nabla_{_name}"))


def in_steps(work, name, x):
    """x (m, t, n), its steps first in memory, and there in the same place each time."""
    if x.transpose(1, 0, 2).flags.c_contiguous:
        return x
    mine = steps_of(work, name, x.shape, x.dtype)
    mine[...] = x
    return mine


def steps_of(work, name, shape, dtype):
    """Memory for sequences (m, t, n): the same array each time, so that operations remember it."""
    memory = buffer(work, name, memory_shape(shape), dtype)
    return seen_as(work, f"{name} by example", memory, in_logical_order)


def kept(work, name, x):
    """A copy of x, of any shape, that stays until the next one is kept under this name."""
    mine = buffer(work, name, x.shape, x.dtype)
    mine[...] = x
    return mine


LAYERS = OTHERS | {layer.__name__: layer for layer in (
    Embedding, Recurrent, LSTM, Last, EncoderDecoder)}
