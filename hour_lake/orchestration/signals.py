"""Ctrl-C and SIGTERM during a run of this process: Dagster ends the run for them, and tells nobody."""

import os
import signal
from collections.abc import Generator
from contextlib import contextmanager

STOP = bytes([signal.SIGINT, signal.SIGTERM])


@contextmanager
def stopped_by_signals() -> Generator[None]:
    """KeyboardInterrupt at the end of the block if one of the two came during it, whoever has handled it.

    `execute_job` catches both and gives a run that failed; whoever called it would go on with the next run. Python
    writes the number of each signal that arrives to the wakeup descriptor, whatever the handler does.
    """
    read, write = os.pipe()
    for descriptor in (read, write):
        os.set_blocking(descriptor, False)
    before = signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        os.close(write)
        with os.fdopen(read, "rb") as arrived:
            came = set(arrived.read() or b"")
    if came.intersection(STOP):
        raise KeyboardInterrupt
