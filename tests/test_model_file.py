"""Models on disk: what is saved comes back, and no file, however damaged, does harm."""

import io
import json
import os
import pickle
import re
import struct
import tempfile
import tracemalloc
import zipfile
import zlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nndl import (
    ELU,
    GELU,
    Conv,
    ConvPool,
    Dense,
    Dropout,
    Flatten,
    L2Pool,
    Layer,
    LeakyReLU,
    MaxPool,
    Network,
    ReLU,
    Sigmoid,
    Softmax,
    Tanh,
    array_file,
)
from nndl.costs import Cost
from nndl.files import write_atomically
from nndl.layers import LAYERS
from tests.strategies import damaged

BACKENDS = ("numpy", "numba")
NETWORKS = {
    "all kinds": lambda: [
        Conv(3, (2, 3), stride=(1, 2), padding=(1, 0), init="he"), LeakyReLU(0.2), MaxPool(2, 1),
        Dropout(0.25), L2Pool((1, 2)), ELU(0.5), Flatten(), Dense(6, init="glorot"), GELU(),
        Dense(5), Tanh(), Dense(4), ReLU(), Dense(3), Softmax()],
    "units": lambda: [ConvPool(4, 3, "gelu", pool="l2"),
                      ConvPool(3, (2, 1), "elu", (1, 2), alpha=0.5, pool_stride=1, padding=1),
                      Dense(3), Sigmoid()],
}


def make(kind="units", **options):
    return Network(NETWORKS[kind](), input_shape=(2, 8, 9), backend="numpy", **options)


def tiny():
    return Network([Dense(3), Softmax()], input_shape=(2,), backend="numpy")


def parameters(net):
    return [getattr(layer, name) for layer in net.layers for name in layer.parameters]


def assert_same(net, other):
    assert repr(other) == repr(net) and other.input_shape == net.input_shape
    assert other.seed == net.seed and other.dtype == net.dtype
    for one, its in zip(parameters(net), parameters(other), strict=True):
        assert one.dtype == its.dtype
        assert np.ascontiguousarray(one).tobytes() == np.ascontiguousarray(its).tobytes()


# --- there and back -------------------------------------------------------------------------------

@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("writer", BACKENDS)
@pytest.mark.parametrize("reader", BACKENDS)
@pytest.mark.parametrize("kind", NETWORKS)
def test_a_model_comes_back_bit_for_bit(kind, reader, writer, dtype, tmp_path):
    net = Network(NETWORKS[kind](), None if kind == "units" else "quadratic", (2, 8, 9), seed=5,
                  backend=writer, dtype=dtype)
    parameters(net)[0].flat[:4] = np.nan, np.inf, -0.0, 1e-40  # whatever bits there are
    assert net.save(tmp_path / "model.npz") == tmp_path / "model.npz"
    other = Network.load(tmp_path / "model.npz", backend=reader)
    assert_same(net, other)
    assert other.ops.name == reader
    parameters(net)[0].flat[:2] = parameters(other)[0].flat[:2] = 0
    x = np.random.default_rng(0).random((3, 2, 8, 9))
    close = {"float32": 1e-5, "float64": 1e-12}[dtype]
    np.testing.assert_allclose(net.feedforward(x), other.feedforward(x), rtol=close, atol=close)


def test_every_kind_of_layer_is_among_the_networks():
    assert {type(layer) for layers in NETWORKS.values() for layer in layers()} == set(
        LAYERS.values())


def test_a_trained_model_goes_on_learning(tmp_path):
    net = tiny()
    data = np.random.default_rng(0).random((30, 2)), np.arange(30) % 3
    net.SGD(data, 1, 10, 0.5, progress=False)
    other = Network.load(net.save(tmp_path / "model.npz"))
    before = other.total_cost(data)
    other.SGD(data, 5, 10, 0.5, progress=False)
    assert other.total_cost(data) < before


