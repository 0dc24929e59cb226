"""6.4  What do the hidden units of a network that adds hold: is the carry bit in there?

Book: chapter 6, "Other approaches to deep neural nets", its paragraph on recurrent networks.
Before: 6.1.
Next: what is left is the library itself: nndl/recurrent.py, and a task of your own.

    python -m lessons 6.4          five networks, 5 epochs on 10,000 sums each
    python -m lessons 6.4 --full   ten networks, 10 epochs on 20,000 sums each

Steps through: Recurrent.forward in nndl/recurrent.py, its h, state and begin; recurrent_forward in
nndl/ops/recurrent_numpy.py (--backend numpy).

Measured in 0.1 minutes: 100.00 ± 0.00 (5) % of whole sums are right. The best unit alone tells the
    carry at 99.92 ± 0.17 (5) % of the steps, all units together at 100.00 ± 0.00 (5) % (untrained:
    77.68 ± 9.64 (5) and 92.73 ± 2.36 (5) %); with the state moved by the difference of the means
    100.0 ± 0.0 (5) % of the sums go on with the other carry.

Exercises
1. Set the weights of such a network by hand.  How few hidden units are enough, and why not one?  Does
   training find such weights, too?  Worked: solutions/adder_by_hand.py
"""

import numpy as np

from nndl import Dense, Network, Recurrent, Softmax, plots
from nndl.data import tasks
from nndl.lesson import Lesson, command_line, counted, percent, spread

UNITS, ETA, MOMENTUM, CLIP, MINI_BATCH_SIZE = 12, 0.1, 0.9, 1.0, 20
BITS, LONG = (1, 8), 20   # of the numbers that are added: in training, and when it is looked at
CHANGED_AT = 10           # the step after which the carry is changed
AT_ONCE = 500             # sums in one call of feedforward, so that a layer's h and state are theirs
WAYS = ("all units, by the difference of the means", "the best unit alone, by its own",
        "all units, along v", "nothing")  # what is changed in a state
FULL = {"epochs": 10, "train_size": 20_000, "runs": 10}


def build_network(backend=None, seed=0):
    """Two bits in, a state of 12 numbers, one bit of the sum out: 206 weights and biases."""
    return Network([
        Recurrent(UNITS),     # (m, t, 2) -> (m, t, 12)
        Dense(2), Softmax(),  #           -> (m, t, 2), the probabilities of 0 and 1
    ], input_shape=(None, 2), backend=backend, seed=seed)


