"""Figures: they say what the numbers say, nothing covers anything, and a file is whole or absent."""

import subprocess
import sys
import warnings

import numpy as np
import pytest
from matplotlib.image import imread
from matplotlib.text import Annotation, Text

from nndl import History, plots
from nndl.plots import charts, drawing, learning, reproduced
from nndl.plots import images as images_of_plots

FULL = {"training_cost": [0.2, 0.1, 0.05], "evaluation_cost": [0.25, 0.15, 0.12],
        "training_accuracy": [0.95, 0.97, 0.99], "evaluation_accuracy": [0.94, 0.96, 0.985]}


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def texts(figure):
    """Every string that is drawn in the figure."""
    return [text.get_text() for text in figure.findobj(Text)
            if text.get_visible() and text.get_text()]


def title(figure):
    """The figure's largest text, on one line."""
    largest = max((text for text in figure.findobj(Text) if text.get_text()),
                  key=lambda text: text.get_fontsize())
    return largest.get_text().replace("\n", " ")


def axes_called(figure, heading):
    return next(ax for ax in figure.axes if ax.get_title("left").startswith(heading))


def numbers(figure):
    """The ints among the texts, in the order drawn."""
    return [int(text) for text in texts(figure) if text.isdecimal()]


def assert_all_inside(figure):
    """Nothing of what is drawn is cut off at the figure's edge."""
    figure.draw_without_rendering()
    drawn = figure.get_tightbbox()  # inches; of ticks only those that are seen
    width, height = figure.get_size_inches() + 1e-6
    assert -1e-6 <= drawn.x0 < drawn.x1 <= width, drawn.extents
    assert -1e-6 <= drawn.y0 < drawn.y1 <= height, drawn.extents


def assert_png(path, least=(600, 120), most=(1500, 1500)):
    assert path.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    height, width = imread(path).shape[:2]
    assert least[0] <= width <= most[0] and least[1] <= height <= most[1]


# --- files ----------------------------------------------------------------------------------------

def figures(rng):
    """Each public function, ready to be given a path."""
    images, labels = rng.integers(0, 256, (4, 28, 28), dtype=np.uint8), rng.integers(0, 10, 4)
    return {
        "learning_curves": lambda path: plots.learning_curves(History(**FULL), path),
        "filters": lambda path: plots.filters(rng.normal(size=(4, 1, 5, 5)), path),
        "first_weights": lambda path: plots.first_weights(rng.normal(size=(4, 784)), path,
                                                          (28, 28)),
        "misclassified": lambda path: plots.misclassified(images, labels, 9 - labels, path),
    }


@pytest.fixture(params=["learning_curves", "filters", "first_weights", "misclassified"])
def draw(request, rng):
    return figures(rng)[request.param]


def test_a_png_is_written_and_its_path_returned(draw, tmp_path):
    path = draw(str(tmp_path / "new" / "folder" / "figure.png"))
    assert path == tmp_path / "new" / "folder" / "figure.png"
    assert_png(path)
    assert list(path.parent.iterdir()) == [path]


def test_the_ending_is_added_where_there_is_none(draw, tmp_path):
    assert draw(tmp_path / "figure") == tmp_path / "figure.png"
    assert_png(tmp_path / "figure.png")


def test_an_old_file_is_replaced(draw, tmp_path):
    (tmp_path / "figure.png").write_text("old")
    assert_png(draw(tmp_path / "figure.png"))


def test_a_folder_is_no_path(draw, tmp_path):
    (tmp_path / "figure.png").mkdir()
    with pytest.raises(ValueError, match=r"path .*figure\.png is a folder"):
        draw(tmp_path / "figure.png")
    assert list(tmp_path.rglob("*")) == [tmp_path / "figure.png"]


def test_another_ending_is_refused(draw, tmp_path):
    with pytest.raises(ValueError, match=r"path must end in \.png, not .*figure\.pdf"):
        draw(tmp_path / "figure.pdf")
    assert not list(tmp_path.iterdir())


