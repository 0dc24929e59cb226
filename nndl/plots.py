"""Every figure of the project.

Each figure has two functions: one that checks its path, saves the figure there and returns the path,
and one that builds the Figure.  Two of the latter, filters_figure and misclassified_figure, are for
others too: book/conv.py hands their figures out, as the book's program does.  Matplotlib is used
through its objects alone, without pyplot, so that no window opens and no setting changes.

Weights are drawn as in the book: mid-grey is 0, darker is more positive, lighter more negative.
"""

import errno
import io
import math
import os
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import Rectangle
from matplotlib.textpath import text_to_path
from matplotlib.ticker import MaxNLocator

from .files import write_atomically
from .ops.shapes import is_int

DPI = 150
MOST = 100          # images in one figure
MARGIN = 36         # px around everything
TITLE_SIZE, TEXT_SIZE, SMALL_SIZE = 13, 10, 8   # points
BLACK, GREY, HAIRLINE = "#111111", "#595959", "#b8b8b8"
# Dark and light, so that they differ in grey too.
EVALUATION, TRAINING = "#12436d", "#b8560f"
WRONG = "#b3350f"


# --- learning curves ------------------------------------------------------------------------------

def learning_curves(history, path, title=None, evaluation_name="validation"):
    """Cost and accuracy after each epoch, on training and evaluation data, side by side.

    history : a History, as Network.SGD returns it: costs in nats, the mean per example;
              accuracies fractions, drawn in percent.  A list that is empty is left out, and a panel
              with nothing to show too
    path : str or Path of the .png; folders that are missing are made
    title : None makes a sentence of the last measurement
    evaluation_name : what the evaluation data are, say "validation" or "test"

    Returns path as a Path.  Raises TypeError if history is none, ValueError if path is a folder or
    no .png, OSError if it cannot be written.
    """
    path = _png(path)
    return _write(_learning_curves(history, title, evaluation_name), path)


def _learning_curves(history, title=None, evaluation_name="validation"):
    names = "training_cost", "evaluation_cost", "training_accuracy", "evaluation_accuracy"
    if not all(hasattr(history, name) for name in names):
        raise TypeError("history must be a History, such as Network.SGD returns, "
                        f"not {type(history).__name__}")
    measured = {name: np.asarray(getattr(history, name), dtype=float) for name in names}
    for name, values in measured.items():
        if values.ndim != 1:
            raise ValueError(f"history.{name} must be one number for each epoch, (epochs,), "
                             f"not {values.shape}")

    def both(what, unit=1):
        return [(label, unit * measured[f"{which}_{what}"], style)
                for label, which, style in (("training", "training", _TRAINING_STYLE),
                                            (evaluation_name, "evaluation", _EVALUATION_STYLE))
                if measured[f"{which}_{what}"].size]

    panels = [(heading, lines, *how) for heading, lines, *how in (
        ("cost, nats per example", both("cost"), _cost_range, lambda cost: f"{cost:.3g}"),
        ("accuracy, percent", both("accuracy", 100), _accuracy_range,
         lambda percent: f"{_percent(percent / 100, 2)} %")) if lines]

    if title is None:
        title = _finding(measured, evaluation_name)
    if not panels:
        return _Sheet(1200, 0, title, ["Network.SGD measures only what it is asked to, say with "
                                       "monitor_training_accuracy=True"]).figure
    width = 930 if len(panels) == 1 else 1380
    fig = Figure(figsize=(width / DPI, 4.0), dpi=DPI, facecolor="white", layout="constrained")
    FigureCanvasAgg(fig)
    fig.get_layout_engine().set(w_pad=0.16, h_pad=0.12, wspace=0.03)
    fig.suptitle(_wrapped(title, TITLE_SIZE, width - 2 * MARGIN), x=MARGIN / width, ha="left",
                 fontsize=TITLE_SIZE, color=BLACK, parse_math=False, linespacing=1.3)
    axes = fig.subplots(1, len(panels), squeeze=False)[0]
    labels = [_panel(ax, *panel) for ax, panel in zip(axes, panels)]
    fig.draw_without_rendering()  # now it is known where everything is
    for ax, of_one_panel in zip(axes, labels):
        _spread(ax, of_one_panel)
    return fig


