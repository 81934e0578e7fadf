"""Folders whose names survive a power cut: a name is on disk only once the folder that holds it was synced."""

import os
from pathlib import Path


def make_folder(folder: Path) -> None:
    """Make a folder, and what is missing above it; nothing is done where it is there."""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