def test_a_path_through_a_file_is_an_oserror_with_the_path(draw, tmp_path):
    (tmp_path / "file").write_text("here")
    with pytest.raises(OSError, match=r"file/figure\.png") as caught:
        draw(tmp_path / "file" / "figure.png")
    assert caught.value.filename == str(tmp_path / "file" / "figure.png")
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]
    assert (tmp_path / "file").read_text() == "here"


def test_a_failure_while_writing_keeps_the_old_file(draw, tmp_path, monkeypatch):
    (tmp_path / "figure.png").write_text("old")

    def full_disk(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full_disk)
    with pytest.raises(OSError, match=r"No space left on device.*figure\.png"):
        draw(tmp_path / "figure.png")
    assert [p.name for p in tmp_path.iterdir()] == ["figure.png"]
    assert (tmp_path / "figure.png").read_text() == "old"


def test_pyplot_is_not_imported_and_no_setting_changes(tmp_path):
    program = (
        "import sys, matplotlib, numpy as np; before = matplotlib.rcParams.copy()\n"
        "from nndl import History, plots\n"
        f"folder = {str(tmp_path)!r}\n"
        f"plots.learning_curves(History(**{FULL!r}), folder + '/a.png')\n"
        "plots.filters(np.ones((4, 1, 5, 5)), folder + '/b.png')\n"
        "plots.misclassified(np.ones((2, 9, 9)), np.array([1, 2]), np.array([2, 2]), "
        "folder + '/c.png')\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
        "assert dict.__eq__(matplotlib.rcParams, before)\n")
    subprocess.run([sys.executable, "-c", program], check=True)
    assert len(list(tmp_path.iterdir())) == 3


# --- learning curves ------------------------------------------------------------------------------

def test_learning_curves_show_four_curves_from_epoch_1():
    figure = learning._learning_curves(History(**FULL))
    cost, accuracy = axes_called(figure, "cost, nats"), axes_called(figure, "accuracy, percent")
    drawn = {tuple(line.get_ydata()) for line in cost.lines}
    assert drawn == {tuple(FULL["training_cost"]), tuple(FULL["evaluation_cost"])}
    np.testing.assert_allclose([line.get_ydata() for line in accuracy.lines],
                               [[95, 97, 99], [94, 96, 98.5]])
    for ax in (cost, accuracy):
        assert list(ax.get_xticks()) == [1, 2, 3]
        for line in ax.lines:
            assert list(line.get_xdata()) == [1, 2, 3]
        one, other = ax.lines  # told apart without colour
        assert one.get_linestyle() != other.get_linestyle()
        assert one.get_marker() != other.get_marker()
    low, high = accuracy.get_ylim()
    assert 92 < low < 94 and 99 < high <= 100  # not 0 to 100
    assert cost.get_ylim()[0] == 0
    assert_all_inside(figure)


def test_learning_curves_label_each_line_with_its_last_value():
    figure = learning._learning_curves(History(**FULL), evaluation_name="test")
    for label in ("training\n0.05", "test\n0.12", "training\n99.00 %", "test\n98.50 %"):
        assert label in texts(figure)


@pytest.mark.parametrize("measured, sentence", [
    (FULL, "98.50 % of the validation images are right after 3 epochs"),
    ({"evaluation_accuracy": [0.97, 0.98906]},
     "98.91 % of the validation images are right after 2 epochs"),
    ({"training_accuracy": [0.9]}, "90.00 % of the training images are right after 1 epoch"),
    ({"training_accuracy": [0.99991]}, "99.99 % of the training images are right after 1 epoch"),
    ({"training_accuracy": [1.0]}, "100.00 % of the training images are right after 1 epoch"),
    ({"evaluation_cost": [0.35, 0.081]},
     "The validation cost fell from 0.35 to 0.081 nats over 2 epochs"),
    ({"training_cost": [0.1, 0.25]}, "The training cost rose from 0.1 to 0.25 nats over 2 epochs"),
    ({"training_cost": [0.1]}, "The training cost is 0.1 nats after 1 epoch"),
    ({}, "No epoch was measured"),
])
def test_learning_curves_title_is_the_finding(measured, sentence):
    assert title(learning._learning_curves(History(**measured))) == sentence


