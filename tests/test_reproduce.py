"""The book's experiments: that the table says what the book says, and that runs are kept and read."""

import json
import os
import re
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nndl import backends, cli, ensemble, files, locking, reproduce, reproduced
from nndl.baselines import average_darkness, mean_probability, vote
from nndl.data import Dataset, Splits
from nndl.data.expand import SHIFTS, expand, shifted
from nndl.data.made import Made
from nndl.experiments import (
    ABOUT,
    AT_BEST_VALIDATION,
    AT_LEAST,
    BELOW,
    BEST_TEST,
    BEST_VALIDATION,
    EXPERIMENTS,
    FIRST_VALIDATION,
    LAST_TEST,
    LAST_VALIDATION,
    LIKE,
    Experiment,
)
from nndl.gradcheck import check_layer
from nndl.layers import Dense, Softmax
from nndl.scaled_tanh import ScaledTanh
from tests.nets import digits
from tests.processes import in_a_new_process

TINY = Experiment("0.tiny", "a network for tests", lambda: [Dense(10), Softmax()], epochs=3, eta=0.5,
                  lmbda=0.1, book=12.0, protocol=AT_BEST_VALIDATION, runs=2, keep_model=True)
VOTE = Experiment("0.vote", "their vote", measure=vote, of="0.tiny", protocol=LAST_TEST, runs=1)
MEAN = Experiment("0.mean", "their mean", measure=mean_probability, of="0.tiny", protocol=LAST_TEST,
                  runs=1)


@pytest.fixture
def few(monkeypatch):
    """Sixty images instead of MNIST, an experiment, and what its networks say together."""
    images, labels = digits(60)
    monkeypatch.setattr(reproduce, "load_mnist", lambda: Splits(
        *(Dataset(images[i:i + 20], labels[i:i + 20]) for i in (0, 20, 40))))
    # The vote first: what it is of must be made before it nevertheless.
    for experiment in (VOTE, MEAN, TINY):
        monkeypatch.setitem(EXPERIMENTS, experiment.id, experiment)


def names(folder):
    """The files in it."""
    return sorted(path.name for path in Path(folder).iterdir())


def nndl(*arguments):
    """The exit status of `nndl reproduce`, in this process, on one thread."""
    return cli.main(["reproduce", *map(str, arguments), "--threads", "1"])


def checkpoint(experiment, seed, folder):
    return folder / f"{experiment.id}.{seed}.{reproduce.sources(experiment)}.checkpoint.npz"


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
    for given, mend in (("1.3O", "is 1.30 meant?"), ("6.dropuot", "is 6.dropout meant?"),
                        ("3", "--chapter 3 means the whole chapter"), ("3.", "--chapter 3 means"),
                        ("beyond", "'beyond.*' means beyond.chosen, beyond.single")):
        with pytest.raises(ValueError, match=f"there is no experiment '{given}'; {re.escape(mend)}"):
            reproduce.chosen([given])
    with pytest.raises(ValueError, match="no experiment '7.rnn'; `nndl reproduce` lists them"):
        ids(["7.rnn"])
    with pytest.raises(ValueError, match="chapter 4 has no experiments; `nndl reproduce` lists all"):
        ids(["5.*"], chapter=4)


def test_quick_is_a_twentieth():
    wanted = [EXPERIMENTS[name] for name in ("6.relu", "6.vote", "3.begin.large", "beyond.mean")]
    assert [(short.id, short.epochs, short.runs) for short in reproduce.quick(wanted)] == [
        ("6.relu", 3, 1), ("3.begin.large", 1, 1)]  # no votes of single networks
    (machine,) = reproduce.quick([EXPERIMENTS["1.svm"]])  # which has no epochs
    assert (machine.data, machine.runs) == ("first 2,500", 1)


