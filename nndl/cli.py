"""The command `nndl`: train, evaluate, draw, reproduce, warmup, info, verify."""

import contextlib
import json
import os
import platform
import shlex
import signal
import time
from pathlib import Path

from . import __version__
from .command import Parser, new_folder, number, run, writable
from .comparing import counted
from .environment import machine, versions
from .ops.shapes import times

EPOCHS, MINI_BATCH_SIZE, ETA, LMBDA = 5, 10, 0.08, 5.0  # of `nndl train`, chosen on validation data
GUESSING = 0.2  # accuracy on ten classes that is hardly more than that
# The options that say what is trained, and their defaults.
TRAINING = {"data": None, "epochs": EPOCHS, "mini_batch_size": MINI_BATCH_SIZE, "eta": ETA,
            "lmbda": LMBDA, "seed": 0, "out": None}


def main(arguments=None):
    """Run one command; arguments are those of the command line if None.  Returns the exit status."""
    options = _parser().parse_args(arguments)
    return run(f"nndl {options.verb}", lambda: options.run(options))


def book_network(seed=0, backend=None):
    """The network that `nndl train` trains: the book's two convolutions, ReLU and softmax.  Ch. 6."""
    from . import ConvPool, Dense, Network, ReLU, Softmax
    return Network([
        ConvPool(20, 5, init="he"),   # (m, 1, 28, 28) -> (m, 20, 12, 12)
        ConvPool(40, 5, init="he"),   #                -> (m, 40, 4, 4)
        Dense(100, init="he"), ReLU(),
        Dense(10, init="he"), Softmax(),
    ], seed=seed, backend=backend)


# --- the verbs ------------------------------------------------------------------------------------

def train(options):
    """nndl train: the book's network on MNIST, or on a data set like it."""
    from . import plots
    from .files import write_atomically
    from .schedules import falling
    began = time.perf_counter()
    if options.resume is not None:
        _as_before(options)
    _use(options)
    splits = _splits(options.data)
    _fits(splits)
    folder = writable(options.out) if options.out else new_folder("nndl-results")
    if options.resume is None:
        _is_free(folder)
    net = book_network(options.seed, options.backend)
    eta = falling(options.eta, options.epochs)
    fall = f" falling to {eta(options.epochs - 1):g}" if options.epochs > 1 else ""
    print(net)
    print(f"\n{len(splits.training.images):,} training images, mini-batches of "
          f"{options.mini_batch_size}, eta {options.eta:g}{fall}, lmbda {options.lmbda:g}, "
          f"seed {options.seed}, {net.ops.name} backend, {counted(net.ops.threads, 'thread')}")
    try:
        compiling = _compile(net.ops)
    except BaseException:
        with contextlib.suppress(OSError):
            if options.out is None:
                folder.rmdir()  # ours, and still empty
        raise

    results = {
        "command": "nndl train",
        "configuration": {
            "layers": [repr(layer) for layer in net.layers], "cost": net.cost.name,
            "parameters": net.parameters, "data": options.data or "MNIST", "epochs": options.epochs,
            "mini_batch_size": options.mini_batch_size, "eta": options.eta, "lmbda": options.lmbda,
            "backend": net.ops.name, "threads": net.ops.threads, "dtype": net.dtype.name,
        },
        "seed": options.seed,
    }
    ready = time.perf_counter()
    checkpoint = folder / "checkpoint.npz"

    def keep(finished):
        model = net.save(folder / "model.npz")  # first: it is what cannot be had again
        enter(finished)
        return [model, folder / "results.json"]

    def enter(finished):
        history = {name: values for name, values in vars(net.history).items() if name != "measured"}
        results.update(
            finished=finished, history=history,
            seconds={"until_first_mini_batch": round(ready - began, 3),
                     "of_that_compiling": round(compiling, 3),
                     "per_epoch": [round(s, 3) for s in net.history.seconds],
                     "all": round(time.perf_counter() - began, 3)},
            versions=versions(), machine=machine())
        write_atomically(folder / "results.json", (json.dumps(results, indent=1) + "\n").encode())

    saved = []
    try:
        enter(finished=False)  # what --resume reads
        net.SGD(splits.training, options.epochs, options.mini_batch_size, eta, options.lmbda,
                splits.validation, monitor_evaluation_cost=True, monitor_evaluation_accuracy=True,
                monitor_training_cost=True, monitor_training_accuracy=True,
                checkpoint=checkpoint, checkpoint_every=30.0)
        history = net.history
        predictions = net.predict(splits.test.images)
        wrong = int((predictions != splits.test.labels).sum())
        results["validation_accuracy"] = history.evaluation_accuracy[-1]
        results["test_accuracy"] = 1 - wrong / len(predictions)
        results["test_errors"] = wrong
        print(f"\nseconds per epoch    {sum(history.seconds) / len(history.seconds):.1f}")
        print(f"validation accuracy  {100 * results['validation_accuracy']:.2f} %")
        print(f"test accuracy        {100 * results['test_accuracy']:.2f} %  "
              f"({wrong:,} of {len(predictions):,} wrong)")
        if results["validation_accuracy"] < GUESSING:
            print("it has learnt next to nothing: with too large an --eta or --lmbda it cannot, with "
                  f"a tiny --eta it has no time; the defaults are {ETA:g} and {LMBDA:g}")
        with _undisturbed():
            saved += keep(finished=True)
            checkpoint.unlink(missing_ok=True)
        saved += [plots.learning_curves(history, folder / "learning_curves.png")]
        saved += [plots.filters(net.layers[0].w, folder / "filters.png")]
        saved += [plots.misclassified(splits.test.images, splits.test.labels, predictions,
                                      folder / "misclassified.png")]
    except (KeyboardInterrupt, BrokenPipeError) as stop:
        with _undisturbed():
            saved = saved or keep(finished=False)
        if isinstance(stop, BrokenPipeError):  # nobody reads on: `nndl train | head -3`
            raise
        go_on = f"; {_resume(folder)} goes on" if checkpoint.exists() else ""
        raise KeyboardInterrupt(
            f"{counted(net.history.epochs, 'epoch')} of {options.epochs} finished; saved, as far "
            f"as it got: {', '.join(map(str, saved))}{go_on}") from None
    print("\nsaved:", *saved, sep="\n  ")