def test_a_title_may_be_long(tmp_path):
    words = "one sentence that is far too long to stand in a single line " * 3
    for figure in (learning._learning_curves(History(**FULL), words),
                   plots.filters_figure(np.ones((2, 1, 5, 5)), words)):
        assert title(figure) == words.strip()
        assert_all_inside(figure)


def test_dollars_are_no_formula(rng, tmp_path):
    words = r"$\no$"  # no formula that Matplotlib could read
    plots.learning_curves(History(**FULL), tmp_path / "a.png", words, evaluation_name=words)
    plots.filters(np.ones((2, 1, 5, 5)), tmp_path / "b.png", words)
    plots.misclassified(*some(rng, 9, [1]), tmp_path / "c.png", names=[words] * 10, what=words)


def test_accuracy_goes_from_0_to_100_percent_at_most():
    for accuracy, bounds in ((1.0, (98, 100)), (0.0, (0, 2))):
        history = History(training_accuracy=[accuracy, accuracy])
        low, high = learning._learning_curves(history).axes[0].get_ylim()
        assert bounds[0] <= low < high <= bounds[1]


@pytest.mark.parametrize("measured", [
    {},
    {name: values[:1] for name, values in FULL.items()},
    {"evaluation_accuracy": [0.97, 0.98]},
    {"training_cost": [0.5]},
    {"training_accuracy": [0.0, 0.0], "evaluation_accuracy": [1.0, 1.0]},
    {"training_cost": [0.0, 0.0], "evaluation_cost": [0.0, 0.0]},
    {"training_cost": [2.3, float("nan"), float("inf")], "evaluation_cost": [float("nan")]},
    {"training_cost": [1e-9, 1e-9], "evaluation_cost": [3e8, 3e8]},
    {"training_cost": [0.4, 0.3, 0.2], "training_accuracy": [0.9, 0.95]},  # interrupted
    {"evaluation_accuracy": list(np.linspace(0.9, 0.999, 400))},
])
def test_learning_curves_of_any_history(measured, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = learning._learning_curves(History(**measured))
        assert_all_inside(figure)
        assert_png(plots.learning_curves(History(**measured), tmp_path / "figure.png"))
    assert len(figure.axes) == max(1, ("training_cost" in measured or "evaluation_cost" in measured)
                                   + any("accuracy" in name for name in measured))


@pytest.mark.parametrize("last", [(0.98, 0.98), (0.98, 0.9799), (0.5, 0.9), (1.0, 1.0), (0, 0)])
def test_labels_of_two_lines_do_not_overlap(last):
    figure = learning._learning_curves(History(training_accuracy=[0.9, last[0]],
                                            evaluation_accuracy=[0.89, last[1]]))
    figure.draw_without_rendering()
    # an Annotation's extent includes its point, so ask for that of its text alone
    one, other = (Text.get_window_extent(label) for label in figure.findobj(Annotation))
    assert one.y0 >= other.y1 or other.y0 >= one.y1
    assert min(one.y0, other.y0) >= figure.axes[0].get_window_extent().y0 - 1


@pytest.mark.parametrize("epochs, ticks", [
    (1, [1]), (10, list(range(1, 11))), (12, [2, 4, 6, 8, 10, 12]), (30, [1, 5, 10, 15, 20, 25, 30]),
    (60, [1, 10, 20, 30, 40, 50, 60]), (400, [1, 50, 100, 150, 200, 250, 300, 350, 400]),
])
def test_epoch_ticks(epochs, ticks):
    assert learning._epoch_ticks(epochs) == ticks


def test_learning_curves_need_a_history(tmp_path):
    with pytest.raises(TypeError, match="history must be a History"):
        plots.learning_curves([0.9, 0.95], tmp_path / "figure.png")
    with pytest.raises(ValueError, match="history.training_cost must be one number"):
        plots.learning_curves(History(training_cost=[[1, 2], [3, 4]]), tmp_path / "figure.png")
    assert not list(tmp_path.iterdir())


# --- weights --------------------------------------------------------------------------------------

def assert_grid(figure, shown):
    """shown (n, h, w) is what the figure's images are, none over another, all on one scale."""
    images = figure.axes[0].images
    assert len(images) == len(shown)
    limit = np.abs(shown).max()
    corners = set()
    for image, expected in zip(images, shown):
        np.testing.assert_allclose(image.get_array(), expected)
        np.testing.assert_allclose(image.get_clim(), (-limit, limit))
        left, right, bottom, top = image.get_extent()
        assert 0 <= left < right <= figure.bbox.width
        assert 0 <= top < bottom <= figure.bbox.height
        np.testing.assert_allclose((right - left) / (bottom - top),  # pixels are square
                                   expected.shape[1] / expected.shape[0])
        corners.add((left, top))
        width, height = right - left, bottom - top
    assert len(corners) == len(shown)
    for x, y in corners:
        assert all(abs(x - u) >= width or abs(y - v) >= height
                   for u, v in corners if (u, v) != (x, y))


@pytest.mark.parametrize("shape", [
    (1, 1, 5, 5), (2, 1, 3, 3), (20, 1, 5, 5), (64, 1, 3, 3), (64, 3, 11, 11), (20, 3, 3, 11),
    (20, 1, 11, 3), (7, 2, 1, 1), (100, 1, 7, 7)])
def test_filters_of_any_number_and_size(shape, rng, tmp_path):
    w = rng.normal(size=shape).astype(np.float32)
    figure = plots.filters_figure(w)
    assert_grid(figure, w.mean(axis=1, dtype=float))
    assert numbers(figure)[:shape[0]] == list(range(shape[0]))
    assert "weight" in texts(figure)
    assert any("mean over the" in text for text in texts(figure)) == (shape[1] > 1)
    assert_all_inside(figure)
    assert_png(plots.filters(w, tmp_path / "figure.png"))


def test_filters_title():
    assert (title(plots.filters_figure(np.ones((20, 1, 5, 5))))
            == "What each of the 20 feature maps of the first layer looks for")
    assert (title(plots.filters_figure(np.ones((1, 1, 5, 5))))
            == "What the feature map of the first layer looks for")
    assert title(plots.filters_figure(np.ones((1, 1, 5, 5)), "Look")) == "Look"


def test_zero_is_mid_grey_positive_darker_negative_lighter(tmp_path):
    w = np.array([0.0, 1.0, -0.5]).reshape(3, 1, 1, 1)
    zero, positive, negative = (image.to_rgba(image.get_array())[0, 0, 0]
                                for image in plots.filters_figure(w).axes[0].images)
    assert abs(zero - 0.5) < 0.01
    assert positive == 0
    assert abs(negative - 0.75) < 0.01


def test_filters_that_are_all_zero(tmp_path):
    assert_png(plots.filters(np.zeros((20, 1, 5, 5)), tmp_path / "figure.png"))


def test_more_than_100_filters_are_cut(rng):
    w = rng.normal(size=(128, 1, 3, 3))
    figure = plots.filters_figure(w)
    assert title(figure).endswith("each of the 128 feature maps of the first layer looks for "
                                  "(the first 100 are shown)")
    assert_grid(figure, w[:100, 0])


@pytest.mark.parametrize("n_out, image_shape", [
    (30, (28, 28)), (30, (1, 28, 28)), (250, (28, 28)), (1, (4, 9)), (5, (3, 8, 8)),
    (100, (150, 150))])
def test_first_weights_are_rows_as_images(n_out, image_shape, rng, tmp_path):
    w = rng.normal(size=(n_out, np.prod(image_shape)))
    figure = images_of_plots._first_weights(w, image_shape)
    assert_grid(figure, w[:100].reshape(-1, *((1, *image_shape)[-3:])).mean(axis=1))
    of = "the neuron" if n_out == 1 else f"each of the {n_out} neurons"
    assert title(figure).startswith(f"What {of} of the first layer looks for")
    assert_all_inside(figure)
    assert_png(plots.first_weights(w, tmp_path / "figure.png", image_shape))


@pytest.mark.parametrize("w", [np.ones((5, 5)), np.ones((0, 1, 5, 5)), np.ones((2, 0, 5, 5)),
                               np.full((2, 1, 3, 3), np.nan), [["a"]]])
def test_filters_refuse_what_is_none(w, tmp_path):
    with pytest.raises(ValueError, match="^w must be"  if np.ndim(w) == 4 and np.size(w) else
                       r"^w must have shape \(f, c, kh, kw\)"):
        plots.filters(w, tmp_path / "figure.png")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("shape", [(28, 27), (784,), (1, 1, 28, 28), (-28, -28), 784])
def test_first_weights_refuse_an_image_shape_that_does_not_fit(shape, tmp_path):
    with pytest.raises(ValueError, match=r"^image_shape must be .* of 784 .*\(30, 784\)"):
        plots.first_weights(np.ones((30, 784)), tmp_path / "figure.png", shape)
    with pytest.raises(ValueError, match=r"^w must have shape \(n_out, n_in\)"):
        plots.first_weights(np.ones((30, 28, 28)), tmp_path / "figure.png", (28, 28))


# --- misclassified images -------------------------------------------------------------------------

def some(rng, n, wrong, dtype=np.uint8):
    """n images, their labels, and predictions of which `wrong` (indices) are wrong."""
    images = rng.integers(0, 256, (n, 28, 28)).astype(dtype)
    if dtype != np.uint8:
        images /= 256
    labels = rng.integers(0, 10, n).astype(np.uint8)
    predictions = labels.astype(np.int64)
    predictions[wrong] = (predictions[wrong] + rng.integers(1, 10, len(wrong))) % 10
    return images, labels, predictions


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("wrong", [[3], [1, 5, 8, 9], list(range(0, 200, 2))])
def test_misclassified_shows_the_wrong_ones_with_both_labels(wrong, dtype, rng):
    images, labels, predictions = some(rng, 200, wrong, dtype)
    figure = plots.misclassified_figure(images, labels, predictions)
    shown = figure.axes[0].images
    assert len(shown) == len(wrong)
    for image, i in zip(shown, wrong):
        np.testing.assert_array_equal(image.get_array(), images[i])
        assert image.get_cmap().name == "gray_r"  # the ink is dark
        np.testing.assert_allclose(image.get_clim()[0], 0)
    pairs = np.reshape(numbers(figure), (-1, 2))
    np.testing.assert_array_equal(pairs, np.stack([labels[wrong], predictions[wrong]], axis=1))
    assert {"the right digit", "what the network said"} <= set(texts(figure))
    assert_all_inside(figure)


def test_both_labels_stand_beside_the_image_and_cover_nothing(rng):
    images, labels, predictions = some(rng, 150, list(range(150)))
    names = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker",
             "Bag", "Ankle boot"]
    for many, called in ((100, None), (100, names), (150, None)):
        figure = plots.misclassified_figure(images, labels, predictions, many, called)
        figure.draw_without_rendering()
        ax = figure.axes[0]
        known = names if called else list("0123456789")
        said = [text for text in ax.texts if text.get_text() in known]
        assert len(said) == 2 * many == 2 * len(ax.images)
        boxes = [text.get_window_extent() for text in said]
        drawn = [image.get_window_extent() for image in ax.images]
        for number, box in enumerate(drawn):
            right, prediction = boxes[2 * number:2 * number + 2]
            assert right.x0 >= box.x1 and prediction.x0 >= box.x1
            assert abs(right.y1 - box.y1) < 5 and abs(prediction.y0 - box.y0) < 5
            assert right.y0 > prediction.y1
        for number, label in enumerate(boxes):
            assert not any(label.overlaps(other) for other in drawn + boxes[number + 1:])


