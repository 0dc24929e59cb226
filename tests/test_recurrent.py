"""Layers and networks for sequences."""

import contextlib
import io

import numpy as np
import pytest

from nndl import (
    LSTM,
    Dense,
    Dropout,
    Embedding,
    EncoderDecoder,
    Last,
    Network,
    QuadraticCost,
    Recurrent,
    Sequences,
    Sigmoid,
    Softmax,
    Tanh,
    backends,
    layers,
    recurrent,
)
from nndl.checkpoint import fingerprint
from nndl.gradcheck import check_layer, check_network

BACKENDS = ("numpy", "numba")
CASES = [
    (Embedding(5), (4,), (4, 5)), (Embedding(5, 3), (4,), (4, 3)),
    (Recurrent(4), (3, 2), (3, 4)), (Recurrent(3, init="default"), (1, 2), (1, 3)),
    (LSTM(4), (3, 2), (3, 4)), (LSTM(2, forget_bias=-1), (4, 3), (4, 2)),
    (Last(), (3, 2), (2,)),
    (LSTM(3, stateful=True), (3, 2), (3, 3)),
    (EncoderDecoder(3, 2), (5, 2), (3, 3)), (EncoderDecoder(4, 3, cell="recurrent"), (4, 2), (1, 4)),
]
NAMES = [repr(layer) for layer, _, _ in CASES]


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("layer, shape, out", CASES, ids=NAMES)
def test_backward_is_the_gradient_of_forward(layer, shape, out, backend):
    layer = layer.clone()
    errors = check_layer(layer, shape, backend=backend)
    assert set(errors) == {*layer.parameters} | ({"input"} if layer.name != "embedding" else set())
    assert layer.clone().setup(shape, backends.get(backend), rng(), "float32") == out


def test_every_kind_of_layer_is_among_the_cases():
    new = {name: kind for name, kind in recurrent.LAYERS.items() if name not in layers.LAYERS}
    assert {type(layer) for layer, _, _ in CASES} == set(new.values())


# --- whole networks ----------------------------------------------------------------------------------

def one_hot(y, n):
    return np.eye(n)[y]


NETWORKS = {
    "many to one": (lambda: [LSTM(4), Dropout(0.2), Last(), Dense(3), Softmax()], (4, 2),
                    lambda r: (r.random((3, 4, 2)), r.integers(0, 3, 3))),
    "many to one, ragged": (lambda: [Recurrent(4), Tanh(), Last(), Dense(3), Softmax()], (None, 2),
                            lambda r: (Sequences(r.random((3, 4, 2)), [1, 4, 2]), r.integers(0, 3, 3))),
    "many to one, any number of steps": (lambda: [Recurrent(4), Last(), Dense(3), Softmax()], (None, 2),
                                         lambda r: (r.random((3, 4, 2)), r.integers(0, 3, 3))),
    "many to one, desired outputs": (lambda: [LSTM(4), Last(), Dense(3), Sigmoid()], (None, 2),
                                     lambda r: (r.random((3, 4, 2)), r.integers(0, 2, (3, 3)) / 1)),
    "stateful": (lambda: [Recurrent(4, stateful=True), LSTM(3, stateful=True), Dense(3), Softmax()],
                 (None, 2), lambda r: (r.random((3, 4, 2)), r.integers(0, 3, (3, 4)))),
    "of one no step counts": (lambda: [LSTM(4), Dense(3), Softmax()], (None, 2),
                              lambda r: (Sequences(r.random((3, 4, 2)), [4, 1, 3]),
                                         np.array([[0, 1, 2, 1], [-1, 2, 2, 2], [1, -1, 0, 1]]))),
    "step by step": (lambda: [Recurrent(5), Dense(4), Tanh(), LSTM(3), Dense(2), Sigmoid()], (None, 2),
                     lambda r: (r.random((3, 4, 2)), r.random((3, 4, 2)))),
    "step by step, ragged": (lambda: [LSTM(4), Dropout(0.3), Dense(2), Sigmoid()], (4, 2),
                             lambda r: (Sequences(r.random((3, 4, 2)), [1, 4, 2]),
                                        r.random((3, 4, 2)))),
    "some steps do not count": (lambda: [Recurrent(4), Dense(3), Softmax()], (None, 2),
                                lambda r: (r.random((3, 4, 2)),
                                           np.array([[0, -1, 2, 1], [2, 2, -1, -1], [1, 0, 1, 2]]))),
    "another cost": (lambda: [Recurrent(4), Dense(3)], (None, 2),
                     lambda r: (Sequences(r.random((3, 4, 2)), [4, 1, 3]), r.random((3, 4, 3)))),
    "symbols": (lambda: [Embedding(5, 3), LSTM(4), Dense(5), Softmax()], (None,),
                lambda r: (Sequences(r.integers(0, 5, (3, 4)), [4, 1, 3]), r.integers(0, 5, (3, 4)))),
    "read and write": (lambda: [Embedding(4), EncoderDecoder(4, 3), Dense(4), Softmax()], (None,),
                       lambda r: (Sequences(r.integers(0, 4, (3, 6)), valid=np.array(
                           [[1, 1, 0, 1, 1, 0], [1, 0, 0, 1, 1, 1], [1, 1, 1, 1, 0, 0]], bool)),
                           r.integers(0, 4, (3, 3)))),
}
networks = pytest.mark.parametrize("name", NETWORKS)


