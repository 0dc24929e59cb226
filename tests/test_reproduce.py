"""The book's experiments: that the table says what the book says, and that runs are kept and read."""

import json
import sys
from dataclasses import replace

import numpy as np
import pytest

from nndl import cli, ensemble, reproduce
from nndl.baselines import mean_of, vote_of
from nndl.data import Dataset, Splits
from nndl.data.expand import SHIFTS, expand, shifted
from nndl.data.made import Made
from nndl.experiments import (
    AT_BEST_VALIDATION,
    BEST_TEST,
    BEST_VALIDATION,
    EXPERIMENTS,
    FIRST_VALIDATION,
    LAST_TEST,
    LAST_VALIDATION,
    Experiment,
    ScaledTanh,
)
from nndl.gradcheck import check_layer
from nndl.layers import Dense, Softmax
from tests.nets import digits
from tests.processes import in_a_new_process

TINY = Experiment("0.tiny", "a network for tests", lambda: [Dense(10), Softmax()], epochs=3, eta=0.5,
                  lmbda=0.1, book=12.0, protocol=AT_BEST_VALIDATION, runs=2)


@pytest.fixture
def few(monkeypatch):
    """Sixty images instead of MNIST, and one experiment."""
    images, labels = digits(60)
    monkeypatch.setattr(reproduce, "load_mnist", lambda: Splits(
        *(Dataset(images[i:i + 20], labels[i:i + 20]) for i in (0, 20, 40))))
    monkeypatch.setitem(EXPERIMENTS, TINY.id, TINY)


# --- the table ------------------------------------------------------------------------------------

def test_the_table_is_the_books():
    chapters = [experiment.chapter for experiment in EXPERIMENTS.values()]
    assert {n: chapters.count(n) for n in chapters} == {1: 6, 3: 9, 5: 4, 6: 20, 0: 5}
    for experiment in EXPERIMENTS.values():
        if experiment.layers is None:
            continue
        net = reproduce.make(experiment, 0, backend="numpy")
        assert net.output_shape == (10,)
        if experiment.chapter:
            assert experiment.mini_batch_size == 10 and experiment.test_each_epoch
            assert experiment.shuffle == (experiment.chapter < 6 or experiment.id == "6.relu.order")
    parameters = {name: reproduce.make(EXPERIMENTS[name], 0, backend="numpy").parameters
                  for name in ("1.30", "6.conv", "6.relu")}
    assert parameters == {"1.30": 23_860, "6.conv": 289_630, "6.relu": 85_670}


def test_experiments_are_chosen_by_id_pattern_and_chapter():
    def ids(*arguments, **more):
        return [experiment.id for experiment in reproduce.chosen(*arguments, **more)]
    assert ids(["6.dropout"]) == ["6.dropout"] and ids([]) == []
    assert ids(["5.*", "1.30"]) == ["1.30", "5.1", "5.2", "5.3", "5.4"]
    assert ids([], chapter=1) == ["1.30", "1.100", "1.100.slow", "1.30.fast", "1.darkness", "1.svm"]
    assert ids([], everything=True) == list(EXPERIMENTS)
    assert ids(["beyond.*"], chapter=5)[:4] == ["5.1", "5.2", "5.3", "5.4"] and ids(["beyond.vote"])
    with pytest.raises(ValueError, match="no experiment 7.rnn; `nndl reproduce` lists them"):
        ids(["7.rnn"])


def test_quick_is_a_twentieth():
    short = reproduce.quick(EXPERIMENTS["6.relu"])
    assert (short.epochs, short.runs, short.id) == (3, 1, "6.relu")
    assert reproduce.quick(EXPERIMENTS["3.begin.large"]).epochs == 1


# --- expanded data --------------------------------------------------------------------------------

def test_an_image_moved_by_hand():
    image = np.array([[[1, 2], [3, 4]]], np.uint8)
    for down, right, moved in (
            (0, 0, [[1, 2], [3, 4]]), (1, 0, [[0, 0], [1, 2]]), (-1, 0, [[3, 4], [0, 0]]),
            (0, 1, [[0, 1], [0, 3]]), (0, -1, [[2, 0], [4, 0]])):
        assert np.array_equal(shifted(image, down, right), [moved])


