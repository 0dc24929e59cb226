"""Arrays and a header on disk: an .npz file without pickle, with a version and a checksum.

Inside are `header`, JSON that says of what kind and version the file is, and the arrays.  NumPy reads
such a file, too: np.load(path).  Nothing in it is ever run, and a damaged one is refused whole.
"""

import errno
import hashlib
import io
import json
import math
import zipfile

import numpy as np

from .files import write_atomically


def write_arrays(path, kind, version, header, arrays):
    """Write the file: header is a dict of what JSON knows, arrays {name: array}."""
    header = {"format": kind, "version": version, **header, "sha256": _checksum(arrays)}
    content = io.BytesIO()
    np.savez(content, header=np.frombuffer(json.dumps(header).encode(), np.uint8), **arrays)
    write_atomically(path, content.getbuffer())


def read_arrays(path, kind, version, mend):
    """(header, arrays) that write_arrays wrote, of this kind and no later version.

    mend : what to do about a damaged file, the end of the error
    Raises FileNotFoundError, or ValueError for a file that is damaged, of another kind or newer.
    """
    if path.is_dir():
        raise ValueError(f"{path} is a folder, not a {kind.split()[-1]} file")
    try:
        return _read(path, kind, version)
    except _OtherKind as other:
        raise ValueError(f"{path} is an {other} file, not an {kind} file: name another") from None
    except FileNotFoundError:
        raise FileNotFoundError(f"there is no {kind.split()[-1]} file {path}") from None
    except Exception as error:  # damaged bytes make zipfile, NumPy and json raise nearly anything
        # EINVAL: they have sent zipfile to a place before the file's beginning.
        if isinstance(error, OSError) and error.errno != errno.EINVAL:
            raise ValueError(f"{path} cannot be read: {error.strerror or error}") from None
        raise ValueError(f"{path} is not a whole {kind} file: {error}; {mend}") from None


class _OtherKind(Exception):
    """What is in a file that is whole, but not what was asked for."""


def _read(path, kind, newest):
    """(header, arrays) of the file, checked against its own sizes and checksum."""
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            # Stored as they are, so that no small file can claim to hold large arrays.
            if member.compress_type != zipfile.ZIP_STORED:
                raise ValueError(f"{member.filename} is compressed")
        claimed = sum(member.file_size for member in archive.infolist())
        if claimed > path.stat().st_size:
            raise ValueError(f"its arrays claim {claimed:,} bytes")
        content = {member.filename.removesuffix(".npy"): _array(archive.read(member))
                   for member in archive.infolist()}
    if "header" not in content:
        raise ValueError("it has no header")
    header = json.loads(content.pop("header").tobytes())
    there = header.get("format") if isinstance(header, dict) else None
    if there != kind:
        raise (_OtherKind(there) if str(there).startswith("nndl ") else
               ValueError("its header is of another kind"))
    version = header.get("version")
    if type(version) is not int or not 1 <= version <= newest:
        raise ValueError(f"it has version {version!r} and this nndl reads {newest}, so update nndl")
    if header.get("sha256") != _checksum(content):
        raise ValueError("its checksum does not match")
    return header, content


def _array(content):
    """The array of an .npy file's bytes, which must be as long as its header says."""
    file = io.BytesIO(content)
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else (
        np.lib.format.read_array_header_2_0)
    try:
        shape, fortran, dtype = read(file)
    except Exception as error:
        raise ValueError("the header of an array cannot be read") from error
    if dtype.hasobject or fortran:
        raise ValueError("an array is of an unknown kind")
    if len(content) - file.tell() != math.prod(shape) * dtype.itemsize:
        raise ValueError(f"an array of shape {shape} has {len(content) - file.tell()} bytes")
    return np.frombuffer(content, dtype, offset=file.tell()).reshape(shape)


def _checksum(arrays):
    """SHA-256 over names, types, shapes and bytes of the arrays."""
    total = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        total.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        total.update(array.tobytes())
    return total.hexdigest()
