"""What a network that reads digits says of noise, and how sure it is.  To lesson 1.3.

The exercise: show the network noise: images whose pixels are drawn at random.  What does it say,
and how sure is it?  Is there anything in how it was trained that would let it say "none"?

The answer: it says a digit, for the largest of ten outputs is always one of them.  Three digits
take nine tenths of the noise, and from network to network they are not the same three.  How sure it
is depends on the random numbers it began with.  The largest output is 0.2 on average in one network
and above 0.5 in another, where for digits it is 0.9.  An output above 0.9 is had by some 7 % of the
noise, and by 17 % of the digits whose pixels are put in disorder, which have as much ink as digits
have.

Nothing in its training asks for "none".  The desired outputs of every image had a 1 among them.
The ten sigmoids could all stay near 0, since they need not sum to 1, and for much of the noise they
do; but nobody has told them so, and for some digits they do, too.  Softmax could not even do that:
its outputs sum to 1, (79), and one is 0.1 at least.

Telling them is easy.  With one image of noise for ten digits, its desired outputs all 0, the
network says "none" to noise that it has never seen, and reads digits as well as before.  Digits in
white for black, all ink as the noise is, get "none" for nothing.  But of pixels in disorder one
image in four still gets a digit.  It has learnt what it was shown, not what a digit is not.

    python -m lessons.solutions.sure_of_noise
"""

from pathlib import Path

import numpy as np

from lessons.network_1_3_what_it_sees import ETA, MINI_BATCH_SIZE, build_network
from nndl import Dense, Network, Sigmoid, Softmax, load_mnist, plots
from nndl.comparing import compared, counted
from nndl.lesson import solution, spread

DIGITS_PER_NOISE = 10
NONE, SURE = 0.5, 0.9      # an image whose largest output is below, or above


def noise(rng, n):
    """Images each of whose pixels may be any byte, all equally likely."""
    return rng.integers(0, 256, (n, 28, 28), dtype=np.uint8)


def told_of_noise(training, rng):
    """The training data and noise, whose desired outputs are all 0."""
    more = len(training.labels) // DIGITS_PER_NOISE
    return (np.concatenate([training.images.reshape(-1, 28, 28), noise(rng, more)]),
            np.concatenate([np.eye(10)[training.labels], np.zeros((more, 10))]))


def softmax_network(seed):
    """The lesson's network with other outputs, and the weights and the cost that suit them."""
    return Network([Dense(30), Sigmoid(), Dense(10), Softmax()], seed=seed)


def main(epochs=8, train_size=10_000, runs=5, seed=0, out="pictures"):
    """Three networks, four kinds of images.  Returns accuracies, largest outputs, favourites."""
    training, _, test = load_mnist()
    training, rng = training[:train_size], np.random.default_rng(seed)
    digits = test.images.reshape(-1, 28, 28)
    told = told_of_noise(training, rng)
    shown = {"digits": digits, "noise": noise(rng, len(digits)),
             "digits, pixels in disorder":
                 rng.permuted(digits.reshape(-1, 784), axis=1).reshape(digits.shape),
             "digits, white for black": 255 - digits}
    kinds = {"sigmoids": (build_network, training, ETA),
             "sigmoids, told of noise": (build_network, told, ETA),
             "softmax": (softmax_network, training, 0.1)}
    accuracies, largest, favourites = ({kind: [] for kind in kinds} for _ in range(3))
    for kind, (build, data, eta) in kinds.items():
        for run in range(runs):
            net = build(seed=seed + run)
            net.SGD(data, epochs, MINI_BATCH_SIZE, eta, progress=False)
            accuracies[kind].append(net.accuracy(test))
            outputs = {name: net.feedforward(images) for name, images in shown.items()}
            largest[kind].append({name: a.max(axis=1) for name, a in outputs.items()})
            said = np.bincount(outputs["noise"].argmax(axis=1), minlength=10)
            favourites[kind].append((np.argsort(said)[-3:], np.sort(said)[-3:].sum() / said.sum()))
        print(f"{kind}, {counted(runs, 'run')}: {spread(accuracies[kind])} % of the test images; "
              f"three digits take {spread([share for _, share in favourites[kind]], 0)} % of the "
              "noise: " + " | ".join(" ".join(map(str, sorted(three)))
                                     for three, _ in favourites[kind]))
        print(f"    {'largest output':<28} {'mean of each run':<{5 * runs + 2}} below {NONE:g}, %"
              f"          above {SURE:g}, %")
        for name in shown:
            tops = [run[name] for run in largest[kind]]
            print(f"    {name:<28} {' '.join(f'{top.mean():.2f}' for top in tops)}  "
                  f" {spread([np.mean(top < NONE) for top in tops], 1):<20} "
                  f"{spread([np.mean(top > SURE) for top in tops], 1)}")
    plain, after = (np.mean([np.mean(run["noise"] < NONE) for run in largest[kind]])
                    for kind in ("sigmoids", "sigmoids, told of noise"))
    print(f"Of the test images: {compared(accuracies, 'sigmoids', 'sigmoids, told of noise')}.")
    saved = plots.distributions(
        {f"{kind}; {counted(runs, 'run')}": {
            name: np.concatenate([run[name] for run in largest[kind]])
            for name in ("digits", "noise", "digits, pixels in disorder")} for kind in kinds},
        Path(out) / "solutions" / "sure_of_noise.png",
        f"To {100 * plain:.0f} % of the noise no output of the sigmoids says more than {NONE:g}; "
        f"to {100 * after:.0f} % once they have been told of noise", "largest of the ten outputs",
        bins=25, span=(0, 1))
    print(f"saved: {saved}")
    return {"accuracies": accuracies, "largest": largest, "favourites": favourites}


if __name__ == "__main__":
    raise SystemExit(solution(main))
