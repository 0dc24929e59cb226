"""Is the derivative right?  Central differences over an operation, a layer or a whole network.

The book's (46) moves one weight a little and watches the cost; here it moves both ways, which
makes the error of the numerical gradient quadratic in the step.  For a layer of your own:

    from nndl.gradcheck import check_layer
    from my_layers import MyLayer
    check_layer(MyLayer(), (3, 8, 8))

A wrong gradient raises GradientError, which names the array, the index and both numbers.
"""

import numpy as np

from .layers import forget

STEP = 1e-5          # relative to max(1, |x|)
RELATIVE = 1e-7      # bound on ‖numeric - analytic‖ / (‖numeric‖ + ‖analytic‖) of each array
SINGLE = 1e-6        # bound on |numeric - analytic| / max(1, |analytic|) of each index
EVERY_INDEX = 3000   # networks with more parameters are checked along random directions


class GradientError(AssertionError):
    """An analytic gradient differs from the numerical one."""


def relative_error(numeric, analytic):
    """‖numeric - analytic‖ / (‖numeric‖ + ‖analytic‖), and 0 if both are 0."""
    scale = np.linalg.norm(numeric) + np.linalg.norm(analytic)
    return float(np.linalg.norm(np.subtract(numeric, analytic)) / scale) if scale else 0.0


def slope(f, x, direction, d_out=1.0, step=STEP):
    """How fast sum(d_out · f()) changes as the array x moves along direction, by (46) both ways.

    f takes nothing, looks at x, and returns a number or an array of d_out's shape.  x is put back.
    """
    before = x.copy()
    x[...] = before + step * direction
    above = np.array(f())  # a copy: f may hand out a buffer that it uses again
    x[...] = before - step * direction
    below = np.array(f())
    x[...] = before
    return float(np.sum(d_out * (above - below)) / (2 * step))


def central_difference(f, x, d_out=1.0, step=STEP):
    """The gradient of sum(d_out · f()) with respect to x, one index after the other, float64."""
    return np.array([_at(f, x, index, d_out, step) for index in np.ndindex(x.shape)],
                    dtype=float).reshape(x.shape)


def _at(f, x, index, d_out, step):
    here = np.zeros_like(x)
    here[index] = 1
    return slope(f, x, here, d_out, step * max(1.0, abs(float(x[index]))))


def check_arrays(f, arrays, gradients, d_out=1.0):
    """Compare analytic gradients with central differences, every index of every array.

    f         : takes nothing, looks at the arrays, returns a number or an array of d_out's shape
    arrays    : name -> float64 array, moved in place and put back
    gradients : name -> gradient of sum(d_out · f()) with respect to that array
    Returns name -> relative error.  Raises GradientError.
    """
    errors = {}
    for name, x in arrays.items():
        if x.dtype != np.float64:
            raise TypeError(f"{name} must be float64 to be checked, not {x.dtype}")
        analytic = np.asarray(gradients[name])
        if analytic.shape != x.shape:
            raise GradientError(f"the gradient of {name} has shape {analytic.shape}, but {name} "
                                f"has {x.shape}")
        numeric = central_difference(f, x, d_out)
        for index in _suspects(numeric, analytic):
            # A kink (ReLU at 0, two equal pixels in a max-pool window) within the step looks like
            # an error, but not from nearer by.  A wrong gradient is wrong from any distance.
            nearer = _at(f, x, index, d_out, STEP / 100)
            if abs(nearer - analytic[index]) <= SINGLE * max(1.0, abs(analytic[index])):
                numeric[index] = analytic[index]
        errors[name] = relative_error(numeric, analytic)
        off = np.abs(numeric - analytic) / np.maximum(1.0, np.abs(analytic))
        if not errors[name] < RELATIVE or not np.all(off <= SINGLE):
            index = np.unravel_index(np.argmax(np.where(np.isnan(off), np.inf, off)), x.shape)
            place = f"{name}[{', '.join(map(str, map(int, index)))}]" if x.ndim else name
            raise GradientError(
                f"the gradient of {name} is wrong, most of all at {place}: numerical "
                f"{numeric[index]:.9g}, analytic {analytic[index]:.9g} "
                f"(relative error of the whole array {errors[name]:.2g}, allowed {RELATIVE:.0e})")
    return errors