_EVALUATION_STYLE = {"color": EVALUATION, "linestyle": "-", "marker": "o",
                     "markerfacecolor": EVALUATION, "zorder": 3}
_TRAINING_STYLE = {"color": TRAINING, "linestyle": (0, (4, 2)), "marker": "s",
                   "markerfacecolor": "white", "zorder": 2.5}


def _panel(ax, heading, lines, range_of, say):
    """Draw lines, (label, values, style) each, and return the labels at their right ends."""
    epochs = max(len(values) for _, values, _ in lines)
    labels = []
    for label, values, style in lines:
        n = len(values)
        marked = range(n - 1, -1, -max(1, math.ceil(n / 15)))  # the last epoch is always marked
        ax.plot(np.arange(1, n + 1), values, linewidth=1.8, markersize=5.5, markeredgewidth=1.4,
                markevery=list(marked), clip_on=False, **style)
        finite = np.flatnonzero(np.isfinite(values))
        if finite.size:
            last = finite[-1]
            label = f"{_wrapped(label, TEXT_SIZE, 180)}\n{say(values[last])}"
            labels.append(ax.annotate(
                label, (last + 1, values[last]), (9, 0), textcoords="offset points", ha="left",
                va="center", fontsize=TEXT_SIZE, color=style["color"], fontweight="bold",
                linespacing=1.15, parse_math=False, annotation_clip=False))
    ax.set_title(heading, loc="left", fontsize=TEXT_SIZE, color=BLACK, pad=10)
    beside = 0.03 * (epochs - 1) or 0.5
    ax.set_xlim(1 - beside, epochs + beside)
    ax.set_xticks(_epoch_ticks(epochs))
    ax.set_xlabel("epoch", fontsize=TEXT_SIZE, color=BLACK)
    together = np.concatenate([values for _, values, _ in lines])
    ax.set_ylim(*range_of(together[np.isfinite(together)]))
    ax.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
    ax.ticklabel_format(axis="y", useOffset=False)
    ax.tick_params(labelsize=TEXT_SIZE - 1, color=HAIRLINE, labelcolor=GREY)
    ax.grid(axis="y", color="#e6e6e6", linewidth=0.8)
    ax.set_axisbelow(True)
    for side, spine in ax.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color(HAIRLINE)
    return labels


def _cost_range(cost):
    """From 0 where that hides nothing, otherwise around the values; never less than 5 % of them."""
    if not cost.size:
        return 0.0, 1.0
    low, high = float(cost.min()), float(cost.max())
    if 0 <= low < 0.6 * high or low == high == 0:
        return 0.0, 1.06 * high or 1.0
    return _around(low, high, least=0.05 * abs(high))


def _accuracy_range(percent):
    """Around the values, at least one percentage point, inside 0 to 100."""
    if not percent.size:
        return 0.0, 100.0
    low, high = _around(float(percent.min()), float(percent.max()), least=1.0)
    return max(low, 0.0), min(high, 100.0)


def _around(low, high, least):
    """low and high with some air, at least `least` apart."""
    middle, half = (low + high) / 2, 0.6 * max(high - low, least)
    return middle - half, middle + half


def _epoch_ticks(epochs):
    """Whole epochs, at most about ten: 1, 2, 3 or 1, 10, 20, 30."""
    step = next(step * 10**power for power in range(20) for step in (1, 2, 5)
                if step * 10**power * 10 >= epochs)
    ticks = list(range(step, epochs + 1, step))
    return [1, *ticks] if step >= 5 else ticks


def _finding(measured, evaluation_name):
    """A sentence about the last measurement: accuracy before cost, evaluation before training."""
    kinds = (("evaluation", evaluation_name), ("training", "training"))
    for which, name in kinds:
        accuracy = measured[f"{which}_accuracy"]
        if accuracy.size:
            return (f"{_percent(accuracy[-1], 2)} % of the {name} images are right after "
                    f"{_counted(accuracy.size, 'epoch')}")
    for which, name in kinds:
        cost = measured[f"{which}_cost"]
        if cost.size:
            before, now, epochs = f"{cost[0]:.3g}", f"{cost[-1]:.3g}", _counted(cost.size, "epoch")
            if before == now:
                return f"The {name} cost is {now} nats after {epochs}"
            moved = "rose" if cost[-1] > cost[0] else "fell"
            return f"The {name} cost {moved} from {before} to {now} nats over {epochs}"
    return "No epoch was measured"


