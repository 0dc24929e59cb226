"""What is commonly said of these networks, and what the lessons measured of it at full length.

Each claim has a function from what its lesson has measured, a dictionary for each seed, to two
strings: the numbers in a few words, and the verdict.  lessons.course makes a table of them.
"""

import math

from nndl.lesson import percent, spread

CLAIMS = {}  # what is said: (lesson, function)
SO, NOT_SO, UNDECIDED = "is so", "is not so", "undecided"
TOO_FEW = f"{UNDECIDED}: too few runs"
SOMETIMES = "is so in some runs, not in all"


def claim(said, lesson):
    """Enter a function in CLAIMS."""
    def enter(judge):
        CLAIMS[said] = lesson, judge
        return judge
    return enter


@claim("ReLU comes to 98 % in 5 epochs, sigmoid needs 15", "3.1.0")
def relu_in_five_epochs(runs):
    """By the epoch in which each run first has 98 % of the validation images right."""
    epochs = together(runs, "reached")
    fast = in_all([(epoch or math.inf) <= 5 for epoch in epochs["ReLU"]])
    slow = in_all([(epoch or math.inf) >= 15 for epoch in epochs["sigmoid"]])
    said = {name: ", ".join(str(epoch or "never") for epoch in each) for name, each in epochs.items()}
    return (f"98 % of the validation images: ReLU in epoch {said['ReLU']}, sigmoid in epoch "
            f"{said['sigmoid']}", fast if fast == slow else f"of ReLU it {fast}; of sigmoid it {slow}")


@claim("ReLU converges twice as fast as tanh", "3.1.1")
def relu_twice_as_fast(runs):
    """By the epochs that each needs to come near the best accuracy that both reach."""
    times = [time for run in runs for time in run["times"]]
    said = ", ".join(f"{time:.1f}" for time in times)
    return (f"to half a point below the best that both reach, ReLU is {said} times as fast",
            in_all([time >= 2 for time in times]))


@claim("A dropout rate of 0.5 is best", "3.2.1")
def half_is_the_best_rate(runs):
    """By the validation images, which choose."""
    right = together(runs, "validation")
    half = right.pop("p = 0.5")
    verdicts = [above(half, other) for other in right.values()]
    verdict = NOT_SO if NOT_SO in verdicts else next((each for each in verdicts if each != SO), SO)
    said = ", ".join(f"{name} {spread(each)}" for name, each in {**right, "p = 0.5": half}.items())
    return f"validation images that are right, %: {said}", verdict


@claim("Dropout beats L2 regularisation on large networks", "3.2.2")
def dropout_beats_l2(runs):
    """By the test images."""
    right = together(runs)
    return (f"test images that are right, %: dropout {spread(right['large with dropout'])}, "
            f"L2 {spread(right['large with L2'])}, neither {spread(right['large with neither'])}",
            above(right["large with dropout"], right["large with L2"]))


@claim("For a convolutional network a tenth of the parameters is enough", "3.0.1")
def a_tenth_of_the_parameters(runs):
    """It is enough if a network with a tenth of them, or with fewer, is ahead of the dense one."""
    right, size, dense = together(runs), runs[0]["parameters"], "dense 364"
    verdicts = {name: above(right[name], right[dense]) for name in ("conv 20", "conv 8 + conv 16")}
    said = ", ".join(f"{name} {spread(right[name])} with {size[name]:,}" for name in (dense, *verdicts))
    ahead = [f"{name} with {percent(size[name] / size[dense], 0)} % of them"
             for name, verdict in verdicts.items() if verdict == SO]
    undecided = [verdict for verdict in verdicts.values() if verdict != NOT_SO]
    return (f"test images that are right, %, and parameters: {said}",
            f"{SO}: {' and '.join(ahead)}" if ahead else undecided[0] if undecided else NOT_SO)


@claim("A sigmoid network of five layers fails", "3.1.2")
def five_layers_of_sigmoids_fail(runs):
    """It fails if it reads fewer than half of the test images."""
    right = together(runs)
    sigmoid, relu = right["sigmoid"], right["ReLU"]
    return (f"test images that are right, %: sigmoid {spread(sigmoid)}, ReLU {spread(relu)}",
            in_all([accuracy < 0.5 for accuracy in sigmoid]))


def together(runs, what="accuracies"):
    """{name: fractions} of all seeds' runs."""
    return {name: [fraction for run in runs for fraction in run[what][name]] for name in runs[0][what]}


def in_all(judged):
    """The verdict on what is so, or not, in each of the runs, which are at least three."""
    if len(judged) < 3:
        return TOO_FEW
    return SO if all(judged) else NOT_SO if not any(judged) else SOMETIMES


def above(one, other):
    """The verdict on one being better than the other: all of its runs must be, and three of each."""
    if min(len(one), len(other)) < 3:
        return TOO_FEW
    if min(one) > max(other):
        return SO
    return NOT_SO if min(other) > max(one) else f"{UNDECIDED}: the runs overlap"