def test_expanded_are_five_of_each_in_mixed_order():
    images, labels = digits(40)
    more = expand(Dataset(images, labels))
    assert more.images.shape == (200, 28, 28) and more.images.dtype == np.uint8
    found = {(image.tobytes(), label) for image, label in zip(more.images, more.labels)}
    assert found == {(shifted(images[i:i + 1], *shift).tobytes(), labels[i])
                     for i in range(40) for shift in SHIFTS}
    assert not np.array_equal(more.labels[:40], labels)
    assert np.array_equal(more.images[:], expand(Dataset(images, labels)).images[:])
    assert np.array_equal(more.images[3:9], more.images[:][3:9])
    assert np.array_equal(more.images[7], more.images[:][7])


def test_images_that_are_made_train_as_an_array_of_them_does(monkeypatch):
    """In pieces of 40 of the 200, the last mini-batch a short one."""
    monkeypatch.setattr("nndl.mini_batches.MADE_AT_ONCE", 40)
    more = expand(Dataset(*digits(40)))
    nets = [reproduce.make(EXPERIMENTS["6.dense"], 0) for _ in range(2)]
    for net, images in zip(nets, (more.images, more.images[:])):
        history = net.SGD((images, more.labels), 1, 7, 0.5, monitor_training_cost=True,
                          monitor_training_accuracy=True, progress=True)
        assert history.training_accuracy[-1] == net.accuracy((images, more.labels))
    assert np.array_equal(nets[0].layers[1].w, nets[1].layers[1].w)
    assert np.array_equal(nets[0].layers[-2].w, nets[1].layers[-2].w)
    sets = (expand(Dataset(*digits(n)), seed).images for n in (3, 4) for seed in (0, 1))
    assert len({images.fingerprint() for images in sets}) == 4


def test_an_epoch_of_250_000_images_takes_the_memory_of_50_000():
    """In a process of its own, in which everything has been compiled and used before."""
    pytest.importorskip("resource")
    grown = in_a_new_process("""
        import resource
        from nndl import Dense, Network, Sigmoid, load_mnist
        from nndl.data.expand import expand
        training = load_mnist().training
        net = Network([Dense(30), Sigmoid(), Dense(10), Sigmoid()])
        def peak(data):
            net.SGD(data, 1, 10, 0.5, progress=False)
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(-peak(training) + peak(expand(training)))
        """)
    assert int(grown) * (1 if sys.platform == "darwin" else 1024) < 100e6  # they would be 196 MB


def test_made_images_must_say_how():
    made = Made((3, 2, 2))
    assert len(made) == 3 and made.size == 12
    with pytest.raises(NotImplementedError, match="Made must define make"):
        made[0]
    with pytest.raises(NotImplementedError, match="must define fingerprint"):
        made.fingerprint()


# --- runs -----------------------------------------------------------------------------------------

def test_a_run_is_kept_and_not_run_again(few, tmp_path, capsys):
    assert cli.main(["reproduce", "0.tiny", "--out", str(tmp_path), "--threads", "1"]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "0.tiny.0.json", "0.tiny.1.json", "book_and_here.png", "table.md"]
    assert "| 0.tiny | a network for tests | 12.00 |" in (tmp_path / "table.md").read_text()
    result = json.loads((tmp_path / "0.tiny.0.json").read_text())
    assert result["experiment"]["epochs"] == 3
    assert result["experiment"]["network"]["layers"][1]["n_out"] == 10
    assert {len(result[name]) for name in ("test_accuracy", "validation_accuracy", "seconds")} == {3}
    assert len(result["test_errors"]) == round(20 * (1 - result["test_accuracy"][-1]))
    assert result["sources"] == reproduce.sources(TINY) and result["threads"] == 1
    out = capsys.readouterr().out
    assert "0.tiny, seed 1: a network for tests" in out and "12.00" in out and "(2)" in out
    before = (tmp_path / "0.tiny.0.json").stat().st_mtime_ns
    assert cli.main(["reproduce", "0.tiny", "--out", str(tmp_path), "--threads", "1"]) == 0
    assert (tmp_path / "0.tiny.0.json").stat().st_mtime_ns == before
    assert "seed" not in capsys.readouterr().out


def test_a_stopped_run_goes_on(few, tmp_path, monkeypatch):
    whole = reproduce.run(TINY, 1, tmp_path / "whole", progress=False)
    sgd = reproduce.Network.SGD

    def stopped(self, *given, **options):
        sgd(self, *given, **options | {"stop": lambda history: history.epochs == 1})
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(reproduce.Network, "SGD", stopped)
        reproduce.run(TINY, 1, tmp_path, progress=False)
    assert (tmp_path / "0.tiny.1.checkpoint.npz").exists()
    result = reproduce.run(TINY, 1, tmp_path, progress=False)
    assert not (tmp_path / "0.tiny.1.checkpoint.npz").exists()
    for name in ("test_accuracy", "validation_accuracy", "test_errors"):
        assert result[name] == whole[name]


