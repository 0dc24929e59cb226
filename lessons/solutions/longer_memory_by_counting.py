"""How far back must counting look, to be as good as the network?  Book ch. 6, its recurrent networks.

The exercise: the trigram model of lesson 6.3 looks at two letters.  Let it look at more: how far back
does it have to look to be as good as the LSTM, and what does that cost?

The answer: the same rule, letter by letter further back.  Behind a context c seen n(c) times, and
before u(c) different letters,

    p(x | c) = (n(c x) + u(c) p(x | c less its first letter)) / (n(c) + u(c)),

down to 1/K for K letters (Witten and Bell 1991); where c has not been seen, n(c) = u(c) = 0, the
shorter one has all the say.  One pass over the test text gives the perplexity for every length of
memory at once.  What it costs: a number for every letter behind a context that the text has.

The texts are those of the lessons, every tenth of them for the test, as in 6.3; so is the network.

    python -m lessons.solutions.longer_memory_by_counting
"""

import math
from collections import Counter
from pathlib import Path

from lessons.network_6_3_character_model import (
    CLIP,
    ETA,
    MOMENTUM,
    RAREST,
    STEPS,
    STREAMS,
    build_network,
    lessons,
    parts,
)
from nndl import plots
from nndl.lesson import solution
from nndl.text import Alphabet, perplexity, streams

LONGEST = 8   # letters before


def counted(text, longest):
    """{context: Counter of the letters behind it}, of all contexts of up to `longest` letters."""
    behind = {}
    for length in range(longest + 1):
        for i in range(length, len(text)):
            behind.setdefault(text[i - length:i], Counter())[text[i]] += 1
    return behind


def probabilities(behind, before, letter, n_letters, longest):
    """p(letter | the last 0, 1, ... `longest` letters of before)."""
    found, p = [], 1 / n_letters
    for length in range(min(longest, len(before)) + 1):
        if counts := behind.get(before[len(before) - length:]):
            p = (counts[letter] + len(counts) * p) / (counts.total() + len(counts))
        found.append(p)
    return found + [p] * (longest + 1 - len(found))


def by_counting(behind, text, n_letters, longest):
    """[perplexity of text with a memory of 0, 1, ... `longest` letters]."""
    costs = [0.0] * (longest + 1)
    for i in range(1, len(text)):
        before = text[max(0, i - longest):i]
        for length, p in enumerate(probabilities(behind, before, text[i], n_letters, longest)):
            costs[length] -= math.log(p)
    return [math.exp(cost / (len(text) - 1)) for cost in costs]


def main(epochs=10, hidden=128, letters=None, longest=LONGEST, seed=0, out="pictures"):
    """Returns the perplexities by counting, the network's, and how many numbers each keeps."""
    training, validation, test = parts(lessons())
    training = training[:letters]
    alphabet = Alphabet(training, RAREST)
    read, watched, judged = map(alphabet.encode, (training, validation, test))

    behind = counted(alphabet.decode(read), longest)
    sizes = [0] * (longest + 1)
    for context, counts in behind.items():
        sizes[len(context)] += len(counts)
    numbers = [sum(sizes[:length + 1]) for length in range(longest + 1)]
    chosen, counting = (by_counting(behind, alphabet.decode(text), len(alphabet), longest)
                        for text in (watched, judged))

    net = build_network(len(alphabet), hidden, seed=seed)
    net.SGD(streams(read, STREAMS, STEPS), epochs, STREAMS, lambda epoch: ETA * 0.1 ** (epoch / epochs),
            momentum=MOMENTUM, clip=CLIP, shuffle=False, progress=False)
    network = perplexity(net, judged)

    print("letters before    perplexity on the test texts    numbers kept")
    for length in range(longest + 1):
        print(f"{length:>14}    {counting[length]:>28.2f}    {numbers[length]:>12,}")
    print(f"{f'LSTM, {hidden} cells':>14}    {network:>28.2f}    {net.parameters:>12,}")
    enough = next((length for length in range(longest + 1) if counting[length] <= network), None)
    best = chosen.index(min(chosen))  # by the validation texts
    found = (f"Counting needs {enough} letters before to be as good as the network, {network:.2f}"
             if enough is not None else
             f"Counting does not come to the network's {network:.2f}: with the {best} letters that the "
             f"validation texts choose it has {counting[best]:.2f}")
    print(f"{found}.  The validation texts choose {best} letters: {counting[best]:.2f}, with "
          f"{numbers[best]:,} numbers.")
    beyond = {"counting": (range(2, longest + 1), counting[2:])}  # the trigram's two letters, and more
    saved = plots.lines({"perplexity on the test texts": beyond},
                        Path(out) / "solutions" / "longer_memory_by_counting.png", found,
                        x="letters before that are looked at",
                        levels={"perplexity on the test texts": {"LSTM": network}})
    print(f"saved: {saved}")
    return {"counting": counting, "network": network, "numbers": numbers, "enough": enough}


if __name__ == "__main__":
    raise SystemExit(solution(main))
