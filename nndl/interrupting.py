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


def in_a_thread(work):
    """Call work() in a thread beside us and return what it returns, so that Ctrl-C ends the waiting.

    For what does not listen to it, as compiled programs do not.  The thread dies with the process.
    """
    ended = {}

    def call():
        try:
            ended["value"] = work()
        except BaseException as error:
            ended["error"] = error

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    while thread.is_alive():  # on Windows, join without a limit would not be interrupted
        thread.join(0.1)
    if "error" in ended:
        raise ended["error"]
    return ended["value"]
