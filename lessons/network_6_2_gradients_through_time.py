"""6.2  How far back in time does a gradient reach?

Book: chapter 5, "Unstable gradients in more complex networks" for (124); chapter 6, "Other approaches
to deep neural nets" (recurrent neural networks, long short-term memory units).
Before: 6.1, 5.0.
Next: 6.3, a network that writes.

    python -m lessons 6.2          a letter to be remembered for up to 30 steps, two runs of each cell
    python -m lessons 6.2 --full   for up to 60 steps, four times as many sequences, three runs

Steps through: recurrent_backward and lstm_backward in nndl/ops/recurrent_numpy.py (--backend numpy),
the lines "BP2, back in time" and "the way that no weight is on"; clip in Network.update_mini_batch,
nndl/network.py.

Measured in 0.1 minutes: 29 steps back the gradient is 1e-09 times the last step's in a vanilla cell
    of radius 0.5 and 2e+05 times with radius 4; with first weights as they come 0.026 to 1.1 times,
    along the LSTM's cells 0.05 to 0.11 times.

Exercises
1. The book's (ch. 5), for a cell that feeds itself: for which states is |w tanh'| >= 1, and can it stay
   there?  Worked: solutions/vanishing_range_of_a_cell.py
2. What is lost when the gradient goes back only a few steps?  Worked: solutions/truncated_gradient.py
"""

import contextlib
import math

import numpy as np

from nndl import LSTM, Dense, Last, Network, Recurrent, Sequences, Softmax, plots
from nndl.lesson import Lesson, command_line, counted, note, spread
from nndl.network import Diverged

LETTERS, NOISE = 8, 0.2     # to be remembered; standard deviation of what comes in afterwards
UNITS = 32
RADII = (0.5, 0.9, 1.0, 1.2, 2.0, 4.0)  # of w_hh: the size of its largest eigenvalue
FORGET = (0.0, 1.0, 3.0, 5.0)           # biases of the LSTM's forget gates; 1 is nndl's
CELLS = {"vanilla": Recurrent, "LSTM": LSTM}
ETA, MOMENTUM, CLIP = {"vanilla": 0.1, "LSTM": 0.3}, 0.9, 1.0
MINI_BATCH_SIZE = 20
SOME = 200                  # sequences over which gradients are measured
CLIP_ETA, CLIP_STEPS, EVERY = 0.1, 600, 20  # mini-batches with and without clipping; shown by 20
FULL = {"epochs": 10, "train_size": 20_000, "steps": 60, "runs": 3}
BOOK = (0.003, 0.017, 0.070, 0.285)  # ‖∂C/∂b‖ of four hidden layers of sigmoids, one draw: ch. 5


def build_network(cell, backend=None, seed=0, **how):
    """A recurrent layer that reads a letter and then noise; from its last state: which letter?"""
    return Network([
        cell(UNITS, **how),              # (m, t, 8) -> (m, t, 32)
        Last(),                          #           -> (m, 32)
        Dense(LETTERS), Softmax(),       #           -> (m, 8)
    ], input_shape=(None, LETTERS), backend=backend, seed=seed)


def remembered(n, steps, rng, ragged=True):
    """The task: a letter at the first step, one-hot, then noise; which letter was it?

    x : (n, steps, 8), of 1 to `steps` steps each if ragged;  y : (n,) letters
    """
    y = rng.integers(0, LETTERS, n)
    x = (NOISE * rng.normal(size=(n, steps, LETTERS))).astype(np.float32)
    x[:, 0] = np.eye(LETTERS)[y]
    return (Sequences(x, rng.integers(1, steps + 1, n)) if ragged else x), y