def _percent(fraction, decimals):
    """fraction in percent; more decimals where it would look like 100 % or 0 % and is not."""
    for more in range(decimals, 6):
        text = f"{100 * fraction:.{more}f}"
        if float(text) not in (0, 100) or fraction in (0, 1):
            break
    return text


def _spread(ax, labels, air=6):
    """Move a panel's one or two labels until they neither overlap nor hang below the axis."""
    placed = sorted(((label.get_window_extent(), label) for label in labels),
                    key=lambda pair: pair[0].y0)
    overlap = placed[0][0].y1 + air - placed[1][0].y0 if len(placed) == 2 else 0
    down = max(0, overlap) / 2  # px for the lower one; the upper one goes as much up
    floor = ax.get_window_extent().y0
    for box, label in placed:
        up = max(-down, floor - box.y0)
        label.set_position((label.get_position()[0], up * 72 / DPI))
        floor = box.y1 + up + air


# --- weights --------------------------------------------------------------------------------------

def filters(w, path, title=None):
    """The filters of a first convolutional layer as images, on one scale of grey.

    w : (f, c, kh, kw)  the weights of a Conv or ConvPool; of more channels the mean is shown
    path : str or Path of the .png; folders that are missing are made
    title : None says how many feature maps there are

    Filter j is w[j]; mid-grey is 0, darker is positive, lighter negative, as in the book's ch. 6.
    Of more than 100 the first 100 are shown.

    Returns path as a Path.  Raises ValueError if w is of another shape or not finite, or if path is
    a folder or no .png, OSError if it cannot be written.
    """
    path = _png(path)
    return _write(filters_figure(w, title), path)


def filters_figure(w, title=None):
    """The Figure that `filters` saves."""
    w = _weights(w, 4, "(f, c, kh, kw), the weights of a first Conv or ConvPool")
    if title is None:
        title = f"What {_each(len(w), 'feature map')} of the first layer looks for"
    return _weight_images(w, title)


def first_weights(w, path, image_shape, title=None):
    """The weights of a dense first layer, each neuron's row as an image, on one scale of grey.

    w : (n_out, n_in)  the weights of a Dense layer that follows the input
    path : str or Path of the .png; folders that are missing are made
    image_shape : (h, w) or (c, h, w) of the input, whose product is n_in; of more channels the mean
                  is shown
    title : None says how many neurons there are

    Image j is w[j]; mid-grey is 0, darker is positive, lighter negative.  Of more than 100 the
    first 100 are shown.

    Returns path as a Path.  Raises ValueError if the shapes do not fit or w is not finite, or if
    path is a folder or no .png, OSError if it cannot be written.
    """
    path = _png(path)
    return _write(_first_weights(w, image_shape, title), path)


def _first_weights(w, image_shape, title=None):
    w = _weights(w, 2, "(n_out, n_in), the weights of a first Dense layer")
    shape = tuple(np.atleast_1d(image_shape).tolist())
    if len(shape) not in (2, 3) or min(shape) < 1 or math.prod(shape) != w.shape[1]:
        raise ValueError(f"image_shape must be (h, w) or (c, h, w) of {w.shape[1]} numbers in all, "
                         f"to fit w {w.shape}, not {image_shape!r}; an MNIST image is (28, 28)")
    if title is None:
        title = f"What {_each(len(w), 'neuron')} of the first layer looks for"
    return _weight_images(w.reshape(len(w), -1, *shape[-2:]), title)