def test_a_quick_baseline_learns_from_a_twentieth_and_is_not_judged(tmp_path):
    (quick,) = reproduce.quick([EXPERIMENTS["1.darkness"]])
    result = reproduce.run(quick, 0, tmp_path)
    few = reproduce.load_mnist()
    few = few._replace(training=few.training[:2500])
    assert result["test_accuracy"] == average_darkness(few)["test_accuracy"]
    assert result["test_accuracy"] != average_darkness(reproduce.load_mnist())["test_accuracy"]
    assert reproduced.verdict(quick, [result]) == ""
    assert reproduced.verdict(EXPERIMENTS["1.darkness"], [result]) != ""


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
    assert names(tmp_path) == ["0.tiny.0.json", "0.tiny.0.npz", "0.tiny.1.json", "0.tiny.1.npz",
                               "book_and_here.png", "table.md"]
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
    kept = checkpoint(TINY, 1, tmp_path)
    assert kept.exists()
    result = reproduce.run(TINY, 1, tmp_path, progress=False)
    assert not kept.exists() and result["resumed"] and "resumed" not in whole
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
    assert reproduced.percent(experiment, result) == pytest.approx(100 * result["test_accuracy"][0])
    said = result["experiment"]
    assert (said["momentum"], said["falls_to"], said["distortion"]) == (0.5, 0.25, {"rotation": 5.0})
    assert not reproduced.stale(experiment, [json.loads(json.dumps(result))], tmp_path)
    others = (TINY, *(replace(experiment, **change) for change in (
        {"momentum": 0.0}, {"falls_to": 1.0}, {"distortion": {"rotation": 4.0}})))
    ends = [reproduce.run(other, 0, tmp_path / str(n), progress=False)
            for n, other in enumerate(others)]
    assert all(reproduced.stale(other, [result], tmp_path) for other in others)
    assert len(ends[0]["test_accuracy"]) == 3 and "momentum" not in ends[0]["experiment"]
    weights = {reproduce.Network.load(tmp_path / f"{n}" / "0.tiny.0.npz").layers[-2].w.tobytes()
               for n in (1, 2, 3)}
    assert len(weights | {net.layers[-2].w.tobytes()}) == 4


def test_what_networks_say_together(few, tmp_path):
    """By plurality from the results, by mean probability from the networks themselves."""
    nets, test = [], reproduce.load_mnist().test
    for seed in (0, 1, 2):  # one more than it is of
        reproduce.run(TINY, seed, tmp_path, progress=False)
        nets.append(reproduce.Network.load(tmp_path / f"0.tiny.{seed}.npz"))
    (tmp_path / "0.tiny.more.0.json").write_text("of another experiment")
    for experiment, by in ((VOTE, "vote"), (MEAN, "probability")):
        found = reproduce.run(experiment, 0, tmp_path)
        assert found["test_accuracy"] == [ensemble.accuracy(nets[:2], test, by)]
        assert len(found["test_errors"]) == round(20 * (1 - found["test_accuracy"][0]))
        assert [(one["seed"], one["sources"]) for one in found["members"]] == [
            (seed, reproduce.sources(TINY)) for seed in (0, 1)]
    (tmp_path / "0.tiny.1.npz").unlink()
    with pytest.raises(ValueError, match="network .*0.tiny.1.npz is not there: delete .*0.tiny.1.json, "
                                         "and `nndl reproduce 0.tiny` makes both"):
        reproduce.run(MEAN, 0, tmp_path)


def test_the_vote_is_of_all_runs_or_there_is_none(few, tmp_path, capsys):
    reproduce.run(TINY, 1, tmp_path, progress=False)
    reproduce.run(TINY, 2, tmp_path, progress=False)  # more than are asked for do not make up for it
    assert nndl("0.vote", "--out", tmp_path) == 2
    err = capsys.readouterr().err
    assert "0.vote, seed 0: 1 of the 2 runs of 0.tiny are there; `nndl reproduce 0.tiny` makes" in err
    assert not (tmp_path / "0.vote.0.json").exists()


def test_what_they_say_together_is_made_when_all_have_ended(few, tmp_path, capsys):
    """Although its experiment stands before theirs."""
    assert nndl("0.*", "--out", tmp_path) == 0
    out = capsys.readouterr().out
    assert out.index("0.tiny, seed 1: ") < out.index("0.vote, seed 0: ") < out.index("0.mean, seed 0: ")
    assert {"0.vote.0.json", "0.mean.0.json"} < set(names(tmp_path))
    assert nndl("0.*", "--runs", 1, "--out", tmp_path / "one") == 2  # no vote of one network
    assert names(tmp_path / "one") == ["0.tiny.0.json", "0.tiny.0.npz", "book_and_here.png", "table.md"]