def network(name, **options):
    """A network of this kind, and a mini-batch for it."""
    made, shape, data = NETWORKS[name]
    return Network(made(), input_shape=shape, **options), data(rng(1))


@pytest.mark.parametrize("backend", BACKENDS)
@networks
def test_backprop_is_the_gradient_of_the_cost(name, backend):
    net, (x, y) = network(name, backend=backend)
    check_network(net, x, y)


@networks
def test_both_backends_learn_the_same(name):
    ends = []
    for backend in BACKENDS:
        net, data = network(name, backend=backend, dtype="float64")
        net.SGD(data, 3, 2, 0.1, lmbda=0.5, momentum=0.5, clip=0.7, progress=False, shuffle=False,
                evaluation_data=data, monitor_evaluation_cost=True, monitor_evaluation_accuracy=True)
        ends.append([getattr(layer, each) for layer in net.layers for each in layer.parameters]
                    + [net.history.evaluation_cost, net.history.evaluation_accuracy,
                       net.feedforward(data[0])])
    for one, two in zip(*ends, strict=True):
        assert np.allclose(one, two, rtol=1e-9, atol=1e-11)


@networks
def test_it_comes_back_from_a_file(name, tmp_path):
    net, (x, y) = network(name)
    net.SGD((x, y), 1, 2, 0.1, progress=False, shuffle=False)
    other = Network.load(net.save(tmp_path / "model.npz"))
    assert repr(other) == repr(net) and str(other) == str(net)
    assert np.array_equal(net.feedforward(x), other.feedforward(x))
    assert np.array_equal(net.copy().feedforward(x), other.feedforward(x))


@networks
def test_trace_shows_each_layer(name):
    net, (x, y) = network(name)
    out = io.StringIO()
    net.trace(x, y, out)
    for layer in net.layers:
        assert layer.describe() in out.getvalue()
    assert "Cost: " in out.getvalue() and "nan" not in out.getvalue()


@networks
def test_training_lowers_the_cost(name):
    net, (x, y) = network(name)
    if name.startswith("step by step"):
        y = np.round(y)  # of desired outputs between 0 and 1 the cost does not go near 0
    before = net.total_cost((x, y))
    net.SGD((x, y), 60, 3, 0.3, progress=False, shuffle=False)
    assert net.total_cost((x, y)) < 0.9 * before


def test_the_cost_of_a_sequence_is_the_sum_over_its_steps_that_count():
    net, (x, y) = network("step by step, ragged")
    a = net.feedforward(x)
    each = -(y * np.log(a) + (1 - y) * np.log(1 - a)).sum(axis=2)
    assert net.total_cost((x, y)) == pytest.approx((each * x.valid).sum() / 3, rel=1e-5)
    net, (x, y) = network("some steps do not count")
    a = net.feedforward(x)
    each = -np.log(np.take_along_axis(a, np.maximum(y, 0)[..., None], 2)[..., 0])
    assert net.total_cost((x, y)) == pytest.approx((each * (y >= 0)).sum() / 3, rel=1e-5)
    assert net.accuracy((x, y)) == np.mean(a.argmax(2)[y >= 0] == y[y >= 0])
    net, (x, y) = network("another cost")
    off = np.square(net.feedforward(x) - y).sum(axis=2)
    assert net.total_cost((x, y)) == pytest.approx(0.5 * (off * x.valid).sum() / 3, rel=1e-5)


