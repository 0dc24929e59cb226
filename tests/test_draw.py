"""The page of `nndl draw`: what Python writes, and what a real browser makes of it."""

import base64
import hashlib
import json
import re
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.browser import browsing, missing
from benchmarks.handwriting import DIGITS, drawings
from nndl import (
    ELU,
    GELU,
    LSTM,
    Conv,
    ConvPool,
    Dense,
    Dropout,
    Flatten,
    L2Pool,
    Last,
    LeakyReLU,
    MaxPool,
    Network,
    ReLU,
    Sigmoid,
    Softmax,
    Tanh,
    load_mnist,
)
from nndl import draw as drawing
from nndl.book.layers import SameMaskDropout
from nndl.cli import main
from nndl.data import Splits
from nndl.draw import shipped
from nndl.draw.stages import multiplications, stages
from nndl.scaled_tanh import ScaledTanh

Keys = pytest.importorskip("selenium.webdriver").Keys if not missing() else None
SCREENSHOTS = Path(__file__).parent.parent / "pictures" / "draw"
MEASURED = {"errors": 1, "of": 10, "gallery": [[0, 7], [8, 6]]}


@pytest.fixture(scope="module")
def test_images():
    return load_mnist().test


# --- what Python writes ---------------------------------------------------------------------------

def test_the_shipped_network_is_what_its_file_says(test_images):
    net, measured = drawing.shipped_network()
    found = drawing.measure(net, test_images)
    assert {name: measured[name] for name in found} == found
    assert measured["errors"] < 80
    readme = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
    assert f"reads {(10_000 - measured['errors']) / 100:.2f} % of the test images" in readme
    folder = Path(drawing.__file__).parent
    assert (folder / "model.npz").stat().st_size <= 700_000


def test_the_page_of_the_shipped_network(tmp_path, capsys):
    out = tmp_path / "page.html"
    assert main(["draw", "--no-open", "--out", str(out)]) == 0
    html, said = out.read_text(encoding="utf-8"), capsys.readouterr().out
    assert out.stat().st_size <= 1_000_000 and "{{" not in html
    assert re.search(r"The page has 0\.\d MB and needs about \d ms each time the pen moves\n", said)
    assert f"saved:\n  {out}\n" in said
    assert not re.search(r"https?:", html) and not re.search(r"<(img|link|iframe)\b|\bsrc=", html)
    for tag, part in (("script", "script"), ("style", "style")):
        text = re.findall(rf"<{tag}>(.*?)</{tag}>", html, flags=re.S)
        assert len(text) == 1
        digest = base64.b64encode(hashlib.sha256(text[0].encode()).digest()).decode()
        assert f"{part}-src 'sha256-{digest}'" in html
    assert "default-src 'none'" in html and "form-action 'none'; base-uri 'none'" in html


def test_a_file_of_ones_own(tmp_path, capsys):
    net = Network([Dense(5), Sigmoid(), Dense(10), Sigmoid()], input_shape=(784,))
    path = net.save(tmp_path / "a<b>&.npz")
    assert main(["draw", str(path), "--no-open", "--out", str(tmp_path / "page.html")]) == 0
    html, said = (tmp_path / "page.html").read_text(encoding="utf-8"), capsys.readouterr().out
    wrong = round(10_000 * (1 - net.accuracy(load_mnist().test)))
    assert f"reads {(10_000 - wrong) / 100:.2f} % of MNIST's 10,000 test images correctly" in html
    assert html.count("</script>") == 3 and r"a\u003cb>&.npz" in html
    assert "Dense 5" in said


def test_what_a_large_network_costs_is_said_before_it_is_written(tmp_path, monkeypatch, capsys):
    net = Network([Conv(32, 5), ReLU(), Conv(32, 5), ReLU(), MaxPool(2), Dense(300), Dense(10),
                   Softmax()])
    net.save(tmp_path / "large.npz")
    monkeypatch.setattr(drawing, "measure", lambda net, test: MEASURED)
    out = tmp_path / "page.html"

    def fails(*_):
        raise OSError(28, "No space left on device", str(out))

    monkeypatch.setattr("nndl.files.write_atomically", fails)
    assert main(["draw", str(tmp_path / "large.npz"), "--no-open", "--out", str(out)]) == 2
    megabytes = net.parameters * 4 * 4 / 3 / 1e6
    said = re.search(r"The page has (\d+\.\d) MB and needs about (\d+) ms .*; smooth is up to 16 ms\n",
                     capsys.readouterr().out)
    assert float(said[1]) == pytest.approx(megabytes, abs=0.15) and int(said[2]) > 16


