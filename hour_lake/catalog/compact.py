"""Compaction: many small files of a table become a few, and the facts one file, so that asking stays quick."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from functools import partial

from hour_lake.catalog.buckets import Bucket, changed_buckets, empty_bucket, parquet_bytes
from hour_lake.catalog.connect import connect_to
from hour_lake.catalog.facts import facts_digest
from hour_lake.catalog.fresh import Fresh, fresh_of
from hour_lake.catalog.snapshot import Snapshot, seal_of
from hour_lake.catalog.sources import FACTS_PATH, FLAGS, MANIFESTS, PLANS, SEGMENTS, VIDEOS, sources_of
from hour_lake.lake.interface import Lake
from hour_lake.passes.declare import Layer
from hour_lake.threads import Threads, ahead

PREFIXES = ("layers/", *(source.prefix for source in (FLAGS, MANIFESTS, PLANS, SEGMENTS, VIDEOS)))
AT_ONCE = 4  # buckets: a remote lake's small files come a request each
Written = tuple[str, bytes, dict[str, str]]


def compact(lake: Lake, ref: str, layers: Mapping[str, Layer]) -> Iterator[Written]:
    """(path, bytes, metadata) of every file to write: changed buckets of each table, then `tables/facts.parquet`.

    Put all of them in ONE transaction on the branch: they are one set. Nothing is given when nothing has changed since
    the last compaction. Memory holds a few buckets at a time.
    """
    snapshot = Snapshot(lake, ref)
    there = {entry.path: entry.digest for entry in lake.entries(snapshot.commit_id, "tables/")}
    valid = dict(there) if snapshot.base else {}
    buckets = [
        each for source in sources_of(layers, snapshot.layer_names()) for each in changed_buckets(snapshot, source)
    ]
    fresh = fresh_of(snapshot, layers, {name: facts_digest(layer) for name, layer in layers.items()})
    facts_too = bool(buckets) or fresh.stale is None or bool(fresh.stale) or _manifests_changed(snapshot)
    with Threads(1) as beside:
        facts = beside.submit(_facts_bytes, snapshot, layers) if facts_too else None  # meanwhile; it reads no bucket
        for bucket, result in ahead(partial(Bucket.compacted, snapshot=snapshot), buckets, at_once=AT_ONCE):
            data, metadata = result()
            valid[bucket.path] = hashlib.sha256(data).hexdigest()
            yield bucket.path, data, metadata
        for path in sorted(there.keys() - valid.keys() - {FACTS_PATH}):  # left from a set that no longer holds together
            data, metadata = empty_bucket()
            valid[path] = hashlib.sha256(data).hexdigest()
            yield path, data, metadata
        if facts is not None:
            yield FACTS_PATH, facts(), _facts_metadata(snapshot, layers, fresh, seal_of(valid))


def is_current(lake: Lake, ref: str) -> bool:
    """Whether the compacted tables show all that was written up to `ref`."""
    snapshot = Snapshot(lake, ref)
    if snapshot.base is None:
        return False
    written = (path for prefix in PREFIXES for path in lake.diff(snapshot.base, snapshot.commit_id, prefix))
    return next(written, None) is None


def _facts_bytes(snapshot: Snapshot, layers: Mapping[str, Layer]) -> bytes:
    connection = connect_to(snapshot, layers)
    try:
        return parquet_bytes(connection.execute("FROM facts ORDER BY segment_id").to_arrow_table())
    finally:
        connection.close()


def _facts_metadata(
    snapshot: Snapshot, layers: Mapping[str, Layer], fresh: Fresh, seal: str
) -> dict[str, str]:  # fmt: skip
    digests = {name: facts_digest(layer) for name, layer in layers.items()}
    return {"source_commit": snapshot.commit_id, "seal": seal, "facts": json.dumps(digests, sort_keys=True),
            "gate_counts": json.dumps(fresh.gate_counts, sort_keys=True)}  # fmt: skip


def _manifests_changed(snapshot: Snapshot) -> bool:
    return snapshot.base is None or any(True for _ in snapshot.changes(MANIFESTS))
