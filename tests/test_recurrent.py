"""Layers and networks for sequences."""

import contextlib
import io
import math

import numpy as np
import pytest

from nndl import (
    LSTM,
    Dense,
    Dropout,
    Embedding,
    EncoderDecoder,
    Flatten,
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
                 (None, 2), lambda r: (r.random((4, 4, 2)), r.integers(0, 3, (4, 4)))),
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
    net.SGD((x, y), 60, len(y), 0.3, progress=False, shuffle=False)
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
        assert net.total_cost((Sequences(other, valid=x.valid), y)) == before[0]
        net, (_, y) = network(name, dtype="float64")
        net.backprop(Sequences(other, valid=x.valid), y)
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
    with pytest.raises(ValueError, match=r"1 sequences cannot go on where 2 have ended: reset\(\)"):
        layer.forward(x[:1], training=True)
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


def test_stateful_mini_batches_have_one_size():
    x = rng().integers(0, 4, (6, 5))
    with pytest.raises(ValueError, match="same size: 6 examples are no multiple of mini_batch_size=4"):
        stateful_net().SGD((x, x), 1, 4, 0.1, shuffle=False)


def test_measuring_and_compiling_leave_the_state_that_training_goes_on_with():
    x, net = rng().integers(0, 4, (3, 5)), stateful_net()
    net.update_mini_batch((x, x), 0.1)
    before = [array.copy() for array in net.layers[1].state]
    for look in (lambda: net.cost_of(x[:2], x[:2]), lambda: net.compile((x[:2], x[:2])),
                 lambda: net.accuracy((x, x))):
        look()
        assert all(np.array_equal(a, b) for a, b in zip(before, net.layers[1].state))


@pytest.mark.parametrize("kind", [Recurrent, LSTM])
def test_a_truncated_layers_gradient_is_the_operations(kind):
    layer = kind(3, truncate=2)
    layer.setup((None, 2), backends.get("numpy"), rng(), "float64")
    x, d = rng(1).random((2, 5, 2)), rng(2).random((2, 5, 3))
    layer.forward(x)
    layer.backward(d)
    cut = layer.nabla_w_hh.copy()
    layer.truncate = None
    layer.backward(d)
    assert not np.allclose(cut, layer.nabla_w_hh, rtol=1e-3)
    # Steps 0 and 1, 2 and 3, and 4, each with the state before it as a number.
    total = 0
    for begin in (0, 2, 4):
        piece = kind(3)
        piece.setup((None, 2), backends.get("numpy"), rng(), "float64")
        for name in piece.parameters:
            setattr(piece, name, getattr(layer, name))
        if begin:
            piece.forward(x[:, :begin])
            piece.begin = piece.state
        piece.forward(x[:, begin:begin + 2])
        piece.backward(d[:, begin:begin + 2])
        total = total + piece.nabla_w_hh
    assert np.allclose(cut, total, rtol=1e-12)


def test_forget_gates_begin_open():
    net = Network([LSTM(3, forget_bias=2.5), Last(), Dense(2), Softmax()], input_shape=(4, 2))
    assert net.layers[0].b.tolist() == [0] * 3 + [2.5] * 3 + [0] * 6
    with pytest.raises(TypeError, match="forget_bias must be a finite number, not 'open'"):
        LSTM(3, forget_bias="open")
    with pytest.raises(TypeError):
        LSTM(28, 128)  # another library's order, inputs first
    with pytest.raises(TypeError, match="stateful must be True or False, not 'no'"):
        LSTM(3, stateful="no")


def test_bytes_are_256ths_of_steps_too():
    x, y = rng().integers(0, 256, (6, 4, 2), np.uint8), rng().integers(0, 3, 6)
    nets = [Network([LSTM(4), Last(), Dense(3), Softmax()], input_shape=(None, 2)) for _ in range(2)]
    for net, examples in zip(nets, (x, (x / 256).astype(np.float32))):
        net.SGD((examples, y), 2, 2, 0.5, progress=False)
    assert np.array_equal(nets[0].layers[0].w_xh, nets[1].layers[0].w_xh)


def test_the_weights_of_both_parts_are_attributes_of_both():
    net, (x, _) = network("read and write", dtype="float64")
    layer, before = net.layers[1], net.feedforward(x)
    layer.encoder_w_xh = layer.encoder_w_xh * 2
    assert layer.encoder.w_xh is layer.encoder_w_xh
    assert not np.allclose(net.feedforward(x), before)


def test_padding_has_no_say_in_training():
    """Neither numbers, nor symbols, nor labels, of steps that are not there."""
    r = rng()
    x, y = r.random((4, 3, 2)), r.integers(0, 3, (4, 3))
    dirty, wild = x.copy(), y.copy()
    dirty[0, 1:], wild[0, 1:] = np.nan, -100
    ends = []
    for examples, labels in ((x, y), (dirty, wild), (x, Sequences(y, [1, 3, 3, 2]))):
        net = Network([LSTM(4), Dense(3), Softmax()], input_shape=(None, 2), dtype="float64")
        net.SGD((Sequences(examples, [1, 3, 3, 2]), labels), 2, 2, 0.5, progress=False)
        ends.append(net.layers[0].w_hh)
    assert np.array_equal(ends[0], ends[1]) and np.array_equal(ends[0], ends[2])
    net = Network([Embedding(5), LSTM(4), Dense(3), Softmax()], input_shape=(None,))
    net.SGD((Sequences([[0, 4, -1], [1, 2, 3]], [2, 3]), y[:2]), 1, 2, 0.5, progress=False)


