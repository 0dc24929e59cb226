"""Says that Numba compiles, where that takes long, and lets Ctrl-C end it.

Numba tells a listener when it begins to compile a function and when it has done so, and nothing where
it reads the function from its cache.  So a reader who waits for half a minute knows for what, and one
whose kernels are there already reads nothing about it.
"""

import _thread
import contextlib
import sys
import threading
import time

from . import backends
from .interrupting import ctrl_c

AFTER = 1.0  # seconds of compiling, before it is said


class Notice:
    """A sentence that is said at most once: what is compiled."""

    def __init__(self, what, how_long, ended=False):
        self.what, self.how_long, self.ended = what, how_long, ended
        self.said = False

    def say(self):
        """ended : as a line on stderr, of which nobody knows when it is done; else as half of one."""
        if self.said:
            return
        self.said = True
        when = ("once on this machine" if backends.cache_folder() is not None else
                "which no writable folder keeps (NUMBA_CACHE_DIR may name one)")
        text = f"{self.what}, {when}{self.how_long}"
        with contextlib.suppress(OSError):  # nobody reads on: who prints next will notice
            if not self.ended:
                print(text, end=" ... ", flush=True)
            elif sys.stderr is not None:  # None: it was closed from the start
                print(text, file=sys.stderr, flush=True)


_blocks = []      # the notices of the `watched` blocks that we are in
_at_any_time = Notice("nndl: compiling what this needs", ": up to a minute", ended=True)  # outside
_spent = 0.0      # seconds of compiling since the last block began or ended
_depth = 0        # how many functions are being compiled, each because the one before calls it
_running = None   # an ExitStack of what holds while any is


@contextlib.contextmanager
def watched(what, how_long=""):
    """Within it kernels may be compiled: what for, and how long it takes, is said if it takes long.

    Here Ctrl-C waits for LLVM also where kernels are only read: that, too, calls back into Python.
    """
    global _spent
    notice, began, done = Notice(f"compiling {what}", how_long), time.perf_counter(), ""
    _blocks.append(notice)  # by identity: no two notices are equal
    _spent = 0.0
    try:
        with _interrupted_outside_llvm():
            yield
        done = f"done in {time.perf_counter() - began:.1f} s"
    finally:
        _blocks.remove(notice)
        _spent = 0.0
        if notice.said:
            print(done, flush=True)


def listen():
    """Have Numba say when it compiles.  Once in a process, when Numba has been imported."""
    from numba.core import event

    class Listener(event.Listener):
        def on_start(self, event):
            if _depth or _is_ours(event.data.get("dispatcher")):
                _begin()

        def on_end(self, event):
            _end()

    event.register("numba:compile", Listener())


def _is_ours(function):
    """Whether Numba compiles this for nndl: a reader's own functions are not our business."""
    module = getattr(getattr(function, "py_func", None), "__module__", None) or ""
    return module.startswith("nndl.")


# Numba holds a lock while it compiles: one thread at a time comes here.  An interruption may come
# between any two lines.

def _begin():
    global _depth, _running
    if _depth == 0:
        _running = contextlib.ExitStack()
    _depth += 1
    if _depth == 1:
        _running.enter_context(_interrupted_outside_llvm())
        _running.enter_context(_counted())


def _end():
    global _depth
    if _depth == 0:  # of a function that is not ours, or that was interrupted before it began
        return
    _depth -= 1
    if _depth == 0:
        _running.close()


@contextlib.contextmanager
def _counted():
    """Count the seconds within it, and say what is going on when they are too many."""
    global _spent
    timer, began = threading.Timer(max(0.0, AFTER - _spent), _say), time.perf_counter()
    timer.daemon = True
    try:
        timer.start()
        yield
    finally:
        timer.cancel()
        timer.join()
        _spent += time.perf_counter() - began


def _say():
    innermost, *_ = [*_blocks[-1:], _at_any_time]  # looked at once: another thread may end a block
    innermost.say()


def _interrupted_outside_llvm():
    """Ctrl-C takes effect when LLVM, the compiler behind Numba, is done with what it is at.

    It calls back into Python, and Python drops an exception that arises there: a KeyboardInterrupt
    would be lost, and the kernel half made.
    """
    def interrupt(number, frame):
        while frame is not None:
            if "llvmlite" in frame.f_globals.get("__name__", ""):
                threading.Timer(0.02, _thread.interrupt_main).start()  # once more
                return
            frame = frame.f_back
        raise KeyboardInterrupt

    return ctrl_c(interrupt)
