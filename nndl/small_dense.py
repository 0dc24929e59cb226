"""Networks of dense layers that are small: many steps in one call.  Where that is chosen.

Such a network spends its time between its layers, not in them.  SGD hands it to ops.dense_epoch,
which goes through hundreds of mini-batches before it comes back to Python.  The numbers are those of
Network.update_mini_batch but for rounding.
"""

from .costs import CrossEntropyCost, LogLikelihoodCost, QuadraticCost
from .examples import by_step
from .layers import Dense, Flatten, ReLU, Sigmoid, Softmax, Tanh

MOST = 100_000  # parameters; larger layers gain more by threads
# Which cost and output layer make delta = a - y, book (66), (84), (68); and those of book (30).
MATCHED = {(CrossEntropyCost, "sigmoid"), (LogLikelihoodCost, "softmax"), (QuadraticCost, "linear")}
QUADRATIC = {(QuadraticCost, name) for name in ("sigmoid", "tanh", "relu")}


class SmallDense:
    """The layers of such a network, as ops.dense_epoch takes them."""

    def __init__(self, network, dense, activations, matched):
        self.network, self.dense = network, dense
        self.activations, self.matched = activations, matched
        self.work = {}

    @classmethod
    def of(cls, network, momentum):
        """The network as a SmallDense, or None if it is of another kind.

        The NumPy backend goes layer by layer always: it is there to be stepped through.  So does a
        network whose steps somebody has changed.
        """
        if (network.ops.name == "numpy" or momentum or network.parameters > MOST
                or by_step(network) or vars(network).keys() & {"update_mini_batch", "backprop"}):
            return None
        dense, activations = [], []
        for number, layer in enumerate(network.layers):
            kind = type(layer)
            if kind is Dense:
                dense.append(layer)
                activations.append("linear")
            elif kind in (Sigmoid, Tanh, ReLU, Softmax) and activations[-1:] == ["linear"]:
                activations[-1] = layer.name
            elif kind is not Flatten or number:
                return None
        ends = type(network.cost), *activations[-1:]
        if "softmax" in activations[:-1] or ends not in MATCHED | QUADRATIC:
            return None
        return cls(network, dense, activations, ends in MATCHED)

    def update_mini_batches(self, gather, some, mini_batch_size, eta, l2, l1):
        """The steps for the examples `some` of what gather holds, mini-batch by mini-batch.

        eta : learning rate;  l2, l1 : lmbda / n
        Returns how many examples were gone through: fewer than given if a delta was not finite.
        """
        weights, biases = [d.w for d in self.dense], [d.b for d in self.dense]
        *_, done = self.network.ops.dense_epoch(
            gather.images, gather.rows, gather.which, some,
            mini_batch_size, weights, biases, self.activations, self.matched, eta, eta * l2, eta * l1,
            out_weights=weights, out_biases=biases, work=self.work)
        return done