def back_in_time(layer, d_last):
    """dC/dh_s of each step, from the first to the last, (t, m, n); of an LSTM dC/dc_s as well.

    layer : a Recurrent or LSTM, after forward;  d_last : dC/dh of the last step, (m, n)
    The factors of (124), one after the other.  nndl's backward does the same and keeps only the last.
    """
    h, w_hh, d_h, d_c = layer.h, layer.w_hh, d_last, 0
    of_h, of_c = [], []
    for s in reversed(range(h.shape[1])):
        of_h.append(d_h)
        if isinstance(layer, LSTM):
            i, f, g, o = np.split(layer.all_gates[:, s], 4, axis=1)
            before = layer.c[:, s - 1] if s else 0
            shown = np.tanh(layer.c[:, s])
            d_c = d_c + d_h * o * (1 - shown ** 2)
            of_c.append(d_c)
            d_z = np.concatenate([d_c * g * i * (1 - i), d_c * before * f * (1 - f),
                                  d_c * i * (1 - g ** 2), d_h * shown * o * (1 - o)], axis=1)
            d_c = d_c * f                        # along the cell: no weight, no slope
        else:
            d_z = d_h * (1 - h[:, s] ** 2)       # Σ'(z_s) of (124)
        d_h = d_z @ w_hh                         # and w_hhᵀ
    return tuple(np.array(array[::-1]) for array in (of_h, of_c) if array)


