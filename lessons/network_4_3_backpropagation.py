"""4.3  How do BP1 to BP4 change when neurons share their weights and pools choose?

Book: chapter 6, the problem in "Convolutional neural networks in practice"; chapter 2 for BP1 to BP4.
Before: 4.0, 4.2.
Next: 4.4, what convolution makes of a digit that moves.

    python -m lessons 4.3          a tiny network, by hand, in a second
    python -m lessons 4.3 --full   the same

Steps through: conv_backward and col2im in nndl/ops/conv_numpy.py, max_pool_backward in
nndl/ops/pool_numpy.py, central_difference in nndl/gradcheck.py.

Measured in 0.2 minutes: 83 derivatives with max-pooling and 83 with L2 pooling agree: the largest
    difference between the loops and central differences is 2e-11, between the loops and nndl 4e-17.

Exercises
1. The book's (ch. 6): backpropagation in a convolutional network; with more channels, and by matrices.
   Worked: solutions/conv_backprop.py
2. The book's (ch. 2): backpropagation with one modified neuron.  Worked:
   solutions/one_modified_neuron.py
3. Put a mistake into this lesson's backward, say forget a σ'.  Which numbers of the table show it?
   Worked: solutions/mistakes_in_backward.py
"""

import numpy as np

from nndl import Conv, Dense, L2Pool, MaxPool, Network, QuadraticCost, Sigmoid, plots
from nndl.gradcheck import central_difference
from nndl.lesson import Lesson, command_line

IMAGE, MAPS, KERNEL, SIZE, OUTPUTS = 6, 2, 3, 2, 3  # 6 x 6 pixels, two 3 x 3 filters, 2 x 2 pools
STEPS = range(1, 13)  # 10^-1 to 10^-12, for (46)
FULL = {}


def build_network(pool="max", backend=None, seed=0):
    """The tiny network as the library has it, in float64 to be compared to the last digits."""
    return Network([
        Conv(MAPS, KERNEL), Sigmoid(),                 # (1, 1, 6, 6) -> (1, 2, 4, 4)
        {"max": MaxPool, "l2": L2Pool}[pool](SIZE),    #              -> (1, 2, 2, 2)
        Dense(OUTPUTS), Sigmoid(),                     # (1, 8)       -> (1, 3)
    ], cost=QuadraticCost, input_shape=(1, IMAGE, IMAGE), seed=seed, backend=backend, dtype="float64")


def sigmoid(z):
    """σ(z), book (3)."""
    return 1 / (1 + np.exp(-z))


