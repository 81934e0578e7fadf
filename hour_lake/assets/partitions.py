"""The three dynamic partition sets, and the one place that turns partition keys into segments."""

from collections.abc import Sequence

import dagster as dg

from hour_lake.identity import Segment, parse_segment_id

MANIFESTS = dg.DynamicPartitionsDefinition(name="manifests")
SEGMENTS = dg.DynamicPartitionsDefinition(name="segments")
DATASETS = dg.DynamicPartitionsDefinition(name="datasets")


def segments_of(keys: Sequence[str]) -> list[Segment]:
    """The segments that partition keys stand for.

    Today a key is a segment. Dagster documents 100,000 partitions an asset; beyond that a key becomes a bucket of
    segments, here and nowhere else.
    """
    return [parse_segment_id(key) for key in keys]


def key_of(segment: Segment) -> str:
    """The partition key of a segment; the inverse of `segments_of`."""
    return segment.id