def main(epochs=5, train_size=10_000, backend=None, seed=0, out="pictures", runs=5, judged=2_000):
    """Train, look for the carry in the state, and change it.  Returns what was found, by run.

    runs : how many networks;  judged : on how many sums of 20 bits each is looked at
    """
    lesson = Lesson(__file__, out, epochs=epochs, train_size=train_size, backend=backend, seed=seed,
                    runs=runs, judged=judged)
    lesson.idea("""
        Who adds on paper remembers one thing from column to column: whether to carry a one.  A network
        that adds bit by bit is told the two bits and what their sum's bit is, never what a carry is.
        If it adds numbers of any length all the same, its state must tell the carry.  Where?

        Three questions, each harder than the one before.  Can one read the carry off the state?  Is it
        one unit that tells it, or all of them together?  And does the network itself use what we have
        read?  The last cannot be seen by looking: one must change the state in the middle of a sum, and
        see whether it goes on as if the carry were the other one.""")
    lesson.mathematics("""
        y_s = a_s ⊕ b_s ⊕ c_s,   c_(s+1) = 1 where a_s + b_s + c_s >= 2        adding on paper
        h_s = tanh(w_xh (a_s, b_s) + w_hh h_(s-1) + b)                         the state; tanh (110)
        one unit     carry if h_j is on the side of the middle where its mean with a carry is
        all units    carry if v·h + v0 > 1/2,  v by least squares: C of (6) for one linear neuron, (68)
        changed      h + (mean of h with a carry - mean without), or the other way round""")
    net = build_network(backend, seed)
    lesson.network(net)
    lesson.step(f"""
        {counted(runs, "network")}, each trained for {counted(epochs, "epoch")} on {train_size:,} sums
        of {BITS[0]} to {BITS[1]} bits, η from {ETA:g} to about a tenth; looked at on {judged:,} sums of
        {LONG} bits, and judged on as many others.

        Something to compare with: half of the time the two bits are equal, and then the carry is what
        they are; otherwise they do not tell it.  Who takes it for 0 then is right at about three
        quarters of the steps, without any memory.""")

    found = []
    for run in range(runs):
        rng = np.random.default_rng([seed + run, 64])
        net = build_network(backend, seed + run)
        untrained = net.copy()
        net.SGD(tasks.binary_sums(train_size, BITS, rng), epochs, MINI_BATCH_SIZE,
                lambda epoch: ETA * 0.1 ** (epoch / epochs), momentum=MOMENTUM, clip=CLIP,
                checkpoint=lesson.checkpoint(f"network {run}"))
        looked_at, judged_on = (tasks.binary_sums(judged, LONG, rng) for _ in range(2))
        probes = {name: Probe(which, looked_at[0]) for name, which in (("before", untrained),
                                                                     ("after", net))}
        found.append({"right": float((net.predict(judged_on[0]) == judged_on[1]).all(axis=1).mean()),
                      **{name: probe.judge(judged_on[0]) for name, probe in probes.items()},
                      "obeyed": obeyed(net, probes["after"], judged_on[0])})
    unit, direction = ({when: [one[when][how] for one in found] for when in ("before", "after")}
                       for how in ("unit", "direction"))
    right = [one["right"] for one in found]
    ways = {way: [one["obeyed"][way] for one in found] for way in WAYS}
    lesson.table(
        ("", "untrained, %", "trained, %"),
        [("the carry, told by the two bits alone", *[percent(by_bits(judged_on[0]))] * 2),
         ("told by the best unit", spread(unit["before"]), spread(unit["after"])),
         ("told by all units, least squares", spread(direction["before"]), spread(direction["after"])),
         (f"whole sums of {LONG} bits that are right", "", spread(right))],
        f"Measured, {counted(runs, 'run')}")
    lesson.table((f"changed after step {CHANGED_AT}", "sums that go on with the other carry, %"),
                 [(way, spread(ways[way], 1)) for way in WAYS], "Measured, in the trained networks")
    figures(lesson, probes, judged_on[0], ways)
    moved, alone, pushed, _ = (float(np.mean(ways[way])) for way in WAYS)
    adds = np.mean(right) > 0.9
    told = (f"{spread(right)} % of whole sums are right.  The best unit alone tells the carry at "
            f"{spread(unit['after'])} % of the steps, all units together at "
            f"{spread(direction['after'])} % (untrained: {spread(unit['before'])} and "
            f"{spread(direction['before'])} %); with the state moved by the difference of the means "
            f"{spread(ways[WAYS[0]], 1)} % of the sums go on with the other carry.")
    if not adds:
        lesson.take_away(told, "These networks do not add yet: to change what they hold says little.")
    else:
        lesson.take_away(
            told,
            f"""Reading alone proves little: in the untrained network, which has learnt nothing, all
            units together tell the carry at {percent(np.mean(direction['before']), 1)} % of the steps.
            It has not learnt to keep one, so its state must echo the last bits.  It is the changed
            state that shows what the network goes by: {percent(moved, 1)} % of the sums followed it,
            and {percent(alone, 1)} % followed the best unit alone{
            ", for others hold the carry as well" if alone < moved - 0.05 else ""}.""",
            f"""Nor is the direction in which one reads the one in which one must push: along v, just as
            far as makes v·h say the opposite, {percent(pushed, 1)} % of the sums followed.  v may be
            any direction that tells the two kinds of states apart, also one along which the network is
            deaf.""" if pushed < moved - 0.05 else
            f"""Along v, just as far as makes v·h say the opposite, {percent(pushed, 1)} % of the sums
            followed as well.""")
    return lesson.end(right=right, unit=unit, direction=direction, ways=ways,
                      units=[one["after"]["units"] for one in found])


def figures(lesson, probes, x, ways):
    """The last network at work on one sum; what v·h is with a carry and without; what was obeyed."""
    probe, net = probes["after"], probes["after"].net
    h, carry = states(net, x[:1])[0], carries(x[:1])[0]
    units = probe.by_unit(*probe.samples(x))
    order = units.argsort()[::-1]
    plots.over_steps(
        {"the sum, the least significant bit first": (
            [""] * len(h), {"a": x[0, :, 0].astype(int), "b": x[0, :, 1].astype(int),
                            "written": net.predict(x[:1])[0], "the carry": carry}),
         "the state after each step: white is -1, black 1": (
             range(1, len(h) + 1),
             {"v·h, all units": np.clip(2 * probe.read(h) - 1, -1, 1)}
             | {f"unit {j}, tells {percent(units[j], 1)} %": h[:, j] for j in order})},
        lesson.path("one_sum.png"),
        f"Unit {order[0]} alone tells the carry at {percent(units[order[0]], 1)} % of the steps of "
        f"{len(x):,} sums; here it is at work on one of them", "step",
        note="a unit whose white and black are the other way round tells it just as well; v·h is shown "
             "from -1, no carry, to 1", width=9.8)
    plots.distributions(
        {name: {f"{'a' if c else 'no'} carry": at.read(h)[carry == c] for c in (0, 1)}
         for name, at in (("untrained", probes["before"]), ("trained", probe))
         for h, carry in [at.samples(x)]},
        lesson.path("read_off.png"),
        "Read off all units the carry is right for "
        + " and ".join(f"{percent(at.judge(x)['direction'], 1)} % {name}" for name, at in (
            ("in the untrained network", probes["before"]), ("in the trained one", probe))),
        "v·h + v0, 1 for a carry, 0 for none",
        note=f"a carry is read where it is above 1/2; the last of {counted(len(ways[WAYS[0]]), 'run')}")
    means = [f"{100 * np.mean(ways[way]):.0f} %" for way in WAYS]
    plots.dots({way: [100 * share for share in ways[way]] for way in WAYS}, lesson.path("changed.png"),
               f"Moved by the difference of the means {means[0]} of the sums go on with the other "
               f"carry, by the best unit alone {means[1]}",
               f"sums that go on with the other carry, percent; changed after step {CHANGED_AT}")


