"""3.3.2  What are distorted images worth, beside the same images as they are?

Book: chapter 6, "Expanding the training data"; chapter 3, "Other techniques for regularization".
Before: 3.3.1.
Next: 3.3.3, an ensemble.

    python -m lessons 3.3.2          16 epochs on 2,000 images, as they are and distorted, twice each
    python -m lessons 3.3.2 --full   30 epochs on all 50,000, one run of each

Steps through: sources and sample in nndl/data/distort.py.

Measured in 0.7 minutes: With 2,000 images 97.00 ± 0.28 (2) % of the test images are right after
    learning from distorted ones: distorted came out ahead of as they are in every run, by 0.81
    points on average (chance alone: 1 in 3).

Exercises
1. The book's (ch. 6): rotations, skews and translations on the fly, each by itself.
   Worked: solutions/distortions_on_the_fly.py
2. Double all distortions.  When does a digit stop being itself?  Worked:
   solutions/doubled_distortions.py
"""

from statistics import mean

from nndl import ConvPool, Dense, Dropout, Network, ReLU, Softmax, load_mnist, plots
from nndl.comparing import compared
from nndl.data.distort import distorted
from nndl.lesson import Lesson, command_line, counted, note, spread
from nndl.schedules import falling

ETA, MOMENTUM, P_DROPOUT, MINI_BATCH_SIZE = 0.01, 0.9, 0.3, 20
LMBDA_PER_IMAGE = 1e-4  # 5 for 50,000 images
DISTORTION = {"rotation": 6.0, "scale": 0.06, "shear": 0.09, "shift": 0.9, "elastic": 18.0,
              "sigma": 4.0}
FULL = {"epochs": 30, "train_size": 50_000, "runs": 1}
WATCHED = 2_000  # validation images, after each epoch
PROMISED = 99.5  # percent, what is commonly said of such a network
BOOK = 99.60     # percent, two dense layers of 1,000, dropout, 250,000 shifted images


def build_network(backend=None, seed=0):
    """Three padded convolutions, two dense layers, dropout."""
    return Network([
        ConvPool(24, 3, padding=1, init="he"),                # (m, 1, 28, 28) -> (m, 24, 14, 14)
        ConvPool(48, 3, padding=1, init="he"),                #                -> (m, 48, 7, 7)
        ConvPool(96, 3, padding=1, init="he"),                #                -> (m, 96, 3, 3)
        Dropout(P_DROPOUT), Dense(200, init="he"), ReLU(),    #                -> (m, 200)
        Dropout(P_DROPOUT), Dense(10, init="he"), Softmax(),  #                -> (m, 10)
    ], backend=backend, seed=seed)


def main(epochs=16, train_size=2_000, backend=None, seed=0, out="pictures", runs=2):
    """Train it on images as they are, and distorted anew in each epoch.  Returns accuracies."""
    lesson = Lesson(__file__, out, epochs=epochs, train_size=train_size, backend=backend, seed=seed,
                    runs=runs)
    lesson.idea("""
        A seven stays a seven when it is turned a little, stretched, slanted, moved, or bent as another
        hand would have bent it.  We know that, and the network does not.  So we show it each digit a
        little different each time: it never sees an image twice, and cannot learn one by heart.

        The rest is what the lessons before have used: three convolutions, rectified linear units,
        dropout, a learning rate that falls, here to a hundredth; and momentum, which goes on in the
        direction of the steps before.""")
    lesson.mathematics("""
        pixel at (r, c)  <-  image at A (r, c) + t + u(r, c)      A: turn, stretch, slant;  t: shift
        u = α G_σ * noise                                         bent: noise, smoothed by a Gaussian
        v' = μ v - η ∇C,   w' = w + v'                            momentum              (107), (108)""")
    training, validation, test = load_mnist()
    few = training[:train_size]
    data = {"as they are": few, "distorted": distorted(few, **DISTORTION)}
    lesson.network(build_network(backend, seed))
    shown = range(min(5, len(few.labels)))
    again = {n: data["distorted"].images[[n] * 11] for n in shown}
    eta, lmbda = falling(ETA, epochs, to=0.01), LMBDA_PER_IMAGE * train_size
    curves, chosen, accuracies = ({name: [] for name in data} for _ in range(3))
    for name, images in data.items():
        lesson.step(f"""{counted(runs, "run")} of {counted(epochs, "epoch")} on {train_size:,} images
                    {name}, watched on the first {WATCHED:,} validation images:""")
        for run in range(runs):
            net = build_network(backend, seed + run)
            history = net.SGD(images, epochs, MINI_BATCH_SIZE, eta, lmbda, momentum=MOMENTUM,
                              evaluation_data=validation[:WATCHED], monitor_evaluation_accuracy=True,
                              checkpoint=lesson.checkpoint(f"{name} {run}"))
            curves[name].append([100 * accuracy for accuracy in history.evaluation_accuracy])
            chosen[name].append(net.accuracy(validation))
            predictions = net.predict(test.images)
            accuracies[name].append(float((predictions == test.labels).mean()))
    wrong = {name: len(test.labels) * (1 - mean(accuracies[name])) for name in data}
    lesson.table(("training images", "validation, %", "test, %", "test errors", "commonly promised",
                  "book, shifted images"),
                 [(name, spread(chosen[name]), spread(accuracies[name]), f"{wrong[name]:.0f}",
                   *((PROMISED, f"{BOOK:.2f}") if name == "distorted" else ("", "")))
                  for name in data])
    change = (f"{wrong['as they are']:.0f} wrong after learning from images as they are, "
              f"{wrong['distorted']:.0f} from distorted ones")
    plots.lines({f"the first {WATCHED:,} validation images that are right, percent": curves},
                lesson.path("accuracy.png"), f"Of {len(test.labels):,} test images: {change}",
                note=note(runs))
    plots.misclassified(test.images, test.labels, predictions, lesson.path("misclassified.png"))
    still = sum(int((net.predict(images) == few.labels[n]).sum()) for n, images in again.items())
    plots.rows_of_images(
        [(f"a {few.labels[n]}, and distorted", [few.images[n], *images])
         for n, images in again.items()],
        lesson.path("distorted.png"),
        f"{still} of {11 * len(again)} distorted digits are read as what they were", size=72)
    lesson.take_away(
        f"With {train_size:,} images {spread(accuracies['distorted'])} % of the test images are right "
        f"after learning from distorted ones: {compared(accuracies, 'distorted', 'as they are')}.",
        f"""That is {change}.  The network is the same, and nothing was measured, labelled or bought for
        it: only said what does not make one digit into another.""")
    return lesson.end(accuracy=accuracies["distorted"], accuracies=accuracies, curves=curves)


if __name__ == "__main__":
    raise SystemExit(command_line(main, FULL))