def test_a_vote_of_other_networks_than_those_that_are_there_is_stale(few, tmp_path, monkeypatch):
    for seed in (0, 1):
        reproduce.run(TINY, seed, tmp_path, progress=False)
    said = [reproduce.run(VOTE, 0, tmp_path)]

    def stale():
        return reproduced.stale(VOTE, said, tmp_path)

    assert not stale()
    reproduce.run(TINY, 2, tmp_path, progress=False)
    assert not stale()  # it is not of it
    file = tmp_path / "0.tiny.1.json"
    whole = json.loads(file.read_text())
    for change in ({"test_errors": whole["test_errors"][1:]}, {"sources": "others"},
                   {"experiment": {"id": "0.tiny"}}):
        file.write_text(json.dumps(whole | change))
        assert stale()
    file.write_text(json.dumps(whole))
    assert not stale()
    with monkeypatch.context() as patch:  # trained anew by other programs, and the vote is as it was
        now = reproduced.sources
        patch.setattr(reproduced, "sources", lambda one: "others" if one is TINY else now(one))
        for seed in (0, 1):
            there = tmp_path / f"0.tiny.{seed}.json"
            there.write_text(json.dumps(json.loads(there.read_text()) | {"sources": "others"}))
        assert stale()
    file.unlink()
    assert stale()


def test_scaled_tanh():
    layer = ScaledTanh()
    check_layer(layer, (7,))
    net = reproduce.Network([layer.clone(), Dense(2), Softmax()], input_shape=(3,), backend="numpy")
    a = net.layers[0].forward(np.array([[0.0, 1.0, -1.0]], np.float32))
    np.testing.assert_allclose(a, [[0, 1, -1]], atol=1e-4)  # which is what the numbers are for


def test_average_darkness_is_the_books(tmp_path):
    result = reproduce.run(EXPERIMENTS["1.darkness"], 0, tmp_path)
    assert reproduced.percent(EXPERIMENTS["1.darkness"], result) == pytest.approx(22.25)
    assert len(result["test_errors"]) == 7775
    assert not reproduced.stale(EXPERIMENTS["1.darkness"], [result], tmp_path)


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
    assert reproduced.percent(replace(TINY, protocol=protocol), RESULT) == pytest.approx(percent)


def test_the_best_run_is_chosen_as_the_book_chooses():
    other = {"validation_accuracy": [0.96, 0.9], "test_accuracy": [0.93, 0.99]}
    assert reproduced.best(TINY, [RESULT, other]) == pytest.approx(93)  # where validation is best
    assert reproduced.best(replace(TINY, protocol=BEST_TEST), [RESULT, other]) == pytest.approx(99)


def of(*percents, validation=(0.9,)):
    """Results, of seeds 0, 1, ..., that have these test accuracies."""
    return [{"validation_accuracy": list(validation), "test_accuracy": [percent / 100], "seed": seed,
             "experiment": {}, "sources": "", "test_errors": [], "seconds": [1.0]}
            for seed, percent in enumerate(percents)]


@pytest.mark.parametrize("how, book, runs, verdict", [
    (AT_LEAST, 94.15, of(94), "reached"), (AT_LEAST, 94.2, of(94), "0.20 below"),
    (AT_LEAST, 90, of(94), "reached"), (AT_LEAST, None, of(94), ""), (AT_LEAST, 94, [], ""),
    # The mean, not the best; within twice the spread, here 0.28.
    (AT_LEAST, 94.2, of(93.9, 94.1), "reached"), (AT_LEAST, 94.3, of(93.9, 94.1), "0.30 below"),
    # A spread of 2.8 would bear out anything.
    (AT_LEAST, 94.51, of(92, 96), "within the scatter"), (AT_LEAST, 94.5, of(92, 96), "reached"),
    (AT_LEAST, 90, of(92, 96), "reached"), (LIKE, 90, of(92, 96), "within the scatter"),
    (BELOW, 93, of(92, 96), "within the scatter"), (BELOW, 99, of(92, 96), "agrees"),
    (LIKE, 9.8, of(9.9), "agrees"), (LIKE, 9.8, of(10.1), "0.30 above"),
    (LIKE, 9.8, of(9.5), "0.30 below"), (LIKE, 9.8, of(9.9, 10.1), "agrees"),
    (ABOUT, 93, of(92.5), "agrees"), (ABOUT, 93, of(93.6), "0.60 above"),
    (ABOUT, 93, of(92.4), "0.60 below"),
    (BELOW, 87, of(50), "agrees"), (BELOW, 87, of(87.1), "agrees"),
    (BELOW, 87, of(87.2), "0.20 above")])
