"""The cost functions: what a network is trained to make small.

Each has fn, the cost, and delta, its derivative at the output layer's z, where backpropagation
starts.  a are the network's outputs, y the desired ones, both (m, n_out), or (m, t, n_out) if there is
an output at each step of a sequence: then the steps' costs are added up.  fn is the mean over the
mini-batch; delta has a row for each example and no 1/m: the update takes the mean.
"""

import numpy as np

from .ops.softmax_numpy import log_likelihood_forward


class Cost:
    """What the costs share: BP1, delta = dC/da ⊙ sigma'(z), with the output layer's own sigma'."""

    def delta(self, a, y, output):
        """BP1a.  output: the last layer, which has just computed a."""
        return output.backward(self.gradient(a, y))


class QuadraticCost(Cost):
    """C = ½ ‖y - a‖², book (6): learns slowly where a sigmoid output is badly wrong."""

    name = "quadratic"

    def fn(self, a, y):
        """The cost, mean over the mini-batch."""
        return float(0.5 * np.square(a - y).sum() / len(a))

    def gradient(self, a, y):
        """dC/da = a - y; with sigma'(z) that is book (30), of linear outputs (68)."""
        return a - y


class CrossEntropyCost(Cost):
    """C = -Σ_j [y_j ln a_j + (1 - y_j) ln(1 - a_j)], book (63), for outputs between 0 and 1."""

    name = "cross_entropy"

    def fn(self, a, y):
        """The cost in nats, mean over the mini-batch.

        An a of exactly 0 or 1 would cost infinitely much if it were wrong; it counts as the
        smallest normal float, or the largest below 1.
        """
        least = np.finfo(a.dtype)
        a = np.clip(a, least.tiny, 1 - least.epsneg)
        return float(-(y * np.log(a) + (1 - y) * np.log1p(-a)).sum() / len(a))

    def delta(self, a, y, output):
        """delta = a - y for sigmoid outputs, book (66): sigma' has cancelled."""
        if getattr(output, "name", None) == "sigmoid":  # the same difference as (84), in its memory
            return output.ops.log_likelihood_backward(a, y, work=output.work)
        return super().delta(a, y, output)

    def gradient(self, a, y):
        """dC/da = (a - y) / (a (1 - a))."""
        least = np.finfo(a.dtype)
        a = np.clip(a, least.tiny, 1 - least.epsneg)
        return (a - y) / (a * (1 - a))


class LogLikelihoodCost(Cost):
    """C = -ln a_y, book (80): the softmax layer's companion.  y is one-hot, or a distribution."""

    name = "log_likelihood"

    def fn(self, a, y):
        """The cost in nats, mean over the mini-batch; an a that underflowed counts as tiny."""
        return float(log_likelihood_forward(a, y).sum() / len(a))

    def delta(self, a, y, output):
        """delta = a - y for softmax outputs, book (84)."""
        if getattr(output, "name", None) == "softmax":
            return output.ops.log_likelihood_backward(a, y, work=output.work)
        return super().delta(a, y, output)

    def gradient(self, a, y):
        """dC/da = -y / a."""
        return -y / np.maximum(a, np.finfo(a.dtype).tiny)


def classes(a):
    """Which class each row of outputs a (..., n_out) names; of a single output, 1 from 0.5 on."""
    return a.argmax(axis=-1) if a.shape[-1] > 1 else (a[..., 0] >= 0.5).astype(int)


COSTS = {cost.name: cost for cost in (QuadraticCost, CrossEntropyCost, LogLikelihoodCost)}


def name_of(cost):
    """What a cost is called: by its name, or by that of its class."""
    return getattr(cost, "name", type(cost).__name__)


def by_name(cost):
    """A cost from its name, its class or itself."""
    if isinstance(cost, type):
        cost = cost()
    if hasattr(cost, "fn") and hasattr(cost, "delta"):
        return cost
    if not isinstance(cost, str) or cost not in COSTS:
        raise ValueError(f"cost must be one of {', '.join(COSTS)} or an object with fn and delta, "
                         f"not {cost!r}")
    return COSTS[cost]()


def check_output(cost, output):
    """A logarithm wants outputs between 0 and 1: ValueError for a layer known to give others."""
    if (getattr(cost, "name", None) in ("cross_entropy", "log_likelihood")
            and getattr(output, "name", None) in UNBOUNDED):
        raise ValueError(f"the cost {cost.name} takes the logarithm of the outputs, which must lie "
                         f"between 0 and 1, but the last layer is {output!r}: end the network with "
                         "Softmax() or Sigmoid(), or use the quadratic cost")


UNBOUNDED = {"dense", "conv", "tanh", "relu", "leaky_relu", "elu", "gelu", "recurrent", "lstm",
             "encoder_decoder"}


def companion(output):
    """The cost whose delta is a - y for this output layer: what to use if nothing else is said."""
    return {"softmax": LogLikelihoodCost, "sigmoid": CrossEntropyCost}.get(
        getattr(output, "name", None), QuadraticCost)()