def test_what_is_missing_has_no_say():
    for name in ("many to one, ragged", "step by step, ragged", "symbols", "read and write"):
        net, (x, y) = network(name, dtype="float64")
        before = net.total_cost((x, y)), net.backprop(x, y)
        kept = [getattr(layer, f"nabla_{each}").copy() for layer in net.layers
                for each in layer.parameters]
        other = x.padded.copy()
        other[~x.valid] = 1
        net, (_, y) = network(name, dtype="float64")
        assert net.total_cost((x.like(other), y)) == before[0]
        net, (_, y) = network(name, dtype="float64")
        net.backprop(x.like(other), y)
        again = [getattr(layer, f"nabla_{each}") for layer in net.layers for each in layer.parameters]
        assert all(np.array_equal(one, two) for one, two in zip(kept, again, strict=True))


def test_a_network_reads_an_images_rows():
    """Bytes become byte/256, and Flatten makes a row of the steps."""
    images = rng().integers(0, 256, (5, 28, 28), np.uint8)
    net = Network([LSTM(3), Last(), Dense(10), Softmax()], input_shape=(28, 28))
    assert np.array_equal(net.feedforward(images), net.feedforward(images.astype("f") / 256))
    assert net.feedforward(images).shape == (5, 10) and "28 x 28" in str(net)
    flat = Network([layers.Flatten(), Dense(10), Softmax()], input_shape=(28, 28))
    assert flat.feedforward(images).shape == (5, 10)


def test_the_number_of_steps_may_change():
    net = Network([Recurrent(3), Dense(2), Softmax()], input_shape=(None, 4), seed=3)
    x = rng().random((2, 9, 4), np.float32)
    assert np.allclose(net.feedforward(x)[:, :5], net.feedforward(x[:, :5]), atol=1e-6)
    assert "t x 4" in str(net)


# --- states ------------------------------------------------------------------------------------------

@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("kind", [Recurrent, LSTM])
def test_a_stateful_layer_goes_on_while_training(kind, backend):
    layer = kind(3, stateful=True)
    layer.setup((None, 2), backends.get(backend), rng(), "float64")
    x = rng(1).random((2, 6, 2))
    whole = layer.forward(x).copy()
    layer.reset()
    parts = [layer.forward(x[:, :4], training=True).copy(), layer.forward(x[:, 4:], training=True)]
    assert np.allclose(np.concatenate(parts, axis=1), whole, atol=1e-14)
    assert np.allclose(layer.state[0], whole[:, -1]) and len(layer.state) == 1 + (kind is LSTM)
    assert np.allclose(layer.forward(x), whole)               # not training: from the beginning
    layer.forward(x, training=True)
    assert layer.forward(x[:1], training=True).shape == (1, 6, 3)  # another number of sequences: anew
    layer.reset()
    assert np.allclose(layer.forward(x, training=True), whole)


def test_a_state_can_be_handed_in():
    layer = LSTM(3)
    layer.setup((None, 2), backends.get("numba"), rng(), "float64")
    x = rng(1).random((2, 6, 2))
    whole = layer.forward(x).copy()
    layer.forward(x[:, :4])
    layer.begin = layer.state
    assert np.allclose(layer.forward(x[:, 4:]), whole[:, 4:])
    assert np.allclose(layer.forward(x), whole)  # for one call
    layer.begin = (np.zeros((2, 4)), np.zeros((2, 3)))
    with pytest.raises(ValueError, match=r"h0 must have shape \(2, 3\).*not \(2, 4\)"):
        layer.forward(x)


