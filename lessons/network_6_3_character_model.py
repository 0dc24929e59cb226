"""6.3  Can a network learn to write, one letter at a time, by reading what others have written?

Book: chapter 6, "Other approaches to deep neural nets" (recurrent neural networks, LSTMs); the cost is
    chapter 3's, "Softmax".
Before: 6.2.
Next: 6.4, what the hidden units hold.

    python -m lessons 6.3          128 memory cells, 10 epochs on the lessons' own texts
    python -m lessons 6.3 --full   256 memory cells with dropout 0.3, 20 epochs

Steps through: lstm_forward and lstm_backward in nndl/ops/recurrent_numpy.py (--backend numpy); streams,
perplexity and Trigram in nndl/text.py; write in nndl/sampling.py.

Measured in 0.5 minutes: On lessons that it has not read the LSTM has a perplexity of 3.42, the
    trigram model 6.00; of the words that it writes 70.7 % are known, of the trigram's 17.1 %.

Exercises
1. The constant c of the book's (83), its problem in ch. 3: to a network that writes, 1/c is the
   temperature.  What do samples gain and lose?  Worked: solutions/writing_at_a_temperature.py
2. Counting, too, can look further back than two letters.  How far does it have to, to be as good as
   the network?  Worked: solutions/longer_memory_by_counting.py
"""

import re
from pathlib import Path

import numpy as np

from nndl import LSTM, Dense, Dropout, Embedding, Network, Softmax, plots
from nndl.lesson import Lesson, command_line, counted, percent
from nndl.sampling import sampler, write
from nndl.text import Alphabet, Trigram, perplexity, streams

ETA, MOMENTUM, CLIP = 1.0, 0.9, 1.0  # eta falls to a tenth
STREAMS, STEPS = 20, 50           # a mini-batch: 20 places of the text, 50 letters on from each
RAREST = 10                       # letters that stand there less often are one symbol
WRITTEN, LETTERS = 20, 200        # so many samples of so many letters, to count words in
FIRST = "\n"                      # what a sample begins with
READ = (1, 2, 3, 5, 10, 20, 50, 100)  # letters read before, upper ends of what is averaged
FULL = {"epochs": 20, "hidden": 256, "p_dropout": 0.3}


def build_network(symbols, hidden=128, p_dropout=0.0, backend=None, seed=0):
    """A symbol in, the probability of each symbol to come next out, at every step."""
    dropout = [Dropout(p_dropout)] if p_dropout else []
    return Network([
        Embedding(symbols),                  # (m, t) ints -> (m, t, symbols), one-hot
        LSTM(hidden, stateful=True),         #             -> (m, t, hidden)
        *dropout,
        Dense(symbols), Softmax(),           #             -> (m, t, symbols)
    ], input_shape=(None,), backend=backend, seed=seed)


def lessons():
    """The texts of all lessons, a list of strings."""
    paths = sorted(Path(__file__).parent.glob("network_*.py"))
    return [path.read_text(encoding="utf-8") for path in paths]


def parts(texts):
    """(training, validation, test): every tenth text is for validation, every tenth for the test."""
    held = {place: "".join(texts[place::10]) for place in (4, 9)}
    training = "".join(text for number, text in enumerate(texts) if number % 10 not in held)
    return training, held[4], held[9]


