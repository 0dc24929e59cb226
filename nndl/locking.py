"""One process at a time."""

import contextlib
import os

try:
    import fcntl
except ImportError:  # Windows has no such locks
    fcntl = None


@contextlib.contextmanager
def alone(path):
    """Within it: whether this process alone holds the lock file path, or another one has it.

    The system takes the lock back when its process ends, however that ends.  Where there are no such
    locks everybody is alone.
    """
    if fcntl is None:
        yield True
        return
    with open(path, "w") as file:
        mine = _locked(file) and _is_at(path, file)
        try:
            yield mine
        finally:
            if mine:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(path)  # while it is ours


def _locked(file):
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        pass
    return True


def _is_at(path, file):
    """Who had the lock before us may have removed the file that we opened: then it holds nobody off."""
    with contextlib.suppress(FileNotFoundError):
        return os.path.samestat(os.stat(path), os.fstat(file.fileno()))
    return False
