"""IDX files: what is written comes back, and no damaged file does worse than a ValueError."""

import gzip
import math
import os
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from nndl.data import read_idx, write_idx
from nndl.data.idx import TYPES

DTYPES = [np.uint8, np.int8, np.int16, np.int32, np.float32, np.float64]
SHAPES = hnp.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=5)
ARRAYS = st.sampled_from(DTYPES).flatmap(lambda dtype: hnp.arrays(dtype, SHAPES))
NAMES = st.sampled_from(["x-ubyte", "x-ubyte.gz"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """One folder for all examples: a test function that hypothesis calls cannot have its own."""
    return tmp_path_factory.mktemp("idx")


def header(type_byte, *shape):
    return struct.pack(f">BBBB{len(shape)}I", 0, 0, type_byte, len(shape), *shape)


def put(folder, data, compress=False):
    path = folder / "data"
    path.write_bytes(gzip.compress(data, mtime=0) if compress else data)
    return path


def assert_same(got, expected):
    """The same type, shape and bits: NaN counts as equal to itself, 0.0 and -0.0 as different."""
    assert got.dtype == expected.dtype and got.shape == expected.shape
    assert got.dtype.isnative
    assert got.tobytes() == expected.tobytes()


def peak_memory(action):
    """Most bytes that Python and NumPy held at one time during action()."""
    tracemalloc.start()
    try:
        action()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def fails(path, *words):
    """read_idx(path) raises a ValueError that names the file and says each of words."""
    with pytest.raises(ValueError) as caught:
        read_idx(path)
    for word in (str(path), *words):
        assert word in str(caught.value)


# What is written comes back


@settings(deadline=None)
@given(array=ARRAYS, name=NAMES)
def test_round_trip(folder, array, name):
    write_idx(folder / name, array)
    assert_same(read_idx(folder / name), array)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["x", "x.gz"])
def test_round_trip_of_more_than_one_chunk(folder, dtype, name):
    array = np.random.default_rng(0).integers(0, 100, (300, 1001)).astype(dtype)
    write_idx(folder / name, array)
    assert_same(read_idx(folder / name), array)


@settings(deadline=None)
@given(array=ARRAYS, name=NAMES)
def test_byte_order_and_strides_in_memory_do_not_matter(folder, array, name):
    write_idx(folder / name, array.astype(array.dtype.newbyteorder(">")).T[::-1])
    assert_same(read_idx(folder / name), array.T[::-1])


@pytest.mark.parametrize("name", ["x", "x.gz"])
def test_eight_dimensions(folder, name):
    array = np.arange(2**8, dtype=np.int16).reshape((2,) * 8)
    write_idx(folder / name, array)
    assert_same(read_idx(folder / name), array)


@pytest.mark.parametrize(
    "type_byte, code, dtype",
    [
        (0x08, "B", np.uint8),
        (0x09, "b", np.int8),
        (0x0B, "h", np.int16),
        (0x0C, "i", np.int32),
        (0x0D, "f", np.float32),
        (0x0E, "d", np.float64),
    ],
)
def test_the_bytes_of_a_file_made_by_hand(folder, type_byte, code, dtype):
    data = header(type_byte, 2, 3) + struct.pack(f">6{code}", 1, 2, 3, 4, 5, 100)
    array = np.array([[1, 2, 3], [4, 5, 100]], dtype)
    assert_same(read_idx(put(folder, data)), array)
    assert_same(read_idx(put(folder, data, compress=True)), array)
    write_idx(folder / "written", array)
    assert (folder / "written").read_bytes() == data


def test_the_types_are_those_of_the_format():
    assert list(TYPES) == [0x08, 0x09, 0x0B, 0x0C, 0x0D, 0x0E]


def test_gzip_is_known_by_its_first_bytes_and_not_by_name(folder):
    array = np.arange(5, dtype=np.uint8)
    write_idx(folder / "five.gz", array)
    write_idx(folder / "five", array)
    assert (folder / "five.gz").read_bytes()[:2] == b"\x1f\x8b"
    assert (folder / "five").read_bytes()[:2] == b"\0\0"
    (folder / "five.gz").rename(folder / "compressed")
    (folder / "five").rename(folder / "plain.gz")
    assert_same(read_idx(folder / "compressed"), array)
    assert_same(read_idx(folder / "plain.gz"), array)


def test_a_gzip_file_in_several_members_is_read_whole(folder):
    path = folder / "members"
    path.write_bytes(gzip.compress(header(0x08, 4) + b"ab") + gzip.compress(b"cd"))
    assert_same(read_idx(path), np.frombuffer(b"abcd", np.uint8))


def test_the_array_is_new_and_writable(folder):
    write_idx(folder / "x", np.zeros((2, 2), np.float32))
    array = read_idx(str(folder / "x"))
    array[:] = 1
    assert array.sum() == 4
    assert read_idx(folder / "x").sum() == 0


# Damage


@settings(deadline=None, max_examples=300)
@given(array=ARRAYS, data=st.data())
def test_a_changed_byte_of_a_gzip_file_is_found_or_harmless(folder, array, data):
    write_idx(folder / "good.gz", array)
    good = (folder / "good.gz").read_bytes()
    bad = bytearray(good)
    for _ in range(data.draw(st.integers(1, 3))):
        bad[data.draw(st.integers(0, len(bad) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        got = read_idx(put(folder, bytes(bad)))
    except ValueError:
        return
    assert_same(got, array)


@settings(deadline=None, max_examples=300)
@given(array=ARRAYS, data=st.data())
def test_a_changed_byte_of_a_plain_file(folder, array, data):
    """Nothing guards a plain file's numbers; but the array must be what the changed file says."""
    write_idx(folder / "good", array)
    good = (folder / "good").read_bytes()
    bad, place = bytearray(good), data.draw(st.integers(0, len(good) - 1))
    bad[place] ^= data.draw(st.integers(1, 255))
    try:
        got = read_idx(put(folder, bytes(bad)))
    except ValueError:
        assert place < 4 + 4 * array.ndim  # only the header can be wrong
        return
    if place >= 4 + 4 * array.ndim:
        assert got.dtype == array.dtype and got.shape == array.shape
    write_idx(folder / "again", got)
    assert (folder / "again").read_bytes() == bytes(bad)


@settings(deadline=None, max_examples=200)
@given(array=ARRAYS, name=NAMES, data=st.data())
def test_a_file_cut_anywhere_is_refused(folder, array, name, data):
    write_idx(folder / name, array)
    good = (folder / name).read_bytes()
    kept = data.draw(st.integers(0, len(good) - 1))
    fails(put(folder, good[:kept]))


@settings(deadline=None)
@given(array=ARRAYS, name=NAMES, more=st.binary(min_size=1, max_size=9))
def test_a_file_with_something_after_its_end_is_refused(folder, array, name, more):
    assume(more.strip(b"\0") or not name.endswith(".gz"))  # zeros may fill up a gzip file
    write_idx(folder / name, array)
    fails(put(folder, (folder / name).read_bytes() + more))


@settings(deadline=None, max_examples=200)
@given(
    start=st.sampled_from([b"", b"\0\0", b"\0\0\x08\1", b"\0\0\x0d\2", b"\0\0\x0e\3\0\0\0\0"]),
    junk=st.binary(max_size=40),
    wrap=st.sampled_from(["plain", "gzip", "gzip magic"]),
)
@example(b"", b"", "plain")
@example(b"", b"", "gzip")
@example(b"", b"", "gzip magic")
def test_junk_is_refused_or_is_an_idx_file(folder, start, junk, wrap):
    data = (b"\x1f\x8b" if wrap == "gzip magic" else b"") + start + junk
    try:
        got = read_idx(put(folder, data, compress=wrap == "gzip"))
    except ValueError:
        return
    write_idx(folder / "again", got)
    assert (folder / "again").read_bytes() == data


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize(
    "data, words",
    [
        (b"", ["IDX", "an empty file"]),
        (b"\0\0\x08", ["IDX", "00 00 08", "right file"]),
        (b"<!DOCTYPE html>", ["IDX", "<!DO", "web page"]),
        (b"\0\1\x08\1\0\0\0\1a", ["IDX", "00 01 08 01"]),
        (b"\0\0\x0a\1\0\0\0\1a", ["IDX", "00 00 0a 01"]),
        (b"\0\0\x08\0a", ["1 to 8 dimensions", "claims 0"]),
        (header(0x08, *[1] * 9) + b"a", ["1 to 8 dimensions", "claims 9"]),
        (b"\0\0\x08\3\0\0\0\1\0", ["header of 16 bytes", "ends after 9"]),
        (header(0x08, 2, 3) + b"abcde", ["cut short", "uint8", "2 x 3", "6 bytes", "found 5"]),
        (header(0x0E, 2) + b"a" * 15, ["cut short", "float64", "16 bytes", "found 15"]),
        (header(0x08, 2, 3) + b"abcdefg", ["too long", "2 x 3", "6 bytes", "at least 7"]),
        (header(0x08, 0, 3) + b"a", ["too long", "0 x 3", "0 bytes", "at least 1"]),
        (header(0x0C, 0, *[2**32 - 1] * 2), ["fits in memory", "0 x 4294967295"]),
    ],
)
def test_the_message_says_what_is_wrong(folder, data, words, compress):
    fails(put(folder, data, compress), *words)


def test_a_gzip_file_with_a_wrong_checksum_or_cut_says_so(folder):
    good = bytearray(gzip.compress(header(0x08, 4) + b"abcd"))
    fails(put(folder, bytes(good[:-1])), "gzip", "cut short", "again")
    good[-5] ^= 1  # the last byte of the checksum; the length comes after it
    fails(put(folder, bytes(good)), "gzip", "damaged", "CRC", "again")


# Memory: a header is not believed


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize(
    "shape", [(2**20, 2**20), (2**31, 2**9), (2**31, 2**31), (2**16,) * 4, (2**32 - 1,) * 8]
)
def test_a_header_that_claims_a_terabyte_or_more_allocates_nothing(folder, shape, compress):
    assert math.prod(shape) >= 2**40
    path = put(folder, header(0x08, *shape) + bytes(1000), compress)
    assert peak_memory(lambda: fails(path)) < 2_000_000


def test_a_gzip_bomb_is_put_out_early(folder):
    compressor = zlib.compressobj(1, wbits=31)  # 31: with gzip's header and checksum
    bomb = compressor.compress(header(0x08, 28, 28))
    million = bytes(1_000_000)
    bomb += b"".join(compressor.compress(million) for _ in range(200)) + compressor.flush()
    (folder / "bomb").write_bytes(bomb)
    assert peak_memory(lambda: fails(folder / "bomb", "784", "too long")) < 2_000_000


@pytest.mark.parametrize("name", ["x", "x.gz"])
def test_an_honest_file_is_held_once(folder, name):
    """Once, and the eighth that a growing bytearray keeps spare, and a chunk."""
    array = np.ones((1_000_000,), np.float64)
    write_idx(folder / name, array)
    assert peak_memory(lambda: read_idx(folder / name)) < array.nbytes * 9 / 8 + 1_000_000


# Paths


def test_a_missing_file_names_the_folder_and_the_file(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        read_idx(tmp_path / "train")
    assert f"looked for train in the folder {tmp_path}" in str(caught.value)

    with pytest.raises(FileNotFoundError, match="there is no folder"):
        read_idx(tmp_path / "nowhere" / "train")

    write_idx(tmp_path / "train.gz", np.zeros(1, np.uint8))
    with pytest.raises(FileNotFoundError, match="but there is train.gz"):
        read_idx(tmp_path / "train")
    write_idx(tmp_path / "test", np.zeros(1, np.uint8))
    with pytest.raises(FileNotFoundError, match="but there is test"):
        read_idx(tmp_path / "test.gz")


def test_a_folder_is_refused(tmp_path):
    fails(tmp_path, "folder", "load_folder")
    with pytest.raises(ValueError, match="is a folder"):
        write_idx(tmp_path, np.zeros(1, np.uint8))


# Writing


@pytest.mark.parametrize(
    "array, error, words",
    [
        (np.arange(3, dtype=np.int64), TypeError, r"int64.*astype"),
        (np.zeros(3, np.float16), TypeError, "float16"),
        (np.zeros(3, bool), TypeError, "bool"),
        (np.array(["a"]), TypeError, "array: expected one of"),
        (np.array([None]), TypeError, "object"),
        (np.uint8(3), ValueError, "got 0.*reshape"),
        (np.zeros((1,) * 9, np.uint8), ValueError, "1 to 8 dimensions, got 9"),
        (np.broadcast_to(np.uint8(0), (2**32,)), ValueError, "4294967296"),
    ],
)
def test_what_idx_cannot_hold_is_refused(tmp_path, array, error, words):
    with pytest.raises(error, match=words):
        write_idx(tmp_path / "x", array)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="no folder.*mkdir"):
        write_idx(tmp_path / "nowhere" / "x", np.zeros(1, np.uint8))


def test_the_same_array_gives_the_same_compressed_bytes(tmp_path, monkeypatch):
    array = np.arange(100, dtype=np.int32)
    write_idx(tmp_path / "a.gz", array)
    monkeypatch.setattr("time.time", lambda: 2_000_000_000.0)
    write_idx(tmp_path / "b.gz", array)
    assert (tmp_path / "a.gz").read_bytes() == (tmp_path / "b.gz").read_bytes()


@pytest.mark.parametrize("name", ["x", "x.gz"])
@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, name, step):
    old = np.arange(3, dtype=np.uint8)
    write_idx(tmp_path / name, old)

    def fail(*args):
        raise OSError("no space left")

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(OSError, match="no space left"):
        write_idx(tmp_path / name, np.zeros(1000, np.uint8))
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert_same(read_idx(tmp_path / name), old)


@pytest.mark.parametrize("name", ["x", "x.gz"])
def test_the_file_is_whole_on_the_disk_before_it_takes_its_name(tmp_path, monkeypatch, name):
    steps, fsync, replace = [], os.fsync, os.replace

    def watched_fsync(descriptor):
        steps.append(("fsync", os.fstat(descriptor).st_size))
        fsync(descriptor)

    def watched_replace(source, target):
        steps.append(("replace", os.path.getsize(source)))
        assert os.path.dirname(source) == os.path.dirname(target)
        replace(source, target)

    monkeypatch.setattr(os, "fsync", watched_fsync)
    monkeypatch.setattr(os, "replace", watched_replace)
    write_idx(tmp_path / name, np.arange(1000, dtype=np.int32))
    size = (tmp_path / name).stat().st_size
    assert steps == [("fsync", size), ("replace", size)]
