"""2.0  Why does a neuron that is badly wrong learn slowly, and which cost mends it?

Book: chapter 3, "The cross-entropy cost function".
Before: 1.0.
Next: 2.1, overfitting and what to do about it.

    python -m lessons 2.0          one neuron; 30 and 100 hidden neurons, 10 epochs on 10,000 images
    python -m lessons 2.0 --full   30 epochs on all 50,000, as the book has it; three runs of each

Steps through: QuadraticCost and CrossEntropyCost.delta in nndl/costs.py; sigmoid_backward in
nndl/ops/activation_numpy.py, the σ' that one of them has and the other has not.

Measured in 0.2 minutes: From the worse start the neuron's first gradient is 0.14 times the other
    with the quadratic cost, 1.20 times with the cross-entropy: now it learns fastest where it is
    most wrong.

Exercises
1. The book's (ch. 3): outputs of sigmoid neurons need not sum to 1.  Worked:
   solutions/sigmoid_outputs_do_not_sum.py
2. The book's (ch. 3): softmax is monotone, and every output depends on every input.  Worked:
   solutions/softmax_monotone_nonlocal.py
3. The book's (ch. 3): where softmax has its name from, c -> ∞.  Worked:
   solutions/softmax_temperature.py
4. The book's (ch. 3): from softmax's outputs back to its inputs.  Worked:
   solutions/inverting_softmax.py
5. Start the neuron at w = b = -2, so that it is nearly right.  What do the two costs make of that?
   Worked: solutions/nearly_right.py
"""

import numpy as np

from nndl import Dense, Network, Sigmoid, load_mnist, plots
from nndl.costs import CrossEntropyCost, QuadraticCost
from nndl.lesson import Lesson, command_line, counted, note, spread

COSTS = {"quadratic": QuadraticCost, "cross-entropy": CrossEntropyCost}
# One neuron, input 1, desired output 0.  The two η are the book's: each looks well on its own, and
# their lengths of time are not to be compared.
STARTS = {"w = 0.6, b = 0.9": (0.6, 0.9), "w = b = 2": (2.0, 2.0)}
NEURON_ETA = {"quadratic": 0.15, "cross-entropy": 0.005}
NEURON_EPOCHS = 300
BOOK_ENDS = {("quadratic", "w = 0.6, b = 0.9"): 0.09, ("quadratic", "w = b = 2"): 0.20}  # outputs
# The whole network
NEURONS = (30, 100)
ETA, MINI_BATCH_SIZE = {"quadratic": 3.0, "cross-entropy": 0.5}, 10
FULL = {"epochs": 30, "train_size": 50_000}
BOOK = {("quadratic", 30): 95.42, ("cross-entropy", 30): 95.49,  # percent of the test images,
        ("quadratic", 100): 96.59, ("cross-entropy", 100): 96.82}  # best of 30 epochs, 50,000 images


def build_neuron(cost, start, backend=None):
    """A single sigmoid neuron with one input, at a chosen weight and bias."""
    net = Network([Dense(1), Sigmoid()],  # (m, 1) -> (m, 1)
                  cost=COSTS[cost], input_shape=(1,), backend=backend, dtype="float64")
    dense = net.layers[0]
    dense.w[...], dense.b[...] = start
    return net


def build_network(cost, neurons, backend=None, seed=0):
    """784-neurons-10 with chapter 1's large weights, and one cost or the other."""
    return Network([
        Dense(neurons, init="large"), Sigmoid(),   # (m, 784) -> (m, neurons)
        Dense(10, init="large"), Sigmoid(),        #          -> (m, 10)
    ], cost=COSTS[cost], backend=backend, seed=seed)