def evaluate(options):
    """nndl evaluate: what a saved network gets right."""
    from . import Network
    from .examples import by_step, checked, symbols
    _use(options)
    net = Network.load(options.model, options.backend)
    if symbols(net) or by_step(net):
        raise ValueError(f"{options.model} is no network that says what an image is, but {net!r}: in "
                         "Python net.accuracy((x, y)) measures it")
    splits = _splits(options.data)
    try:
        checked(net, splits.test.images[:1])
    except ValueError:
        raise ValueError(f"{options.model} takes inputs of {times(net.input_shape)}, and the images of "
                         f"{options.data or 'MNIST'} are {times(splits.test.images.shape[1:])}: name a "
                         "folder with images that fit by --data") from None
    print(net)
    print()
    _compile_predict(net, splits.test.images)
    for name in ("validation", "test"):
        data = getattr(splits, name)
        accuracy = net.accuracy(data)
        wrong = round((1 - accuracy) * len(data.images))
        print(f"{name + ' accuracy':<20} {100 * accuracy:.2f} %  "
              f"({wrong:,} of {len(data.images):,} wrong)")


def draw(options):
    """nndl draw: a page on which one draws a digit and sees what a network sees."""
    from . import load_mnist
    from .draw import load, measure, page, shipped_network
    from .draw.stages import stages
    from .files import write_atomically
    test = load_mnist().test
    if options.model is None:
        (net, measured), name = shipped_network(), "The network that nndl ships"
    else:
        _use(options)
        net, name = load(options.model, options.backend), f"The network in {Path(options.model).name}"
        stages(net)  # can it be drawn at all?
    out = Path(options.out)
    writable(out.parent)
    if out.is_dir():
        raise ValueError(f"--out: {out} is a folder: name a file in it, {out / 'draw.html'}")
    if options.model is not None:
        print(f"reading the {len(test.images):,} test images, for the page to say how well it does")
        _compile_predict(net, test.images)
        measured = measure(net, test)
    made = page(net, measured, test, name)
    print(f"{net}\n\nThe page has {made.megabytes:.1f} MB and needs about {made.milliseconds:.0f} ms "
          "each time the pen moves" + ("; smooth is up to 16 ms" if made.milliseconds > 16 else ""))
    write_atomically(out, made.html.encode())
    print(f"\nsaved:\n  {out}")
    if not options.no_open and not _opened(out):
        print("\nOpen it in a browser; it needs nothing else")