def test_beyond_the_book_the_test_images_are_looked_at_once(few, tmp_path, monkeypatch):
    """Distorted images of all that is not for testing, momentum, a falling eta, the network saved."""
    looked, accuracy = [], reproduce.Network.accuracy

    def watched(self, data):
        looked.append(len(self.history.seconds))
        return accuracy(self, data)

    monkeypatch.setattr(reproduce.Network, "accuracy", watched)
    experiment = replace(TINY, data="60,000 distorted", distortion={"rotation": 5.0}, momentum=0.5,
                         falls_to=0.25, test_each_epoch=False, keep_model=True, protocol=LAST_TEST)
    result = reproduce.run(experiment, 0, tmp_path, progress=False)
    assert looked == [3] and result["validation_accuracy"] == [] and len(result["seconds"]) == 3
    assert len(reproduce.training_data(experiment, reproduce.load_mnist()).labels) == 40
    net = reproduce.Network.load(tmp_path / "0.tiny.0.npz")
    assert [net.accuracy(reproduce.load_mnist().test)] == result["test_accuracy"]
    assert reproduce.measured(experiment, result) == pytest.approx(100 * result["test_accuracy"][0])
    said = result["experiment"]
    assert (said["momentum"], said["falls_to"], said["distortion"]) == (0.5, 0.25, {"rotation": 5.0})
    assert not reproduce.stale(experiment, [json.loads(json.dumps(result))])
    others = (TINY, *(replace(experiment, **change) for change in (
        {"momentum": 0.0}, {"falls_to": 1.0}, {"distortion": {"rotation": 4.0}})))
    ends = [reproduce.run(other, 0, tmp_path / str(n), progress=False)
            for n, other in enumerate(others)]
    assert all(reproduce.stale(other, [result]) for other in others)
    assert len(ends[0]["test_accuracy"]) == 3 and "momentum" not in ends[0]["experiment"]
    weights = {reproduce.Network.load(tmp_path / f"{n}" / "0.tiny.0.npz").layers[-2].w.tobytes()
               for n in (1, 2, 3)}
    assert len(weights | {net.layers[-2].w.tobytes()}) == 4


def test_what_networks_say_together(few, tmp_path):
    """By plurality from the results, by mean probability from the networks themselves."""
    vote, mean = (measure("0.tiny") for measure in (vote_of, mean_of))
    with pytest.raises(ValueError, match="no 0.tiny.*npz is in .*`nndl reproduce 0.tiny` first"):
        mean(reproduce.load_mnist(), tmp_path)
    nets, test = [], reproduce.load_mnist().test
    for seed in range(3):
        reproduce.run(replace(TINY, keep_model=True), seed, tmp_path, progress=False)
        nets.append(reproduce.Network.load(tmp_path / f"0.tiny.{seed}.npz"))
    (tmp_path / "0.tiny.more.0.json").write_text("of another experiment")
    for measure, by in ((vote, "vote"), (mean, "probability")):
        found = measure(reproduce.load_mnist(), tmp_path)
        assert found["test_accuracy"] == [ensemble.accuracy(nets, test, by)]
        assert len(found["test_errors"]) == round(20 * (1 - found["test_accuracy"][0]))


def test_scaled_tanh():
    layer = ScaledTanh()
    check_layer(layer, (7,))
    net = reproduce.Network([layer.clone(), Dense(2), Softmax()], input_shape=(3,), backend="numpy")
    a = net.layers[0].forward(np.array([[0.0, 1.0, -1.0]], np.float32))
    np.testing.assert_allclose(a, [[0, 1, -1]], atol=1e-4)  # which is what the numbers are for


def test_average_darkness_is_the_books(tmp_path):
    result = reproduce.run(EXPERIMENTS["1.darkness"], 0, tmp_path)
    assert reproduce.measured(EXPERIMENTS["1.darkness"], result) == pytest.approx(22.25)
    assert len(result["test_errors"]) == 7775
    assert not reproduce.stale(EXPERIMENTS["1.darkness"], [result])


