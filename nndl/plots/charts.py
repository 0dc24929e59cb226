"""Charts that compare: lines, dots with their spread, distributions.

What is compared differs in grey, in dashes and in its marker, and carries its name where it ends.
"""

import math

import numpy as np
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, StrMethodFormatter

from .drawing import (
    BLACK,
    DPI,
    EVALUATION,
    GREY,
    HAIRLINE,
    SMALL_SIZE,
    TEXT_SIZE,
    TRAINING,
    new_figure,
    plain_axes,
    png_path,
    wrapped,
    write,
)

# One look for each line of a panel, the first ones most unlike each other.
LOOKS = (
    {"color": EVALUATION, "linestyle": "-", "marker": "o", "markerfacecolor": EVALUATION},
    {"color": TRAINING, "linestyle": (0, (4, 2)), "marker": "s", "markerfacecolor": "white"},
    {"color": "#2f7d4f", "linestyle": (0, (1, 1.4)), "marker": "^", "markerfacecolor": "#2f7d4f"},
    {"color": "#8a3d7a", "linestyle": (0, (6, 2, 1, 2)), "marker": "D", "markerfacecolor": "white"},
    {"color": "#5a6b7a", "linestyle": "-", "marker": "v", "markerfacecolor": "white"},
    {"color": "#8f7a17", "linestyle": (0, (8, 2)), "marker": "P", "markerfacecolor": "#8f7a17"},
    {"color": "#333333", "linestyle": (0, (2, 1)), "marker": "X", "markerfacecolor": "white"},
)


def lines(panels, path, title, x="epoch", log=(), levels=None, note=None):
    """Lines side by side, a panel for each quantity.

    panels : {what is measured, with its unit: {name of a line: values}}.  Values are (n,), drawn at
             1, 2, ..., n; or (runs, n), drawn as their mean with the span of the runs; or a pair
             (x, values) of these
    path : str or Path of the .png
    title : a sentence that says what is seen
    x : what the horizontal axis is;  log : the names of the panels whose vertical axis is logarithmic
    levels : {panel: {name: value}}, dotted horizontal lines, say the book's number
    note : a line below

    Returns path as a Path.  Raises ValueError for a panel without lines or a line without numbers.
    """
    path = png_path(path)
    if not panels or not all(panels.values()):
        raise ValueError("panels must have at least one panel, and each at least one line")
    fig, (axes,) = new_figure(title, 1.6 + 4.6 * len(panels), 4.4, 1, len(panels), note)
    labels = [_lines(ax, heading, named, x, heading in log, (levels or {}).get(heading, {}))
              for ax, (heading, named) in zip(axes, panels.items())]
    fig.draw_without_rendering()  # now it is known where everything is
    for ax, of_one_panel in zip(axes, labels):
        apart(ax, of_one_panel)
    return write(fig, path)


def _lines(ax, heading, named, x, log, levels):
    """Draw one panel; returns the labels at the lines' right ends."""
    labels, left, right = [], math.inf, -math.inf
    for number, (name, values) in enumerate(named.items()):
        at, runs = _at(name, values)
        look, mean = LOOKS[number % len(LOOKS)], runs.mean(axis=0)
        if len(runs) > 1:
            ax.fill_between(at, runs.min(axis=0), runs.max(axis=0), color=look["color"], alpha=0.18,
                            linewidth=0)
        every = max(1, math.ceil(len(at) / 15))
        ax.plot(at, mean, linewidth=1.8, markersize=5, markeredgewidth=1.3, clip_on=False, **look,
                markevery=list(range(len(at) - 1, -1, -every)), zorder=3)
        finite = np.flatnonzero(np.isfinite(mean))
        if finite.size:
            labels.append(_label(ax, name, at[finite[-1]], mean[finite[-1]], look["color"]))
        left, right = min(left, at[0]), max(right, at[-1])
    for name, value in levels.items():
        ax.axhline(value, color=GREY, linewidth=1, linestyle=(0, (1, 2)), zorder=1)
        labels.append(_label(ax, name, right, value, GREY))
    ax.set_title(wrapped(heading, TEXT_SIZE, 620), loc="left", fontsize=TEXT_SIZE, color=BLACK, pad=10)
    ax.set_xlabel(x, fontsize=TEXT_SIZE, color=BLACK)
    beside = 0.03 * (right - left) or 0.5
    ax.set_xlim(left - beside, right + beside)
    whole = all(float(tick).is_integer() for tick in (left, right))
    ax.xaxis.set_major_locator(MaxNLocator(8, integer=whole, steps=[1, 2, 2.5, 5, 10]))
    if log:
        _logarithmic(ax)
    else:
        ax.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
        ax.ticklabel_format(axis="y", useOffset=False)
    return labels


