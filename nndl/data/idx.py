"""IDX files, the format of MNIST: a short header, then the bare numbers.

    byte 0, 1      both 0
    byte 2         the type of the numbers, one of TYPES
    byte 3         n, the number of dimensions
    next 4 n       the dimensions, unsigned 32-bit, largest byte first
    the rest       the numbers in C order (the last index runs fastest), largest byte first

A file may lie about itself: cut by a broken download, damaged, or made to do harm. So nothing is
allocated because a header asks for it. Memory grows only with the bytes that are really there, and
stops at what the header claims.
"""

import gzip
import io
import math
import os
import struct
import sys
import zlib
from pathlib import Path

import numpy as np

from ..files import write_atomically

TYPES = {
    0x08: np.dtype(np.uint8),
    0x09: np.dtype(np.int8),
    0x0B: np.dtype(np.int16),
    0x0C: np.dtype(np.int32),
    0x0D: np.dtype(np.float32),
    0x0E: np.dtype(np.float64),
}
TYPE_BYTES = {dtype: type_byte for type_byte, dtype in TYPES.items()}
MAX_DIMENSIONS = 8  # images need three; a larger number is a damaged header
GZIP_MAGIC = b"\x1f\x8b"
CHUNK = 1 << 18  # bytes read at a time


def read_idx(path):
    """Read one IDX file, plain or compressed with gzip.

    path : str or Path  the file; its first two bytes, not its name, tell whether it is gzip
    Returns array : the file's shape and type, in the machine's byte order; a new, writable array.

    Memory held is never more than the header claims or the file holds, whichever is less, plus one
    chunk and the eighth that a growing bytearray keeps spare.

    Raises FileNotFoundError if there is no such file. Raises ValueError if it is not an IDX file,
    is too short or too long for its header, or its gzip data are damaged.
    """
    path = Path(path)
    if path.is_dir():
        raise ValueError(
            f"{path} is a folder, and read_idx expects one IDX file. "
            f"To read a whole data set call load_folder({str(path)!r})"
        )
    if not path.exists():
        raise FileNotFoundError(_missing(path))
    with open(path, "rb") as file:
        if file.peek(2)[:2] != GZIP_MAGIC:
            return _read_array(file, path, os.fstat(file.fileno()).st_size)
        try:
            with gzip.GzipFile(fileobj=file) as stream:
                return _read_array(stream, path, None)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise ValueError(
                f"{path}: expected a whole gzip file, but its compressed data are damaged or cut "
                f"short ({error}). Download or copy the file again"
            ) from error


def write_idx(path, array):
    """Write array as an IDX file, so that read_idx(path) gives it back bit for bit.

    path : str or Path  compressed with gzip if the name ends in .gz; the same array gives the same
                        bytes each time
    array : 1 to 8 dimensions, of a type in TYPES, any byte order or strides

    The file is written beside its target, flushed to the disk and renamed over it: at every moment
    path holds the old file or the new one, whole.

    Raises TypeError for a type that IDX does not have, ValueError for a shape that it cannot hold,
    FileNotFoundError if the folder does not exist.
    """
    path, array = Path(path), np.asarray(array)
    header = idx_header(array)
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"cannot write {path}: there is no folder {path.parent}. Make it first, with "
            f"Path({str(path.parent)!r}).mkdir(parents=True)"
        )
    if path.is_dir():
        raise ValueError(f"{path} is a folder, and write_idx expects the name of a file in one")
    largest_byte_first = np.ascontiguousarray(array, array.dtype.newbyteorder(">"))
    body = largest_byte_first.reshape(-1).view(np.uint8)

    content = io.BytesIO()
    if path.suffix == ".gz":
        # No name and no time inside, which would change the bytes from run to run.
        with gzip.GzipFile("", "wb", compresslevel=6, fileobj=content, mtime=0) as stream:
            stream.write(header)
            stream.write(body)
    else:
        content.write(header)
        content.write(body)
    write_atomically(path, content.getbuffer())


def idx_header(array):
    """The bytes that stand before array's numbers in an IDX file.

    array : as for write_idx
    Returns bytes, 4 + 4 * array.ndim of them.
    Raises as write_idx does.
    """
    type_byte = TYPE_BYTES.get(array.dtype.newbyteorder("="))
    if type_byte is None:
        known = ", ".join(str(dtype) for dtype in TYPE_BYTES)
        raise TypeError(
            f"array: expected one of the types that IDX has, {known}; got {array.dtype}. "
            f"Convert it first, for example with array.astype(np.int32)"
        )
    if not 1 <= array.ndim <= MAX_DIMENSIONS:
        raise ValueError(
            f"array: expected 1 to {MAX_DIMENSIONS} dimensions, got {array.ndim}. "
            f"Reshape it first, for example with array.reshape(-1)"
        )
    if max(array.shape) >= 2**32:
        raise ValueError(
            f"array: expected each dimension below 2**32, got shape {array.shape}. "
            f"Write it as several files"
        )
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, type_byte, array.ndim, *array.shape)


