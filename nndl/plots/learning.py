"""Learning curves: what SGD measured, epoch by epoch."""

import math

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ..comparing import counted
from .drawing import (
    BLACK,
    DPI,
    EVALUATION,
    GREY,
    HAIRLINE,
    MARGIN,
    TEXT_SIZE,
    TITLE_SIZE,
    TRAINING,
    Sheet,
    png_path,
    wrapped,
    write,
)


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
    path = png_path(path)
    return write(_learning_curves(history, title, evaluation_name), path)


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
        return Sheet(1200, 0, title, ["Network.SGD measures only what it is asked to, say with "
                                       "monitor_training_accuracy=True"]).figure
    width = 930 if len(panels) == 1 else 1380
    fig = Figure(figsize=(width / DPI, 4.0), dpi=DPI, facecolor="white", layout="constrained")
    FigureCanvasAgg(fig)
    fig.get_layout_engine().set(w_pad=0.16, h_pad=0.12, wspace=0.03)
    fig.suptitle(wrapped(title, TITLE_SIZE, width - 2 * MARGIN), x=MARGIN / width, ha="left",
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
            label = f"{wrapped(label, TEXT_SIZE, 180)}\n{say(values[last])}"
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
                    f"{counted(accuracy.size, 'epoch')}")
    for which, name in kinds:
        cost = measured[f"{which}_cost"]
        if cost.size:
            before, now, epochs = f"{cost[0]:.3g}", f"{cost[-1]:.3g}", counted(cost.size, "epoch")
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
