"""Models on disk: an array_file, whose header says what the network is made of.

For each parameter there is an array such as `0.w`, always in the logical order (f, c, kh, kw) or
(n_out, n_in).
"""

import inspect
import json
from pathlib import Path

import numpy as np

from .array_file import read_arrays, write_arrays
from .costs import COSTS
from .initialize import INITIALISERS

KIND, VERSION = "nndl model", 1


def save(net, path):
    """Write net to path (".npz" is added where no ending is given).  Returns the path."""
    try:
        path = Path(path)
    except TypeError:
        raise TypeError(f"path must name a file, such as 'net.npz', not {path!r}") from None
    if path.is_dir():
        raise IsADirectoryError(f"path must name a file, such as {str(path / 'net.npz')!r}: "
                                f"{str(path)!r} is a folder")
    path = path if path.suffix else path.with_suffix(".npz")
    write_arrays(path, KIND, VERSION, describe(net), parameters(net))
    return path


def parameters(net):
    """{"0.w": array, ...}: all that the network has learnt, in the logical order."""
    return {f"{number}.{name}": np.ascontiguousarray(getattr(layer, name))
            for number, layer in enumerate(net.layers) for name in layer.parameters}


def restore(net, arrays):
    """Give net what `parameters` has taken from one like it."""
    for number, layer in enumerate(net.layers):
        for name in layer.parameters:
            mine, read = getattr(layer, name), arrays[f"{number}.{name}"]
            if (mine.shape, mine.dtype) != (read.shape, read.dtype):
                raise ValueError(f"{name} of {layer!r} is {read.dtype} {read.shape} in it")
            mine[...] = read


def describe(net):
    """What the network is made of, but for its weights: plain numbers, text and lists, as JSON has.

    Raises ValueError for a layer or cost that these cannot describe.
    """
    made_of = {"layers": [_made_of(layer) for layer in net.layers], "cost": _made_of(net.cost),
               "input_shape": net.input_shape, "seed": net.seed, "dtype": net.dtype.name}
    try:
        return json.loads(json.dumps(made_of, default=_plain))
    except TypeError as error:
        raise ValueError(f"the network cannot be saved: {error}; give its layers plain arguments, "
                         "numbers and text") from None


def network_of(description, backend=None, own_layers=()):
    """A new network of what describe has described."""
    from .network import Network
    costs = {cost.__name__: cost for cost in (*COSTS.values(), *own_layers)}
    return Network(_layers_of(description, own_layers), _make(description["cost"], costs, "cost"),
                   description["input_shape"], description["seed"], backend, description["dtype"])


def _made_of(thing):
    """The class of a layer or cost, and the arguments that make another one."""
    if hasattr(thing, "config"):
        return {"type": type(thing).__name__, **thing.config()}
    names = inspect.signature(type(thing)).parameters
    try:
        return {"type": type(thing).__name__, **{name: getattr(thing, name) for name in names}}
    except AttributeError as error:
        raise ValueError(f"{type(thing).__name__} cannot be saved: {error}; keep each argument of "
                         "__init__ under its own name") from None


def _plain(value):
    """What JSON does not know: NumPy's numbers, and an initialiser given as a function."""
    if isinstance(value, np.generic):
        return value.item()
    if callable(value):  # its work is done: who loads the file gets the weights
        return value.__name__ if INITIALISERS.get(value.__name__) is value else "default"
    raise TypeError(f"{value!r} is no plain number or text")


def load(path, backend=None, own_layers=()):
    """The network that save wrote to path.

    own_layers : classes of your own that it contains, layers or its cost
    Raises FileNotFoundError, or ValueError for a file that is damaged, of another kind or newer.
    """
    path = Path(path)
    if not path.suffix and not path.exists():
        path = path.with_suffix(".npz")  # as save adds it
    header, arrays = read_arrays(path, KIND, VERSION, "write it again with Network.save")
    return _build(path, header, arrays, backend, own_layers)


def _build(path, header, arrays, backend, own_layers):
    try:
        _compare(_layers_of(header, own_layers), header["input_shape"], arrays)
        net = network_of(header, backend, own_layers)
        restore(net, arrays)
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError,
            MemoryError) as error:
        raise ValueError(f"{path} does not describe a network: {error}") from None
    return net


def _layers_of(description, own_layers):
    from .recurrent import LAYERS
    known = LAYERS | {kind.__name__: kind for kind in own_layers}
    return [_make(config, known, "layer") for config in description["layers"]]


def _make(config, known, what):
    """The layer or cost that _made_of described."""
    arguments = {name: tuple(value) if isinstance(value, list) else value  # JSON's lists
                 for name, value in config.items()}
    kind = arguments.pop("type")
    if kind not in known:
        raise ValueError(f"it has a {what} {kind}; hand its class in: "
                         f"load(path, own_layers=({kind},))")
    return known[kind](**arguments)


def _compare(layers, input_shape, arrays):
    """Do the layers ask for the arrays that are there?  Seen before they allocate their own."""
    shape = tuple(input_shape)
    for number, layer in enumerate(layers):
        if not hasattr(layer, "output_shape"):
            return
        for name, asks in _weight_shapes(layer, shape).items():
            read = arrays[f"{number}.{name}"].shape
            if asks != read:
                raise ValueError(f"{name} of {layer!r} has shape {read} in the file")
        shape = layer.output_shape(shape)


def _weight_shapes(layer, shape):
    """{name: shape} of the weights that a layer says it will have."""
    if hasattr(layer, "weight_shapes"):
        return layer.weight_shapes(shape)
    there = hasattr(layer, "weight_shape") and layer.parameters
    return {"w": layer.weight_shape(shape)} if there else {}
