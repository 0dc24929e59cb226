"""The book's conv.py: the experiments of chapter 6 with network3, and looking at what came out.

    from nndl.book import conv
    net = conv.basic_conv(n=1)
    conv.plot_filters(net, 0, 5, 4).savefig("filters.png")   # or .show()
    error_locations, erroneous_predictions = conv.ensemble(conv.double_fc_dropout(0.5, 0.5, 0.5, 5))
    conv.plot_errors(error_locations, erroneous_predictions).savefig("errors.png")

As there, conv.training_data, conv.validation_data and conv.test_data are what is learnt from and
looked at; others may be put in their place.  `nndl reproduce "6.*"` runs the same experiments, several
at once, resumable, with its results in files.
"""

import sys

import numpy as np

from .. import plots
from ..ensemble import plurality
from ..ops.shapes import is_int
from . import expand_mnist, network3
from .network3 import (  # noqa: F401  tanh is for conv.dbl_conv(conv.tanh)
    ConvPoolLayer,
    FullyConnectedLayer,
    Network,
    ReLU,
    SoftmaxLayer,
    sigmoid,
    tanh,
)

mini_batch_size = 10
DATA = ("training_data", "validation_data", "test_data")
LAMBDAS = (0.00001, 0.0001, 0.001, 0.01, 0.1, 1.0, 10.0, 100.0)


def __getattr__(name):
    """training_data, validation_data, test_data: read when they are first asked for."""
    if name not in DATA:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    for one, pair in zip(DATA, network3.load_data_shared()):
        globals().setdefault(one, pair)
    return globals()[name]


def data(expanded=False):
    """(training_data, validation_data, test_data), the first of them expanded if asked."""
    training, validation, test = (getattr(sys.modules[__name__], name) for name in DATA)
    if expanded:
        training = network3.load_data_shared(expand_mnist.FILE)[0]
    return training, validation, test


def convolution(maps, maps_in, side, activation_fn=sigmoid):
    """A layer of filters 5 x 5 over images of this side, with pooling."""
    return ConvPoolLayer((maps, maps_in, 5, 5), (mini_batch_size, maps_in, side, side), (2, 2),
                         activation_fn)


def two_convolutions(*dense, activation_fn=ReLU, p_dropout=(0.0, 0.0, 0.0)):
    """The layers of a network with two convolutions and dense layers of these sizes."""
    sizes, drops = (40 * 4 * 4, *dense), list(p_dropout)
    return [convolution(20, 1, 28, activation_fn), convolution(40, 20, 12, activation_fn),
            *(FullyConnectedLayer(n_in, n, activation_fn, p)
              for n_in, n, p in zip(sizes, dense, drops)),
            SoftmaxLayer(sizes[-1], 10, drops[len(dense)])]


def trained(what, layers, epochs, eta, lmbda=0.0, expanded=False):
    """A network of these layers, trained; `what` is printed first."""
    print(what)
    training_data, validation_data, test_data = data(expanded)
    net = Network(layers, mini_batch_size)
    net.SGD(training_data, epochs, mini_batch_size, eta, validation_data, test_data, lmbda=lmbda)
    return net


# --- the experiments ------------------------------------------------------------------------------

def shallow(n=3, epochs=60):
    """n networks of 100 hidden neurons and softmax.  Returns them all."""
    return [trained("A shallow net with 100 hidden neurons",
                    [FullyConnectedLayer(784, 100), SoftmaxLayer(100, 10)], epochs, 0.1)
            for _ in range(n)]


def basic_conv(n=3, epochs=60):
    """n networks of a convolution and a dense layer.  Returns the last one."""
    for _ in range(n):
        net = trained("Conv + FC architecture",
                      [convolution(20, 1, 28), FullyConnectedLayer(20 * 12 * 12, 100),
                       SoftmaxLayer(100, 10)], epochs, 0.1)
    return net


def omit_FC(n=3, epochs=60):
    """n networks of a convolution and softmax.  Returns the last one."""
    for _ in range(n):
        net = trained("Conv only, no FC", [convolution(20, 1, 28), SoftmaxLayer(20 * 12 * 12, 10)],
                      epochs, 0.1)
    return net


def dbl_conv(activation_fn=sigmoid, n=3, epochs=60):
    """n networks of two convolutions and a dense layer.  Returns the last one."""
    for _ in range(n):
        net = trained("Conv + Conv + FC architecture",
                      two_convolutions(100, activation_fn=activation_fn), epochs, 0.1)
    return net


def regularized_dbl_conv(n=3, epochs=60):
    """The same for each of LAMBDAS, n networks each.  Returns them all."""
    return [trained(f"Conv + Conv + FC num {j}, with regularization {lmbda}",
                    two_convolutions(100, activation_fn=sigmoid), epochs, 0.1, lmbda)
            for lmbda in LAMBDAS for j in range(n)]


def dbl_conv_relu(n=3, epochs=60):
    """The same with rectified linear units, and without regularisation first.  Returns them all."""
    return [trained(f"Conv + Conv + FC num {j}, relu, with regularization {lmbda}",
                    two_convolutions(100), epochs, 0.03, lmbda)
            for lmbda in (0.0, *LAMBDAS) for j in range(n)]


def expanded_data(n=100, runs=3, epochs=60):
    """Networks with n neurons in the dense layer, on the 250,000 images.  Returns the last one."""
    for j in range(runs):
        net = trained(f"Training with expanded data, {n} neurons in the FC layer, run num {j}",
                      two_convolutions(n), epochs, 0.03, 0.1, expanded=True)
    return net


