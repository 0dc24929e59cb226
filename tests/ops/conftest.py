"""What the tests of single operations share: both of a kernel's ways through small work."""

import contextlib

import pytest

from tests.ops.checks import shared_out


@pytest.fixture(scope="module", params=["as it is", "shared out"])
def sharing(request):
    """Small work left to the calling thread, and then shared out among threads all the same."""
    with shared_out() if request.param == "shared out" else contextlib.nullcontext():
        yield
