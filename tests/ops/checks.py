"""How the tests of the operations compare, lay out in memory, and look over a kernel's shoulder."""

import contextlib
import functools
import sys

import numpy as np
import pytest

from nndl import backends

# Of the magnitude summed: |x|·|w| + |b| for a product.
TOLERANCE = {np.dtype(np.float64): 1e-12, np.dtype(np.float32): 1e-5}


def normal(rng, dtype, *shape):
    """Random numbers of this type."""
    return rng.normal(size=shape).astype(dtype)


def laid_out(x, layout):
    """The same numbers in the same shape, in another order in memory."""
    if layout == "fortran":
        y = np.asfortranarray(x)
    elif layout == "channels last" and x.ndim > 1:
        y = np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1)
    elif layout == "strided":
        y = np.full([2 * n + 1 for n in x.shape], 99, x.dtype)[(slice(1, None, 2),) * x.ndim]
        y[...] = x
    elif layout == "reversed":
        back = (slice(None, None, -1),) * x.ndim
        y = x[back].copy()[back]
    else:
        y = x.copy()
    assert np.array_equal(y, x, equal_nan=True)
    return y


def assert_agree(got, expected, magnitude, dtype):
    """Same shape and type, and every number within the tolerance of the magnitude summed."""
    assert got.dtype == expected.dtype == dtype
    assert got.shape == expected.shape
    bound = TOLERANCE[np.dtype(dtype)] * np.broadcast_to(magnitude, got.shape).astype(float)
    off = np.abs(got.astype(float) - expected)
    assert np.all(off <= bound), f"off by {off.max():.3g}, {bound.flat[off.argmax()]:.3g} is allowed"


@contextlib.contextmanager
def left_alone(*arrays):
    """Whatever happens inside must leave these arrays as they are, bit for bit."""
    before = [None if x is None else x.tobytes() for x in arrays]
    yield
    assert before == [None if x is None else x.tobytes() for x in arrays]


def spoil(work):
    """Nothing may depend on what the memory in work holds, but for the border of zeros in xp."""
    for name, value in work.items():
        if isinstance(value, dict):
            spoil(value)
        elif isinstance(value, np.ndarray) and not name.startswith("xp"):
            value.fill(np.nan if value.dtype.kind == "f" else 1)


def check_work(run, make, sizes):
    """Run an operation through one work dict at one mini-batch size after the other.

    make : m -> the arrays;  run : (arrays, work) -> the results, of forward and backward
    With a dict come the same bits as without, and nothing is overwritten but the dict's own: not the
    arrays handed in, not results that belong to another dict or to none.
    """
    work, other = {}, {}
    others = make(sizes[0])
    kept = run(others, other)
    for m in sizes:
        arrays = make(m)
        new = run(arrays, None)
        for _ in range(2):  # for other shapes than the last, and for the same
            spoil(work)
            with left_alone(*arrays, *others, *kept, *new):
                again = run(arrays, work)
            for one, two in zip(new, again, strict=True):
                assert (one is None) == (two is None)
                if one is not None:
                    assert one.dtype == two.dtype and one.shape == two.shape
                    assert one.tobytes() == two.tobytes()
    for one, two in zip(kept, run(others, None), strict=True):
        assert one is two is None or one.tobytes() == two.tobytes()


def spy(monkeypatch, module, *names):
    """Note the calls of a module's functions: a list of (name, arguments)."""
    calls = []

    def noting(name, function):
        def noted(*arguments, **keywords):
            calls.append((name, arguments))
            return function(*arguments, **keywords)
        return noted

    for name in names:
        monkeypatch.setattr(module, name, noting(name, getattr(module, name)))
    return calls


@contextlib.contextmanager
def thresholds(**values):
    """Other thresholds between paths meanwhile, so that small shapes lie on both sides of each.

    Only those that Python reads: a kernel keeps the value that it was compiled with.
    """
    with pytest.MonkeyPatch.context() as patch:
        for name, value in values.items():
            for module in holders(name):
                patch.setattr(module, name, value)
        yield


@contextlib.contextmanager
def shared_out():
    """All work is shared out among threads meanwhile, however little it is.

    Small work is else left to the calling thread: these small shapes would not reach the kernels that
    large ones take.
    """
    with thresholds(TOO_FEW_TO_SHARE=0), pytest.MonkeyPatch.context() as patch:
        for module in holders("FEW"):
            few = module.FEW
            patch.setattr(module, "FEW", dict.fromkeys(few, 0) if isinstance(few, dict) else 0)
        yield


@functools.cache
def holders(name):
    """The modules of nndl.ops that have a global of this name, which no kernel of theirs may read."""
    modules = [module for key, module in list(sys.modules.items())
               if key.startswith("nndl.ops.") and hasattr(module, name)]
    assert modules, f"no module of nndl.ops has {name}"
    for module in modules:
        for function in vars(module).values():
            code = getattr(getattr(function, "py_func", None), "__code__", None)
            assert code is None or name not in code.co_names, f"{function} was compiled with {name}"
    return modules


def refuses(call, error, *words):
    """call(ops) raises this error on both backends, in the same words, these among them."""
    messages = []
    for name in ("numpy", "numba"):
        with pytest.raises(error) as caught:
            call(backends.get(name))
        assert caught.type is error
        messages.append(str(caught.value))
    assert messages[0] == messages[1]
    for word in words:
        assert word in messages[0]