def test_misclassified_title(rng):
    def said(n, wrong, **how):
        return title(plots.misclassified_figure(*some(rng, n, wrong), **how))

    assert said(200, list(range(113))) == ("113 of 200 test images are misclassified "
                                           "(the first 100 are shown)")
    assert said(200, list(range(113)), most=113) == "113 of 200 test images are misclassified"
    assert said(50, [7]) == "1 of 50 test images is misclassified"
    assert said(50, [7], total=10_000) == "1 of 10,000 test images is misclassified"
    assert said(50, [7, 8], what="validation images") == (
        "2 of 50 validation images are misclassified")


def test_no_errors_gives_a_figure_that_says_so(rng, tmp_path):
    right = some(rng, 50, [])
    assert (title(plots.misclassified_figure(*right, total=10_000))
            == "None of the 10,000 test images is misclassified")
    assert_png(plots.misclassified(*right, tmp_path / "figure.png"))


def test_misclassified_takes_names_and_shortens_long_ones(rng):
    names = [f"class {i}" for i in range(9)] + ["a name that would never fit beside an image"]
    figure = plots.misclassified_figure(*some(rng, 60, list(range(60))), names=names)
    assert "the right class" in texts(figure)
    assert {"class 4", "a name that w…"} <= set(texts(figure))
    assert_all_inside(figure)


