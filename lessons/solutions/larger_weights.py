"""Weights 3, 10 or 100 times as large: do gradients still vanish, do they explode?  To lesson 5.0.

The exercise: draw the first weights of deep networks of sigmoids 3 times as large, or 10 times.  Do
the gradients still vanish on the way back?  Do they explode?

The answer: BP2 multiplies by c w and by σ'(z), where w has the variance 1/n and c is how many times
as large the weights are.  Let c be large.  Then most neurons are near 0 or near 1, about half each,
so z has the variance c²/2; and only within a few units of 0 is σ'(z) more than nothing.  The
integral of σ'² is 1/6, so its mean is 1/6 over the width √(2π) c/√2 = c√π, and

    mean square of δ^l = n · c²/n · mean of σ'² · that of δ^(l+1) = c/(6√π) · that of δ^(l+1)

or √(c/10.6) for the length.  Larger weights close most of the slopes, so that of their c² only c is
left.  Single images' gradients follow that: with 3 times the weights they vanish more slowly, with
10 times they stay about as long as they are, with 100 times they explode, about threefold a layer.

The mean gradient over all images, which the lesson measures, grows less: from 10 times the weights
on the images' gradients agree less.  And that gradients reach the first layer is needed, but not
enough.  With 3 and 10 times the weights four hidden layers learn at once, where those with the
weights as drawn have not begun.  With 30 times the first layer's gradient is longer still, but each
image asks for something else, nearly as if at random, and little is learned.

    python -m lessons.solutions.larger_weights
"""

from pathlib import Path

import numpy as np

from lessons import network_5_0_vanishing_gradients as lesson
from nndl import load_mnist, plots
from nndl.comparing import compared
from nndl.lesson import solution, spread

TIMES, DEPTHS, LEARNED = (1, 3, 10, 30, 100), (4, 10), (1, 3, 10, 30)


def larger(depth, times, seed):
    """Lesson 5.0's network with its first weights multiplied; the biases are as they were."""
    net = lesson.build_network(depth, seed=seed)
    for layer in net.layers:
        if layer.parameters:
            layer.w *= times
    return net


def of_single_images(net, data):
    """The root mean square of single images' ‖∂C/∂b‖, for each hidden layer."""
    images, labels = data
    dense, a = [layer for layer in net.layers if layer.parameters], [images.reshape(-1, 784) / 256]
    for layer in dense:
        a.append(1 / (1 + np.exp(-(a[-1] @ layer.w.T + layer.b))))       # (22)
    delta, lengths = a[-1] - np.eye(10)[labels], []                      # BP1, with (66)
    for layer, out in zip(dense[:0:-1], a[-2:0:-1]):
        delta = delta @ layer.w * out * (1 - out)                        # BP2
        lengths.append(np.sqrt(np.square(delta).sum(axis=1).mean()))     # BP3
    return lengths[::-1]


def main(epochs=5, train_size=5000, images=1000, draws=5, runs=3, seed=0, out="pictures"):
    """Before training, then in it.  Returns factors, agreements, ratios, validation accuracies."""
    training, validation, _ = load_mnist()
    some, lines = training[:images], {}
    found = {name: {} for name in ("mean", "single", "agreement", "ratio")}
    print(f"Before training, {draws} draws, {images:,} images; a layer back multiplies ‖∂C/∂b‖ by\n"
          "    layers  weights  mean gradient  single images'  √(c/6√π)  mean / single's, layer 1")
    for at in ((depth, times) for depth in DEPTHS for times in TIMES):
        depth, times = at
        nets = [larger(depth, times, seed + draw) for draw in range(draws)]
        mean, single = (np.array([of(net, some) for net in nets])
                        for of in (lesson.norms, of_single_images))
        for name, n in (("mean", mean), ("single", single)):
            found[name][at] = lesson.ratio(n) ** (1 / (depth - 1))
        found["agreement"][at] = float(np.mean(mean[:, 0] / single[:, 0]))
        found["ratio"][at] = lesson.ratio(mean)
        print(f"    {depth:>6}  {f'x {times}':>7} {found['mean'][at]:14.2f} "
              f"{found['single'][at]:15.2f} {(times / (6 * np.pi**0.5)) ** 0.5:9.2f} "
              f"{found['agreement'][at]:25.3f}")
        if depth == DEPTHS[-1]:
            for name, n in (("mean gradient", mean), ("single images'", single)):
                lines.setdefault(f"‖∂C/∂b‖, {name}, logarithmic", {})[f"weights × {times}"] = (
                    np.arange(depth), n.mean(axis=0)[::-1])
    accuracies = {}
    for times in LEARNED:
        nets = [larger(DEPTHS[0], times, seed + run) for run in range(runs)]
        for net in nets:
            net.SGD(training[:train_size], epochs, lesson.MINI_BATCH_SIZE, lesson.ETA,
                    progress=False)
        accuracies[f"x {times}"] = [net.accuracy(validation) for net in nets]
    print(f"{DEPTHS[0]} hidden layers, {epochs} epochs on {train_size:,} images; validation images "
          "right, %:")
    for name in accuracies:
        said = "" if name == "x 1" else compared(accuracies, name, "x 1")
        print(f"    {name:<6}{spread(accuracies[name]):<18} {said}".rstrip())
    deep = DEPTHS[-1]
    saved = plots.lines(
        lines, Path(out) / "solutions" / "larger_weights.png",
        f"The first of {deep} hidden layers has {found['ratio'][deep, 1]:.0e} times the last one's "
        f"mean gradient; with 10 times the weights {found['ratio'][deep, 10]:.2f} times, with 100 "
        f"times {found['ratio'][deep, 100]:,.0f} times",
        x="layers back from the last hidden one", log=tuple(lines),
        note=f"before training; {images:,} images, mean of {draws} draws of the weights")
    print(f"saved: {saved}")
    return found | {"accuracies": accuracies}


if __name__ == "__main__":
    raise SystemExit(solution(main))
