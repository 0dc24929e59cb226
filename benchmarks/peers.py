"""The same networks elsewhere: a twin in PyTorch, made from a Network's layers, and scikit-learn's.

A twin has our weights, is trained on the same mini-batches by the usual loop of its library, and is
compared with the NumPy backend in float64 before anything is timed.
"""

import numpy as np

from nndl import (
    ELU,
    GELU,
    LSTM,
    Conv,
    ConvPool,
    Dense,
    Dropout,
    Flatten,
    L2Pool,
    Last,
    LeakyReLU,
    MaxPool,
    Recurrent,
    ReLU,
    Sigmoid,
    Softmax,
    Tanh,
)
from nndl.layers import is_weight
from nndl.ops.activation_numpy import MONOTONE

from .networks import trainer
from .timing import ETA, LMBDA, WARMING_UP, alternate, enough

# Bounds on ||ours - theirs||, relative to the whole array's.  Rounding to float32 makes 1e-6 of it,
# but a gradient is further off where it lets another pixel win its pooling window: a thousandth of a
# small mini-batch's gradient, and then also of the next step's.
CLOSE = {"cost": 1e-5, "outputs": 5e-5, "gradient": 2e-3, "change": 1e-2}


# --- PyTorch --------------------------------------------------------------------------------------

def try_torch():
    """PyTorch, or None with a line that says so.

    To be called before the numba backend is loaded: nndl loads OpenMP with a shorter wait at the end
    of a loop, and PyTorch should find its own, as it would without us.
    """
    try:
        import torch
    except ImportError:
        print("PyTorch is not installed, so there is nothing to compare with: "
              "pip install -e '.[bench]'\n")
        return None
    return torch


class TorchTwin:
    """A Network in eager PyTorch: the same layers, weights and cost, and the loop that one writes.

    net : the Network, whose weights are copied
    n : how many training examples lmbda speaks of, as in Network.SGD
    tuned : what somebody who knows PyTorch well does to be faster on a CPU: maps in memory with
            channels last, the fused optimizer, L2 pooling from an average pool.  Otherwise it is
            as written in tutorials, but pools before the activation where that is the same and
            less work.
    """

    def __init__(self, torch, net, eta=ETA, lmbda=LMBDA, n=50_000, tuned=False):
        self.torch, self.tuned, self.input_shape = torch, tuned, net.input_shape
        self.n_out = net.output_shape[0]
        self.output, self.cost, self.one_hot = output_and_cost(torch.nn, net)
        self.model = torch.nn.Sequential(*(
            module for layer in net.layers[:-1] for module in modules(torch.nn, layer, tuned)))
        its = [found for module in self.model.modules() if (found := parameters_of(module))]
        mine = [layer for layer in net.layers if layer.parameters]
        self.parameters = {}  # "w 0": of the first layer that has parameters
        with torch.no_grad():
            for number, (found, layer) in enumerate(zip(its, mine, strict=True)):
                for name in layer.parameters:
                    found[name].copy_(torch.from_numpy(np.array(getattr(layer, name))))
                    self.parameters[f"{name} {number}"] = found[name]
        self.channels_last = tuned and any(isinstance(layer, Conv) for layer in net.layers)
        if self.channels_last:
            self.model = self.model.to(memory_format=torch.channels_last)
        weights, biases = ([p for name, p in self.parameters.items()
                            if is_weight(name.split()[0]) == wanted] for wanted in (True, False))
        self.optimizer = torch.optim.SGD(
            [{"params": weights, "weight_decay": lmbda / n}, {"params": biases}], lr=eta, fused=tuned)

    def tensors(self, data):
        """(images, labels) as PyTorch wants them: bytes (n, c, h, w), and ints or desired outputs."""
        torch = self.torch
        images = torch.from_numpy(np.array(data[0])).reshape(-1, *self.input_shape)
        labels = torch.from_numpy(np.array(data[1], dtype=np.int64))
        if self.one_hot:
            labels = torch.nn.functional.one_hot(labels, self.n_out).float()
        return images, labels

    def inputs(self, images):
        """Bytes as floats, byte/256."""
        x = images.float().mul_(1 / 256)
        if self.channels_last:
            x = x.contiguous(memory_format=self.torch.channels_last)
        return x

    def SGD(self, images, labels, mini_batch_size):
        """One epoch over these tensors, shuffled anew."""
        order = self.torch.randperm(len(images))
        for start in range(0, len(images), mini_batch_size):
            some = order[start:start + mini_batch_size]
            self.optimizer.zero_grad(set_to_none=True)
            self.cost(self.model(self.inputs(images[some])), labels[some]).backward()
            self.optimizer.step()

    def trainer(self, data, mini_batch_size):
        """A function that trains for one epoch on a slice of data."""
        images, labels = self.tensors(data)
        return lambda part: self.SGD(images[part], labels[part], mini_batch_size)

    def accuracy(self, images, labels, at_once):
        """The fraction of these tensors that is classified rightly, so many images at a time."""
        right = 0
        self.model.eval()
        with self.torch.inference_mode():
            for start in range(0, len(images), at_once):
                z = self.model(self.inputs(images[start:start + at_once]))
                right += (z.argmax(1) == labels[start:start + at_once]).sum().item()
        self.model.train()
        return right / len(images)

    def learned(self, x, y):
        """What `learned` says about a Network, of the twin; it is trained by that."""
        images, labels = self.tensors((x, y))
        with self.torch.no_grad():
            self.model.eval()
            outputs = self.output(self.model(self.inputs(images))).numpy()
            self.model.train()
        self.optimizer.zero_grad(set_to_none=True)
        cost = self.cost(self.model(self.inputs(images)), labels)
        cost.backward()
        found = {"cost": np.array(cost.item()), "outputs": outputs}
        for name, p in self.parameters.items():
            found[f"gradient of {name}"] = p.grad.numpy() * len(x)  # ours is the sum
        before = {name: p.detach().clone() for name, p in self.parameters.items()}
        for _ in range(2):
            self.SGD(images, labels, len(x))
        for name, p in self.parameters.items():
            found[f"change of {name}"] = (p.detach() - before[name]).numpy()
        return found