def _read_array(stream, path, file_size):
    """The array in stream, which stands at the first byte of the header.

    path : the file's name, for messages
    file_size : bytes in a plain file; None for gzip, whose length only reading to the end tells
    """
    dtype, shape = _read_header(stream, path)
    claimed = math.prod(shape) * dtype.itemsize  # Python ints: no overflow
    if file_size is not None:
        # Known before a single number is read.
        _check_length(file_size - stream.tell(), claimed, dtype, shape, path)
    data = _read_up_to(stream, claimed + 1)
    _check_length(len(data), claimed, dtype, shape, path)

    array = np.frombuffer(data, dtype).reshape(shape)
    if sys.byteorder == "little":
        array.byteswap(inplace=True)  # in place: astype would hold the numbers twice
    return array


def _read_header(stream, path):
    """The dtype and the shape, a tuple of ints, that the header claims."""
    start = stream.read(4)
    if len(start) < 4 or start[:2] != b"\0\0" or start[2] not in TYPES:
        known = ", ".join(f"{type_byte:02x}" for type_byte in TYPES)
        raise ValueError(
            f"{path}: expected an IDX file, whose first bytes are 00 00, a type ({known}) and a "
            f"number of dimensions; got {start.hex(' ') or 'an empty file'} ({start!r}). "
            f"Check that this is the right file and not, say, a web page saved under its name"
        )
    dtype, n_dimensions = TYPES[start[2]], start[3]
    if not 1 <= n_dimensions <= MAX_DIMENSIONS:
        raise ValueError(
            f"{path}: expected 1 to {MAX_DIMENSIONS} dimensions, but the header claims "
            f"{n_dimensions}. Download or copy the file again"
        )
    sizes = stream.read(4 * n_dimensions)
    if len(sizes) < 4 * n_dimensions:
        raise ValueError(
            f"{path}: expected a header of {4 + 4 * n_dimensions} bytes for {n_dimensions} "
            f"dimensions, but the file ends after {4 + len(sizes)}. Download or copy it again"
        )
    shape = struct.unpack(f">{n_dimensions}I", sizes)
    # NumPy cannot make an array this large even if another dimension is 0 and it holds nothing.
    if math.prod(max(size, 1) for size in shape) * dtype.itemsize > sys.maxsize:
        raise ValueError(
            f"{path}: expected a shape that fits in memory, but the header claims "
            f"{_describe(dtype, shape)}. Download or copy the file again"
        )
    return dtype, shape


def _read_up_to(stream, limit):
    """The next bytes of stream, at most limit of them, as a bytearray.

    Fewer than limit come only if the stream has ended. A gzip stream that ends here has also had
    its checksum compared.
    """
    data = bytearray()
    while len(data) < limit:
        chunk = stream.read(min(CHUNK, limit - len(data)))
        if not chunk:
            break
        data += chunk
    return data


def _check_length(found, claimed, dtype, shape, path):
    """Raise ValueError unless found, the bytes after the header, are those it claims.

    One byte too many ends the reading of a gzip stream, so found may be less than is there.
    """
    if found != claimed:
        at_least = "at least " if found > claimed else ""
        what = "too long" if found > claimed else "cut short"
        raise ValueError(
            f"{path} is {what}: its header claims {_describe(dtype, shape)}, so expected "
            f"{claimed:,} bytes after it, but found {at_least}{found:,}. "
            f"Download or copy the file again, or write it with write_idx"
        )


def _describe(dtype, shape):
    return f"{dtype} numbers of shape {' x '.join(map(str, shape))}"


def _missing(path):
    """The message for a path that is not there: which folder, which name, what to do."""
    folder = path.parent
    if not folder.is_dir():
        return f"{path}: looked for {path.name}, but there is no folder {folder}. Check the path"
    twin = path.with_suffix("") if path.suffix == ".gz" else path.with_name(path.name + ".gz")
    if twin.is_file():
        return f"{path}: there is no {path.name} in the folder {folder}, but there is {twin.name}"
    return f"{path}: looked for {path.name} in the folder {folder}, where it is not. Check the name"
