"""6.1  Which shapes of task can one recurrent layer do, and how does one know that it does them?

Book: chapter 6, "Other approaches to deep neural nets", its paragraph on recurrent networks.
Before: 6.0.
Next: 6.2, how far back a gradient reaches.

    python -m lessons 6.1          each task in small, on 5,000 to 20,000 examples
    python -m lessons 6.1 --full   each task whole: all 50,000 images, words of up to 10 letters, dates
                                   of up to 50

Steps through: Recurrent, LSTM, Last and EncoderDecoder in nndl/recurrent.py; recurrent_forward and
recurrent_backward in nndl/ops/recurrent_numpy.py (--backend numpy); write and draw in nndl/sampling.py,
where an output becomes the next input.

Measured in 1.0 minutes: Read row by row 91.75 % of the test images are right with the vanilla
    layer, 96.27 % with the LSTM; learnt on up to 8 bits, 0 of 10,000 sums of 20 bits are wrong;
    99.9 % of new words are reversed, 95.3 % of new dates rewritten, 82.1 % of drawn digits
    recognised.

Exercises
1. Hand the most significant bits to the adding network first.  Which bits of the sum can it still
   know, and how often must it be wrong?  Worked: solutions/most_significant_first.py
2. After how many rows does a network know which digit it is reading?  Worked:
   solutions/when_does_it_know.py
"""

import numpy as np

from nndl import (
    LSTM,
    Dense,
    Embedding,
    EncoderDecoder,
    Last,
    Network,
    Recurrent,
    Sequences,
    Sigmoid,
    Softmax,
    load_mnist,
    plots,
)
from nndl.data import tasks
from nndl.data.rows import black_and_white, to_be_drawn
from nndl.draw import shipped_network
from nndl.lesson import Lesson, command_line, counted, percent
from nndl.sampling import draw, write

# η of the first epoch; by the last it has fallen to about a tenth.
ETA = {"vanilla": 0.02, "lstm": 0.1, "sums": 0.1, "words": 0.3, "dates": 0.3, "drawing": 0.02}
CLIP = {"drawing": 10.0}        # of the others 1
MOMENTUM = 0.9
BITS, LONG = (1, 8), 20         # of the numbers that are added: in training, and when it is judged
DRAWN_ROWS, LIKELY = 4, 0.01    # of the figures: rows of digits, least probability of a letter
END = "·"
# For each task: times through the examples, how many there are, of a mini-batch; hidden units.
SIZES = "epochs", "train_size", "mini_batch_size", "units"
QUICK = {
    "vanilla": dict(zip(SIZES, (4, 10_000, 20, 128))),
    "lstm": dict(zip(SIZES, (4, 10_000, 20, 128))),
    "sums": dict(zip(SIZES, (5, 10_000, 20, 12))),
    "words": dict(zip(SIZES, (5, 20_000, 50, 96)), longest=5),
    "dates": dict(zip(SIZES, (10, 5_000, 20, 96)), longest=20),
    "drawing": dict(zip(SIZES, (4, 10_000, 20, 128))),
}
WHOLE = {
    "vanilla": dict(zip(SIZES, (10, 50_000, 50, 128))),
    "lstm": dict(zip(SIZES, (12, 50_000, 50, 128))),
    "sums": dict(zip(SIZES, (10, 20_000, 20, 12))),
    "words": dict(zip(SIZES, (5, 80_000, 50, 128)), longest=10),
    "dates": dict(zip(SIZES, (6, 20_000, 50, 128)), longest=tasks.LONGEST_DATE),
    "drawing": dict(zip(SIZES, (7, 50_000, 50, 256))),
}
FULL = {"plan": WHOLE}
ISO = len(tasks.DATE_LETTERS)  # the first symbol of what is written of a date, see tasks.dates


def build_network(task, plan=QUICK, backend=None, seed=0):
    """The network of a task: many to one, step by step, read and then write, or one to many."""
    n, reads = plan[task]["units"], plan[task].get("longest")
    layers, shape = {
        "vanilla": lambda: ([Recurrent(n), Last(),                 # (m, 28, 28) -> (m, n)
                             Dense(10), Softmax()], (28, 28)),     #             -> (m, 10)
        "lstm": lambda: ([LSTM(n), Last(), Dense(10), Softmax()], (28, 28)),
        "sums": lambda: ([Recurrent(n),                            # (m, t, 2)   -> (m, t, n)
                          Dense(2), Softmax()], (None, 2)),        #             -> (m, t, 2)
        "words": lambda: ([Embedding(27),                          # (m, r + t)  -> (m, r + t, 27)
                           EncoderDecoder(n, reads),               #             -> (m, t, n)
                           Dense(27), Softmax()], (None,)),        #             -> (m, t, 27)
        "dates": lambda: ([Embedding(ISO + 12), EncoderDecoder(n, reads), Dense(11), Softmax()],
                          (None,)),
        "drawing": lambda: ([LSTM(n),                              # (m, t, 38)  -> (m, t, n)
                             Dense(28), Sigmoid()], (None, 38)),   #             -> (m, t, 28)
    }[task]()
    return Network(layers, input_shape=shape, backend=backend, seed=seed)


