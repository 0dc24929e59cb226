"""What the book's programs do otherwise than one would expect, and what is wrong in notes about them.

    python -m nndl.book.errata [FOLDER]

prints the table; with a folder of results of `nndl reproduce`, what the flaws cost by the runs in it.
The facades keep every flaw that the book's numbers may come from; `mended` says how to be rid of one.
"""

import json
import statistics
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

from ..command import Parser, run

NOT_YET = "not yet measured"


@dataclass(frozen=True)
class Erratum:
    """where : the program;  what : the flaw;  mended : how to do without it;  cost : what it does harm.

    runs : the experiments with the flaw and without it, of which `cost` is what `measured` makes
    """

    where: str
    what: str
    mended: str
    cost: str
    runs: tuple = ()


ERRATA = (
    Erratum("network3", "weights of dense layers are drawn by 1/√n_out, where 1/√n_in was meant",
            'network3.Network(layers, 10, mended=("initialisation",))',
            "99.14 ± 0.05 % of the test images are right with it (6.relu, 3 runs), 99.20 ± 0.09 % "
            "without (6.relu.init, 3 runs)", ("6.relu", "6.relu.init")),
    Erratum("network3", "λ is divided by the number of mini-batches, in network2 by that of images: "
            "λ = 0.1 with mini-batches of 10 is λ = 1 there",
            'network3.Network(layers, 10, mended=("lambda",))',
            "99.14 ± 0.05 % of the test images are right with it (6.relu, 3 runs), 99.12 ± 0.02 % "
            "without (6.relu.lambda, 3 runs)", ("6.relu", "6.relu.lambda")),
    Erratum("network3", "training data are never shuffled: every epoch has the same mini-batches",
            'network3.Network(layers, 10, mended=("order",))',
            "99.14 ± 0.05 % of the test images are right with it (6.relu, 3 runs), 99.14 ± 0.09 % "
            "without (6.relu.order, 3 runs)", ("6.relu", "6.relu.order")),
    Erratum("network3", "dropout draws from one seed in every layer: layers of one size have the same "
            "mask, and so have all networks", 'network3.Network(layers, 10, mended=("dropout",))',
            "99.46 ± 0.06 % of the test images are right with it (6.dropout.few, 3 runs), "
            "99.44 ± 0.03 % without (6.dropout.few.masks, 3 runs)",
            ("6.dropout.few", "6.dropout.few.masks")),
    Erratum("network2", "accuracy is a count, in network3 a fraction",
            'network2.Network(sizes, mended=("accuracy",))', "nothing but confusion"),
    Erratum("network2", "CrossEntropyCost.fn gives 1.8e308 for an output of exactly 1 that should be 0",
            "always, but for fn itself: in total_cost and in what SGD measures such an output counts "
            "as the largest number below 1, which costs 36.7 nats",
            "a single such output among 10,000 images makes their mean cost 1.8e304"),
    Erratum("network2", "training that diverges goes on with NaN: chapter 3's first try on 1,000 "
            "images, with η = 10 and λ = 1,000, multiplies the weights by -9 in each step",
            "always: a warning says so once, and what to change; the same lines are printed",
            "all epochs that follow: the network takes every image for a 0"),
    Erratum("conv", "plot_filters draws of each filter only the part for the first map that comes in",
            "plots.filters(net.layers[1].w, path), which draws the mean over all",
            "19 of 20 parts of the second layer's filters are not seen"),
)
# What much-read notes say of these networks, and what is so.
NOTES = (
    ("the network with two convolutions has some 35,000 parameters, the one with one 30,000",
     "it has 85,670, and the other 289,630: pooling leaves 20·12·12 inputs for each of 100 neurons"),
    ("chapter 6 regularises its ReLU network with λ = 0.01", "its program says 0.1"),
    ("the expanded data reach 99.37 % training accuracy", "that is accuracy on the test images"),
)


def accuracies(experiment, folder):
    """Of each run of an experiment in a folder, the test accuracy where validation is best, percent."""
    found = []
    for path in sorted(Path(folder).glob(f"{experiment}.*.json")):
        if path.name.removeprefix(f"{experiment}.").removesuffix(".json").isdigit():
            result = json.loads(path.read_text(encoding="utf-8"))
            pairs = zip(result["validation_accuracy"], range(len(result["test_accuracy"])))
            found.append(100 * result["test_accuracy"][max(pairs)[1]])  # of equally good ones the last
    return found


def measured(runs, folder):
    """What a flaw costs by the runs in a folder; NOT_YET if there are none with it, or none without."""
    both = [accuracies(experiment, folder) for experiment in runs]
    if not all(both):
        return NOT_YET
    one, other = (f"{statistics.mean(some):.2f}"
                  + (f" ± {statistics.stdev(some):.2f}" if len(some) > 1 else "") + " %"
                  for some in both)
    return (f"{one} of the test images are right with it ({runs[0]}, {_counted(both[0])}), {other} "
            f"without ({runs[1]}, {_counted(both[1])})")


def _counted(runs):
    return "a run" if len(runs) == 1 else f"{len(runs)} runs"


def table(folder=None):
    """Print what is above; the costs by the runs in a folder, if one is given."""
    if folder is not None and not Path(folder).is_dir():
        raise ValueError(f"there is no folder {folder}; `nndl reproduce` writes into "
                         "nndl-results/reproduce")
    for erratum in ERRATA:
        cost = measured(erratum.runs, folder) if folder and erratum.runs else erratum.cost
        for heading, text in ((erratum.where, erratum.what), ("  mended", erratum.mended),
                              ("  cost", cost)):
            _print(f"{heading:<10}", text)
    print("\nIn notes about these networks")
    for said, so in NOTES:
        _print("  said    ", said)
        _print("  is so   ", so)


def _print(heading, text):
    """A row: its heading, and its text beside it in as many lines as it needs."""
    print(textwrap.fill(text, 100, initial_indent=heading, subsequent_indent=" " * len(heading),
                        break_long_words=False, break_on_hyphens=False))


def main(arguments=None):
    """Run it as its command line has it; returns the exit status."""
    parser = Parser(prog="python -m nndl.book.errata", description="What the book's programs do "
                    "otherwise than one would expect, how to do without it, and what it costs.")
    parser.add_argument("folder", metavar="FOLDER", nargs="?", help="of results of `nndl reproduce`: "
                        "what the flaws cost by the runs in it")
    options = parser.parse_args(arguments)
    return run(parser.prog, lambda: table(options.folder))


if __name__ == "__main__":
    sys.exit(main())
