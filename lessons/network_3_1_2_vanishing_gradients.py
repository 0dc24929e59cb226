"""3.1.2  Why do the first of many layers learn slowly, and what has the activation to do with it?

Book: chapter 5, "The vanishing gradient problem" and "What's causing the vanishing gradient problem?".
Before: 3.1.1.
Next: 3.2.0, dropout; or 5.0, gradients in networks of one to four hidden layers.

    python -m lessons 3.1.2          20 epochs on 10,000 images, two runs of each of three networks
    python -m lessons 3.1.2 --full   30 epochs on all 50,000, one run of each

Steps through: Network.backprop in nndl/network.py, where delta goes back through the layers.

Measured in 0.2 minutes: Before training the first layer's gradient with sigmoids is 0.08 % of
    ReLU's. The sigmoid network does not fail: 89.09 ± 0.64 (2) % of the test images are right; ReLU
    came out ahead of sigmoid in every run, by 4.78 points on average (chance alone: 1 in 3).

Exercises
1. The book's (ch. 6): are gradients unstable with ReLU too?  Worked: solutions/unstable_relu.py
2. Give the sigmoid layers init="large".  Which layers' gradients grow, and does the network learn?
   Worked: solutions/large_weights_deep.py
"""

from statistics import mean

import numpy as np

from nndl import Dense, Network, ReLU, Sigmoid, Softmax, Tanh, load_mnist, plots
from nndl.comparing import compared
from nndl.lesson import Lesson, command_line, counted, first_epoch_at, percent, spread

DEPTH, NEURONS = 5, 30
UNITS = {"ReLU": (ReLU, "he"), "tanh": (Tanh, "glorot"), "sigmoid": (Sigmoid, "default")}
# The best on the validation images after 5 epochs, of 0.03 and 0.1, for sigmoid of 0.1, 0.3 and 1.
ETA = {"ReLU": 0.1, "tanh": 0.03, "sigmoid": 0.3}
MINI_BATCH_SIZE = 10
FULL = {"epochs": 30, "train_size": 50_000, "runs": 1}
LOOKED_AT = 1000  # training images whose gradient is measured
FAILS = 0.5       # an accuracy below this shall count as failure


def build_network(name, backend=None, seed=0):
    """Five hidden layers of 30: 784-30-30-30-30-30-10, with the weights that suit the activation."""
    activation, init = UNITS[name]
    hidden = [layer for _ in range(DEPTH) for layer in (Dense(NEURONS, init=init), activation())]
    return Network([*hidden, Dense(10), Softmax()],  # (m, 784) -> (m, 30), five times -> (m, 10)
                   backend=backend, seed=seed)


def gradient_norms(net, data):
    """‖∂C/∂b‖ of each hidden layer, front to back, of the mean cost over data.  As in book ch. 5."""
    nabla_b, _ = net.backprop(*data)
    return [float(np.linalg.norm(nabla)) / len(data.images) for nabla in nabla_b[:DEPTH]]


