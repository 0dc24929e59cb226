"""What is lost when the gradient goes back only a few steps.  Book ch. 2 and 6.

The exercise: going back through a long sequence takes time and memory.  Cut it into pieces: the state
goes on from one to the next, but the gradient stops at the beginning of each.  How far is that from the
gradient, and is it enough to learn to add two binary numbers, where all that one has to remember is a
carry?

The answer: Recurrent and LSTM have it as `truncate`.  Of the sum over steps in BP4 it keeps all terms,
but in each δ_s what comes from later pieces is missing.  How much that is depends on how far the
gradient reaches, lesson 6.2: the part of it that vanishes anyhow is no loss.  Even pieces of one step,
as Elman trained in 1990, leave w_hh its terms δ_s h_(s-1)ᵀ.  Here, with first weights, the relative
error of the gradient of w_hh, and its direction, by the length of the pieces; then what networks have
learnt that were trained so.

    python -m lessons.solutions.truncated_gradient
"""

from pathlib import Path

import numpy as np

from nndl import Dense, Network, Recurrent, Softmax, plots
from nndl.data.tasks import binary_sums
from nndl.lesson import solution

UNITS, BITS = 12, 23          # 24 steps
PIECES = (1, 2, 3, 4, 6, 8, 12, 24)
TRAINED = (1, 2, None)
ETA, MOMENTUM, CLIP = 0.1, 0.9, 1.0


def build_network(truncate, seed):
    """Two bits in at each step, the sum's bit out."""
    return Network([
        Recurrent(UNITS, truncate=truncate),   # (m, t, 2) -> (m, t, 12)
        Dense(2), Softmax(),                   #           -> (m, t, 2)
    ], input_shape=(None, 2), seed=seed)


def gradient(truncate, seed, data):
    """∂C/∂w_hh, as a vector, of a network with its first weights."""
    net = build_network(truncate, seed)
    net.backprop(*data, copy=False)
    return net.layers[0].nabla_w_hh.ravel().astype(float)


def main(n=10_000, epochs=6, seed=0, out="pictures"):
    """Compare gradients, and train.  Returns errors and cosines by length, sums that are right."""
    rng = np.random.default_rng(seed)
    some = binary_sums(200, BITS, rng)
    whole = gradient(None, seed, some)
    errors, cosines = {}, {}
    print("pieces of   relative error of ∂C/∂w_hh   cosine of the angle")
    for piece in PIECES:
        cut = gradient(piece, seed, some)
        errors[piece] = float(np.linalg.norm(cut - whole) / np.linalg.norm(whole))
        cosines[piece] = float(cut @ whole / np.linalg.norm(cut) / np.linalg.norm(whole))
        print(f"{piece:>9}   {errors[piece]:>26.4f}   {cosines[piece]:>19.4f}")

    training, test = binary_sums(n, (1, 8), rng), binary_sums(1000, 20, rng)
    right = {}
    for truncate in TRAINED:
        net = build_network(truncate, seed)
        net.SGD(training, epochs, 20, lambda epoch: ETA * 0.1 ** (epoch / epochs), momentum=MOMENTUM,
                clip=CLIP, progress=False)
        right[truncate] = float((net.predict(test[0]) == test[1]).all(axis=1).mean())
        print(f"trained on {n:,} sums of up to 8 bits, "
              + ("the gradient all the way back" if truncate is None else f"in pieces of {truncate}")
              + f": of 1,000 sums of 20 bits {100 * right[truncate]:.1f} % are right")
    saved = plots.lines(
        {"relative error of ∂C/∂w_hh": {"first weights": (np.array(PIECES), list(errors.values()))},
         "cosine of the angle to the gradient": {
             "first weights": (np.array(PIECES), list(cosines.values()))}},
        Path(out) / "solutions" / "truncated_gradient.png",
        f"Cut into single steps the gradient is off by {100 * errors[1]:.0f} %, into pieces of 8 by "
        f"{100 * errors[8]:.0f} %", x="steps in a piece, of 24")
    print(f"saved: {saved}")
    return {"errors": errors, "cosines": cosines,
            "right": {str(truncate): share for truncate, share in right.items()}}


if __name__ == "__main__":
    raise SystemExit(solution(main))
