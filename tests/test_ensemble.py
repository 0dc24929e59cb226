"""Several networks, one answer; trained by any executor."""

import collections
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from nndl import Dense, Network, Softmax, ensemble
from tests.nets import digits

SGD = {"epochs": 2, "mini_batch_size": 10, "eta": 0.5}


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


@pytest.mark.filterwarnings("ignore")  # of Dask's own
def test_dasks_client_is_one():
    distributed = pytest.importorskip("distributed")
    with (distributed.LocalCluster(n_workers=1, threads_per_worker=1, processes=False,
                                   dashboard_address=None) as cluster,
          distributed.Client(cluster) as client):
        nets = ensemble.train(net(), digits(60), [1, 5], client.get_executor(), **SGD)
    assert_same(nets, trained([1, 5]))