def test_misclassified_takes_a_channel_and_constant_images(rng, tmp_path):
    images, labels, predictions = some(rng, 5, [1, 2])
    figure = plots.misclassified_figure(images[:, None], labels, predictions)
    np.testing.assert_array_equal(figure.axes[0].images[1].get_array(), images[2])
    assert_png(plots.misclassified(np.zeros((5, 9, 4)), labels, predictions,
                                   tmp_path / "figure.png"))


@pytest.mark.parametrize("name, value", [
    ("images", np.zeros((5, 784))), ("images", np.zeros((5, 3, 28, 28))),
    ("images", np.zeros((0, 28, 28))), ("images", np.zeros((5, 28, 28), int)),
    ("images", np.full((5, 28, 28), np.nan)),
    ("labels", np.zeros(4, int)), ("labels", np.zeros((5, 10))), ("labels", np.zeros(5)),
    ("predictions", np.zeros((5, 10))), ("predictions", np.zeros(6, int)),
    ("most", 0), ("most", 1.5), ("total", 4), ("names", ["one"]),
])
def test_misclassified_names_the_argument_that_is_wrong(name, value, rng, tmp_path):
    images, labels, predictions = some(rng, 5, [1, 2])
    arguments = {"images": images, "labels": labels, "predictions": predictions, name: value}
    with pytest.raises(ValueError, match=f"^{name} must"):
        plots.misclassified(path=tmp_path / "figure.png", **arguments)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("here", [[83.1, 82.7], [99.6], [9.8, 97.0]])
