"""6.0  What does a recurrent network have to do with a deep one?

Book: chapter 6, "Other approaches to deep neural nets" (recurrent neural networks); chapter 2 for BP1
to BP4.
Before: 5.0, 4.3.
Next: 6.1, what one can do with it: four shapes.

    python -m lessons 6.0          one cell over four steps, by hand, in a second
    python -m lessons 6.0 --full   the same

Steps through: recurrent_forward and recurrent_backward in nndl/ops/recurrent_numpy.py (--backend
numpy); Recurrent in nndl/recurrent.py; central_difference in nndl/gradcheck.py.

Measured in 0.1 minutes: A recurrent network over 4 steps is a feedforward network of 4 layers with
    the same weights: 210 derivatives by hand agree with central differences, to 3e-10, 84 of them
    with nndl's dense layers, to 3e-16, their 42 sums with its Recurrent, to 2e-15.

Exercises
1. The book's proofs of BP1 to BP4 (ch. 2), once more for a memory cell with gates: an LSTM of one unit,
   over four steps.  Worked: solutions/lstm_by_hand.py
2. What is lost when the gradient goes back only a few steps?  Worked: solutions/truncated_gradient.py
"""

import numpy as np

from nndl import Dense, Last, Network, QuadraticCost, Recurrent, Tanh, plots
from nndl.gradcheck import central_difference
from nndl.lesson import Lesson, command_line

STEPS = 4
X, Y = (1.0, 0.2, 0.5, 0.8), -0.5              # what comes in at each step; what should come out
W_XH, W_HH, B, V, C = 0.5, 0.9, 0.1, 1.0, 0.0  # of the one cell, and of the output that reads it
UNITS, INPUTS = 3, 2                           # of a larger one, with random weights
ETA, LEARNING = 0.1, 30                        # a learning rate, and how many steps downhill
NAMES = ("w_xh", "w_hh", "b")
FULL = {}


def build_network(units=1, inputs=1, each_step=False, backend=None, seed=0):
    """The cell as the library has it; what it costs is the last output, or every one."""
    return Network([
        Recurrent(units),                        # (m, 4, n_in) -> (m, 4, n)
        *([] if each_step else [Last()]),        #              -> (m, n)
        Dense(1),                                #              -> (m, 1), or (m, 4, 1)
    ], cost=QuadraticCost, input_shape=(STEPS, inputs), seed=seed, backend=backend, dtype="float64")


def build_deep_network(units, backend=None, seed=0):
    """A feedforward network of four layers, which knows nothing of time."""
    return Network([
        *(layer for _ in range(STEPS) for layer in (Dense(units), Tanh())),  # (m, n) -> (m, n)
        Dense(1),                                                            #        -> (m, 1)
    ], cost=QuadraticCost, input_shape=(units,), seed=seed, backend=backend, dtype="float64")


def forward(x, w_xh, w_hh, b):
    """The states h_0 = 0, h_1, ..., h_4, (5, n), of one sequence x, (4, n_in).

    w_xh : (4, n, n_in), w_hh : (4, n, n), b : (4, n)  a copy of the weights for each step, which may
    be four times the same
    """
    h = np.zeros((STEPS + 1, b.shape[1]))
    for s in range(STEPS):
        h[s + 1] = np.tanh(w_xh[s] @ x[s] + w_hh[s] @ h[s] + b[s])    # (25), (109)
    return h


def backward(x, y, w_xh, w_hh, b, v, c, counts):
    """What each step contributes to the gradient, arrays shaped as the copies; and δ, (4, n).

    y : (4,) desired outputs;  v : (n,), c : of the output a_s = v h_s + c
    counts : (4,)  1 where an output costs something, else 0
    """
    h = forward(x, w_xh, w_hh, b)
    to_w_xh, to_w_hh, delta = np.zeros_like(w_xh), np.zeros_like(w_hh), np.zeros_like(b)
    later = np.zeros(b.shape[1])                                      # dC/dh_s by all later steps
    for s in reversed(range(STEPS)):
        error = counts[s] * (h[s + 1] @ v + c - y[s])                 # BP1, linear output, (68)
        delta[s] = (error * v + later) * (1 - h[s + 1] ** 2)          # BP2
        to_w_xh[s] = np.outer(delta[s], x[s])                         # BP4, this step's use of w_xh
        to_w_hh[s] = np.outer(delta[s], h[s])                         # BP4, this step's use of w_hh
        later = w_hh[s].T @ delta[s]                                  # BP2, back in time
    return {"w_xh": to_w_xh, "w_hh": to_w_hh, "b": delta.copy()}, delta  # BP3: delta is b's


