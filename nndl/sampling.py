"""Networks that write, or draw: their own output at one step is their input at the next."""

import numpy as np

from .arguments import check_generator, check_int, is_number
from .data.sequences import parted
from .layers import forget
from .network import Network
from .ops.shapes import check_symbols, is_int

AT_ONCE = 500  # digits that are drawn side by side


class Writer:
    """A network, stepped through: it goes on where it has ended.

    net : a recurrent Network with an output at each step, a layer of this name; it is copied
    """

    def __init__(self, net, output="softmax"):
        if not isinstance(net, Network):
            raise TypeError(f"net must be a Network, not {net!r}")
        self.net = net.copy()
        self.layers = [layer for layer in self.net.layers if hasattr(layer, "follows")]
        if not self.layers or self.net.layers[-1].name != output or len(self.net.output_shape) != 2:
            can = {"softmax": "write", "sigmoid": "draw"}[output]
            raise ValueError(f"only a recurrent network with a {output} output at each step can {can}, "
                             f"not {net!r}")
        for layer in self.layers:
            layer.follows = True

    def read(self, x):
        """Outputs (m, t, n_out) for further inputs x (m, t, ...), or Sequences of them."""
        x = self.net._inputs(x)
        begun = {len(layer.state[0]) for layer in self.layers if layer.state is not None}
        if begun - {len(x)}:
            raise ValueError(f"{len(x)} sequences cannot go on where {begun.pop()} have ended: a new "
                             "Writer begins anew")
        with self.net.ops.running():
            return self.net._forward(x).copy()


def write(net, x, steps, choose=None, feed=None, end=None):
    """What a network writes after x, symbols (m, t) or Sequences of them.  Returns (m, steps) symbols.

    x      : for an EncoderDecoder what it reads, padded to its `reads` steps, and the one symbol that
             writing begins with: of x as tasks.to_be_written makes it the first reads + 1 steps,
             Sequences(x.padded[:, :reads + 1], valid=x.valid[:, :reads + 1])
    choose : function of probabilities (m, n_out) that returns symbols (m,); None: the likeliest
    feed   : which input an output becomes, array[output]; None: itself
    end    : a symbol after which a row goes on with -1; None: none
    """
    check_int("steps", steps, 1)
    if choose is not None and not callable(choose):
        raise TypeError(f"choose must be a function such as sampler(rng), or None, not {choose!r}")
    if end is not None and not is_int(end):
        raise TypeError(f"end must be a symbol, an int, not {end!r}")
    choose, feed = choose or (lambda a: a.argmax(axis=1)), None if feed is None else np.asarray(feed)
    writer, n_out = Writer(net), net.output_shape[-1]
    if end is not None and not 0 <= end < n_out:
        raise ValueError(f"end must be a symbol from 0 to {n_out - 1}, not {end}")
    reads = next((layer.reads for layer in net.layers if hasattr(layer, "reads")), None)
    given = np.shape(parted(x)[0])
    if reads is not None and len(given) > 1 and given[1] != reads + 1:
        raise ValueError(f"x must have {reads + 1} steps, what the EncoderDecoder reads and the symbol "
                         f"that writing begins with, not {given[1]}: say Sequences("
                         f"x.padded[:, :{reads + 1}], valid=x.valid[:, :{reads + 1}])")
    if feed is not None and feed.shape != (n_out,):
        raise ValueError(f"feed must have an input for each of the {n_out} outputs, not shape "
                         f"{feed.shape}")
    if feed is not None and hasattr(net.layers[0], "symbols"):
        check_symbols("feed", feed, net.layers[0].symbols)
    a, written = writer.read(x)[:, -1], np.full((len(x), steps), -1)
    ended = np.zeros(len(x), bool)
    for s in range(steps):
        chosen = np.asarray(choose(a))
        if chosen.shape != ended.shape:
            raise ValueError(f"choose must return a symbol for each row, shape {ended.shape}, not "
                             f"{chosen.shape}")
        check_symbols("what choose returns", chosen, n_out)
        written[:, s] = np.where(ended, -1, chosen)
        if end is not None:
            ended |= chosen == end
        if ended.all() or s + 1 == steps:
            break
        a = writer.read((chosen if feed is None else feed[chosen])[:, None])[:, -1]
    return written


def sampler(rng, temperature=1.0):
    """A `choose` for write: symbols drawn by their probabilities, below temperature 1 less boldly.

    rng : a Generator;  temperature : above 0
    """
    check_generator(rng)
    _check(temperature, "; to take the likeliest always, leave out choose")

    def choose(a):
        z = np.log(np.maximum(np.asarray(a, float), 1e-300)) / temperature
        # The largest becomes 1: at a low temperature all would be rounded to 0.
        total = np.exp(z - z.max(axis=1, keepdims=True)).cumsum(axis=1)
        return (total < rng.random((len(z), 1)) * total[:, -1:]).sum(axis=1)

    return choose


def draw(net, labels, rng, rows=28, temperature=1.0):
    """Digits that a network draws, row by row, each pixel ink with the probability that it says.

    net : trained on what data.rows.to_be_drawn makes, with sigmoid outputs, one for each pixel of a row
    labels : (n,) ints, what shall be drawn;  rng : a Generator
    rows : how many;  temperature : above 0; below 1 probabilities go towards 0 and 1
    Returns (n, rows, w) bytes, 0 and 255.
    """
    check_generator(rng)
    check_int("rows", rows, 1)
    _check(temperature)
    writer = Writer(net, "sigmoid")
    labels, w = np.asarray(labels), net.output_shape[-1]
    classes = net.input_shape[-1] - w if len(net.input_shape) == 2 else 0
    if classes < 1 or net.input_shape[0] is not None:
        raise ValueError(f"the network draws a row at a time, and is told the label: behind "
                         f"{w} outputs it needs input_shape=(None, {w} + classes), as "
                         f"data.rows.to_be_drawn makes it, not {net.input_shape}")
    check_symbols("labels", labels, classes)
    if labels.ndim != 1:
        raise ValueError(f"labels must have shape (n,), not {labels.shape}")
    drawn = np.zeros((len(labels), rows, w), np.uint8)
    for start in range(0, len(labels), AT_ONCE):
        some = slice(start, start + AT_ONCE)
        forget(writer.layers)
        x = np.zeros((len(labels[some]), 1, net.input_shape[-1]), net.dtype)
        x[np.arange(len(x)), :, w + labels[some]] = 1
        for s in range(rows):
            p = sharpened(writer.read(x)[:, 0], temperature)
            ink = rng.random(p.shape) < p
            x[:, 0, :w], drawn[some, s] = ink, 255 * ink
    return drawn


def sharpened(p, temperature):
    """Probabilities p of sigmoid outputs σ(z) as those of σ(z / temperature)."""
    if temperature == 1:
        return p
    p = np.clip(np.asarray(p, float), 1e-300, 1 - 1e-16)
    return np.exp(-np.logaddexp(0, (np.log1p(-p) - np.log(p)) / temperature))


def _check(temperature, mend=""):
    if not is_number(temperature) or temperature <= 0:
        raise ValueError(f"temperature must be a number above 0, not {temperature!r}{mend}")