def _weights(w, ndim, expected):
    """w as an array, if it has ndim dimensions, none of them 0, and is finite."""
    w = np.asarray(w)
    if w.ndim != ndim or w.size == 0:
        raise ValueError(f"w must have shape {expected}, not {w.shape}")
    if w.dtype.kind not in "fiu" or not np.isfinite(w).all():
        raise ValueError("w must be finite numbers: the network may have diverged, "
                         "see layer.w")
    return w


def _weight_images(w, title):
    """w (n, c, h, w) as a grid of n numbered images with a colour bar."""
    n, channels, *size = w.shape
    images = w[:MOST].mean(axis=1, dtype=float)
    if n > MOST:
        title += f" (the first {MOST} are shown)"
    limit = float(np.abs(images).max()) or 1.0
    grid = _Grid(len(images), size, right=14, below=30, least=24, largest=320,
                 most=(1120, 1160))
    bar_left = grid.width + 22
    notes = ["dark: positive weight, where ink excites; light: negative, where it inhibits"]
    notes += [f"the mean over the {channels} input channels"] if channels > 1 else []
    sheet = _Sheet(max(bar_left + 120, 880), grid.height, title, notes)
    for number, image in enumerate(images):
        x, y = grid.corner(number)
        sheet.image(image, x, y + 22, grid.image, -limit, limit, frame=HAIRLINE)
        sheet.text(x, y + 17, str(number), SMALL_SIZE, GREY, va="baseline")

    height = grid.height - 30
    axes = sheet.inset(bar_left, 22, 20, min(height, 460))
    bar = sheet.figure.colorbar(ScalarMappable(Normalize(-limit, limit), "gray_r"), cax=axes)
    bar.locator = MaxNLocator(4 if height < 200 else 6, steps=[1, 2, 2.5, 5, 10])
    bar.update_ticks()
    bar.set_label("weight", fontsize=TEXT_SIZE, color=BLACK)
    bar.ax.tick_params(labelsize=SMALL_SIZE, labelcolor=GREY, color=HAIRLINE)
    bar.outline.set(edgecolor=HAIRLINE, linewidth=0.8)
    return sheet.figure


# --- misclassified images -------------------------------------------------------------------------

def misclassified(images, labels, predictions, path, most=MOST, names=None, total=None,
                  what="test images"):
    """The images that were classified wrongly, each with the right class and the prediction.

    images : (n, h, w) or (n, 1, h, w)  bytes, or floats (byte/256); shown dark on white
    labels : (n,)       ints, the right class of each
    predictions : (n,)  ints, what the network said, as Network.predict returns it
    path : str or Path of the .png; folders that are missing are made
    most : how many to show at most, the first ones
    names : the names of the classes; None: their numbers
    total : of how many images the title speaks; None: n
    what : what the title calls them

    The right class stands in the upper right corner, the prediction in the lower right, as in the
    book's ch. 6.  Returns path as a Path.  Raises ValueError if arguments do not fit each other or
    path is a folder or no .png, OSError if it cannot be written.
    """
    path = _png(path)
    return _write(misclassified_figure(images, labels, predictions, most, names, total, what), path)