def parameters_of(module):
    """{our name: PyTorch's parameter} of a module; empty if it has none."""
    if hasattr(module, "weight_ih_l0"):
        return {"w_xh": module.weight_ih_l0, "w_hh": module.weight_hh_l0, "b": module.bias_ih_l0}
    return {"w": module.weight, "b": module.bias} if hasattr(module, "weight") else {}


def output_and_cost(nn, net):
    """(the output's activation, the cost of what comes before it, whether y is one-hot) in PyTorch.

    Its costs contain the activation, as ours do when delta = a - y.
    """
    pair = net.cost.name, net.layers[-1].name
    if pair == ("log_likelihood", "softmax"):
        return nn.Softmax(dim=1), nn.CrossEntropyLoss(), False
    if pair == ("cross_entropy", "sigmoid"):
        total = nn.BCEWithLogitsLoss(reduction="sum")
        return nn.Sigmoid(), lambda z, y: total(z, y) / len(y), True
    raise ValueError("a twin needs a softmax or sigmoid output with its own cost, not "
                     f"{net.layers[-1]!r} with {net.cost.name}")


def modules(nn, layer, tuned):
    """PyTorch's modules for one of our layers."""
    kind, n_in = type(layer), layer.input_shape[0]
    if kind is Dense:
        yield nn.Linear(n_in, layer.n_out)
    elif kind in (Conv, ConvPool):
        yield nn.Conv2d(n_in, layer.filters, layer.kernel_size, layer.stride, layer.padding)
        if kind is ConvPool:
            unit = activation(nn, layer.activation, layer.alpha)
            pool = pooling(nn, layer.pool, layer.pool_size, layer.pool_stride, tuned)
            pool_first = layer.pool == "max" and layer.activation in MONOTONE
            yield from (pool, unit) if pool_first else (unit, pool)
    elif kind in (MaxPool, L2Pool):
        yield pooling(nn, "l2" if kind is L2Pool else "max", layer.size, layer.stride, tuned)
    elif kind in (Sigmoid, Tanh, ReLU, LeakyReLU, ELU, GELU):
        yield activation(nn, layer.name, getattr(layer, "slope", getattr(layer, "alpha", None)))
    elif kind is Dropout:
        yield nn.Dropout(layer.p_dropout)
    elif kind is Flatten:
        yield nn.Flatten()
    elif kind is Softmax:
        yield nn.Softmax(dim=1)
    elif kind in (Recurrent, LSTM):
        yield steps(nn, nn.RNN if kind is Recurrent else nn.LSTM, n_in=layer.input_shape[1], n=layer.n)
    elif kind is Last:
        yield last(nn)
    else:
        raise ValueError(f"no module of PyTorch is known for {layer!r}")