def test_the_page_is_opened(tmp_path, monkeypatch, capsys):
    opened = []
    monkeypatch.setattr("webbrowser.open", lambda url: opened.append(url) or True)
    monkeypatch.setattr("platform.system", lambda: "Linux")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setenv("DISPLAY", ":0")
    out = tmp_path / "a page.html"
    assert main(["draw", "--out", str(out)]) == 0
    assert opened == [out.as_uri()] and "Open it" not in capsys.readouterr().out
    monkeypatch.delenv("DISPLAY")  # no screen: a browser for the terminal would show nothing
    assert main(["draw", "--out", str(out)]) == 0
    assert len(opened) == 1 and "Open it in a browser" in capsys.readouterr().out


class Own(ReLU):
    """A layer of a reader's."""


@pytest.mark.parametrize("layers, input_shape, says", [
    ([Dense(10), Own()], (1, 28, 28), "the page cannot compute the layer Own"),
    ([LSTM(3), Last(), Dense(10), Softmax()], (28, 28), "cannot compute the layer LSTM, which reads"),
    ([Dense(10), Softmax()], (1, 20, 20), "takes 1 x 20 x 20 numbers"),
    ([Conv(2, 3), Dense(10), Softmax()], (4, 14, 14), "takes 4 x 14 x 14 numbers"),
    ([Dense(4), Sigmoid()], (1, 28, 28), "the network has 4: end it with Dense(10), Softmax()"),
])
def test_what_cannot_be_drawn_is_refused_with_its_name(layers, input_shape, says):
    with pytest.raises(ValueError, match=re.escape(says)):
        stages(Network(layers, input_shape=input_shape))


