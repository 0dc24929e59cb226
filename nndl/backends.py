"""The contract between layers and operations, and who fulfils it: numpy, numba (or cuda).

`get("numba")` hands out a Backend: an object with every function of CONTRACT, taken from the files
ops/<family>_<backend>.py.  Layers receive one and call nothing else.

What a process has only once is settled here, before Numba is imported: where its compiled kernels
are kept, which threading layer it uses, how many threads it and BLAS may take, and whether BLAS has
to be told what the CPU can do.  Together with the command line this is the only module that reads
environment variables.
"""

import contextlib
import ctypes
import hashlib
import importlib
import os
import platform
import shutil
import stat
import subprocess
import sys
import tempfile
import threading
from pathlib import Path, PurePosixPath

CONTRACT = {
    "gather": ("gather",),
    "dense": ("dense_forward", "dense_backward"),
    "activation": tuple(f"{name}_{way}" for name in (
        "sigmoid", "tanh", "relu", "leaky_relu", "elu", "gelu", "activation",
    ) for way in ("forward", "backward")),
    "conv": ("im2col", "col2im", "conv_forward", "conv_backward", "conv_layout"),
    "pool": ("max_pool_forward", "max_pool_backward", "l2_pool_forward", "l2_pool_backward"),
    "conv_pool": ("conv_pool_forward", "conv_pool_backward"),
    "softmax": ("softmax_forward", "softmax_backward",
                "log_likelihood_forward", "log_likelihood_backward"),
    "dropout": ("dropout_mask", "dropout_draw", "dropout_forward", "dropout_backward"),
    "recurrent": ("recurrent_forward", "recurrent_backward", "lstm_forward", "lstm_backward"),
    "embedding": ("embedding_forward", "embedding_backward"),
    "update": ("all_finite", "gradient_norm", "sgd_step", "layer_step"),
    "dense_step": ("dense_step",),
    "dense_epoch": ("dense_epoch",),
}
NAMES = ("numpy", "numba", "cuda")
ROOM = 50_000_000  # bytes that compiled kernels may take, with a margin
_loaded = {}
_lock = threading.RLock()


class Backend:
    """Every function of the contract from one backend, and that backend's threads."""

    def __init__(self, name):
        self.name = name
        self.inside = threading.local()  # whether this Python thread is in a `running` block
        self.users = 0                   # how many Python threads are in one
        self.compiled = set()            # what networks this process has compiled, see Network.SGD
        for family, functions in CONTRACT.items():
            module = importlib.import_module(f"nndl.ops.{family}_{name}")
            for function in functions:
                setattr(self, function, getattr(module, function))
        # Who has set the variable has said how many; else it is the cores of our affinity.
        self.threads = usable_cores()
        with contextlib.suppress(ValueError):  # Numba says what it thinks of anything else
            self.threads = max(1, int(os.environ.get("NUMBA_NUM_THREADS", "")))
        if name == "numba":
            import numba
            self.threads = min(self.threads, numba.config.NUMBA_NUM_THREADS)

    def __repr__(self):
        return f"<nndl backend {self.name}, {self.threads} threads>"

    def running(self):
        """Hold the thread counts while a network runs: `threads` of ours, BLAS one in each.

        Nested threads, ours and in each of ours BLAS's, cost twenty times and more.  The NumPy
        backend has no threads of its own, so there BLAS gets them all.  Within another one this
        changes nothing.  Several Python threads may be in it at once: Numba counts for each, BLAS
        once for all, and the last one to leave puts BLAS back.
        """
        return contextlib.nullcontext() if getattr(self.inside, "yes", False) else self._holding()

    @contextlib.contextmanager
    def _holding(self):
        self.inside.yes = True
        if self.name == "numba":
            import numba
            before = numba.get_num_threads()
            numba.set_num_threads(self.threads)
        with _lock:
            self.users += 1
            if self.users == 1:
                self.limit = _blas().limit(limits=1 if self.name == "numba" else self.threads)
        try:
            yield
        finally:
            self.inside.yes = False
            with _lock:
                self.users -= 1
                if self.users == 0:
                    _disown_blas()  # a thread that has left may have set the limit
                    self.limit.restore_original_limits()
                    _disown_blas()
            if self.name == "numba":
                numba.set_num_threads(before)


