"""The network: layers in a row, a cost, and stochastic gradient descent.

Three small methods do the learning, as in the book's network2.py:

    SGD                 epochs, shuffling, mini-batches, monitoring
    update_mini_batch   one step downhill on one mini-batch
    backprop            the gradient for one mini-batch: BP1, then the layers back to front

The forward pass of training calls each layer's forward in turn; nothing else is between a breakpoint
in nndl/ops and the data.
"""

import contextlib
import copy
import functools
import inspect
import math
import sys
import time
from dataclasses import dataclass, field

import numpy as np

from . import backends, costs, examples
from .checkpoint import Checkpoint, Position, fingerprint
from .data.made import Made
from .data.sequences import parted
from .layers import Dense, Flatten, Layer, forget, handed_on, is_weight
from .mini_batches import mini_batches
from .ops.shapes import is_int, times
from .progress import Progress
from .small_dense import SmallDense

EVALUATED_AT_ONCE = 500  # images a piece: enough for large matrix products, small in memory
STEPS_AT_ONCE = 500      # of a small dense network: some hundredths of a second


class Diverged(ArithmeticError):
    """Training came to numbers that are not finite."""


@dataclass
class History:
    """What SGD measured: one entry for each finished epoch in every list that was asked for.

    Costs are in nats, the mean per example, with the regularisation term; accuracies are fractions.
    """

    eta: list = field(default_factory=list)
    seconds: list = field(default_factory=list)  # of training, without the monitoring
    evaluation_cost: list = field(default_factory=list)
    evaluation_accuracy: list = field(default_factory=list)
    training_cost: list = field(default_factory=list)
    training_accuracy: list = field(default_factory=list)
    measured: dict = field(default_factory=dict)  # name -> what monitors has measured under it

    @property
    def epochs(self):
        """How many epochs were finished."""
        return len(self.seconds)


@dataclass
class Step:
    """A step downhill, book (20), (93), (97), (107): how far, for each layer in turn.

    eta : learning rate / size of the mini-batch;  l2, l1 : eta lmbda / n;  mu : momentum
    """

    eta: float
    l2: float
    l1: float
    mu: float
    network: "Network"

    def learn(self, layer, delta):
        """Take a layer back and downhill: dC/d output -> dC/d input.  By its own `learn`, if any."""
        if hasattr(layer, "learn"):
            return layer.learn(delta, self)
        delta = layer.backward(delta)
        self.take(layer)
        return delta

    def take(self, layer):
        """Change a layer's parameters by the nablas that its backward has left."""
        ops, work = self.network.ops, self.network.work
        if layer.parameters == ("w", "b") and not self.mu:  # the same in one call
            ops.layer_step(layer.w, layer.b, layer.nabla_w, layer.nabla_b, self.eta, self.l2, self.l1,
                           out_w=layer.w, out_b=layer.b, work=work.setdefault((id(layer), "all"), {}))
            return
        for name in layer.parameters:
            w, nabla_w = getattr(layer, name), getattr(layer, nabla(name))
            v = self._velocity(layer, name) if self.mu else None
            l2, l1 = (self.l2, self.l1) if is_weight(name) else (0, 0)
            ops.sgd_step(w, nabla_w, v, self.eta, l2, l1, self.mu, out_w=w, out_v=v,
                         work=work.setdefault((id(layer), name), {}))

    def _velocity(self, layer, name):
        """Momentum's v for a parameter, (107); 0 to begin with."""
        velocity, key = self.network.velocity, (self.network.layers.index(layer), name)
        if key not in velocity:
            velocity[key] = np.zeros_like(getattr(layer, name))  # in the same memory order
        return velocity[key]


@functools.cache
def nabla(name):
    """The name of a parameter's gradient, always the same object: Python keeps those it looks up."""
    return f"nabla_{name}"