def expanded_data_double_fc(n=100, runs=3, epochs=60):
    """The same with two dense layers of n neurons.  Returns the last one."""
    for j in range(runs):
        net = trained(f"Training with expanded data, {n} neurons in two FC layers, run num {j}",
                      two_convolutions(n, n), epochs, 0.03, 0.1, expanded=True)
    return net


def double_fc_dropout(p0, p1, p2, repetitions, epochs=40, n=1000):
    """Networks with dropout of what goes into the first dense layer, the second, and the softmax.

    Returns them all.
    """
    return [trained(f"\n\nTraining using a dropout network with parameters  {p0} {p1} {p2}\n"
                    f"Training with expanded data, run num {j}",
                    two_convolutions(n, n, p_dropout=(p0, p1, p2)), epochs, 0.03, expanded=True)
            for j in range(repetitions)]


def run_experiments():
    """Those that the book describes: days.  What became of the last networks is drawn into files."""
    for experiment in (shallow, basic_conv, omit_FC, dbl_conv, dbl_conv_relu):
        experiment()
    for experiment in expanded_data, expanded_data_double_fc:
        for n in 100, 300, 1000:
            experiment(n)
    nets = double_fc_dropout(0.5, 0.5, 0.5, 5)
    error_locations, erroneous_predictions = ensemble(nets)
    plot_errors(error_locations, erroneous_predictions, "ensemble_errors.png")
    plot_filters(nets[0], 0, 5, 4, "net_full_layer_0.png")
    plot_filters(nets[0], 1, 8, 5, "net_full_layer_1.png")


# --- looking at the networks ----------------------------------------------------------------------

def ensemble(nets):
    """Let the networks vote on the test images.

    Returns (error_locations, erroneous_predictions): which images they get wrong, and as what.  Of
    equally many votes those count that the first network is with.  What each of the networks says is
    left in its test_predictions.
    """
    _, _, test = data()
    nets = [nets] if isinstance(nets, Network) else list(nets)
    if not nets:
        raise ValueError("nets is empty: it takes at least one network to vote")
    for net in nets:
        if not isinstance(net, Network):
            raise TypeError(f"nets must be networks of network3, not {type(net).__name__}")
    for net in nets:
        net.test_predictions = list(net.predict(test))
    said, labels = plurality([net.test_predictions for net in nets]), np.asarray(test[1])
    error_locations = np.flatnonzero(said != labels)
    print(f"Accuracy is {1 - len(error_locations) / len(labels):.2%}")
    return error_locations.tolist(), said[error_locations].tolist()


def plot_errors(error_locations, erroneous_predictions=None, filename=None):
    """Draw the test images at these places, with the right digit and, if given, what was said.

    filename : of a .png to save it as, None: none
    Returns pyplot, whose show() shows the figure and savefig(filename) saves it.
    """
    _, _, (images, labels) = data()
    numbers = (not isinstance(error_locations, network3.Pair)
               and np.size(error_locations[:1]) < 2)  # and no images
    places = np.asarray(error_locations) if numbers else np.empty((0, 0))
    if places.ndim != 1 or (places.size and places.dtype.kind not in "iu"):
        raise ValueError("error_locations must be numbers of test images, as conv.ensemble returns "
                         "them, and not the images")
    labels, digits, places = np.asarray(labels), [*map(str, range(10))], places.astype(int)
    if outside := [place for place in places.tolist() if not 0 <= place < len(labels)]:
        raise ValueError("error_locations must be numbers of test images, from 0 to "
                         f"{len(labels) - 1}, not {outside[0]}")
    said, title = labels.copy(), None
    if erroneous_predictions is None:
        said[places] = len(digits)
        title = f"{len(set(places.tolist()))} of {len(labels):,} test images"
    elif np.shape(erroneous_predictions) != places.shape:
        raise ValueError(f"erroneous_predictions must be as many as error_locations, {len(places)}, "
                         f"not {np.size(erroneous_predictions)}")
    else:
        said[places] = erroneous_predictions
    return _figure(plots.misclassified_figure(np.asarray(images).reshape(-1, 28, 28), labels, said,
                                              names=[*digits, ""], title=title), filename)


def plot_filters(net, layer, x, y, filename=None):
    """Draw the filters of the network's convolutional layer of this number.

    As there, of several maps that come in only the first one's; plots.filters draws the mean of all.
    x, y : the book's columns and rows of the drawing, which here follow from how many filters there are
    filename : of a .png to save it as, None: none
    Returns pyplot, whose show() shows the figure and savefig(filename) saves it.
    """
    if not isinstance(net, Network):
        raise TypeError(f"net must be a network of network3, not {type(net).__name__}")
    if not is_int(layer) or not 0 <= layer < len(net.layers):
        raise ValueError(f"layer must be the number of a layer, 0 to {len(net.layers) - 1}, "
                         f"not {layer!r}")
    if not isinstance(net.layers[layer], ConvPoolLayer):
        raise ValueError(f"layer must be the number of a ConvPoolLayer, not {layer}, which is a "
                         f"{type(net.layers[layer]).__name__}")
    w = np.asarray(net.layers[layer].w)
    title = f"What each of the {len(w)} feature maps of layer {layer} looks for"
    if w.shape[1] > 1:
        title += f" in the first of {w.shape[1]} maps that come in"
    return _figure(plots.filters_figure(w[:, :1], title), filename)


def _figure(figure, filename):
    """Save the figure, if asked, and have pyplot show it as its current one, as readers expect."""
    if filename is not None:
        figure.savefig(filename)
    from matplotlib import pyplot  # only here: it chooses how to open windows
    figure.canvas.draw()
    shown = pyplot.figure(figsize=figure.get_size_inches(), dpi=figure.dpi)
    shown.figimage(np.asarray(figure.canvas.buffer_rgba()))
    return pyplot
