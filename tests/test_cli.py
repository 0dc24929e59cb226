"""The command nndl: what it prints, saves and refuses, and how it ends."""

import functools
import json
import os
import re
import signal
import subprocess
import sys

import numpy as np
import pytest

from nndl import (
    LSTM,
    Dense,
    Embedding,
    Network,
    Softmax,
    backends,
    cli,
    load_mnist,
    selftest,
    set_threads,
)
from nndl.command import new_folder
from nndl.data import write_idx
from nndl.schedules import falling

FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte",
         "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


mnist = functools.cache(load_mnist)


def make_folder(folder, n_train, n_test, images=lambda x: x, labels=lambda y: y):
    """A data set like MNIST, of its first images."""
    splits = mnist()
    folder.mkdir()
    write_idx(folder / FILES[0], images(splits.training.images[:n_train]))
    write_idx(folder / FILES[1], labels(splits.training.labels[:n_train]))
    write_idx(folder / FILES[2], images(splits.test.images[:n_test]))
    write_idx(folder / FILES[3], labels(splits.test.labels[:n_test]))
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """250 images to learn from, 50 to validate with, 80 to test with."""
    return make_folder(tmp_path_factory.mktemp("data") / "like-mnist", 300, 80)


@pytest.fixture(autouse=True)
def threads_restored():
    before = {name: backends.get(name).threads for name in ("numpy", "numba")}
    yield
    for name, threads in before.items():
        backends.get(name).threads = threads


def run(*arguments):
    """The exit status of a command line, run in this process."""
    try:
        return cli.main([str(argument) for argument in arguments])
    except SystemExit as stop:
        return stop.code


def command(*arguments):
    return [sys.executable, "-m", "nndl", *map(str, arguments)]


def in_a_process(*arguments, **options):
    return subprocess.run(command(*arguments), capture_output=True, text=True, timeout=120,
                          stdin=subprocess.DEVNULL, **options)


def assert_refused(status, out, err, *says):
    """Exit status 2 and one clear line on stderr."""
    assert status == 2
    assert out == ""
    assert len(err.splitlines()) == 1 and err.endswith("\n")
    assert err.startswith("nndl")
    assert "Traceback" not in err and "usage" not in err
    for words in says:
        assert words in err


# --- what it refuses ------------------------------------------------------------------------------

WRONG_OPTIONS = [
    ((), "VERB"),
    (("fly",), "'fly'"),
    (("3",), "'3'"),
    (("--epochs", "3"), "VERB"),
    (("train", "--colour", "red"), "--colour"),
    (("train", "more"), "more"),
    (("train", "--epoch", "1"), "--epoch"),  # no abbreviations: they break when options are added
    (("train", "--epochs"), "--epochs"),
    (("train", "--eta", "-inf"), "--eta"),
    (("evaluate",), "MODEL"),
    (("evaluate", "one.npz", "two.npz"), "two.npz"),
    (("info", "--eta", "1"), "--eta"),
    (("verify", "--data", "."), "--data"),
]
WRONG_VALUES = [
    *[(option, value, "at least 1") for option in ("--epochs", "--mini-batch-size", "--threads")
      for value in ("0", "-1", "abc", "nan", "inf", "1.5", "", "1e3")],
    *[("--eta", value, "a number above 0") for value in ("0", "-1", "abc", "nan", "inf", "", "1,5")],
    *[("--lmbda", value, "at least 0") for value in ("-1", "-0.5", "abc", "nan", "inf", "")],
    *[("--seed", value, "at least 0") for value in ("-1", "abc", "1.5", "nan", "inf", "")],
    ("--backend", "torch", "numpy"),
    ("--backend", "", "numpy"),
]


@pytest.mark.parametrize("arguments, says", WRONG_OPTIONS, ids=lambda a: " ".join(a) if a else "-")
def test_a_wrong_option_is_one_line(arguments, says, capsys):
    assert_refused(run(*arguments), *capsys.readouterr(), says)


@pytest.mark.parametrize("option, value, says", WRONG_VALUES)
def test_a_wrong_value_is_one_line_with_option_and_value(option, value, says, capsys):
    status = run("train", option, value)
    assert_refused(status, *capsys.readouterr(), option, repr(value), says)