def main(epochs=10, hidden=128, p_dropout=0.0, letters=None, backend=None, seed=0, out="pictures"):
    """Count, train, write; letters: how many of the training text, None all.  Returns perplexities
    on the test texts, the validation texts' after each epoch, and shares of words that are known."""
    lesson = Lesson(__file__, out, epochs=epochs, hidden=hidden, p_dropout=p_dropout, letters=letters,
                    backend=backend, seed=seed)
    training, validation, test = parts(lessons())
    training = training[:letters]
    alphabet = Alphabet(training, RAREST)
    read, watched, judged = (alphabet.encode(text) for text in (training, validation, test))
    lesson.idea(f"""
        Nobody labels anything here: at each letter of a text the label is the letter that comes next.
        The text is that of these lessons, {len(training):,} letters, of which {len(alphabet)} are
        different; the lessons that are held out are others.

        A text is one long sequence.  {STREAMS} readers begin at {STREAMS} places and read {STEPS}
        letters in each mini-batch; the next one goes on with the state that this one has left, while
        the gradient stops at its beginning.

        To compare with, a trigram model counts which letters have followed each pair of letters.

        A network that says how likely each letter is can write: draw one, hand it in as the next
        input, and so on.""")
    lesson.mathematics("""
        C = -Σ_s ln a_s[x_(s+1)]                 the letter that came, at each step s       (80)
        δ_s = a_s - y_s                          BP1, at each step                          (84)
        perplexity = e^(mean of -ln a_s[x_(s+1)])    as unsure as if so many letters were equally likely
        p(x | ab) = (n(abx) + u p(x | b)) / (n(ab) + u)    the trigram's probability: n counts how often
                                                           something was read, u how many different
                                                           letters came behind ab""")
    net = build_network(len(alphabet), hidden, p_dropout, backend, seed)
    lesson.network(net)

    words = words_of(training)
    trigram = Trigram(read, len(alphabet))
    by_counting = [perplexity_by_counting(trigram, judged, n) for n in (0, 1, 2)]
    before = perplexity(net, judged)
    lesson.step(f"""
        By counting which letter follows which two: perplexity {by_counting[2]:.2f} on the test texts.
        The network before training: {before:.1f}.
        Now {counted(epochs, 'epoch')}, η = {ETA:g} falling to a tenth, the gradient clipped at
        {CLIP:g}:""")
    samples = {}

    def known(net):
        """The share of known words in what it writes now, which is kept."""
        samples[net.history.epochs + 1] = written = samples_of(net, alphabet, seed)
        return share_known(written, words)

    history = net.SGD(
        streams(read, STREAMS, STEPS), epochs, STREAMS, lambda epoch: ETA * 0.1 ** (epoch / epochs),
        momentum=MOMENTUM, clip=CLIP, shuffle=False, checkpoint=lesson.checkpoint("network"),
        monitors={"perplexity": lambda net: perplexity(net, watched), "known": known})
    curve, shares = history.measured["perplexity"], history.measured["known"]
    after = perplexity(net, judged)
    counting = written_by_counting(trigram, alphabet, seed)
    for epoch in sorted({1, 2, 4, epochs} & samples.keys()):
        show(f"After epoch {epoch}, perplexity {curve[epoch - 1]:.2f} on the validation texts, it "
             "writes:", samples[epoch][0])
    show("The trigram model writes:", counting[0])
    line = surprising_line(test)
    lesson.step("How surprising is each letter of a line of the test texts, in nats, 9 at most?")
    rows = surprise(net, trigram, alphabet, test, line)
    print("\n".join(f"    {name:<10}{row}" for name, row in rows.items()))

    by_memory = perplexity_by_memory(net, judged)
    on_training = perplexity(net, read[:len(judged)])
    lesson.table(("perplexity on the test texts, lower is better", ""),
                 [("all letters equally likely", len(alphabet)),
                  ("counted: how often each letter is there", f"{by_counting[0]:.2f}"),
                  ("counted: behind the letter before", f"{by_counting[1]:.2f}"),
                  ("counted: behind the two before, the trigram", f"{by_counting[2]:.2f}"),
                  (f"LSTM, {hidden} cells, before training", f"{before:.2f}"),
                  ("    after it", f"{after:.2f}"),
                  ("    on the first letters that it was trained on",
                   f"{on_training:.2f}")])
    lesson.table(("words written that the training texts have", "%"),
                 [("the trigram", percent(share_known(counting, words), 1)),
                  *((f"LSTM after epoch {epoch}", percent(shares[epoch - 1], 1))
                    for epoch in sorted({1, 2, 4, epochs}) if epoch <= epochs)])
    below = next((epoch for epoch, value in enumerate(curve, 1)
                  if value < trigram.perplexity(watched)), None)
    plots.lines({"perplexity on the validation texts": {"LSTM": curve},
                 "words written that are known, percent": {"LSTM": [100 * s for s in shares]}},
                lesson.path("perplexity.png"),
                f"After epoch {below} the network is surer of the next letter than the trigram"
                if below else "The network does not come to the trigram's perplexity",
                levels={"perplexity on the validation texts":
                        {"trigram": trigram.perplexity(watched)},
                        "words written that are known, percent":
                        {"trigram": 100 * share_known(counting, words)}})
    enough = next((name for name, value in by_memory.items() if value < by_counting[2]), None)
    plots.bars({"by counting": dict(zip("012", by_counting)), "by the LSTM": by_memory},
               lesson.path("memory.png"),
               f"Having read {enough} letters, the network is surer than the trigram" if enough else
               f"Even having read {list(by_memory)[-1]} letters, it is less sure than the trigram",
               "perplexity on the test texts",
               note="beneath each bar: how many of the letters before it has looked at, or read")
    cold, one = by_memory["1"], by_counting[1]
    lesson.take_away(
        f"On lessons that it has not read the LSTM has a perplexity of {after:.2f}, the trigram model "
        f"{by_counting[2]:.2f}; of the words that it writes {percent(shares[-1], 1)} % are known, of "
        f"the trigram's {percent(share_known(counting, words), 1)} %.",
        f"""With one letter read and nothing before it, its perplexity is {cold:.1f}, that of counting
        behind one letter {one:.1f}.  """ + ("""Where a text begins it has hardly ever been trained: its
        readers go on from mini-batch to mini-batch.""" if cold > one else ""))
    return lesson.end(perplexity=after, counted=by_counting, before=before, curve=curve, shares=shares,
                      on_training=on_training,
                      share_counted=share_known(counting, words), by_memory=by_memory)