def main(epochs=None, train_size=None, backend=None, seed=0, out="pictures", plan=QUICK, judged=1_000,
         sums=10_000):
    """Train a network for each task and judge it.  Returns what was right, fractions, by task.

    plan : epochs, train_size and units for each task; epochs, train_size : instead of the plan's
    judged : of words, dates and drawn digits;  sums : of sums
    """
    given = {"epochs": epochs, "train_size": train_size}
    given = {name: value for name, value in given.items() if value is not None}
    plan = {task: settings | given for task, settings in plan.items()}
    lesson = Lesson(__file__, out, **given, backend=backend, seed=seed, plan=plan, judged=judged,
                    sums=sums)
    lesson.idea("""
        A feedforward network takes one input of one size and makes one output of one size.  A recurrent
        layer takes a sequence, a step at a time, with the same weights at every step, and keeps what it
        needs in its state.  So the same layer serves tasks of several shapes; what differs is at which
        steps something comes in, and at which steps something is asked.

        Many to one: read an image row by row, then say what it is.  Many to many, step by step: add two
        numbers, a bit of each at a time.  Many to many, first reading and then writing: a word
        backwards, a date in another form; one layer reads, and another begins with its last state.  One
        to many: from a label alone draw a digit, each row after the rows above it.

        Each task but the last says unmistakably whether it works: a sum of 20 bits is right or it is
        not.  Of the last one a network judges that has been trained on real digits: chapter 6's, with
        two convolutions, net A for short.

        Two kinds of layer are at work: the plain one of lesson 6.0, here called vanilla, and the LSTM,
        whose memory cells have gates.  How that works is lesson 6.2's matter.""")
    lesson.mathematics("""
        h_s = tanh(w_xh x_s + w_hh h_(s-1) + b)     the same weights at each step s   (22), with a past
        C = -ln a_y at the last step                many to one                       (80)
        C = Σ_s -ln a_y at step s                   many to many                      (80), summed
        C = -Σ_s Σ_j [y ln a + (1 - y) ln(1 - a)]   one to many, j a pixel            (63), summed
        v -> 0.9 v - η ∇C,  w -> w + v              momentum                          (107), (108)""")
    rng = np.random.default_rng([seed, 61])  # of the tasks; the networks have their own
    splits = load_mnist()
    run = Run(lesson, plan, backend, seed)

    curves, reading = run.reading(splits)
    adding = run.adding(rng, sums)
    shown = {task: run.rewriting(task, rng, judged) for task in ("words", "dates")}
    drawing = run.drawing(splits, rng, judged)

    longest, letters = (plan[task]["longest"] for task in ("words", "dates"))
    lesson.table(
        ("task", "shape", "what counts", "right, %"),
        [("an image by its rows, vanilla", "many to one",
          f"{len(splits.test.images):,} test images", percent(reading["vanilla"])),
         ("an image by its rows, LSTM", "many to one", "the same", percent(reading["lstm"])),
         (f"sums, learnt on up to {BITS[1]} bits", "step by step",
          f"{sums:,} whole sums of {BITS[1]} bits", percent(adding[BITS[1]])),
         ("", "", f"{sums:,} whole sums of {LONG} bits", percent(adding[LONG])),
         (f"words of 3 to {longest} letters backwards", "read, then write",
          f"{shown['words']['judged']:,} whole new words",
          percent(shown["words"]["right"])),
         (f"dates of up to {letters} letters into ISO form", "read, then write",
          f"{shown['dates']['judged']:,} whole new dates", percent(shown["dates"]["right"])),
         ("draw a digit from its label", "one to many", f"{judged:,} that net A recognises",
          percent(drawing["recognised"], 1)),
         ("(real digits in black and white)", "", f"{len(drawing['drawn']):,} that net A recognises",
          percent(drawing["real"], 1))],
        "Measured, one run each; the book trains no recurrent network")
    run.figures(curves, shown, drawing)
    wrong = round(sums * (1 - adding[LONG]))
    lesson.take_away(
        f"Read row by row {percent(reading['vanilla'])} % of the test images are right with the "
        f"vanilla layer, {percent(reading['lstm'])} % with the LSTM; learnt on up to {BITS[1]} bits, "
        f"{wrong:,} of {sums:,} sums of {LONG} bits are wrong; "
        f"{percent(shown['words']['right'], 1)} % of new words are reversed, "
        f"{percent(shown['dates']['right'], 1)} % of new dates rewritten, "
        f"{percent(drawing['recognised'], 1)} % of drawn digits recognised.",
        f"""The rule for adding is the same at every step, so a network that has found it adds longer
        numbers, too: this one was judged on {LONG} bits and had never seen more than {BITS[1]}.""" if
        wrong == 0 else
        f"""The rule for adding is the same at every step.  This network has nearly found it: an error
        at one step in many is seldom seen in {BITS[1]} bits, and more often in {LONG}.""" if
        wrong < sums / 10 else
        f"""Sums of {LONG} bits are longer than any that it has seen: with so little training it has not
        found the rule that is the same at every step.""",
        """A digit that is drawn has no right answer, so it is judged by a network that has never seen a
        drawn one.  That says whether it can be read; it does not say whether it looks like handwriting,
        or whether all of a kind look alike.  The figure shows that.""")
    return lesson.end(accuracy=reading["lstm"], reading=reading, adding=adding[LONG],
                      adding_short=adding[BITS[1]], words=shown["words"]["right"],
                      dates=shown["dates"]["right"], recognised=drawing["recognised"],
                      real=drawing["real"], curves=curves)