class Network:
    """A feedforward network that learns by stochastic gradient descent.

    layers : from first to last, see nndl/layers.py; each infers its input size, and a Flatten is
             put before a Dense that follows feature maps
    cost : from nndl/costs.py, an object, class or name; None takes the output layer's companion:
           log-likelihood for Softmax, cross-entropy for Sigmoid, quadratic for any other
    input_shape : of one example; (1, 28, 28) is an MNIST image, (28, 28) its rows as a sequence,
                  (None, 28) sequences of any number of steps, (None,) of symbols
    seed : of the one random generator that draws weights, shuffles and dropout masks
    backend : "numba", "numpy" to step through; None takes NNDL_BACKEND, else numba
    dtype : "float32" or "float64"

        net = Network([ConvPool(20, 5), Dense(100), ReLU(), Dense(10), Softmax()])
        net.SGD(load_mnist().training, epochs=3, mini_batch_size=10, eta=0.05)
    """

    def __init__(self, layers, cost=None, input_shape=(1, 28, 28), seed=0, backend=None,
                 dtype="float32"):
        self.ops = backends.get(backend)
        if dtype not in ("float32", "float64", np.float32, np.float64):
            raise ValueError(f"dtype must be float32 or float64, not {dtype!r}")
        self.dtype = np.dtype(dtype)
        self.seed = int(_at_least("seed", seed, 0, whole=True))
        self.rng = np.random.default_rng(self.seed)
        self.input_shape = tuple(np.atleast_1d(input_shape).tolist())
        if not all(is_int(n) and n > 0 or n is None and not place
                   for place, n in enumerate(self.input_shape)):
            raise ValueError("input_shape must be the shape of one example, positive ints such as "
                             "(1, 28, 28), of which the first may be None for sequences of any length, "
                             f"not {input_shape!r}")
        self.layers = self._set_up(layers)
        self.cost = costs.companion(self.layers[-1]) if cost is None else costs.by_name(cost)
        costs.check_output(self.cost, self.layers[-1])
        self.history = History()
        self.velocity = {}  # momentum's v: (number of the layer, name of the parameter) -> array
        self.work = {}      # the step's, for each layer, see nndl/ops/__init__.py

    def _set_up(self, layers):
        """Hand each layer its input shape; returns the layers, Flattens included."""
        row, shape = [], self.input_shape
        self.shapes = []  # of what each layer hands on, one example
        try:
            layers = list(layers)
        except TypeError:
            raise TypeError(f"layers must be a list of layers, not {layers!r}") from None
        for number, layer in enumerate(layers):
            if isinstance(layer, type):
                raise TypeError(f"layers[{number}] is the class {layer.__name__}, not a layer: "
                                f"say {layer.__name__}()")
            if not all(hasattr(layer, name) for name in ("setup", "forward", "backward",
                                                         "parameters")):
                raise TypeError(f"layers[{number}] must be a layer such as Dense(100), "
                                f"not {layer!r}; one of your own inherits nndl.Layer")
            if getattr(layer, "in_network", False) or any(layer is other for other in row):
                raise ValueError(f"layers[{number}], {layer!r}, already stands in a network, whose "
                                 "weights it holds: make a new one for this place")
            if getattr(layer, "symbols", 0) and row:
                raise ValueError(f"layers[{number}], {layer!r}, takes symbols, which only the first "
                                 "layer is given")
            if isinstance(layer, Dense) and len(shape) == 3:
                row.append(Flatten())
                shape = row[-1].setup(shape, self.ops, self.rng, self.dtype)
                self.shapes.append(shape)
            try:
                shape = layer.setup(shape, self.ops, self.rng, self.dtype)
            except ValueError as error:
                raise ValueError(f"layers[{number}], {layer!r}: {error}") from None
            try:
                inspect.signature(layer.forward).bind(None, False)
            except TypeError:
                raise TypeError(f"layers[{number}], {layer!r}: forward is called as forward(a, "
                                "training): write it as forward(self, a, training)") from None
            except ValueError:  # of a function in C nobody knows
                pass
            if not isinstance(shape, tuple):
                raise TypeError(f"layers[{number}], {layer!r}: setup must return the shape of one "
                                f"output example, a tuple, not {shape!r}")
            row.append(layer)
            self.shapes.append(shape)
        if not row:
            raise ValueError("layers is empty: a network needs at least one, "
                             "say [Dense(10), Softmax()]")
        self.first = next((n for n, layer in enumerate(row) if layer.parameters), len(row))
        if self.first < len(row):
            row[self.first].needs_da = False
        self.output_shape = shape
        for layer in row:
            layer.in_network = True
        return row

    # --- forward -------------------------------------------------------------------------------

    def feedforward(self, x):
        """The network's outputs (m, n_out) for examples x: bytes or floats, (m, *input_shape).

        Layer by layer a' = σ(wa + b), book (22).  Where there is an output at each step, (m, t, n_out);
        layers with a state begin with 0.
        """
        return self._outputs(examples.checked(self, x))

    def _forward(self, x, training=False):
        a = self._begin(x)
        for layer in self.layers:
            a = handed_on(layer, layer.forward(a, training))
        return a

    def _begin(self, x):
        """x as an array; of sequences, each layer is told which of its steps there are."""
        a, valid = parted(x)
        for layer in self.layers:
            if hasattr(layer, "valid"):
                layer.valid = valid
            if not getattr(layer, "keeps_steps", True):
                valid = None
        return a

    # --- learning ------------------------------------------------------------------------------

    def SGD(self, training_data, epochs, mini_batch_size, eta, lmbda=0.0, evaluation_data=None,
            monitor_evaluation_cost=False, monitor_evaluation_accuracy=False,
            monitor_training_cost=False, monitor_training_accuracy=False,
            momentum=0.0, lmbda_l1=0.0, progress=True, monitors=None, stop=None, checkpoint=None,
            checkpoint_every=60.0, shuffle=True, clip=None):
        """Train by mini-batch stochastic gradient descent.  Returns a History.

        training_data, evaluation_data : (images, labels), see load_mnist(): arrays, or Sequences of
                                         unequal length; labels are ints, or desired outputs (n, n_out),
                                         and where each step has an output (n, t), or (n, t, n_out), of
                                         which those of -1 and those of steps that are not there do
                                         not count
        epochs : how often to go through the training data, each time in a new random order
        mini_batch_size : examples a step; the last mini-batch may be shorter
        eta : learning rate, or a function of the epoch (0, 1, ...) that returns one
        lmbda : L2 regularisation, λ of book (87): C = C0 + λ/(2n) Σ w²
        lmbda_l1 : L1 regularisation, λ of book (95): C = C0 + λ/n Σ |w|
        momentum : μ of book (107); 0 is plain gradient descent.  Each call begins at rest
        monitor_... : measure this after each epoch, each example from the state 0 on
        progress : show a bar on a terminal, a line for each epoch elsewhere
        monitors : {name: function of the network} to measure after each epoch as well, numbers; they
                   are entered in history.measured[name]
        stop : function of the history, asked after each epoch: True ends training
        checkpoint : a file that the whole state of training is kept in, and from which the same call
                     goes on after an interruption, to the same bits; see nndl/checkpoint.py
        checkpoint_every : seconds between two writings of it
        shuffle : False takes the training data in the order they have, in every epoch
        clip : the gradient of the mean cost is shortened to this length where it is longer, all
               parameters' together (Pascanu, Mikolov and Bengio 2013); None: as it is

        A last mini-batch shorter than the rest counts by its own size.  Raises Diverged when a
        number is no longer finite.  self.history is filled as training goes, so that it is there
        also if the training is interrupted.
        """
        images, y = self._data("training_data", training_data)
        if evaluation_data is not None:
            self._data("evaluation_data", evaluation_data)
        elif monitor_evaluation_cost or monitor_evaluation_accuracy:
            raise ValueError("monitor_evaluation_... needs evaluation_data=(images, labels), "
                             "say load_mnist().validation")
        _at_least("epochs", epochs, 0, whole=True)
        _at_least("mini_batch_size", mini_batch_size, 1, whole=True)
        for name, value in (("lmbda", lmbda), ("lmbda_l1", lmbda_l1)):
            _at_least(name, value, 0)
        _at_least("momentum", momentum, -math.inf)  # below 0 or above 1: the book's exercise
        _at_least("checkpoint_every", checkpoint_every, 0)
        clip = _clip(clip)
        stateful = [layer for layer in self.layers if getattr(layer, "stateful", False)]
        if stateful and shuffle:
            raise ValueError(f"{stateful[0]!r} goes on where the mini-batch before has ended, which a "
                             "random order makes meaningless: say shuffle=False, with the data in "
                             "order, see nndl.text.streams")
        if stateful and len(images) % mini_batch_size:
            raise ValueError(f"{stateful[0]!r} goes on where the mini-batch before has ended, so all "
                             f"must have the same size: {len(images)} examples are no multiple of "
                             f"mini_batch_size={mini_batch_size}; nndl.text.streams(text, m, t) makes "
                             "them for m")
        self.velocity = {}                          # at rest
        if stop is not None and not callable(stop):
            raise TypeError(f"stop must be a function of the history, not {stop!r}")
        monitors = _monitors(monitors)
        self.history = history = History(measured={name: [] for name in monitors})
        n = len(images)
        mini_batch_size = min(mini_batch_size, n)
        small = None if clip else SmallDense.of(self, momentum)
        at_once = mini_batch_size * (1 if small is None else STEPS_AT_ONCE)
        gather = mini_batches(self, images, y, mini_batch_size, at_once)
        if progress and epochs:
            self._compile_first((images[:mini_batch_size], y[:mini_batch_size]), momentum)
        monitored = {
            "training_cost": monitor_training_cost, "training_accuracy": monitor_training_accuracy,
            "evaluation_cost": monitor_evaluation_cost,
            "evaluation_accuracy": monitor_evaluation_accuracy}
        kept, at = None, Position()
        if checkpoint is not None:
            kept = Checkpoint(checkpoint, checkpoint_every, self, {
                "mini_batch_size": mini_batch_size, "lmbda": lmbda, "lmbda_l1": lmbda_l1,
                "momentum": momentum, "shuffle": bool(shuffle), "monitored": monitored,
                **({"clip": clip} if clip else {}),
                "monitors": list(monitors),
                "training_data": fingerprint((images, y)),
                "evaluation_data": fingerprint(evaluation_data)})
            at = kept.resume(epochs, eta)
        # What overflows ends in Diverged, which says more than NumPy's warning.
        with (self.ops.running(), np.errstate(over="ignore", invalid="ignore"),
              kept.stopping() if kept else contextlib.nullcontext(),
              Progress(progress, epochs, n, at.epoch * n + at.done) as bar):
            for epoch in range(at.epoch, epochs):
                if at.order is None:
                    if epoch and stop is not None and stop(history):
                        if kept is not None:
                            kept.write(at)
                        break
                    at.order = self._order(n) if shuffle else np.arange(n)
                    at.key = int(self.rng.integers(2**63)) if isinstance(images, Made) else 0
                rate = _at_least("eta", eta(epoch) if callable(eta) else eta, 0)
                if not at.done:
                    forget(stateful)
                began = time.perf_counter() - at.seconds
                for start in range(at.done, n, at_once):
                    some = gather.numbers(at, start, start + at_once)
                    if small is None:
                        self.update_mini_batch(gather(some), rate, lmbda, n, momentum, lmbda_l1,
                                               **({"clip": clip} if clip else {}))
                    else:
                        done = small.update_mini_batches(gather, some, mini_batch_size, rate,
                                                         lmbda / n, lmbda_l1 / n)
                        if done < len(some):
                            x = gather(some[done:done + mini_batch_size])[0]
                            raise Diverged(self._what_went_wrong(x))
                    bar.advance(len(some))
                    if kept is not None and kept.due():
                        at.done, at.seconds = start + len(some), time.perf_counter() - began
                        kept.write(at)
                seconds = time.perf_counter() - began
                bar.measuring(epoch)
                if not all(np.isfinite(getattr(layer, name)).all()
                           for layer in self.layers for name in layer.parameters):
                    raise Diverged(self._what_went_wrong(self._inputs(images[:mini_batch_size])))
                measured = {}
                for name, data in ("training", training_data), ("evaluation", evaluation_data):
                    if monitored[f"{name}_cost"] or monitored[f"{name}_accuracy"]:
                        measured[f"{name}_cost"], measured[f"{name}_accuracy"] = self._monitor(
                            data, lmbda, lmbda_l1, n)
                more = {name: float(measure(self)) for name, measure in monitors.items()}
                # All at once, so that an interrupted epoch leaves nothing half entered.
                for name, wanted in monitored.items():
                    if wanted:
                        getattr(history, name).append(measured[name])
                for name, value in more.items():
                    history.measured[name].append(value)
                history.eta.append(rate)
                history.seconds.append(seconds)  # last: this epoch now counts as finished
                bar.epoch_done(epoch, history)
                at = Position(epoch + 1)
                if kept is not None and (kept.due() or epoch + 1 == epochs):
                    kept.write(at)
        return history

    @property
    def random_state(self):
        """The state of all that training draws from, as JSON has it: what a checkpoint keeps.

        First the network's own, then those of layers that have a random_state as well.
        """
        return [self.rng.bit_generator.state,
                *(layer.random_state for layer in self.layers if hasattr(layer, "random_state"))]

    @random_state.setter
    def random_state(self, states):
        self.rng.bit_generator.state, *others = states
        own = (layer for layer in self.layers if hasattr(layer, "random_state"))
        for layer, state in zip(own, others, strict=True):
            layer.random_state = state

    def _order(self, n):
        """In which order an epoch takes its n training examples."""
        return self.rng.permutation(n)

    def _compile_first(self, mini_batch, momentum):
        """compile, and say so if it takes long; once in a process for each such network."""
        from .compile_notice import watched
        from .compiling import compile_ahead
        images, _ = mini_batch
        this = repr(self), self.dtype, images.dtype, len(images), bool(momentum)
        if backends.compiles(self.ops) and this not in self.ops.compiled:
            with watched("this network's kernels"):
                compile_ahead([self], mini_batch, momentum)
            self.ops.compiled.add(this)

    def compile(self, mini_batch=None, momentum=0.0):
        """Have Numba compile what training may need, or read it from its cache; changes nothing.

        mini_batch : (images, labels) as for SGD; None: ten black images
        momentum : SGD's; whether there is any matters

        By steps of length 0, and by evaluating a piece of the images.
        """
        images, y = mini_batch or examples.blank(self, 10)
        state, velocity, n = self.random_state, self.velocity, len(images)
        some, gather = np.arange(n), mini_batches(self, images, y, n)
        small, self.velocity = SmallDense.of(self, momentum), {}
        with self._states_set_aside():
            forget(self.layers)
            if small is not None:
                small.update_mini_batches(gather, some, n, 0.0, 0.0, 0.0)
            else:
                self.update_mini_batch(gather(some), 0.0, momentum=momentum)
                for layer in self.layers:
                    if hasattr(layer, "compile"):
                        layer.compile(n)
            self._outputs(images[np.zeros(EVALUATED_AT_ONCE, int)])
            forget(self.layers)
        self.random_state, self.velocity = state, velocity

    def update_mini_batch(self, mini_batch, eta, lmbda=0.0, n=None, momentum=0.0, lmbda_l1=0.0,
                          clip=None):
        """One step downhill on the mean cost of one mini-batch.  Book (20), (93), (107).

        mini_batch : (x, y), see backprop
        n : how many training examples lmbda speaks of; None: those of this mini-batch
        The other arguments are SGD's.
        """
        x, y = mini_batch
        rate = eta / (n or len(x))
        step = Step(eta / len(x), rate * lmbda, rate * lmbda_l1, momentum, self)
        clip = _clip(clip)
        if clip is None:
            self.backprop(x, y, copy=False, step=step)
            return
        self.backprop(x, y, copy=False)  # all gradients first: they are shortened by one factor
        with self.ops.running():
            step.eta *= min(1.0, clip / max(self.gradient_norm(len(x)), sys.float_info.min))
            for layer in self.layers:
                if layer.parameters:
                    step.take(layer)

    def gradient_norm(self, m=1):
        """The length of the gradient that backprop has left, all parameters' together, divided by m."""
        return self.ops.gradient_norm([getattr(layer, nabla(name)) for layer in self.layers
                                       for name in layer.parameters]) / m

    def backprop(self, x, y, copy=True, step=None):
        """The gradient of the cost, summed over a mini-batch: forward, BP1, then back.

        x, y : a mini-batch as SGD takes its data
        Leaves in every layer nabla_w and nabla_b, in buffers that the next call uses again, and
        returns copies of them: (nabla_b, nabla_w), a list each with one array for every layer that
        has parameters, or None where a layer calls them otherwise, as recurrent ones do: see its
        `parameters`.  copy=False returns None.  With a step, update_mini_batch's, each layer goes
        downhill as soon as its gradient is known, and may keep no nabla.
        """
        x = self._inputs(x)
        y = self._targets(y, x)
        with self.ops.running():
            a = self._forward(x, training=True)
            delta = self._output_error(a, y)                           # BP1
            if not self.ops.all_finite(delta):
                raise Diverged(self._what_went_wrong(x))
            for layer in reversed(self._walk_back()):
                if delta is None:
                    raise TypeError(f"the layer behind {layer!r} has a backward that returns None; "
                                    "it must return dC/d input")
                if step is None:
                    delta = layer.backward(delta)                      # BP2, BP3, BP4
                else:
                    delta = step.learn(layer, delta)                   # and (20)
        if not copy:
            return None
        layers = [layer for layer in self.layers if layer.parameters]
        return tuple([getattr(layer, f"nabla_{name}").copy() if name in layer.parameters else None
                      for layer in layers] for name in "bw")

    def _cost(self, a, y):
        """The mean cost of the examples; of sequences, the sum over the steps that count."""
        y, counted = parted(y)
        if counted is None:
            return self.cost.fn(a, y)
        if not counted.any():
            return 0.0
        return self.cost.fn(a[counted], y[counted]) * int(counted.sum()) / len(a)

    def _output_error(self, a, y):
        """BP1: delta = dC/dz of the output layer.

        A last layer with parameters has linear outputs, a = z, book (68), so that dC/da is it.
        """
        output, (y, counted) = self.layers[-1], parted(y)
        delta = self.cost.gradient(a, y) if output.parameters else self.cost.delta(a, y, output)
        if counted is not None:
            delta[~counted] = 0  # a step that costs nothing hands nothing back
        return delta

    def _walk_back(self):
        """The layers that backpropagation goes through after BP1, front to back.

        The output activation is behind delta = dC/dz already; and before the first layer with
        parameters there is nothing to learn.
        """
        return self.layers[self.first:None if self.layers[-1].parameters else -1]

    # --- measuring -----------------------------------------------------------------------------

    def predict(self, x):
        """The class of each example, (m,) ints: the index of the largest output.

        A single output means class 1 from 0.5 on, else class 0.  Where each step has an output it is
        (m, t), and at a step that is not there, of Sequences, it means nothing.
        """
        return costs.classes(self.feedforward(x))

    def accuracy(self, data):
        """The fraction of data = (images, labels) that the network classifies rightly.

        Where each step has an output, of the steps that count.
        """
        return self._measure(data)[1]

    def total_cost(self, data, lmbda=0.0, lmbda_l1=0.0, n=None):
        """The mean cost over data = (images, labels), in nats, plus the regularisation terms.

        Of a sequence the costs of its steps are added up.
        n : how many training examples lmbda speaks of; None: those of data.  Book (87), (95).
        """
        return self._measure(data, lmbda, lmbda_l1, n)[0]

    def _monitor(self, data, lmbda, lmbda_l1, n):
        """_measure, where a cost that is not finite ends the training."""
        cost, accuracy = self._measure(data, lmbda, lmbda_l1, n)
        if not math.isfinite(cost):
            raise Diverged(self._what_went_wrong(self._inputs(data[0][:EVALUATED_AT_ONCE])))
        return cost, accuracy

    def _measure(self, data, lmbda=0.0, lmbda_l1=0.0, n=None):
        """(total cost, accuracy) over data, in one pass through the network."""
        images, y = self._data("data", data)
        a, targets = self._outputs(images), self._targets(y, images)
        cost = self._cost(a, targets)
        n = n or len(images)
        for layer in self.layers:
            for w in (getattr(layer, name) for name in layer.parameters if is_weight(name)):
                if lmbda:
                    cost += 0.5 * lmbda / n * float(np.square(w, dtype=float).sum())
                if lmbda_l1:
                    cost += lmbda_l1 / n * float(np.abs(w).sum(dtype=float))
        y, counted = parted(targets)
        right = costs.classes(a) == costs.classes(y)
        return cost, float(np.mean(right if counted is None else right[counted]))

    def _outputs(self, images):
        """feedforward, making floats of a piece of the images at a time."""
        with self.ops.running(), self._states_set_aside():
            return np.concatenate(
                [self._forward(self._inputs(images[i:i + EVALUATED_AT_ONCE])).copy()
                 for i in range(0, len(images), EVALUATED_AT_ONCE)])

    @contextlib.contextmanager
    def _states_set_aside(self):
        """Afterwards training goes on with the states that it had."""
        stateful = [(layer, layer.state and tuple(array.copy() for array in layer.state))
                    for layer in self.layers if getattr(layer, "stateful", False)]
        try:
            yield
        finally:
            for layer, state in stateful:
                layer.state = state

    def cost_of(self, x, y, training=False):
        """The mean cost of one mini-batch without regularisation, dropout at work if training."""
        x = self._inputs(x)
        y = self._targets(y, x)
        with self.ops.running(), self._states_set_aside():
            return self._cost(self._forward(x, training), y)

    @property
    def parameters(self):
        """How many numbers the network learns."""
        return sum(getattr(layer, name).size for layer in self.layers for name in layer.parameters)

    # --- looking -------------------------------------------------------------------------------

    def __str__(self):
        """A table: layer, output shape, parameters."""
        rows = [("layer", "output shape", "parameters"), ("input", times(self.input_shape), "")]
        for layer, shape in zip(self.layers, self.shapes, strict=True):
            describe = getattr(layer, "describe", lambda layer=layer: type(layer).__name__)
            count = sum(getattr(layer, name).size for name in layer.parameters)
            rows.append((describe(), times(shape), f"{count:,}" if count else ""))
        rows.append(("total", "", f"{self.parameters:,}"))
        wide = [max(len(row[column]) for row in rows) for column in range(3)]
        lines = [f"{a:<{wide[0]}}  {b:>{wide[1]}}  {c:>{wide[2]}}".rstrip() for a, b, c in rows]
        rule = "-" * (sum(wide) + 4)
        return "\n".join([lines[0], rule, *lines[1:-1], rule, lines[-1]])

    def __repr__(self):
        layers = ", ".join(repr(layer) for layer in self.layers)
        return f"Network([{layers}], cost={costs.name_of(self.cost)!r})"

    def trace(self, x, y, file=None):
        """Print one mini-batch step by step, forward and back; nothing is changed by it.

        x, y : as for backprop.  See nndl/trace.py for what the columns are.
        """
        from .trace import trace
        trace(self, x, y, file or sys.stdout)

    # --- keeping -------------------------------------------------------------------------------

    def save(self, path):
        """Write layers, weights and cost to path, an .npz file without pickle; returns path."""
        from .model_file import save
        return save(self, path)

    @staticmethod
    def load(path, backend=None, own_layers=()):
        """A network from a file that save wrote.  Raises ValueError if the file is no such file.

        own_layers : classes of your own that the network contains, layers or its cost: (MyLayer,)
        """
        from .model_file import load
        return load(path, backend, own_layers)

    def copy(self, backend=None, dtype=None):
        """A network of its own with the same weights, on another backend or float type if asked."""
        other = Network([_another(layer) for layer in self.layers], copy.copy(self.cost),
                        self.input_shape, self.seed, backend or self.ops.name,
                        dtype or self.dtype)
        for mine, its in zip(self.layers, other.layers):
            for name in mine.parameters:
                getattr(its, name)[...] = getattr(mine, name)
        other.random_state = self.random_state
        return other

    # --- what comes in: see nndl/examples.py ----------------------------------------------------

    def _inputs(self, x):
        return examples.inputs(self, x)

    def _targets(self, y, x):
        return examples.targets(self, y, x)

    def _data(self, name, data):
        return examples.data(self, name, data)

    def _what_went_wrong(self, x):
        """Which layer first made a number that is not finite, and what to try."""
        advice = ("make the network anew, these weights are spoiled, and train it with a smaller "
                  "eta, a tenth of it say")
        a, valid = parted(x)
        if not np.all(np.isfinite(a if valid is None else a[valid])):
            return "the input has numbers that are not finite: look at the images"
        a = self._begin(x)
        for number, layer in enumerate(self.layers):
            at = f"layers[{number}], {layer!r}"
            for name in layer.parameters:
                if not np.all(np.isfinite(getattr(layer, name))):
                    return f"training diverged: {name} of {at} is not finite; {advice}"
            a = handed_on(layer, layer.forward(a, True))
            if not np.all(np.isfinite(a)):
                return f"training diverged: the output of {at} is not finite; {advice}"
        return f"training diverged: the cost or its gradient is not finite; {advice}"


