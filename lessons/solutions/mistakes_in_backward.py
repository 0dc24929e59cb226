"""Mistakes in backward, one at a time: which derivatives show them?  To lesson 4.3.

The exercise: put a mistake into the lesson's backward, say forget a σ'.  Which numbers of the table
show it?

The answer: those that are computed from it, and no others.  Backward goes from the output to the
image, and on its way hands out a gradient for each array of parameters:

    δ of layer 2  ->  ∂C/∂p  ->  δ of layer 1  ->  ∂C/∂x     BP1, BP2: a mistake here goes on
      |     |                      |     |
    ∂C/∂b2  ∂C/∂w2             ∂C/∂b1  ∂C/∂w1                BP3, BP4: a mistake here goes nowhere

A σ' forgotten in BP1 makes all wrong; one in layer 1 leaves b2 and w2 right.  A mistake in BP3 or
BP4 shows in one array alone.  So look at the line that makes a wrong array out of a right one:
below, that is always the line with the mistake.

The lesson's table has the parameters and x, and there three mistakes look alike with max-pooling:
in BP2 before the pool, in the pool, and in layer 1's σ'.  Central differences can be had on the
way, too, by moving p and z1 themselves.  ∂C/∂p tells the first from the others; and of these one
shows with both pools, the other with its own only.

That the cost falls proves nothing.  It falls with every one of these mistakes, with most of them
nearly as far as it should, and farthest with BP1 without σ', which is another cost's gradient, the
cross-entropy's (66).  A wrong ∂C/∂x changes nothing at all, until the filters are put behind
another layer.

    python -m lessons.solutions.mistakes_in_backward
"""

import inspect

import numpy as np

from lessons import network_4_3_backpropagation as lesson
from nndl.gradcheck import RELATIVE, central_difference, relative_error
from nndl.lesson import solution

MISTAKES = {  # what is wrong: in the line of which array, the lesson's text, and what replaces it
    "BP1 without σ'": ("b2", "(a2 - y) * a2 * (1 - a2)", "(a2 - y)"),
    "BP4, outputs: a for δ": ("w2", "p * delta2[n]", "p * a2[n]"),
    "BP2: the last output's share only": ("p", "dp += w2[n]", "dp = w2[n]"),
    "max: the losers get it, too": ("z1", "1.0 if a1[f, j, k] == p[f, r, s] else 0.0", "1.0"),
    "L2: not divided by p": ("z1", "slope = a1[f, j, k] / p[f, r, s]", "slope = a1[f, j, k]"),
    "layer 1 without σ'": ("z1", "slope * a1[f, j, k] * (1 - a1[f, j, k])", "slope"),
    "BP3, filters: the last place only": ("b1", "nabla_b1[f] += delta1", "nabla_b1[f] = delta1"),
    "BP4, filters: row for column": ("w1", "* x[j + u, k + v]", "* x[j + v, k + u]"),
    "BP2, image: the filter turned": ("x", "* w1[f, u, v]", "* w1[f, -1 - u, -1 - v]"),
}
BEFORE = {"b2": None, "w2": "b2", "p": "b2", "z1": "p", "b1": "z1", "w1": "z1", "x": "z1"}
POOLS, ETA = ("max", "l2"), 1.0


def with_mistake(old, new):
    """The lesson's backward with one piece of its text replaced; as it is for "", ""."""
    text, names = inspect.getsource(lesson.backward), dict(vars(lesson))
    if old and text.count(old) != 1:
        raise ValueError(f"backward has {old!r} {text.count(old)} times, not once")
    exec(text.replace(old, new) if old else text, names)
    return names["backward"]


def by_differences(y, pool, arrays):
    """∂C/∂ each array, and at p and z1, which are moved themselves: only what follows changes."""
    def behind(p):
        z2 = arrays["b2"] + (arrays["w2"] * p).sum(axis=(1, 2, 3))
        return 0.5 * ((y - lesson.sigmoid(z2)) ** 2).sum()

    def pooled(z1):
        a = lesson.sigmoid(z1).reshape(lesson.MAPS, 2, lesson.SIZE, 2, lesson.SIZE)
        return a.max(axis=(2, 4)) if pool == "max" else np.sqrt((a ** 2).sum(axis=(2, 4)))

    z1, _, p, _, _ = lesson.forward(pool=pool, **arrays)
    return {"p": central_difference(lambda: behind(p), p),
            "z1": central_difference(lambda: behind(pooled(z1)), z1)} | {
        name: central_difference(lambda: lesson.cost(y=y, pool=pool, **arrays), array)
        for name, array in arrays.items()}


def learned(backward, images, steps, seed):
    """The cost of three images, each of its own class, before and after so many steps downhill."""
    arrays = lesson.parameters(lesson.build_network(seed=seed), images[0])
    del arrays["x"]
    data, costs = list(zip(images, np.eye(lesson.OUTPUTS), strict=True)), []
    for some in 0, steps:
        for _ in range(some):
            found = [backward(x, y, pool="max", **arrays)[0] for x, y in data]
            for name, array in arrays.items():
                array -= ETA * sum(nabla[name] for nabla in found)
        costs.append(float(sum(lesson.cost(x, y, pool="max", **arrays) for x, y in data)))
    return costs


def main(steps=150, seed=0):
    """Each mistake with both pools, and in training.  Returns what is wrong, suspects, costs."""
    images = np.random.default_rng(seed).random((lesson.OUTPUTS, lesson.IMAGE, lesson.IMAGE))
    y, wrong, suspects, costs = np.eye(lesson.OUTPUTS)[0], {}, {}, {}
    arrays = {pool: lesson.parameters(lesson.build_network(pool, seed=seed), images[0])
              for pool in POOLS}
    numeric = {pool: by_differences(y, pool, arrays[pool]) for pool in POOLS}
    head = " ".join(f"{array:<2}" for array in BEFORE)
    print("× is wrong by central differences, with max-pooling and with L2 pooling; then the cost "
          f"of three\nimages before and after {steps} steps, max-pooling\n"
          f"{'':38}{head}    {head}   before  after")
    for name, (_, old, new) in ({"as it is": ("", "", "")} | MISTAKES).items():
        backward = with_mistake(old, new)
        for pool in POOLS:
            mine, dp, delta1 = backward(y=y, pool=pool, **arrays[pool])
            mine |= {"p": dp, "z1": delta1}
            errors = {array: relative_error(numeric[pool][array], mine[array]) for array in BEFORE}
            off = [array for array in BEFORE if not errors[array] < RELATIVE]
            wrong[name, pool] = off
            suspects[name, pool] = [array for array in off if BEFORE[array] not in off]
        costs[name] = learned(backward, images, steps, seed)
        marks = "     ".join("  ".join("×" if array in wrong[name, pool] else "·"
                                       for array in BEFORE) for pool in POOLS)
        print(f"    {name:<34}{marks}    {costs[name][0]:6.3f} {costs[name][1]:6.3f}")
    shown = [key for key in suspects if suspects[key]]
    found = sum(suspects[key] == [MISTAKES[key[0]][0]] for key in shown)
    falls, lower = (sum(costs[name][1] < part * costs[name][0] for name in MISTAKES)
                    for part in (1, 0.1))
    print(f"{len(shown)} times a mistake shows; the wrong array that is made from a right one is "
          f"{found} times\nthat of the line with the mistake.  The cost falls with {falls} of "
          f"{len(MISTAKES)} mistakes, to less than a tenth with {lower}.")
    return {"wrong": wrong, "suspects": suspects, "costs": costs}


if __name__ == "__main__":
    raise SystemExit(solution(main))