@pytest.mark.parametrize("verb", ["train", "warmup", "info", "verify"])
def test_cuda_is_not_written_yet_and_says_so(verb, capsys):
    assert_refused(run(verb, "--backend", "cuda"), *capsys.readouterr(), f"nndl {verb}: ",
                   "cuda backend is not written yet")


@pytest.mark.parametrize("verb", ["train", "warmup", "info", "verify"])
def test_more_threads_than_there_can_be(verb, capsys):
    assert_refused(run(verb, "--threads", 100_000), *capsys.readouterr(), "threads must be from 1 to",
                   "NUMBA_NUM_THREADS=100000")


def test_a_wrong_backend_in_the_environment(monkeypatch, capsys):
    monkeypatch.setenv("NNDL_BACKEND", "nunpy")
    assert_refused(run("train"), *capsys.readouterr(), "NNDL_BACKEND", "'nunpy'")


def broken_data(kind, tmp_path):
    """A folder, or none, that --data cannot take, and words that the error must have."""
    if kind == "missing":
        return tmp_path / "nowhere", "nowhere"
    if kind == "empty":
        (tmp_path / "empty").mkdir()
        return tmp_path / "empty", FILES[0]
    if kind == "a file":
        (tmp_path / "file").write_bytes(b"IDX")
        return tmp_path / "file", "file"
    if kind == "large images":
        return make_folder(tmp_path / kind, 12, 4,
                           lambda x: np.pad(x, ((0, 0), (2, 2), (2, 2)))), "not 32 x 32"
    if kind == "labels above 9":
        return make_folder(tmp_path / kind, 12, 4, labels=lambda y: y + 10), "from 0 to 9"
    folder = make_folder(tmp_path / kind, 12, 4)
    path = folder / FILES[2]
    content = path.read_bytes()
    if kind == "cut":
        path.write_bytes(content[:-100])
    elif kind == "mislabelled":
        path.write_bytes((folder / FILES[3]).read_bytes())
    elif kind == "absurd":
        path.write_bytes(content[:4] + b"\xff" * 12 + content[16:])
    elif kind == "no IDX file":
        path.write_bytes(b"<html>404</html>")
    elif kind == "one missing":
        path.unlink()
    elif kind == "fewer labels":
        write_idx(folder / FILES[3], np.zeros(3, np.uint8))
    return folder, FILES[3] if kind == "fewer labels" else FILES[2]


@pytest.mark.parametrize("kind", ["missing", "empty", "a file", "large images", "labels above 9",
                                  "cut", "mislabelled", "absurd", "no IDX file", "one missing",
                                  "fewer labels"])
def test_data_that_cannot_be_trained_on(kind, tmp_path, capsys):
    folder, says = broken_data(kind, tmp_path)
    status = run("train", "--data", folder, "--out", tmp_path / "out")
    assert_refused(status, *capsys.readouterr(), "nndl train: ", says)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("below", ["file", "file/out", "file/deeper/out"])
