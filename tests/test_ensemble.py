"""Several networks, one answer; trained by any executor."""

import collections
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from nndl import LSTM, Dense, Network, Sequences, Sigmoid, Softmax, ensemble
from nndl.book import network2
from tests.nets import digits

SGD = {"epochs": 2, "mini_batch_size": 10, "eta": 0.5}


class BrokenPool:
    """An executor in which nothing gets done."""

    error = BrokenProcessPool

    def __init__(self, *given):
        pass

    def map(self, function, jobs):
        raise self.error

    def __enter__(self):
        return self

    def __exit__(self, *given):
        return None


def net(seed=0, backend="numpy"):
    return Network([Dense(10), Softmax()], seed=seed, backend=backend)


@given(arrays.arrays(np.int64, st.tuples(st.integers(1, 6), st.integers(1, 9)),
                     elements=st.integers(0, 4)))
def test_the_vote_is_the_books(predictions):
    """Counter.most_common: of equally many the one that was there first."""
    expected = [collections.Counter(column).most_common(1)[0][0] for column in predictions.T.tolist()]
    assert ensemble.plurality(predictions).tolist() == expected


def test_a_vote_by_hand():
    assert ensemble.plurality([[1, 2, 3], [2, 2, 4], [2, 5, 5]]).tolist() == [2, 2, 3]


def test_by_vote_and_by_probability():
    """Two networks lean a little to 1, the third is sure of 0."""
    nets = [Network([Dense(2), Softmax()], input_shape=(1,), backend="numpy") for _ in range(3)]
    for one, b in zip(nets, ([0, 0.1], [0, 0.1], [9, 0]), strict=True):
        one.layers[0].w[...], one.layers[0].b[...] = 0, b
    x = np.zeros((3, 1), np.float32)
    assert ensemble.predict(nets, x).tolist() == [1, 1, 1]
    assert ensemble.predict(nets, x, by="probability").tolist() == [0, 0, 0]
    assert ensemble.accuracy(nets, (x, np.array([1, 0, 1]))) == pytest.approx(2 / 3)
    with pytest.raises(ValueError, match="by must be"):
        ensemble.predict(nets, x, by="luck")
    with pytest.raises(ValueError, match="nets is empty"):
        ensemble.predict([], x)


def test_steps_are_voted_on_one_by_one_and_only_those_that_count():
    r = np.random.default_rng(0)
    nets = [Network([LSTM(4), Dense(3), Softmax()], input_shape=(None, 2), seed=seed)
            for seed in range(3)]
    x, y = Sequences(r.random((5, 4, 2)), [4, 1, 3, 2, 4]), r.integers(0, 3, (5, 4))
    y[0, 2] = -1
    each = np.array([one.predict(x) for one in nets])
    together = ensemble.predict(nets, x)
    for i, s in np.ndindex(5, 4):
        assert together[i, s] == ensemble.plurality(each[:, [i], s])[0]
    counted = x.valid & (y >= 0)
    assert ensemble.accuracy(nets, (x, y)) == pytest.approx((together == y)[counted].mean())
    for by in "vote", "probability":
        assert ensemble.accuracy(nets[:1], (x, y), by) == pytest.approx(nets[0].accuracy((x, y)))


def test_networks_of_one_output_name_two_classes():
    """1 from 0.5 on; the third is the more certain, and the mean is 0.45 and 0.6."""
    nets = [Network([Dense(1), Sigmoid()], input_shape=(1,), backend="numpy") for _ in range(3)]
    for one, (w, b) in zip(nets, ((0.0, 0.3), (0.0, 0.4), (0.9, -1.0)), strict=True):
        one.layers[0].w[...], one.layers[0].b[...] = w, b
    x = np.array([[-1.0], [2.0]], np.float32)
    mean = np.mean([one.feedforward(x) for one in nets], axis=0)[:, 0]
    assert mean[0] < 0.5 < mean[1]
    assert ensemble.predict(nets, x, by="probability").tolist() == [0, 1]
    assert ensemble.predict(nets, x).tolist() == [1, 1]


def trained(seeds):
    """The same, one after the other."""
    nets = [net(seed) for seed in seeds]
    for one in nets:
        one.SGD(digits(60), progress=False, **SGD)
    return nets