def misclassified_figure(images, labels, predictions, most=MOST, names=None, total=None,
                         what="test images"):
    """The Figure that `misclassified` saves."""
    images, labels, predictions = _images(images), np.asarray(labels), np.asarray(predictions)
    for name, array in (("labels", labels), ("predictions", predictions)):
        if array.shape != (len(images),) or array.dtype.kind not in "iu":
            raise ValueError(f"{name} must be ints of shape ({len(images)},), the class of each "
                             f"image, not {array.dtype} {array.shape}")
    total = len(images) if total is None else total
    for name, number, least in (("most", most, 1), ("total", total, len(images))):
        if not is_int(number) or number < least:
            raise ValueError(f"{name} must be an int of at least {least}, not {number!r}")

    wrong = np.flatnonzero(labels != predictions)
    if not wrong.size:
        return _Sheet(880, 0, f"None of the {total:,} {what} is misclassified").figure
    title = (f"{wrong.size:,} of {total:,} {what} {'is' if wrong.size == 1 else 'are'} "
             "misclassified")
    if wrong.size > most:
        title += f" (the first {most} are shown)" if most > 1 else " (the first is shown)"
    shown = wrong[:most]

    said = [(_name(labels[i], names), _name(predictions[i], names)) for i in shown]
    # Beside the image is room for the longest name, so that no digit is covered.
    margin = 6 + math.ceil(max(_width(name, SMALL_SIZE, "bold") for pair in said
                               for name in pair)) + 14
    grid = _Grid(len(shown), images.shape[1:], right=margin, below=10, least=44,
                 largest=168, most=(1420, 1300))
    thing = "digit" if names is None and labels.max() <= 9 else "class"
    sheet = _Sheet(max(grid.width - 14, 880), grid.height, title)
    sheet.key([("upper right:", GREY, 10), (f"the right {thing}", BLACK, 45),
               ("lower right:", GREY, 10), ("what the network said", WRONG, 0)])
    low, high = (0, 255) if images.dtype == np.uint8 else (min(0, images[shown].min()),
                                                           images[shown].max())
    for number, (i, (right, prediction)) in enumerate(zip(shown, said)):
        x, y = grid.corner(number)
        height, width = grid.image
        sheet.image(images[i], x, y, grid.image, low, high if high > low else low + 1,
                    frame="#dedede")
        sheet.text(x + width + 6, y, right, SMALL_SIZE, BLACK, va="top")
        sheet.text(x + width + 6, y + height, prediction, SMALL_SIZE, WRONG, va="bottom",
                   fontweight="bold")
    return sheet.figure


def _images(images):
    """images as (n, h, w), bytes or floats."""
    images = np.asarray(images)
    if images.ndim == 4 and images.shape[1] == 1:
        images = images[:, 0]
    if images.ndim != 3 or images.size == 0:
        raise ValueError(f"images must have shape (n, h, w) or (n, 1, h, w), not {images.shape}; "
                         "rows of pixels are images.reshape(-1, 28, 28)")
    if images.dtype != np.uint8 and (images.dtype.kind != "f" or not np.isfinite(images).all()):
        raise ValueError(f"images must be bytes (uint8) or finite floats, not {images.dtype}")
    return images


def _name(number, names, longest=14):
    """What class `number` is called."""
    if names is None:
        return str(number)
    if not 0 <= number < len(names):
        raise ValueError(f"names must name every class: class {number} is beyond its "
                         f"{len(names)} names")
    name = str(names[number])
    return name if len(name) <= longest else name[:longest - 1] + "…"


# --- a sheet of images ----------------------------------------------------------------------------

class _Grid:
    """Where n images of one size go, in px, so that every pixel of theirs is as large.

    size : (h, w) of the images;  right, below : px of room that each has beside it and below
    least, largest : px between which an image's longer side should be
    most : (width, height) in px that the grid does not exceed, unless least makes it higher
    """

    def __init__(self, n, size, right, below, least, largest, most):
        def grid(columns):
            """The grid of so many columns, and how ugly it is."""
            rows = math.ceil(n / columns)
            fits = min((most[0] / columns - right) / w, (most[1] / rows - below) / h, biggest)
            smallest = least / max(h, w)
            scale = max(fits, smallest)
            if scale > 1:  # to whole px: otherwise some pixels are wider than others
                scale = math.floor(scale) if math.floor(scale) >= smallest else math.ceil(scale)
            width, height = columns * (w * scale + right), rows * (h * scale + below)
            # It should be somewhat wider than high, its last row full, its images large.
            ugliness = (abs(math.log(width / height / 1.3)) + 4 * (rows * columns / n - 1)
                        + math.log(biggest / scale))
            return width > most[0] and columns > 1, ugliness, columns, scale, width, height

        h, w = size
        biggest = largest / max(h, w)
        *_, self.columns, scale, self.width, self.height = min(map(grid, range(1, n + 1)))
        self.image = h * scale, w * scale
        self.step = self.image[0] + below, self.image[1] + right

    def corner(self, number):
        """(x, y) of the upper left corner of an image."""
        row, column = divmod(number, self.columns)
        return column * self.step[1], row * self.step[0]


