"""Files that are whole at every moment: the old content, or all of the new."""

import contextlib
import os
import tempfile
from pathlib import Path


def write_atomically(path, content):
    """Write bytes to path: beside it first, flushed, then renamed over it.

    content : the bytes, or a function that writes them to the file that it is given
    Whatever happens on the way, path holds its old content or all of the new one.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:  # it names the file beside, of which nobody has heard
        raise OSError(error.errno, error.strerror, str(path)) from error
    try:
        with os.fdopen(handle, "wb") as file:
            content(file) if callable(content) else file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(beside, 0o666 & ~_umask())
        os.replace(beside, path)
    except BaseException as error:
        with contextlib.suppress(FileNotFoundError):  # gone with its folder: not what went wrong first
            os.unlink(beside)
        if isinstance(error, OSError) and error.errno and error.filename != str(path):
            # A full disk names no file, a failed rename the one beside.
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise


def probe(folder):
    """Make the folder, and see that a file can be made there: better now than in an hour.

    Raises OSError.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f".nndl-{os.getpid()}"
    file.touch()
    file.unlink()


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask
