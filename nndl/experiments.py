"""The experiments of the book's chapters, each as a few lines of a table: what `nndl reproduce` runs.

Settings are the book's; of those that go beyond it see _beyond.
lmbda is everywhere network2's λ, of C0 + λ/(2n) Σ w², book (87).  Chapter 6 uses network3.py, whose
λ = 0.1 at mini-batches of 10 is λ = 1 here, which never reshuffles, which draws weights by 1/√n_out,
and whose last layer begins at 0; the masks of its dropout leave what they keep as it is, and are the
same for layers of one size: see nndl/book/errata.py.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from .baselines import average_darkness, mean_probability, support_vector_machine, vote
from .book.layers import SameMaskDropout
from .layers import Conv, ConvPool, Dense, Dropout, ReLU, Sigmoid, Softmax, Tanh
from .scaled_tanh import ScaledTanh

# How the book reads one number off a run.  Each names history lists: which epoch, which accuracy.
BEST_TEST = "test, best epoch"
LAST_TEST = "test, last epoch"
BEST_VALIDATION = "validation, best epoch"
FIRST_VALIDATION = "validation, first epoch"
LAST_VALIDATION = "validation, last epoch"
AT_BEST_VALIDATION = "test where validation is best"

# How what we get should stand to the book's number.
AT_LEAST = "at least"
LIKE = "like"  # where it shows a failure, which more would miss
ABOUT, BELOW = "about", "below"  # in the book's own words, of a round number


@dataclass(frozen=True)
class Experiment:
    """One network of the book, how it is trained, and what the book got.

    id : "6.dropout", the chapter, or "beyond" the book, and a word;  what : in words
    layers : function that makes them anew;  None: measure does it all, without a network
    measure : function of the data, and if it is `of` an experiment of that one's runs: see baselines.py
    of : the id of the experiment whose networks, of all its runs, here speak together
    epochs, eta, lmbda, mini_batch_size, cost : as for Network and Network.SGD
    falls_to : what part of eta is left in the last epoch; it falls by the same factor in each
    momentum : as for Network.SGD
    data : "all" 50,000 training images, "first 1,000" or "first 2,500" of them, "expanded" to 250,000,
           "distorted", or "60,000 distorted": with the validation images
    distortion : of distorted ones, the arguments of nndl.data.distort.distorted
    shuffle : anew for each epoch, or never
    test_each_epoch : False: the test images are looked at once, when training has ended
    keep_model : whether the trained network is saved beside the result
    protocol : how the book reads its number off a run, one of the six above
    book : that number in percent, None where the book gives none
    how : what ours should be to that, one of the four above
    says : a number to show that is not the book's
    runs : of how many runs the book takes the best, or how many we make to see the spread
    """

    id: str
    what: str
    layers: Callable | None = None
    epochs: int = 0
    eta: float = 0.0
    lmbda: float = 0.0
    cost: str | None = None
    mini_batch_size: int = 10
    falls_to: float = 1.0
    momentum: float = 0.0
    data: str = "all"
    distortion: dict = field(default_factory=dict)
    shuffle: bool = True
    test_each_epoch: bool = True
    keep_model: bool = False
    protocol: str = BEST_TEST
    book: float | None = None
    how: str = AT_LEAST
    says: str = ""
    runs: int = 3
    measure: Callable | None = None
    of: str = ""

    @property
    def chapter(self):
        """1 to 6; 0 beyond the book."""
        first = self.id.split(".")[0]
        return int(first) if first.isdigit() else 0


def sigmoids(*sizes, init="default"):
    """A function that makes dense sigmoid layers of these sizes, the last of 10."""
    return lambda: [layer for n in (*sizes, 10) for layer in (Dense(n, init=init), Sigmoid())]


def book_units(*convolutions, dense=(), activation=Sigmoid, p_dropout=0.0, init="network3",
               same_mask=True):
    """A function that makes network3's layers: convolutions with pooling, dense ones, softmax.

    convolutions : how many maps each has;  dense : how many neurons each has
    p_dropout : of the input of every dense layer and of the softmax's
    init : of the dense layers' weights;  same_mask : whether layers of one size drop the same units
    """
    def drop():
        if not p_dropout:
            return []
        return [SameMaskDropout(p_dropout) if same_mask else Dropout(p_dropout, inverted=False)]

    def layers():
        return [
            *(ConvPool(maps, 5, activation.name, init="network3") for maps in convolutions),
            *(layer for n in dense for layer in (*drop(), Dense(n, init=init), activation())),
            *drop(), Dense(10, init="zeros"), Softmax()]
    return layers


def _chapter_1():
    quadratic = {"epochs": 30, "eta": 3.0, "cost": "quadratic", "runs": 12}
    yield Experiment("1.30", "30 hidden neurons", sigmoids(30, init="large"), **quadratic, book=95.42)
    yield Experiment("1.100", "100 hidden neurons", sigmoids(100, init="large"), **quadratic,
                     book=96.59)
    yield Experiment("1.100.slow", "100 hidden neurons, eta far too small",
                     sigmoids(100, init="large"), **quadratic | {"eta": 0.001}, protocol=LAST_TEST,
                     book=21.42, how=LIKE)
    yield Experiment("1.30.fast", "30 hidden neurons, eta far too large",
                     sigmoids(30, init="large"), **quadratic | {"eta": 100.0}, protocol=LAST_TEST,
                     book=9.82, how=LIKE)
    yield Experiment("1.darkness", "no network: average darkness", measure=average_darkness,
                     protocol=LAST_TEST, book=22.25, runs=1)
    yield Experiment("1.svm", "a support-vector machine (scikit-learn)",
                     measure=support_vector_machine, protocol=LAST_TEST, book=94.35, runs=1)


def _chapter_3():
    common = {"epochs": 30, "eta": 0.5, "cost": "cross_entropy", "runs": 12}
    few = common | {"epochs": 400, "data": "first 1,000"}
    validation = {"protocol": BEST_VALIDATION}
    yield Experiment("3.30", "30 hidden neurons, cross-entropy", sigmoids(30, init="large"), **common,
                     book=95.49)
    yield Experiment("3.100", "100 hidden neurons, cross-entropy", sigmoids(100, init="large"),
                     **common, book=96.82)
    yield Experiment("3.few", "30 hidden neurons, 1,000 images: overfitting",
                     sigmoids(30, init="large"), **few, protocol=LAST_TEST, book=82.27)
    yield Experiment("3.few.l2", "30 hidden neurons, 1,000 images, regularised",
                     sigmoids(30, init="large"), **few, lmbda=0.1, protocol=LAST_TEST, book=87.1)
    yield Experiment("3.30.l2", "30 hidden neurons, regularised", sigmoids(30, init="large"), **common,
                     lmbda=5.0, book=96.49)
    yield Experiment("3.100.l2", "100 hidden neurons, regularised", sigmoids(100, init="large"),
                     **common, lmbda=5.0, **validation, book=97.92)
    yield Experiment("3.100.l2.long", "100 hidden neurons, regularised, 60 epochs",
                     sigmoids(100, init="large"),
                     **common | {"eta": 0.1, "epochs": 60}, lmbda=5.0, **validation, book=98.04)
    begins = common | {"eta": 0.1, "epochs": 1, "lmbda": 5.0, "protocol": FIRST_VALIDATION, "runs": 20}
    yield Experiment("3.begin.large", "30 hidden neurons after one epoch, large weights",
                     sigmoids(30, init="large"), **begins, book=87, how=BELOW)
    yield Experiment("3.begin.default", "30 hidden neurons after one epoch, default weights",
                     sigmoids(30), **begins, book=93, how=ABOUT)


def _chapter_5():
    for depth, book in enumerate((96.48, 96.90, 96.57, 96.53), start=1):
        yield Experiment(f"5.{depth}", f"{depth} hidden layer{'s' * (depth > 1)} of 30",
                         sigmoids(*[30] * depth), epochs=30, eta=0.1, lmbda=5.0,
                         cost="cross_entropy", protocol=BEST_VALIDATION, book=book, runs=12)


def _chapter_6():
    common = {"epochs": 60, "eta": 0.1, "shuffle": False, "protocol": AT_BEST_VALIDATION}
    relu = common | {"eta": 0.03, "lmbda": 1.0}
    expanded = relu | {"data": "expanded", "runs": 1}

    def rectified(*dense):
        return book_units(20, 40, dense=dense, activation=ReLU)

    yield Experiment("6.dense", "100 hidden neurons, softmax", book_units(dense=(100,)), **common,
                     book=97.80)
    yield Experiment("6.conv", "a convolution, dense 100", book_units(20, dense=(100,)), **common,
                     book=98.78)
    yield Experiment("6.conv.only", "a convolution and softmax, no dense layer", book_units(20),
                     **common)
    yield Experiment("6.two", "two convolutions, dense 100", book_units(20, 40, dense=(100,)),
                     **common, book=99.06)
    for epochs in (20, 60):
        yield Experiment(f"6.tanh.{epochs}", f"two convolutions, dense 100, tanh, {epochs} epochs",
                         book_units(20, 40, dense=(100,), activation=Tanh),
                         **common | {"epochs": epochs})
    yield Experiment("6.relu", "two convolutions, dense 100, ReLU", rectified(100), **relu, book=99.23)
    yield Experiment("6.expanded", "two convolutions, dense 100, ReLU, 250,000 images",
                     rectified(100), **expanded, book=99.37)
    for dense, book in (((300,), 99.46), ((1000,), 99.43), ((100, 100), 99.43), ((300, 300), 99.48),
                        ((1000, 1000), 99.47)):
        name, neurons = ".".join(map(str, dense)), " and ".join(map(str, dense))
        yield Experiment(f"6.expanded.{name}",
                         f"two convolutions, dense {neurons}, ReLU, 250,000 images",
                         rectified(*dense), **expanded, book=book)
    yield Experiment("6.dropout", "two convolutions, dense 1000 and 1000, dropout, 250,000 images",
                     book_units(20, 40, dense=(1000, 1000), activation=ReLU, p_dropout=0.5),
                     **expanded | {"epochs": 40, "lmbda": 0.0, "runs": 5}, book=99.60)
    yield Experiment("6.vote", "the vote of these five", measure=vote, of="6.dropout",
                     protocol=LAST_TEST, book=99.67, runs=1)


def _flaws():
    """What network3's flaws cost: the same networks without one of them, see nndl/book/errata.py."""
    relu = {"epochs": 60, "eta": 0.03, "lmbda": 1.0, "shuffle": False, "protocol": AT_BEST_VALIDATION}
    same = book_units(20, 40, dense=(100,), activation=ReLU)
    yield Experiment("6.relu.init", "6.relu, dense weights by 1/√n_in",
                     book_units(20, 40, dense=(100,), activation=ReLU, init="default"), **relu)
    yield Experiment("6.relu.lambda", "6.relu, λ = 0.1 as network2 understands it", same,
                     **relu | {"lmbda": 0.1})
    yield Experiment("6.relu.order", "6.relu, shuffled for each epoch", same,
                     **relu | {"shuffle": True})
    dropout = relu | {"epochs": 40, "lmbda": 0.0}
    for name, what, same_mask in (
            ("6.dropout.few", "6.dropout on 50,000 images", True),
            ("6.dropout.few.masks", "the same, each layer with its own masks", False)):
        yield Experiment(name, what, book_units(20, 40, dense=(1000, 1000), activation=ReLU,
                                                p_dropout=0.5, same_mask=same_mask), **dropout)