class _Sheet:
    """A white figure with a title, measured in px from the upper left corner of its content.

    width, height : of the content, px;  notes : sentences, a line each, below the title
    """

    def __init__(self, width, height, title, notes=()):
        lines = _wrapped(title, TITLE_SIZE, width)
        # One line more than there are notes: it is the key's, or air above the images.
        self.left, note_height, title_height = MARGIN, 30, 36 * (lines.count("\n") + 1)
        self.top = MARGIN + title_height + note_height * max(len(notes), 1) + 18
        self.width, self.height = width + 2 * MARGIN, math.ceil(self.top + height + MARGIN - 8)
        self.figure = Figure(figsize=(self.width / DPI, self.height / DPI), dpi=DPI,
                             facecolor="white")
        self.canvas = FigureCanvasAgg(self.figure)
        self.axes = self.figure.add_axes((0, 0, 1, 1))
        self.axes.set_axis_off()
        self._whole()
        self.title = self.text(0, MARGIN - 6 - self.top, lines, TITLE_SIZE, BLACK, va="top",
                               linespacing=1.3)
        self.below_title = MARGIN + title_height - self.top + 22
        for number, note in enumerate(notes):
            self.text(0, self.below_title + note_height * number, note, TEXT_SIZE, GREY,
                      va="baseline")

    def _whole(self):
        self.axes.set(xlim=(0, self.width), ylim=(self.height, 0), autoscale_on=False)

    def text(self, x, y, string, size, color, **how):
        """Write string at (x, y)."""
        return self.axes.text(self.left + x, self.top + y, string, fontsize=size, color=color,
                              parse_math=False, **how)

    def key(self, parts):
        """Write parts, (string, colour, px behind it) each, in one line below the title."""
        x = 0
        for string, color, behind in parts:
            weight = "bold" if color == WRONG else "normal"
            self.text(x, self.below_title, string, TEXT_SIZE, color, va="baseline",
                      fontweight=weight)
            x += _width(string, TEXT_SIZE, weight) + behind

    def image(self, image, x, y, size, low, high, frame):
        """Draw image with its upper left corner at (x, y): low is white, high black."""
        height, width = size
        x, y = x + self.left, y + self.top
        self.axes.imshow(image, cmap="gray_r", vmin=low, vmax=high, aspect="auto",
                         extent=(x, x + width, y + height, y), interpolation="antialiased")
        self.axes.add_patch(Rectangle((x, y), width, height, fill=False, edgecolor=frame,
                                      linewidth=0.6))
        self._whole()

    def inset(self, x, y, width, height):
        """Axes of their own in a part of the sheet."""
        bottom = self.height - self.top - y - height
        return self.figure.add_axes(((self.left + x) / self.width, bottom / self.height,
                                     width / self.width, height / self.height))


def _width(string, size, weight="normal"):
    """How many px string is wide in the figures' font."""
    font = FontProperties(size=size, weight=weight)
    return text_to_path.get_text_width_height_descent(string, font, ismath=False)[0] * DPI / 72


