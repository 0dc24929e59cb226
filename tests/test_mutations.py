"""The table of mutations fits the kernels; running them is `python -m tests.mutations`."""

from collections import Counter

import pytest

from tests.mutations import ROOT, kernel_of, kernels, mutations

ALL = list(mutations())
FILES = sorted(path.name for path in (ROOT / "nndl" / "ops").glob("*.py")
               if path.stem.endswith("_numba") or path.stem in ("jit", "memory"))


@pytest.mark.parametrize("file", FILES)
def test_each_old_text_is_there_once(file):
    text = (ROOT / "nndl" / "ops" / file).read_text(encoding="utf-8")
    for mutation in ALL:
        if mutation.file == file:
            assert text.count(mutation.old) == 1, mutation
            compile(text.replace(mutation.old, mutation.new), file, "exec")


@pytest.mark.parametrize("file", FILES)
def test_every_kernel_has_a_mutation(file):
    mutated = {kernel_of(mutation) for mutation in ALL if mutation.file == file}
    assert set(kernels(file)) <= mutated, set(kernels(file)) - mutated


def test_the_kernels_are_found():
    assert {"first", "share", "add_patches"} <= set(kernels("jit.py"))
    assert {"_forward_by_places", "_backward", "keep_largest"} <= set(kernels("conv_pool_numba.py"))


def test_no_mutation_is_there_twice_and_each_has_tests():
    twice = [one for one, n in Counter((m.family, m.file, m.old, m.new) for m in ALL).items() if n > 1]
    assert not twice
    for mutation in ALL:
        assert mutation.old != mutation.new
        assert mutation.tests and all((ROOT / "tests" / name).is_file() for name in mutation.tests)
