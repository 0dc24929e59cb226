"""Models on disk: an .npz file of plain arrays, without pickle, with a checksum.

Inside are `header`, JSON with the format's version and what the network is made of, and for each
parameter an array such as `0.w`, always in the logical order (f, c, kh, kw) or (n_out, n_in).
Nothing in such a file is ever run.
"""

import hashlib
import inspect
import io
import json
import math
import zipfile
from pathlib import Path

import numpy as np

from .costs import COSTS
from .files import write_atomically
from .initialize import INITIALISERS

FORMAT, VERSION = "nndl model", 1


def save(net, path):
    """Write net to path (".npz" is added where no ending is given).  Returns the path."""
    path = Path(path)
    path = path if path.suffix else path.with_suffix(".npz")
    arrays = {f"{number}.{name}": np.ascontiguousarray(getattr(layer, name))
              for number, layer in enumerate(net.layers) for name in layer.parameters}
    header = {"format": FORMAT, "version": VERSION, **describe(net), "sha256": _checksum(arrays)}
    text = json.dumps(header)
    content = io.BytesIO()
    np.savez(content, header=np.frombuffer(text.encode(), np.uint8), **arrays)
    write_atomically(path, content.getvalue())
    return path


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
    if path.is_dir():
        raise ValueError(f"{path} is a folder, not a model file")
    try:
        header, arrays = _read(path)
    except FileNotFoundError:
        raise FileNotFoundError(f"there is no model file {path}") from None
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror or error}") from None
    except Exception as error:  # damaged bytes make zipfile, NumPy and json raise nearly anything
        raise ValueError(f"{path} is not a whole nndl model file: {error}; "
                         "write it again with Network.save") from None
    return _build(path, header, arrays, backend, own_layers)


def _read(path):
    """(header, arrays) of the file, checked against its own sizes and checksum."""
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            # Stored as they are, so that no small file can claim to hold large arrays.
            if member.compress_type != zipfile.ZIP_STORED:
                raise ValueError(f"{member.filename} is compressed")
        claimed = sum(member.file_size for member in archive.infolist())
        if claimed > path.stat().st_size:
            raise ValueError(f"its arrays claim {claimed:,} bytes")
        content = {member.filename.removesuffix(".npy"): _array(archive.read(member))
                   for member in archive.infolist()}
    if "header" not in content:
        raise ValueError("it has no header")
    header = json.loads(content.pop("header").tobytes())
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise ValueError("its header is of another kind")
    version = header.get("version")
    if type(version) is not int or not 1 <= version <= VERSION:
        raise ValueError(f"it has version {version!r} and this nndl reads {VERSION}, so update nndl")
    if header.get("sha256") != _checksum(content):
        raise ValueError("its checksum does not match")
    return header, content


def _array(content):
    """The array of an .npy file's bytes, which must be as long as its header says."""
    file = io.BytesIO(content)
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else (
        np.lib.format.read_array_header_2_0)
    try:
        shape, fortran, dtype = read(file)
    except Exception as error:
        raise ValueError("the header of an array cannot be read") from error
    if dtype.hasobject or fortran:
        raise ValueError("an array is of an unknown kind")
    if len(content) - file.tell() != math.prod(shape) * dtype.itemsize:
        raise ValueError(f"an array of shape {shape} has {len(content) - file.tell()} bytes")
    return np.frombuffer(content, dtype, offset=file.tell()).reshape(shape)


def _checksum(arrays):
    """SHA-256 over names, types, shapes and bytes of the arrays."""
    total = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        total.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        total.update(array.tobytes())
    return total.hexdigest()


def _build(path, header, arrays, backend, own_layers):
    try:
        _compare(_layers_of(header, own_layers), header["input_shape"], arrays)
        net = network_of(header, backend, own_layers)
        for number, layer in enumerate(net.layers):
            for name in layer.parameters:
                mine, read = getattr(layer, name), arrays[f"{number}.{name}"]
                if (mine.shape, mine.dtype) != (read.shape, read.dtype):
                    raise ValueError(f"{name} of {layer!r} is {read.dtype} {read.shape} in it")
                mine[...] = read
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError,
            MemoryError) as error:
        raise ValueError(f"{path} does not describe a network: {error}") from None
    return net


def _layers_of(description, own_layers):
    from .layers import LAYERS
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
        if hasattr(layer, "weight_shape"):
            asks, read = layer.weight_shape(shape), arrays[f"{number}.w"].shape
            if asks != read:
                raise ValueError(f"w of {layer!r} has shape {read} in the file")
        shape = layer.output_shape(shape)
