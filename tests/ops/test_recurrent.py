"""Recurrent layers: the vanilla one and the LSTM, over whole sequences and back."""

import math

import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nndl import backends
from nndl.gradcheck import check_arrays, check_operation
from nndl.ops import panel_numba, recurrent_numba
from nndl.ops.memory import in_logical_order
from tests.ops.checks import (
    assert_agree,
    check_work,
    laid_out,
    left_alone,
    refuses,
    shared_out,
    spy,
    thresholds,
)
from tests.strategies import dtypes, layouts, seeds, sizes

pytestmark = pytest.mark.usefixtures("sharing")

if numba.config.DISABLE_JIT:  # as Python, for tests/mutations.py: small panels stand for large ones
    for module in panel_numba, recurrent_numba:
        module.WIDTH, module.ROWS_AT_ONCE = 8, 6
WIDTH, ROWS_AT_ONCE = panel_numba.WIDTH, panel_numba.ROWS_AT_ONCE

GATES = {"recurrent": 1, "lstm": 4}
cells = pytest.mark.parametrize("cell", GATES)
# On both sides of what is taken at once: tiles, panels, rows of a panel.
EXAMPLES = st.sampled_from([1, 2, 3, 4, 7, 17])
STEPS = st.sampled_from([1, 2, 3, 9])
NUMBERS = st.sampled_from([1, 3, 4, WIDTH // 2, WIDTH - 1, WIDTH, WIDTH + 1, WIDTH + WIDTH // 2 + 1])


class Case:
    """A recurrent layer's arguments, by name, and its operations without knowing which cell it is."""

    def __init__(self, cell, m, t, n_in, n, dtype=np.float64, seed=0, ragged=False, begun=True,
                 truncate=None):
        rng = np.random.default_rng(seed)
        self.cell, self.g, self.truncate = cell, GATES[cell] * n, truncate

        def draw(*shape, scale=1.0):
            return (scale * rng.normal(size=shape)).astype(dtype)

        # Of such a size that no neuron is saturated: its gradient would be lost in rounding.
        self.x = draw(m, t, n_in)
        self.w_xh = draw(self.g, n_in, scale=0.5 * n_in**-0.5)
        self.w_hh = draw(self.g, n, scale=n**-0.5)
        self.b, self.dh = draw(self.g, scale=0.3), draw(m, t, n)
        self.states = {name: draw(m, n) for name in ("h0", "c0")[:1 + (cell == "lstm")]}
        self.last = {"dc_last": draw(m, n)} if cell == "lstm" else {}
        if not begun:
            self.states, self.last = {}, {}
        self.valid = rng.random((m, t)) < 0.6 if ragged else None

    def arrays(self):
        """All that may not be overwritten."""
        return [self.x, self.w_xh, self.w_hh, self.b, self.dh, self.valid, *self.states.values(),
                *self.last.values()]

    def laid_out(self, layout):
        """Another order in memory of the same numbers."""
        self.x, self.dh = laid_out(self.x, layout), laid_out(self.dh, layout)
        self.w_xh, self.w_hh = laid_out(self.w_xh, layout), laid_out(self.w_hh, layout)
        self.states = {name: laid_out(state, layout) for name, state in self.states.items()}
        if self.valid is not None:
            self.valid = laid_out(self.valid, layout)

    def forward(self, ops, work=None):
        """What forward returns, always a tuple."""
        out = getattr(ops, f"{self.cell}_forward")(
            self.x, self.w_xh, self.w_hh, self.b, **self.states, valid=self.valid, work=work)
        return out if isinstance(out, tuple) else (out,)

    def backward(self, ops, out, need_dx=True, work=None):
        """{name: gradient}."""
        dx, *d_states, nabla_w_xh, nabla_w_hh, nabla_b = getattr(ops, f"{self.cell}_backward")(
            self.dh, *out, self.x, self.w_xh, self.w_hh, **self.states, valid=self.valid,
            truncate=self.truncate, **self.last, need_dx=need_dx, work=work)
        names = ("h0", "c0")[:len(d_states)]
        return {"x": dx, **dict(zip(names, d_states)), "w_xh": nabla_w_xh, "w_hh": nabla_w_hh,
                "b": nabla_b}

    def cost(self, ops):
        """What backward differentiates: outputs by random weights, and the last cells by theirs."""
        h, *rest = self.forward(ops)
        total = np.sum(self.dh * h)
        return total + (np.sum(self.last["dc_last"] * rest[0][:, -1]) if self.last else 0)

    def check_gradients(self, ops):
        """Every index of every array against central differences."""
        given = {"x": self.x, "w_xh": self.w_xh, "w_hh": self.w_hh, "b": self.b, **self.states}
        check_arrays(lambda: self.cost(ops), given, self.backward(ops, self.forward(ops)))


@cells
@given(m=sizes(4), t=sizes(4), n_in=sizes(3), n=sizes(4), ragged=st.booleans(), seed=seeds)
def test_gradients_of_every_index(ops, cell, m, t, n_in, n, ragged, seed):
    Case(cell, m, t, n_in, n, seed=seed, ragged=ragged).check_gradients(ops)


@cells
def test_gradients_across_panels(ops, cell):
    """More neurons than a panel; an odd number of sequences."""
    Case(cell, 3, 2, 2, WIDTH + 1).check_gradients(ops)


def test_check_operation_takes_them(ops):
    """As the README tells learners to check operations."""
    case = Case("recurrent", 2, 3, 2, 3)

    def backward(dh, h, x, w_xh, w_hh, b):
        dx, _, *nabla = ops.recurrent_backward(dh, h, x, w_xh, w_hh)
        return dx, *nabla

    check_operation(lambda x, w_xh, w_hh, b: ops.recurrent_forward(x, w_xh, w_hh, b), backward,
                    x=case.x, w_xh=case.w_xh, w_hh=case.w_hh, b=case.b)


@cells
@given(m=EXAMPLES, t=STEPS, n_in=NUMBERS, n=NUMBERS, ragged=st.booleans(), begun=st.booleans(),
       truncate=st.sampled_from([None, 1, 2, 4]), dtype=dtypes, layout=layouts, seed=seeds)
def test_numba_agrees_with_numpy(reference, fast, cell, m, t, n_in, n, ragged, begun, truncate, dtype,
                                 layout, seed):
    case = Case(cell, m, t, n_in, n, dtype, seed, ragged, begun, truncate)
    case.laid_out(layout)
    check_agreement(reference, fast, case)


@cells
@pytest.mark.parametrize("m, t, n_in, n", [
    (2, 3, 2, ROWS_AT_ONCE + 1), (2, 3, ROWS_AT_ONCE + 5, 3), (1, 1, 1, 1),
    (7, ROWS_AT_ONCE // 7 + 1, 3, 5), (1, 2 * ROWS_AT_ONCE, 2, 3), (35, 2, 3, 2 * WIDTH),
])
def test_numba_agrees_with_numpy_at_every_threshold(reference, fast, cell, m, t, n_in, n):
    check_agreement(reference, fast, Case(cell, m, t, n_in, n, ragged=m > 1))


def check_agreement(reference, fast, case):
    expected = case.forward(reference)
    with left_alone(*case.arrays(), *expected):
        out = case.forward(fast)
        # Of the same activations: tanh' of one near 1 would make their rounding large.
        gradients = case.backward(fast, expected)
        without = case.backward(fast, expected, need_dx=False)
    magnitudes = forward_magnitude(case, expected)
    dtype = case.x.dtype
    for got, want in zip(out, expected, strict=True):
        assert_agree(got, want, magnitudes, dtype)
    wanted, bounds = case.backward(reference, expected), backward_magnitudes(case, reference, expected)
    for name, want in wanted.items():
        # Where tanh(c) is near 1, its rounding is large beside 1 - tanh(c)², not beside the others'.
        assert_agree(gradients[name], want, bounds[name] + 0.1 * bounds[name].max() + 1e-3, dtype)
        if name == "x":
            assert without[name] is None
        else:
            assert without[name].tobytes() == gradients[name].tobytes()


def forward_magnitude(case, out):
    """What is summed at a step, |x|·|w| + |h|·|w| + |b| at most, and that for each step."""
    z = np.abs(case.x) @ np.abs(case.w_xh).T + np.abs(case.w_hh).sum(axis=1) + np.abs(case.b)
    return case.x.shape[1] * (z.max() + np.abs(out[min(1, len(out) - 1)]).max())


def backward_magnitudes(case, reference, out):
    """backward of the absolute values: every term of every sum, none against another."""
    positive = Case(case.cell, *case.dh.shape[:2], case.x.shape[2], case.dh.shape[2])
    positive.x, positive.dh, positive.valid = np.abs(case.x), np.abs(case.dh), case.valid
    positive.w_xh, positive.w_hh = np.abs(case.w_xh), np.abs(case.w_hh)
    positive.truncate = case.truncate
    positive.states = {name: np.abs(state) for name, state in case.states.items()}
    positive.last = {name: np.abs(d) for name, d in case.last.items()}
    return positive.backward(reference, tuple(np.abs(array) for array in out))


@cells
@pytest.mark.parametrize("truncate", [1, 2, 3, 4, 7, 100])
def test_truncated_is_piece_by_piece(ops, cell, truncate):
    """Each piece is a sequence of its own, which begins with the state that the one before has left."""
    case, t = Case(cell, 3, 7, 2, 4, truncate=truncate), 7
    out = case.forward(ops)
    whole = case.backward(ops, out)
    expected = {name: 0 for name in ("w_xh", "w_hh", "b")}
    for begin in range(0, t, truncate):
        part = Case(cell, 3, 7, 2, 4)
        piece = slice(begin, begin + truncate)
        part.x, part.dh = case.x[:, piece], case.dh[:, piece]
        if begin:
            part.states = {name: array[:, begin - 1] for name, array in zip(("h0", "c0"), out)
                           if name in case.states}
        if begin + truncate < t:
            part.last = {}
        found = part.backward(ops, part.forward(ops))
        for name in expected:
            expected[name] = expected[name] + found[name]
        assert np.allclose(whole["x"][:, piece], found["x"], rtol=1e-12, atol=1e-14)
        if begin == 0:
            for name in case.states:
                assert np.allclose(whole[name], found[name], rtol=1e-12, atol=1e-14)
    for name, sums in expected.items():
        assert np.allclose(whole[name], sums, rtol=1e-12, atol=1e-14)


@cells
def test_pieces_go_on_where_the_last_one_ended(ops, cell):
    case = Case(cell, 3, 7, 2, 5)
    whole = [array.copy() for array in case.forward(ops)]
    part = Case(cell, 3, 7, 2, 5)
    part.x = case.x[:, :4]
    before = part.forward(ops)
    part.x = case.x[:, 4:]
    part.states = dict(zip(("h0", "c0"), (array[:, -1] for array in before[:2])))
    for array, first, second in zip(whole, before, part.forward(ops), strict=True):
        assert np.allclose(array, np.concatenate([first, second], axis=1), rtol=1e-12, atol=1e-14)


@cells
def test_what_is_not_valid_changes_nothing(ops, cell):
    """A short sequence ends in the state and the gradients that it has alone."""
    case = Case(cell, 3, 6, 2, 4)
    lengths = [6, 1, 4]
    case.valid = np.arange(6) < np.array(lengths)[:, None]
    case.x[~case.valid] = 1e3            # whatever stands there
    case.dh[~case.valid] = 0
    out = [array.copy() for array in case.forward(ops)]
    gradients = {name: array.copy() for name, array in case.backward(ops, tuple(out)).items()}
    sums = {name: 0 for name in ("w_xh", "w_hh", "b")}
    for i, length in enumerate(lengths):
        alone = Case(cell, 3, 6, 2, 4)
        alone.x, alone.dh = case.x[i:i + 1, :length], case.dh[i:i + 1, :length]
        alone.states = {name: state[i:i + 1] for name, state in case.states.items()}
        alone.last = {name: d[i:i + 1] for name, d in case.last.items()}
        its = alone.forward(ops)
        assert np.allclose(out[0][i, :length], its[0][0], rtol=1e-12, atol=1e-14)
        assert np.all(out[0][i, length:] == out[0][i, length - 1])
        if cell == "lstm":
            assert np.all(out[1][i, length:] == out[1][i, length - 1])
        found = alone.backward(ops, its)
        assert np.allclose(gradients["x"][i, :length], found["x"][0], rtol=1e-12, atol=1e-14)
        assert np.all(gradients["x"][i, length:] == 0)
        for name in case.states:
            assert np.allclose(gradients[name][i], found[name][0], rtol=1e-12, atol=1e-14)
        sums = {name: sums[name] + found[name] for name in sums}
    for name, total in sums.items():
        assert np.allclose(gradients[name], total, rtol=1e-12, atol=1e-14)


def test_a_mask_whose_steps_are_all_missing(ops):
    for cell in GATES:
        case = Case(cell, 2, 3, 2, 4)
        case.valid = np.zeros((2, 3), bool)
        out = case.forward(ops)
        assert np.all(out[0] == case.states["h0"][:, None])
        gradients = case.backward(ops, out)
        assert all(np.all(gradients[name] == 0) for name in ("x", "w_xh", "w_hh", "b"))
        assert np.allclose(gradients["h0"], case.dh.sum(axis=1))


def test_two_steps_by_hand(ops):
    """One neuron, h_1 = tanh(w x_1 + u tanh(w x_0 + b) + b), and C = h_1."""
    w, u, b = 0.5, -2.0, 0.25
    x, w_xh, w_hh = np.array([[[1.0], [3.0]]]), np.array([[w]]), np.array([[u]])
    h = ops.recurrent_forward(x, w_xh, w_hh, np.array([b]))
    h0 = math.tanh(w * 1 + b)
    h1 = math.tanh(w * 3 + u * h0 + b)
    assert np.allclose(h.ravel(), [h0, h1])
    dh = np.array([[[0.0], [1.0]]])
    dx, _, nabla_w, nabla_u, nabla_b = ops.recurrent_backward(dh, h, x, w_xh, w_hh)
    dz1 = 1 - h1**2
    dz0 = dz1 * u * (1 - h0**2)
    assert np.allclose(dx.ravel(), [dz0 * w, dz1 * w])
    assert np.allclose([nabla_w.item(), nabla_u.item(), nabla_b.item()],
                       [dz1 * 3 + dz0 * 1, dz1 * h0, dz1 + dz0])


def test_an_lstm_that_keeps_and_one_that_forgets_by_hand(ops):
    """Gates held open or shut by their biases: c counts what comes in, or is what came last."""
    far = 50.0
    x = np.ones((1, 4, 1))
    w_xh, w_hh = np.zeros((4, 1)), np.zeros((4, 1))
    w_xh[2] = 0.1                                       # g = tanh(0.1) at every step
    g = math.tanh(0.1)
    for keep, expected in ((far, [g, 2 * g, 3 * g, 4 * g]), (-far, [g, g, g, g])):
        h, c, gates = ops.lstm_forward(x, w_xh, w_hh, np.array([far, keep, 0.0, far]))
        assert np.allclose(c.ravel(), expected)
        assert np.allclose(h.ravel(), np.tanh(expected))
        assert np.allclose(gates[0, 0], [1, keep > 0, g, 1])
        _, _, dc0, *_ = ops.lstm_backward(np.ones((1, 4, 1)), h, c, gates, x, w_xh, w_hh)
        assert np.allclose(dc0, np.sum(1 - np.tanh(expected) ** 2) if keep > 0 else 0)


@cells
def test_the_book_keeps_its_memory_apart(ops, cell):
    def make(m):
        case = Case(cell, m, 3, 2, 9, ragged=m == 5)
        make.case = case
        return [array for array in case.arrays() if array is not None]

    def run(arrays, work):
        case = make.case
        mine, back = (None, None) if work is None else (work.setdefault("forward", {}),
                                                        work.setdefault("backward", {}))
        out = case.forward(ops, mine)
        return *out, *case.backward(ops, out, work=back).values()

    check_work(run, make, [4, 5, 1, 4])


@cells
def test_another_mask_in_the_same_memory_is_seen(ops, cell):
    """What operations remember from one mini-batch to the next are arrays, not their numbers."""
    case, forward, backward = Case(cell, 4, 3, 2, 5, ragged=True), {}, {}
    for _ in range(3):
        expected = case.forward(ops)
        wanted = case.backward(ops, expected)
        out = case.forward(ops, forward)
        found = case.backward(ops, out, work=backward)
        for one, two in zip((*expected, *wanted.values()), (*out, *found.values()), strict=True):
            assert np.array_equal(one, two)
        case.valid[...] = np.roll(case.valid, 1, axis=0) ^ (np.arange(3) == 1)


@cells
def test_which_path_is_taken(fast, monkeypatch, cell):
    names = [f"_{'lstm_' * (cell == 'lstm')}{way}{how}" for way in ("forward", "backward")
             for how in ("", "_at_once")] + ["_pack", "_pack_at_once", "_pack_back",
                                             "_pack_back_at_once", "_weights", "_weights_at_once"]
    calls = spy(monkeypatch, recurrent_numba, *names)
    for least, few in ((0, False), (10**9, True)):
        with thresholds(TOO_FEW_TO_SHARE=least):
            case = Case(cell, 2, 2, 2, 3)
            case.backward(fast, case.forward(fast))
        assert len(calls) == 5 and all(name.endswith("_at_once") == few for name, _ in calls)
        calls.clear()


@pytest.mark.parametrize("m, t, little", [(5, 40, True), (5, 41, False), (6, 40, False)])
def test_little_is_counted_over_all_steps_and_sequences(m, t, little):
    with thresholds(TOO_FEW_TO_SHARE=5 * 40 * 12):
        assert recurrent_numba.is_little(m, t, np.zeros((4, 3))) == little


@pytest.mark.parametrize("m, threads, blocks", [(1, 2, 1), (7, 2, 1), (8, 2, 2), (100, 2, 2),
                                                (100, 1, 1), (16, 8, 4), (31, 8, 7), (33, 8, 8)])
def test_a_block_for_each_thread_but_of_four_sequences_at_least(m, threads, blocks):
    assert recurrent_numba.blocks_of(m, threads) == blocks


def test_another_number_of_threads_is_another_number_of_blocks(fast, monkeypatch):
    """Though the memory that was prepared for the first is there, and used again."""
    asked = []
    monkeypatch.setattr(recurrent_numba, "blocks_of", lambda m, threads: asked.append(threads) or 1)
    case, work = Case("lstm", 8, 2, 2, 20), {}
    case.x = in_logical_order(np.zeros((2, 8, 2)))
    for threads in (1, 1, 3):
        monkeypatch.setattr(recurrent_numba, "get_num_threads", lambda threads=threads: threads)
        case.forward(fast, work)
    assert asked == [1, 3]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rows", range(1, 14))
def test_tiles_of_any_height(rows, dtype):
    """Only the rows and columns that are asked for, and each number met in its turn."""
    rng, n = np.random.default_rng(rows), 5
    x, panel = (rng.normal(size=shape).astype(dtype) for shape in ((rows + 3, n), (n, WIDTH)))
    sums = rng.normal(size=(rows + 3, 3 * WIDTH)).astype(dtype)
    expected = sums.copy()
    expected[2:2 + rows, 7:7 + WIDTH] += x[2:2 + rows] @ panel
    by_columns = sums.copy()
    panel_numba.add_product(x, 2, 2 + rows, panel, sums, 7)
    tolerance = {"rtol": 1e-5, "atol": 1e-5} if dtype == np.float32 else {"rtol": 1e-12}
    np.testing.assert_allclose(sums, expected, **tolerance)
    columns = np.ascontiguousarray(x[2:2 + rows].T)
    panel_numba.add_product_of_columns(columns, panel, by_columns, 2, 2 + rows, 7)
    np.testing.assert_array_equal(by_columns, sums)


@pytest.mark.parametrize("rows", range(1, panel_numba.TALLEST + 1))
def test_a_tile_written_in_the_compilers_language_is_that_in_python(rows):
    if numba.config.DISABLE_JIT:
        pytest.skip("nothing is compiled")
    tile, rng = panel_numba.compiled_tile(rows), np.random.default_rng(0)

    @numba.njit
    def add(x, panel, sums):
        tile(x, 3, 5, 2, panel, sums, 2, 9)

    x, panel, sums = (rng.normal(size=shape) for shape in (40, (4, WIDTH), (9, 2 * WIDTH)))
    expected = sums.copy()
    panel_numba.add_tile(rows, x, 3, 5, 2, panel, expected, 2, 9)
    add(x, panel, sums)
    np.testing.assert_allclose(sums, expected, rtol=1e-12)


@cells
def test_the_same_bits_however_the_sequences_are_shared_out(fast, monkeypatch, cell):
    case = Case(cell, 11, 4, 5, 20, np.float32)
    results = []
    for blocks in (1, 2, 3, 5):
        monkeypatch.setattr(recurrent_numba, "blocks_of", lambda m, threads, blocks=blocks: blocks)
        with shared_out():
            out = case.forward(fast)
            results.append([array.tobytes() for array in (*out, *case.backward(fast, out).values())])
    assert all(result == results[0] for result in results)


# --- PyTorch -----------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def torch():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install nndl[bench]")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield torch
    torch.set_num_threads(before)


@cells
@pytest.mark.parametrize("m, t, n_in, n, lengths", [
    (3, 5, 4, 6, None), (1, 1, 2, 3, None), (10, 28, 28, 64, None), (4, 6, 3, 5, [6, 5, 2, 1]),
])
def test_parity_with_pytorch(torch, ops, cell, m, t, n_in, n, lengths):
    case = Case(cell, m, t, n_in, n)
    case.last = {}
    if lengths:
        case.valid = np.arange(t) < np.array(lengths)[:, None]
        case.dh[~case.valid] = 0
    out = case.forward(ops)
    gradients = case.backward(ops, out)
    kind = torch.nn.RNN if cell == "recurrent" else torch.nn.LSTM
    module = kind(n_in, n, batch_first=True).double()
    with torch.no_grad():
        for name, array in (("weight_ih_l0", case.w_xh), ("weight_hh_l0", case.w_hh),
                            ("bias_ih_l0", case.b), ("bias_hh_l0", 0 * case.b)):
            getattr(module, name).copy_(torch.from_numpy(array))
    x = torch.tensor(case.x, requires_grad=True)
    states = {name: torch.tensor(state[None], requires_grad=True)
              for name, state in case.states.items()}
    begin = tuple(states.values()) if cell == "lstm" else states["h0"]
    if lengths:
        given = torch.nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True)
        h, last = module(given, begin)
        h, _ = torch.nn.utils.rnn.pad_packed_sequence(h, batch_first=True)
    else:
        h, last = module(x, begin)
    h.backward(torch.from_numpy(case.dh))
    mine = out[0] if case.valid is None else np.where(case.valid[:, :, None], out[0], 0)
    pairs = {"h": (mine, h.detach()), "x": (gradients["x"], x.grad),
             "w_xh": (gradients["w_xh"], module.weight_ih_l0.grad),
             "w_hh": (gradients["w_hh"], module.weight_hh_l0.grad),
             "b": (gradients["b"], module.bias_ih_l0.grad),
             **{name: (gradients[name], state.grad[0]) for name, state in states.items()}}
    ends = last if cell == "lstm" else (last,)
    for number, end in enumerate(ends):
        pairs[f"last {number}"] = (out[number][:, -1], end[0].detach())
    for name, (got, expected) in pairs.items():
        expected = expected.numpy()
        assert np.abs(got - expected).max() < 1e-9 * max(1, np.abs(expected).max()), name


# --- what is refused ---------------------------------------------------------------------------------

X, WX, WH, B = np.ones((2, 3, 4)), np.ones((5, 4)), np.ones((5, 5)), np.ones(5)
H = np.ones((2, 3, 5))


@pytest.mark.parametrize("call, error, words", [
    (lambda ops: ops.recurrent_forward(X[0], WX, WH, B), ValueError,
     ("x must have shape (m, t, 4)", "(3, 4)", "x.reshape(1, *x.shape)")),
    (lambda ops: ops.recurrent_forward(X[:, :, :2], WX, WH, B), ValueError, ("(m, t, 4)", "(2, 3, 2)")),
    (lambda ops: ops.recurrent_forward(X[:, :0], WX, WH, B), ValueError, ("no steps", "at least one")),
    (lambda ops: ops.recurrent_forward(X, WX, WH[:, :3], B), ValueError, ("w_hh", "(n, n)", "(5, 3)")),
    (lambda ops: ops.recurrent_forward(X, WX[:3], WH, B), ValueError, ("w_xh", "(5, n_in)", "(3, 4)")),
    (lambda ops: ops.recurrent_forward(X, WX, WH, B[:2]), ValueError, ("b must have shape (5,)",)),
    (lambda ops: ops.recurrent_forward(X.astype("f"), WX, WH, B), TypeError, ("w_xh is float64",)),
    (lambda ops: ops.recurrent_forward(X.astype(int), WX, WH, B), TypeError, ("x must be float32",)),
    (lambda ops: ops.recurrent_forward(X, WX, WH, B, np.ones((2, 4))), ValueError,
     ("h0 must have shape (2, 5)", "5 numbers for each of 2 sequences", "(2, 4)")),
    (lambda ops: ops.recurrent_forward(X, WX, WH, B, np.ones((2, 5), "f")), TypeError,
     ("h0 is float32",)),
    (lambda ops: ops.recurrent_forward(X, WX, WH, B, None, np.ones((2, 4), bool)), ValueError,
     ("valid must be bools of shape (2, 3)", "(2, 4)")),
    (lambda ops: ops.recurrent_forward(X, WX, WH, B, None, np.ones((2, 3))), ValueError,
     ("valid must be bools", "float64")),
    (lambda ops: ops.lstm_forward(X, WX, WH, B), ValueError,
     ("w_hh must have shape (4 n, n)", "(5, 5)")),
    (lambda ops: ops.lstm_forward(X, np.ones((20, 4)), np.ones((20, 5)), np.ones(20), None,
                                  np.ones((3, 5))), ValueError, ("c0 must have shape (2, 5)",)),
    (lambda ops: ops.recurrent_backward(H[:, :2], H, X, WX, WH), ValueError,
     ("dh must have shape (2, 3, 5)", "(2, 2, 5)")),
    (lambda ops: ops.recurrent_backward(H, H[:1], X, WX, WH), ValueError, ("h must have shape",)),
    (lambda ops: ops.recurrent_backward(H.astype("f"), H, X, WX, WH), TypeError, ("dh is float32",)),
    (lambda ops: ops.recurrent_backward(H, H, X, WX, WH, truncate=0), ValueError, ("at least 1 step",)),
    (lambda ops: ops.recurrent_backward(H, H, X, WX, WH, truncate=2.0), TypeError, ("truncate", "2.0")),
    (lambda ops: ops.lstm_backward(H, H, H, H, X, np.ones((20, 4)), np.ones((20, 5))), ValueError,
     ("gates must have shape (2, 3, 20)",)),
    (lambda ops: ops.lstm_backward(H, H, H[:, :1], np.ones((2, 3, 20)), X, np.ones((20, 4)),
                                   np.ones((20, 5))), ValueError, ("c must have shape",)),
])
def test_what_does_not_fit_is_refused(call, error, words):
    refuses(call, error, *words)


def test_not_a_number_is_handed_on():
    for name in ("numpy", "numba"):
        ops = backends.get(name)
        for cell in GATES:
            case = Case(cell, 2, 3, 2, 3)
            case.x[0, 1, 0] = np.nan
            with ops.running():
                h, *_ = case.forward(ops)
            assert np.isfinite(h[0, 0]).all() and np.isnan(h[0, 1:]).all() and np.isfinite(h[1]).all()