def test_measuring_leaves_the_state_of_training_alone():
    net = Network([Embedding(4), LSTM(3, stateful=True), Dense(4), Softmax()], input_shape=(None,))
    x = rng().integers(0, 4, (4, 5))
    net.backprop(x[:2], x[:2])
    before = [array.copy() for array in net.layers[1].state]
    net.accuracy((np.tile(x, (200, 1)), np.tile(x, (200, 1))))
    assert all(np.array_equal(one, two) for one, two in zip(before, net.layers[1].state))


def stateful_net():
    return Network([Embedding(4), LSTM(5, stateful=True), Dense(4), Softmax()], input_shape=(None,))


def test_stateful_training_needs_its_order():
    x = rng().integers(0, 4, (6, 5))
    with pytest.raises(ValueError, match=r"LSTM\(.*shuffle=False.*nndl.text.streams"):
        stateful_net().SGD((x, x), 1, 2, 0.1)
    net = stateful_net()
    net.SGD((x, x), 1, 2, 0.1, shuffle=False, progress=False)
    one = [array.copy() for array in net.layers[1].state]
    net = stateful_net()
    net.layers[1].state = [np.ones((2, 5), "f")] * 2  # whatever was left: an epoch begins with 0
    net.SGD((x, x), 1, 2, 0.1, shuffle=False, progress=False)
    assert all(np.array_equal(a, b) for a, b in zip(one, net.layers[1].state))


def test_stateful_training_resumes_to_the_same_bits(tmp_path):
    x = rng().integers(0, 4, (60, 5))
    file = tmp_path / "stateful.checkpoint.npz"
    how = {"shuffle": False, "progress": False, "clip": 1.0, "momentum": 0.9}
    expected = stateful_net()
    expected.SGD((x, x), 2, 2, 0.1, **how)
    net, steps = stateful_net(), []

    class Stopped(Exception):
        pass

    real = net.update_mini_batch

    def update_mini_batch(*arguments, **more):
        if len(steps) == 37:
            raise Stopped
        steps.append(real(*arguments, **more))

    net.update_mini_batch = update_mini_batch
    with contextlib.suppress(Stopped):
        net.SGD((x, x), 2, 2, 0.1, checkpoint=file, checkpoint_every=0, **how)
    again = stateful_net()
    again.SGD((x, x), 2, 2, 0.1, checkpoint=file, **how)
    for mine, its in zip(expected.layers, again.layers):
        for name in mine.parameters:
            assert np.array_equal(getattr(mine, name), getattr(its, name))
    with pytest.raises(ValueError, match="whose clip was 1.0, not None"):
        stateful_net().SGD((x, x), 2, 2, 0.1, checkpoint=file, **{**how, "clip": None})


def test_a_fingerprint_knows_which_steps_there_are():
    x, y = rng().random((3, 4, 2)), np.zeros(3, int)
    one, two = Sequences(x, [1, 2, 3]), Sequences(x, [1, 2, 4])
    assert len({fingerprint((one, y)), fingerprint((two, y)), fingerprint((x, y))}) == 3


# --- clipping ----------------------------------------------------------------------------------------

@pytest.mark.parametrize("backend", BACKENDS)
def test_the_gradient_is_shortened_to_its_bound(backend):
    net, (x, y) = network("many to one, ragged", backend=backend, dtype="float64")
    net.backprop(x, y, copy=False)
    norm = net.gradient_norm(3)
    all_of_it = np.concatenate([getattr(layer, f"nabla_{name}").ravel() for layer in net.layers
                                for name in layer.parameters]) / 3
    assert norm == pytest.approx(np.linalg.norm(all_of_it), rel=1e-12)
    for clip, factor in ((norm / 4, 0.25), (norm * 4, 1), (None, 1)):
        other = net.copy()
        before = other.layers[0].w_hh.copy()
        other.update_mini_batch((x, y), 0.5, clip=clip)
        change = other.layers[0].w_hh - before
        assert np.allclose(change, -0.5 * factor * net.layers[0].nabla_w_hh / 3, rtol=1e-9, atol=1e-14)


def test_a_gradient_of_length_0_is_no_division_by_it():
    net = Network([Dense(2)], input_shape=(3,), cost=QuadraticCost, dtype="float64")
    x = rng().random((4, 3))
    net.update_mini_batch((x, net.feedforward(x)), 0.1, clip=1.0)
    assert np.isfinite(net.layers[0].w).all()