def _logarithmic(ax):
    """Make the vertical axis logarithmic, with some numbers on it however little it spans."""
    ax.set_yscale("log")
    ax.yaxis.set_minor_formatter(NullFormatter())
    low, high = ax.get_ylim()
    if high / low < 100:  # powers of ten alone would be one or none
        ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)) if high / low > 4 else
                                   MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
        ax.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))


def _at(name, values):
    """Where a line's values are drawn, (n,), and its runs, (runs, n)."""
    at, values = values if isinstance(values, tuple) else (None, values)
    runs = np.atleast_2d(np.asarray(values, dtype=float))
    if runs.ndim != 2 or not runs.size:
        raise ValueError(f"line {name!r} must be values (n,) or runs (runs, n), not {np.shape(values)}")
    at = np.arange(1, runs.shape[1] + 1) if at is None else np.asarray(at, dtype=float)
    if at.shape != runs.shape[1:]:
        raise ValueError(f"line {name!r} has x {at.shape} for values {runs.shape[1:]}")
    return at, runs


def _label(ax, name, x, y, color):
    return ax.annotate(wrapped(name, TEXT_SIZE, 200), (x, y), (9, 0), textcoords="offset points",
                       ha="left", va="center", fontsize=TEXT_SIZE, color=color, fontweight="bold",
                       linespacing=1.1, parse_math=False, annotation_clip=False)


def apart(ax, labels, air=4):
    """Move labels up and down until none overlaps another or hangs below the axis."""
    if not labels:
        return
    boxes = sorted(((label.get_window_extent(), label) for label in labels),
                   key=lambda pair: (pair[0].y0 + pair[0].y1) / 2)
    area, centres = ax.get_window_extent(), []
    floor = area.y0
    for box, _ in boxes:  # from below: each at its place, or on top of the one before
        half = box.height / 2
        centres.append(max((box.y0 + box.y1) / 2, floor + half))
        floor = centres[-1] + half + air
    ceiling = max(area.y1, area.y0 + sum(box.height + air for box, _ in boxes))
    for n in reversed(range(len(boxes))):  # what was pushed above the axis comes back down
        half = boxes[n][0].height / 2
        centres[n] = min(centres[n], ceiling - half)
        ceiling = centres[n] - half - air
    for centre, (box, label) in zip(centres, boxes):
        up = (centre - (box.y0 + box.y1) / 2) * 72 / DPI
        label.set_position((label.get_position()[0], label.get_position()[1] + up))


def dots(rows, path, title, x, book=None, note=None):
    """Each row's runs as dots on one scale, their mean as a stroke, the book's number as a diamond.

    rows : {name: values of the runs, at least one};  x : what the scale is, with its unit
    book : {name: the book's number}
    path, title, note : as for lines.  Returns path as a Path.
    """
    path = png_path(path)
    if not rows or not all(np.size(values) for values in rows.values()):
        raise ValueError("rows must have at least one row, and each at least one value")
    fig, ((ax,),) = new_figure(title, 9.2, 1.9 + 0.42 * len(rows), note=note)
    for y, (name, values) in enumerate(rows.items()):
        values = np.atleast_1d(np.asarray(values, dtype=float))
        ax.plot(values, [y] * len(values), "o", color=EVALUATION, markersize=5, alpha=0.75, zorder=3,
                label="each run" if y == 0 else None)
        if len(values) > 1:
            ax.plot([values.mean()] * 2, [y - 0.28, y + 0.28], color=EVALUATION, linewidth=2.2,
                    label="their mean" if y == 0 else None)
        if book and book.get(name) is not None:
            ax.plot(book[name], y, "D", color=TRAINING, markersize=8, markerfacecolor="none",
                    markeredgewidth=1.6, zorder=2.5)
    if book:
        ax.plot([], [], "D", color=TRAINING, markersize=8, markerfacecolor="none", label="the book")
    ax.set_yticks(range(len(rows)), [wrapped(name, TEXT_SIZE, 420) for name in rows])
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.set_xlabel(x, fontsize=TEXT_SIZE, color=BLACK)
    ax.ticklabel_format(axis="x", useOffset=False)
    ax.tick_params(axis="y", labelcolor=BLACK)
    fig.legend(loc="outside lower right", ncols=3, fontsize=SMALL_SIZE, frameon=False)
    return write(fig, path)