def _suspects(numeric, analytic):
    off = np.abs(numeric - analytic)
    return [tuple(i) for i in np.argwhere(off > SINGLE * np.maximum(1.0, np.abs(analytic)))]


def check_operation(forward, backward, seed=0, **inputs):
    """Check a pair of pure functions.

    forward  : forward(**inputs) returns the output, or a tuple that begins with it
    backward : backward(d_out, out, **inputs) returns one gradient for each input, in their order
               (None: this one is not checked); `out` is all that forward returned
    inputs   : float64 arrays; bind anything else with a lambda
    d_out is random, since of a sum of outputs softmax, say, has no gradient at all.

        check_operation(lambda a, w, b: ops.dense_forward(a, w, b),
                        lambda d_out, out, a, w, b: ops.dense_backward(d_out, a, w), a=a, w=w, b=b)

    Returns name -> relative error.  Raises GradientError.
    """
    def output():
        out = forward(**inputs)
        return out[0] if isinstance(out, tuple) else out

    before = {name: x.copy() for name, x in inputs.items()}
    out = forward(**inputs)
    d_out = np.random.default_rng(seed).normal(size=np.shape(output()))
    gradients = backward(d_out, out, **inputs)
    for name, x in inputs.items():
        _unchanged(name, before[name], x)
    if isinstance(gradients, np.ndarray):
        gradients = (gradients,)
    if len(gradients) != len(inputs):
        raise TypeError(f"backward returned {len(gradients)} gradients for {len(inputs)} inputs "
                        f"({', '.join(inputs)}); None stands for one that is not to be checked")
    known = {name: g for name, g in zip(inputs, gradients) if g is not None}
    return check_arrays(output, {name: inputs[name] for name in known}, known, d_out)


def check_layer(layer, input_shape, m=3, backend="numpy", seed=0):
    """Check a layer: the gradient at its input and at each of its parameters.

    layer       : an object with setup, forward, backward and parameters, as in nndl.layers
    input_shape : of one example, say (3, 8, 8) or (20,);  m : examples in the mini-batch
    Between symbols, which an Embedding takes, there is no slope: only its parameters are checked.
    The layer is set up afresh, in float64.  A layer that draws random numbers draws the same at
    each call here.  Returns name -> relative error.  Raises GradientError.
    """
    from . import backends
    if getattr(layer, "in_network", False):
        raise ValueError(f"{layer!r} stands in a network, and checking would redraw its weights: "
                         "check layer.clone(), or the whole with check_network")
    if isinstance(layer, type):
        raise TypeError(f"layer must be a layer, not the class: say {layer.__name__}()")
    for name in ("setup", "forward", "backward", "parameters"):
        if not hasattr(layer, name):
            raise TypeError(f"{type(layer).__name__} has no {name}: inherit nndl.Layer, which has "
                            "setup and parameters, and define forward and backward")
    input_shape = tuple(np.atleast_1d(input_shape).tolist())
    if None in input_shape:
        raise ValueError(f"input_shape must have a number of steps to check with, say "
                         f"{tuple(4 if n is None else n for n in input_shape)}, not {input_shape}")
    _not_truncated([layer])
    rng = np.random.default_rng(seed)
    layer.setup(input_shape, backends.get(backend), rng, np.float64)
    n_symbols = getattr(layer, "symbols", 0)
    x = rng.integers(0, n_symbols, (m, *input_shape)) if n_symbols else spread(rng, (m, *input_shape))
    before = x.copy()
    state = rng.bit_generator.state

    def output():
        rng.bit_generator.state = state
        forget([layer])
        return layer.forward(x, training=True)

    d_out = np.random.default_rng(seed + 1).normal(size=np.shape(output()))
    output()
    _unchanged("forward's input", before, x)
    d_before = d_out.copy()
    gradients, arrays = {"input": layer.backward(d_out)}, {"input": x}
    _unchanged("backward's argument", d_before, d_out)
    if n_symbols:
        gradients, arrays = {}, {}
    for name in layer.parameters:
        arrays[name] = getattr(layer, name)
        if not hasattr(layer, f"nabla_{name}"):
            raise GradientError(f"backward sets no nabla_{name}, the gradient of {name}")
        gradients[name] = getattr(layer, f"nabla_{name}")
    for name, gradient in gradients.items():
        if gradient is None:
            raise GradientError(f"the gradient of {name} is None: backward must return or set it")
    gradients = {name: np.array(gradient) for name, gradient in gradients.items()}
    return check_arrays(output, arrays, gradients, d_out)


