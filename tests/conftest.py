"""What every test shares: the environment Numba needs, hypothesis's settings, the backends."""

import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

# Read when these are imported, so before anything else.  Four threads also on a machine with two
# cores: the tests of equal bits use 1, 2, 3 and 4.
os.environ.setdefault("NUMBA_NUM_THREADS", "4")
os.environ.setdefault("NUMBA_NRT_STATS", "1")  # count what kernels allocate: test_allocation asks
os.environ.setdefault("MPLBACKEND", "Agg")

import pytest
from hypothesis import HealthCheck, Phase, settings

from nndl import backends, compile_notice

# Derandomized: a run that passes here passes everywhere.  To look for more:
# pytest --hypothesis-profile thorough
settings.register_profile("nndl", deadline=None, max_examples=25, derandomize=True,
                          suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("thorough", parent=settings.get_profile("nndl"), max_examples=1000,
                          derandomize=False)
# For tests/mutations.py: a failure is all that it asks for, not the smallest.
settings.register_profile("mutations", parent=settings.get_profile("nndl"),
                          phases=[Phase.explicit, Phase.generate])
settings.load_profile("nndl")

BACKENDS = ("numpy", "numba")
# Defines the kernels where backends wants them, whoever imports a file of theirs.
backends.get("numba")
compile_notice._at_any_time.said = True  # it would stand in what some test reads from stderr
# More threads than cores, which wait for each other, only where a test asks for them: none beside
# the processes that pytest -n auto begins.
IN_A_WORKER = "PYTEST_XDIST_WORKER" in os.environ
backends.set_threads(1 if IN_A_WORKER else
                     min(int(os.environ["NUMBA_NUM_THREADS"]), backends.usable_cores()))


@pytest.fixture(scope="module", params=BACKENDS)
def ops(request):
    """Each backend in turn, with its threads held as while a network runs."""
    backend = backends.get(request.param)
    with backend.running():
        yield backend


@pytest.fixture(scope="module")
def reference():
    """The NumPy backend: the definition."""
    return backends.get("numpy")


@pytest.fixture(scope="module")
def fast():
    """The Numba backend, with its threads held as while a network runs."""
    backend = backends.get("numba")
    with backend.running():
        yield backend


# --- what begins before its test's turn -----------------------------------------------------------

def pytest_collection_finish(session):
    """A minute of compiling, which one test waits for, on a core that the others leave free."""
    if session.config.option.collectonly or IN_A_WORKER:
        return
    if any("bits_of_every_kernel" in getattr(item, "fixturenames", ()) for item in session.items):
        session.config.bits_of_every_kernel = ThreadPoolExecutor(1).submit(_bits_of_every_kernel)


def _bits_of_every_kernel():
    """What tests/bits_of_every_kernel.py prints while it compiles, and when all is compiled."""
    with tempfile.TemporaryDirectory() as kernels:
        return [subprocess.run([sys.executable, "-m", "tests.bits_of_every_kernel"], check=True,
                               capture_output=True, text=True, cwd=Path(__file__).parent.parent,
                               env={**os.environ, "NUMBA_CACHE_DIR": kernels}).stdout
                for _ in range(2)]


@pytest.fixture
def bits_of_every_kernel(request):
    """Printed by the process that compiles, and by one that finds the kernels compiled."""
    begun = getattr(request.config, "bits_of_every_kernel", None)
    return begun.result() if begun else _bits_of_every_kernel()
