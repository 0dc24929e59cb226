"""What the benchmarks' figures share: nndl.plots' colours and sizes, a sentence as title, bare axes."""

import textwrap

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from nndl.plots import (
    BLACK,
    DPI,
    EVALUATION,
    GREY,
    HAIRLINE,
    SMALL_SIZE,
    TEXT_SIZE,
    TITLE_SIZE,
    TRAINING,
)

# One look for each: differing in grey, in shape and in filling.
LOOK = {
    "nndl": {"color": EVALUATION, "marker": "o", "linestyle": "-", "markerfacecolor": EVALUATION},
    "torch": {"color": TRAINING, "marker": "s", "linestyle": (0, (4, 2)), "markerfacecolor": TRAINING},
    "torch_tuned": {"color": TRAINING, "marker": "s", "linestyle": (0, (1, 1.5)),
                    "markerfacecolor": "white"},
    "numpy": {"color": GREY, "marker": "D", "linestyle": "-", "markerfacecolor": "white"},
}
NAMES = {"nndl": "nndl", "torch": "PyTorch", "torch_tuned": "tuned PyTorch", "numpy": "NumPy"}


def new_figure(title, width, height, rows=1, columns=1, note=None, **how):
    """(figure, its axes): title and note to the left above them.  width and height in inches.

    how : what Figure.subplots takes besides
    """
    fig = Figure(figsize=(width, height), dpi=DPI, facecolor="white", layout="constrained")
    FigureCanvasAgg(fig)
    fig.get_layout_engine().set(w_pad=0.16, h_pad=0.1, wspace=0.03, hspace=0.05)
    words = textwrap.fill(title, int(width * 10.2))  # characters of this size to the inch
    fig.suptitle(words, x=0.24 / width, ha="left", fontsize=TITLE_SIZE, color=BLACK, parse_math=False)
    axes = fig.subplots(rows, columns, squeeze=False, **how)
    if note:
        words = textwrap.fill(note, int(width * 15))
        fig.supxlabel(words, x=0.24 / width, ha="left", fontsize=SMALL_SIZE, color=GREY,
                      parse_math=False)
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


def say(ax, heading=None, x=None, y=None):
    """A panel's heading, and what its axes mean, units included."""
    if heading:
        ax.set_title(heading, loc="left", fontsize=TEXT_SIZE, color=BLACK, pad=8)
    for text, put in ((x, ax.set_xlabel), (y, ax.set_ylabel)):
        if text:
            put(text, fontsize=TEXT_SIZE, color=BLACK)


def key(ax, **how):
    """The legend, without a frame."""
    ax.legend(frameon=False, fontsize=TEXT_SIZE - 1, labelcolor=BLACK, **how)