def carries(x):
    """(n, t) 0 and 1: whether the sum of these bits (n, t, 2) carries a one out of each step."""
    carry, found = np.zeros(len(x), int), np.zeros(x.shape[:2], int)
    for s in range(x.shape[1]):
        carry = found[:, s] = (x[:, s].sum(axis=1) + carry >= 2).astype(int)
    return found


def by_bits(x):
    """How often the carry is right if it is taken for 1 only where both bits of a step are 1."""
    return float((carries(x) == x.min(axis=2))[:, :-1].mean())


def states(net, x):
    """h (n, t, units) after each step of x (n, t, 2)."""
    pieces = []
    for start in range(0, len(x), AT_ONCE):
        net.feedforward(x[start:start + AT_ONCE])
        pieces.append(net.layers[0].h.copy())  # a copy: the layer uses its memory again
    return np.concatenate(pieces)


class Probe:
    """How to read the carry off a network's state, found on the sums x (n, t, 2).

    means : (2, units), of h without a carry and with one;  v, v0 : carry where v·h + v0 > 1/2
    """

    def __init__(self, net, x):
        self.net = net
        h, carry = self.samples(x)
        self.means = np.array([h[carry == c].mean(axis=0) for c in (0, 1)])
        (*v, self.v0), *_ = np.linalg.lstsq(np.column_stack([h, np.ones(len(h))]), carry, rcond=None)
        self.v = np.array(v)
        self.unit = int(self.by_unit(h, carry).argmax())

    def samples(self, x):
        """(h, carry) of every step but the last, at which nothing can be carried."""
        h = states(self.net, x)[:, :-1]
        return h.reshape(-1, h.shape[2]).astype(float), carries(x)[:, :-1].ravel()

    def by_unit(self, h, carry):
        """How often each unit alone tells the carry, (units,)."""
        above = h > self.means.mean(axis=0)
        return (above == ((carry == 1)[:, None] == (self.means[1] > self.means[0]))).mean(axis=0)

    def read(self, h):
        """v·h + v0: about 1 with a carry, about 0 without."""
        return h @ self.v + self.v0

    def judge(self, x):
        """{"unit": share of right readings by the best unit, "direction": by all, "units": by each}."""
        h, carry = self.samples(x)
        units = self.by_unit(h, carry)
        return {"unit": float(units[self.unit]), "units": units.tolist(),
                "direction": float(((self.read(h) > 0.5) == (carry == 1)).mean())}


def obeyed(net, probe, x):
    """{what is changed after CHANGED_AT steps: share of sums that go on as with the other carry}."""
    difference = probe.means[1] - probe.means[0]
    along_v = probe.v / (probe.v @ probe.v)        # the shortest way from v·h = 0 to 1
    alone = np.where(np.arange(UNITS) == probe.unit, difference, 0)
    ways = dict(zip(WAYS, (difference, alone, along_v, 0 * alone), strict=True))
    counts = dict.fromkeys(WAYS, 0)
    for start in range(0, len(x), AT_ONCE):
        early, late = np.split(x[start:start + AT_ONCE], [CHANGED_AT], axis=1)
        carry = carries(early)[:, -1]
        net.feedforward(early)
        state, = (array.copy() for array in net.layers[0].state)
        bits = 2 ** np.arange(late.shape[1])
        asked = late.sum(axis=2).astype(int) @ bits + (1 - carry)   # the sum with the other carry
        for name, way in ways.items():
            net.layers[0].begin = (state + np.where(carry == 0, 1, -1)[:, None] * way,)
            counts[name] += int((net.predict(late) @ bits == asked).sum())
    return {name: count / len(x) for name, count in counts.items()}


if __name__ == "__main__":
    raise SystemExit(command_line(main, FULL))