def cost(x, y, w_xh, w_hh, b, v, c, counts):
    """C = 1/2 Σ (y_s - a_s)² over the steps that count, book (27)."""
    return 0.5 * float(counts @ (forward(x, w_xh, w_hh, b)[1:] @ v + c - y) ** 2)


def main(backend=None, seed=0, out="pictures"):
    """Unroll a cell, and check each number.  Returns contributions, sums, the largest differences."""
    lesson = Lesson(__file__, out, backend=backend, seed=seed)
    lesson.idea("""
        A recurrent network reads a sequence, a piece of it at each step, and what its hidden units say
        at one step they hear at the next: that is its memory.  It looks like a new kind of network, one
        with a loop in it.

        Write down what it computes, step after step, and the loop is gone: step 2 takes what step 1 has
        made, as the second layer of a deep network takes what the first has made.  What is special:
        all layers have the same weights, and each gets a new piece of input.  So nothing new is needed
        for learning, either.  A weight that is used four times has an influence on four ways, and
        influences add up, as in lesson 4.3, where a filter's weight is used at many places.""")
    lesson.mathematics("""
        h_s = tanh(z_s),  z_s = w_xh x_s + w_hh h_(s-1) + b,   s = 1, ..., 4,  h_0 = 0      (25), (109)
        a_s = v h_s + c,  C = 1/2 (y - a_4)², or the sum of 1/2 (y_s - a_s)²                (27)

        BP1  ∂C/∂h_4 = (a_4 - y) v                                     the output is linear, (68)
        BP2  δ_s = ∂C/∂z_s = (∂C/∂h_s) ⊙ tanh'(z_s),  tanh' = 1 - h_s²
             ∂C/∂h_s = w_hhᵀ δ_(s+1)                                   back in time
                       + (a_s - y_s) v, where a_s costs something, too
        BP3  b is in every z_s:       ∂C/∂b = Σ_s δ_s
        BP4  w_xh is in every z_s:    ∂C/∂w_xh = Σ_s δ_s x_sᵀ
             w_hh is in every z_s:    ∂C/∂w_hh = Σ_s δ_s h_(s-1)ᵀ

        This is called backpropagation through time.""")
    lesson.network(build_network(backend=backend, seed=seed))
    one = the_one_cell()
    contributions, delta = backward(**one)
    h = forward(*(one[name] for name in ("x", *NAMES)))[:, 0]
    lesson.step(f"""One hidden unit, w_xh = {W_XH:g}, w_hh = {W_HH:g}, b = {B:g}, v = {V:g}, c = {C:g};
                the last output should be {Y:g} and is {h[-1] * V + C:.4f}.  Forward from left to
                right, δ from right to left:""")
    lesson.table(("", *(f"step {s}" for s in range(1, STEPS + 1))),
                 [("x_s", *(f"{value:.4f}" for value in X)),
                  ("h_(s-1)", *(f"{value:.4f}" for value in h[:-1])),
                  ("h_s", *(f"{value:.4f}" for value in h[1:])),
                  ("tanh' = 1 - h_s²", *(f"{1 - value ** 2:.4f}" for value in h[1:])),
                  ("δ_s", *(f"{value:.4f}" for value in delta[:, 0]))], "The cell, unrolled")

    lesson.step("""Each weight's gradient, one contribution from each step.  Beside it: the same by a
                central difference, where each step has its own copy of the weights and one copy alone
                is moved; and by nndl's backprop through a feedforward network of four dense layers,
                whose weights happen to be equal.  It has x_s in its biases, b + w_xh x_s, as there is
                but one sequence.  The sums: the one weight moved that all steps share; and nndl's
                Recurrent.""")
    numeric, summed = numerically(one)
    deep, library = of_deep_network(one, backend), of_library(one, False, backend)
    sums = {name: contributions[name].sum(axis=0) for name in NAMES}
    rows = []
    for name in NAMES:
        rows += [(f"∂C/∂{name}, step {s + 1}",
                  *(f"{g[name][s].item():+.10f}" for g in (contributions, numeric, deep)))
                 for s in range(STEPS)]
        rows.append((f"∂C/∂{name}, their sum",
                     *(f"{g[name].item():+.10f}" for g in (sums, summed, library))))
    lesson.table(("", "by hand", "central difference", "nndl"), rows, "Every number")
    plots.bars({f"∂C/∂{name}": {
        **{f"step {s + 1}": contributions[name][s].item() for s in range(STEPS)},
        "sum": sums[name].item()} for name in NAMES}, lesson.path("contributions.png"),
        f"Each weight's gradient is the sum over its {STEPS} steps, to w_hh's most comes from step "
        f"{abs(contributions['w_hh']).ravel().argmax() + 1}",
        "∂C/∂ the weight, by the step that uses it",
        note="step 1 contributes nothing to w_hh, because the state before it is 0")

    lesson.step(f"""Now every step's output should be {Y:g}.  Each of the four costs goes back to its
                own step and to all before it: {STEPS * (STEPS + 1) // 2} contributions.  Going back
                once finds the sum of each column, because what comes from later steps is added up on
                the way.""")
    every = {**one, "counts": np.ones(STEPS)}
    alone = np.array([backward(**{**one, "counts": np.eye(STEPS)[k]})[1][:, 0] for k in range(STEPS)])
    at_once = backward(**every)[1][:, 0]
    lesson.table(("", *(f"used at step {s + 1}" for s in range(STEPS)), "sum"),
                 [*((f"cost of step {k + 1}", *(f"{value:.4f}" for value in alone[k, :k + 1]),
                     *[""] * (STEPS - 1 - k), f"{alone[k].sum():.4f}") for k in range(STEPS)),
                  ("all, added", *(f"{value:.4f}" for value in alone.sum(axis=0)),
                   f"{alone.sum():.4f}"),
                  ("going back once: δ_s", *(f"{value:.4f}" for value in at_once),
                   f"{at_once.sum():.4f}")], "∂C/∂b with a cost at each step")

    worst, checked, rows = [], [], []
    for title, cell, each_step in (
            ("1 unit, cost at the last step", one, False), ("1 unit, cost at each step", every, True),
            (f"{UNITS} units, cost at the last step", a_larger_cell(seed, False), False),
            (f"{UNITS} units, cost at each step", a_larger_cell(seed, True), True)):
        apart, numbers = differences(cell, each_step, backend)
        worst.append(apart)
        checked.append(numbers)
        rows.append((title, numbers[0], *(f"{a:.0e}" if a is not None else "-" for a in apart)))
    lesson.table(("", "numbers", "central difference", "deep network", "Recurrent"), rows,
                 "The largest difference between what is found by hand and what by others")

    shared, copies = learn(one)
    ends = copies["w_hh"][-1]
    plots.lines(
        {"w_hh": {"shared": (range(LEARNING + 1), shared["w_hh"]),
                  **{f"copy {s + 1}": (range(LEARNING + 1), copies["w_hh"][:, s])
                     for s in range(STEPS)}},
         "C": {"shared": (range(LEARNING + 1), shared["cost"]),
               "four copies": (range(LEARNING + 1), copies["cost"])}},
        lesson.path("learning.png"),
        f"After {LEARNING} steps downhill the four copies of w_hh lie from {ends.min():.2f} to "
        f"{ends.max():.2f}, the shared one at {shared['w_hh'][-1]:.2f}",
        x="step downhill", note=f"η = {ETA:g}; copy 1 stays: it is multiplied by h_0 = 0")

    checked, of_deep, of_recurrent = map(sum, zip(*checked))
    numerical, by_deep, by_recurrent = (max(a[side] for a in worst if a[side] is not None)
                                        for side in range(3))
    agree = max(numerical, by_deep, by_recurrent) < 1e-8
    lesson.take_away(
        f"A recurrent network over {STEPS} steps is a feedforward network of {STEPS} layers with the "
        f"same weights: {checked} derivatives by hand {'agree' if agree else 'do not all agree'} with "
        f"central differences, to {numerical:.0e}, {of_deep} of them with nndl's dense layers, to "
        f"{by_deep:.0e}, their {of_recurrent} sums with its Recurrent, to {by_recurrent:.0e}.",
        f"""BP1 and BP2 stay, with time in the place of layers.  BP3 and BP4 become sums over the steps.
        For w_hh the four contributions are {', '.join(f'{value:.4f}' for value in
        contributions['w_hh'].ravel())}.""",
        f"""Equal weights do not stay equal by themselves: as copies they go apart, from {W_HH:g} to
        {', '.join(f'{value:.2f}' for value in ends)}.  Sharing takes the sum of the four contributions
        as the gradient of the one.  That leaves 3 numbers instead of {3 * STEPS} to learn, and a cell
        that can go on for a fifth step.""")
    return lesson.end(
        contributions={name: contributions[name].ravel().tolist() for name in NAMES},
        sums={name: sums[name].item() for name in NAMES}, triangle=alone.tolist(),
        at_once=at_once.tolist(), numerical=numerical, deep=by_deep, library=by_recurrent,
        checked=checked, copies=ends.tolist(), shared=float(shared["w_hh"][-1]),
        costs={"shared": float(shared["cost"][-1]), "copies": float(copies["cost"][-1])})