def test_the_books_numbers_and_ours_have_a_scale(here):
    """However near each other they are, at least two marks have their numbers."""
    ax, = reproduced._book_and_here([("3.few", "overfitting", here[0] - 0.3, here)]).axes
    low, high = ax.get_xlim()
    marks = [float(tick.get_text()) for tick in ax.get_xticklabels()]
    assert len(marks) >= 2 and marks == list(ax.get_xticks())
    assert all(low <= 100 - value <= high for value in here)


# --- charts ---------------------------------------------------------------------------------------

def figure_of(monkeypatch, draw, *arguments, **options):
    """The Figure that one of nndl.plots' charts would save."""
    figures = []
    monkeypatch.setattr(charts, "write", lambda fig, path: figures.append(fig) or path)
    draw(*arguments, **options)
    return figures[0]


def test_lines_show_each_line_its_runs_and_its_name(monkeypatch, tmp_path):
    panels = {"percent": {"ReLU": [[90, 95, 98], [92, 97, 98]], "tanh": [80, 85, 90]},
              "norm": {"layer 1": ([0, 10], [1.0, 0.001])}}
    figure = figure_of(
        monkeypatch, plots.lines, panels, tmp_path / "a.png", "A finding", log=("norm",),
        levels={"percent": {"the book": 97.5}})
    accuracy, norm = figure.axes
    assert accuracy.lines[0].get_xydata().tolist() == [[1, 91], [2, 96], [3, 98]]
    assert accuracy.collections[0].get_paths()  # the span of the two runs
    assert norm.lines[0].get_xydata().tolist() == [[0, 1], [10, 0.001]]
    assert (accuracy.get_yscale(), norm.get_yscale()) == ("linear", "log")
    assert [text.get_text() for text in accuracy.texts] == ["ReLU", "tanh", "the book"]
    boxes = sorted((text.get_window_extent() for text in accuracy.texts), key=lambda box: box.y0)
    assert all(low.y1 <= high.y0 for low, high in zip(boxes, boxes[1:]))
    assert figure.get_suptitle() == "A finding"


