"""Objects as files of this machine, for decoders: from the cache, or fetched into it."""

from pathlib import Path

from hour_lake.lake.interface import Entry
from hour_lake.lake.lakefs.cache import FileCache
from hour_lake.lake.lakefs.transfer import Transfer


def local_file(cache: FileCache, transfer: Transfer, commit_id: str, entry: Entry) -> Path:
    """A file with an entry's bytes; of one that nobody has read before the digest is noted, to be found again."""
    place = f"{transfer.client.access.endpoint}/{transfer.client.repository}/{commit_id}/{entry.path}"
    digest = entry.digest or cache.noted(place)
    found = cache.get(digest, entry.size_bytes) if digest else None
    if found is None:
        found = cache.add(lambda sink: transfer.fetch(commit_id, entry, sink))
        if not entry.digest:
            cache.note(place, found.parent.name + found.name)
    return found
