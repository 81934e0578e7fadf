"""Where everything lies inside the lake; what writes spells its paths here."""

from hour_lake.identity import Segment


def manifest_source_path(manifest: str) -> str:
    """The manifest file as it was handed in, byte for byte."""
    return f"manifests/{manifest}.source"


def manifest_path(manifest: str) -> str:
    """The validated rows of one manifest."""
    return f"manifests/{manifest}.parquet"


def video_path(video_id: str) -> str:
    """One row of facts about a raw video."""
    return f"videos/{video_id}.parquet"


def scan_path(video_id: str) -> str:
    """What one decode of a raw video told: content change a frame, speech probability a window."""
    return f"scans/{video_id}.parquet"


def plan_path(video_id: str) -> str:
    """Where a video is cut, and why the rest is left out."""
    return f"plans/{video_id}.parquet"


def clip_path(segment: Segment) -> str:
    """The clip of a segment."""
    return f"segments/{segment.video_id}/{segment.id}.mp4"


def samples_path(segment: Segment) -> str:
    """The 16 kHz mono sound of a segment."""
    return f"audio/{segment.video_id}/{segment.id}.wav"


def master_path(segment: Segment) -> str:
    """The 48 kHz sound of a segment."""
    return f"audio/{segment.video_id}/{segment.id}.flac"


def layer_path(layer: str, segment: Segment) -> str:
    """The table of one layer and segment."""
    return f"layers/{layer}/{segment.video_id}/{segment.id}.parquet"


def layer_clip_path(layer: str, segment: Segment) -> str:
    """The clip of a layer that also gives one."""
    return f"layers/{layer}/{segment.video_id}/{segment.id}.mp4"


def corpus_path(layer: str) -> str:
    """What a layer over the whole corpus was made from, and what came of it; its rows lie with its segments."""
    return f"corpus/{layer}.json"


def flags_path(segment: Segment) -> str:
    """The verdicts of all gates on a segment."""
    return f"flags/{segment.video_id}/{segment.id}.parquet"


def quarantine_path(asset: str, key: Segment | str) -> str:
    """Why a segment (or a video, or a manifest's rows) failed for good in one asset."""
    if isinstance(key, str):
        return f"quarantine/{asset}/{key}.json"
    return f"quarantine/{asset}/{key.video_id}/{key.id}.json"