def main(epochs=20, train_size=10_000, backend=None, seed=0, out="pictures", runs=2):
    """Measure gradients, train, measure again.  Returns accuracies, fractions: of ReLU under
    "accuracy", of all by name; and the gradients' norms, layer by layer."""
    lesson = Lesson(__file__, out, epochs=epochs, train_size=train_size, backend=backend, seed=seed,
                    runs=runs)
    lesson.idea("""
        The error that reaches a layer has come back through all layers behind it, and each has
        multiplied it by its weights and by the slope of its activation.  The sigmoid's slope is at
        most 1/4: five layers of that, and weights of ordinary size, leave a thousandth.  The first
        layer then hardly moves, and all the others know of the image is what it hands on.

        With tanh and ReLU, whose slopes come up to 1, weights can be so drawn that the product stays
        near 1: with a variance of 2/(n_in + n_out) for tanh (init="glorot") and of 2/n_in for ReLU,
        half of whose slopes are 0 (init="he").  Small or large, it is a product: gradients of deep
        networks are unstable by nature.""")
    lesson.mathematics("""
        ∂C/∂b1 = σ'(z1) w2 σ'(z2) w3 σ'(z3) w4 σ'(z4) ∂C/∂a4     a chain of neurons    (114), (122)
        δ^l = Σ'(z^l) (w^(l+1))ᵀ Σ'(z^(l+1)) (w^(l+2))ᵀ ... ∇_a C   many neurons       (124)
        ‖δ^l‖ = ‖∂C/∂b^l‖                                        how fast layer l learns (BP3)
        Σ'(z): the slopes of a layer, on the diagonal of a matrix""")
    lesson.network(build_network("ReLU", backend, seed), "The network, here with ReLU")

    training, validation, test = load_mnist()
    training = training[:train_size]
    some = training[:LOOKED_AT]
    before, during, curves, accuracies = ({name: [] for name in UNITS} for _ in range(4))
    for name in UNITS:
        lesson.step(f"""{name}: {counted(runs, "run")} of {counted(epochs, "epoch")} on
                    {train_size:,} images, η = {ETA[name]:g}""")
        for run in range(runs):
            net = build_network(name, backend, seed + run)
            before[name].append(gradient_norms(net, some))
            history = net.SGD(training, epochs, MINI_BATCH_SIZE, ETA[name],
                              evaluation_data=validation, monitor_evaluation_accuracy=True,
                              monitors={"first / last": ratio_on(some)},
                              checkpoint=lesson.checkpoint(f"{name} {run}"))
            during[name].append([ratio(before[name][-1]), *history.measured["first / last"]])
            curves[name].append(history.evaluation_accuracy)
            accuracies[name].append(net.accuracy(test))

    norms = {name: np.mean(before[name], axis=0).tolist() for name in UNITS}
    lesson.table(("‖∂C/∂b‖ before training", *(f"layer {n + 1}" for n in range(DEPTH)), "first / last"),
                 [(name, *(f"{norm:.1e}" for norm in norms[name]), f"{ratio(norms[name]):.4f}")
                  for name in UNITS], title="Measured: the gradient, layer by layer")
    lesson.table(("", "validation after 1 epoch, %", "after all, %", "test, %",
                  "book, 4 such layers of sigmoids"),
                 [(name, spread([curve[0] for curve in curves[name]]),
                   spread([curve[-1] for curve in curves[name]]), spread(accuracies[name]),
                   "96.53" if name == "sigmoid" else "") for name in UNITS],
                 title="Measured: what they learn")
    part = norms["sigmoid"][0] / norms["ReLU"][0]
    plots.lines({"‖∂C/∂b‖ before training": {name: np.array(before[name]) for name in UNITS}},
                lesson.path("gradients.png"), "The first layer's gradient with sigmoids is "
                f"{percent(part)} % of what it is with ReLU", x="hidden layer",
                log={"‖∂C/∂b‖ before training"})
    plots.lines({"first layer's gradient, divided by the fifth's":
                 {name: (range(epochs + 1), during[name]) for name in UNITS},
                 "validation images that are right, percent":
                 {name: 100 * np.array(curves[name]) for name in UNITS}},
                lesson.path("training.png"), "Of the test images are right at the end: "
                + ", ".join(f"{name} {percent(mean(accuracies[name]), 1)} %" for name in UNITS),
                log={"first layer's gradient, divided by the fifth's"})
    verdict = "fails" if max(accuracies["sigmoid"]) < FAILS else (
        "does not fail" if min(accuracies["sigmoid"]) >= FAILS else "fails in some runs, not in all")
    lesson.take_away(
        f"Before training the first layer's gradient with sigmoids is {percent(part)} % of ReLU's.  "
        f"The sigmoid network {verdict}: {spread(accuracies['sigmoid'])} % of the test images are "
        f"right; {compared(accuracies, 'ReLU', 'sigmoid')}.",
        f"""That a sigmoid network of five layers fails is a common claim.  After the first epoch it was
        at {spread([curve[0] for curve in curves['sigmoid']])} % of the validation images, ReLU at
        {spread([curve[0] for curve in curves['ReLU']])} %.  It came to {percent(FAILS, 0)} % in epoch
        {", ".join(str(first_epoch_at(curve, FAILS) or "never") for curve in curves['sigmoid'])}, ReLU
        in epoch {", ".join(str(first_epoch_at(curve, FAILS) or "never") for curve in curves['ReLU'])}.
        To fail shall mean: fewer than that.""")
    return lesson.end(accuracy=accuracies["ReLU"], accuracies=accuracies, curves=curves, norms=norms,
                      during=during, part=part)


def ratio(norms):
    """The first layer's gradient divided by the last hidden one's."""
    return norms[0] / norms[-1]


def ratio_on(data):
    """A monitor for Network.SGD: that ratio, over data."""
    return lambda net: ratio(gradient_norms(net, data))


if __name__ == "__main__":
    raise SystemExit(command_line(main, FULL))