def test_arrays_in_the_file_are_plain_and_in_the_logical_order(tmp_path):
    net = Network([ConvPool(4, (3, 2)), Dense(3), Softmax()], input_shape=(2, 8, 9), backend="numba")
    with np.load(net.save(tmp_path / "model.npz"), allow_pickle=False) as file:
        assert set(file) == {"header", "0.w", "0.b", "2.w", "2.b"}
        assert file["0.w"].shape == (4, 2, 3, 2) and file["2.w"].shape == (3, 48)
        np.testing.assert_array_equal(file["0.w"], net.layers[0].w)
        header = json.loads(file["header"].tobytes())
    assert header["format"] == "nndl model" and header["version"] == 1
    assert header["cost"] == {"type": "LogLikelihoodCost"} and header["input_shape"] == [2, 8, 9]


@pytest.mark.parametrize("name, made", [("model", "model.npz"), ("model.npz", "model.npz"),
                                        ("model.nndl", "model.nndl"),
                                        ("new/er/model", "new/er/model.npz")])
def test_an_ending_is_added_where_none_is_given_and_folders_are_made(name, made, tmp_path):
    net = tiny()
    assert net.save(str(tmp_path / name)) == tmp_path / made
    assert_same(net, Network.load(str(tmp_path / made)))


def test_numpys_numbers_may_be_arguments(tmp_path):
    net = Network([Conv(np.int64(2), np.int64(3), padding=(np.int8(1), 1)), Dense(np.int32(3))],
                  input_shape=np.array([1, 5, 5]), seed=np.int64(9), backend="numpy")
    other = Network.load(net.save(tmp_path / "model.npz"))
    assert other.seed == 9 and other.input_shape == (1, 5, 5)
    assert all(np.array_equal(a, b) for a, b in zip(parameters(net), parameters(other)))


class Scale(Layer):
    """A reader's own, with an argument."""

    def __init__(self, by=2.0):
        self.by = by

    def forward(self, a, training=False):
        return self.by * a

    def backward(self, d):
        return self.by * d


def test_own_layers_are_handed_in(tmp_path):
    net = Network([Scale(3.0), Dense(3), Softmax()], input_shape=(2,), backend="numpy")
    path = net.save(tmp_path / "model.npz")
    other = Network.load(path, own_layers=(Scale,))
    assert_same(net, other)
    assert isinstance(other.layers[0], Scale) and other.layers[0].by == 3.0
    with pytest.raises(ValueError, match=r"a layer Scale; hand its class in: .*own_layers=\(Scale,\)"):
        Network.load(path)


class Fourth(Cost):
    """A reader's own cost, which goes by the name of its class."""

    def fn(self, a, y):
        return float(((a - y) ** 4).sum() / len(a))

    def gradient(self, a, y):
        return 4 * (a - y) ** 3


def test_an_own_cost_is_handed_in_like_an_own_layer(tmp_path):
    net = Network([Scale(3.0), Dense(3), Sigmoid()], Fourth, input_shape=(2,), backend="numpy")
    path = net.save(tmp_path / "model.npz")
    other = Network.load(path, own_layers=(Scale, Fourth))
    assert_same(net, other)
    assert isinstance(other.cost, Fourth)
    with pytest.raises(ValueError, match=r"a cost Fourth; hand its class in: .*own_layers=\(Fourth,\)"):
        Network.load(path, own_layers=(Scale,))


# --- nothing is lost ------------------------------------------------------------------------------

@pytest.mark.parametrize("broken", ["fsync", "replace", "fdopen", "chmod"])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_save_that_fails_leaves_the_old_file_and_no_other(broken, error, tmp_path, monkeypatch):
    path = tiny().save(tmp_path / "model.npz")
    old = path.read_bytes()

    def fail(*_, **__):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(os, broken, fail)
        with pytest.raises(type(error)):
            make().save(path)
    assert path.read_bytes() == old
    assert os.listdir(tmp_path) == ["model.npz"]


@pytest.mark.parametrize("odd, error, says", [
    (None, TypeError, "path must name a file, such as 'net.npz', not None"),
    (3, TypeError, "path must name a file, such as 'net.npz', not 3"),
    ("", IsADirectoryError, "path must name a file, such as 'net.npz': '.' is a folder"),
    ("models", IsADirectoryError, "path must name a file, such as 'models/net.npz': 'models' is a f")])