def _another(layer):
    """A layer like this one, not yet set up."""
    if hasattr(layer, "clone"):
        return layer.clone()
    layer = copy.copy(layer)
    layer.in_network = False
    return layer


def _at_least(name, value, least, whole=False):
    """value, if it is a finite number that is not below least."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.number)):
        raise TypeError(f"{name} must be {'an int' if whole else 'a number'}, not {value!r}")
    if whole and not is_int(value):
        raise TypeError(f"{name} must be an int, not {value!r}")
    if not math.isfinite(value) or value < least:
        raise ValueError(f"{name} must be {'finite' if least == -math.inf else f'at least {least}'}, "
                         f"not {value!r}")
    return value if whole else float(value)


def _monitors(monitors):
    """SGD's argument, if it is functions by name."""
    if not isinstance(monitors or {}, dict):
        raise TypeError(f"monitors must be a dict, name: function of the network, not {monitors!r}")
    for name, measure in (monitors or {}).items():
        if not callable(measure):
            raise TypeError(f"monitors[{name!r}] must be a function of the network, not {measure!r}")
    return monitors or {}


def _clip(clip):
    """SGD's argument as a float; infinity, like None, shortens nothing."""
    if clip is None:
        return None
    wrong = f"clip must be a number above 0, or None to shorten nothing, not {clip!r}"
    if isinstance(clip, bool) or not isinstance(clip, (int, float, np.number)):
        raise TypeError(wrong)
    if not clip > 0:
        raise ValueError(wrong)
    return float(clip)


__all__ = ["Diverged", "History", "Layer", "Network"]
