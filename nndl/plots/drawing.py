"""What the figures share: sizes, colours, a sheet that images are laid on, and how a figure is saved.

Matplotlib is used through its objects alone, without pyplot, so that no window opens and no setting
changes.
"""

import errno
import io
import math
import os
import re
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import Rectangle
from matplotlib.textpath import text_to_path

from ..files import write_atomically

DPI = 150
MOST = 100          # images in one figure
MARGIN = 36         # px around everything
TITLE_SIZE, TEXT_SIZE, SMALL_SIZE = 13, 10, 8   # points
BLACK, GREY, HAIRLINE = "#111111", "#595959", "#b8b8b8"
# Dark and light, so that they differ in grey too.
EVALUATION, TRAINING = "#12436d", "#b8560f"
WRONG = "#b3350f"


# --- on disk --------------------------------------------------------------------------------------

def png_path(path):
    """path as a Path that ends in .png, before any work is done for it."""
    path = Path(path)
    if path.is_dir():
        raise ValueError(f"path must be a file, but {path} is a folder; "
                         f"say {path / 'figure.png'}")
    path = path if path.suffix else path.with_suffix(".png")
    if path.suffix.lower() != ".png":
        raise ValueError(f"path must end in .png, not {path}")
    return path


def write(fig, path):
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


# --- words ----------------------------------------------------------------------------------------

def width_of(string, size, weight="normal"):
    """How many px string is wide in the figures' font."""
    font = FontProperties(size=size, weight=weight)
    return text_to_path.get_text_width_height_descent(string, font, ismath=False)[0] * DPI / 72


def wrapped(text, size, width):
    """text with line breaks between words where it would be wider than width px; "η = 0.5" is one."""
    lines = [""]
    for word in re.split(r"(?<!=)\s+(?![=%±])", text.strip()):
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and width_of(longer, size) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return "\n".join(lines)


def each(n, thing):
    """Of what a title speaks: the neuron, or each of the 30 neurons."""
    return f"the {thing}" if n == 1 else f"each of the {n:,} {thing}s"


# --- charts ---------------------------------------------------------------------------------------

def new_figure(title, width, height, rows=1, columns=1, note=None, **how):
    """(figure, its axes): title and note to the left above and below them; width, height in inches.

    how : what Figure.subplots takes besides
    """
    fig = Figure(figsize=(width, height), dpi=DPI, facecolor="white", layout="constrained")
    FigureCanvasAgg(fig)
    fig.get_layout_engine().set(w_pad=0.16, h_pad=0.1, wspace=0.03, hspace=0.05)
    fig.suptitle(wrapped(title, TITLE_SIZE, width * DPI - 2 * MARGIN), x=0.24 / width, ha="left",
                 fontsize=TITLE_SIZE, color=BLACK, parse_math=False, linespacing=1.3)
    axes = fig.subplots(rows, columns, squeeze=False, **how)
    if note:
        fig.supxlabel(wrapped(note, SMALL_SIZE, width * DPI - 2 * MARGIN), x=0.24 / width, ha="left",
                      fontsize=SMALL_SIZE, color=GREY, parse_math=False)
    for ax in axes.flat:
        plain_axes(ax)
    return fig, axes


def plain_axes(ax):
    """A line below, a faint grid, everything else away."""
    ax.grid(color="#e6e6e6", linewidth=0.8)
    ax.set_axisbelow(True)
    ax.tick_params(which="both", labelsize=TEXT_SIZE - 1, color=HAIRLINE, labelcolor=GREY)
    for side, spine in ax.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color(HAIRLINE)


# --- a sheet of images ----------------------------------------------------------------------------

class Grid:
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


class Sheet:
    """A white figure with a title, measured in px from the upper left corner of its content.

    width, height : of the content, px;  notes : sentences, a line each, below the title
    """

    def __init__(self, width, height, title, notes=()):
        lines = wrapped(title, TITLE_SIZE, width)
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
            x += width_of(string, TEXT_SIZE, weight) + behind

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