def test_verdicts(how, book, runs, verdict):
    assert reproduced.verdict(replace(TINY, protocol=LAST_TEST, how=how, book=book), runs) == verdict


def test_where_the_book_takes_the_best_of_several_so_does_the_verdict():
    runs = of(98.9) + of(99.3, validation=(0.95,)) + of(99.4)  # spread 0.26, mean 99.2
    for book, verdict in ((99.8, "reached"), (99.85, "0.55 below")):
        assert reproduced.verdict(replace(TINY, book=book), runs) == verdict


def test_more_runs_than_an_experiment_asks_for_do_not_change_its_verdict(few, tmp_path):
    experiment = replace(TINY, protocol=LAST_TEST, book=99.0)
    for result, name in zip(of(98.0, 98.0, 99.5), "012"):
        (tmp_path / f"0.tiny.{name}.json").write_text(json.dumps(result))
    (_, _, book, here, best, seconds, verdict), = reproduced.table([experiment], tmp_path)
    assert (book, here, best, seconds) == ("99.00", "98.50 ± 0.87 (3)", "98.00", "1.0")
    assert verdict == "1.00 below, stale"
    for name in "01":
        (tmp_path / f"0.tiny.{name}.json").unlink()
    assert reproduced.table([experiment], tmp_path)[0][3:] == ("99.50 (1)", "", "1.0", "stale")


def test_a_quick_run_is_not_judged(monkeypatch):
    """It has a twentieth of the epochs."""
    monkeypatch.setitem(EXPERIMENTS, TINY.id, replace(TINY, epochs=20))
    assert reproduced.verdict(*reproduce.quick([EXPERIMENTS[TINY.id]]), of(5.0)) == ""
    assert reproduced.verdict(EXPERIMENTS[TINY.id], of(5.0)) == "7.00 below"


def test_the_table_shows_bounds_in_words(few, tmp_path):
    (tmp_path / "0.tiny.0.json").write_text(json.dumps(of(98.0)[0]))
    for change, shown in (({"book": 87, "how": BELOW}, "below 87"), ({"book": 93, "how": ABOUT},
                          "about 93"), ({"book": 9.8, "how": LIKE}, "9.80"), ({"book": None}, ""),
                          ({"book": None, "says": "99.65 (others)"}, "99.65 (others)")):
        assert reproduced.table([replace(TINY, **change)], tmp_path)[0][2] == shown


def test_the_figure_gets_each_run_and_the_books_number_but_no_bound(few, tmp_path, monkeypatch):
    shown = []
    monkeypatch.setattr("nndl.plots.book_and_here", lambda rows, path: shown.extend(rows))
    for result in of(98.0, 97.5):
        (tmp_path / f"0.tiny.{result['seed']}.json").write_text(json.dumps(result))
    reproduced.draw([TINY, replace(TINY, how=BELOW)], tmp_path)
    assert [row[2:] for row in shown] == [(12.0, [98.0, 97.5]), (None, [98.0, 97.5])]


def test_a_result_of_other_settings_or_other_sources_is_stale(few, tmp_path):
    result = reproduce.run(TINY, 0, tmp_path, progress=False)
    result = json.loads(json.dumps(result))
    other = replace(TINY, layers=lambda: [Dense(10, init="he"), Softmax()])
    assert not reproduced.stale(TINY, [result], tmp_path)
    assert reproduced.stale(replace(TINY, eta=0.4), [result], tmp_path)
    assert reproduced.stale(other, [result], tmp_path)
    assert reproduced.stale(TINY, [result | {"sources": "others"}], tmp_path)


