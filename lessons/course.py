"""What the course knows of its lessons: which there are, the short ways through, what they measured."""

import json
from pathlib import Path

from nndl.lesson import about

HERE = Path(__file__).parent
RESULTS = HERE / "results"  # quick/ID.json and full/ID.SEED.json, as `--results` writes them
PATHS = {
    "quick": ("1.0", "2.1", "3.0.0", "3.2.0", "4.1"),               # an overview of five
    "cnn": ("3.0.0", "3.0.1", "3.0.2", "4.0", "4.1", "4.3", "4.4"),  # convolution
    "relu": ("3.1.0", "3.1.1", "3.1.2", "4.5"),                     # activations
    "dropout": ("3.2.0", "3.2.1", "3.2.2", "3.2.3"),
    "best": ("3.0.1", "3.3.2", "3.3.3"),                            # baseline, best network, ensemble
}


def lessons():
    """{id: path of the module} of all lessons, in their order."""
    found = {about(path).id: path for path in HERE.glob("network_*.py")}
    return dict(sorted(found.items(), key=lambda pair: [int(part) for part in pair[0].split(".")]))


def measured(id, which="quick"):
    """The committed results of a lesson, of each seed; [] if there are none."""
    folder = RESULTS / which
    paths = [folder / f"{id}.json"] if which == "quick" else sorted(folder.glob(f"{id}.[0-9]*.json"))
    return [json.loads(path.read_text(encoding="utf-8")) for path in paths if path.exists()]