@pytest.mark.parametrize("model, out, says", [
    ("missing.npz", "page.html", "missing.npz"),
    ("broken.npz", "page.html", "broken.npz"),
    ("foreign.npz", "page.html", "load(path, own_layers=(Own,))"),
    ("small.npz", "page.html", "takes 1 x 20 x 20 numbers"),
    ("good.npz", "file/page.html", "--out: cannot write to"),
    ("good.npz", ".", "is a folder: name a file in it"),
])
def test_a_mistake_is_one_line(model, out, says, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("broken.npz").write_bytes(b"PK\x03\x04 and then nothing")
    Path("file").write_text("")
    Network([Dense(10), Own()]).save("foreign.npz")
    Network([Dense(10), Softmax()]).save("good.npz")
    Network([Dense(10), Softmax()], input_shape=(1, 20, 20)).save("small.npz")
    assert main(["draw", model, "--no-open", "--out", out]) == 2
    out, err = capsys.readouterr()
    assert err.startswith("nndl draw: ") and says in err and err.count("\n") == 1
    assert not Path("page.html").exists()


def test_multiplications_are_counted():
    found, _ = stages(Network([ConvPool(20, 5), Dense(10), Softmax()]))
    assert multiplications(found) == (20 * 24 * 24 * 25 + 20 * 24 * 24 + 20 * 12 * 12
                                      + 10 * 20 * 12 * 12 + 10)


def test_the_shipped_network_is_made_by_a_command(tmp_path, monkeypatch):
    training, validation, test = load_mnist()
    few = Splits(training[:200], validation[:100], test[:300])
    monkeypatch.setattr(shipped, "load_mnist", lambda: few)
    shipped.main(tmp_path, epochs=2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.json", "model.npz"]
    net = drawing.load(tmp_path / "model.npz")
    measured = json.loads((tmp_path / "model.json").read_text(encoding="utf-8"))
    assert repr(net.layers) == repr(drawing.shipped_network()[0].layers)
    assert (measured["of"], measured["epochs"]) == (300, 2)
    assert measured["errors"] == 300 - round(300 * net.accuracy(few.test))


# --- in the browser -------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def url(tmp_path_factory, test_images):
    """Of the shipped network's page."""
    if missing():
        pytest.skip(missing())
    path = tmp_path_factory.mktemp("draw") / "draw.html"
    path.write_text(drawing.page(*drawing.shipped_network(), test_images).html, encoding="utf-8")
    return path.as_uri()


@pytest.fixture(scope="module")
def seen(url):
    with browsing(url) as page:
        yield page


@pytest.fixture
def empty(seen):
    """The page, nothing drawn, as if newly opened."""
    seen.driver.refresh()
    seen.click("clear")
    return seen


def ink(page):
    """How much ink is on the sheet."""
    return page.run("return page.sheet.ink.reduce((sum, ink) => sum + ink, 0)")


def received(page):
    """The image that the network has received, (28, 28) bytes."""
    return np.array(page.run("return Array.from(page.input())")).reshape(28, 28)


def shown(page, selector):
    """The texts of what a CSS selector selects, as far as it is displayed."""
    return [element.text for element in page.all(selector) if element.is_displayed()]


def in_the_page(seen, net, images):
    """What the page's own code makes of a network and images (m, 28, 28)."""
    found, weights = stages(net)
    outputs = seen.run(
        "const net = new page.Network(JSON.parse(arguments[0]), arguments[1]);"
        "return arguments[2].map((image) => Array.from(net.feedforward("
        "Float64Array.from(atob(image), (letter) => letter.charCodeAt(0) / 256))))",
        json.dumps({"dtype": net.dtype.name, "stages": found}), weights,
        [base64.b64encode(image.tobytes()).decode() for image in images])
    return np.array(outputs)


def test_the_pages_probabilities_are_the_networks(seen, test_images):
    net, _ = drawing.shipped_network()
    images = test_images.images[:1000]
    assert np.abs(in_the_page(seen, net, images) - net.feedforward(images)).max() < 1e-5


ACTIVATIONS = [Sigmoid(), Tanh(), ReLU(), LeakyReLU(0.2), ELU(0.7), GELU(), ScaledTanh()]
NAMES = ["linear", "sigmoid", "tanh", "relu", "leaky_relu", "elu", "gelu"]
few = st.integers(1, 4)


@st.composite
def networks(draw):
    """Networks of every kind of layer, from 28 x 28 pixels to ten outputs."""
    def activation():
        return draw(st.sampled_from(ACTIVATIONS)).clone()

    layers, side = [], 28
    for _ in range(draw(st.integers(0, 3))):
        kernel, stride, padding = draw(few), draw(st.integers(1, 2)), draw(st.integers(0, 2))
        if side < 8:
            break
        rectangle = (kernel, draw(few))  # and a stride and a padding that differ by axis
        kind = draw(st.sampled_from(["conv", "conv_pool", "max", "l2"]))
        window = draw(st.integers(1, 3))
        if kind == "conv":
            layers += [Conv(draw(few), rectangle, (stride, 1), (padding, 1)), activation()]
        elif kind == "conv_pool":
            name = draw(st.sampled_from(NAMES))
            alpha = draw(st.sampled_from([None, 0.3])) if name in ("leaky_relu", "elu") else None
            pool = draw(st.sampled_from(["max", "l2"]))
            layers += [ConvPool(draw(few), rectangle, name, window, pool, draw(st.integers(1, 3)),
                                stride, padding, alpha)]
        else:
            layers += [(MaxPool if kind == "max" else L2Pool)(window, draw(st.integers(1, 2)))]
        side = min(Network([*(layer.clone() for layer in layers)]).output_shape[1:])
    if not layers and draw(st.booleans()):
        layers = [Flatten()]
    dropout = [[], [Dropout(0.3)], [Dropout(0.3, inverted=False)], [SameMaskDropout(0.4)]]
    for _ in range(draw(st.integers(0, 2))):
        layers += [*(layer.clone() for layer in draw(st.sampled_from(dropout))), Dense(draw(few) * 3),
                   activation()]
    layers += [Dense(10), draw(st.sampled_from([Softmax(), Sigmoid(), Tanh()])).clone()]
    return Network(layers, "quadratic" if not isinstance(layers[-1], Softmax) else None,
                   seed=draw(st.integers(0, 99)), dtype=draw(st.sampled_from(["float32", "float64"])),
                   backend="numpy")


@settings(max_examples=200)
@given(net=networks())
def test_every_network_that_can_be_drawn_computes_the_same(seen, test_images, net):
    images = test_images.images[net.seed:net.seed + 3]
    assert np.abs(in_the_page(seen, net, images) - net.feedforward(images)).max() < 1e-5


def test_sixty_digits_drawn_by_hand(empty):
    wrong = []
    for number, (digit, strokes) in enumerate(drawings()):
        empty.draw(strokes, kind=["mouse", "pen"][number % 2])
        read = int(empty.text("digit"))
        if read != digit:
            wrong.append((digit, read, number))
        if number % 6 == 4:
            empty.screenshot(SCREENSHOTS / f"drawn_{digit}.png")
        empty.click("clear")
    print("misread, (digit, read as, drawing):", wrong)
    assert len(wrong) <= 6 and number == 59, wrong


def test_clear_and_undo(empty):
    assert ink(empty) == 0 and empty.text("digit") == "" and empty.find("hint").is_displayed()
    assert empty.text("hint") == "Draw a digit here"
    empty.draw([[(0.3, 0.2), (0.3, 0.8)]])
    one = ink(empty)
    assert one > 0 and not empty.find("hint").is_displayed()
    empty.draw([[(0.6, 0.2), (0.6, 0.8)]])
    two = ink(empty)
    assert two > one
    empty.click("undo")
    assert ink(empty) == one
    empty.click("clear")
    assert ink(empty) == 0 and empty.text("digit") == ""
    empty.click("undo")
    assert ink(empty) == one and empty.text("digit") != ""
    empty.press("sheet", "c")
    assert ink(empty) == 0
    empty.press("sheet", "z")
    assert ink(empty) == one
    for _ in range(4):
        empty.click("undo")  # further back than there is anything
    assert empty.text("digit") == "7"  # what the page opened with


def test_the_first_stroke_makes_room_for_itself(seen):
    seen.driver.refresh()
    assert seen.text("digit") == "7"
    seen.draw([[(0.5, 0.1), (0.5, 0.9)]])
    assert seen.text("digit") == "1"


def test_an_eraser_takes_ink_away(empty):
    empty.draw([[(0.2, 0.5), (0.8, 0.5)]])
    before = ink(empty)
    empty.click("eraser")
    assert empty.find("eraser").get_attribute("aria-pressed") == "true"
    assert empty.find("pen").get_attribute("aria-pressed") == "false"
    empty.draw([[(0.5, 0.3), (0.5, 0.7)]])
    assert 0 < ink(empty) < before
    rows = empty.run("return [0.3, 0.5, 0.7].map((x) => page.sheet.ink[224 * 448 + 448 * x | 0])")
    assert rows == [255, 0, 255]
    empty.click("clear")  # gives the pen back
    empty.draw(DIGITS[1][0])
    assert empty.text("digit") == "1"


def test_the_image_is_prepared_as_mnists_were(empty):
    empty.draw([[(0.1, 0.15), (0.1, 0.4)], [(0.2, 0.15), (0.2, 0.4)]])
    image = received(empty)
    rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
    assert rows[-1] - rows[0] + 1 == 20 and columns[-1] - columns[0] + 1 < 20
    for axis in (0, 1):
        mass = image.sum(axis=1 - axis)
        assert 14 <= (mass * (np.arange(28) + 0.5)).sum() / mass.sum() < 15


def test_mnists_own_digits_come_out_as_they_are(empty, test_images):
    """The sheet holds 16 x 16 pixels for each of theirs: to fit them is to get them back."""
    same = 0
    for image in test_images.images[:100]:
        prepared = empty.run(
            "page.sheet.put(arguments[0]); return Array.from(page.prepare(page.sheet).image)",
            image.ravel().tolist())
        same += np.array_equal(np.reshape(prepared, (28, 28)), image)
    assert same >= 95


def test_digits_of_the_gallery(empty, test_images):
    _, measured = drawing.shipped_network()
    buttons = empty.all("#digits button")
    assert len(buttons) == len(measured["gallery"]) > 12
    for button, (index, said) in list(zip(buttons, measured["gallery"]))[-2:]:
        button.click()
        assert np.array_equal(received(empty), test_images.images[index])
        assert empty.text("digit") == str(said) != str(test_images.labels[index])
        assert f"a {test_images.labels[index]}" in button.get_attribute("title").replace("an", "a")
    before = ink(empty)
    empty.draw([[(0.1, 0.9), (0.9, 0.9)]])
    assert ink(empty) > before


def test_a_shifted_digit(empty):
    from selenium.webdriver.common.action_chains import ActionChains
    empty.draw(DIGITS[3][0])
    image = received(empty)
    empty.press("input", Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ARROW_UP)
    assert np.array_equal(received(empty)[:-1, 2:], image[1:, :-2])
    changed = [card.get_attribute("textContent")
               for card in empty.all(".moved")]
    assert all(re.fullmatch(r"changed by \d+ %", text) for text in changed)
    assert "Shifted 1 up and 2 right" in empty.text("shift-words")
    assert empty.text("input-words") == "shifted"
    empty.click("back")
    assert np.array_equal(received(empty), image)
    canvas = empty.find("input")
    pixel = canvas.rect["width"] / 28
    ActionChains(empty.driver, duration=0).click_and_hold(canvas).move_by_offset(
        round(-3 * pixel), round(2 * pixel)).release().perform()
    assert np.array_equal(received(empty)[2:, :-3], image[:-2, 3:])


def test_a_filter_and_the_patch_that_it_looks_at(empty):
    from selenium.webdriver.common.action_chains import ActionChains
    net, _ = drawing.shipped_network()
    empty.draw(DIGITS[2][0])
    canvas = empty.all(".maps canvas")[4]
    tops = "return Array.from(document.querySelectorAll('main .card'), (card) => card.offsetTop)"
    before = empty.run(tops)
    ActionChains(empty.driver, duration=0).move_to_element(canvas).perform()
    assert empty.run(tops) == before  # nothing on the page moves
    said = re.fullmatch(r"Map 5, row (\d+), column (\d+): filter times patch, the sum of 25 products, "
                        r"and the bias (\S+) make (\S+)\.",
                        empty.text("looked-words").replace("\N{MINUS SIGN}", "-"))
    r, c = int(said[1]) - 1, int(said[2]) - 1
    patch = received(empty)[r:r + 5, c:c + 5] / 256
    w, b = net.layers[0].w[4, 0], net.layers[0].b[4]
    assert float(said[3]) == pytest.approx(b, abs=6e-4)
    assert float(said[4]) == pytest.approx((w * patch).sum() + b, abs=6e-4)
    field = empty.run("const {style} = document.getElementById('field');"
                      "return ['top', 'left', 'height', 'width'].map((of) => parseFloat(style[of]))")
    assert field == pytest.approx([100 * n / 28 for n in (r, c, 5, 5)], abs=0.01)
    assert empty.all("#looked-pictures canvas")[0].rect["width"] == pytest.approx(5 * 9)
    empty.screenshot(SCREENSHOTS / "filter_and_patch.png")
    ActionChains(empty.driver, duration=0).move_to_element(empty.find("sheet")).perform()
    assert not empty.find("looked").is_displayed()


def test_every_card_explains_its_numbers(empty):
    empty.draw(DIGITS[5][0])
    said = []
    for row in empty.all(".maps"):
        row.send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
        said.append(empty.text("looked-words"))
    filters = ["Map 2, row 13, column 13: filter times", "makes", "the largest of"]
    expected = [*filters, "Map 2, row 5, column 5: filter times", *filters[1:],
                "Neuron 2: its 640 weights", "makes", "digit 1: its 100 weights", "digit 1: e to the"]
    assert len(said) == len(expected) and all(map(str.__contains__, said, expected)), said
    first = empty.all(".maps")[0]
    first.send_keys(Keys.ARROW_LEFT)
    first.send_keys(Keys.SHIFT, Keys.ARROW_DOWN)
    assert empty.text("looked-words").startswith("Map 1, row 14, column 13")
    first.send_keys(Keys.ESCAPE)
    assert not empty.find("looked").is_displayed()


def test_the_answer_and_the_pictures_are_the_networks(empty):
    net, _ = drawing.shipped_network()
    empty.draw(DIGITS[8][1])
    outputs = net.feedforward(received(empty).astype("uint8")[None])[0]
    assert np.abs(np.array(empty.run("return Array.from(page.network.stages.at(-1).out)"))
                  - outputs).max() < 1e-5
    first, second = np.argsort(outputs)[:-3:-1]
    assert empty.text("digit") == str(first)

    def said(value):
        return ("over 99.9 %" if value > 0.9995 else "under 0.1 %" if value < 0.0005
                else f"{100 * value:.1f} %")

    assert [number.text for number in empty.all(".row .number")] == [
        said(value).replace("under", "<").replace("over", ">") for value in outputs]
    assert [float(re.search(r"[\d.e-]+", bar.get_attribute("style").split("scaleX(")[1])[0])
            for bar in empty.all(".bar")] == pytest.approx(outputs.tolist(), abs=1e-5)
    article = {8: "an 8"}
    assert empty.text("says") == (
        f"It reads {article.get(first, f'a {first}')}: {said(outputs[first])}. Its second choice, "
        f"{article.get(second, f'a {second}')}: {said(outputs[second])}.")
    # Of the first rectified maps exactly what pooling picks is strong; all else that is ink is faint.
    first_maps = np.array(empty.run(
        "const maps = document.querySelectorAll('.maps')[1].querySelectorAll('canvas');"
        "return Array.from(maps, (canvas) => Array.from("
        "canvas.getContext('2d').getImageData(0, 0, 24, 24).data))")).reshape(20, 24, 24, 4)
    a = np.array(empty.run("return Array.from(page.network.stages[1].out)")).reshape(20, 24, 24)
    winner = np.zeros(a.size, bool)
    winner[empty.run("return Array.from(page.network.stages[2].winner)")] = True
    darkness = 255 - first_maps[..., 0].ravel()
    share = a.ravel() / a.max() * (255 - 0x12)
    assert np.abs(darkness - np.where(winner, 1, 0.3) * share).max() <= 1.5
    net.layers[0].forward((received(empty) / 256).astype("float32")[None, None])
    r, c = np.divmod(net.layers[0].winner[0], 2)
    rows, columns = np.indices((12, 12)) * 2
    assert np.array_equal(winner.reshape(a.shape).nonzero(), np.transpose(sorted(zip(
        np.repeat(range(20), 144), (rows + r).ravel(), (columns + c).ravel()))))


def test_a_stroke_on_a_shifted_digit_puts_it_back(empty):
    empty.draw(DIGITS[7][0])
    empty.press("input", Keys.ARROW_RIGHT)
    assert empty.find("back").is_displayed()
    empty.draw([[(0.3, 0.5), (0.7, 0.5)]])
    assert not empty.find("back").is_displayed()
    assert np.array_equal(received(empty).ravel(),
                          empty.run("return Array.from(page.prepare(page.sheet).image)"))


def test_other_fingers_and_other_buttons_change_nothing(empty):
    box = empty.find("sheet").rect

    def touch(kind, *fingers):
        empty.driver.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [
            {"x": box["x"] + box["width"] * x, "y": box["y"] + box["height"] * y, "id": number}
            for number, (x, y) in enumerate(fingers)]})

    touch("touchStart", (0.3, 0.3))
    touch("touchMove", (0.3, 0.6))
    one = ink(empty)
    touch("touchStart", (0.3, 0.6), (0.7, 0.7))
    touch("touchMove", (0.3, 0.6), (0.9, 0.9))
    assert ink(empty) == one > 0
    touch("touchCancel")
    empty.click("undo")
    assert ink(empty) == 0

    def mouse(kind, x, y, button="none", of="sheet", buttons=0):
        at = empty.find(of).rect
        empty.driver.execute_cdp_cmd("Input.dispatchMouseEvent", {
            "type": kind, "x": at["x"] + at["width"] * x, "y": at["y"] + at["height"] * y,
            "button": button, "buttons": buttons, "clickCount": 1})

    mouse("mousePressed", 0.5, 0.5, "right", buttons=2)
    mouse("mouseMoved", 0.6, 0.6, "right", buttons=2)
    mouse("mouseReleased", 0.6, 0.6, "right")
    assert ink(empty) == 0
    empty.draw(DIGITS[1][0])
    image = received(empty)
    mouse("mousePressed", 0.5, 0.5, "right", "input", 2)
    mouse("mouseMoved", 0.8, 0.8, "right", "input", 2)
    mouse("mouseReleased", 0.8, 0.8, "right", "input")
    assert np.array_equal(received(empty), image)