def test_the_vote_is_of_the_runs_in_the_folder(few, tmp_path):
    with pytest.raises(ValueError, match="no 6.dropout.*json is in .*reproduce 6.dropout. first"):
        reproduce.run(EXPERIMENTS["6.vote"], 0, tmp_path)
    labels = reproduce.load_mnist().test.labels.astype(int)
    for seed, errors in enumerate(([[0, 9 - labels[0]], [1, 9 - labels[1]]], [[0, 9 - labels[0]]],
                                   [[1, 9 - labels[1]], [2, 9 - labels[2]]])):
        (tmp_path / f"6.dropout.{seed}.json").write_text(
            json.dumps({"test_errors": [[int(i), int(said)] for i, said in errors]}))
    result = reproduce.run(EXPERIMENTS["6.vote"], 0, tmp_path)
    assert result["test_accuracy"] == [0.9] and [i for i, _ in result["test_errors"]] == [0, 1]


def test_the_support_vector_machine(few, tmp_path):
    pytest.importorskip("sklearn")
    result = reproduce.run(EXPERIMENTS["1.svm"], 0, tmp_path)
    assert len(result["test_errors"]) == round(20 * (1 - result["test_accuracy"][0]))


def test_what_a_program_says_of_itself_is_no_part_of_what_it_does():
    program = ('"""What it is."""\n\nx = "# no comment"  # a comment\n\n'
               'def f():\n    """Why."""\n    return x\n')
    does = 'x = "# no comment"\ndef f():\n    return x'
    assert reproduce.what_it_does(program) == does
    assert reproduce.what_it_does(program.replace("Why", "Another\n    reason")) == does
    assert reproduce.what_it_does(program.replace("return x", "return -x")) != does


# --- what is read off them ------------------------------------------------------------------------

RESULT = {"validation_accuracy": [0.91, 0.95, 0.95, 0.93], "test_accuracy": [0.90, 0.96, 0.94, 0.92]}


@pytest.mark.parametrize("protocol, percent", [
    (BEST_TEST, 96), (LAST_TEST, 92), (BEST_VALIDATION, 95), (FIRST_VALIDATION, 91),
    (LAST_VALIDATION, 93),
    (AT_BEST_VALIDATION, 94)])  # of equally good epochs the last, as network3 says
def test_protocols(protocol, percent):
    assert reproduce.measured(replace(TINY, protocol=protocol), RESULT) == pytest.approx(percent)


def test_the_best_run_is_chosen_as_the_book_chooses():
    other = {"validation_accuracy": [0.96, 0.9], "test_accuracy": [0.93, 0.99]}
    assert reproduce.best(TINY, [RESULT, other]) == pytest.approx(93)  # where validation is best
    assert reproduce.best(replace(TINY, protocol=BEST_TEST), [RESULT, other]) == pytest.approx(99)


@pytest.mark.parametrize("book, spread, verdict", [
    (94.1, None, "reached"), (94.2, None, "0.20 below"), (94.2, 0.1, "reached"),
    (95, 0.1, "1.00 below"), (None, None, "")])
def test_verdicts(book, spread, verdict, monkeypatch):
    monkeypatch.setattr(reproduce, "stale", lambda *_: False)
    assert reproduce.verdict(replace(TINY, book=book), [RESULT], spread) == verdict
    monkeypatch.setattr(reproduce, "stale", lambda *_: True)
    assert reproduce.verdict(replace(TINY, book=book), [RESULT], spread).endswith("stale")


def test_a_result_of_other_settings_or_other_sources_is_stale(few, tmp_path):
    result = reproduce.run(TINY, 0, tmp_path, progress=False)
    result = json.loads(json.dumps(result))
    assert not reproduce.stale(TINY, [result])
    assert reproduce.stale(replace(TINY, eta=0.4), [result])
    assert reproduce.stale(replace(TINY, layers=lambda: [Dense(10, init="he"), Softmax()]), [result])
    assert reproduce.stale(TINY, [result | {"sources": "others"}])


def test_several_at_once_run_the_same_experiments_as_one_after_the_other(tmp_path, capsys):
    """In processes of their own, on MNIST: two runs of one epoch."""
    assert cli.main(["reproduce", "5.1", "--quick", "--jobs", "2", "--runs", "2", "--out",
                     str(tmp_path)]) == 0
    found = [json.loads((tmp_path / "quick" / f"5.1.{seed}.json").read_text()) for seed in (0, 1)]
    assert [result["experiment"]["epochs"] for result in found] == [1, 1]
    assert all(result["threads"] >= 1 and result["test_accuracy"][0] > 0.9 for result in found)
    assert "5.1, seed 1: epoch 1/1: " in capsys.readouterr().out