def _deep_convolutions():
    """Four convolutions of 3x3, two of them without pooling, and a dense layer."""
    def pair(maps):
        return [Conv(maps, 3, init="he"), ReLU(), ConvPool(maps, 3, init="he")]

    return [*pair(24),  # (m, 1, 28, 28)  -> (m, 24, 26, 26) -> (m, 24, 12, 12)
            *pair(48),  #                 -> (m, 48, 10, 10) -> (m, 48, 4, 4)
            Dropout(0.3), Dense(256, init="he"), ReLU(),
            Dropout(0.3), Dense(10, init="he"), Softmax()]


def _big_simple():
    """Only dense layers, but large ones: 12 million weights."""
    return [*(layer for n in (2500, 2000, 1500, 1000, 500)
              for layer in (Dense(n, init="glorot"), ScaledTanh())),
            Dense(10, init="glorot"), Softmax()]


def _beyond():
    """What plain layers reach when the images are distorted anew in each epoch.

    Settings were chosen by validation images, with a copy of the program on a graphics card: some 30
    choices of layers, dropout, lambda, eta, mini-batch and distortion, three seeds each.
    beyond.ciresan's have not been searched for.
    """
    chosen = {"layers": _deep_convolutions, "epochs": 120, "eta": 0.03, "falls_to": 0.01,
              "momentum": 0.9, "lmbda": 15.0, "mini_batch_size": 50, "test_each_epoch": False,
              "distortion": {"rotation": 6.0, "scale": 0.06, "shear": 0.09, "shift": 0.9,
                             "elastic": 18.0, "sigma": 4.0}}
    yield Experiment("beyond.chosen", "four convolutions, distorted images", **chosen,
                     data="distorted", protocol=LAST_VALIDATION)
    yield Experiment("beyond.single", "four convolutions, 60,000 distorted images", **chosen,
                     data="60,000 distorted", protocol=LAST_TEST, keep_model=True, runs=5)
    yield Experiment("beyond.vote", "the vote of these five", measure=vote, of="beyond.single",
                     protocol=LAST_TEST, runs=1)
    yield Experiment("beyond.mean", "their mean probability", measure=mean_probability,
                     of="beyond.single", protocol=LAST_TEST, runs=1)
    yield Experiment(
        "beyond.ciresan", "dense 2500, 2000, 1500, 1000, 500, distorted images", _big_simple,
        epochs=100, eta=0.02, falls_to=0.01, mini_batch_size=10, data="distorted",
        distortion={"rotation": 15.0, "scale": 0.175, "shear": 0.0, "shift": 0.0, "elastic": 37.0,
                    "sigma": 5.5}, test_each_epoch=False, protocol=LAST_TEST,
        says="99.65 (Cireşan et al. 2010)", runs=1)


EXPERIMENTS = {experiment.id: experiment
               for part in (_chapter_1, _chapter_3, _chapter_5, _chapter_6, _flaws, _beyond)
               for experiment in part()}