def test_a_folder_for_results_that_cannot_be_made(below, data, tmp_path, capsys):
    (tmp_path / "file").write_bytes(b"regular")
    status = run("train", "--data", data, "--out", tmp_path / below)
    assert_refused(status, *capsys.readouterr(), "--out", str(tmp_path / below))
    assert (tmp_path / "file").read_bytes() == b"regular"


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Files for `nndl evaluate`, and words that its error must have."""
    folder = tmp_path_factory.mktemp("models")
    whole = cli.book_network(backend="numpy").save(folder / "whole.npz").read_bytes()
    (folder / "cut.npz").write_bytes(whole[:-1000])
    (folder / "flipped.npz").write_bytes(whole[:5000] + bytes([whole[5000] ^ 1]) + whole[5001:])
    (folder / "empty.npz").write_bytes(b"")
    (folder / "text.npz").write_text("a model")
    (folder / "folder.npz").mkdir()
    Network([Dense(10), Softmax()], input_shape=(1, 32, 32), backend="numpy").save(folder / "32.npz")
    Network([Dense(3), Softmax()], backend="numpy").save(folder / "three.npz")
    Network([Embedding(3), LSTM(2), Dense(3), Softmax()], input_shape=(None,), backend="numpy").save(
        folder / "writes.npz")
    return folder


@pytest.mark.parametrize("model, says", [
    ("nowhere.npz", "there is no model file"), ("cut.npz", "not a whole nndl model file"),
    ("flipped.npz", "not a whole nndl model file"), ("empty.npz", "not a whole nndl model file"),
    ("text.npz", "not a whole nndl model file"), ("folder.npz", "is a folder"),
    ("32.npz", "takes inputs of 1 x 32 x 32, and the images of "),
    ("three.npz", "labels must be from 0 to 2"),
    ("writes.npz", "no network that says what an image is"),
])
def test_a_model_that_cannot_be_evaluated(model, says, models, data, capsys):
    status = run("evaluate", models / model, "--data", data, "--backend", "numpy")
    out, err = capsys.readouterr()
    if model == "three.npz":  # whole, but for other labels: seen at work
        out = ""
    assert_refused(status, out, err, "nndl evaluate: ", says)


@pytest.mark.parametrize("arguments, says", [
    (("fly",), "'fly'"),
    (("train", "--eta", "nan"), "'nan'"),
    (("evaluate", "nowhere.npz"), "there is no model file nowhere.npz"),
    (("train", "--data", "nowhere"), "nowhere"),
    (("train", "--out", "file/out"), "cannot write to file/out"),
])
def test_a_real_process_says_one_line_too(arguments, says, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    done = in_a_process(*arguments, cwd=tmp_path)
    assert_refused(done.returncode, done.stdout, done.stderr, says)
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("backend", ["numpy", "numba"])
@pytest.mark.parametrize("options", [("--eta", 1e30), ("--lmbda", 1e300)])
def test_training_that_diverges_is_one_line(options, backend, data, tmp_path, capsys):
    status = run("train", "--data", data, "--out", tmp_path, "--backend", backend, "--threads", 1,
                 *options)
    _, err = capsys.readouterr()
    assert_refused(status, "", err, "nndl train: training diverged: ", "layers[", "a smaller eta")


def test_help_is_there_for_each_verb(capsys):
    assert run("--help") == 0
    out = capsys.readouterr().out
    for verb in ("train", "evaluate", "warmup", "info", "verify"):
        assert verb in out
    assert run("train", "--help") == 0
    out = capsys.readouterr().out
    for option in ("data", "epochs", "mini-batch-size", "eta", "lmbda", "seed", "backend",
                   "threads", "out"):
        assert f"--{option} " in out
    assert run("evaluate", "--help") == 0
    assert "--data" in capsys.readouterr().out


# --- nndl train -----------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    """(exit status, what was printed, where it was saved) of a short training."""
    folder = tmp_path_factory.mktemp("out") / "new" / "folder"
    with pytest.MonkeyPatch.context() as patch:
        printed = tmp_path_factory.mktemp("printed") / "out"
        with open(printed, "w", encoding="utf-8") as file:
            patch.setattr(sys, "stdout", file)
            status = run("train", "--epochs", 2, "--data", data, "--out", folder, "--seed", 3,
                         "--threads", 1)
    return status, printed.read_text(encoding="utf-8"), folder


def test_train_prints_the_table_the_seconds_the_accuracies_and_the_paths(trained):
    status, out, folder = trained
    assert status == 0
    assert re.search(r"^layer +output shape +parameters\n", out)
    assert re.search(r"\ntotal +85,670\n", out)
    assert "250 training images, mini-batches of 10, eta " in out
    assert "seed 3, numba backend, 1 thread\n" in out
    assert re.search(r"\nepoch 1/2: .*\nepoch 2/2: ", out)
    assert re.search(r"\nseconds per epoch    \d+\.\d\n", out)
    assert re.search(r"\nvalidation accuracy  \d+\.\d\d %\n", out)
    assert re.search(r"\ntest accuracy        \d+\.\d\d %  \(\d+ of 80 wrong\)\n", out)
    paths = out.split("\nsaved:\n")[1].split()
    assert paths == [str(folder / name) for name in (
        "model.npz", "results.json", "learning_curves.png", "filters.png", "misclassified.png")]


def test_train_saves_what_it_says_and_nothing_else(trained):
    _, _, folder = trained
    assert sorted(os.listdir(folder)) == ["filters.png", "learning_curves.png",
                                          "misclassified.png", "model.npz", "results.json"]
    for path in folder.glob("*.png"):
        content = path.read_bytes()
        assert content.startswith(b"\x89PNG") and len(content) > 5000, path.name


def test_results_hold_all_that_is_needed_to_judge_and_repeat_them(trained, data):
    _, out, folder = trained
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    configuration = results["configuration"]
    assert configuration["epochs"] == 2 and configuration["mini_batch_size"] == 10
    assert configuration["eta"] == cli.ETA and configuration["lmbda"] == cli.LMBDA
    assert configuration["backend"] == "numba" and configuration["threads"] == 1
    assert configuration["data"] == str(data) and configuration["dtype"] == "float32"
    assert configuration["parameters"] == 85_670 and configuration["cost"] == "log_likelihood"
    assert configuration["layers"][0].startswith("ConvPool(filters=20, kernel_size=5")
    assert results["seed"] == 3 and results["command"] == "nndl train" and results["finished"] is True
    assert set(results["history"]) == {"eta", "seconds", "training_cost", "training_accuracy",
                                       "evaluation_cost", "evaluation_accuracy"}
    assert all(len(values) == 2 for values in results["history"].values())
    assert results["validation_accuracy"] == results["history"]["evaluation_accuracy"][-1]
    assert results["test_accuracy"] == pytest.approx(1 - results["test_errors"] / 80, abs=1e-12)
    assert f"({results['test_errors']} of 80 wrong)" in out
    assert f"test accuracy        {100 * results['test_accuracy']:.2f} %" in out
    assert f"validation accuracy  {100 * results['validation_accuracy']:.2f} %" in out
    assert results["test_accuracy"] > 0.3  # it has learnt something from 500 images
    seconds = results["seconds"]
    assert len(seconds["per_epoch"]) == 2
    assert 0 <= seconds["of_that_compiling"] <= seconds["until_first_mini_batch"] <= seconds["all"]
    assert {"python", "numpy", "numba", "nndl"} <= set(results["versions"])
    assert results["versions"]["numpy"] == np.__version__


def test_evaluate_finds_what_train_measured(trained, data, capsys):
    _, _, folder = trained
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    assert run("evaluate", folder / "model.npz", "--data", data, "--threads", 1) == 0
    out, err = capsys.readouterr()
    assert err == "" and re.search(r"\ntotal +85,670\n", out)
    assert (f"\ntest accuracy        {100 * results['test_accuracy']:.2f} %  "
            f"({results['test_errors']} of 80 wrong)\n") in out
    assert f"\nvalidation accuracy  {100 * results['validation_accuracy']:.2f} %  (" in out


def test_evaluate_takes_the_shipped_test_images_if_none_are_named(trained, capsys):
    _, _, folder = trained
    assert run("evaluate", folder / "model.npz", "--threads", 1) == 0
    out, _ = capsys.readouterr()
    accuracies = dict(re.findall(r"\n(\w+) accuracy +(\d+\.\d\d) %  \([\d,]+ of 10,000 wrong\)", out))
    accuracy = Network.load(folder / "model.npz").accuracy(mnist().test)
    assert set(accuracies) == {"validation", "test"}
    assert accuracies["test"] == f"{100 * accuracy:.2f}"


def test_the_saved_model_is_the_trained_one(trained, data):
    _, _, folder = trained
    set_threads(1)
    net = cli.book_network(seed=3)
    splits = cli._splits(data)
    net.SGD(splits.training, 2, 10, falling(cli.ETA, 2), cli.LMBDA, progress=False)
    saved = Network.load(folder / "model.npz")
    for one, other in zip(net.layers, saved.layers):
        for name in one.parameters:
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_a_training_that_learns_nothing_gets_a_hint(data, tmp_path, capsys):
    assert run("train", "--data", data, "--out", tmp_path, "--epochs", 1, "--eta", 1e-9, "--backend",
               "numpy") == 0
    assert "learnt next to nothing: " in capsys.readouterr().out


def test_options_reach_the_training(data, tmp_path, capsys):
    assert run("train", "--data", data, "--out", tmp_path, "--epochs", 1, "--mini-batch-size", 50,
               "--eta", 0.01, "--lmbda", 0, "--seed", 9, "--backend", "numpy", "--threads", 1) == 0
    assert "seed 9, numpy backend, 1 thread\n" in capsys.readouterr().out
    configuration = json.loads((tmp_path / "results.json").read_text())["configuration"]
    net = cli.book_network(seed=9, backend="numpy")
    net.SGD(cli._splits(data).training, 1, 50, 0.01, 0, progress=False)
    saved = Network.load(tmp_path / "model.npz", backend="numpy")
    np.testing.assert_allclose(saved.layers[0].w, net.layers[0].w, rtol=1e-5, atol=1e-6)
    expected = {"epochs": 1, "mini_batch_size": 50, "eta": 0.01, "lmbda": 0, "backend": "numpy",
                "threads": 1}
    assert {name: configuration[name] for name in expected} == expected


def test_results_go_to_a_new_folder_where_none_is_named(tmp_path, monkeypatch, capsys):
    folder = make_folder(tmp_path / "data", 24, 6)
    monkeypatch.chdir(tmp_path)
    assert run("train", "--data", folder, "--epochs", 1, "--backend", "numpy") == 0
    made, = (tmp_path / "nndl-results").iterdir()
    assert re.fullmatch(r"\d{8}_\d{6}", made.name) and (made / "model.npz").is_file()
    assert str(made.relative_to(tmp_path)) in capsys.readouterr().out


def test_runs_that_start_in_the_same_second_do_not_share_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folders = [new_folder("nndl-results") for _ in range(5)]
    assert len(set(folders)) == 5 and all(folder.is_dir() for folder in folders)


def test_a_file_in_the_place_of_the_folder_for_results(data, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nndl-results").write_bytes(b"")
    assert_refused(run("train", "--data", data), *capsys.readouterr(), "nndl-results")


# --- the other verbs ------------------------------------------------------------------------------

def test_info_of_the_numpy_backend_in_a_process_that_has_done_nothing():
    out = subprocess.run([sys.executable, "-m", "nndl", "info", "--backend", "numpy"], text=True,
                         capture_output=True)
    assert out.returncode == 0, out.stderr
    assert "backend" in out.stdout and "threading layer" in out.stdout


def test_info(capsys):
    assert run("info", "--threads", 1) == 0
    out, err = capsys.readouterr()
    rows = dict(re.split(r" {2,}", line, maxsplit=1) for line in out.splitlines())
    assert err == "" and rows["numpy"] == np.__version__
    assert rows["backend"].startswith("numba ") and rows["threads"].startswith("1 of ")
    assert {"python", "nndl", "numba", "threading layer", "BLAS", "BLAS hint", "vectors",
            "compiled kernels", "machine"} <= set(rows)
    assert max(map(len, out.splitlines())) < 160


@pytest.mark.parametrize("n, machine, affinity, quota, text", [
    (2, 2, 2, None, "2 of 2 usable cores"),
    (1, 2, 2, None, "1 of 2 usable cores"),
    (1, 1, 1, None, "1 of 1 usable core; on one core nothing runs side by side"),
    (3, 2, 2, 2, "3 of 2 usable cores; more threads than cores wait for each other"),
    (2, 64, 8, 2, "2 of 2 usable cores (the machine has 64, affinity leaves 8, "
                  "the container's quota is 2)"),
])
def test_info_says_how_many_threads_and_why(n, machine, affinity, quota, text, monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: machine)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(affinity)), raising=False)
    monkeypatch.setattr(backends, "container_cores", lambda: quota)
    assert cli._threads(n, backends.core_limits()) == text


@pytest.mark.parametrize("machine, features, text", [
    ("x86_64", {"avx2", "avx512f"}, "AVX-512"), ("AMD64", {"avx2"}, "AVX2; no AVX-512"),
    ("x86_64", {"sse2"}, "neither AVX-512 nor AVX2: slow"), ("arm64", {"neon"}, "arm64"),
])
def test_info_says_which_vectors_there_are(machine, features, text, monkeypatch):
    monkeypatch.setattr(cli.platform, "machine", lambda: machine)
    assert cli._vectors(features) == text


def test_warmup(capsys):
    assert run("warmup") == 0
    out, err = capsys.readouterr()
    assert re.search(r"the kernels are ready \(\d+\.\d s\)", out) and err == ""
    assert run("warmup", "--backend", "numpy") == 0
    assert "nothing to compile" in capsys.readouterr().out


def test_verify(capsys):
    assert run("verify", "--threads", 1) == 0
    out, err = capsys.readouterr()
    assert err == "" and [line.split()[:2] for line in out.splitlines()] == [
        ["ok", name] for name in ("data", "kernels", "gradients", "threads", "training")]


@pytest.mark.parametrize("function", ["activation_backward", "conv_pool_backward"])
def test_verify_finds_a_kernel_that_computes_something_else(function, monkeypatch, capsys):
    ops = backends.get("numba")
    right = getattr(ops, function)

    def wrong(*arguments, **named):
        result = right(*arguments, **named)
        array = result[1] if isinstance(result, tuple) else result
        array *= 1.0001
        return result

    def passed():
        return "not run here"

    for name in ("data", "gradients", "threads", "training"):
        monkeypatch.setattr(selftest, name, passed)
    monkeypatch.setattr(ops, function, wrong)
    assert run("verify", "--threads", 1) == 2
    out, err = capsys.readouterr()
    assert re.search(r"^FAILED +kernels .*differs from NumPy by", out, re.M)
    assert_refused(2, "", err, "does not compute what it should")


# --- how it ends ----------------------------------------------------------------------------------

@pytest.mark.skipif(os.name != "posix", reason="SIGINT is sent the POSIX way")
def test_ctrl_c_while_training_saves_and_says_so(tmp_path):
    folder, out = make_folder(tmp_path / "data", 60, 6), tmp_path / "out"
    finished = interrupted(folder, out, "epoch 2/", epochs=100_000)
    assert finished >= 2
    assert Network.load(out / "model.npz", backend="numpy").parameters == 85_670
    results = json.loads((out / "results.json").read_text())
    assert results["finished"] is False and "test_accuracy" not in results
    assert {len(values) for values in results["history"].values()} == {finished}
    assert sorted(os.listdir(out)) == ["checkpoint.npz", "model.npz", "results.json"]


@pytest.mark.skipif(os.name != "posix", reason="SIGINT is sent the POSIX way")
def test_training_that_was_stopped_goes_on_to_the_same_end(tmp_path, capsys):
    folder, out, whole = make_folder(tmp_path / "data", 240, 6), tmp_path / "out", tmp_path / "whole"
    # One thread: on some CPUs BLAS, on which the NumPy backend rests, rounds otherwise with two.
    options = "--epochs", 6, "--seed", 4, "--backend", "numpy", "--data", folder, "--threads", 1
    assert interrupted(folder, out, "epoch 1/", *options) < 6
    kept = (out / "checkpoint.npz").read_bytes()
    assert_refused(run("train", *options, "--out", out), *capsys.readouterr(),
                   f"`nndl train --resume {out}` goes on with it")
    assert (out / "checkpoint.npz").read_bytes() == kept
    (tmp_path / "part").mkdir()
    (tmp_path / "part" / "checkpoint.npz").write_bytes(kept)  # and nothing that --resume could read
    assert_refused(run("train", *options, "--out", tmp_path / "part"), *capsys.readouterr(),
                   "is the checkpoint.npz of an earlier training; for a new one name another folder")
    assert run("train", "--resume", out, "--threads", 1) == 0
    assert run("train", *options, "--out", whole) == 0
    capsys.readouterr()
    one, other = (json.loads((place / "results.json").read_text()) for place in (out, whole))
    assert one["finished"] and one["configuration"] == other["configuration"] and one["seed"] == 4
    for results in one, other:
        assert len(results["history"].pop("seconds")) == 6
    assert one["history"] == other["history"] and one["test_errors"] == other["test_errors"]
    assert (out / "model.npz").read_bytes() == (whole / "model.npz").read_bytes()
    assert sorted(os.listdir(out)) == sorted(os.listdir(whole))  # no checkpoint is left
    for arguments, says in ((("--resume", out), "was finished"),
                            (("--resume", tmp_path), "there is no results.json of a training"),
                            (("--resume", out, "--epochs", 9), "leave out --epochs"),
                            (("--resume", out, "--out", whole), "leave out --out"),
                            ((*options, "--out", whole), f"in {whole} is a finished training")):
        assert_refused(run("train", *arguments), *capsys.readouterr(), says)


def interrupted(folder, out, at, *options, epochs=None):
    """Ctrl-C `nndl train` when it has printed a line that begins so.  Returns the epochs finished."""
    options = options or ("--epochs", epochs, "--backend", "numpy", "--data", folder)
    ignored = signal.getsignal(signal.SIGINT) == signal.SIG_IGN  # as in a shell's background job
    if ignored:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        process = subprocess.Popen(
            command("train", *options, "--out", out), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True)
    finally:
        if ignored:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        for line in process.stdout:
            if line.startswith(at):
                break
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 130
    lines = [line for line in err.splitlines() if line]
    assert len(lines) == 1 and "Traceback" not in err
    finished = re.match(r"nndl train: stopped; (\d+) epochs? of \d+ finished; saved, as far as it "
                        rf"got: {re.escape(str(out / 'model.npz'))}, "
                        rf"{re.escape(str(out / 'results.json'))}; "
                        rf"`nndl train --resume {re.escape(str(out))}` goes on$", lines[0])
    assert finished, lines[0]
    return int(finished[1])


def test_ctrl_c_before_anything_is_saved_says_that(data, tmp_path, monkeypatch, capsys):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_compile", stop)
    assert run("train", "--data", data, "--out", tmp_path) == 130
    assert capsys.readouterr().err == "\nnndl train: stopped; nothing was saved\n"


def test_ctrl_c_while_the_figures_are_drawn_loses_nothing(tmp_path, monkeypatch, capsys):
    from nndl import plots

    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(plots, "filters", stop)
    folder = make_folder(tmp_path / "data", 24, 6)
    assert run("train", "--data", folder, "--out", tmp_path / "out", "--epochs", 1, "--backend",
               "numpy") == 130
    err = capsys.readouterr().err
    assert "1 epoch of 1 finished" in err and "model.npz" in err and "learning_curves.png" in err
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert results["finished"] is True and "test_accuracy" in results


@pytest.mark.skipif(os.name != "posix", reason="SIGINT is sent the POSIX way")
def test_a_second_ctrl_c_does_not_disturb_the_saving():
    before = signal.getsignal(signal.SIGINT)
    with cli._undisturbed():
        os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) == before


@pytest.mark.parametrize("arguments", [("info",), ("--help",)])
def test_a_pipe_that_is_closed_is_no_error(arguments, tmp_path):
    process = subprocess.Popen(command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               text=True, cwd=tmp_path)
    process.stdout.close()  # as `nndl info | head -1` does, only sooner
    err = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=60) == 0
    assert err == ""


@pytest.mark.skipif(os.name != "posix", reason="a POSIX shell closes it")
def test_a_stdout_that_was_never_open_is_no_error(tmp_path):
    done = subprocess.run(["sh", "-c", '"$0" "$@" >&-', *command("info")], capture_output=True,
                          text=True, timeout=60, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_pipe_closed_while_training_loses_nothing(tmp_path):
    folder = make_folder(tmp_path / "data", 24, 6)
    process = subprocess.Popen(command("train", "--data", folder, "--out", tmp_path / "out",
                                       "--epochs", 3, "--backend", "numpy"),
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    process.wait(timeout=60)
    assert "Traceback" not in err
    if (tmp_path / "out" / "results.json").exists():  # it had come to the first epoch's line
        assert Network.load(tmp_path / "out" / "model.npz", backend="numpy").parameters == 85_670


def test_damaged_kernels_are_removed_and_the_command_says_so(tmp_path):
    """Files of Numba's cache that are empty, as a power cut leaves them, and that are cut off."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    code = ("from nndl import backends; import numpy as np; "
            "backends.get('numba').relu_forward(np.zeros(1, 'float32'))")
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
    indexes = list(tmp_path.rglob("activation_numba.relu*.nbi"))
    assert indexes
    for index in indexes:
        index.write_bytes(b"")
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)  # compiles it anew
    for index in indexes:
        index.write_bytes(index.read_bytes()[:-10])
    for expected in (2, 0):
        run = subprocess.run([sys.executable, "-m", "nndl", "info"], env=environment,
                             capture_output=True, text=True)
        assert run.returncode == expected, run.stderr
        assert "Traceback" not in run.stderr
        assert ("were damaged and have been removed" in run.stderr) == (expected == 2)