def test_where_no_file_can_be(odd, error, says, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    os.mkdir("models")
    with pytest.raises(error, match=re.escape(says)):
        tiny().save(odd)
    assert os.listdir() == ["models"] and not os.listdir("models")


def test_a_folder_that_takes_no_file_is_named_with_the_file(tmp_path, monkeypatch):
    def refuse(**_):
        raise PermissionError(13, "Permission denied", "a name of its own")

    monkeypatch.setattr(tempfile, "mkstemp", refuse)
    with pytest.raises(PermissionError) as caught:
        tiny().save(tmp_path / "model.npz")
    assert caught.value.filename == str(tmp_path / "model.npz")


def test_the_content_is_on_the_disk_before_it_gets_its_name(tmp_path, monkeypatch):
    done, fsync, replace = [], os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda file: done.append("fsync") or fsync(file))
    monkeypatch.setattr(os, "replace", lambda *paths: done.append("replace") or replace(*paths))
    write_atomically(tmp_path / "file", b"content")
    assert done == ["fsync", "replace"]
    assert (tmp_path / "file").read_bytes() == b"content"


@pytest.mark.skipif(os.name != "posix", reason="permission bits are POSIX's")
def test_a_saved_file_can_be_read_by_whom_the_umask_lets(tmp_path):
    before = os.umask(0o027)
    try:
        write_atomically(tmp_path / "file", b"")
        assert os.umask(0o027) == 0o027  # and the umask stays
    finally:
        os.umask(before)
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o640


# --- files that are no models ---------------------------------------------------------------------

def refuse(path, says, error=ValueError, **arguments):
    """Network.load(path) raises one clear error, naming path, and allocates little."""
    tracemalloc.start()
    try:
        with pytest.raises(error, match=says) as raised:
            Network.load(path, **arguments)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)
    assert peak < 2_000_000 + 6 * (path.stat().st_size if path.is_file() else 0)


def rewrite(path, **changed):
    """Write the model at path again with other members; a value None leaves one out."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members |= {f"{name}.npy": content for name, content in changed.items()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            if content is not None:
                archive.writestr(name, content)


def npy(array, **options):
    file = io.BytesIO()
    np.lib.format.write_array(file, np.asarray(array), **options)
    return file.getvalue()


def npy_claiming(text, body=b""):
    """An .npy file with this text for its header."""
    header = text.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + body


def header_of(path, **changed):
    """The header of the model at path with some entries changed, as an .npy file."""
    with np.load(path) as file:
        header = json.loads(file["header"].tobytes()) | changed
    return npy(np.frombuffer(json.dumps(header).encode(), np.uint8))


@pytest.fixture
def saved(tmp_path):
    return tiny().save(tmp_path / "model.npz")


def test_a_missing_file(tmp_path):
    refuse(tmp_path / "model.npz", "there is no model file", FileNotFoundError)


def test_a_folder(tmp_path):
    refuse(tmp_path, "is a folder, not a model file")


def test_a_file_below_a_file(saved):
    with pytest.raises((FileNotFoundError, ValueError), match="model.npz/model"):
        Network.load(saved / "model")


@pytest.mark.parametrize("content", [
    b"", b"\n", b"not a zip file at all" * 100, b"PK\x03\x04", pickle.dumps({"w": 1}),
    b"\x1f\x8b" + bytes(100), npy(np.zeros(5)), b"PK\x05\x06" + bytes(18)])
def test_files_of_another_kind(content, tmp_path):
    path = tmp_path / "model.npz"
    path.write_bytes(content)
    refuse(path, "is not a whole nndl model file: .*; write it again with Network.save")


def test_the_archive_of_another_program(tmp_path):
    path = tmp_path / "weights.npz"
    np.savez(path, w=np.ones((3, 2)), b=np.ones(3))
    refuse(path, "it has no header")
    np.savez(path, header=np.frombuffer(b'{"format": "another"}', np.uint8))
    refuse(path, "its header is of another kind")
    np.savez(path, header=np.frombuffer(b'["nndl model"]', np.uint8))
    refuse(path, "its header is of another kind")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("letter.txt", "Dear reader")
    refuse(path, "is not a whole nndl model file")


def test_a_file_cut_short_anywhere(saved):
    whole = saved.read_bytes()
    for length in range(0, len(whole), 37):
        saved.write_bytes(whole[:length])
        refuse(saved, "is not a whole nndl model file")


class Exploit:
    """Unpickled, it would make a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (self.path, "w")


