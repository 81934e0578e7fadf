"""What can be chosen about a lake on a server; its address and keys are no options, they come from the environment."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class RemoteOptions:
    """Options of a remote lake; all have a default that works."""

    uploads: int = 16  # requests in flight at once, for uploads and for entries looked up one by one
    presigned: bool = False  # bytes go straight to the object store by presigned URLs, not through the server
    cache: Path | None = None  # where files for decoders are kept; by default below the user's cache folder
    cache_bytes: int = 20 << 30
    s3_endpoint: str | None = None  # address of the S3 gateway, if it is not the server's own
    region: str = "us-east-1"
    timeout_seconds: float = 60.0  # how long the server may be silent, or slower than 64 KiB/s
    patience_seconds: float = 120.0  # how long a request that fails for a passing reason is tried again