def the_one_cell():
    """What forward and backward take, for the one unit with the numbers above."""
    ones = np.ones((STEPS, 1, 1))
    return {"x": np.array(X)[:, None], "y": np.full(STEPS, Y), "w_xh": W_XH * ones, "w_hh": W_HH * ones,
            "b": B * ones[:, 0], "v": np.array([V]), "c": C, "counts": np.eye(STEPS)[-1]}


def a_larger_cell(seed, each_step):
    """The same for several units, by chance: one draw, four times the same copy."""
    rng = np.random.default_rng(seed)

    def copies(*shape):
        return np.repeat(rng.normal(size=(1, *shape)), STEPS, axis=0)

    return {"x": rng.normal(size=(STEPS, INPUTS)), "y": rng.normal(size=STEPS),
            "w_xh": copies(UNITS, INPUTS), "w_hh": copies(UNITS, UNITS), "b": copies(UNITS),
            "v": rng.normal(size=UNITS), "c": float(rng.normal()),
            "counts": np.ones(STEPS) if each_step else np.eye(STEPS)[-1]}


def numerically(cell):
    """(Each copy's gradient, that of the shared weights) by central differences."""
    cell = {name: np.array(value) for name, value in cell.items()}
    copies = {name: central_difference(lambda: cost(**cell), cell[name]) for name in NAMES}
    shared = {name: cell[name][0].copy() for name in NAMES}

    def cost_shared():
        return cost(**{**cell, **{name: np.stack([shared[name]] * STEPS) for name in NAMES}})

    return copies, {name: central_difference(cost_shared, shared[name]) for name in NAMES}