def _unchanged(name, before, after):
    """Raise GradientError if an array was overwritten: others may still need it."""
    if not np.array_equal(before, after, equal_nan=True):
        raise GradientError(f"{name} was overwritten in place: work on a copy, others need it too")


def spread(rng, shape, largest=2.0):
    """Random numbers between ±largest, no two close to each other and none close to 0."""
    n = int(np.prod(shape))
    return ((rng.permutation(n) - n // 2 + 0.5) * (2 * largest / max(n, 1))).reshape(shape)


def check_network(net, x, y, directions=10, seed=0):
    """Check a network's backprop on one mini-batch: the mean cost's gradient at each parameter.

    net : a Network; a float64 copy of it is checked, so that net itself stays as it is.  The copy's
          parameters are first moved a little, at random: where biases are 0 and pixels black, every
          z is 0 and ReLU has no derivative to compare with
    x, y : as Network.backprop takes them
    Up to 3,000 parameters every index is checked; above, `directions` random ones for each array.
    Returns name -> relative error, names like "2.w" for layers[2].w.  Raises GradientError.
    """
    net = net.copy(dtype="float64")
    _not_truncated(net.layers)
    rng = np.random.default_rng(seed)
    for layer in net.layers:
        for name in layer.parameters:
            getattr(layer, name)[...] += 0.01 * rng.normal(size=getattr(layer, name).shape)
    state = net.rng.bit_generator.state

    def cost():
        net.rng.bit_generator.state = state  # the same dropout masks each time
        forget(net.layers)
        return net.cost_of(x, y, training=True)

    cost()
    net.rng.bit_generator.state = state
    forget(net.layers)
    net.backprop(x, y, copy=False)
    arrays, gradients = {}, {}
    for number, layer in enumerate(net.layers):
        for name in layer.parameters:
            arrays[f"{number}.{name}"] = getattr(layer, name)
            # backprop sums over the mini-batch, cost is the mean.  A new array: it is a buffer.
            gradients[f"{number}.{name}"] = getattr(layer, f"nabla_{name}") / len(x)
    if sum(array.size for array in arrays.values()) <= EVERY_INDEX:
        return check_arrays(cost, arrays, gradients)
    return _check_directions(cost, arrays, gradients, directions, rng)


def _not_truncated(layers):
    for layer in layers:
        if getattr(layer, "truncate", None) is not None:
            raise ValueError(f"{layer!r} leaves out what is further back, so that its gradient is not "
                             "the cost's: check it with truncate=None")


def _check_directions(f, arrays, gradients, directions, rng):
    errors = {}
    for name, x in arrays.items():
        numeric, analytic = [], []
        for _ in range(directions):
            direction = rng.normal(size=x.shape)
            direction /= np.linalg.norm(direction)
            analytic.append(float(np.sum(gradients[name] * direction)))
            # A unit direction moves each number very little, so the step may be longer.
            numeric.append(slope(f, x, direction, step=10 * STEP))
            if abs(numeric[-1] - analytic[-1]) > RELATIVE * abs(analytic[-1]):  # a kink?
                numeric[-1] = slope(f, x, direction, step=STEP / 2)
        errors[name] = relative_error(numeric, analytic)
        if not errors[name] < RELATIVE:
            worst = int(np.argmax(np.abs(np.subtract(numeric, analytic))))
            raise GradientError(
                f"the gradient of {name} is wrong, most of all along random direction {worst}: "
                f"numerical {numeric[worst]:.9g}, analytic {analytic[worst]:.9g} "
                f"(relative error {errors[name]:.2g}, allowed {RELATIVE:.0e})")
    return errors
