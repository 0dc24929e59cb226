"""What the book's programs do otherwise than one would expect, and what is wrong in notes about them.

    python -m nndl.book.errata

prints the table.  The facades keep every flaw, since the book's numbers come from programs that have
them; `mended` says what to write to be rid of one.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Erratum:
    """where : the program;  what : the flaw;  mended : how to do without it."""

    where: str
    what: str
    mended: str


ERRATA = (
    Erratum("network3", "weights of dense layers are drawn by 1/√n_out, where 1/√n_in was meant",
            'network3.Network(layers, 10, mended=("initialisation",))'),
    Erratum("network3", "λ is divided by the number of mini-batches, in network2 by that of images: "
            "λ = 0.1 with mini-batches of 10 is λ = 1 there",
            'network3.Network(layers, 10, mended=("lambda",))'),
    Erratum("network3", "training data are never shuffled: every epoch has the same mini-batches",
            'network3.Network(layers, 10, mended=("order",))'),
    Erratum("network3", "dropout draws from one seed in every layer: layers of one size have the same "
            "mask, and so have all networks", 'network3.Network(layers, 10, mended=("dropout",))'),
    Erratum("network2", "accuracy is a count, in network3 a fraction",
            "net.accuracy(data) / len(data)"),
)
# What much-read notes say of these networks, and what is so.
NOTES = (
    ("the network with two convolutions has some 35,000 parameters, the one with one 30,000",
     "it has 85,670, and the other 289,630: pooling leaves 20·12·12 inputs for each of 100 neurons"),
    ("chapter 6 regularises its ReLU network with λ = 0.01", "its program says 0.1"),
    ("the expanded data reach 99.37 % training accuracy", "that is accuracy on the test images"),
)


def main():
    """Print both tables."""
    for erratum in ERRATA:
        print(f"{erratum.where}: {erratum.what}.\n    Mended: {erratum.mended}")
    print("\nIn notes about these networks:")
    for said, so in NOTES:
        print(f"    {said}:\n        {so}")


if __name__ == "__main__":
    main()