@pytest.mark.parametrize("low, high, least", [(86, 91, 3), (1.2, 5.5, 2), (3, 95, 4), (0.1, 1000, 2)])
def test_a_logarithmic_axis_has_numbers_whatever_it_spans(low, high, least, monkeypatch, tmp_path):
    figure = figure_of(monkeypatch, plots.lines, {"wrong": {"a": [high, low]}}, tmp_path / "a.png",
                       "A finding", log=("wrong",))
    figure.draw_without_rendering()
    axis, (bottom, top) = figure.axes[0].yaxis, figure.axes[0].get_ylim()
    shown = [label.get_text() for label, at in zip(axis.get_majorticklabels(), axis.get_majorticklocs())
             if bottom <= at <= top and label.get_text()]
    assert len(shown) >= least


def test_bars_that_stand_close_have_numbers_that_do_not_run_together(monkeypatch, tmp_path):
    figure = figure_of(monkeypatch, plots.bars, {"outputs": {n: 0.0118 - n / 2000 for n in range(10)}},
                       tmp_path / "a.png", "A finding", "activation", x="output neuron")
    ax, = figure.axes
    boxes = [text.get_window_extent() for text in ax.texts]
    assert all(a.x1 <= b.x0 or a.y0 >= b.y1 or b.y0 >= a.y1 for a, b in zip(boxes, boxes[1:]))
    assert ax.get_xlabel() == "output neuron" and ax.texts[0].get_text().startswith("0.01")


def test_a_name_is_not_broken_at_its_equals_sign():
    *_, last = drawing.wrapped("with the cross-entropy, η = 0.5", 12, 200).split("\n")
    assert last.endswith("η = 0.5")
    assert drawing.wrapped("a b = c", 12, 1) == "a\nb = c"


def test_many_labels_at_one_place_are_moved_apart_and_stay_within_the_panel(monkeypatch, tmp_path):
    figure = figure_of(monkeypatch, plots.lines, {"percent": {str(n): [0, 50] for n in range(7)}},
                       tmp_path / "a.png", "Seven lines end in one point")
    ax, = figure.axes
    boxes = sorted((text.get_window_extent() for text in ax.texts), key=lambda box: box.y0)
    assert all(low.y1 <= high.y0 for low, high in zip(boxes, boxes[1:]))
    assert ax.get_window_extent().y0 - 1 <= boxes[0].y0 and boxes[-1].y1 <= figure.bbox.y1