def _wrapped(text, size, width):
    """text with line breaks between words where it would be wider than width px."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and _width(longer, size) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return "\n".join(lines)


def _each(n, thing):
    return f"the {thing}" if n == 1 else f"each of the {n:,} {thing}s"


def _counted(n, thing):
    return f"{n:,} {thing}" + ("" if n == 1 else "s")


# --- on disk --------------------------------------------------------------------------------------

def _png(path):
    """path as a Path that ends in .png, before any work is done for it."""
    path = Path(path)
    if path.is_dir():
        raise ValueError(f"path must be a file, but {path} is a folder; "
                         f"say {path / 'figure.png'}")
    path = path if path.suffix else path.with_suffix(".png")
    if path.suffix.lower() != ".png":
        raise ValueError(f"path must end in .png, not {path}")
    return path


def _write(fig, path):
    """Draw fig and put it at path, whole or not at all."""
    content = io.BytesIO()
    fig.canvas.print_png(content)
    fig.clear()  # a Figure refers to itself: its arrays would wait for the garbage collector
    try:
        write_atomically(path, content.getvalue())
    except OSError as error:
        number = error.errno or errno.EIO
        raise OSError(number, f"cannot write the figure: {os.strerror(number)}",
                      str(path)) from error
    return path


# --- the book's numbers and ours ------------------------------------------------------------------

def book_and_here(rows, path):
    """The book's number and those of our runs, experiment by experiment, as errors: 100 % - accuracy.

    rows : list of (id, what it is, the book's percent or None, percents of our runs)
    path : str or Path of the .png
    Returns path as a Path.
    """
    path = _png(path)
    return _write(_book_and_here(rows), path)


def _book_and_here(rows):
    if not rows:
        raise ValueError("rows is empty: there are no results to draw")
    fig = Figure(figsize=(9.2, 1.5 + 0.27 * len(rows)), dpi=DPI, facecolor="white",
                 layout="constrained")
    FigureCanvasAgg(fig)
    ax = fig.subplots()
    for y, (_, _, book, here) in enumerate(rows):
        ax.plot([100 - value for value in here], [y] * len(here), "o", color=EVALUATION, markersize=4,
                alpha=0.75, zorder=3, label="here, each run" if y == 0 else None)
        if book is not None:
            ax.plot([100 - book], [y], "D", color=TRAINING, markersize=7, markerfacecolor="none",
                    markeredgewidth=1.5, zorder=2.5)
    ax.plot([], [], "D", color=TRAINING, markersize=7, markerfacecolor="none", label="the book")
    ax.set_xscale("log")
    ticks = [tick for tick in (0.2, 0.3, 0.5, 1, 2, 3, 5, 10, 20, 50, 90)
             if ax.get_xlim()[0] <= tick <= ax.get_xlim()[1]]
    ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.set_xticks([], minor=True)
    ax.set_yticks(range(len(rows)), [f"{what}   {name}" for name, what, *_ in rows])
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.set_xlabel("images that are classified wrongly, percent, logarithmic", fontsize=TEXT_SIZE,
                  color=BLACK)
    ax.tick_params(labelsize=SMALL_SIZE, color=HAIRLINE, labelcolor=GREY)
    ax.grid(color="#e6e6e6", linewidth=0.8)
    ax.set_axisbelow(True)
    for spine in ax.spines.values():
        spine.set_color(HAIRLINE)
    fig.suptitle("The book's experiments: its numbers and ours", x=0.02, ha="left",
                 fontsize=TITLE_SIZE, color=BLACK)
    fig.legend(loc="outside upper right", ncols=2, fontsize=TEXT_SIZE, frameon=False)
    return fig


def curves(panels, path):
    """Our curves as lines over the book's published points, a panel for each list.

    panels : [(name of the figure, [(label, our list, the book's list or None), ...]), ...]
    path : str or Path of the .png.  Returns path as a Path.
    """
    path = _png(path)
    lists = [(name, *line) for name, lines in panels for line in lines]
    rows = -(-len(lists) // 4)
    fig = Figure(figsize=(13.5, 3.0 * rows + 0.6), dpi=100, facecolor="white", layout="constrained")
    FigureCanvasAgg(fig)
    axes = fig.subplots(rows, 4, squeeze=False).ravel()
    for ax in axes[len(lists):]:
        ax.set_axis_off()
    for ax, (name, label, ours, theirs) in zip(axes, lists):
        epochs = np.arange(1, len(ours) + 1)
        if theirs is not None:
            ax.plot(epochs, theirs[:len(ours)], "o", color=TRAINING, markersize=5,
                    markerfacecolor="none", label="the book", zorder=2)
        ax.plot(epochs, ours, color=EVALUATION, linewidth=1.2, label="here", zorder=3)
        ax.set_title(f"{name}: {label}", loc="left", fontsize=TEXT_SIZE, color=BLACK)
        ax.set_xlabel("epoch", fontsize=TEXT_SIZE, color=BLACK)
        ax.tick_params(labelsize=SMALL_SIZE, color=HAIRLINE, labelcolor=GREY)
        ax.grid(color="#e6e6e6", linewidth=0.8)
        for spine in ax.spines.values():
            spine.set_color(HAIRLINE)
    axes[0].legend(fontsize=TEXT_SIZE, frameon=False)
    return _write(fig, path)
