"""What the benchmarks' figures share: the look of each contestant, labels and keys."""

from nndl.plots.drawing import BLACK, EVALUATION, GREY, TEXT_SIZE, TRAINING

# One look for each: differing in grey, in shape and in filling.
LOOK = {
    "nndl": {"color": EVALUATION, "marker": "o", "linestyle": "-", "markerfacecolor": EVALUATION},
    "torch": {"color": TRAINING, "marker": "s", "linestyle": (0, (4, 2)), "markerfacecolor": TRAINING},
    "torch_tuned": {"color": TRAINING, "marker": "s", "linestyle": (0, (1, 1.5)),
                    "markerfacecolor": "white"},
    "numpy": {"color": GREY, "marker": "D", "linestyle": "-", "markerfacecolor": "white"},
}
NAMES = {"nndl": "nndl", "torch": "PyTorch", "torch_tuned": "tuned PyTorch", "numpy": "NumPy"}


def say(ax, heading=None, x=None, y=None):
    """A panel's heading, and what its axes mean, units included."""
    if heading:
        ax.set_title(heading, loc="left", fontsize=TEXT_SIZE, color=BLACK, pad=8)
    for text, put in ((x, ax.set_xlabel), (y, ax.set_ylabel)):
        if text:
            put(text, fontsize=TEXT_SIZE, color=BLACK)


def key(ax, **how):
    """The legend, without a frame."""
    ax.legend(frameon=False, fontsize=TEXT_SIZE - 1, labelcolor=BLACK, **how)