def test_dots_are_the_runs_and_the_books_number_a_diamond(monkeypatch, tmp_path):
    figure = figure_of(monkeypatch, plots.dots, {"30 neurons": [95.0, 95.4], "100": 96.5},
                       tmp_path / "a.png", "A finding", "percent", book={"30 neurons": 95.42})
    runs, mean, book, single = figure.axes[0].lines[:4]
    assert runs.get_xydata().tolist() == [[95.0, 0], [95.4, 0]]
    assert mean.get_xdata().tolist() == pytest.approx([95.2, 95.2])
    assert (book.get_xydata().tolist(), book.get_marker()) == ([[95.42, 0]], "D")
    assert single.get_xydata().tolist() == [[96.5, 1]]


def test_distributions_and_bars_show_what_they_are_given(monkeypatch, tmp_path):
    figure = figure_of(monkeypatch, plots.distributions, {"z": {"large": np.arange(0.005, 1, 0.01)}},
                       tmp_path / "a.png", "A finding", "z", bins=10, span=(0, 1))
    top = max(vertex[1] for patch in figure.axes[0].patches for vertex in patch.get_xy())
    assert top == pytest.approx(1, abs=0.01)  # evenly distributed over a span of 1
    figure = figure_of(monkeypatch, plots.bars, {"before": {"0": 1e-5, "1": 25}}, tmp_path / "a.png",
                       "A finding", "percent")
    assert [patch.get_height() for patch in figure.axes[0].patches] == [1e-5, 25]
    assert [text.get_text() for text in figure.axes[0].texts] == ["0.0", "25.0"]


def test_rows_of_images_are_on_one_scale_each(monkeypatch, tmp_path):
    figures = []
    monkeypatch.setattr(images_of_plots, "write", lambda fig, path: figures.append(fig) or path)
    bright, signed = np.ones((2, 4, 4)), np.linspace(-1, 3, 16).reshape(1, 4, 4)
    plots.rows_of_images([("input", bright), ("maps", signed), ("many", np.ones((20, 2, 2)))],
                         tmp_path / "a.png", "A digit, layer by layer", most=5)
    drawn = figures[0].axes[0].images
    assert len(drawn) == 2 + 1 + 5
    assert drawn[0].get_clim() == (0, 1) and drawn[2].get_clim() == (-3, 3)
    words = " ".join(text.get_text().replace("\n", " ") for text in figures[0].axes[0].texts)
    assert "many, the first 5 of 20" in words


@pytest.mark.parametrize("draw, says", [
    (lambda path: plots.lines({}, path, "t"), "panels must have at least one panel"),
    (lambda path: plots.lines({"a": {}}, path, "t"), "and each at least one line"),
    (lambda path: plots.lines({"a": {"b": []}}, path, "t"), "line 'b' must be values"),
    (lambda path: plots.lines({"a": {"b": ([1], [1, 2])}}, path, "t"), r"has x \(1,\) for values"),
    (lambda path: plots.dots({"a": []}, path, "t", "x"), "each at least one value"),
    (lambda path: plots.distributions({}, path, "t", "x"), "at least one panel"),
    (lambda path: plots.bars({"a": {}}, path, "t", "y"), "at least one bar"),
    (lambda path: plots.rows_of_images([], path, "t"), "rows is empty"),
    (lambda path: plots.rows_of_images([("a", np.ones((4, 4)))], path, "t"), "row 'a' must be finite"),
])
def test_charts_without_anything_to_show_are_refused(draw, says, tmp_path):
    with pytest.raises(ValueError, match=says):
        draw(tmp_path / "a.png")
    assert not (tmp_path / "a.png").exists()
