"""Files that stay locked while somebody works with what they name; the kernel frees the locks of the dead."""

import fcntl
import os
from pathlib import Path


def hold(file: Path, text: str) -> int:
    """Make a new file with a lock on it; the descriptor to close. The lock ends with this process at the latest."""
    descriptor = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        os.write(descriptor, text.encode())
    except OSError:
        file.unlink(missing_ok=True)
        os.close(descriptor)
        raise
    return descriptor


def text_of(file: Path) -> str | None:
    """What is written in such a file; None when it has just gone."""
    try:
        return file.read_text()
    except FileNotFoundError:
        return None


def is_held(file: Path) -> bool:
    """Whether a file is there and somebody alive has it locked."""
    try:
        with file.open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False