def of_deep_network(cell, backend=None):
    """Each copy's gradient by Network.backprop of a feedforward network; the last output costs."""
    x, units = cell["x"], cell["b"].shape[1]
    net = build_deep_network(units, backend)
    *hidden, output = (layer for layer in net.layers if layer.parameters)
    for s, layer in enumerate(hidden):
        layer.w[...], layer.b[...] = cell["w_hh"][s], cell["b"][s] + cell["w_xh"][s] @ x[s]
    output.w[...], output.b[...] = cell["v"], cell["c"]
    nabla_b, nabla_w = net.backprop(np.zeros((1, units)), cell["y"][-1:, None])  # it begins with h_0
    return {"w_xh": np.stack([np.outer(delta, x[s]) for s, delta in enumerate(nabla_b[:-1])]),
            "w_hh": np.stack(nabla_w[:-1]), "b": np.stack(nabla_b[:-1])}


def recurrent_network(cell, each_step, backend=None):
    """The library's network with a cell's weights."""
    net = build_network(cell["b"].shape[1], cell["x"].shape[1], each_step, backend)
    layer, output = net.layers[0], net.layers[-1]
    for name in NAMES:
        getattr(layer, name)[...] = cell[name][0]
    output.w[...], output.b[...] = cell["v"], cell["c"]
    return net


def of_library(cell, each_step, backend=None):
    """The gradients of the shared weights by Network.backprop."""
    net = recurrent_network(cell, each_step, backend)
    y = cell["y"][None, :, None] if each_step else cell["y"][-1:, None]
    net.backprop(cell["x"][None], y, copy=False)
    return {name: getattr(net.layers[0], f"nabla_{name}").copy() for name in NAMES}


def differences(cell, each_step, backend):
    """Of central differences, the deep network, Recurrent: (largest differences, how many numbers)."""
    hand, _ = backward(**cell)
    sums = {name: hand[name].sum(axis=0) for name in NAMES}
    copies, shared = numerically(cell)
    numeric = max(largest(hand, copies), largest(sums, shared))
    deep = None if each_step else largest(hand, of_deep_network(cell, backend))
    n_hand, n_sums = (sum(of[name].size for name in NAMES) for of in (hand, sums))
    return ((numeric, deep, largest(sums, of_library(cell, each_step, backend))),
            (n_hand + n_sums, 0 if each_step else n_hand, n_sums))


def largest(one, other):
    """The largest difference of two gradients."""
    return max(float(np.abs(one[name] - other[name]).max()) for name in NAMES)


def learn(cell):
    """Steps downhill for shared weights and for copies.  Returns w_hh and C before and after each."""
    measured = []
    for is_shared in True, False:
        weights, of_w_hh, costs = {name: cell[name].copy() for name in NAMES}, [], []
        for _ in range(LEARNING + 1):
            now = {**cell, **weights}
            of_w_hh.append(weights["w_hh"].ravel())
            costs.append(cost(**now))
            gradient, _ = backward(**now)
            for name in NAMES:
                step = gradient[name]
                if is_shared:
                    step = np.broadcast_to(step.sum(axis=0), step.shape)
                weights[name] = weights[name] - ETA * step
        of_w_hh = np.array(of_w_hh)
        measured.append({"w_hh": of_w_hh[:, 0] if is_shared else of_w_hh, "cost": np.array(costs)})
    return measured


if __name__ == "__main__":
    raise SystemExit(command_line(main, FULL))
