"""Every figure of the project, saved as .png.

Each figure has two functions: one that checks its path, saves the figure there and returns the path,
and one that builds the Figure.  Two of the latter, filters_figure and misclassified_figure, are for
others too: book/conv.py hands their figures out, as the book's program does.
"""

from .images import (
    filters,
    filters_figure,
    first_weights,
    misclassified,
    misclassified_figure,
)
from .learning import learning_curves
from .reproduced import book_and_here, curves

__all__ = ["book_and_here", "curves", "filters", "filters_figure", "first_weights", "learning_curves",
           "misclassified", "misclassified_figure"]