def test_each_experiment_depends_on_the_programs_that_it_uses(monkeypatch):
    """And on no others: a network of the book's is not stale for what distorts images."""
    def changed(name):
        found = []
        for program in (str, lambda file: "" if file.name == name else str(file)):
            monkeypatch.setattr(reproduce, "_program", program)
            found.append({one: reproduce.sources(EXPERIMENTS[one]) for one in EXPERIMENTS})
        return {one for one in EXPERIMENTS if found[0][one] != found[1][one]}

    assert changed("scaled_tanh.py") == {"beyond.ciresan"}
    assert changed("distort.py") == {"beyond.chosen", "beyond.single", "beyond.ciresan"}
    without = {name for name, one in EXPERIMENTS.items() if one.layers is None}
    assert changed("baselines.py") == without and changed("layers.py") == set(EXPERIMENTS) - without


@pytest.mark.parametrize("content", ['{"seed": 0, "test_accuracy": [0.9', '{"seed": 0}', "3", "",
                                     b"\xff\xfe"])
def test_a_damaged_result_is_named(content, few, tmp_path, capsys):
    path = tmp_path / "0.tiny.0.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert nndl("--out", tmp_path) == 2
    assert capsys.readouterr().err == (
        f"nndl reproduce: {path} is damaged: delete it, and its run is made again\n")


# --- several of them ------------------------------------------------------------------------------

def test_several_at_once_run_the_same_experiments_as_one_after_the_other(tmp_path, capsys):
    """In processes of their own, on MNIST: two runs of one epoch."""
    assert cli.main(["reproduce", "5.1", "--quick", "--jobs", "2", "--runs", "2", "--out",
                     str(tmp_path)]) == 0
    found = [json.loads((tmp_path / "quick" / f"5.1.{seed}.json").read_text()) for seed in (0, 1)]
    assert [result["experiment"]["epochs"] for result in found] == [1, 1]
    assert all(result["threads"] >= 1 and result["test_accuracy"][0] > 0.9 for result in found)
    out = capsys.readouterr().out
    assert "5.1, seed 1: epoch 1/1: " in out
    assert f"5.1, seed 1: saved {tmp_path / 'quick' / '5.1.1.json'}\n" in out
    assert not re.search(r"^5.1, seed \d: (saved:)?$", out, flags=re.M)


def failing(splits):
    raise ValueError("scikit-learn is not there")


def test_one_that_cannot_be_made_does_not_end_the_others(few, tmp_path, monkeypatch, capsys):
    for name in ("0.a", "0.b"):
        monkeypatch.setitem(EXPERIMENTS, name, Experiment(name, "no network", measure=failing, runs=1))
    assert nndl("0.a", "0.b", "0.tiny", "--out", tmp_path) == 2
    assert capsys.readouterr().err == ("nndl reproduce: 0.a, seed 0: scikit-learn is not there; "
                                       "0.b, seed 0: scikit-learn is not there\n")
    assert {"0.tiny.0.json", "0.tiny.1.json", "table.md"} < set(names(tmp_path))
    assert nndl("0.a", "--out", tmp_path / "nothing") == 2  # of which there is nothing to draw
    assert capsys.readouterr().err == "nndl reproduce: 0.a, seed 0: scikit-learn is not there\n"
    assert names(tmp_path / "nothing") == []


def test_ctrl_c_ends_them_all(few, tmp_path, monkeypatch, capsys):
    def stopped(splits):
        raise KeyboardInterrupt

    monkeypatch.setitem(EXPERIMENTS, "0.a", Experiment("0.a", "stopped", measure=stopped, runs=1))
    monkeypatch.setitem(EXPERIMENTS, "0.z", replace(TINY, id="0.z"))
    assert nndl("0.a", "0.z", "--out", tmp_path) == 130
    assert capsys.readouterr().err == ("\nnndl reproduce: stopped; what there is is kept, and the same "
                                       "command goes on\n")
    assert names(tmp_path) == []


