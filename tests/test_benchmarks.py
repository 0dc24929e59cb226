"""The benchmarks run, count right, and refuse to time what is wrong.  No time is asserted."""

import functools
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import benchmarks.__main__ as command
import nndl
from benchmarks import (
    drawing,
    networks,
    operations,
    peers,
    recurrent,
    scaling,
    startup,
    timing,
    training_step,
)
from benchmarks.browser import missing
from nndl import (
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
    Network,
    ReLU,
    Sigmoid,
    Softmax,
    Tanh,
    backends,
)
from nndl.cli import book_network
from nndl.data import Dataset, Splits
from tests.test_cli import make_folder

FOLDER = Path(timing.__file__).parent


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch", reason="PyTorch is not installed: pip install nndl[bench]")


@pytest.fixture(autouse=True)
def threads_restored():
    before = {name: backends.get(name).threads for name in ("numpy", "numba")}
    yield
    for name, threads in before.items():
        backends.get(name).threads = threads


@pytest.fixture
def few(monkeypatch):
    """Few images, no pauses, a small yardstick: the benchmarks' settings for a test."""
    splits = nndl.load_mnist()
    small = Splits(*(Dataset(part.images[:300], part.labels[:300]) for part in splits))
    monkeypatch.setattr(nndl, "load_mnist", lambda: small)
    monkeypatch.setattr(timing, "PAUSE", 0)
    for module in (training_step, operations, scaling, recurrent):
        monkeypatch.setattr(module, "matrix_product_rates", functools.partial(
            timing.matrix_product_rates, n=64, rounds=1))
    return small


@pytest.fixture(params=["with PyTorch", "without"])
def peer(request, monkeypatch):
    """Each benchmark with PyTorch, and as it is where PyTorch is not installed."""
    if request.param == "without":
        for module in (training_step, operations, scaling, recurrent):
            monkeypatch.setattr(module, "try_torch", lambda: None)
        return None
    return request.getfixturevalue("torch")


