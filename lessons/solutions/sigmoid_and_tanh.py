"""A network of sigmoids as one of tanh, and back.  Book ch. 3.

The exercise: σ(z) = (1 + tanh(z/2))/2, (111): tanh is a rescaled sigmoid.

The answer: what is more, each network of sigmoids is one of tanh with other weights.  Let t = tanh(z/2)
stand where a = (1 + t)/2 stood.  Two changes in each layer do it:

    what goes in:  w a + b = (w/2) t + (b + ½ Σ_k w_jk)      unless the inputs are the image itself
    what is asked: tanh of z/2, so all of w and b once more by 2

The last layer, softmax of z, needs the first change only.  Max-pooling does not mind: the largest a
belongs to the largest t.  The outputs are the same, and backwards the same rules in reverse lead home.

So neither can do more than the other.  But they do not learn alike: gradient descent goes the way of
the steepest descent in its own weights, and w/2 is not w.

    python -m lessons.solutions.sigmoid_and_tanh
"""

import numpy as np

from nndl import ConvPool, Dense, Network, Sigmoid, Softmax, Tanh, load_mnist
from nndl.lesson import percent, solution

MINI_BATCH_SIZE, ETA = 10, 0.1


def build(kind, seed=0, **more):
    """A convolution, a dense layer and softmax, with Sigmoid or Tanh."""
    return Network([ConvPool(5, 5, kind.name), Dense(20), kind(), Dense(10), Softmax()], seed=seed,
                   **more)


def as_tanh(net):
    """The network of tanh that computes what this one of sigmoids does."""
    other = build(Tanh, dtype=net.dtype)
    mine, its = ([layer for layer in each.layers if layer.parameters] for each in (net, other))
    for number, (layer, new) in enumerate(zip(mine, its)):
        w, b = layer.w.copy(), layer.b.copy()
        if number:                                             # behind a = (1 + t)/2
            b += w.sum(axis=tuple(range(1, w.ndim))) / 2
            w /= 2
        if layer is not mine[-1]:                              # tanh(z/2) follows
            w, b = w / 2, b / 2
        new.w[...], new.b[...] = w, b
    return other


def main(epochs=2, train_size=5000, seed=0):
    """Convert a trained network, and train both on.  Returns differences and accuracies."""
    training, _, test = load_mnist()
    training, test = training[:train_size], test[:2000]
    net = build(Sigmoid, seed, dtype="float64")
    net.SGD(training, epochs, MINI_BATCH_SIZE, ETA, progress=False)
    other = as_tanh(net)
    difference = float(np.abs(net.feedforward(test.images) - other.feedforward(test.images)).max())
    accuracies = {"before": (net.accuracy(test), other.accuracy(test))}
    print(f"Sigmoid, trained: {percent(accuracies['before'][0])} % of the test images right; as tanh "
          f"{percent(accuracies['before'][1])} %.  Outputs differ by {difference:.0e} at most.")
    for one in net, other:
        one.rng = np.random.default_rng(seed)  # the same order for both
        one.SGD(training, 1, MINI_BATCH_SIZE, ETA, progress=False)
    apart = float(np.abs(net.feedforward(test.images) - other.feedforward(test.images)).max())
    accuracies["after"] = net.accuracy(test), other.accuracy(test)
    print(f"One more epoch for each, with the same η: {percent(accuracies['after'][0])} % and "
          f"{percent(accuracies['after'][1])} %, and outputs differ by up to {apart:.2f}.")
    return {"difference": difference, "apart": apart, "accuracies": accuracies}


if __name__ == "__main__":
    raise SystemExit(solution(main))
