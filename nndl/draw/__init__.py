"""`nndl draw`: a page on which one draws a digit and sees, at every stroke, what a network sees.

The page is one HTML file with all that it needs: the weights, and the forward pass once more in
JavaScript.  Its parts stand beside this file: network.js computes, ink.js prepares the drawing as
MNIST's digits were, pictures.js makes pictures of numbers, cards.js shows the layers and page.js the
rest; page.html and page.css are what they show it in.
"""

import base64
import hashlib
import json
from dataclasses import dataclass
from importlib.resources import files

import numpy as np

from ..network import Network
from .stages import OWN_LAYERS, multiplications, stages

MODEL, MEASURED = "model.npz", "model.json"  # the network that the package ships, see shipped.py
SCRIPTS = ("network.js", "ink.js", "pictures.js", "cards.js", "page.js")
WRONG_ONES = 12  # at most, in the gallery
MILLISECONDS, NANOSECONDS = 3, 2  # of a look in itself, and of a multiplication, in a browser, about
# Nothing may be fetched, sent, or run but what the page brings along.
POLICY = ("default-src 'none'; script-src 'sha256-{script}'; style-src 'sha256-{style}'; "
          "img-src data: blob:; form-action 'none'; base-uri 'none'")


@dataclass(frozen=True)
class Page:
    """A page that is ready to be written."""

    html: str
    milliseconds: float  # for one look at a drawing, about

    @property
    def megabytes(self):
        """How large it is."""
        return len(self.html.encode()) / 1e6


def shipped_network():
    """(net, measured): the network that the package ships, and what shipped.py has kept of it."""
    folder = files(__name__)
    net = Network.load(folder / MODEL, "numpy")
    return net, json.loads((folder / MEASURED).read_text(encoding="utf-8"))


def load(path, backend=None):
    """A network from a file of Network.save, also with layers that only experiments have."""
    return Network.load(path, backend, OWN_LAYERS)


def measure(net, test):
    """What the page says of a network: {"errors", "of", "gallery"}, plain numbers.

    test : labelled images; gallery : [index of the image, what the network says] of the first right
    one of each digit, and of the first WRONG_ONES wrong ones
    """
    said = net.predict(test.images.reshape(-1, *net.input_shape))
    wrong = np.flatnonzero(said != test.labels)
    right = {}
    for index in np.flatnonzero(said == test.labels).tolist():
        right.setdefault(int(test.labels[index]), index)
    shown = [*(right[digit] for digit in sorted(right)), *wrong[:WRONG_ONES].tolist()]
    return {"errors": len(wrong), "of": len(said),
            "gallery": [[index, int(said[index])] for index in shown]}


def page(net, measured, test, name=""):
    """The page of a network, a Page.

    measured : of `measure`;  test : the images that this was of;  name : what to call the network
    Raises ValueError for a network that the page cannot compute.
    """
    found, weights = stages(net)
    right = 100 * (1 - measured["errors"] / measured["of"])
    about = (f"{name or 'This network'} has {net.parameters:,} weights and biases and reads "
             f"{right:.2f} % of MNIST's {measured['of']:,} test images correctly.")
    gallery = [{"image": base64.b64encode(test.images[index].tobytes()).decode("ascii"),
                "label": int(test.labels[index]), "said": said}
               for index, said in measured["gallery"]]
    parts = {
        "style": _part("page.css"),
        "script": "\n".join(_part(part) for part in SCRIPTS),
        "network": json.dumps({"dtype": net.dtype.name, "about": about, "stages": found,
                               "gallery": gallery}).replace("<", "\\u003c"),  # no </script> in it
        "weights": weights,
    }
    parts["policy"] = POLICY.format(**{name: _sha256(parts[name]) for name in ("script", "style")})
    html = _part("page.html")
    for part, text in parts.items():
        html = html.replace("{{" + part + "}}", text)
    return Page(html, MILLISECONDS + multiplications(found) * NANOSECONDS / 1e6)


def _part(name):
    return files(__name__).joinpath(name).read_text(encoding="utf-8")


def _sha256(text):
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