def distributions(panels, path, title, x, note=None, bins=60, span=None):
    """Histograms, a panel for each comparison, areas 1.

    panels : {heading: {name: samples}};  x : what is distributed, with its unit
    span : (low, high) of the horizontal axis; None: what the samples need
    path, title, note : as for lines.  Returns path as a Path.
    """
    path = png_path(path)
    if not panels or not all(panels.values()):
        raise ValueError("panels must have at least one panel, and each at least one set of samples")
    fig, (axes,) = new_figure(title, 1.6 + 4.6 * len(panels), 4.2, 1, len(panels), note)
    for ax, (heading, named) in zip(axes, panels.items()):
        samples = {name: np.ravel(values) for name, values in named.items()}
        low, high = span or (min(s.min() for s in samples.values()),
                             max(s.max() for s in samples.values()))
        for look, (name, values) in zip(LOOKS, samples.items()):
            ax.hist(values, bins=np.linspace(low, high, bins + 1), density=True, histtype="stepfilled",
                    alpha=0.25, color=look["color"])
            ax.hist(values, bins=np.linspace(low, high, bins + 1), density=True, histtype="step",
                    color=look["color"], linestyle=look["linestyle"], linewidth=1.8, label=name)
        ax.set_title(heading, loc="left", fontsize=TEXT_SIZE, color=BLACK, pad=10)
        ax.set_xlabel(x, fontsize=TEXT_SIZE, color=BLACK)
        ax.set_ylabel("density", fontsize=TEXT_SIZE, color=BLACK)
        ax.legend(fontsize=TEXT_SIZE, frameon=False)
    return write(fig, path)


def bars(panels, path, title, y, note=None, percent=False, x=None):
    """Upright bars, side by side where a panel has several, each with its number at its end.

    The numbers have as many decimals as give a panel's largest three digits, if there is room.

    panels : {heading: {name: value}};  y : what is measured, with its unit
    x : what the names below the bars are; None: they say it themselves
    path, title, note : as for lines.  Returns path as a Path.
    """
    path = png_path(path)
    if not panels or not all(panels.values()):
        raise ValueError("panels must have at least one panel, and each at least one bar")
    fig, (axes,) = new_figure(title, 1.6 + 3.6 * len(panels), 4.2, 1, len(panels), note, sharey=True,
                              width_ratios=[max(3, len(named)) for named in panels.values()])
    decimals = []
    for ax, (heading, named) in zip(axes, panels.items()):
        heights = list(named.values())
        ax.bar(range(len(named)), heights, width=0.7, color=EVALUATION, zorder=2)
        tallest = max(map(abs, heights))
        decimals.append(max(0, 2 - math.floor(math.log10(tallest))) if tallest else 0)
        for place, height in enumerate(heights):
            away, va = (4, "baseline") if height >= 0 else (-4, "top")
            ax.annotate(f"{height:.{decimals[-1]}f}", (place, height), (0, away), va=va,
                        textcoords="offset points", ha="center", fontsize=SMALL_SIZE, color=BLACK)
        ax.set_xticks(range(len(named)), list(named), fontsize=SMALL_SIZE)
        ax.set_title(heading, loc="left", fontsize=TEXT_SIZE, color=BLACK, pad=10)
        ax.axhline(0, color=HAIRLINE, linewidth=0.8)
        if percent:
            ax.yaxis.set_major_formatter(StrMethodFormatter("{x:g} %"))
        ax.margins(y=0.1)  # room for the numbers
        plain_axes(ax)
        if x is not None:
            ax.set_xlabel(x, fontsize=TEXT_SIZE, color=BLACK)
    axes[0].set_ylabel(y, fontsize=TEXT_SIZE, color=BLACK)
    fig.draw_without_rendering()  # now it is known how much room the numbers have
    for ax, named, places in zip(axes, panels.values(), decimals):
        while places > 1 and _run_together(ax.texts):
            places -= 1
            for text, height in zip(ax.texts, named.values()):
                text.set_text(f"{height:.{places}f}")
    return write(fig, path)


def _run_together(texts):
    """Whether two neighbours, from left to right, overlap."""
    boxes = [text.get_window_extent() for text in texts]
    return any(a.x1 > b.x0 and a.y0 < b.y1 and b.y0 < a.y1 for a, b in zip(boxes, boxes[1:]))
