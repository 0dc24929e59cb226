"""How long does the page of `nndl draw` keep its browser busy for a stroke?

    python -m benchmarks drawing

A hundred strokes with a real pointer, in Chromium without a screen, on the page of the network that
nndl ships, which is as large as the book's with two convolutions.  At each of its points the page draws
ink, prepares the image, asks the network, and shows every layer:

    script         ms from the pointer's event to the end of the page's own work, for a point: the
                   median of a stroke's
    looking on     the same while the page also shows a filter of the second convolution and its patch
    main thread    ms of all that the page's main thread has to do for a point, the browser's own style,
                   layout and painting included, and what the WebDriver asks of it

Before, the page's answers are compared with the network's.  A picture of the page is kept as well.  See
benchmarks/browser.py for what must be installed.
"""

import itertools
import statistics
import tempfile
from pathlib import Path

import numpy as np

import nndl
from nndl import draw
from nndl.plots.drawing import GREY, TRAINING, new_figure

from .browser import browsing, missing
from .figures import LOOK, key, say
from .handwriting import DIGITS, drawings
from .timing import RESULTS, in_words, report, text

QUICK = {"rounds": 10}
ALLOWED = 8  # ms


def main(threads=None, rounds=100, out=RESULTS, only=""):
    """Verify, measure, print a table, save out/drawing.json and .png.

    threads, only : what other benchmarks take, of no use here;  rounds : how many strokes
    Returns what is saved.
    """
    if missing():
        raise RuntimeError(missing())
    test = nndl.load_mnist().test
    net, measured = draw.shipped_network()
    strokes = [stroke for _, strokes in drawings() for stroke in strokes]
    with (report("drawing", 1, figure, out, rounds=rounds) as result,
          tempfile.TemporaryDirectory() as folder):
        path = Path(folder) / "draw.html"
        path.write_text(draw.page(net, measured, test).html, encoding="utf-8")
        with browsing(path.as_uri()) as page:
            result["browser"] = page.driver.capabilities["browserVersion"]
            verify(page, net, test.images[:100])
            script, busy = times(page, strokes, rounds)
            page.all(".maps")[3].send_keys(page.keys.ARROW_RIGHT)
            looking, _ = times(page, strokes, rounds)
            page.all(".maps")[3].send_keys(page.keys.ESCAPE)
            if out is not None:
                picture(page, Path(out) / "drawing_page.png")
        result["rows"] = [{"what": "script", "values": script},
                          {"what": "looking on", "values": looking},
                          {"what": "main thread", "values": busy}]
        print("\n" + "\n\n".join(text(*table) for table in tables(result)))
        print(f"\n{finding(result)}\n")
    return result


# --- measuring ------------------------------------------------------------------------------------

def times(page, strokes, rounds):
    """(the script's ms for a point, those of the main thread), of each of so many strokes."""
    script, busy, warming_up = [], [], min(10, rounds)  # until the browser's compiler has seen enough
    for number, stroke in enumerate(itertools.islice(itertools.cycle(strokes), rounds + warming_up)):
        if number % 3 == 0:
            page.run("document.getElementById('clear').click()")
        page.run("page.looks.length = 0")
        before = page.main_thread()
        page.draw([stroke])
        took = page.main_thread() - before
        looks = page.run("return page.looks")
        if number >= warming_up:
            script.append(statistics.median(looks))
            busy.append(1000 * took / len(looks))
    return script, busy


def verify(page, net, images):
    """Raises ValueError unless the page answers as the network does."""
    answers = page.run(
        "return arguments[0].map((image) => Array.from(page.network.feedforward("
        "Float64Array.from(image, (byte) => byte / 256))))", images.reshape(len(images), -1).tolist())
    apart = np.abs(np.array(answers) - net.feedforward(images)).max()
    if not apart < 1e-5:
        raise ValueError(f"the page's probabilities are {apart:.1g} apart from the network's")


def picture(page, path):
    """Keep a picture of the page with a three on it."""
    page.driver.set_window_size(1280, 1480)
    page.run("scrollTo(0, 0)")
    page.click("clear")
    page.draw([[(0.2 + 0.6 * x, 0.2 + 0.6 * y) for x, y in stroke] for stroke in DIGITS[3][0]])
    page.screenshot(path)


# --- reporting ------------------------------------------------------------------------------------

def tables(result):
    """One table."""
    return [(("ms for a point", "median", "90 of 100 below", "most"),
             [(row["what"], *(f"{value:.1f}" for value in (
                 statistics.median(row["values"]), np.percentile(row["values"], 90),
                 max(row["values"])))) for row in result["rows"]])]


def finding(result):
    """The median, and what is allowed."""
    script, looking, busy = (statistics.median(row["values"]) for row in result["rows"])
    return (f"The page needs {script:.1f} ms for a point of a stroke ({ALLOWED} are allowed), "
            f"{looking:.1f} while it shows a filter, too; its main thread is busy for {busy:.1f}")


def figure(result):
    """How the strokes are distributed."""
    fig, ((ax,),) = new_figure(finding(result), 9.2, 4, note=in_words(result).replace("\n", "; "))
    for row, look in zip(result["rows"], (LOOK["nndl"]["color"], TRAINING, GREY)):
        ax.hist(np.minimum(row["values"], 3 * ALLOWED), bins=np.linspace(0, 3 * ALLOWED, 61),
                color=look, alpha=0.6, label=row["what"])
    ax.axvline(ALLOWED, color=GREY, linewidth=1.4, label="allowed")
    say(ax, x=f"ms for a point; more than {3 * ALLOWED} counts as {3 * ALLOWED}", y="strokes")
    key(ax, loc="upper right")
    return fig


if __name__ == "__main__":
    import sys

    from .__main__ import main as run
    sys.exit(run(["drawing", *sys.argv[1:]]))