def test_pickled_arrays_are_never_run(saved, tmp_path):
    array = np.empty(1, object)
    array[0] = Exploit(str(tmp_path / "was run"))
    for name in ("0.w", "header", "another"):
        rewrite(saved, **{name: npy(array, allow_pickle=True)})
        refuse(saved, "an array is of an unknown kind")
        tiny().save(saved)
    assert not (tmp_path / "was run").exists()


def test_a_version_of_the_future(saved):
    rewrite(saved, header=header_of(saved, version=2))
    refuse(saved, "it has version 2 and this nndl reads 1, so update nndl")


@pytest.mark.parametrize("version", ["1", None, 1.5, [1], {}, 0, -3, True])
def test_a_version_that_is_none(saved, version):
    rewrite(saved, header=header_of(saved, version=version))
    refuse(saved, "it has version ")


def test_changed_weights_are_noticed(saved):
    w = tiny().layers[0].w.copy()
    w[0, 0] += 1e-6
    rewrite(saved, **{"0.w": npy(w)})
    refuse(saved, "its checksum does not match")


def test_a_compressed_bomb(saved):
    with zipfile.ZipFile(saved, "a", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("1.w.npy", "w", force_zip64=True) as member:
            for _ in range(100):
                member.write(bytes(1 << 20))
    assert saved.stat().st_size < 1 << 20
    refuse(saved, "1.w.npy is compressed")


def test_members_that_lie_over_each_other(saved):
    # A hundred entries of the directory point to the same large member.
    body = bytes(1 << 20)
    with zipfile.ZipFile(saved, "w") as archive:
        archive.writestr("0.npy", body)
        for n in range(1, 100):
            info = zipfile.ZipInfo(f"{n}.npy")
            info.file_size = info.compress_size = len(body)
            info.CRC, info.header_offset = zlib.crc32(body), 0
            archive.filelist.append(info)
            archive.NameToInfo[info.filename] = info
        archive._didModify = True
    refuse(saved, "its arrays claim 104,857,600 bytes")


@pytest.mark.parametrize("text, says", [
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (1099511627776,), }",
     r"an array of shape \(1099511627776,\) has 24 bytes"),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (1048576, 1048576), }", "has 24 bytes"),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (7,), }", "has 24 bytes"),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (-6,), }", ""),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (-1, -6), }", ""),
    ("{'descr': '<f4', 'fortran_order': True, 'shape': (3, 2), }", "of an unknown kind"),
    ("{'descr': '|O', 'fortran_order': False, 'shape': (3,), }", "of an unknown kind"),
    ("{'descr': '<U0', 'fortran_order': False, 'shape': (6,), }", ""),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 1180591620717411303424), }", ""),
    ("{'descr': '<f4', 'shape': (6,)}", ""),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (6,", ""),
    ("((((((((((" * 100, ""),
    ("'" * 9, ""),
    ("__import__('os').system('true')", ""),
    ("{}" * 6000, ""),
    ("", ""),
])
def test_an_array_whose_header_lies_or_is_none(saved, text, says):
    rewrite(saved, **{"0.w": npy_claiming(text, bytes(24))})
    refuse(saved, "is not a whole nndl model file: .*" + says)


@pytest.mark.parametrize("text", [b"{", b"", b"\xff\xfe", b"[" * 100_000, b"null", b"NaN", b"3"])
def test_a_header_that_is_no_json(saved, text):
    rewrite(saved, header=npy(np.frombuffer(text, np.uint8)))
    refuse(saved, "is not a whole nndl model file")


