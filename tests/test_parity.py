"""nndl against PyTorch: the same numbers, in float64, for the book's network and for single layers.

The comparison with numbers that PyTorch gave once, in golden_torch.npz, needs no PyTorch.
"""

import math

import numpy as np
import pytest

from nndl import (
    ELU,
    GELU,
    Conv,
    ConvPool,
    Dense,
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
from tests import make_golden
from tests.make_golden import ETA, GOLDEN, LMBDA, MOMENTUM, SHAPES, N

BACKENDS = ("numpy", "numba")
CLOSE = 1e-9


@pytest.fixture(scope="module")
def torch():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install nndl[bench]")
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # its threads and ours would get in each other's way
    yield torch
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def of_torch(torch):
    return make_golden.pytorch()


@pytest.fixture(scope="module")
def golden():
    with np.load(GOLDEN, allow_pickle=False) as file:
        return dict(file)


@pytest.fixture(scope="module", params=BACKENDS)
def of_nndl(request):
    """What nndl computes, as make_golden.pytorch gives it."""
    net = book_network(backend=request.param).copy(dtype="float64")
    named = {f"{number}.{name}": getattr(layer, name)
             for number, layer in enumerate(net.layers) for name in layer.parameters}
    for name, array in make_golden.initial_parameters().items():
        named[name][...] = array
    first, *_ = batches = make_golden.mini_batches()
    nabla_b, nabla_w = net.backprop(*first)
    numbers = [number for number, layer in enumerate(net.layers) if layer.parameters]
    gradients = {}
    for number, gradient_w, gradient_b in zip(numbers, nabla_w, nabla_b, strict=True):
        gradients |= {f"{number}.w": gradient_w / len(first[0]),
                      f"{number}.b": gradient_b / len(first[0])}
    costs = []
    for x, y in batches:
        costs.append(net.cost_of(x, y))
        net.update_mini_batch((x, y), ETA, LMBDA, N, MOMENTUM)
    return costs[0], gradients, costs, named


def assert_close(got, expected, what):
    """Within CLOSE of the array as a whole, and at each index of its largest entry."""
    assert got.shape == expected.shape, what
    off, scale = np.abs(got - expected), np.abs(expected).max()
    assert scale > 0, what
    assert np.linalg.norm(got - expected) <= CLOSE * np.linalg.norm(expected), what
    assert off.max() <= CLOSE * scale, f"{what}: off by {off.max() / scale:.2g}"


# --- the book's network ---------------------------------------------------------------------------

def test_cost_and_gradients_are_pytorchs(of_nndl, of_torch):
    cost, gradients, _, _ = of_nndl
    its_cost, its_gradients, _, _ = of_torch
    assert cost == pytest.approx(its_cost, rel=CLOSE)
    assert set(gradients) == set(its_gradients) == set(SHAPES)
    for name, gradient in gradients.items():
        assert_close(gradient, its_gradients[name], f"gradient of {name}")


def test_weights_are_pytorchs_after_twenty_steps_with_momentum_and_decay(of_nndl, of_torch):
    _, _, costs, after = of_nndl
    _, _, its_costs, its_after = of_torch
    assert len(costs) == 20
    np.testing.assert_allclose(costs, its_costs, rtol=CLOSE)
    before = make_golden.initial_parameters()
    for name, array in after.items():
        assert_close(array, its_after[name], name)
        assert_close(array - before[name], its_after[name] - before[name], f"change of {name}")


def test_the_golden_file_is_what_pytorch_says(of_torch, golden):
    cost, gradients, costs, after = of_torch
    compare_with_golden(golden, cost, gradients, costs, after)


def test_nndl_agrees_with_the_golden_file(of_nndl, golden):
    compare_with_golden(golden, *of_nndl)


def compare_with_golden(golden, cost, gradients, costs, after):
    assert cost == pytest.approx(float(golden["cost"]), rel=CLOSE)
    np.testing.assert_allclose(costs, golden["costs"], rtol=CLOSE)
    for kind, arrays in (("gradient", gradients), ("after", after)):
        for name in SHAPES:
            what = f"{kind} {name}"
            norm = float(golden[f"{what} norm"])
            assert np.linalg.norm(arrays[name]) == pytest.approx(norm, rel=CLOSE), what
            assert_close(make_golden.sample(arrays[name]), golden[f"{what} sample"], what)


def test_the_golden_file_is_small_and_says_where_it_is_from(golden):
    assert GOLDEN.stat().st_size < 200_000
    assert str(golden["torch_version"])[0].isdigit()
    assert len(golden) == 3 + 4 * len(SHAPES)
    # Its steps have gone somewhere: another test of the same weights would say nothing.
    assert golden["costs"][-5:].mean() < golden["costs"][:5].mean()
    assert {name: array.shape for name, array in make_golden.initial_parameters().items()} == SHAPES


def test_the_golden_network_is_that_of_the_command():
    net = book_network(backend="numpy")
    shapes = {f"{number}.{name}": getattr(layer, name).shape
              for number, layer in enumerate(net.layers) for name in layer.parameters}
    assert shapes == SHAPES


# --- single layers --------------------------------------------------------------------------------

def l2_pool(functional, x, size, stride=None):
    return functional.lp_pool2d(x, 2, size, stride)


IMAGES, ROW = (3, 9, 8), (11,)
LAYERS = [  # a layer, the shape of an example, and PyTorch's function of (functional, x, w, b)
    (Dense(4), ROW, lambda f, x, w, b: f.linear(x, w, b)),
    (Conv(4, 3), IMAGES, lambda f, x, w, b: f.conv2d(x, w, b)),
    (Conv(4, 3, stride=2), IMAGES, lambda f, x, w, b: f.conv2d(x, w, b, stride=2)),
    (Conv(4, 3, padding=2), IMAGES, lambda f, x, w, b: f.conv2d(x, w, b, padding=2)),
    (Conv(4, (2, 5), stride=(3, 2), padding=(0, 1)), IMAGES,
     lambda f, x, w, b: f.conv2d(x, w, b, (3, 2), (0, 1))),
    (MaxPool(), IMAGES, lambda f, x, w, b: f.max_pool2d(x, 2)),
    (MaxPool(3, stride=2), IMAGES, lambda f, x, w, b: f.max_pool2d(x, 3, 2)),
    (L2Pool(), IMAGES, lambda f, x, w, b: l2_pool(f, x, 2)),
    (L2Pool((3, 2), stride=(2, 1)), IMAGES, lambda f, x, w, b: l2_pool(f, x, (3, 2), (2, 1))),
    (Sigmoid(), ROW, lambda f, x, w, b: f.sigmoid(x)),
    (Tanh(), ROW, lambda f, x, w, b: f.tanh(x)),
    (ReLU(), IMAGES, lambda f, x, w, b: f.relu(x)),
    (LeakyReLU(), ROW, lambda f, x, w, b: f.leaky_relu(x)),
    (LeakyReLU(0.2), ROW, lambda f, x, w, b: f.leaky_relu(x, 0.2)),
    (ELU(), ROW, lambda f, x, w, b: f.elu(x)),
    (ELU(0.4), IMAGES, lambda f, x, w, b: f.elu(x, 0.4)),
    (GELU(), ROW, lambda f, x, w, b: f.gelu(x)),
    (Softmax(), ROW, lambda f, x, w, b: f.softmax(x, 1)),
    (ConvPool(4, 3, "tanh", stride=2, padding=2), IMAGES,
     lambda f, x, w, b: f.max_pool2d(f.tanh(f.conv2d(x, w, b, 2, 2)), 2)),
    (ConvPool(4, 3, "gelu", padding=1), IMAGES,
     lambda f, x, w, b: f.max_pool2d(f.gelu(f.conv2d(x, w, b, padding=1)), 2)),
    (ConvPool(4, 3, "leaky_relu", pool="l2"), IMAGES,
     lambda f, x, w, b: l2_pool(f, f.leaky_relu(f.conv2d(x, w, b)), 2)),
    (ConvPool(4, 2, "elu", pool_size=3, pool_stride=2), IMAGES,
     lambda f, x, w, b: f.max_pool2d(f.elu(f.conv2d(x, w, b)), 3, 2)),
    (ConvPool(4, 2, "sigmoid", pool_size=(1, 3), pool="l2"), IMAGES,
     lambda f, x, w, b: l2_pool(f, f.sigmoid(f.conv2d(x, w, b)), (1, 3))),
]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("layer, shape, function", LAYERS, ids=[repr(row[0]) for row in LAYERS])
def test_a_layer_is_pytorchs(layer, shape, function, backend, torch):
    layer, rng = layer.clone(), np.random.default_rng(0)
    layer.setup(shape, backends.get(backend), rng, np.float64)
    x = 2 * rng.normal(size=(5, *shape))
    inputs = [x, *(getattr(layer, name) for name in layer.parameters)]
    tensors = [torch.tensor(np.ascontiguousarray(a), requires_grad=True) for a in inputs]
    expected = function(torch.nn.functional, *tensors, *[None] * (3 - len(tensors)))

    out = layer.forward(x, training=True).copy()
    assert_close(out, expected.detach().numpy(), "output")
    d_out = rng.normal(size=out.shape)
    expected.backward(torch.tensor(d_out))
    gradients = [layer.backward(d_out), *(getattr(layer, f"nabla_{n}") for n in layer.parameters)]
    for name, gradient, tensor in zip(("input", "w", "b"), gradients, tensors):
        assert_close(gradient, tensor.grad.numpy(), f"gradient of {name}")


@pytest.mark.parametrize("layers, cost, loss", [
    ([Dense(4), Sigmoid()], "cross_entropy",
     lambda f, z, y: f.binary_cross_entropy_with_logits(z, y, reduction="sum")),
    ([Dense(4), Softmax()], "log_likelihood", lambda f, z, y: f.cross_entropy(z, y, reduction="sum")),
    ([Dense(4)], "quadratic", lambda f, z, y: f.mse_loss(z, y, reduction="sum") / 2),
    ([Dense(4), Sigmoid()], "quadratic",
     lambda f, z, y: f.mse_loss(f.sigmoid(z), y, reduction="sum") / 2),
])
def test_a_cost_is_pytorchs(layers, cost, loss, torch):
    net = Network([layer.clone() for layer in layers], cost, (6,), backend="numpy", dtype="float64")
    rng = np.random.default_rng(0)
    x, labels = rng.normal(size=(7, 6)), rng.integers(0, 4, 7)
    w, b = (torch.tensor(a, requires_grad=True) for a in (net.layers[0].w, net.layers[0].b))
    z = torch.nn.functional.linear(torch.tensor(x), w, b)
    total = loss(torch.nn.functional, z, torch.tensor(np.eye(4)[labels]))
    total.backward()
    assert net.cost_of(x, labels) == pytest.approx(total.item() / 7, rel=CLOSE)
    nabla_b, nabla_w = net.backprop(x, labels)
    assert_close(nabla_w[0], w.grad.numpy(), "w")
    assert_close(nabla_b[0], b.grad.numpy(), "b")


def test_close_is_close():
    for wrong in (np.array([1.0, 1 + 2e-9]), np.array([1.0, math.nan])):
        with pytest.raises(AssertionError):
            assert_close(wrong, np.ones(2), "x")