def check_saved(benchmark, result, folder, capsys):
    """JSON as returned, a figure, the table on screen and in Markdown, what they depend on."""
    printed = capsys.readouterr().out
    saved = json.loads((folder / f"{benchmark}.json").read_text(encoding="utf-8"))
    assert saved == json.loads(json.dumps(result))
    assert (folder / f"{benchmark}.png").read_bytes().startswith(b"\x89PNG")
    assert {"machine", "versions", "threads", "date", "rows", "others_busy_cores"} <= set(saved)
    assert saved["machine"]["cpu"] in printed and f"numba {saved['versions']['numba']}" in printed
    assert command.main([benchmark, "--markdown", "--out", str(folder)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("| ") and lines[1].startswith("| --- | ---: |")
    assert sum(line.startswith("| ") for line in lines) >= 2 + len(result["rows"])
    assert f"numba {saved['versions']['numba']}" in lines[-1] and saved["date"] in lines[-1]
    return printed


# --- the command ----------------------------------------------------------------------------------

def test_the_list_names_every_benchmark(capsys):
    assert command.main([]) == 0
    listed = capsys.readouterr().out
    benchmarks = {path.stem for path in FOLDER.glob("[a-z]*.py")
                  if "\ndef main(" in path.read_text(encoding="utf-8")}
    assert benchmarks == set(command.NAMES)
    for name in benchmarks:
        line, = (line for line in listed.splitlines() if line.startswith(f"  {name} "))
        assert command.question(name).endswith("?") and command.question(name) in line
        assert line.endswith(("min)", "(never measured here)"))
        assert f'run(["{name}", *sys.argv[1:]])' in (FOLDER / f"{name}.py").read_text("utf-8")


@pytest.mark.parametrize("arguments", [
    ["training"], ["--fast"], ["scaling", "--rounds", "0"], ["scaling", "--threads", "x"],
    ["scaling", "--threads", "1000"], ["scaling", "--markdown", "--out", "no such folder"],
    ["training_step", "--only", "no such row"]])
def test_what_is_wrong_is_said_in_one_line(arguments, capsys, few):
    with pytest.raises(SystemExit) as stop:
        command.main(arguments)
    assert stop.value.code == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_benchmark_is_a_command_of_its_own():
    done = subprocess.run([sys.executable, "-m", "benchmarks.startup", "--rounds", "0"],
                          cwd=FOLDER.parent, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (2, "") and "at least 1" in done.stderr


def test_the_options_reach_the_benchmark(monkeypatch, tmp_path, capsys):
    asked = []

    def main(threads=None, rounds=3, seconds=1, out="results", only=""):
        asked.append((threads, rounds, seconds, out, only))

    monkeypatch.setattr(scaling, "main", main)
    monkeypatch.setattr(scaling, "QUICK", {"seconds": 0.1, "rounds": 2})
    command.main(["scaling"])
    command.main(["scaling", "--quick", "--threads", "2", "--rounds", "5", "--out", str(tmp_path)])
    command.main(["scaling", "--quick"])
    command.main(["scaling", "--only", "filters"])
    assert asked == [(None, 3, 1, "results", ""), (2, 5, 0.1, tmp_path, ""),
                     (None, 2, 0.1, None, ""), (None, 3, 1, None, "filters")]


# --- each of them, small --------------------------------------------------------------------------

def test_training_step(few, peer, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(training_step, "CASES", [
        training_step.Case("A", 10, 0.3, 0.2, others=True),
        training_step.Case("A", 64, one_thread=True, left_over=17),
        training_step.Case("C", 10, what="epoch", others=peer is None),
        training_step.Case("A", 100, what="forward", others=True)])
    result = training_step.main(2, rounds=2, seconds=0.001, out=tmp_path, tries=1)
    printed = check_saved("training_step", result, tmp_path, capsys)
    assert ("PyTorch was not there" in printed) == (peer is None)
    step, shorter, epoch, forward = result["rows"]
    assert [row["threads"] for row in result["rows"]] == [2, 1, 2, 2]
    assert (shorter["examples"] - 17) % 64 == 0
    assert shorter["per_turn"] == (shorter["examples"] - 17) // 64 + 1
    assert (epoch["examples"], epoch["per_turn"], forward["examples"]) == (300, 1, 300)
    for row in result["rows"]:
        compared = {name: len(row[name]) for name in ("torch", "torch_tuned", "ratio_to_torch")}
        assert set(compared.values()) == {0 if peer is None else 2}
        assert len(row["nndl"]) == 2 and row["of_matrix_product"] > 0
    assert len(step["numpy"]) == 2 and not shorter["numpy"]


def test_recurrent(few, peer, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(recurrent, "CASES", [("vanilla cell", 10, False), ("LSTM", 7, True)])
    result = recurrent.main(2, rounds=2, seconds=0.001, out=tmp_path, tries=1)
    printed = check_saved("recurrent", result, tmp_path, capsys)
    assert ("PyTorch was not there" in printed) == (peer is None)
    assert [(row["case"], row["threads"]) for row in result["rows"]] == [
        ("vanilla cell", 2), ("LSTM", 1)]
    for row in result["rows"]:
        compared = {name: len(row[name]) for name in ("torch", "torch_tuned", "ratio_to_torch")}
        assert set(compared.values()) == {0 if peer is None else 2}
        assert len(row["nndl"]) == len(row["numpy"]) == 2 and row["of_matrix_product"] > 0


def test_multiply_adds_of_a_recurrent_layer():
    """By hand: 3 steps of 2 inputs to 4 neurons; forward, own gradient, and back through w_hh."""
    net = nndl.Network([nndl.Recurrent(4), nndl.Last(), nndl.Dense(5), nndl.Softmax()],
                       input_shape=(3, 2))
    assert recurrent.multiply_adds(net) == 3 * (2 * 2 * 4 + 3 * 4 * 4) + 3 * 4 * 5


@pytest.mark.parametrize("wrong", ["w_xh 0", "w_hh 0", "b 0", "w 1"])
def test_a_recurrent_twin_with_one_wrong_weight_is_not_timed(torch, few, wrong, monkeypatch):
    class Broken(peers.TorchTwin):
        def __init__(self, *arguments, **named):
            super().__init__(*arguments, **named)
            with torch.no_grad():
                self.parameters[wrong].view(-1)[7] += 0.1

    monkeypatch.setattr(peers, "TorchTwin", Broken)
    net = nndl.Network([nndl.LSTM(8), nndl.Last(), nndl.Dense(10), nndl.Softmax()],
                       input_shape=(28, 28))
    training = nndl.load_mnist().training
    with pytest.raises(SystemExit, match="nothing is timed"):
        peers.verify(net, training.images[:10], training.labels[:10], torch)


def test_operations(few, peer, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(operations, "NETWORKS", {
        "A": (lambda: networks.network("A"), (0, 3, 6), True),
        "B": (lambda: networks.network("B"), (2, 4), False)})
    result = operations.main(1, rounds=1, seconds=1e-5, out=tmp_path, tries=1,
                             mini_batch_sizes=(10,))
    check_saved("operations", result, tmp_path, capsys)
    names = [row["operation"] for row in result["rows"]]
    assert len(set(names)) == len(names) == 2 * 5 + 1
    assert {"ConvPool 20 maps 5 x 5 on 1 x 28 x 28, backward", "Dense 1000 on 640, forward",
            "Dropout 0.5 on 40 x 4 x 4, forward", "update of 85,670 parameters"} <= set(names)
    for row in result["rows"]:
        assert len(row["numpy"]) == 1 and len(row["torch"]) == (peer is not None)


def test_scaling(few, tmp_path, monkeypatch, capsys):
    cases = [case for case in scaling.cases(1) if case[:2] in (
        ("mini-batch", 2), ("filters", 10), ("filters", 20), ("kernel", 3), ("threads, 10", 1))]
    assert len(cases) == 5
    monkeypatch.setattr(scaling, "cases", lambda threads: cases)
    result = scaling.main(1, rounds=1, seconds=0.001, out=tmp_path, tries=1, images=(100, 700))
    printed = check_saved("scaling", result, tmp_path, capsys)
    assert [row["x"] for row in result["rows"]] == [100, 700, 2, 10, 20, 3, 1]
    assert "Among 700 images" in printed and "2 times the maps" in printed


def test_drawing(tmp_path, capsys):
    if missing():
        pytest.skip(missing())
    result = drawing.main(rounds=2, out=tmp_path)
    check_saved("drawing", result, tmp_path, capsys)
    assert [row["what"] for row in result["rows"]] == ["script", "looking on", "main thread"]
    for row in result["rows"]:
        assert len(row["values"]) == 2 and all(0 < value < 10_000 for value in row["values"])
    assert (tmp_path / "drawing_page.png").stat().st_size > 20_000


def test_a_page_that_answers_otherwise_is_not_timed(tmp_path, monkeypatch):
    class Wrong:
        def run(self, script, images):
            return np.full((len(images), 10), 0.1)
    net, _ = drawing.draw.shipped_network()
    with pytest.raises(ValueError, match="apart from the network's"):
        drawing.verify(Wrong(), net, nndl.load_mnist().test.images[:5])


def test_startup(few, tmp_path, monkeypatch, capsys):
    """Its arithmetic, with processes that only pretend."""
    runs = []

    def process(arguments, kernels):
        runs.append((arguments, kernels))
        if arguments[0] == "-m":
            seconds = {"of_that_compiling": 8.0, "until_first_mini_batch": 0.5}
            folder = Path(arguments[arguments.index("--out") + 1])
            (folder / "results.json").write_text(json.dumps({"seconds": seconds}))
            kernels.mkdir(exist_ok=True)
        return {"seconds": 0.25, "memory": 300.0, "printed": "some words\n[4.0, 1.5]\n"}

    monkeypatch.setattr(startup, "process", process)
    result = startup.main(1, rounds=3, out=tmp_path, networks=("C",))
    check_saved("startup", result, tmp_path, capsys)
    assert {row["what"]: row["values"] for row in result["rows"]} == {
        "cold": [8.0, 8.0], "warm": [0.75] * 3, "memory": [300.0] * 3, "architecture, C": [2.5]}
    folders = [kernels for arguments, kernels in runs if arguments[0] == "-m"]
    assert len(set(folders)) == 3 and len(folders) == 6  # two empty ones, then one that stays
    assert runs[-1][1] not in folders  # a new architecture finds a copy


def test_startup_measures_nndl_train(tmp_path):
    kernels = backends.cache_folder()
    if kernels is None:
        pytest.skip("no folder for compiled kernels is writable")
    data = make_folder(tmp_path / "data", 60, 20)
    found = startup.train(kernels.parent, ["--threads", "1", "--epochs", "1", "--data", str(data)],
                          tmp_path)
    assert 50 < found["memory"] < 2000
    assert found["first_mini_batch"] > found["compiling"] > 0


def test_memory_is_the_childs_not_ours():
    ballast = np.ones(60_000_000)  # 480 MB, which a process begun by this one would show
    measured = startup.process(["-c", "a = b'x' * 100_000_000; print('done')"], "unused")
    assert ballast.all() and measured["printed"] == "done\n"
    assert 100 < measured["memory"] < 300
    with pytest.raises(RuntimeError, match="no such thing"):
        startup.process(["-c", "raise SystemExit('no such thing')"], "unused")


def test_the_first_two_steps_are_timed(few, capsys):
    startup.steps("C", 1)
    first, second = json.loads(capsys.readouterr().out)
    assert first > 0 and second > 0


# --- counting -------------------------------------------------------------------------------------

def test_multiply_adds_of_net_a_by_hand():
    first = 20 * 25 * 24 * 24              # 20 filters of 1 x 5 x 5 at 24 x 24 places
    second = 40 * 20 * 25 * 8 * 8          # 40 of 20 x 5 x 5 at 8 x 8
    dense = 640 * 100 + 100 * 10
    net = networks.network("A", "numpy")
    assert networks.multiply_adds(net, training=False) == first + second + dense == 1_633_000
    # Backward twice as much, but for the first layer, whose dC/dx nobody wants.
    assert networks.multiply_adds(net) == 2 * first + 3 * (second + dense) == 4_611_000


def test_multiply_adds_with_stride_padding_and_no_convolution():
    net = Network([Conv(3, 4, stride=2, padding=1), ReLU(), MaxPool(), Dense(10), Softmax()],
                  input_shape=(2, 9, 9), backend="numpy")
    places = 4 * 4                         # (9 + 2 - 4) // 2 + 1
    assert networks.multiply_adds(net, training=False) == 3 * 2 * 16 * places + 3 * 2 * 2 * 10
    assert networks.multiply_adds(networks.network("C", "numpy")) == 2 * 784 * 30 + 3 * 30 * 10


def test_net_a_is_the_network_of_the_command():
    assert repr(networks.network("A", "numpy")) == repr(book_network(backend="numpy"))


def test_turns_alternate_and_the_first_round_is_not_counted(monkeypatch):
    monkeypatch.setattr(timing, "PAUSE", 0)
    turns = []
    taken = timing.alternate({name: lambda n, name=name: turns.append((n, name)) for name in "ab"}, 3)
    assert turns == [(0, "b"), (0, "a"), (1, "a"), (1, "b"), (2, "b"), (2, "a"), (3, "a"), (3, "b")]
    assert {name: len(seconds) for name, seconds in taken.items()} == {"a": 3, "b": 3}


def test_enough_steps_fill_the_time_and_not_more_than_there_are(monkeypatch):
    monkeypatch.setattr(timing, "clock", lambda run, steps: 0.01 * steps)
    assert timing.enough(lambda steps: None, 0.5, 1000) == 50
    assert timing.enough(lambda steps: None, 0.5, 20) == 20
    assert timing.enough(lambda steps: None, 0.001, 1000) == 1


def test_a_disturbed_row_is_measured_again(monkeypatch):
    """Others keep 1.5, then 0.9, then no cores busy: the third row stands, or the best of two."""
    for tries, expected in ((3, 0.0), (2, 0.9)):
        busy = iter([1.5, 0.9, 0.0])
        monkeypatch.setattr(timing, "others_busy", lambda before, busy=busy: next(busy))
        assert timing.undisturbed(dict, tries)["others_busy_cores"] == expected
    rounds = iter([[1.0, 3.0, 5.0], [1.0, 1.0, 1.1], [7.0]])
    monkeypatch.setattr(timing, "others_busy", lambda before: None)
    assert timing.undisturbed(lambda: {"nndl": next(rounds)}, 3)["nndl"] == [1.0, 1.0, 1.1]
    assert timing.undisturbed(lambda: {"torch": [1.0, 3.0, 5.0]}, 2)["torch"] == [1.0, 3.0, 5.0]


@pytest.mark.parametrize("values, expected", [
    ([0.0341], "0.0341 ±0%"), ([90.0, 100.0, 110.0], "100 ±5%"), ([1234.4], "1,234 ±0%"), ([], "-")])
def test_spread(values, expected):
    assert timing.spread(values) == expected


# --- verification ---------------------------------------------------------------------------------

EVERYTHING = [
    lambda: [Conv(4, 3, padding=1), LeakyReLU(0.2), MaxPool(3, stride=2), ELU(0.5), Flatten(),
             Dense(9), Tanh(), Dropout(0.3), Dense(7), GELU(), Dense(5), Sigmoid()],
    lambda: [ConvPool(4, 3, "leaky_relu"), ConvPool(3, 2, "elu", pool="l2", alpha=0.7),
             Dense(10), Softmax(), Dense(5), Softmax()],
    lambda: [Conv(4, (3, 2), stride=2), ReLU(), L2Pool(), Dense(5), Softmax()],
]


@pytest.mark.parametrize("layers", EVERYTHING)
def test_every_layer_has_a_twin(layers, torch):
    net = Network(layers(), input_shape=(2, 12, 12), backend="numba")
    rng = np.random.default_rng(0)
    assert peers.verify(net, rng.integers(0, 256, (7, 2, 12, 12), dtype=np.uint8),
                        rng.integers(0, 5, 7), torch) < 1


def test_a_layer_or_cost_without_twin_is_named(torch):
    class Square(nndl.Layer):
        def forward(self, a, training=False):
            return a * a

        def backward(self, d):
            raise NotImplementedError

    with pytest.raises(ValueError, match="Square"):
        peers.TorchTwin(torch, Network([Dense(3), Square(), Dense(2), Softmax()], backend="numpy"))
    with pytest.raises(ValueError, match="quadratic"):
        peers.TorchTwin(torch, Network([Dense(3)], backend="numpy"))


@pytest.mark.parametrize("name, weight", [("A", (0, 0, 2, 2)), ("B", (0, 0, 2, 2)), ("C", (0, 406))])
def test_a_twin_with_one_wrong_weight_is_not_timed(name, weight, torch, few, monkeypatch):
    class Broken(peers.TorchTwin):
        def __init__(self, *arguments, **named):
            super().__init__(*arguments, **named)
            with torch.no_grad():
                self.parameters["w 0"][weight] += 0.1  # in the middle, where there is ink

    x, y = few.training.images[:10], few.training.labels[:10]
    peers.verify(networks.network(name), x, y, torch)
    monkeypatch.setattr(peers, "TorchTwin", Broken)
    with pytest.raises(SystemExit, match="PyTorch's twin is wrong"):
        peers.verify(networks.network(name), x, y, torch)


def test_kernels_that_are_wrong_are_not_timed(few, monkeypatch):
    copy = Network.copy

    def wrong(net, backend=None, dtype=None):
        other = copy(net, backend, dtype)
        if other.ops.name == "numba":
            other.layers[0].w *= 1.0001
        return other

    monkeypatch.setattr(Network, "copy", wrong)
    with pytest.raises(SystemExit, match="the numba backend is wrong; its cost"):
        peers.verify(networks.network("A"), few.training.images[:10], few.training.labels[:10])


@pytest.mark.parametrize("what", ["cost", "outputs", "gradient of w 0", "change of b 1"])
@pytest.mark.parametrize("wrong", [1.03, float("nan")])
def test_each_thing_compared_can_fail(what, wrong):
    expected = {"cost": np.array(2.0), "outputs": np.ones((2, 3)), "gradient of w 0": np.ones((4, 5)),
                "change of b 1": np.ones(5)}
    assert peers.compare("it", expected, expected) == 0
    with pytest.raises(SystemExit, match=f"its {what} differs"):
        peers.compare("it", expected | {what: expected[what] * wrong}, expected)


def test_training_changes_the_twin_and_the_network_alike(torch, few):
    """That the comparison of changes sees weight decay: without it, the twin is refused."""
    net, x, y = networks.network("C"), few.training.images[:10], few.training.labels[:10]
    expected = peers.learned(net.copy("numpy", "float64"), x, y)
    twin = peers.TorchTwin(torch, net, lmbda=0, n=len(x))
    with pytest.raises(SystemExit, match="change of w"):
        peers.compare("the twin", twin.learned(x, y), expected)


def test_scikit_learns_twin(few):
    pytest.importorskip("sklearn", reason="scikit-learn is not installed: pip install nndl[bench]")
    net, (images, labels) = networks.network("C"), few.training
    x = images.reshape(len(images), -1).astype(np.float32) / 256
    twin = peers.sklearn_twin(net, x, labels, 10)
    peers.verify_sklearn(net, twin, x[:10])
    before = twin.coefs_[0].copy()
    twin.partial_fit(x, labels)
    assert not np.array_equal(before, twin.coefs_[0]) and twin.t_ == 310
    with pytest.raises(SystemExit, match="scikit-learn's twin is wrong"):
        peers.verify_sklearn(net, twin, x[:10])
