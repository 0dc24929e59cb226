"""3.3.2  What is worth more than any change to the network: more images?

Book: chapter 6, "Expanding the training data"; chapter 3, "Other techniques for regularization".
Before: 3.3.1.
Next: 3.3.3, an ensemble.

    python -m lessons 3.3.2          8 epochs on 10,000 images, as they are and distorted
    python -m lessons 3.3.2 --full   30 epochs on all 50,000

Steps through: sources and sample in nndl/data/distort.py.

Exercises
1. The book's (ch. 6): rotations, skews and translations on the fly, each by itself.
   Worked: solutions/distortions_on_the_fly.py
2. Double all distortions.  When does a digit stop being itself?
"""

from nndl import ConvPool, Dense, Dropout, Network, ReLU, Softmax, load_mnist, plots
from nndl.data.distort import distorted
from nndl.lesson import Lesson, command_line, counted, percent
from nndl.schedules import falling

ETA, MOMENTUM, LMBDA, P_DROPOUT, MINI_BATCH_SIZE = 0.01, 0.9, 5.0, 0.3, 20
DISTORTION = {"rotation": 6.0, "scale": 0.06, "shear": 0.09, "shift": 0.9, "elastic": 18.0,
              "sigma": 4.0}
FULL = {"epochs": 30, "train_size": 50_000}
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


def main(epochs=8, train_size=10_000, backend=None, seed=0, out="pictures"):
    """Train it on images as they are, and distorted anew in each epoch.  Returns accuracies."""
    lesson = Lesson(__file__, out, epochs=epochs, train_size=train_size, backend=backend, seed=seed)
    lesson.idea("""
        A seven stays a seven when it is turned a little, stretched, slanted, moved, or bent as another
        hand would have bent it.  We know that, and the network does not.  So we show it each digit a
        little different each time: it never sees an image twice, and cannot learn one by heart.

        The rest is what the lessons before have found: three convolutions, rectified linear units,
        dropout, momentum, a learning rate that falls to a hundredth.""")
    lesson.mathematics("""
        pixel at (r, c)  <-  image at A (r, c) + t + u(r, c)      A: turn, stretch, slant;  t: shift
        u = α G_σ * noise                                         bent: noise, smoothed by a Gaussian
        v' = μ v - η ∇C,   w' = w + v'                            momentum              (107), (108)""")
    training, validation, test = load_mnist()
    few = training[:train_size]
    data = {"as they are": few, "distorted": distorted(few, **DISTORTION)}
    lesson.network(build_network(backend, seed))
    plots.rows_of_images([(f"a {few.labels[n]}, and distorted", [few.images[n], *(
        data["distorted"].images[[n] * 11])]) for n in range(5)], lesson.path("distorted.png"),
        "The same digit, written again and again", size=72)
    eta, histories, accuracies, predictions = falling(ETA, epochs, to=0.01), {}, {}, {}
    for name, images in data.items():
        lesson.step(f"{counted(epochs, 'epoch')} on {train_size:,} images {name}:")
        net = build_network(backend, seed)
        histories[name] = net.SGD(images, epochs, MINI_BATCH_SIZE, eta, LMBDA, momentum=MOMENTUM,
                                  evaluation_data=validation, monitor_evaluation_accuracy=True,
                                  checkpoint=lesson.checkpoint(name))
        predictions[name] = net.predict(test.images)
        accuracies[name] = float((predictions[name] == test.labels).mean())
    wrong = {name: round((1 - accuracy) * len(test.labels)) for name, accuracy in accuracies.items()}
    lesson.table(("training images", "validation, %", "test, %", "test errors", "commonly promised",
                  "book, shifted images"),
                 [(name, percent(histories[name].evaluation_accuracy[-1]), percent(accuracies[name]),
                   wrong[name], *((PROMISED, f"{BOOK:.2f}") if name == "distorted" else ("", "")))
                  for name in data])
    change = (f"{wrong['as they are']:,} wrong after learning from images as they are, "
              f"{wrong['distorted']:,} from distorted ones")
    plots.lines({"validation images that are right, percent": {
        name: [100 * accuracy for accuracy in history.evaluation_accuracy]
        for name, history in histories.items()}}, lesson.path("accuracy.png"),
        f"Of {len(test.labels):,} test images: {change}")
    plots.misclassified(test.images, test.labels, predictions["distorted"],
                        lesson.path("misclassified.png"))
    lesson.take_away(
        f"With {train_size:,} images: {change}.  The network is the same.",
        """Nothing was measured, labelled or bought for it: only said what does not make one digit into
        another.""")
    return lesson.end(accuracy=accuracies["distorted"], undistorted=accuracies["as they are"],
                      curves={name: history.evaluation_accuracy for name, history in histories.items()})


if __name__ == "__main__":
    raise SystemExit(command_line(main, FULL))
