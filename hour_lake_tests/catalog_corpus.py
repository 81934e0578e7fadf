"""A toy corpus for catalog, query and dataset tests: two toy layers, a few segments, no media."""

import io
from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from hour_lake.identity import Segment
from hour_lake.passes.declare import Layer, layer


@layer(reads="frames", columns={"mean": "float32"}, facts={"mean": "avg(mean)", "darkest": "min(mean)"})
def luminance(frames):
    """How bright a frame is."""


@layer(
    reads="luminance", columns={"is_blink": "bool"},
    facts={"blinks_per_minute": "60 * count_starts(is_blink) / duration_seconds", "is_blinking": "bool_or(is_blink)"},
)  # fmt: skip
def blink(luminance):
    """Blinks."""


LAYERS: dict[str, Layer] = {"luminance": luminance, "blink": blink}
SPEAKERS = {"ann": "ann", "bob": "bob", "cyd": "cyd", "ann2": "ann"}


def parquet(rows: Mapping[str, Any] | list[dict[str, Any]], schema: pa.Schema | None = None) -> bytes:
    table = pa.table(rows, schema=schema) if isinstance(rows, Mapping) else pa.Table.from_pylist(rows, schema=schema)
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue()


def segments(video: str, count: int, seconds: int = 4) -> list[Segment]:
    return [Segment(video, i * seconds * 1000, (i + 1) * seconds * 1000) for i in range(count)]


def layer_rows(segment: Segment, **columns: list[Any]) -> bytes:
    count = len(next(iter(columns.values())))
    return parquet(
        {"segment_id": [segment.id] * count, "frame_index": pa.array(range(count), pa.int32()),
         "time_seconds": [i / 25 for i in range(count)], **columns}
    )  # fmt: skip


def float32(values: Iterable[float]) -> pa.Array:
    return pa.array(list(values), pa.float32())


def put_segment(tx, segment: Segment, *, mean: float | None = 100.0, blinks: list[bool] | None = None) -> None:
    tx.put(f"segments/{segment.video_id}/{segment.id}.mp4", f"clip {segment.id}".encode())
    tx.put(f"audio/{segment.video_id}/{segment.id}.wav", f"sound {segment.id}".encode())
    if mean is not None:
        put_layer(tx, "luminance", segment, mean=float32([mean - 1, mean, mean + 1]))
    if blinks is not None:
        put_layer(tx, "blink", segment, is_blink=blinks)


def put_layer(tx, name: str, segment: Segment, **columns: Any) -> None:
    tx.put(f"layers/{name}/{segment.video_id}/{segment.id}.parquet", layer_rows(segment, **columns))


def put_video(tx, video: str, *, height: int = 720) -> None:
    tx.put(f"videos/{video}.parquet", parquet([{"video_id": video, "container": "mov", "height_px": height}]))


def put_manifest(tx, name: str, videos: Iterable[str], **extra: Any) -> None:
    rows = [{"video_id": v, "raw_id": v, "source": f"{v}.mp4", "speaker": SPEAKERS.get(v, v), "licence": "CC0-1.0",
             "consent": "yes", **extra} for v in videos]  # fmt: skip
    tx.put(f"manifests/{name}.parquet", parquet(rows))
    tx.put(f"manifests/{name}.source", b"id,source\n")


def fill(lake, per_video: int = 5, branch: str = "main") -> list[Segment]:
    """Four videos of three speakers; segment k of a video has brightness 40 + 20 k and k % 3 blinks."""
    made: list[Segment] = []
    with lake.transaction(branch, {}) as tx:
        put_manifest(tx, "first", SPEAKERS, take=1)
        for video in SPEAKERS:
            put_video(tx, video)
            for k, segment in enumerate(segments(video, per_video)):
                put_segment(tx, segment, mean=40 + 20 * k, blinks=[True, False] * (k % 3) + [False])
                made.append(segment)
    return made


def compact_into(lake, layers: Mapping[str, Layer] = LAYERS, branch: str = "main") -> list[str]:
    from hour_lake.catalog.compact import compact

    written = list(compact(lake, branch, layers))
    with lake.transaction(branch, {}) as tx:
        for path, data, metadata in written:
            tx.put(path, data, metadata)
    return [path for path, _, _ in written]