def steps(nn, kind, n_in, n):
    """A recurrent module that hands on what it makes at each step.

    PyTorch's have two biases for the same neurons: one stays 0 here.
    """
    class Steps(kind):
        """The module without the last state."""

        def forward(self, x):
            """(m, t, n_in) -> (m, t, n)."""
            return super().forward(x)[0]

    module = Steps(n_in, n, batch_first=True)
    nn.init.zeros_(module.bias_hh_l0)
    module.bias_hh_l0.requires_grad_(False)
    return module


def last(nn):
    """The last step alone."""
    class Last(nn.Module):
        """(m, t, n) -> (m, n)."""

        def forward(self, x):
            """The last step of each sequence."""
            return x[:, -1]

    return Last()


def activation(nn, name, alpha):
    """The module for an activation; alpha is the slope or scale of those that have one."""
    if name == "leaky_relu":
        return nn.LeakyReLU(0.01 if alpha is None else alpha)
    if name == "elu":
        return nn.ELU(1.0 if alpha is None else alpha)
    return {"sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "relu": nn.ReLU, "gelu": nn.GELU,
            "linear": nn.Identity}[name]()


def pooling(nn, kind, size, stride, tuned):
    """The module for max-pooling or L2 pooling."""
    if kind == "max":
        return nn.MaxPool2d(size, stride)
    if not tuned:
        return nn.LPPool2d(2, size, stride)

    class L2FromAverage(nn.Module):
        """The root of the sum of squares, by a pooling that PyTorch has a fast kernel for."""

        def forward(self, x):
            """(m, c, h, w) -> (m, c, oh, ow); the bound keeps the slope finite where all are 0."""
            sums = nn.functional.avg_pool2d(x * x, size, stride, divisor_override=1)
            return sums.clamp_min(1e-30).sqrt()

    return L2FromAverage()