def forward(x, w1, b1, w2, b2, pool):
    """One image through the network, by loops.  Returns all that backward will ask for.

    x : (6, 6);  w1 : (2, 3, 3), b1 : (2,) of the filters;  w2 : (3, 2, 2, 2), b2 : (3,) of the outputs
    """
    maps, kernel, _ = w1.shape
    rows = len(x) - kernel + 1
    z1 = np.zeros((maps, rows, rows))
    for f in range(maps):
        for j in range(rows):
            for k in range(rows):
                z1[f, j, k] = b1[f]
                for u in range(kernel):
                    for v in range(kernel):
                        z1[f, j, k] += w1[f, u, v] * x[j + u, k + v]           # (125)
    a1 = sigmoid(z1)
    p = np.zeros((maps, rows // SIZE, rows // SIZE))
    for f, r, s in np.ndindex(p.shape):
        window = a1[f, SIZE * r:SIZE * r + SIZE, SIZE * s:SIZE * s + SIZE]
        p[f, r, s] = window.max() if pool == "max" else np.sqrt((window ** 2).sum())
    z2 = np.array([b2[n] + (w2[n] * p).sum() for n in range(len(b2))])         # (25)
    return z1, a1, p, z2, sigmoid(z2)


def backward(x, y, w1, b1, w2, b2, pool):
    """The gradient of C for one image, by loops, from the output back.

    Returns {array: dC/d array} for w1, b1, w2, b2 and x, and on the way dC/dp and delta of layer 1.
    """
    z1, a1, p, z2, a2 = forward(x, w1, b1, w2, b2, pool)
    delta2 = (a2 - y) * a2 * (1 - a2)                                          # BP1, as ever
    nabla_b2 = delta2                                                          # BP3
    nabla_w2 = np.array([p * delta2[n] for n in range(len(b2))])               # BP4
    dp = np.zeros_like(p)
    for n in range(len(b2)):
        dp += w2[n] * delta2[n]                                                # BP2, up to the pool
    delta1 = np.zeros_like(z1)
    for f, j, k in np.ndindex(z1.shape):
        r, s = j // SIZE, k // SIZE                                            # the window it is in
        if pool == "max":
            slope = 1.0 if a1[f, j, k] == p[f, r, s] else 0.0                  # did it win?
        else:
            slope = a1[f, j, k] / p[f, r, s]
        delta1[f, j, k] = dp[f, r, s] * slope * a1[f, j, k] * (1 - a1[f, j, k])
    nabla_w1, nabla_b1, dx = np.zeros_like(w1), np.zeros_like(b1), np.zeros_like(x)
    for f, j, k in np.ndindex(z1.shape):
        nabla_b1[f] += delta1[f, j, k]                                         # BP3, shared
        for u, v in np.ndindex(w1.shape[1:]):
            nabla_w1[f, u, v] += delta1[f, j, k] * x[j + u, k + v]             # BP4, shared
            dx[j + u, k + v] += delta1[f, j, k] * w1[f, u, v]                  # BP2, to what is before
    return {"w1": nabla_w1, "b1": nabla_b1, "w2": nabla_w2, "b2": nabla_b2, "x": dx}, dp, delta1


def main(backend=None, seed=0, out="pictures"):
    """Backpropagate by hand, and check each number.  Returns the largest differences."""
    lesson = Lesson(__file__, out, backend=backend, seed=seed)
    lesson.idea("""
        Chapter 2 derives BP1 to BP4 for layers in which each weight joins two neurons and belongs to
        nobody else.  Two things are new here.  A filter's weight is used at many places, so that it
        moves the cost on many ways at once.  And a pool hands on one number of four.

        The chain rule needs no change for either: whatever a number has an influence on, its influences
        add up.""")
    lesson.mathematics("""
        Layer 1:  z_jk = b + Σ_u Σ_v w_uv x_(j+u, k+v),  a_jk = σ(z_jk),  for each filter      (125)
        Pool:     p_rs = max of its window of a,  or the root of its sum of squares
        Layer 2:  z_n = b_n + Σ w_n,rs p_rs,  a_n = σ(z_n),  C = 1/2 Σ (y_n - a_n)²      (25), (27)

        BP1  δ_n = ∂C/∂z_n = (a_n - y_n) σ'(z_n)                        as ever: the output is dense

        BP2  ∂C/∂p_rs = Σ_n w_n,rs δ_n                                  as ever, up to the pool
             ∂p_rs/∂a_jk = 1 if a_jk is the window's largest, else 0    max: only the winner counts
                         = a_jk / p_rs                                  L2
             δ_jk = ∂C/∂p_rs · ∂p_rs/∂a_jk · σ'(z_jk)                   rs: the window jk is in

        BP3  b is in every z_jk, with ∂z_jk/∂b = 1:            ∂C/∂b = Σ_jk δ_jk
        BP4  w_uv is in every z_jk, ∂z_jk/∂w_uv = x_(j+u,k+v): ∂C/∂w_uv = Σ_jk δ_jk x_(j+u, k+v)
             which is a convolution again: δ slides over x.
        BP2  for a convolution before another one: x_pq is in every z_jk of every filter f whose window
             covers it, times w_(p-j, q-k):              ∂C/∂x_pq = Σ_f Σ_jk δ_f,jk w_f,(p-j, q-k)
             δ in a frame of zeros, under the filter turned by 180 degrees.

        ∂C/∂w ≈ (C(w + ε) - C(w)) / ε             (46);  better  (C(w + ε) - C(w - ε)) / 2ε""")
    net = build_network(backend=backend, seed=seed)
    lesson.network(net)
    rng = np.random.default_rng(seed)
    x, y = rng.random((IMAGE, IMAGE)), np.array([1.0, 0.0, 0.0])
    arrays = parameters(net, x)

    lesson.step(f"""Backward by the loops of this lesson; the same by moving each of the
                {sum(a.size for a in arrays.values())} numbers a little to both sides and watching C;
                and the library's backprop.  For the first filter and its bias, with max-pooling:""")
    by_hand, dp, delta1 = backward(y=y, pool="max", **arrays)
    numerical = {name: central_difference(lambda: cost(y=y, pool="max", **arrays), array)
                 for name, array in arrays.items()}
    library = of_library(net, x, y)
    rows = [(f"w_{u}{v}", *(f"{g['w1'][0, u, v]:+.10f}" for g in (by_hand, numerical, library)))
            for u, v in np.ndindex(KERNEL, KERNEL)]
    lesson.table(("", "BP4, BP3 by hand", "both-sided (46)", "nndl"),
                 [*rows, ("b", *(f"{g['b1'][0]:+.10f}" for g in (by_hand, numerical, library)))],
                 "∂C/∂w and ∂C/∂b of the first filter")

    rows, worst = [], {}
    for pool in "max", "l2":
        net = build_network(pool, backend, seed)
        arrays = parameters(net, x)
        hand, _, _ = backward(y=y, pool=pool, **arrays)
        library = of_library(net, x, y)
        for name, array in arrays.items():
            numeric = central_difference(lambda: cost(y=y, pool=pool, **arrays), array)  # noqa: B023
            apart = largest(hand[name] - numeric), largest(hand[name] - library[name])
            worst[pool, name] = apart
            rows.append((f"{pool} pool, ∂C/∂{name}", array.size, f"{largest(numeric):.2g}",
                         *(f"{a:.1g}" for a in apart)))
    lesson.table(("", "numbers", "largest", "by hand - (46)", "by hand - nndl"), rows,
                 "Each number: the largest difference of each array")

    arrays = parameters(build_network(backend=backend, seed=seed), x)
    errors = {name: [step_error(10.0 ** -k, both, by_hand["w1"], arrays, y) for k in STEPS]
              for name, both in (("one-sided, as (46)", False), ("both-sided", True))}
    best = {name: (min(e), int(np.argmin(e)) + STEPS[0]) for name, e in errors.items()}
    plots.lines({"largest error of ∂C/∂w of the filters": {
        name: (np.array(STEPS), e) for name, e in errors.items()}}, lesson.path("step.png"),
        "Closest to the truth: " + ", ".join(
            f"{error:.0e} with a step of 10^-{k} ({name})" for name, (error, k) in best.items()),
        "k, for a step of 10^-k", log=("largest error of ∂C/∂w of the filters",),
        note="larger steps: the cost is no straight line; smaller ones: it has but 16 digits")
    z1, a1, p, _, _ = forward(pool="max", **arrays)
    plots.rows_of_images(
        [("the image", x[None]), ("the filters, w", arrays["w1"]), ("z", z1), ("a = σ(z)", a1),
         ("the pool's p, 2×2", p), ("back: ∂C/∂p", dp), ("δ: only the winners", delta1),
         ("∂C/∂w of the filters", by_hand["w1"]), ("∂C/∂x", by_hand["x"][None])],
        lesson.path("forward_and_back.png"),
        f"Of the {delta1.size} neurons behind the filters {np.count_nonzero(delta1)} have won in their "
        f"pools, and only they hear of the error",
        ["mid-grey is 0 in rows that have negative numbers, dark positive"])

    checked = sum(array.size for array in arrays.values())
    numeric, library = (max(pair[side] for pair in worst.values()) for side in (0, 1))
    lesson.take_away(
        f"{checked} derivatives with max-pooling and {checked} with L2 pooling "
        f"{'agree' if max(numeric, library) < 1e-8 else 'do not all agree'}: the largest difference "
        f"between the loops and central differences is {numeric:.0e}, between the loops and nndl "
        f"{library:.0e}.",
        f"""BP1 stays.  BP3 and BP4 become sums over the places where a weight is used.  BP2 goes to
        the pool's winners alone, {np.count_nonzero(delta1)} of {delta1.size} here, and through a
        convolution it is a convolution with the filter turned round.""",
        f"""(46) with a step to one side is never closer than {best['one-sided, as (46)'][0]:.0e}, to
        both sides {best['both-sided'][0]:.0e}.  Neither is a way to train: each derivative costs a
        pass through the network.""")
    return lesson.end(numerical=numeric, library=library, checked=checked, errors=errors,
                      winners=int(np.count_nonzero(delta1)), neurons=delta1.size)


def parameters(net, x):
    """The arrays that forward takes, those of the library's network and the image, float64."""
    conv, dense = net.layers[0], next(layer for layer in net.layers if isinstance(layer, Dense))
    side = (IMAGE - KERNEL + 1) // SIZE
    return {"w1": np.array(conv.w[:, 0]), "b1": conv.b.copy(),
            "w2": dense.w.reshape(OUTPUTS, MAPS, side, side).copy(), "b2": dense.b.copy(),
            "x": x.copy()}


def of_library(net, x, y):
    """The gradients by Network.backprop, named and shaped as backward's."""
    net.layers[0].needs_da = True  # nobody asks for it in training
    (nabla_b1, nabla_b2), (nabla_w1, nabla_w2) = net.backprop(x[None, None], y[None])
    delta1 = net.layers[1].backward(net.layers[2].backward(net.layers[3].backward(
        net.layers[4].backward(net.cost.delta(net.layers[5].a, y[None], net.layers[5])))))
    dx = net.layers[0].backward(delta1)[0, 0]
    side = (IMAGE - KERNEL + 1) // SIZE
    return {"w1": nabla_w1[:, 0], "b1": nabla_b1, "w2": nabla_w2.reshape(OUTPUTS, MAPS, side, side),
            "b2": nabla_b2, "x": dx}


def cost(x, y, w1, b1, w2, b2, pool):
    """C of one image, book (27)."""
    return 0.5 * ((y - forward(x, w1, b1, w2, b2, pool)[-1]) ** 2).sum()


def step_error(step, both, exact, arrays, y):
    """The largest error of a numerical ∂C/∂w1 with that step, to one side or to both."""
    w, numeric = arrays["w1"], np.zeros_like(exact)
    for index in np.ndindex(w.shape):
        before = w[index]
        w[index] = before + step
        above = cost(y=y, pool="max", **arrays)
        w[index] = before - step if both else before
        below = cost(y=y, pool="max", **arrays)
        w[index] = before
        numeric[index] = (above - below) / (2 * step if both else step)
    return largest(numeric - exact)


def largest(array):
    """The largest number of an array, whatever its sign."""
    return float(np.abs(array).max())


if __name__ == "__main__":
    raise SystemExit(command_line(main, FULL))
