"""What a stand-in is started with."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

SameChange = Literal["clean", "conflict"]
EmptyMerge = Literal["fail", "fail-nothing-new", "noop"]
Relink = Literal["refuse", "allow"]
MetadataKeys = Literal["lower", "title"]


@dataclass(frozen=True)
class Settings:
    """See the package's docstring for the switches; `s3_root` holds s3://bucket/key as bucket/key."""

    root: Path
    access_key: str
    secret_key: str
    s3_root: Path | None = None
    same_change: SameChange = "clean"
    empty_merge: EmptyMerge = "fail"
    relink: Relink = "refuse"
    metadata_keys: MetadataKeys = "lower"
    metadata_bytes: int = 2048
    presign: Literal["on", "off"] = "on"
    presign_seconds: float = 900.0
    link_seconds: float = 6 * 3600.0
    import_seconds: float = 0.0  # how long every import takes at least, so that one can be cancelled
