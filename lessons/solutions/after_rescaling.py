"""A tanh network and its twin of sigmoids, trained on: are they still equal?  To lesson 3.1.1.

The exercise: train what as_sigmoids returns for one more epoch, and the tanh network too.  Are
they still equal?

The answer: no.  First they say the same, but for rounding.  After one more epoch with the same η,
the same mini-batches, some outputs differ by 0.7; both have learnt, the tanh network more.  In
the twin the first layer's weights are w' = 2w, and by the chain rule ∂C/∂w' = ½ ∂C/∂w.  So w'
goes half as far, and w'/2, which is what w would be, a quarter.  Behind sigmoids it is not only
the length:

    first layer         w' = 2w,  b' = 2b              w goes by -η/4 ∂C/∂w
    a hidden layer      w' = 4w,  b' = 2 (b - Σw)      w goes by -η/16 (∂C/∂w + ∂C/∂b)
    the output layer    w' = 2w,  b' = b - Σw          w goes by -η/4 (∂C/∂w + ∂C/∂b)

for by BP4 a weight's gradient has what comes in as a factor, and that is (a + 1)/2 now instead of
a: the neuron's own ∂C/∂b, BP3, gets into that of each weight.  So the step has another direction,
its cosine to the other's is 0.5 to 0.6, and that no η makes good.

That two networks can say the same does not mean that they learn the same.  A gradient belongs to
the parameters in which one writes a function, not to the function.

    python -m lessons.solutions.after_rescaling
"""

from pathlib import Path

import numpy as np

from lessons.network_3_1_1_relu_tanh import ETA, MINI_BATCH_SIZE, as_sigmoids, build_network
from nndl import load_mnist, plots
from nndl.comparing import counted
from nndl.lesson import percent, solution

LAYERS = ("convolution 1", "convolution 2", "dense 100", "softmax")


def weighted(net):
    """The layers that have weights."""
    return [layer for layer in net.layers if layer.parameters]


def as_tanhs(twin):
    """(w, b) of the tanh network that this one of sigmoids is the twin of: as_sigmoids, undone."""
    pairs, last = [], len(weighted(twin)) - 1
    for number, layer in enumerate(weighted(twin)):
        doubled = 1 if number == last else 2
        w, b = layer.w / doubled, layer.b / doubled
        if number:
            w = w / 2
            b = b + w.reshape(len(w), -1).sum(axis=1)
        pairs.append((w, b))
    return pairs


def first_steps(net, twin, mini_batch):
    """How each layer's w changes in a step, seen as the tanh network's: of it, and of its twin."""
    before = [layer.w.copy() for layer in weighted(net)]
    for one in net, twin:
        one.update_mini_batch(mini_batch, ETA["tanh"])
    return ([layer.w - w for layer, w in zip(weighted(net), before)],
            [w - was for (w, _), was in zip(as_tanhs(twin), before)])


def main(epochs=1, train_size=3000, seed=0, out="pictures"):
    """Train, rescale, train on.  Returns differences, and of the first step ratios and cosines."""
    training, _, test = load_mnist()
    training = training[:train_size]
    net = build_network("tanh", seed=seed)
    net.SGD(training, 1, MINI_BATCH_SIZE, ETA["tanh"], progress=False)
    twin = as_sigmoids(net)

    def apart():
        return float(np.abs(net.feedforward(test.images) - twin.feedforward(test.images)).max())

    equal, accuracies = apart(), {"before": (net.accuracy(test), twin.accuracy(test))}
    exact = net.copy(dtype="float64"), twin.copy(dtype="float64")   # one step is small
    ratios, cosines = {}, {}
    for name, mine, its in zip(LAYERS, *first_steps(*exact, training[:MINI_BATCH_SIZE])):
        ratios[name] = float(np.linalg.norm(its) / np.linalg.norm(mine))
        cosines[name] = float((mine * its).sum() / np.linalg.norm(mine) / np.linalg.norm(its))
    for one in net, twin:
        one.rng = np.random.default_rng(seed)  # the same order for both
        one.SGD(training, epochs, MINI_BATCH_SIZE, ETA["tanh"], progress=False)
    differ, accuracies["after"] = apart(), (net.accuracy(test), twin.accuracy(test))

    print(f"Before: outputs differ by {equal:.0e} at most, over all test images.\n"
          "The twin's first step, seen as one of the tanh network, of the same mini-batch:")
    for name in LAYERS:
        print(f"    {name:<14} w goes {ratios[name]:.3f} times as far; cosine of the two "
              f"directions {cosines[name]:.3f}")
    print(f"After {counted(epochs, 'more epoch')}: outputs differ by up to {differ:.2f}; tanh "
          f"{percent(accuracies['after'][0])} % of the test images, its twin "
          f"{percent(accuracies['after'][1])} %, before {percent(accuracies['before'][0])} %.")
    saved = plots.bars({"its length": ratios, "cosine of the angle to tanh's": cosines},
                       Path(out) / "solutions" / "after_rescaling.png",
                       "The twin's first step is "
                       f"{min(ratios.values()):.2f} to {max(ratios.values()):.2f} times as long as "
                       "tanh's, and not everywhere in its direction", "of tanh's step in w")
    print(f"saved: {saved}")
    return {"equal": equal, "differ": differ, "ratios": ratios, "cosines": cosines,
            "accuracies": accuracies}


if __name__ == "__main__":
    raise SystemExit(solution(main))