def main(epochs=10, train_size=10_000, backend=None, seed=0, out="pictures", runs=3):
    """One neuron, then the network.  Returns outputs, first gradients, curves and accuracies."""
    lesson = Lesson(__file__, out, epochs=epochs, train_size=train_size, backend=backend, seed=seed,
                    runs=runs)
    lesson.idea("""
        People learn fastest when they are badly wrong.  A sigmoid neuron with the quadratic cost does
        the opposite: where its output is near 1 and should be 0, the sigmoid is flat, its slope σ' is
        almost 0, and the gradient has σ' as a factor.

        So choose a cost whose own slope is steep just there: steep enough that σ' cancels.  That is
        the cross-entropy.""")
    lesson.mathematics("""
        C = (y - a)²/2                          ∂C/∂w = (a - y) σ'(z) x          (54), (55)
        C = -[y ln a + (1 - y) ln(1 - a)]       ∂C/∂w = (a - y) x                (57), (61)
        many outputs:  δ = (a - y) ⊙ σ'(z)  becomes  δ = a - y                   (30), (66)
        δ = ∂C/∂z, a neuron's error (29);  ⊙ multiplies element by element       (28)""")
    a = np.linspace(0.001, 0.999, 200)
    plots.lines({"|∂C/∂b| of a neuron whose output should be 0": {
        "quadratic": (a, a * a * (1 - a)), "cross-entropy": (a, a)}},
        lesson.path("gradient.png"), "The quadratic cost's gradient vanishes where the neuron is most "
        "wrong", x="output a; 0 is right")

    lesson.step(f"""One neuron: its input is 1, its output should be 0.  It starts wrong, or very wrong,
                and takes {NEURON_EPOCHS} steps downhill, with η = {NEURON_ETA['quadratic']:g} for the
                quadratic cost and {NEURON_ETA['cross-entropy']:g} for the cross-entropy.""")
    outputs, costs, gradients = one_neuron(backend)
    halved = {key: next((step for step, cost in enumerate(values) if cost <= values[0] / 2), None)
              for key, values in costs.items()}
    lesson.table(
        ("cost, start", "first output", "first |∂C/∂w|", "steps to half the cost",
         f"output after {NEURON_EPOCHS}", "book"),
        [(", ".join(key), f"{outputs[key][0]:.2f}", f"{gradients[key]:.3f}", halved[key] or "-",
          f"{outputs[key][-1]:.2f}", f"{BOOK_ENDS[key]:.2f}" if key in BOOK_ENDS else "")
         for key in outputs])
    lesson.step(f"""Compare down the table only within a cost: the book gives them other learning rates,
                η = {NEURON_ETA['quadratic']:g} and {NEURON_ETA['cross-entropy']:g}, with which the
                cross-entropy takes smaller steps.  What counts is the worse start beside the other.""")
    ratio = {cost: gradients[cost, "w = b = 2"] / gradients[cost, "w = 0.6, b = 0.9"] for cost in COSTS}
    few, worse = NEURON_EPOCHS // 6, "w = b = 2"
    titles = {"output": "The worse start's output after all steps: " + ", ".join(
        f"{outputs[cost, worse][-1]:.2f} ({cost})" for cost in COSTS),
        "cost": f"In {few} steps from the worse start the cost falls by " + ", by ".join(
            f"{100 * (1 - costs[cost, worse][few] / costs[cost, worse][0]):.0f} % ({cost})"
            for cost in COSTS)}
    for what, values in ("output", outputs), ("cost", costs):
        plots.lines({f"{what}; {cost}, η = {NEURON_ETA[cost]:g}": {
            start: (range(NEURON_EPOCHS + 1), values[cost, start]) for start in STARTS}
            for cost in COSTS}, lesson.path(f"one_neuron_{what}.png"),
            titles[what], x="step")

    lesson.network(build_network("cross-entropy", NEURONS[0], backend, seed))
    training, validation, test = load_mnist()
    lesson.step(f"""Now whole networks, {counted(runs, "run")} of each: {counted(epochs, "epoch")} on
                {train_size:,} images, η = {ETA['quadratic']:g} for the quadratic cost,
                {ETA['cross-entropy']:g} for the cross-entropy, mini-batches of {MINI_BATCH_SIZE}.""")
    curves, accuracies, at_zero = {}, {}, {}
    for neurons in NEURONS:
        for cost in COSTS:
            key = cost, neurons
            curves[key], accuracies[key], at_zero[key] = [], [], []
            for run in range(runs):
                print(f"    {cost}, {neurons} hidden neurons, run {run + 1} of {runs}")
                net = build_network(cost, neurons, backend, seed + run)
                history = net.SGD(training[:train_size], epochs, MINI_BATCH_SIZE, ETA[cost],
                                  evaluation_data=validation, monitor_evaluation_accuracy=True,
                                  checkpoint=lesson.checkpoint(f"{cost} {neurons} {run}"))
                curves[key].append(history.evaluation_accuracy)
                accuracies[key].append(net.accuracy(test))
                at_zero[key].append(outputs_at_zero(net, test))
    lesson.table(
        ("hidden neurons, cost", "validation, 1st epoch, %", "test, %", "outputs stuck at 0",
         "book, best of 30 epochs, 50,000"),
        [(f"{neurons}, {cost}", spread([curve[0] for curve in curves[cost, neurons]]),
          spread(accuracies[cost, neurons]), " | ".join(map(str, at_zero[cost, neurons])),
          BOOK[cost, neurons]) for cost, neurons in curves])
    first = {key: np.mean([curve[0] for curve in curves[key]]) for key in curves}
    ahead = {neurons: max(COSTS, key=lambda cost: first[cost, neurons]) for neurons in NEURONS}
    plots.lines({f"{neurons} hidden neurons: validation, percent right": {
        cost: [[100 * a for a in run] for run in curves[cost, neurons]] for cost in COSTS}
        for neurons in NEURONS}, lesson.path("network.png"),
        "Ahead after the first epoch: " + (
            f"{ahead[30]} with 30 neurons, {ahead[100]} with 100" if ahead[30] != ahead[100] else
            f"{ahead[30]}, with 30 hidden neurons and with 100"),
        note=note(runs, "η = {quadratic:g} for the quadratic cost, {cross-entropy:g} for the "
                        "cross-entropy".format(**ETA)))
    stuck = {cost: sum(sum(at_zero[cost, neurons]) for neurons in NEURONS) for cost in COSTS}
    lesson.take_away(
        f"From the worse start the neuron's first gradient is {ratio['quadratic']:.2f} times the other "
        f"with the quadratic cost, {ratio['cross-entropy']:.2f} times with the cross-entropy: now it "
        "learns fastest where it is most wrong.",
        *(f"With {neurons} hidden neurons the quadratic cost reads "
          f"{spread(accuracies['quadratic', neurons])} % of the test images, the cross-entropy "
          f"{spread(accuracies['cross-entropy', neurons])} %." for neurons in NEURONS),
        f"""Output neurons that stay at 0 even for most of their own digit's images, in all
        {2 * runs} networks of each kind together: {stuck['quadratic']} with the quadratic cost,
        {stuck['cross-entropy']} with the cross-entropy.  The two learning rates differ, so that being
        ahead in the first epochs alone would say little.""")
    return lesson.end(outputs=named(outputs), gradients=named(gradients), curves=named(curves),
                      accuracies=named(accuracies), at_zero=named(at_zero))


