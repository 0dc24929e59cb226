"""What a recurrent network has at each step, as a table of shades."""

import numpy as np
from matplotlib.colors import Normalize

from .drawing import BLACK, GREY, HAIRLINE, SMALL_SIZE, TEXT_SIZE, new_figure, png_path, write

CELL = 0.235  # inches, of a row


def over_steps(panels, path, title, x, note=None, width=9.2):
    """Tables of shades, one above the other: a row for each quantity, a column for each step.

    panels : {heading: (columns, {name of the row: values (t,)})}.  columns are t names, below each
             step.  A panel whose values are all ints has its numbers written into the cells.
             One that has negative values is drawn from -1, white, to 1, black; others from 0 to 1
    x : what the columns are
    path, title, note : as for lines;  width : inches
    Returns path as a Path.  Raises ValueError for values outside -1 to 1, or another number of them.
    """
    path = png_path(path)
    if not panels or not all(rows for _, rows in panels.values()):
        raise ValueError("panels must have at least one panel, and each at least one row")
    tables = {heading: _table(heading, *panel) for heading, panel in panels.items()}
    heights = [len(table) for table in tables.values()]
    fig, axes = new_figure(title, width, 1.1 + CELL * sum(heights) + 0.75 * len(panels), len(panels), 1,
                           note, gridspec_kw={"height_ratios": heights})
    for ax, (heading, table) in zip(axes[:, 0], tables.items()):
        columns, rows = panels[heading]
        scale = Normalize(-1 if table.min() < 0 else 0, 1)
        ax.grid(False)
        ax.pcolormesh(scale(table), cmap="gray_r", vmin=0, vmax=1, edgecolors=HAIRLINE, linewidth=0.6)
        ax.invert_yaxis()
        ax.set_xticks(np.arange(len(columns)) + 0.5, [str(name) for name in columns])
        ax.set_yticks(np.arange(len(rows)) + 0.5, list(rows))
        ax.tick_params(length=0, labelsize=SMALL_SIZE, labelcolor=BLACK)
        ax.set_title(heading, loc="left", fontsize=TEXT_SIZE, color=BLACK, pad=8)
        if table.dtype.kind in "iu":
            for (row, column), value in np.ndenumerate(table):
                ax.text(column + 0.5, row + 0.5, str(value), fontsize=SMALL_SIZE, ha="center",
                        va="center", color="white" if scale(value) > 0.5 else GREY)
    axes[-1, 0].set_xlabel(x, fontsize=TEXT_SIZE, color=BLACK)
    return write(fig, path)


def _table(heading, columns, rows):
    """The values as one array, if there is one for each column and all are within -1 to 1."""
    for name, values in rows.items():
        if np.shape(values) != (len(columns),):
            raise ValueError(f"row {name!r} of {heading!r} must be {len(columns)} values, one for each "
                             f"column, not {np.shape(values)}")
    table = np.array(list(rows.values()))
    if not (np.isfinite(table).all() and abs(table).max() <= 1):
        raise ValueError(f"the values of {heading!r} must be from -1 to 1")
    return table