class Run:
    """The tasks, one after the other: each method trains its network and judges it."""

    def __init__(self, lesson, plan, backend, seed):
        self.lesson, self.plan, self.backend, self.seed = lesson, plan, backend, seed

    def train(self, task, data, said, **more):
        """The trained network of a task and its history.  more : what else SGD takes."""
        settings, eta = self.plan[task], ETA[task]
        epochs, clip = settings["epochs"], CLIP.get(task, 1.0)
        net = build_network(task, self.plan, self.backend, self.seed)
        self.lesson.network(net, said)
        self.lesson.step(f"""
            {counted(epochs, "epoch")} on {len(data[0]):,} examples, η from {eta:g} to about a tenth,
            the gradient shortened to length {clip:g} where it is longer:""")
        history = net.SGD(data, epochs, settings["mini_batch_size"],
                          lambda epoch: eta * 0.1 ** (epoch / epochs), momentum=MOMENTUM, clip=clip,
                          checkpoint=self.lesson.checkpoint(task), **more)
        return net, history

    def reading(self, splits):
        """Many to one.  Returns ({cell: validation accuracies}, {cell: test accuracy})."""
        curves, right = {}, {}
        for cell, said in (("vanilla", "Many to one: an image's rows, with the vanilla layer"),
                           ("lstm", "Many to one: the same with an LSTM")):
            net, history = self.train(cell, splits.training[:self.plan[cell]["train_size"]], said,
                                      evaluation_data=splits.validation,
                                      monitor_evaluation_accuracy=True)
            curves[cell], right[cell] = history.evaluation_accuracy, net.accuracy(splits.test)
        return curves, right

    def adding(self, rng, judged):
        """Many to many, step by step.  Returns {bits: share of whole sums that are right}."""
        data = tasks.binary_sums(self.plan["sums"]["train_size"], BITS, rng)
        net, _ = self.train("sums", data, "Step by step: two bits come in, one bit of the sum goes out")
        right = {}
        for bits in (BITS[1], LONG):
            x, y = tasks.binary_sums(judged, bits, rng)
            right[bits] = float((net.predict(x) == y).all(axis=1).mean())
        return right

    def rewriting(self, task, rng, judged):
        """Read, then write.  Returns {"right", and of the longest one: "read", "written", "p"}.

        Judged is what the network writes by itself, each letter that it has written, right or wrong,
        as its next input; of examples that it has not been trained on.
        """
        settings = self.plan[task]
        reads = settings["longest"]
        if task == "words":
            said, letters, end, feed = "a word backwards", tasks.LETTERS, tasks.GO, None
            data, (x, y) = (tasks.reversed_words(n, rng, longest=reads)
                            for n in (settings["train_size"], judged))
        else:
            said, letters, end = "a date in ISO form", tasks.ISO_LETTERS, None
            feed = ISO + np.arange(len(letters))
            data, (x, y) = (dates(n, rng, reads) for n in (settings["train_size"], judged))
        net, _ = self.train(task, data, f"Read, then write: {said}")
        first = Sequences(x.padded[:, :reads + 1], valid=x.valid[:, :reads + 1])  # no letter is given
        written = write(net, first, y.shape[1], feed=feed, end=end)
        right = (np.where(y < 0, -1, written) == y).all(axis=1)
        seen = {example.tobytes() for example in data[0].padded}
        new = np.array([example.tobytes() not in seen for example in x.padded])
        longest = int(x.valid.sum(axis=1).argmax())
        return {"right": float(right[new].mean()), "judged": int(new.sum()),
                "longest_right": bool(right[longest]),
                **letter_by_letter(net, x[[longest]], written[longest], letters, feed)}

    def drawing(self, splits, rng, judged):
        """One to many.  Returns {"recognised", "real", and images: "drawn", "shown"}.

        The judge is net A, which has been trained on real digits and has never seen a drawn one.
        """
        training = splits.training[:self.plan["drawing"]["train_size"]]
        net, _ = self.train("drawing", to_be_drawn(*training),
                            "One to many: the label at each step, and the row before")
        judge = shipped_network()[0].copy(backend=self.backend)
        labels = np.arange(judged) % 10
        drawn = draw(net, labels, rng)
        test = splits.test
        real = (255 * black_and_white(test.images)).astype(np.uint8)
        return {"recognised": judge.accuracy((drawn, labels)), "drawn": drawn,
                "real": judge.accuracy((real[:judged], test.labels[:judged])),
                "shown": np.array([real[test.labels == digit][0] for digit in range(10)])}

    def figures(self, curves, shown, drawing):
        """Digits, letters, and how the two cells learn."""
        judged, lesson = len(drawing["drawn"]), self.lesson
        plots.rows_of_images(
            [("from MNIST, in black and white", drawing["shown"]),
             *(("drawn by the network" if row == 0 else "and again", drawing["drawn"][10 * row:][:10])
               for row in range(min(DRAWN_ROWS, judged // 10)))],
            lesson.path("drawn_digits.png"),
            f"Of {judged:,} digits drawn row by row net A recognises "
            f"{percent(drawing['recognised'], 1)} %, of as many real ones in black and white "
            f"{percent(drawing['real'], 1)} %",
            ["the first ones of each label, none left out; each pixel is ink with the probability that "
             "the network says"])
        how = " and ".join(f"“{''.join(one['written']).rstrip(END)}” "
                           f"({'right' if one['longest_right'] else 'wrong'})"
                           for one in shown.values())
        plots.over_steps(
            {f"read: {one['read']}": (one["written"], one["p"]) for one in shown.values()},
            lesson.path("letter_by_letter.png"), f"Letter by letter the network writes {how}",
            f"what it has written, in order; {END} is the end", width=7,
            note="the darker, the likelier: the probability of each letter at each step, from 0 to 1; "
                 f"letters that nowhere have {percent(LIKELY, 0)} % are left out")
        ahead = max(curves, key=lambda cell: curves[cell][-1])
        by = 100 * abs(curves["lstm"][-1] - curves["vanilla"][-1])
        names = {"vanilla": "vanilla", "lstm": "LSTM"}
        heading = "validation images that are right, percent"
        plots.lines(
            {heading: {names[cell]: [100 * accuracy for accuracy in curve]
                       for cell, curve in curves.items()}},
            lesson.path("reading_rows.png"),
            f"Reading 28 rows: after the last epoch the {names[ahead]} is {by:.1f} points ahead"
            if by else "Reading 28 rows: after the last epoch both are equal",
            note="one run each")


def dates(n, rng, longest):
    """n dates as tasks.dates makes them, of at most so many letters, read in as many steps."""
    everything = tasks.LONGEST_DATE
    x, y = tasks.dates(n if longest == everything else 4 * n + 100, rng)
    some = np.flatnonzero(x.valid[:, :everything].sum(axis=1) <= longest)[:n]
    steps = np.r_[:longest, everything:x.shape[1]]
    return Sequences(x.padded[some][:, steps], valid=x.valid[some][:, steps]), y[some]


def letter_by_letter(net, x, written, letters, feed):
    """What one example reads, what is written, and {letter: its probability at each step}."""
    reads, written = net.layers[1].reads, written[written >= 0]
    steps = reads + len(written)
    padded, valid = x.padded[:, :steps].copy(), np.ones((1, steps), bool)
    padded[0, reads + 1:] = (written if feed is None else feed[written])[:-1]  # as it has fed itself
    valid[:, :reads] = x.valid[:, :reads]
    p = net.feedforward(Sequences(padded, valid=valid))[0]
    return {"read": tasks.text_of(padded[0, :reads][valid[0, :reads]], tasks.DATE_LETTERS),
            "written": [(letters + END)[symbol] for symbol in written],
            "p": {letter: p[:, symbol] for symbol, letter in enumerate((letters + END)[:p.shape[1]])
                  if p[:, symbol].max() >= LIKELY}}


if __name__ == "__main__":
    raise SystemExit(command_line(main, FULL))
