"""Every figure of the project, saved as .png.

Each figure has two functions: one that checks its path, saves the figure there and returns the path,
and one that builds the Figure.  Two of the latter, filters_figure and misclassified_figure, are for
others too: book/conv.py hands their figures out, as the book's program does.
"""

from .charts import bars, distributions, dots, lines
from .images import (
    filters,
    filters_figure,
    first_weights,
    misclassified,
    misclassified_figure,
    rows_of_images,
)
from .learning import learning_curves
from .reproduced import book_and_here, curves
from .steps import over_steps

__all__ = ["bars", "book_and_here", "curves", "distributions", "dots", "filters", "filters_figure",
           "first_weights", "learning_curves", "lines", "misclassified", "misclassified_figure",
           "over_steps", "rows_of_images"]
