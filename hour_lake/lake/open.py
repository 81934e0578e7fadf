"""A lake by its address: a folder of this machine."""

from pathlib import Path

from hour_lake.errors import LakeError
from hour_lake.lake.interface import Lake


def open_lake(address: str | Path, *, create: bool = True) -> Lake:
    """The lake at an address: a folder (made if need be). LAKE_ADDRESS for a scheme that is not known."""
    if "://" in str(address):
        raise LakeError("LAKE_ADDRESS", "no lake can be opened at this kind of address", value=str(address),
                        fix="give a folder")  # fmt: skip
    from hour_lake.lake.embedded import EmbeddedLake

    return EmbeddedLake.open(Path(address), create=create)
