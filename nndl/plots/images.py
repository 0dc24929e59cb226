"""Weights and digits as images.

Weights are drawn as in the book: mid-grey is 0, darker is more positive, lighter more negative.
"""

import math

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.ticker import MaxNLocator

from ..ops.shapes import is_int
from .drawing import (
    BLACK,
    GREY,
    HAIRLINE,
    MOST,
    SMALL_SIZE,
    TEXT_SIZE,
    WRONG,
    Grid,
    Sheet,
    each,
    png_path,
    width_of,
    wrapped,
    write,
)

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
    path = png_path(path)
    return write(filters_figure(w, title), path)


def filters_figure(w, title=None):
    """The Figure that `filters` saves."""
    w = _weights(w, 4, "(f, c, kh, kw), the weights of a first Conv or ConvPool")
    if title is None:
        title = f"What {each(len(w), 'feature map')} of the first layer looks for"
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
    path = png_path(path)
    return write(_first_weights(w, image_shape, title), path)


def _first_weights(w, image_shape, title=None):
    w = _weights(w, 2, "(n_out, n_in), the weights of a first Dense layer")
    shape = tuple(np.atleast_1d(image_shape).tolist())
    if len(shape) not in (2, 3) or min(shape) < 1 or math.prod(shape) != w.shape[1]:
        raise ValueError(f"image_shape must be (h, w) or (c, h, w) of {w.shape[1]} numbers in all, "
                         f"to fit w {w.shape}, not {image_shape!r}; an MNIST image is (28, 28)")
    if title is None:
        title = f"What {each(len(w), 'neuron')} of the first layer looks for"
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
    grid = Grid(len(images), size, right=14, below=30, least=24, largest=320,
                 most=(1120, 1160))
    bar_left = grid.width + 22
    notes = ["dark: positive weight, where ink excites; light: negative, where it inhibits"]
    notes += [f"the mean over the {channels} input channels"] if channels > 1 else []
    sheet = Sheet(max(bar_left + 120, 880), grid.height, title, notes)
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
    path = png_path(path)
    return write(misclassified_figure(images, labels, predictions, most, names, total, what), path)


def misclassified_figure(images, labels, predictions, most=MOST, names=None, total=None,
                         what="test images", title=None):
    """The Figure that `misclassified` saves; a prediction whose name is "" is not spoken of.

    title : None says how many are misclassified
    """
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
        return Sheet(880, 0, f"None of the {total:,} {what} is misclassified").figure
    title = title or (f"{wrong.size:,} of {total:,} {what} "
                      f"{'is' if wrong.size == 1 else 'are'} misclassified")
    if wrong.size > most:
        title += f" (the first {most} are shown)" if most > 1 else " (the first is shown)"
    shown = wrong[:most]

    said = [(_name(labels[i], names), _name(predictions[i], names)) for i in shown]
    # Beside the image is room for the longest name, so that no digit is covered.
    margin = 6 + math.ceil(max(width_of(name, SMALL_SIZE, "bold") for pair in said
                               for name in pair)) + 14
    grid = Grid(len(shown), images.shape[1:], right=margin, below=10, least=44,
                 largest=168, most=(1420, 1300))
    thing = "digit" if names is None and labels.max() <= 9 else "class"
    sheet = Sheet(max(grid.width - 14, 880), grid.height, title)
    key = [("upper right:", GREY, 10), (f"the right {thing}", BLACK, 45)]
    if any(prediction for _, prediction in said):
        key += [("lower right:", GREY, 10), ("what the network said", WRONG, 0)]
    sheet.key(key)
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


# --- rows of images -------------------------------------------------------------------------------

def rows_of_images(rows, path, title, notes=(), size=84, most=12):
    """Rows of images, each with its name before it: what becomes of one digit, layer by layer, say.

    rows : [(name, images (n, h, w)), ...]; a row is drawn on one scale.  Where it has negative numbers
           mid-grey is 0, darker more positive; otherwise white is 0
    path : str or Path of the .png;  title, notes : a sentence, and lines below it
    size : px of an image's longer side;  most : images of a row that are shown, the first ones
    Returns path as a Path.  Raises ValueError if images are of another shape or not finite.
    """
    path = png_path(path)
    shown = []
    for name, images in rows:
        images = np.asarray(images, dtype=float)
        if images.ndim != 3 or not images.size or not np.isfinite(images).all():
            raise ValueError(f"row {name!r} must be finite images (n, h, w), not {images.shape}")
        shown.append((name + (f", the first {most} of {len(images)}" if len(images) > most else ""),
                      images[:most]))
    if not shown:
        raise ValueError("rows is empty: there is nothing to draw")
    gap, words = 12, 250
    wide = words + max(len(images) for _, images in shown) * (size + gap)
    sheet = Sheet(max(wide, 880), len(shown) * (size + gap + 14), title, list(notes))
    for number, (name, images) in enumerate(shown):
        y = number * (size + gap + 14)
        low, high = float(images.min()), float(images.max())
        low, high = (-max(-low, high), max(-low, high)) if low < 0 else (0.0, high or 1.0)
        sheet.text(0, y + size / 2, wrapped(name, TEXT_SIZE, words - 24), TEXT_SIZE, BLACK, va="center",
                   linespacing=1.2)
        for column, image in enumerate(images):
            scale = size / max(image.shape)
            sheet.image(image, words + column * (size + gap), y,
                        (image.shape[0] * scale, image.shape[1] * scale), low, high, HAIRLINE)
    return write(sheet.figure, path)