def get(name=None):
    """The backend called name: "numpy" to read and step through, "numba" to be fast.

    None takes the environment variable NNDL_BACKEND, and "numba" where that is not set.
    Raises ValueError for an unknown name.
    """
    chosen_by = "backend"
    if name is None:
        chosen_by, name = "NNDL_BACKEND", os.environ.get("NNDL_BACKEND") or "numba"
    if name not in NAMES:
        raise ValueError(f"{chosen_by} must be numpy or numba, not {name!r}")
    if name == "cuda":
        raise ValueError("the cuda backend is not written yet; use numba, or numpy to step through")
    if name not in _loaded:
        if name == "numba":
            prepare_numba()
        _loaded[name] = Backend(name)
    return _loaded[name]


def set_threads(n):
    """Let every backend use n threads from now on.  n is an int, at least 1.

    Until then it is NUMBA_NUM_THREADS where the environment has it, and else usable_cores().
    Numba starts its threads once a process: more than NUMBA_NUM_THREADS (the cores of the process's
    affinity, unless the environment says otherwise) cannot be had later, and ValueError says so.
    """
    if not hasattr(n, "__index__") or isinstance(n, bool):
        raise TypeError(f"threads must be an int, not {n!r}")
    numba = prepare_numba()
    most = numba.config.NUMBA_NUM_THREADS
    if not 1 <= n <= most:
        raise ValueError(f"threads must be from 1 to {most}, not {n}" + (
            f"; for more set NUMBA_NUM_THREADS={n} in the environment before Python starts"
            if n > most else ""))
    for name in ("numpy", "numba"):
        get(name).threads = int(n)


def usable_cores():
    """How many cores this process may use: the least of core_limits."""
    return min(core_limits().values())


def core_limits():
    """How many cores the machine has, and what affinity and a container's quota leave of them."""
    limits = {"the machine has": os.cpu_count() or 1}
    with contextlib.suppress(AttributeError, OSError):  # not on macOS and Windows
        limits["affinity leaves"] = len(os.sched_getaffinity(0))
    quota = container_cores()
    if quota is not None:
        limits["the container's quota is"] = quota
    return limits


def container_cores(root="/"):
    """How many cores the CPU quotas on this process are worth, rounded up; None if there are none.

    A quota is time in each period: 150,000 us in 100,000 us are one and a half cores.  Linux puts it
    on control groups, and a group is held to the quotas of those above it, too: the least counts.

    root : the folder that has proc and sys in it; another one is for tests
    """
    root, ours, quotas = Path(root), {}, []
    for line in _text(root / "proc/self/cgroup").splitlines():
        # 4:cpu,cpuacct:/docker/3f2a, or in version 2, with one group for everything, 0::/docker/3f2a
        controllers, _, group = line.partition(":")[2].partition(":")
        ours.update(dict.fromkeys(controllers.split(","), group))
    for line in _text(root / "proc/self/mountinfo").splitlines():
        # 32 31 0:29 /docker /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu: where group /docker lies
        mount, _, kind = (part.split() for part in line.partition(" - "))
        if len(mount) < 5 or kind[:1] not in (["cgroup"], ["cgroup2"]):
            continue
        group = ours.get("cpu" if kind[0] == "cgroup" else "", "/")
        folder, below = root / mount[4].lstrip("/"), ()
        with contextlib.suppress(ValueError):  # a path from outside the container, whose root is folder
            below = PurePosixPath(group).relative_to(mount[3]).parts
        quotas += [_quota(folder.joinpath(*below[:n])) for n in range(len(below) + 1)]
    return min((quota for quota in quotas if quota is not None), default=None)