@pytest.mark.parametrize("changed, says", [
    ({"layers": [{"type": "Dense", "n_out": 10**12}, {"type": "Softmax"}]}, "w of Dense"),
    ({"layers": [{"type": "Dense", "n_out": 10**400}, {"type": "Softmax"}]}, "w of Dense"),
    ({"layers": [{"type": "Dense", "n_out": 4}, {"type": "Softmax"}]}, "w of Dense"),
    ({"layers": [{"type": "Conv", "filters": 10**6, "kernel_size": 10**3}], "input_shape":
      [1, 1000, 1000]}, "w of Conv"),
    ({"layers": [{"type": "Dense"}]}, "n_out"),
    ({"layers": [{"type": "Dense", "n_out": "3"}]}, "n_out must be an int"),
    ({"layers": [{"type": "Dense", "n_out": 3, "colour": "red"}]}, "colour"),
    ({"layers": [{"type": "eval"}]}, "a layer eval"),
    ({"layers": [{"type": ["Dense"]}]}, ""),
    ({"layers": [{}]}, "type"),
    ({"layers": [3]}, ""),
    ({"layers": []}, "layers is empty"),
    ({"layers": None}, ""),
    ({"layers": [{"type": "Softmax"}, {"type": "Dense", "n_out": 3}]}, "1.w"),
    ({"input_shape": [10**12]}, "w of Dense"),
    ({"input_shape": [3]}, "w of Dense"),
    ({"input_shape": "ab"}, ""),
    ({"input_shape": None}, ""),
    ({"input_shape": [2, 1]}, ""),
    ({"cost": {"type": "squares"}}, r"a cost squares; hand its class in: .*own_layers=\(squares,\)"),
    ({"cost": {}}, ""),
    ({"cost": None}, ""),
    ({"seed": "x"}, "seed must be an int"),
    ({"seed": -1}, "seed must be at least 0"),
    ({"dtype": "float16"}, "dtype must be float32 or float64"),
    ({"dtype": "float64"}, "w of Dense.* is float32"),
])
def test_a_header_that_describes_no_network_or_another(saved, changed, says):
    rewrite(saved, header=header_of(saved, **changed))
    refuse(saved, "does not describe a network: .*" + says)


@pytest.mark.parametrize("key", ["format", "version", "layers", "cost", "input_shape", "seed",
                                 "dtype", "sha256"])
def test_a_header_that_lacks_an_entry(saved, key):
    with np.load(saved) as file:
        header = json.loads(file["header"].tobytes())
    del header[key]
    rewrite(saved, header=npy(np.frombuffer(json.dumps(header).encode(), np.uint8)))
    refuse(saved, "is not a whole nndl model file|does not describe a network: .*" + key)


def test_an_array_that_is_missing(saved):
    with np.load(saved) as file:
        arrays = {"0.w": file["0.w"]}
    rewrite(saved, **{"0.b": None}, header=header_of(saved, sha256=array_file._checksum(arrays)))
    refuse(saved, r"does not describe a network: .*0\.b")


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_random_damage_is_noticed_or_does_none(data, tmp_path):
    net, path = tiny(), tmp_path / "model.npz"
    path.write_bytes(data.draw(damaged(net.save(path).read_bytes())))
    try:
        other = Network.load(path)
    except ValueError as error:
        assert str(path) in str(error)
    else:
        assert_same(net, other)


def test_an_initialiser_given_as_a_function_is_no_obstacle(tmp_path):
    def mine(rng, shape, fan_in, fan_out):
        return rng.normal(size=shape), np.zeros(shape[0])

    net = Network([Dense(5, init=mine), Sigmoid()], input_shape=(3,), backend="numpy")
    loaded = Network.load(net.save(tmp_path / "mine.npz"), backend="numpy")
    assert np.array_equal(loaded.layers[0].w, net.layers[0].w)


def test_a_cost_of_ones_own_comes_back_with_its_arguments(tmp_path):
    class Huber(Cost):
        name = "quadratic"  # even under a name of ours

        def __init__(self, width=1.0):
            self.width = width

        def fn(self, a, y):
            return float(np.abs(a - y).sum() / len(a))

        def gradient(self, a, y):
            return np.clip(a - y, -self.width, self.width)

    path = Network([Dense(2)], Huber(5.0), input_shape=(3,), backend="numpy").save(tmp_path / "h.npz")
    loaded = Network.load(path, backend="numpy", own_layers=(Huber,))
    assert type(loaded.cost) is Huber and loaded.cost.width == 5.0
    with pytest.raises(ValueError, match="a cost Huber; hand its class in"):
        Network.load(path, backend="numpy")