def test_clip_must_be_a_number_above_0():
    net, data = network("many to one")
    for clip, error, words in ((0, ValueError, "above 0"), (-1, ValueError, "at least 0"),
                               ("1", TypeError, "clip must be a number")):
        with pytest.raises(error, match=words):
            net.SGD(data, 1, 1, 0.1, clip=clip)


def test_weights_decay_and_biases_do_not():
    net, (x, y) = network("read and write", dtype="float64")
    before = {name: getattr(net.layers[1], name).copy() for name in net.layers[1].parameters}
    net.update_mini_batch((x, y), 0.1, lmbda=2.0, n=5)
    other, _ = network("read and write", dtype="float64")
    other.update_mini_batch((x, y), 0.1)
    for name, w in before.items():
        decay = 0.1 * 2 / 5 * w if "w" in name.split("_") else 0 * w
        assert np.allclose(getattr(other.layers[1], name) - getattr(net.layers[1], name), decay)
    assert net.total_cost((x, y), lmbda=1.0, n=1) - net.total_cost((x, y)) == pytest.approx(0.5 * sum(
        np.square(getattr(layer, name)).sum() for layer in net.layers for name in layer.parameters
        if "w" in name.split("_")))


# --- what is refused ---------------------------------------------------------------------------------

SYMBOLS = [Embedding(4), Recurrent(3), Dense(4), Softmax()]


@pytest.mark.parametrize("make, error, words", [
    (lambda: Recurrent(0), ValueError, "n must be at least 1"),
    (lambda: LSTM(3, truncate=0), ValueError, "truncate must be at least 1 step"),
    (lambda: LSTM(3, truncate=1.5), TypeError, "truncate must be an int or None, not 1.5"),
    (lambda: LSTM(3, init="big"), ValueError, "init must be one of"),
    (lambda: Embedding(0), ValueError, "symbols must be at least 1"),
    (lambda: EncoderDecoder(3, 2, cell="gru"), ValueError,
     "cell must be 'lstm' or 'recurrent', not 'gru'"),
    (lambda: Network([Recurrent(3), Last()], input_shape=(784,)), ValueError,
     r"layers\[0\], Recurrent.*needs sequences \(t, n_in\), not 784.*\(28, 28\).*Embedding"),
    (lambda: Network([LSTM(3)]), ValueError, "LSTM needs sequences .* not 1 x 28 x 28"),
    (lambda: Network([Last()], input_shape=(3,)), ValueError, "Last needs sequences"),
    (lambda: Network([Embedding(3)], input_shape=(4, 2)), ValueError, r"input_shape=\(t,\), not 4 x 2"),
    (lambda: Network([EncoderDecoder(3, 4)], input_shape=(4, 2)), ValueError,
     "of 4 steps 4 are read: none is left"),
])
def test_what_makes_no_layer_is_refused(make, error, words):
    with pytest.raises(error, match=words):
        make()


X, Y = np.zeros((3, 4, 2)), np.zeros(3, int)