def test_a_process_that_fails_does_not_end_the_others(tmp_path, monkeypatch, capsys):
    """Real processes, in which scikit-learn cannot be imported."""
    (tmp_path / "sklearn").mkdir()
    (tmp_path / "sklearn" / "__init__.py").write_text("raise ImportError")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    out = tmp_path / "out"
    assert nndl("1.svm", "1.darkness", "--jobs", 2, "--out", out) == 2
    said, err = capsys.readouterr()
    why = "1.svm, seed 0: the support-vector machine is scikit-learn's: pip install scikit-learn\n"
    assert err == f"nndl reproduce: {why}" and why in said
    assert names(out) == ["1.darkness.0.json", "book_and_here.png", "table.md"]


@pytest.mark.skipif(os.name != "posix", reason="a shell script")
def test_a_process_that_is_killed_is_named(tmp_path, monkeypatch):
    script = tmp_path / "python"
    script.write_text("#!/bin/sh\nkill -9 $$\n")
    script.chmod(0o755)
    monkeypatch.setattr(reproduce.sys, "executable", str(script))
    failed = reproduce.run_all([EXPERIMENTS["5.1"], EXPERIMENTS["5.2"]], tmp_path, runs=1, jobs=2)
    assert sorted(failed) == ["5.1, seed 0: exit status -9", "5.2, seed 0: exit status -9"]


@pytest.mark.skipif(os.name != "posix", reason="SIGINT is sent the POSIX way")
@pytest.mark.parametrize("send", [os.killpg, os.kill])
def test_ctrl_c_reaches_all_processes_and_nothing_is_lost(send, tmp_path):
    """Pressed in the terminal, whose every process gets it, or sent to the command alone."""
    command = [sys.executable, "-m", "nndl", "reproduce", "3.100.l2.long", "--jobs", "2", "--runs", "3",
               "--out", str(tmp_path)]
    ignored = signal.getsignal(signal.SIGINT) == signal.SIG_IGN  # as in a shell's background job
    if ignored:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   start_new_session=True)
    finally:
        if ignored:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        waiting, said = {0, 1}, []
        for line in process.stdout:
            said.append(line)
            waiting -= {seed for seed in waiting if f"seed {seed}: epoch " in line}
            if not waiting:
                break
        send(process.pid, signal.SIGINT)
        rest, err = process.communicate(timeout=60)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    assert (process.returncode, err) == (
        130, "\nnndl reproduce: stopped; what there is is kept, and the same command goes on\n")
    assert "Traceback" not in rest and "seed 2" not in "".join(said) + rest
    kept = [checkpoint(EXPERIMENTS["3.100.l2.long"], seed, tmp_path).name for seed in (0, 1)]
    assert names(tmp_path) == kept


@pytest.mark.skipif(os.name != "posix", reason="a shell script")
def test_a_process_that_was_stopped_stops_the_others(tmp_path, monkeypatch):
    """The next one must not be begun, even if we have not noticed the Ctrl-C ourselves."""
    script = tmp_path / "python"
    script.write_text("#!/bin/sh\nexit 130\n")
    script.chmod(0o755)
    monkeypatch.setattr(reproduce.sys, "executable", str(script))
    begun, process = [], reproduce._in_a_process

    def watched(name, *others):
        begun.append(name)
        process(name, *others)

    monkeypatch.setattr(reproduce, "_in_a_process", watched)
    with pytest.raises(KeyboardInterrupt, match="what there is is kept"):
        reproduce.run_all(list(EXPERIMENTS.values()), tmp_path, jobs=2)
    assert len(begun) <= 2


def test_a_checkpoint_of_other_programs_is_not_gone_on_with(few, tmp_path, monkeypatch):
    stops = {"stop": lambda history: history.epochs == 1}
    sgd = reproduce.Network.SGD

    def stopped(self, *given, **options):
        sgd(self, *given, **options | stops)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(reproduce, "sources", lambda experiment: "0123456789abcdef")
        patch.setattr(reproduce.Network, "SGD", stopped)
        for seed in (0, 1):
            with pytest.raises(KeyboardInterrupt):
                reproduce.run(TINY, seed, tmp_path, progress=False)
    others = [f"0.tiny.{seed}.0123456789abcdef.checkpoint.npz" for seed in (0, 1)]
    assert names(tmp_path) == others
    epochs = []

    def watched(self, *given, **options):
        return sgd(self, *given, **options | {"stop": lambda history: epochs.append(history.epochs)})

    monkeypatch.setattr(reproduce.Network, "SGD", watched)
    reproduce.run(TINY, 0, tmp_path, progress=False)
    assert epochs[0] == 1  # from the beginning
    assert names(tmp_path) == ["0.tiny.0.json", "0.tiny.0.npz", others[1]]


