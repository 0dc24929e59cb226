"""What is commonly said of these networks, and what the lessons measured of it at full length.

Each claim has a function from what its lesson has measured, a dictionary for each seed, to two
strings: the numbers in a few words, and the verdict.  lessons.course makes a table of them.
"""

from nndl.lesson import percent, spread

CLAIMS = {}  # what is said: (lesson, function)
SO, NOT_SO, UNDECIDED = "is so", "is not so", "undecided: the runs overlap"
SOMETIMES = "in some runs, not in all"


def claim(said, lesson):
    """Enter a function in CLAIMS."""
    def enter(judge):
        CLAIMS[said] = lesson, judge
        return judge
    return enter


@claim("ReLU comes to 98 % in 5 epochs, sigmoid needs 15", "3.1.0")
def relu_in_five_epochs(runs):
    """By the epoch in which each run first has 98 % of the validation images right."""
    epochs = {name: [run["reached"][name][0] for run in runs] for name in ("ReLU", "sigmoid")}
    relu, sigmoid = ([epoch or 1000 for epoch in each] for each in epochs.values())
    fast, slow = max(relu) <= 5, min(sigmoid) >= 15
    verdict = {(True, True): SO, (True, False): "of ReLU it is so; sigmoid needs fewer",
               (False, True): "of sigmoid it is so; ReLU needs more", (False, False): NOT_SO}
    said = {name: ", ".join(str(epoch or "never") for epoch in each) for name, each in epochs.items()}
    return (f"98 % of the validation images: ReLU in epoch {said['ReLU']}, sigmoid in epoch "
            f"{said['sigmoid']}", verdict[fast, slow])


@claim("ReLU converges twice as fast as tanh", "3.1.1")
def relu_twice_as_fast(runs):
    """By the epochs that each needs to the best accuracy that both reach."""
    said = ", ".join(f"{run['epochs']['ReLU']:.1f} and {run['epochs']['tanh']:.1f}" for run in runs)
    times = [run["epochs"]["tanh"] / run["epochs"]["ReLU"] for run in runs]
    verdict = SO if min(times) >= 2 else NOT_SO if max(times) < 2 else SOMETIMES
    return f"to the best that both reach, ReLU and tanh need {said} epochs", verdict


@claim("A dropout rate of 0.5 is best", "3.2.1")
def half_is_the_best_rate(runs):
    """By the validation images, which choose."""
    right = together(runs, "validation")
    half = right.pop("p = 0.5")
    if all(min(half) > max(other) for other in right.values()):
        verdict = SO
    else:
        verdict = NOT_SO if any(min(other) > max(half) for other in right.values()) else UNDECIDED
    said = ", ".join(f"{name} {spread(each)}" for name, each in {**right, "p = 0.5": half}.items())
    return f"validation images that are right, %: {said}", verdict


@claim("Dropout beats L2 regularisation on large networks", "3.2.2")
def dropout_beats_l2(runs):
    """By the test images."""
    right = together(runs)
    return (f"test images that are right, %: dropout {spread(right['large with dropout'])}, "
            f"L2 {spread(right['large with L2'])}, neither {spread(right['large with neither'])}",
            above(right["large with dropout"], right["large with L2"]))


@claim("A convolutional network needs a tenth of the parameters", "3.0.1")
def a_tenth_of_the_parameters(runs):
    """It needs no more if with a tenth of them it is at least as good as the dense network."""
    right, size = together(runs), runs[0]["parameters"]
    said = ", ".join(f"{name} {spread(right[name])} with {size[name]:,}"
                     for name in ("dense 364", "conv 20", "conv 8 + conv 16"))
    verdict = above(right["conv 20"], right["dense 364"])
    if verdict == SO and min(right["conv 8 + conv 16"]) > max(right["dense 364"]):
        fiftieth = size["conv 8 + conv 16"] / size["dense 364"]
        verdict += f", and {percent(fiftieth, 0)} % are enough, too"
    return f"test images that are right, %, and parameters: {said}", verdict


@claim("A sigmoid network of five layers fails", "3.1.2")
def five_layers_of_sigmoids_fail(runs):
    """It fails if it reads fewer than half of the test images."""
    right = together(runs)
    sigmoid, relu = right["sigmoid"], right["ReLU"]
    verdict = SO if max(sigmoid) < 0.5 else NOT_SO if min(sigmoid) >= 0.5 else SOMETIMES
    return f"test images that are right, %: sigmoid {spread(sigmoid)}, ReLU {spread(relu)}", verdict


def together(runs, what="accuracies"):
    """{name: fractions} of all seeds' runs."""
    return {name: [fraction for run in runs for fraction in run[what][name]] for name in runs[0][what]}


def above(one, other):
    """The verdict on one being better than the other: all of its runs must be."""
    return SO if min(one) > max(other) else NOT_SO if min(other) > max(one) else UNDECIDED