def test_a_gallery_digit_in_the_middle_of_a_stroke(empty):
    empty.press("sheet", " ", Keys.ARROW_DOWN)
    empty.run("document.querySelector('#digits button').click()")
    base = ink(empty)
    empty.press("sheet", Keys.ARROW_DOWN)
    assert ink(empty) == base
    empty.click("undo")
    assert 0 < ink(empty) < base


def test_light_and_dark_have_the_same_ink(empty):
    empty.draw(DIGITS[6][0])
    one, image = ink(empty), received(empty)
    empty.click("theme")
    assert ink(empty) == one and np.array_equal(received(empty), image)
    empty.click("theme")


def test_a_digit_drawn_with_the_keyboard(empty):
    empty.press("sheet", " ", *[Keys.ARROW_DOWN] * 30, " ")
    assert empty.text("digit") == "1"
    empty.press("sheet", "z")
    assert ink(empty) == 0


def test_nothing_is_asked_of_any_network_and_the_policy_forbids_it(url):
    with browsing(url) as page:
        page.draw(DIGITS[4][1])
        page.all(".maps")[0].send_keys(Keys.ARROW_RIGHT)
        assert page.requests() == [url] and page.driver.get_log("browser") == []
        page.run("globalThis.forbidden = []; document.addEventListener('securitypolicyviolation',"
                 "(event) => forbidden.push(event.effectiveDirective));"
                 "fetch('https://example.org').catch(() => 0);"
                 "new Image().src = 'https://example.org/a.png';"
                 "const script = document.createElement('script'); script.textContent = 'x = 1';"
                 "document.body.append(script)")
        for _ in range(50):
            if len(forbidden := page.run("return forbidden")) == 3:
                break
            time.sleep(0.1)
        assert sorted(forbidden) == ["connect-src", "img-src", "script-src-elem"]
        assert not [entry for entry in page.driver.get_log("browser")
                    if "Content Security Policy" not in entry["message"]]


