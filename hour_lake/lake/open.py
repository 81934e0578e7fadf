"""A lake by its address: a folder of this machine, or a repository on a lakeFS server."""

from pathlib import Path

from hour_lake.errors import LakeError
from hour_lake.lake.interface import Lake
from hour_lake.lake.remote import RemoteOptions
from hour_lake.settings import Settings


def open_lake(address: str | Path, *, create: bool = True, options: RemoteOptions | None = None) -> Lake:
    """The lake at an address: a folder (made if need be), or `lakefs://<repository>` (never made).

    `options` are for a lake on a server. LAKE_ADDRESS for a scheme that is not known.
    """
    if str(address).startswith("lakefs://"):
        from hour_lake.lake.lakefs.lake import LakefsLake

        return LakefsLake.open(str(address), options)
    if "://" in str(address):
        raise LakeError("LAKE_ADDRESS", "no lake can be opened at this kind of address", value=str(address),
                        fix="give a folder, or lakefs://<repository>")  # fmt: skip
    from hour_lake.lake.embedded import EmbeddedLake

    return EmbeddedLake.open(Path(address), create=create)


def open_lake_of(settings: Settings, *, create: bool = True) -> Lake:
    """The lake that the settings name, used as they say; a folder is made if need be."""
    chosen = settings.lakefs
    options = RemoteOptions(
        uploads=chosen.transfers, presigned=chosen.presigned, cache=settings.home / "cache",
        cache_bytes=round(chosen.cache_gib * 2**30), s3_endpoint=chosen.s3_endpoint, region=chosen.region,
    )  # fmt: skip
    return open_lake(settings.lake_address, create=create, options=options)
