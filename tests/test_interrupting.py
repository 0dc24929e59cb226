"""Ctrl-C where Python does not hear it."""

import signal
import threading
import time

import pytest

from nndl.interrupting import in_a_thread


def test_what_is_done_in_a_thread_comes_back():
    assert in_a_thread(lambda: threading.current_thread() is threading.main_thread()) is False
    with pytest.raises(ZeroDivisionError):
        in_a_thread(lambda: 1 / 0)


def test_ctrl_c_does_not_wait_for_the_thread():
    went_on = threading.Event()
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    began = time.perf_counter()

    def work():
        threading.Timer(0.2, signal.raise_signal, (signal.SIGINT,)).start()
        went_on.wait(30)
    try:
        with pytest.raises(KeyboardInterrupt):
            in_a_thread(work)
    finally:
        signal.signal(signal.SIGINT, before)
        went_on.set()
    assert time.perf_counter() - began < 10
