"""Ctrl-C, taken over for a while."""

import contextlib
import signal
import threading


@contextlib.contextmanager
def ctrl_c(handler):
    """Within it Ctrl-C calls handler(number, frame), as signal.signal has it.

    Not where somebody else has a handler: theirs decides.  Nor in a thread but the main one.
    """
    if (threading.current_thread() is not threading.main_thread()
            or signal.getsignal(signal.SIGINT) is not signal.default_int_handler):
        yield
        return
    signal.signal(signal.SIGINT, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