def one_neuron(backend=None):
    """Let the neuron learn.  Returns outputs and costs before each step and after the last, and the
    first |∂C/∂w|, each by (cost, start)."""
    x, y = np.array([[1.0]]), np.array([[0.0]])
    outputs, costs, gradients = {}, {}, {}
    for cost in COSTS:
        for name, start in STARTS.items():
            net = build_neuron(cost, start, backend)
            _, (nabla_w,) = net.backprop(x, y)
            gradients[cost, name] = float(abs(nabla_w[0, 0]))
            outputs[cost, name], costs[cost, name] = [], []
            for step in range(NEURON_EPOCHS + 1):
                if step:
                    net.update_mini_batch((x, y), NEURON_ETA[cost])
                outputs[cost, name].append(float(net.feedforward(x)[0, 0]))
                costs[cost, name].append(net.cost_of(x, y))
    return outputs, costs, gradients


def outputs_at_zero(net, data):
    """How many output neurons are below 0.01 for nine tenths of their own digit's images."""
    a = net.feedforward(data.images)
    return sum(bool(np.mean(a[data.labels == digit, digit] < 0.01) > 0.9) for digit in range(10))


def named(measured):
    """The same with keys that JSON can have: "quadratic, 30"."""
    return {", ".join(map(str, key)): value for key, value in measured.items()}


if __name__ == "__main__":
    raise SystemExit(command_line(main, FULL))