@pytest.mark.parametrize("name, x, y, error, words", [
    ("many to one", X[0], np.zeros(4, int), ValueError,
     r"must have shape \(m, 4, 2\).*not \(4, 2\).*x.reshape\(1, 4, 2\)"),
    ("many to one, ragged", X[0], np.zeros(4, int), ValueError,
     r"\(m, t, 2\), not \(4, 2\); x.reshape\(1, \*x.shape\)"),
    ("many to one, ragged", X[:, :, :1], Y, ValueError, r"\(m, t, 2\), not \(3, 4, 1\)"),
    ("many to one", X, np.zeros((3, 4), int), ValueError,
     r"labels must be ints \(3,\).*int64 \(3, 4\)"),
    ("step by step", X, Y, ValueError, r"output at each step: for one in all put Last\(\)"),
    ("some steps do not count", X, np.full((3, 4), -2), ValueError, "from 0 to 2 .* or -1 .* not -2"),
    ("some steps do not count", X, np.full((3, 4), 3), ValueError, "not 3"),
    ("some steps do not count", X, np.full((3, 4), -1), ValueError, "all labels are -1"),
    ("some steps do not count", X, np.zeros((3, 5), int), ValueError,
     "4 steps have 4 outputs, but there are labels for 5"),
    ("read and write", np.zeros((3, 6), int), np.zeros((3, 4), int), ValueError,
     "6 steps, of which 3 are read, have 3 outputs, but there are labels for 4"),
    ("symbols", np.zeros((3, 4)), np.zeros((3, 4), int), TypeError,
     "symbols, ints from 0 to 4, not float64"),
    ("symbols", np.full((3, 4), 5), np.zeros((3, 4), int), ValueError, "symbols from 0 to 4, not 5"),
    ("symbols", np.full((3, 4), -1), np.zeros((3, 4), int), ValueError, "symbols from 0 to 4, not -1"),
    ("symbols", np.zeros(4, int), np.zeros(4, int), ValueError,
     r"symbols must have shape \(m, t\), not \(4,\)"),
    ("symbols", [[1, 2], [3]], [[1, 2], [3]], ValueError, r"Sequences.of\(list\)"),
])
def test_data_that_do_not_fit_are_refused(name, x, y, error, words):
    net, _ = network(name)
    with pytest.raises(error, match=words):
        net.SGD((x, y), 1, 2, 0.1, progress=False)


def test_sequences_of_unequal_length_need_a_layer_that_knows_them():
    net = Network([Dense(3), Softmax()], input_shape=(None, 2))
    with pytest.raises(ValueError, match="no recurrent layer"):
        net.feedforward(Sequences(X, [1, 2, 3]))


def test_the_steps_left_to_write_are_counted_at_each_call():
    net, _ = network("read and write")
    with pytest.raises(ValueError, match="of 3 steps 3 are read: none is left"):
        net.feedforward(np.zeros((2, 3), int))


def test_a_network_that_diverges_says_where():
    net, (x, y) = network("step by step", dtype="float64")
    net.layers[0].w_hh[0, 0] = np.inf
    with pytest.raises(ArithmeticError, match=r"w_hh of layers\[0\], Recurrent"):
        net.SGD((x, y), 1, 2, 0.1, progress=False)


# --- memory and threads ------------------------------------------------------------------------------

def test_the_same_arrays_serve_every_mini_batch():
    """Nothing is made anew that has the size of a mini-batch; a last short one has views."""
    net = Network([Embedding(20), LSTM(30), Dense(20), Softmax()], input_shape=(None,))
    x = rng().integers(0, 20, (25, 12))
    net.SGD((x, x), 1, 10, 0.01, progress=False)
    arrays = {name: id(value.base if value.base is not None else value)
              for layer in net.layers for work in (vars(layer).get("forward_work", {}),
                                                   vars(layer).get("backward_work", {}))
              for name, value in work.items() if isinstance(name, str) and name.endswith("memory")}
    assert len(arrays) > 10
    net.SGD((x, x), 2, 10, 0.01, progress=False)
    again = {name: id(value.base if value.base is not None else value)
             for layer in net.layers for work in (vars(layer).get("forward_work", {}),
                                                  vars(layer).get("backward_work", {}))
             for name, value in work.items() if isinstance(name, str) and name.endswith("memory")}
    assert again == arrays


@pytest.mark.parametrize("kind", [Recurrent, LSTM])
def test_training_ends_in_the_same_bits_for_any_number_of_threads(kind, monkeypatch):
    ops = backends.get("numba")
    monkeypatch.setattr(ops, "threads", ops.threads)
    x = rng().random((47, 9, 6), np.float32)
    data = Sequences(x, rng(1).integers(1, 10, 47)), rng(2).integers(0, 3, 47)
    results = []
    import numba
    for threads in range(1, min(4, numba.config.NUMBA_NUM_THREADS) + 1):
        ops.threads = threads
        net = Network([kind(70), kind(33), Last(), Dense(3), Softmax()], input_shape=(None, 6))
        net.SGD(data, 2, 20, 0.1, progress=False, clip=1.0, momentum=0.5)
        results.append([getattr(layer, name).tobytes() for layer in net.layers
                        for name in layer.parameters])
    assert len(results) > 1 and all(result == results[0] for result in results)