def main(epochs=5, train_size=5000, backend=None, seed=0, out="pictures", steps=30, runs=2):
    """Gradients before and after training; training with and without clipping.  Returns numbers."""
    lesson = Lesson(__file__, out, epochs=epochs, train_size=train_size, backend=backend, seed=seed,
                    steps=steps, runs=runs)
    lesson.idea("""
        A recurrent network over 30 steps is a network of 30 layers (6.0), and in a deep network the
        gradient of the first layers may vanish or explode (5.0).  Here it is worse, for all layers have
        the same weights: a factor below 1 is a factor below 1 thirty times.

        A memory cell, LSTM, was invented against that.  From step to step its content is multiplied by
        the number that its forget gate shows, and by nothing else.  If that is near 1, the gradient
        along this way stays what it is.

        Against a gradient that explodes there is a simpler means.  Its direction still says where
        downhill is; so one takes the direction, and makes it shorter.""")
    lesson.mathematics("""
        δ^l = Σ'(z^l) (w^(l+1))ᵀ Σ'(z^(l+1)) (w^(l+2))ᵀ ... Σ'(z^L) ∇_a C             (124)
        ∂C/∂h_s = w_hhᵀ Σ'(z_(s+1)) w_hhᵀ Σ'(z_(s+2)) ... w_hhᵀ Σ'(z_t) ∂C/∂h_t      the same w_hh
        with slopes of 1: in the long run a factor a step, |the largest eigenvalue of w_hh|: its radius

        LSTM:  c_s = f ⊙ c_(s-1) + i ⊙ g,  h_s = o ⊙ tanh(c_s)
        ∂C/∂c_(s-1) = f ⊙ ∂C/∂c_s + what goes by way of h_(s-1)

        clipping:  g -> g · min(1, clip/‖g‖),  g the whole gradient of a mini-batch""")
    lesson.network(build_network(Recurrent, backend, seed), "The network, here with the vanilla cell")
    lesson.network(build_network(LSTM, backend, seed), "The same with an LSTM")
    far = remembered(SOME, steps, np.random.default_rng([seed, 1]), ragged=False)
    back = steps - 1  # how far the first step is from the last
    scaled, slopes, forget = first_weights(lesson, far, backend, seed)
    nets, before, after, accuracies = {}, {}, {}, {}
    lesson.step(f"""Now both learn to remember which of {LETTERS} letters came at the first step, while
                noise comes in: {train_size:,} sequences of 1 to {steps} steps, {counted(runs, 'run')}
                of {counted(epochs, 'epoch')} of each, momentum {MOMENTUM:g}, clip {CLIP:g}, η from
                {ETA['vanilla']:g} (vanilla) and {ETA['LSTM']:g} (LSTM) down to a tenth.""")
    lengths = (steps // 3, steps, 2 * steps)
    tests = {length: remembered(1000, length, np.random.default_rng([seed, 2, length]), ragged=False)
             for length in lengths}
    for name, cell in CELLS.items():
        print(f"    {name}")
        nets[name] = [build_network(cell, backend, seed + run) for run in range(runs)]
        before[name] = [(*norms(net, far), scatter(net, far)) for net in nets[name]]
        for run, net in enumerate(nets[name]):
            data = remembered(train_size, steps, np.random.default_rng([seed + run, 3]))
            net.SGD(data, epochs, MINI_BATCH_SIZE, lambda epoch, eta=ETA[name]: eta * 0.1 ** (
                epoch / epochs), momentum=MOMENTUM, clip=CLIP, evaluation_data=tests[steps],
                monitor_evaluation_accuracy=True, checkpoint=lesson.checkpoint(f"{name} {run}"))
        after[name] = [(*norms(net, far), scatter(net, far)) for net in nets[name]]
        accuracies[name] = {length: [net.accuracy(tests[length]) for net in nets[name]]
                            for length in lengths}
    curves = {when: {f"{name}, ∂C/∂{what}": np.array([run[n] for run in measured[name]])
                     for name in CELLS for n, what in enumerate("hc"[:len(measured[name][0]) - 1])}
              for when, measured in (("before", before), ("after", after))}
    # Runs differ by orders of magnitude: the geometric mean.
    arrives = {when: {name: float(np.exp(np.log(of[:, 0]).mean())) for name, of in curves[when].items()}
               for when in curves}
    apart = {when: {name: float(np.mean([run[-1] for run in measured[name]])) for name in CELLS}
             for when, measured in (("before", before), ("after", after))}
    lesson.table(("", *(f"after {length} steps, %" for length in lengths), "scatter before", "after"),
                 [(name, *(spread(accuracies[name][length]) for length in lengths),
                   f"{apart['before'][name]:.2f}", f"{apart['after'][name]:.2f}") for name in CELLS],
                 "Measured: letters remembered (guessing is 12.5); scatter of last states around the "
                 "mean of their letter, beside the scatter of these means")
    lesson.table(("", "before training", "after training"),
                 [(f"{name}_1 beside that of step {steps}", *(f"{arrives[when][name]:.1e}"
                                                              for when in curves))
                  for name in curves["before"]],
                 f"Measured: how much of the gradient is left {back} steps back")
    keeps = max(arrives["after"], key=arrives["after"].get)
    headings = {when: f"gradient beside the last step's, {when} training" for when in curves}
    plots.lines({headings[when]: {name: (np.arange(steps), of[:, ::-1])
                                  for name, of in curves[when].items()} for when in curves},
                lesson.path("training.png"),
                f"After training most arrives along {keeps}: {arrives['after'][keeps]:.2g} times the "
                f"last step's gradient, before training {arrives['before'][keeps]:.2g}",
                x="steps back from the end", log=list(headings.values()),
                note=note(runs, f"{SOME} sequences of {steps} steps"))
    clipped = clipping(lesson, steps, runs, backend, seed)
    small, large = min(RADII), max(RADII)
    lesson.take_away(
        f"{back} steps back the gradient is {scaled[small][0]:.0e} times the last step's in a vanilla "
        f"cell of radius {small:g} and {scaled[large][0]:.0e} times with radius {large:g}; with first "
        f"weights as they come {span(curves['before']['vanilla, ∂C/∂h'])} times, along the LSTM's "
        f"cells {span(curves['before']['LSTM, ∂C/∂c'])} times.",
        f"""Each step of (124) multiplies by two things, the slopes and the weights.  With radius
        {small:g} slopes are {slopes[small]:.2f} on average, and the gradient changes by
        {a_step(scaled[small]):.2f} a step; with radius {large:g}, where units are driven into
        saturation, they are {slopes[large]:.2f}, and it changes by {a_step(scaled[large]):.2f} a step,
        not by {large:g}.""",
        said_of_forget(forget, back),
        said_of_training(curves, arrives, apart, accuracies, steps),
        said_of_clipping(clipped))
    return lesson.end(
        scaled={f"{radius:g}": a_step(curve) for radius, curve in scaled.items()},
        forget={f"{bias:g}": [a_step(curve) for curve in of] for bias, of in forget.items()},
        arrives=arrives, scatter=apart,
        accuracies={name: {str(length): of for length, of in accuracies[name].items()}
                    for name in CELLS},
        slopes={f"{radius:g}": of for radius, of in slopes.items()},
        clipping={name: {"cost": run["costs"][:, -EVERY:].mean(axis=1).tolist(),
                         "slope": run["slope"].tolist(),
                         "longest": float(run["norms"].max())} for name, run in clipped.items()})


def first_weights(lesson, far, backend, seed):
    """Before training: gradients by radius of w_hh, (t,) each; mean slopes; those by forget bias."""
    back = far[0].shape[1] - 1
    measured = {radius: of_scaled(radius, far, backend, seed) for radius in RADII}
    scaled, slopes = ({radius: pair[n] for radius, pair in measured.items()} for n in (0, 1))
    forget = {bias: norms(build_network(LSTM, backend, seed, forget_bias=bias), far)
              for bias in FORGET}
    lesson.table(
        ("", "radius or gate alone", "mean tanh'", "measured, a step", f"{back} steps"),
        [*((f"vanilla, radius {radius:g}: ∂C/∂h", f"{radius:.3f}", f"{slopes[radius]:.2f}",
            f"{a_step(curve):.3f}", f"{curve[0]:.1e}") for radius, curve in scaled.items()),
         *((f"LSTM, forget bias {bias:g}: ∂C/∂c", f"{sigmoid(bias):.3f}", "", f"{a_step(of_c):.3f}",
            f"{of_c[0]:.1e}") for bias, (_, of_c) in forget.items()),
         ("book: ∂C/∂b from one of four sigmoid layers to the next", "", "",
          f"{(BOOK[0] / BOOK[-1]) ** (1 / 3):.3f}", "")],
        "Before training: by which factor a gradient changes on its way back")
    headings = "vanilla: ‖∂C/∂h‖ beside the last step's", "LSTM: ‖∂C/∂c‖ beside the last step's"
    distance, of = np.arange(back + 1), {bias: of_c for bias, (_, of_c) in forget.items()}
    plots.lines(
        {headings[0]: {f"radius {r:g}": (distance, curve[::-1]) for r, curve in scaled.items()},
         headings[1]: {f"forget bias {b:g}": (distance, curve[::-1]) for b, curve in of.items()}},
        lesson.path("first_weights.png"),
        f"The first weights decide what arrives {back} steps back: " + " and ".join(
            f"{curves[least][0]:.0e} to {curves[most][0]:.0e} of the last step's gradient by the {what}"
            for what, curves, least, most in (("radius", scaled, min(RADII), max(RADII)),
                                              ("forget bias", of, min(FORGET), max(FORGET)))),
        x="steps back from the end", log=headings, note=f"the mean over {SOME} sequences; radius: of "
        "w_hh's largest eigenvalue")
    return scaled, slopes, forget


def clipping(lesson, steps, runs, backend, seed):
    """Train with the gradient as it is, and clipped.  Returns descend's, (runs, ...)."""
    lesson.step(f"""The vanilla cell once more, with η = {CLIP_ETA:g} throughout, {CLIP_STEPS}
                mini-batches, {counted(runs, 'run')}: with the gradient as it is, and clipped to a
                length of {CLIP:g}.""")
    clipped = {}
    for name, clip in (("as it is", math.inf), ("clipped", CLIP)):
        of_runs = [descend(clip, steps, backend, seed + run) for run in range(runs)]
        shortest = min(len(run["costs"]) for run in of_runs) // EVERY * EVERY
        clipped[name] = {key: np.array([run[key][:shortest] for run in of_runs])
                         for key in ("costs", "norms")} | {
                             "slope": np.array([run["slope"] for run in of_runs])}
    nothing = math.log(LETTERS)
    lesson.table(("gradient", "longest", "cost at its highest", f"of the last {EVERY}",
                  "mean tanh' at the end"),
                 [(name, f"{run['norms'].max():.0f}", f"{run['costs'].max():.1f}", each(
                     run["costs"][:, -EVERY:].mean(axis=1)), each(run["slope"]))
                  for name, run in clipped.items()],
                 f"Measured: costs of mini-batches in nats; to know nothing costs ln {LETTERS} = "
                 f"{nothing:.2f}")
    headings = "cost, nats", "length of the gradient, before it is clipped"
    pieces = {name: {key: run[key].reshape(runs, -1, EVERY) for key in ("costs", "norms")}
              for name, run in clipped.items()}
    at = {name: np.arange(1, piece["costs"].shape[1] + 1) * EVERY for name, piece in pieces.items()}
    plots.lines({headings[0]: {name: (at[name], piece["costs"].mean(axis=2))
                               for name, piece in pieces.items()},
                 headings[1]: {name: (at[name], piece["norms"].max(axis=2))
                               for name, piece in pieces.items()}},
                lesson.path("clipping.png"), f"Cost of the last {EVERY} mini-batches: " + ", ".join(
                    f"{run['costs'][:, -EVERY:].mean():.2f} with the gradient {name}"
                    for name, run in clipped.items()) + f"; to know nothing costs {nothing:.2f}",
                x="mini-batch", log=headings[1:], levels={headings[0]: {f"ln {LETTERS}": nothing},
                                                          headings[1]: {f"clip = {CLIP:g}": CLIP}},
                note=note(runs, f"of {EVERY} mini-batches the mean cost and the longest gradient"))
    return clipped


# --- what the numbers say --------------------------------------------------------------------------

def said_of_forget(forget, back):
    """On the LSTM before training."""
    low, high = min(forget), max(forget)
    text = (f"""A gradient along the cells changes by what the gate shows, and by what goes round by
            way of h.  With forget bias {low:g} gates show about {sigmoid(low):.2f}, and it is
            {a_step(forget[low][1]):.2f} a step; with {high:g} they show {sigmoid(high):.3f}, and it is
            {a_step(forget[high][1]):.2f}.""")
    grown = forget[high][1][0]
    return text + (f"  So open gates do not keep a gradient as it is: {back} steps back it has "
                   f"become {grown:.0f} times as long." if grown > 2 else "")


def span(of_runs):
    """What of the gradient is left at the first step, from the least to the most of the runs."""
    least, most = of_runs[:, 0].min(), of_runs[:, 0].max()
    return f"{least:.2g}" if len(of_runs) == 1 else f"{least:.2g} to {most:.2g}"


def said_of_training(curves, arrives, apart, accuracies, steps):
    """On the cells after training."""
    more = [name for name in arrives["after"]
            if (curves["after"][name][:, 0] >= curves["before"][name][:, 0]).any()]
    right = min(np.mean(accuracies[name][steps]) for name in accuracies)
    text = f"After training on up to {steps} steps " + ", ".join(
        f"{name} remembers {spread(accuracies[name][steps])} % of the letters over {steps} and "
        f"{spread(accuracies[name][2 * steps])} % over {2 * steps}" for name in accuracies) + "."
    if not more and right > 0.9:
        text += "  And yet in every run less of a gradient arrives at the first step than before"
        if all(apart["after"][name] < 0.5 * apart["before"][name] for name in apart["after"]):
            text += (".  To vanish is not to forget: the last states of a letter scatter, beside what "
                     "is between letters, " + ", ".join(
                         f"{apart['before'][name]:.2f} before and {apart['after'][name]:.2f} after "
                         f"({name})" for name in apart["after"])
                     + ".  Where all pushes end in the same state, a small push has no slope")
        text += "."
    elif more:
        text += "  Of the gradient there arrives at the first step, before and after training: " + (
            ", ".join(f"{name} {arrives['before'][name]:.2g} and {arrives['after'][name]:.2g}"
                      for name in more)) + "."
    return text


def said_of_clipping(clipped):
    """On what clipping has changed."""
    ends = {name: run["costs"][:, -EVERY:].mean(axis=1) for name, run in clipped.items()}
    nothing, costs = math.log(LETTERS), {name: each(of) for name, of in ends.items()}
    text = (f"At η = {CLIP_ETA:g} the cost ends at {costs['as it is']} with the gradient as it is, at "
            f"{costs['clipped']} with its length clipped to {CLIP:g}; to know nothing costs "
            f"{nothing:.2f}.")
    saves = bool(max(ends["clipped"]) < 0.8 * nothing < 0.95 * nothing < min(ends["as it is"]))
    if len(clipped["as it is"]["costs"][0]) < CLIP_STEPS // EVERY * EVERY:
        end = "Without it numbers ceased to be finite."
    else:
        end = ("Without it nothing runs off to infinity, for tanh holds the states.  " * saves
               + f"The cell's slopes are {each(clipped['as it is']['slope'])} on average in the end; "
               f"with clipping {each(clipped['clipped']['slope'])}.")
    return "Clipping saves a run that otherwise fails.  " * saves + f"{text}  {end}"


def each(runs):
    """The numbers of several runs, as words."""
    return ", ".join(f"{number:.2f}" for number in runs)


# --- measuring --------------------------------------------------------------------------------------

def of_scaled(radius, data, backend, seed):
    """(norms, mean tanh') of a vanilla cell, w_hh scaled: its largest eigenvalue has this size."""
    net = build_network(Recurrent, backend, seed)
    w_hh = net.layers[0].w_hh
    w_hh *= radius / np.abs(np.linalg.eigvals(w_hh)).max()
    return norms(net, data)[0], slope(net)


def slope(net):
    """The mean of tanh' over what the vanilla cell has just read."""
    return float(np.mean(1 - net.layers[0].h ** 2))


def gradients(net, data):
    """back_in_time for data = (x, y), at most 500 sequences of equal length."""
    x, y = data
    a = net.feedforward(x)
    d_last = (a - np.eye(LETTERS)[y]) @ net.layers[-2].w  # (84), and BP2 through the dense layer
    return back_in_time(net.layers[0], d_last)


def norms(net, data):
    """‖dC/dh_s‖, mean over the sequences, beside that of the last step, (t,); of an LSTM also of c."""
    means = [np.linalg.norm(d, axis=2).mean(axis=1) for d in gradients(net, data)]
    return [mean / mean[-1] for mean in means]


def a_step(curve):
    """By which factor it changes with each step back, in the geometric mean."""
    return float(curve[0] ** (1 / (len(curve) - 1)))


def scatter(net, data):
    """How far last states are from the mean of their letter, beside how far apart these means are."""
    x, y = data
    net.feedforward(x)
    h = net.layers[0].h[:, -1]
    means = np.array([h[y == letter].mean(axis=0) for letter in range(LETTERS)])
    within = np.square(h - means[y]).sum(axis=1).mean()
    return float(np.sqrt(within / np.square(means - means.mean(axis=0)).sum(axis=1).mean()))


def descend(clip, steps, backend, seed):
    """CLIP_STEPS mini-batches.  Returns costs, lengths of gradients, (n,); the last mean tanh'."""
    net, rng = build_network(Recurrent, backend, seed), np.random.default_rng([seed, 4])
    costs, lengths = [], []
    with contextlib.suppress(Diverged):
        for _ in range(CLIP_STEPS):
            mini_batch = remembered(MINI_BATCH_SIZE, steps, rng)
            cost = net.cost_of(*mini_batch)
            net.update_mini_batch(mini_batch, CLIP_ETA, momentum=MOMENTUM, clip=clip)
            costs.append(cost)
            lengths.append(net.gradient_norm(MINI_BATCH_SIZE))
    return {"costs": np.array(costs), "norms": np.array(lengths), "slope": slope(net)}


def sigmoid(z):
    """σ(z), book (3)."""
    return 1 / (1 + math.exp(-z))


if __name__ == "__main__":
    raise SystemExit(command_line(main, FULL))