def test_axes_in_another_order_are_no_other_way_of_writing_it():
    net = Network([LSTM(4), Last(), Dense(3), Softmax()], input_shape=(4, 2))
    with pytest.raises(ValueError, match=r"x.transpose\(0, 2, 1\)"):
        net.feedforward(np.zeros((5, 2, 4), np.float32))
    for fits in ((5, 4, 2), (5, 1, 4, 2), (5, 8)):
        assert net.feedforward(np.zeros(fits, np.float32)).shape == (5, 3)


def test_a_mini_batch_of_which_no_step_counts_costs_and_teaches_nothing():
    net = Network([LSTM(4), Dense(3), Softmax()], input_shape=(None, 2))
    x, y, before = rng().random((2, 4, 2)), np.full((2, 4), -1), net.layers[0].w_xh.copy()
    net.update_mini_batch((x, y), 0.5)
    assert net.cost_of(x, y) == 0 and np.array_equal(net.layers[0].w_xh, before)


def test_as_many_labels_as_steps_by_hand_too():
    net = Network([LSTM(4), Dense(3), Sigmoid()], input_shape=(None, 2))
    x = rng().random((3, 4, 2))
    for y in (np.zeros((3, 1, 3)), np.zeros((3, 1), int), np.zeros((3, 5), int)):
        for what in (net.cost_of, net.backprop):
            with pytest.raises(ValueError, match="4 steps have 4 outputs, but there are labels for"):
                what(x, y)


def test_what_is_read_but_not_written_is_refused():
    """Padded at its end, a short example has no step left in which to write."""
    net, _ = network("read and write")
    reads = net.layers[1].reads
    x = Sequences.of([np.ones(2, int), np.ones(reads + 3, int)])
    with pytest.raises(ValueError, match=f"sequence 0 has no step behind the {reads} that are read"):
        net.SGD((x, np.zeros((2, 3), int)), 1, 2, 0.1)


@pytest.mark.parametrize("make, words", [
    (lambda: Network([Recurrent(3), Flatten(), Dense(2), Softmax()], input_shape=(None, 2)), "Last"),
    (lambda: Network([Dense(4), Embedding(3)], input_shape=(4,)), "only the first layer"),
    (lambda: Network([Recurrent(3)], input_shape=(None, 2), cost="cross_entropy"), "between 0 and 1"),
    (lambda: check_layer(LSTM(3), (None, 2)), "number of steps to check with"),
    (lambda: check_layer(LSTM(3, truncate=2), (4, 2)), "truncate=None"),
    (lambda: network("many to one")[0].feedforward([[[1.0, 2]], [[1, 2], [3, 4]]]), "unequal"),
    (lambda: network("step by step")[0].feedforward(np.zeros((3, 0, 2))), "at least one step")])
def test_mistakes_are_named(make, words):
    with pytest.raises(ValueError, match=words):
        make()


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
    for clip, error in (0, ValueError), (-1, ValueError), (math.nan, ValueError), ("1", TypeError):
        for train in (lambda: net.SGD(data, 1, 1, 0.1, clip=clip),  # noqa: B023
                      lambda: net.update_mini_batch(data, 0.1, clip=clip)):  # noqa: B023
            with pytest.raises(error, match="clip must be a number above 0, or None"):
                train()


@pytest.mark.parametrize("layers", [lambda: [LSTM(4), Last(), Dense(3), Softmax()],
                                    lambda: [Flatten(), Dense(3), Sigmoid()]])  # small: dense_epoch's
def test_sgd_clips_as_steps_one_by_one_do(layers):
    r = rng()
    x, y = r.random((6, 4, 2)), r.integers(0, 3, 6)
    nets = [Network(layers(), input_shape=(4, 2), dtype="float64") for _ in range(3)]
    nets[0].SGD((x, y), 2, 2, 0.5, clip=0.01, shuffle=False, progress=False)
    for _ in range(2):
        for at in range(0, 6, 2):
            nets[1].update_mini_batch((x[at:at + 2], y[at:at + 2]), 0.5, clip=0.01)
    nets[2].SGD((x, y), 2, 2, 0.5, shuffle=False, progress=False)
    one, two, three = ([getattr(layer, name) for layer in net.layers for name in layer.parameters]
                       for net in nets)
    assert all(np.allclose(a, b, rtol=1e-12) for a, b in zip(one, two))
    assert not any(np.allclose(a, b, rtol=1e-3) for a, b in zip(one, three) if a.ndim == 2)


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
    ("some steps do not count", X, np.full((3, 4), -1), ValueError, "no step counts"),
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
