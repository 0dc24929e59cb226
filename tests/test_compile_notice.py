"""What is said while Numba compiles, and what Ctrl-C does meanwhile."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import textwrap
import time
import types

import numba
import pytest

from nndl import backends, compile_notice
from nndl.compile_notice import watched


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """Compiling is announced without delay, and nothing has been said before."""
    backends.get("numba")
    monkeypatch.setattr(compile_notice, "AFTER", 0.0)
    monkeypatch.setattr(compile_notice._at_any_time, "said", False)


@pytest.fixture
def begun(monkeypatch):
    """What Numba tells us: the depths at which functions of ours were begun."""
    depths, begin = [], compile_notice._begin

    def told():
        depths.append(compile_notice._depth)
        begin()

    monkeypatch.setattr(compile_notice, "_begin", told)
    return depths


def ours(function):
    """A function for Numba to compile, as if it stood in nndl."""
    function.__module__ = "nndl.ops.of_this_test"
    return numba.njit(function)


def slowly():
    """As if Numba compiled, for long enough to be noticed."""
    compile_notice._begin()
    try:
        time.sleep(0.2)
    finally:
        compile_notice._end()


def test_what_is_compiled_in_a_block_is_announced_with_its_seconds(capsys):
    with watched("the kernels", ": some seconds"):
        slowly()
    out, err = capsys.readouterr()
    assert re.fullmatch(r"compiling the kernels, (once on this machine|which no writable folder keeps "
                        r"\(.*\)): some seconds \.\.\. done in 0\.\d s\n", out)
    assert err == ""


def test_what_takes_long_without_compiling_is_not_announced(capsys):
    """Kernels that are read from the cache."""
    with watched("the kernels"):
        time.sleep(0.2)
    assert capsys.readouterr() == ("", "")


def test_what_compiles_quickly_is_not_announced(monkeypatch, capsys):
    monkeypatch.setattr(compile_notice, "AFTER", 30.0)
    with watched("the kernels"):
        slowly()
    slowly()
    assert capsys.readouterr() == ("", "")


def test_many_short_compilations_are_long_together(monkeypatch, capsys):
    monkeypatch.setattr(compile_notice, "AFTER", 30.0)
    with watched("the kernels"):
        slowly()
        assert capsys.readouterr().out == "" and 0.2 <= compile_notice._spent < 30
        monkeypatch.setattr(compile_notice, "_spent", 30.0)
        slowly()
        assert "compiling the kernels" in capsys.readouterr().out


def test_outside_of_a_block_it_is_said_once_on_stderr(capsys):
    slowly()
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("nndl: compiling what this needs, ")
    assert len(err.splitlines()) == 1
    slowly()
    assert capsys.readouterr() == ("", "")


def test_numba_tells_us_when_it_compiles_a_function_of_ours(begun):
    function = ours(lambda x: x + 1)
    assert function(1) == 2 and begun == [0] and compile_notice._depth == 0
    assert function(2) == 3 and begun == [0]  # compiled already


def test_functions_of_the_readers_own_are_not_our_business(begun):
    assert numba.njit(lambda x: x + 1)(1) == 2
    assert begun == [] and compile_notice._depth == 0


def test_a_function_compiled_for_another_is_within_it(begun, monkeypatch):
    counted = []
    monkeypatch.setattr(compile_notice, "_counted", lambda: contextlib.nullcontext(counted.append(1)))
    its = numba.njit(lambda x: x + 1)  # Numba's own or a reader's: compiled for ours
    outer = ours(lambda x: its(x) + 1)
    assert outer(1) == 3
    assert begun == [0, 1] and counted == [1] and compile_notice._depth == 0
    inner = ours(lambda x: x + 2)
    assert numba.njit(lambda x: inner(x) + 1)(1) == 4  # and ours for a reader's
    assert begun == [0, 1, 0] and counted == [1, 1] and compile_notice._depth == 0


def test_a_block_that_is_interrupted_ends_its_line(capsys):
    with pytest.raises(KeyboardInterrupt), watched("this"):
        slowly()
        raise KeyboardInterrupt
    assert capsys.readouterr().out.endswith(" ... \n")
    slowly()
    assert capsys.readouterr().err != ""  # and is left


def test_one_block_within_another_speaks_for_itself(capsys):
    with watched("all"):
        with watched("a part"):
            slowly()
        assert "all" not in capsys.readouterr().out
        slowly()
    assert re.match("compiling all, .* done in ", capsys.readouterr().out)


def test_where_nothing_is_kept_nobody_says_once(monkeypatch, capsys):
    monkeypatch.setattr(backends, "cache_folder", lambda: None)
    with watched("all"):
        slowly()
    out = capsys.readouterr().out
    assert "NUMBA_CACHE_DIR" in out and "once" not in out


def begin_and_end():
    """Numba compiles."""
    compile_notice._begin()
    try:
        yield
    finally:
        compile_notice._end()


@pytest.mark.parametrize("within_llvm", [contextlib.contextmanager(begin_and_end),
                                         lambda: watched("what is only read")])
def test_an_interruption_within_llvm_waits_until_it_is_out(within_llvm):
    """In a callback of LLVM's it would be dropped."""
    seen = []

    def callback():
        signal.raise_signal(signal.SIGINT)
        time.sleep(0.1)
        seen.append("done")
    its_globals = {"__name__": "llvmlite.binding", "signal": signal, "time": time}
    within = types.FunctionType(callback.__code__, its_globals, closure=callback.__closure__)
    before = signal.getsignal(signal.SIGINT)

    def interrupted(work):
        with pytest.raises(KeyboardInterrupt), within_llvm():
            work()
            seen.append("out")
            time.sleep(5)
            seen.append("too late")
        assert signal.getsignal(signal.SIGINT) is before

    interrupted(within)
    assert seen in (["done"], ["done", "out"])
    seen.clear()
    interrupted(lambda: signal.raise_signal(signal.SIGINT))
    assert seen == []


def test_an_interruption_before_the_beginning_is_followed_by_an_end(capsys):
    before = signal.getsignal(signal.SIGINT)
    compile_notice._end()  # Numba says so even if it could not say that it begins
    assert compile_notice._depth == 0
    slowly()
    assert signal.getsignal(signal.SIGINT) is before and "compiling" in capsys.readouterr().err


def test_blocks_of_two_threads_end_in_any_order(capsys):
    """Both speak of the same kernels."""
    one, other = watched("the kernels"), watched("the kernels")
    one.__enter__()
    other.__enter__()
    slowly()
    one.__exit__(None, None, None)
    assert capsys.readouterr().out.count("\n") == 0  # the other has spoken, and is not done
    other.__exit__(None, None, None)
    assert re.fullmatch(r"done in .* s\n", capsys.readouterr().out)
    assert compile_notice._blocks == []


@pytest.mark.skipif(os.name != "posix", reason="a POSIX shell closes it")
def test_a_stderr_that_is_closed_stops_nothing():
    done = subprocess.run(["sh", "-c", '"$0" "$@" 2>&-', sys.executable, "-c", textwrap.dedent("""
        from nndl import backends, compile_notice
        backends.get("numba")
        compile_notice.AFTER = 0.0
        import numba, time
        compile_notice._begin(); time.sleep(0.2); compile_notice._end()
        print(numba.njit(lambda x: x)(3))
        """)], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "3\n")