def _quota(folder):
    """The cores that one control group's quota is worth, or None: "max", -1, or nothing readable."""
    text = _text(folder / "cpu.max") or (  # version 2, or version 1
        _text(folder / "cpu.cfs_quota_us") + " " + _text(folder / "cpu.cfs_period_us"))
    with contextlib.suppress(ValueError):
        quota, period = map(int, text.split())
        if quota > 0 and period > 0:
            return -(-quota // period)
    return None


def _text(file):
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def prepare_numba():
    """Import Numba as we want it: cache, threading layer, no nested BLAS.  Returns the module."""
    if "nndl.ops.jit" in sys.modules:
        return sys.modules["numba"]
    import numba

    from .compile_notice import listen
    _load_blas()
    if not {"NUMBA_THREADING_LAYER", "NUMBA_THREADING_LAYER_PRIORITY"} & set(os.environ):
        # An empty parallel loop costs 1.2 us with omp, 1.7 with tbb, 88 with workqueue.
        numba.config.THREADING_LAYER_PRIORITY = ["omp", "tbb", "workqueue"]
    _load_openmp()
    folder, before = cache_folder(), numba.config.CACHE_DIR
    if folder is not None:
        with contextlib.suppress(OSError):  # others may be at work in there
            for file in folder.glob("*/*.nb[ic]"):
                if file.stat().st_size == 0:  # as a power cut can leave them; Numba trips on them
                    file.unlink()
    numba.config.CACHE_DIR = str(folder or "")  # read by Numba while our kernels are defined
    try:
        importlib.import_module("nndl.ops.jit")
        for family in CONTRACT:
            importlib.import_module(f"nndl.ops.{family}_numba")
    finally:
        numba.config.CACHE_DIR = before
    listen()
    return numba


def _load_blas():
    """Load SciPy's BLAS, the one behind np.dot in kernels, so that it can be limited to one thread.

    It reads the environment once, when it is loaded: a hint goes again afterwards, so that nobody
    else's is touched.
    """
    import scipy
    from threadpoolctl import ThreadpoolController
    scipys = scipy.show_config(mode="dicts").get("Build Dependencies", {}).get("blas", {}).get("name")
    loaded = [(library.filepath, library.architecture)
              for library in ThreadpoolController().lib_controllers
              if library.internal_api == "openblas"]
    hint, _loaded["blas hint"] = blas_hint(cpu_features(), loaded, scipys, os.environ)
    if hint:
        os.environ["OPENBLAS_CORETYPE"] = hint
    try:
        import scipy.linalg
    finally:
        if hint:
            del os.environ["OPENBLAS_CORETYPE"]


def blas_hint(features, loaded, scipys, environment, system=None):
    """Which kernels SciPy's OpenBLAS has to be told to take, or None; and why, for `nndl info`.

    OpenBLAS goes by the CPU's model number first.  A virtual CPU may have an old one's number and yet
    AVX-512: OpenBLAS then takes its AVX2 kernels, with which the product of the book's second
    convolution reaches 75 GF/s instead of 95.

    features    : what the CPU has, of cpu_features
    loaded      : path and kernels of each OpenBLAS that has been loaded already
    scipys      : the name of the BLAS that SciPy was built with
    environment : a mapping like os.environ
    system      : such as ("linux", "x86_64"), or None for the one that we are on
    """
    if "OPENBLAS_CORETYPE" in environment:
        return None, f"none: the environment has OPENBLAS_CORETYPE={environment['OPENBLAS_CORETYPE']}"
    if (system or (sys.platform, platform.machine())) != ("linux", "x86_64"):
        return None, "none: only on Linux and x86-64"
    if not {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"} <= features:
        return None, "none: the CPU has no AVX-512"
    # Safe: NumPy's OpenBLAS, loaded already, shows what SciPy's will choose.  Only "Haswell" gives way,
    # never Zen, SapphireRapids or what comes next; and only in SciPy's wheel, which has SkylakeX.
    if scipys != "scipy-openblas" or len(loaded) != 1 or "numpy.libs" not in loaded[0][0]:
        return None, "none: SciPy's BLAS is not its own OpenBLAS, or was loaded already"
    if loaded[0][1] != "Haswell":
        return None, f"none: OpenBLAS takes this CPU for {loaded[0][1]}"
    return "SKYLAKEX", "SKYLAKEX, to SciPy's: OpenBLAS takes this CPU for Haswell, but it has AVX-512"


def blas_hint_given():
    """What was said to SciPy's OpenBLAS when it was loaded, if anything, and why."""
    prepare_numba()
    return _loaded["blas hint"]


def cpu_features():
    """The names of what the CPU can do and the system lets it, such as "avx2" and "avx512f"."""
    import llvmlite.binding
    with contextlib.suppress(RuntimeError):  # LLVM does not know this kind of machine
        return {name for name, there in llvmlite.binding.get_host_cpu_features().items() if there}
    return set()


def _load_openmp():
    """Load GNU's OpenMP, which Numba's omp layer uses, with a shorter wait at the end of a loop.

    Its threads wait for each other spinning, for milliseconds.  That is fastest on an idle machine;
    where another program has one of the cores, the spinning keeps the thread that is waited for from
    running: a training step then took 25 times its time, and 6 times with this, at no cost else.
    OpenMP reads the environment once, when it is loaded, and the variable goes again afterwards: other
    OpenMP libraries are not touched.  One loaded later under the same name is this one (PyTorch's, if
    PyTorch is imported after us).
    """
    if sys.platform != "linux" or {"GOMP_SPINCOUNT", "OMP_WAIT_POLICY"} & set(os.environ):
        return
    os.environ["GOMP_SPINCOUNT"] = "10000"
    try:
        with contextlib.suppress(OSError):  # not installed: Numba takes another layer
            ctypes.CDLL("libgomp.so.1")
    finally:
        del os.environ["GOMP_SPINCOUNT"]


def cache_folder():
    """Where compiled kernels are kept between processes, or None if nothing can be written.

    The first writable one of NUMBA_CACHE_DIR, the user's cache folder and a folder of the user's
    own in the system's temporary one.  Its last part is a hash of the kernels' source: Numba looks
    for changes only in the file that defines a kernel, not in those that it calls.
    """
    sources = hashlib.sha256()
    for path in sorted((Path(__file__).parent / "ops").glob("*.py")):
        sources.update(path.read_bytes())
    version = "kernels-" + sources.hexdigest()[:16]
    return next((place / version for place in _cache_places() if _writable(place / version)), None)


def compiles(ops):
    """Whether this backend has anything to compile."""
    if ops.name != "numba":
        return False
    import numba
    return not numba.config.DISABLE_JIT


def another_python(module, *arguments, kernels):
    """Start `python -m module arguments` beside this process, with the same packages to import.

    kernels : where it keeps what it compiles.  Its own folder: if two processes kept different
              versions of one kernel at the same moment, Numba could take one for the other.
    Returns a subprocess.Popen with a pipe as standard input.  Raises OSError where this process
    cannot start a Python.
    """
    if not sys.executable or getattr(sys, "frozen", False):  # within another program: it is no Python
        raise OSError("there is no Python to start")
    folders = [os.path.abspath(folder) for folder in sys.path if isinstance(folder, str)]
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(kernels), "PYTHONSAFEPATH": "1",
                   "PYTHONPATH": os.pathsep.join(folders)}
    return subprocess.Popen([sys.executable, "-m", module, *map(str, arguments)], env=environment,
                            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL)


def _cache_places():
    if os.environ.get("NUMBA_CACHE_DIR"):
        yield Path(os.environ["NUMBA_CACHE_DIR"])
    if os.environ.get("XDG_CACHE_HOME"):
        yield Path(os.environ["XDG_CACHE_HOME"]) / "nndl"
    elif os.environ.get("LOCALAPPDATA"):
        yield Path(os.environ["LOCALAPPDATA"]) / "nndl" / "cache"
    with contextlib.suppress(RuntimeError):  # a user without a home
        yield Path.home() / ".cache" / "nndl"
    user = os.getuid() if hasattr(os, "getuid") else "user"
    with contextlib.suppress(FileNotFoundError):  # no temporary folder either
        temporary = Path(tempfile.gettempdir()) / f"nndl-cache-{user}"
        if _writable(temporary):  # and not one that somebody else has put there
            yield temporary


def _writable(folder):
    """Whether we can keep files in folder, and nobody else can: a cache is code that will be run.

    Room is asked for, too: Numba gives up on a disk that is full.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if hasattr(os, "getuid"):
            about = folder.stat()
            if about.st_uid != os.getuid() or about.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
                return False
        with tempfile.TemporaryFile(dir=folder):
            return shutil.disk_usage(folder).free > ROOM
    except OSError:
        return False


def _disown_blas():
    """Let any Python thread set BLAS's limit; threadpoolctl 3.8 reserves it for one of them."""
    for library in _blas().lib_controllers:
        if hasattr(library, "clear_controlling_thread"):
            library.clear_controlling_thread(force=True)


def _blas():
    """The BLAS libraries that this process has loaded, found once: looking takes a while."""
    if "blas" not in _loaded:
        import scipy.linalg  # noqa: F401
        from threadpoolctl import ThreadpoolController
        _loaded["blas"] = ThreadpoolController().select(user_api="blas")
    return _loaded["blas"]