def assert_same(nets, others):
    for one, other in zip(nets, others, strict=True):
        assert one.seed == other.seed
        assert np.array_equal(one.layers[1].w, other.layers[1].w)


def test_spawned_processes_are_the_default():
    assert_same(ensemble.train(net(), digits(60), [4, 2], **SGD), trained([4, 2]))


def test_any_executor_will_do():
    with ThreadPoolExecutor(1) as executor:
        assert_same(ensemble.train(net(), digits(60), [0, 3], executor, **SGD), trained([0, 3]))


def test_each_network_has_a_checkpoint_of_its_own(tmp_path):
    """Stopped after the first epoch, both go on to the end of those that were never stopped."""
    where = {"checkpoint": tmp_path / "digits.checkpoint.npz"}
    with ThreadPoolExecutor(2) as executor:
        ensemble.train(net(), digits(60), [0, 3], executor, **SGD | where | {"epochs": 1})
        assert sorted(path.name for path in tmp_path.iterdir()) == [
            "digits.checkpoint.0.npz", "digits.checkpoint.3.npz"]
        assert_same(ensemble.train(net(), digits(60), [0, 3], executor, **SGD | where), trained([0, 3]))
        ensemble.train(net(), digits(60), [1], executor, **SGD, checkpoint=str(tmp_path / "plain"))
    assert (tmp_path / "plain.1").exists()


@pytest.mark.parametrize("run, says", [
    (lambda: ensemble.train(net(), digits(60), [0.5, 0.7], **SGD), "seeds must be ints, .* not 0.5"),
    (lambda: ensemble.train(net(), digits(60), 3, **SGD), r"not 3: range\(3\) are so many"),
    (lambda: ensemble.train(net(), digits(60), None, **SGD), "seeds must be ints, .* not None"),
    (lambda: ensemble.train(net(), digits(60), [0], "dask", **SGD), "executor must be .* not 'dask'"),
    (lambda: ensemble.train(net(), digits(60), [0], ThreadPoolExecutor, **SGD), "executor must be"),
    (lambda: ensemble.train(network2.Network([784, 10]), digits(60), [0], **SGD),
     "net must be an nndl.Network, not a nndl.book.network2.Network"),
    (lambda: ensemble.train(net(), digits(60), [0], **SGD | {"eta": lambda epoch: 0.5}),
     r"eta cannot be sent to another process .*: make it a function .* or hand in executor=Thread"),
    (lambda: ensemble.accuracy(net(), digits(60)), r"nets must be a list of networks.*say \[net\]"),
])
def test_arguments_of_the_wrong_kind_are_named(run, says):
    with pytest.raises(TypeError, match=says):
        run()


@pytest.mark.parametrize("executor", [None, BrokenPool()])
def test_a_process_that_dies_is_said_with_what_to_do(executor, monkeypatch):
    """As OpenMP ends a process that was forked."""
    monkeypatch.setattr(ensemble, "ProcessPoolExecutor", BrokenPool)
    with pytest.raises(RuntimeError, match=r'has died: .* == "__main__":.*get_context\("spawn"'):
        ensemble.train(net(), digits(60), [0, 1], executor, **SGD)


def test_ctrl_c_says_where_training_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(BrokenPool, "error", KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt, match="^$"):
        ensemble.train(net(), digits(60), [4, 2], BrokenPool(), **SGD)
    with pytest.raises(KeyboardInterrupt, match="kept in .*e.4.npz, .*e.2.npz, .* goes on"):
        ensemble.train(net(), digits(60), [4, 2], BrokenPool(), **SGD, checkpoint=tmp_path / "e.npz")


@pytest.mark.filterwarnings("ignore")  # of Dask's own
def test_dasks_client_is_one():
    distributed = pytest.importorskip("distributed")
    with (distributed.LocalCluster(n_workers=1, threads_per_worker=1, processes=False,
                                   dashboard_address=None) as cluster,
          distributed.Client(cluster) as client):
        nets = ensemble.train(net(), digits(60), [1, 5], client.get_executor(), **SGD)
    assert_same(nets, trained([1, 5]))
