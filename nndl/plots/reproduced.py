"""The figures of `nndl reproduce`: the book's numbers and curves, and ours."""

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from .drawing import (
    BLACK,
    DPI,
    EVALUATION,
    GREY,
    HAIRLINE,
    SMALL_SIZE,
    TEXT_SIZE,
    TITLE_SIZE,
    TRAINING,
    png_path,
    write,
)


def book_and_here(rows, path):
    """The book's number and those of our runs, experiment by experiment, as errors: 100 % - accuracy.

    rows : list of (id, what it is, the book's percent or None, percents of our runs)
    path : str or Path of the .png
    Returns path as a Path.
    """
    path = png_path(path)
    return write(_book_and_here(rows), path)


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
    marks = (0.1, 0.2, 0.3, 0.5, 1, 2, 3, 5, 10, 20, 50, 100)
    low, high = ax.get_xlim()  # at least from one mark to the next
    low = min(low, max((mark for mark in marks if mark <= low), default=low))
    high = max(high, min((mark for mark in marks if mark >= high), default=high))
    ax.set_xlim(low, high)
    ticks = [mark for mark in marks if low <= mark <= high]
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
    path = png_path(path)
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
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside upper right", ncols=2,
               fontsize=TEXT_SIZE, frameon=False)
    return write(fig, path)