def train_by_turns(net, training, mini_batch_size, rounds, seconds, torch=None, examples=None,
                   left_over=0):
    """Train net and its twins by turns, each round on the next stretch of the training images.

    seconds : that one of our turns should take, about
    examples : of a stretch; None chooses so many that it takes that long, whole mini-batches and
               left_over more

    Returns ({name: seconds of each turn}, examples).
    """
    n = len(training.images)
    if examples is None:
        trial = trainer(net.copy(), training, mini_batch_size)
        most = max(1, (n - left_over) // mini_batch_size)
        count = enough(lambda steps: trial(slice(0, steps * mini_batch_size)), seconds, most)
        examples = min(n, count * mini_batch_size + left_over)
    runs = {"nndl": trainer(net, training, mini_batch_size)}
    if torch is not None:
        for name in ("torch", "torch_tuned"):
            twin = TorchTwin(torch, net, n=examples, tuned=name == "torch_tuned")
            runs[name] = twin.trainer(training, mini_batch_size)

    def stretch(number):
        start = number * examples % (n - examples + 1)
        return slice(start, start + examples)

    return alternate({name: lambda number, run=run: run(stretch(number))
                      for name, run in runs.items()}, rounds, WARMING_UP), examples


# --- scikit-learn ---------------------------------------------------------------------------------

def sklearn_twin(net, x, y, mini_batch_size, eta=ETA, lmbda=LMBDA, n=50_000):
    """MLPClassifier with the weights of a network of one hidden sigmoid layer, or None without sklearn.

    Its classifier always ends in softmax where there are several classes, ours in sigmoid: the same
    work.  Each partial_fit is one epoch.  It wants floats, which are made once and not timed.
    """
    try:
        from sklearn.neural_network import MLPClassifier
    except ImportError:
        return None
    hidden, output = (layer for layer in net.layers if layer.parameters)
    # alpha: scikit-learn divides its penalty by the size of the mini-batch.
    twin = MLPClassifier(hidden.n_out, activation="logistic", solver="sgd",
                         alpha=lmbda / n * mini_batch_size, batch_size=mini_batch_size,
                         learning_rate="constant", learning_rate_init=eta, momentum=0,
                         nesterovs_momentum=False, shuffle=True, random_state=0)
    twin.partial_fit(x[:mini_batch_size], y[:mini_batch_size], classes=np.arange(output.n_out))
    twin.coefs_ = [np.array(layer.w.T, order="C") for layer in (hidden, output)]
    twin.intercepts_ = [np.array(layer.b) for layer in (hidden, output)]
    return twin


def verify_sklearn(net, twin, x):
    """Its outputs are softmax of our output neurons' z, or SystemExit."""
    a = net.copy(backend="numpy", dtype="float64").feedforward(x)
    e = a / (1 - a)  # e^z, for a is sigmoid(z)
    flat = np.asarray(x, dtype=np.float32).reshape(len(x), -1)
    compare("scikit-learn's twin", {"outputs": twin.predict_proba(flat)},
            {"outputs": e / e.sum(axis=1, keepdims=True)})


# --- verification ---------------------------------------------------------------------------------

def verify(net, x, y, torch=None):
    """What the numba backend and PyTorch learn from a mini-batch is what NumPy learns in float64.

    net : a Network on the numba backend, left as it is;  x, y : the mini-batch
    With dropout only the numba backend is held against NumPy, by the same masks; PyTorch draws its
    own, so that its twin is compared without.  Raises SystemExit if anything differs; returns the
    largest difference in proportion to its bound.
    """
    expected = learned(net.copy("numpy", "float64"), x, y)
    worst = compare(f"the {net.ops.name} backend", learned(net.copy(), x, y), expected)
    if torch is not None:
        still = without_dropout(net)
        if has_dropout(net):
            expected = learned(without_dropout(net, "numpy", "float64"), x, y)
        for tuned in (False, True):
            twin = TorchTwin(torch, still, n=len(x), tuned=tuned)
            worst = max(worst, compare("PyTorch's twin", twin.learned(x, y), expected))
    return worst


def learned(net, x, y):
    """What one mini-batch teaches a network: cost, outputs, gradients, and what SGD does with them.

    Returns {what: array}; the change of each parameter is that of two steps of SGD, the way that is
    timed.  The network is trained by that: hand in a copy.
    """
    layers = [layer for layer in net.layers if layer.parameters]
    found = {"cost": np.array(net.cost_of(x, y)), "outputs": net.feedforward(x)}
    each = {f"{name} {number}": (layer, name) for number, layer in enumerate(layers)
            for name in layer.parameters}
    if not has_dropout(net):  # backprop would use up masks
        net.backprop(x, y, copy=False)
        for what, (layer, name) in each.items():
            found[f"gradient of {what}"] = getattr(layer, f"nabla_{name}").copy()
    before = {what: getattr(layer, name).copy() for what, (layer, name) in each.items()}
    net.SGD((x, y), 2, len(x), ETA, LMBDA, progress=False)
    for what, (layer, name) in each.items():
        found[f"change of {what}"] = getattr(layer, name) - before[what]
    return found


def compare(who, got, expected):
    """SystemExit unless every array is within CLOSE; returns the largest share of a bound used."""
    worst = 0.0
    for what, array in expected.items():
        scale, bound = np.linalg.norm(array), CLOSE[what.split()[0]]
        error = np.linalg.norm(got[what] - array) / scale if scale else np.linalg.norm(got[what])
        if not error < bound:
            raise SystemExit(f"nothing is timed: {who} is wrong; its {what} differs from the NumPy "
                             f"backend's by {error:.2g}, {bound:g} is allowed")
        worst = max(worst, error / bound)
    return worst


def has_dropout(net):
    """Whether it draws masks."""
    return any(isinstance(layer, Dropout) and layer.p_dropout for layer in net.layers)


def without_dropout(net, backend=None, dtype=None):
    """A copy that drops nothing."""
    other = net.copy(backend, dtype)
    for layer in other.layers:
        if isinstance(layer, Dropout):
            layer.p_dropout = 0.0
    return other