# --- perplexities ---------------------------------------------------------------------------------

def perplexity_by_counting(trigram, symbols, looks_at):
    """The perplexity of a trigram model that looks at so many letters before, 0 to 2."""
    symbols = symbols.tolist()
    return float(np.exp(-np.mean([
        np.log(trigram.probability(symbols[max(0, i - looks_at):i], symbols[i]))
        for i in range(1, len(symbols))])))


def perplexity_by_memory(net, symbols, every=25):
    """{letters read: perplexity of the next}, from readers that begin anew at every 25th letter."""
    pieces = np.lib.stride_tricks.sliding_window_view(symbols, READ[-1] + 1)[::every]
    a = net.feedforward(pieces[:, :-1])
    p = np.take_along_axis(a, pieces[:, 1:, None], axis=2)[:, :, 0]
    cost = -np.log(np.maximum(p, 1e-30))
    return {str(end) if end - begin == 1 else f"{begin + 1}-{end}":
            float(np.exp(cost[:, begin:end].mean())) for begin, end in zip((0, *READ), READ)}


def surprising_line(text):
    """The first line of code that calls plots: words, brackets, quotes."""
    return next((found for found in re.findall(r"^ +plots\..{30,}$", text, flags=re.M)),
                text.splitlines()[-1])


def surprise(net, trigram, alphabet, text, line):
    """{what: row of signs}: a line of the text, and a digit for each letter, its cost in whole nats."""
    begin = text.index(line)
    symbols = alphabet.encode(text[max(0, begin - 500):begin + len(line)])
    a = net.feedforward(symbols[None, :-1])[0]
    costs = {"trigram": [trigram.probability(symbols[max(0, i - 2):i].tolist(), int(symbols[i]))
                         for i in range(len(symbols) - len(line), len(symbols))],
             "LSTM": a[np.arange(len(a)), symbols[1:]][-len(line):]}
    return {"": line, **{name: "".join(str(min(9, round(-np.log(max(float(p), 1e-30)))))
                                       for p in ps).replace("0", "·") for name, ps in costs.items()}}


# --- writing --------------------------------------------------------------------------------------

def samples_of(net, alphabet, seed):
    """WRITTEN texts of LETTERS letters, drawn by the network's own probabilities."""
    begin = np.tile(alphabet.encode(FIRST), (WRITTEN, 1))
    drawn = write(net, begin, LETTERS, sampler(np.random.default_rng(seed)))
    return [alphabet.decode(row) for row in drawn]


def written_by_counting(trigram, alphabet, seed):
    """As many, drawn by the trigram's."""
    rng, texts = np.random.default_rng(seed), []
    for _ in range(WRITTEN):
        symbols = alphabet.encode(FIRST).tolist()
        while len(symbols) <= LETTERS:
            p = np.array([trigram.probability(symbols, s) for s in range(len(alphabet))])
            symbols.append(int(rng.choice(len(p), p=p / p.sum())))
        texts.append(alphabet.decode(symbols[1:]))
    return texts


def words_of(text):
    """The words of at least four letters of a text, in small letters, a set."""
    return set(re.findall(r"[a-z]{4,}", text.lower()))


def share_known(texts, words):
    """Of all words of four letters on in these texts, but the last, how many are among `words`."""
    found = [word for text in texts for word in re.findall(r"[a-z]{4,}(?![a-z]|$)", text.lower())]
    return sum(word in words for word in found) / max(1, len(found))


def show(what, text):
    """Print a sample as it is, indented."""
    print(f"\n    {what}\n" + "\n".join(f"        | {line}" for line in text.splitlines()))


if __name__ == "__main__":
    raise SystemExit(command_line(main, FULL))
