"""3.3.3  Are five networks better than one, and what do they all get wrong?

Book: chapter 6, "Using an ensemble of networks".
Before: 3.3.2.
Next: 4.0, convolution by hand.

    python -m lessons 3.3.3          five networks, 4 epochs on 5,000 images each
    python -m lessons 3.3.3 --full   five networks, 10 epochs on all 50,000

Steps through: plurality, predict and train in nndl/ensemble.py.

Measured in 0.5 minutes: One network is right for 96.88 ± 0.25 (5) % of the test images, 5 by vote
    for 97.30 % (270 errors; the book's five, on 250,000 images, made 33), by mean probability for
    97.38 %.

Exercises
1. Take the two networks that agree least, and the two that agree most.  Which pair is better together?
   Worked: solutions/agreeing_pairs.py
"""

import numpy as np

from nndl import ConvPool, Dense, Dropout, Network, ReLU, Softmax, ensemble, load_mnist, plots
from nndl.data.distort import distorted
from nndl.lesson import Lesson, command_line, counted, percent, spread
from nndl.schedules import falling

ETA, MOMENTUM, P_DROPOUT, MINI_BATCH_SIZE = 0.01, 0.9, 0.3, 20
LMBDA_PER_IMAGE = 1e-4  # 5 for 50,000 images
DISTORTION = {"rotation": 6.0, "scale": 0.06, "shear": 0.09, "shift": 0.9, "elastic": 18.0,
              "sigma": 4.0}
NETWORKS = 5
FULL = {"epochs": 10, "train_size": 50_000}
PROMISED = 99.6       # percent, what is commonly said of such an ensemble
BOOK, BOOK_WRONG = 99.67, 33  # percent, and images: five with dropout on 250,000 shifted images


def build_network(backend=None, seed=0):
    """Three padded convolutions, two dense layers, dropout."""
    return Network([
        ConvPool(24, 3, padding=1, init="he"),                # (m, 1, 28, 28) -> (m, 24, 14, 14)
        ConvPool(48, 3, padding=1, init="he"),                #                -> (m, 48, 7, 7)
        ConvPool(96, 3, padding=1, init="he"),                #                -> (m, 96, 3, 3)
        Dropout(P_DROPOUT), Dense(200, init="he"), ReLU(),    #                -> (m, 200)
        Dropout(P_DROPOUT), Dense(10, init="he"), Softmax(),  #                -> (m, 10)
    ], backend=backend, seed=seed)


def main(epochs=4, train_size=5_000, backend=None, seed=0, out="pictures", networks=NETWORKS):
    """Train several that differ only in their random numbers, and let them vote.  Returns accuracy.

    seed : with five networks and N here their own seeds are 5 N to 5 N + 4
    """
    lesson = Lesson(__file__, out, epochs=epochs, train_size=train_size, backend=backend, seed=seed,
                    networks=networks)
    lesson.idea("""
        Networks that began from other random numbers make other mistakes.  Where one is wrong, most of
        the others are usually right: so let them vote, and take what most of them say.  Or add up their
        probabilities: then one that is sure counts for more than one that is not.""")
    lesson.mathematics("""
        If each of five were wrong with probability e, independently of the others, three or more would
        be wrong with probability 10 e³(1-e)² + 5 e⁴(1-e) + e⁵: of e = 0.01, a thousandth part.
        They are not independent: they have seen the same images, and some digits are hard for all.""")
    training, validation, test = load_mnist()
    data = distorted(training[:train_size], **DISTORTION)
    lesson.network(build_network(backend, seed), f"Each of the {networks} networks")
    nets, eta, lmbda = [], falling(ETA, epochs, to=0.01), LMBDA_PER_IMAGE * train_size
    for number in range(networks):
        own = networks * seed + number  # an ensemble of another seed has none of the same networks
        lesson.step(f"network {number + 1}, seed {own}: {counted(epochs, 'epoch')} on "
                    f"{train_size:,} distorted images")
        nets.append(build_network(backend, own))
        nets[-1].SGD(data, epochs, MINI_BATCH_SIZE, eta, lmbda, momentum=MOMENTUM,
                     checkpoint=lesson.checkpoint(f"network {number}"))

    said = np.array([net.predict(test.images) for net in nets])
    together = {"vote": ensemble.plurality(said),
                "mean probability": ensemble.predict(nets, test.images, by="probability")}
    singles = [float((one == test.labels).mean()) for one in said]
    accuracies = {by: float((what == test.labels).mean()) for by, what in together.items()}
    wrong = {by: int((what != test.labels).sum()) for by, what in together.items()}
    all_wrong = int((said != test.labels).all(axis=0).sum())
    some_wrong = int((said != test.labels).any(axis=0).sum())
    lesson.table(("", "test, %", "test errors", "commonly promised", "book"),
                 [("one network", spread(singles),
                   f"{len(test.labels) * (1 - np.mean(singles)):.0f}", "", ""),
                  ("their vote", percent(accuracies["vote"]), wrong["vote"], PROMISED,
                   f"{BOOK} ({BOOK_WRONG} errors)"),
                  ("their mean probability", percent(accuracies["mean probability"]),
                   wrong["mean probability"], "", ""),
                  ("at least one of them wrong", "", some_wrong, "", ""),
                  ("all of them wrong", "", all_wrong, "", "")])
    plots.dots({"each network": [100 * one for one in singles], "their vote": 100 * accuracies["vote"],
                "their mean probability": 100 * accuracies["mean probability"]},
               lesson.path("accuracies.png"), f"One network makes {(1 - np.mean(singles)) * 100:.2f} % "
               f"errors, {networks} together {(1 - accuracies['vote']) * 100:.2f} %",
               "test images that are right, percent", book={"their vote": BOOK})
    plots.misclassified(test.images, test.labels, together["vote"], lesson.path("museum_of_errors.png"),
                        what=f"test images (by the book's five networks: {BOOK_WRONG})")
    lesson.take_away(
        f"One network is right for {spread(singles)} % of the test images, {networks} by vote for "
        f"{percent(accuracies['vote'])} % ({wrong['vote']} errors; the book's five, on 250,000 images, "
        f"made {BOOK_WRONG}), by mean probability for {percent(accuracies['mean probability'])} %.",
        f"""At least one network is wrong about {some_wrong:,} images, all are about {all_wrong:,}.  Of
        the {some_wrong - all_wrong:,} between, the vote puts {some_wrong - wrong['vote']:,} right.  In
        the museum are the others of these, and those that all get wrong.""")
    return lesson.end(accuracy=accuracies["vote"], mean_probability=accuracies["mean probability"],
                      singles=singles, some_wrong=some_wrong, all_wrong=all_wrong)


if __name__ == "__main__":
    raise SystemExit(command_line(main, FULL))