# --- one process at a time ------------------------------------------------------------------------

LOCKS = pytest.mark.skipif(locking.fcntl is None, reason="no such locks here")


@LOCKS
def test_a_run_that_another_process_makes_is_left_to_it(few, tmp_path, capsys):
    path = tmp_path / "0.tiny.0.lock"
    holding = subprocess.Popen(
        [sys.executable, "-c", "import sys; from nndl.locking import alone\n"
         "with alone(sys.argv[1]) as mine:\n    print(mine, flush=True); sys.stdin.read()", path],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert holding.stdout.readline() == "True\n"
        assert nndl("0.tiny", "--out", tmp_path) == 0
        assert "0.tiny, seed 0: another process is making it\n" in capsys.readouterr().out
        assert "0.tiny.1.json" in names(tmp_path) and "0.tiny.0.json" not in names(tmp_path)
        assert path.exists()
    finally:
        holding.kill()  # with which the lock is free, although its file is there
        holding.communicate()
    assert path.exists()
    assert nndl("0.tiny", "--out", tmp_path) == 0
    assert "0.tiny.0.json" in names(tmp_path) and not list(tmp_path.glob("*.lock"))


@LOCKS
def test_a_lock_file_that_was_removed_holds_nobody_off(tmp_path, monkeypatch):
    """Between opening and locking it, the one who had it has ended, and a third has a new one."""
    path, flock = tmp_path / "lock", locking.fcntl.flock

    def late(file, how):
        path.unlink()
        path.write_text("the third's")
        flock(file, how)

    monkeypatch.setattr(locking.fcntl, "flock", late)
    with locking.alone(path) as mine:
        assert not mine
    assert path.read_text() == "the third's"
    monkeypatch.setattr(locking.fcntl, "flock", lambda file, how: path.unlink())
    with locking.alone(path) as mine:
        assert not mine


def test_where_there_are_no_locks_everybody_is_alone(tmp_path, monkeypatch):
    def none(file, how):
        raise OSError(38, "Function not implemented")

    if locking.fcntl is not None:
        with monkeypatch.context() as patch, pytest.raises(ZeroDivisionError):
            patch.setattr(locking.fcntl, "flock", none)
            with locking.alone(tmp_path / "lock") as mine:
                assert mine
                raise ZeroDivisionError
    monkeypatch.setattr(locking, "fcntl", None)
    with locking.alone(tmp_path / "lock") as mine, locking.alone(tmp_path / "lock") as other:
        assert mine and other
    assert names(tmp_path) == []


def test_what_went_wrong_first_is_what_is_said(tmp_path):
    """The file that was half written has gone, with its folder, before it could be removed."""
    def gone(file):
        for beside in tmp_path.iterdir():
            beside.unlink()
        raise ArithmeticError("first")

    with pytest.raises(ArithmeticError, match="first"):
        files.write_atomically(tmp_path / "result", gone)


# --- the command ----------------------------------------------------------------------------------

def test_a_backend_is_used_and_recorded(few, tmp_path, monkeypatch):
    used = set()
    init = reproduce.Network.__init__

    def watched(self, *given, **options):
        init(self, *given, **options)
        used.add(self.ops.name)

    for backend, others in (("numpy", "numba"), ("numba", "numpy")):
        with monkeypatch.context() as patch:
            # What describes an experiment makes a network of NumPy's, too.
            for module in reproduce, reproduced:
                patch.setattr(module, "settings", lambda experiment: {"id": experiment.id})
            patch.setattr(reproduce.Network, "__init__", watched)
            used.clear()
            assert nndl("0.*", "--backend", backend, "--out", tmp_path / backend) == 0
        assert used == {backend}, others
        for name in ("0.tiny.0", "0.vote.0", "0.mean.0"):
            result = json.loads((tmp_path / backend / f"{name}.json").read_text())
            assert result["backend"] == backend
    monkeypatch.setenv("NNDL_BACKEND", "numpy")
    assert reproduce.run(TINY, 0, tmp_path, progress=False)["backend"] == "numpy"


def test_the_processes_get_the_options(few, tmp_path, monkeypatch):
    begun = []
    monkeypatch.setattr(reproduce, "_in_a_process",
                        lambda name, arguments, children, say: begun.append(arguments))
    threads = str(max(1, backends.get("numpy").threads // 2))
    assert cli.main(["reproduce", "0.tiny", "--jobs", "2", "--backend", "numpy", "--quick", "--out",
                     str(tmp_path)]) == 0
    assert begun == [["0.tiny", "--seed", "0", "--threads", threads, "--out", str(tmp_path),
                      "--backend", "numpy", "--quick"]]


def test_a_quick_table_is_of_quick_runs(few, tmp_path, capsys):
    assert nndl("0.*", "--quick", "--out", tmp_path) == 0
    assert names(tmp_path / "quick") == ["0.tiny.0.json", "0.tiny.0.npz", "book_and_here.png",
                                         "table.md"]  # no vote of a single network
    table = (tmp_path / "quick" / "table.md").read_text()
    assert "| 0.tiny |" in table and "stale" not in table and "stale" not in capsys.readouterr().out
    assert nndl("--quick", "--out", tmp_path) == 0
    out = capsys.readouterr().out
    assert "0.vote" not in out and "stale" not in out
    assert nndl("0.vote", "--quick", "--out", tmp_path) == 2
    assert capsys.readouterr().err == (
        "nndl reproduce: --quick leaves out what several networks say together: 0.vote\n")


def test_a_seed_is_made_once(few, tmp_path, capsys):
    assert nndl("0.tiny", "--seed", 5, "--out", tmp_path) == 0
    assert names(tmp_path) == ["0.tiny.5.json", "0.tiny.5.npz"]
    kept = tmp_path / "0.tiny.5.json"
    before = kept.stat().st_mtime_ns
    out = capsys.readouterr().out
    assert out.startswith(f"0.tiny, seed 5: {TINY.what}; after each epoch, accuracy on the validation "
                          "images\n")
    assert out.endswith(f"\nsaved:\n  {kept}\n")
    assert nndl("0.tiny", "--seed", 5, "--out", tmp_path) == 0
    assert capsys.readouterr().out == (f"0.tiny, seed 5: is there already; delete {kept} to make it "
                                       f"again\n\nsaved:\n  {kept}\n")
    assert (tmp_path / "0.tiny.5.json").stat().st_mtime_ns == before


@pytest.mark.parametrize("arguments, says", [
    (["--seed", 3], "--seed and --runs: of which experiment?"),
    (["--runs", 3], "--seed and --runs: of which experiment?"),
    (["1.30", "--seed", 3, "--runs", 2], "--seed is a single run, and --runs says how many"),
    (["curves", "--seed", 3], "curves are the book's own runs: leave out --seed"),
    (["curves", "--quick"], "curves are the book's own runs: leave out --quick"),
    (["curves", "1.30"], "curves are the book's own runs: `nndl reproduce curves` alone draws them"),
    (["1.30", "--published", "x"], "--published belongs to `nndl reproduce curves`"),
    (["--chapter", 4], "chapter 4 has no experiments"),
    (["--chapter", 4, "1.30"], "chapter 4 has no experiments")])
def test_what_names_no_experiment_is_one_line(arguments, says, tmp_path, capsys):
    assert nndl(*arguments, "--out", tmp_path) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith(f"nndl reproduce: {says}") and err.count("\n") == 1


def test_what_has_no_chance_in_it_is_not_made_again(few, tmp_path):
    assert nndl("0.tiny", "0.vote", "--runs", 3, "--out", tmp_path) == 0
    found = [name for name in names(tmp_path) if name.endswith("json")]
    assert found == ["0.tiny.0.json", "0.tiny.1.json", "0.tiny.2.json", "0.vote.0.json"]
