"""Videos, scans and plans as Parquet bytes and back; their columns are spelt here and nowhere else."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from io import BytesIO
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from hour_lake.catalog.buckets import parquet_bytes
from hour_lake.identity import Segment
from hour_lake.manifests.read import Row
from hour_lake.manifests.redact import redacted
from hour_lake.media.plan import Stretch
from hour_lake.media.probe import VideoFacts
from hour_lake.media.scan import Scan

PLAN = pa.schema(
    [("video_id", pa.string()), ("start_ms", pa.int64()), ("stop_ms", pa.int64()), ("segment_id", pa.string()),
     ("reason", pa.string())]
)  # fmt: skip
ARROW = {int: pa.int64(), float: pa.float64(), str: pa.string(), bool: pa.bool_()}


def video_bytes(video_id: str, row: Row, facts: VideoFacts) -> bytes:
    """One row of facts about a raw video."""
    values = {"video_id": video_id, "source": redacted(row.source), **asdict(facts)}
    schema = [("video_id", pa.string()), ("source", pa.string()), *((f.name, _arrow(f.type)) for f in fields(facts))]
    return parquet_bytes(pa.Table.from_pylist([values], schema=pa.schema(schema)))


def _arrow(declared: Any) -> pa.DataType:
    """The Arrow type of a dataclass field like `int` or `float | None`."""
    plain = [part for part in getattr(declared, "__args__", (declared,)) if part is not type(None)]
    return ARROW[plain[0]]


def scan_bytes(video_id: str, scan: Scan) -> bytes:
    """What one decode told, as one row of lists."""
    arrays = {name: np.asarray(getattr(scan, name)) for name in ("time_ms", "content_score", "speech_probability")}
    columns = {
        name: pa.array([values.tolist()], pa.list_(pa.from_numpy_dtype(values.dtype)))
        for name, values in arrays.items()
    }
    return parquet_bytes(pa.table({"video_id": [video_id], "duration_ms": [scan.duration_ms], **columns}))


@dataclass(frozen=True)
class StoredScan:
    """The arrays of a scan as they were kept; what planning reads."""

    duration_ms: float
    time_ms: NDArray[np.float64]
    content_score: NDArray[np.float32]
    speech_probability: NDArray[np.float32]


def scan_from(data: bytes) -> StoredScan:
    """The other way round; page checksums are verified."""
    row = pq.read_table(BytesIO(data), page_checksum_verification=True).to_pylist()[0]
    return StoredScan(
        row["duration_ms"],
        np.array(row["time_ms"], np.float64),
        np.array(row["content_score"], np.float32),
        np.array(row["speech_probability"], np.float32),
    )


def plan_bytes(video_id: str, stretches: Sequence[Stretch]) -> bytes:
    """One row a stretch of the video, with the segment's id or the reason why it is in none."""
    rows = [
        {"video_id": video_id, "start_ms": s.start_ms, "stop_ms": s.stop_ms, "reason": s.reason,
         "segment_id": Segment(video_id, s.start_ms, s.stop_ms).id if s.segment else None}
        for s in stretches
    ]  # fmt: skip
    return parquet_bytes(pa.Table.from_pylist(rows, schema=PLAN))