def _opened(path):
    """Have the browser show a page; False where there is none, or only one for the terminal."""
    import webbrowser
    if platform.system() == "Linux" and not {"DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys():
        return False
    return webbrowser.open(path.resolve().as_uri())


def warmup(options):
    """nndl warmup: compile the kernels now, so that nobody waits later."""
    _use(options)
    from . import backends
    ops = backends.get(options.backend)
    if not backends.compiles(ops):
        print(f"the {ops.name} backend has nothing to compile"
              + (": NUMBA_DISABLE_JIT is set" if ops.name == "numba" else ""))
        return
    seconds = _compile(ops)
    folder = backends.cache_folder()
    print(f"the kernels are ready ({seconds:.1f} s)" + (
        f", kept in {folder}" if folder else
        "; no folder for them is writable, so every process compiles them again: "
        "set NUMBA_CACHE_DIR to one that is"))


def info(options):
    """nndl info: versions, backends, threads, machine, and what is missing for full speed."""
    import numpy as np

    from . import backends
    _use(options)
    numba = backends.prepare_numba()
    ops = backends.get(options.backend)
    with backends.get("numba").running():  # starts the threads
        layer = numba.threading_layer()
        backends.get("numba").relu_forward(np.zeros(1, "float32"))  # whether kernels work at all
    from threadpoolctl import threadpool_info
    blas = [f"{library['internal_api']} {library['version']} ({library.get('architecture', '?')})"
            for library in threadpool_info() if library["user_api"] == "blas"]
    rows = {
        **versions(),
        "backend": f"{ops.name} (of numpy, numba; cuda is not written yet)",
        "threads": _threads(ops.threads, backends.core_limits()),
        "threading layer": _layer(layer),
        "BLAS": ", ".join(dict.fromkeys(blas)),
        "BLAS hint": backends.blas_hint_given(),
        "vectors": _vectors(backends.cpu_features()),
        "compiled kernels": str(backends.cache_folder() or "not kept: no writable folder"),
        "machine": "{cpu}, {system}".format(**machine()),
    }
    wide = max(map(len, rows))
    for name, value in rows.items():
        print(f"{name:<{wide}}  {value}")


def _threads(n, limits):
    """How many threads of how many usable cores, and why these are fewer than the machine's."""
    cores = min(limits.values())
    text = f"{n} of {counted(cores, 'usable core')}"
    if cores < limits["the machine has"]:
        text += f" ({', '.join(f'{what} {count}' for what, count in limits.items())})"
    if n > cores:
        return text + "; more threads than cores wait for each other"
    return text + ("; on one core nothing runs side by side" if cores == 1 else "")


def _layer(layer):
    """Numba's threading layer, and where it is the slow one, how to get a better one."""
    if layer in ("omp", "tbb"):
        return layer
    chosen = os.environ.get("NUMBA_THREADING_LAYER") or os.environ.get("NUMBA_THREADING_LAYER_PRIORITY")
    # A step of `nndl train` on two cores: 1.2 ms with omp, 1.5 with tbb, 4.0 with workqueue.
    return f"{layer}; training takes three times as long as with omp: " + (
        f"the environment asks for {chosen}" if chosen else "install libgomp (libomp on macOS)")


def _vectors(features):
    """The widest vectors of the CPU, and which wider ones it lacks."""
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return platform.machine()
    if "avx512f" in features:
        return "AVX-512"
    return "AVX2; no AVX-512" if "avx2" in features else "neither AVX-512 nor AVX2: slow"


def reproduce(options):
    """nndl reproduce: the book's experiments, and its numbers beside ours."""
    from .experiments import EXPERIMENTS
    from .reproduce import chosen, quick, result_file, run_all
    from .reproduced import HEADINGS, draw, table
    _use(options)
    folder = Path(options.out or "nndl-results/reproduce")
    if "curves" in options.experiments and len(options.experiments) > 1:
        raise ValueError("curves are the book's own runs: `nndl reproduce curves` alone draws them")
    if options.published is not None and options.experiments != ["curves"]:
        raise ValueError("--published belongs to `nndl reproduce curves`")
    if options.experiments == ["curves"]:
        for name in ("chapter", "all", "runs", "quick", "seed"):
            if getattr(options, name) not in (None, False):
                raise ValueError(f"curves are the book's own runs: leave out --{name}")
        from .book.curves import curves
        saved = curves(folder, options.published, lambda line: print(line, flush=True))
        print("\nsaved:", *saved, sep="\n  ")
        return
    asked = chosen(options.experiments, options.chapter, options.all)
    if options.seed is not None and options.runs is not None:
        raise ValueError("--seed is a single run, and --runs says how many: leave one of them out")
    if not asked and (options.seed is not None or options.runs is not None):
        raise ValueError("--seed and --runs: of which experiment? Name one, or give --chapter or "
                         "--all; `nndl reproduce` lists them")
    same = ["--out", str(folder)] + (["--backend", options.backend] if options.backend else [])
    everything = list(EXPERIMENTS.values())
    if options.quick:
        if asked and all(experiment.of for experiment in asked):
            raise ValueError(f"--quick leaves out what several networks say together: {asked[0].id}")
        same += ["--quick"]
        folder, asked, everything = folder / "quick", quick(asked), quick(everything)
    failed = run_all(asked, folder, options.runs, options.jobs, lambda line: print(line, flush=True),
                     same, options.seed, options.backend)
    if not asked:
        for experiment in everything:
            print(f"{experiment.id:<24} {experiment.what}")
        print(f"{'curves':<24} the book's published curves, from its own random numbers")
    rows = table(asked or everything, folder) if options.seed is None else []
    if rows:
        wide = [max(map(len, column)) for column in zip(HEADINGS, *rows)]
        print()
        for row in (HEADINGS, *rows):
            print("  ".join(f"{cell:<{w}}" if column < 2 else f"{cell:>{w}}"
                            for column, (cell, w) in enumerate(zip(row, wide))).rstrip())
    if any("stale" in row[-1] for row in rows):
        print(f"\nstale: made by other programs or with other settings than those of now; delete its "
              f"files in {folder} to have it made again")
    if rows and asked:
        print("\nsaved:", *draw(everything, folder), sep="\n  ")
    elif asked and not failed:
        print("\nsaved:", *(result_file(folder, each, options.seed) for each in asked), sep="\n  ")
    if failed:
        raise ValueError("; ".join(failed))


def verify(options):
    """nndl verify: does everything work on this machine?"""
    from .selftest import selftest
    _use(options)
    if not selftest(print):
        raise ArithmeticError("this installation does not compute what it should; see above")


# --- what they share ------------------------------------------------------------------------------

def _use(options):
    from . import backends
    if options.threads is not None:
        backends.set_threads(options.threads)
    backends.get(options.backend)


def _compile_predict(net, images):
    """Compile what net.predict needs, with a line that says so, where it is not there yet."""
    from . import backends
    from .compile_notice import watched
    from .network import EVALUATED_AT_ONCE
    if backends.compiles(net.ops):
        with watched("this network's kernels"):
            net.predict(images[:EVALUATED_AT_ONCE])


def _as_before(options):
    """--resume: the options of the training that stopped in this folder, from its results.json."""
    path = Path(options.resume) / "results.json"
    given = [name for name, default in TRAINING.items() if getattr(options, name) != default]
    if given:
        raise ValueError(f"--resume goes on as before: leave out --{given[0].replace('_', '-')}")
    try:
        results = json.loads(path.read_text(encoding="utf-8"))
        configuration = results["configuration"] | {"seed": results["seed"]}
        for name in TRAINING:
            setattr(options, name, configuration.get(name))
        options.data = None if options.data == "MNIST" else options.data
        options.backend = options.backend or configuration["backend"]
    except (OSError, ValueError, TypeError, LookupError):
        raise ValueError(f"--resume: there is no results.json of a training in {options.resume}; give "
                         "the folder that `nndl train` named when it was stopped") from None
    if results["finished"]:
        raise ValueError(f"--resume: the training in {options.resume} was finished, nothing is left")
    options.out = options.resume


def _is_free(folder):
    """Nobody's training is thrown away for another one in the same folder."""
    there = [name for name in ("model.npz", "checkpoint.npz") if (folder / name).exists()]
    if not there:
        return
    try:
        finished = json.loads((folder / "results.json").read_text(encoding="utf-8"))["finished"]
    except (OSError, ValueError, TypeError, LookupError):
        finished = None
    what = ("a finished training" if finished else
            f"a training that was stopped: {_resume(folder)} goes on with it"
            if finished is False and "checkpoint.npz" in there else
            f"the {there[0]} of an earlier training")
    raise ValueError(f"--out: in {folder} is {what}; for a new one name another folder, or delete that "
                     "one")


def _resume(folder):
    """The command that goes on with a training."""
    return f"`nndl train --resume {shlex.quote(str(folder))}`"


def _splits(folder):
    from . import load_folder, load_mnist
    return load_mnist() if folder is None else load_folder(folder)


def _fits(splits):
    """The book's network takes 28 x 28 images of ten classes."""
    for name, (images, labels) in zip(splits._fields, splits):
        if images.shape[1:] != (28, 28):
            raise ValueError(f"--data: the {name} images must be 28 x 28 pixels for this network, "
                             f"not {times(images.shape[1:])}")
        if labels.max() > 9:
            raise ValueError(f"--data: the {name} labels must be from 0 to 9 for this network, "
                             f"not {labels.max()}")


def _compile(ops):
    """Compile what the book's networks need, or read it from Numba's cache.  Returns seconds."""
    from . import Conv, Dense, Network, ReLU, Sigmoid, Softmax, backends
    if not backends.compiles(ops):
        return 0.0
    from .compile_notice import watched
    from .compiling import compile_ahead
    networks = [
        book_network(backend=ops.name),
        Network([Dense(30), Sigmoid(), Dense(10), Sigmoid()], backend=ops.name),  # chapter 1
        # What convolutions do where book_network's fast way is not for them: GELU, L2 pooling.
        Network([Conv(4, 5), ReLU(), Dense(10), Softmax()], backend=ops.name),
    ]
    began = time.perf_counter()
    with watched("the kernels", ": some 20 seconds"):
        if backends.cache_folder() is None:  # every process compiles: only what it needs
            networks[0].compile()
        else:
            compile_ahead(networks)
    return time.perf_counter() - began


@contextlib.contextmanager
def _undisturbed():
    """A second Ctrl-C does not interrupt what the first one has us save."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


# --- the command line -----------------------------------------------------------------------------

def _parser():
    parser = Parser(prog="nndl", allow_abbrev=False, description="The networks of Nielsen's "
                     "'Neural Networks and Deep Learning', from scratch.")
    parser.add_argument("--version", action="version", version=f"nndl {__version__}")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True, parser_class=Parser)
    whole = number(int, 1, "a whole number, at least 1")

    def verb(function, text):
        made = verbs.add_parser(function.__name__, help=text, description=text, allow_abbrev=False)
        made.set_defaults(run=function)
        made.add_argument("--backend", choices=("numpy", "numba", "cuda"), default=None,
                          metavar="{numba,numpy}",
                          help="numba is fast, numpy is for stepping through (default: NNDL_BACKEND "
                          "in the environment, else numba)")
        made.add_argument("--threads", type=whole, default=None, metavar="N",
                          help="default: NUMBA_NUM_THREADS in the environment, else all cores that "
                          "this process may use")
        return made

    made = verb(train, "train the book's convolutional network on MNIST")
    made.add_argument("--data", metavar="FOLDER", default=None,
                      help="a data set like MNIST, four IDX files (default: MNIST, as shipped)")
    made.add_argument("--epochs", type=whole, default=EPOCHS, metavar="N",
                      help=f"times through the training images (default {EPOCHS})")
    made.add_argument("--mini-batch-size", type=whole, default=MINI_BATCH_SIZE, metavar="N",
                      help=f"images a step (default {MINI_BATCH_SIZE})")
    made.add_argument("--eta", type=number(float, 0, "a number above 0", above=True), default=ETA,
                      metavar="X", help="learning rate of the first epoch; it falls to a sixteenth "
                      f"of that by the last (default {ETA:g})")
    made.add_argument("--lmbda", type=number(float, 0, "a number, at least 0"), default=LMBDA,
                      metavar="X", help=f"L2 regularisation, the book's lambda (default {LMBDA:g})")
    made.add_argument("--seed", type=number(int, 0, "a whole number, at least 0"), default=0,
                      metavar="N", help="of the random numbers (default 0)")
    made.add_argument("--out", metavar="FOLDER", default=None,
                      help="where model, results and figures go: a folder without a training in it "
                      "(default: a new folder in nndl-results)")
    made.add_argument("--resume", metavar="FOLDER", default=None,
                      help="go on with the training that was stopped, or killed, in this folder")
    made = verb(evaluate, "measure a saved network on validation and test images")
    made.add_argument("model", metavar="MODEL", help="an .npz file that `nndl train` saved")
    made.add_argument("--data", metavar="FOLDER", default=None,
                      help="a data set like MNIST, four IDX files (default: MNIST, as shipped)")
    made = verb(reproduce, "run the book's experiments, and set its numbers beside ours; alone it "
                "lists them")
    made.add_argument("experiments", metavar="EXPERIMENT", nargs="*",
                      help='an id such as 6.dropout, or a pattern such as "6.*"; "curves" draws the '
                      "curves that the book published, from its own random numbers")
    made.add_argument("--published", metavar="FOLDER", default=None,
                      help="where the book's overfitting.json and multiple_eta.json are, for curves: "
                      "the folder fig of its code repository; without them only ours are drawn")
    made.add_argument("--chapter", type=whole, metavar="N", default=None, help="all of a chapter")
    made.add_argument("--all", action="store_true", help="all there are: many hours")
    made.add_argument("--runs", type=whole, metavar="N", default=None,
                      help="of each, with seeds 0, 1, ... (default: as many as the book took the best "
                      "of, or as show the spread)")
    made.add_argument("--quick", action="store_true",
                      help="one run with a twentieth of the epochs, or of the images where there are "
                      "no epochs, in minutes: it shows the direction")
    made.add_argument("--jobs", type=whole, metavar="N", default=1,
                      help="so many runs at once, each with its share of the cores (default 1)")
    made.add_argument("--seed", type=number(int, 0, "a whole number, at least 0"), default=None,
                      metavar="N", help="only the run with this seed")
    made.add_argument("--out", metavar="FOLDER", default=None,
                      help="where results go, and are looked for (default: nndl-results/reproduce)")
    made = verb(draw, "write and open a page on which one draws a digit and sees what a network sees")
    made.add_argument("model", metavar="MODEL", nargs="?", default=None,
                      help="an .npz file that `nndl train` saved (default: the one that nndl ships)")
    made.add_argument("--out", metavar="FILE", default="draw.html",
                      help="the page, one file that needs nothing else (default draw.html)")
    made.add_argument("--no-open", action="store_true", help="write the page, and open no browser")
    verb(warmup, "compile the kernels once, ahead of time")
    verb(info, "show versions, backend, threads and machine")
    verb(verify, "check data, kernels, gradients and threads on this machine, in half a minute")
    return parser
