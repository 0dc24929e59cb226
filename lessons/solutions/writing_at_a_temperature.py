"""What the temperature does to a network that writes.  Book ch. 3, (83), on the network of lesson 6.3.

The exercise: with a constant c in it softmax is a_j = e^(c z_j) / Σ_k e^(c z_k), (83).  For a network
that writes, 1/c is called the temperature.  What do the samples gain and lose as it changes?

The answer: e^(c z_j) is (e^(z_j))^c, so that the probabilities for c are those for c = 1 to the power
of c, divided by their sum: nndl.sampling.sampler does this, and no weight changes.  Large c (cold)
draws the likeliest letter ever more surely, small c (hot) draws all more alike.  Measured below: of the
words that it writes, how many the training texts have; and of the letters, how many are blank, beside
the texts' own share, because what is likeliest behind a blank is often another one.

    python -m lessons.solutions.writing_at_a_temperature
"""

import math
import re
from pathlib import Path

import numpy as np

from lessons.network_6_3_character_model import (
    CLIP,
    ETA,
    FIRST,
    MOMENTUM,
    RAREST,
    STEPS,
    STREAMS,
    WRITTEN,
    build_network,
    lessons,
    parts,
)
from nndl import plots
from nndl.lesson import solution
from nndl.sampling import sampler, write
from nndl.text import Alphabet, streams

TEMPERATURES = (0.2, 0.4, 0.6, 0.8, 1.0, 1.2, 1.5)
LETTERS = 250  # of each sample


def words_of(text):
    """The words of a text that have at least four letters, in its order."""
    return re.findall(r"[a-z]{4,}(?![a-z]|$)", text.lower())


def blanks(text):
    """Which share of a text's letters is blank."""
    return sum(letter.isspace() for letter in text) / len(text)


def main(epochs=10, hidden=128, letters=None, temperatures=TEMPERATURES, seed=0, out="pictures"):
    """Returns {temperature: share} of words that are known and of letters that are blank; and the
    blank letters' share in the training texts."""
    training = parts(lessons())[0][:letters]
    alphabet, there = Alphabet(training, RAREST), set(words_of(training))
    net = build_network(len(alphabet), hidden, seed=seed)
    net.SGD(streams(alphabet.encode(training), STREAMS, STEPS), epochs, STREAMS,
            lambda epoch: ETA * 0.1 ** (epoch / epochs), momentum=MOMENTUM, clip=CLIP, shuffle=False,
            progress=False)

    known, blank = {}, {}
    for temperature in temperatures:
        drawn = write(net, np.tile(alphabet.encode(FIRST), (WRITTEN, 1)), LETTERS,
                      sampler(np.random.default_rng(seed), temperature))
        written = [alphabet.decode(row) for row in drawn]
        words = [word for text in written for word in words_of(text)]
        known[temperature] = sum(word in there for word in words) / len(words) if words else math.nan
        blank[temperature] = blanks("".join(written))
        print(f"\ntemperature {temperature:g}, c = {1 / temperature:.3g}: of {len(words)} words "
              f"{100 * known[temperature]:.0f} % are known; {100 * blank[temperature]:.0f} % of the "
              "letters are blank")
        print("\n".join(f"    | {line}" for line in written[0].splitlines()))
    cold, hot = next((t for t in temperatures if known[t] == known[t]), 0), temperatures[-1]
    own = blanks(training)
    saved = plots.lines(
        {"words written that are known, percent":
         {"LSTM": (temperatures, [100 * known[t] for t in temperatures])},
         "letters written that are blank, percent":
         {"LSTM": (temperatures, [100 * blank[t] for t in temperatures])}},
        Path(out) / "solutions" / "writing_at_a_temperature.png",
        f"{100 * known.get(cold, 0):.0f} % of the words are known at temperature {cold:g}, "
        f"{100 * known[hot]:.0f} % at {hot:g}; {100 * blank[temperatures[0]]:.0f} % of the letters are "
        f"blank at {temperatures[0]:g}, {100 * blank[hot]:.0f} % at {hot:g}", x="temperature, 1/c",
        levels={"letters written that are blank, percent": {"the texts": 100 * own}})
    print(f"saved: {saved}")
    return {"known": known, "blank": blank, "texts": own}


if __name__ == "__main__":
    raise SystemExit(solution(main))