@pytest.fixture(scope="module")
def other_screens(url):
    with browsing(url) as page:
        yield page


@pytest.mark.parametrize("name, width, height, phone, dark", [
    ("desktop", 1280, 800, False, False), ("desktop_dark", 1440, 900, False, True),
    ("small_desktop", 1024, 600, False, False), ("phone", 390, 844, True, False),
    ("phone_dark", 390, 844, True, True), ("small_phone", 320, 640, True, False),
    ("phone_on_its_side", 844, 390, True, False)])
def test_it_fits_the_screen_in_light_and_dark(other_screens, name, width, height, phone, dark):
    def is_dark():
        colour = page.run("return getComputedStyle(document.body).backgroundColor")
        return sum(map(int, re.findall(r"\d+", colour))) < 200

    page = other_screens
    page.screen(width, height, phone, dark)
    page.driver.refresh()
    page.draw(DIGITS[3][0], kind="touch" if phone else "mouse")
    assert page.text("digit") == "3" and page.run("return scrollY") == 0
    page.press("input", Keys.ARROW_LEFT)
    page.all(".maps")[3].send_keys(Keys.ARROW_RIGHT)
    assert page.run("return document.documentElement.scrollWidth") <= width
    page.click("looked-close")
    page.click("back")
    page.run("scrollTo(0, 0)")
    assert is_dark() == dark
    assert phone or page.find("drawing").rect["height"] <= height - 24
    assert page.find("sheet").rect["height"] < height
    page.screenshot(SCREENSHOTS / f"{name}.png")
    page.screenshot(SCREENSHOTS / f"{name}_whole.png", whole=True)
    page.click("theme")
    assert is_dark() != dark
