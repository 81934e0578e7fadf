"""Every face followed through the segment: one row for each track and frame, gaps bridged, boxes smoothed."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hour_lake.identity import FRAME_RATE
from hour_lake.layers import Table, layer
from hour_lake.layers._runs import running_quantile
from hour_lake.layers._tracks import follow, overlap

BOX = ("x_px", "y_px", "width_px", "height_px")


@layer(
    reads="face_boxes",
    rows="window",
    group="face",
    columns={
        "track_id": "int32",  # 0, 1, ... in the order in which tracks begin
        "frame": "int32",
        "is_bridged": "bool",  # the detector did not see it here
        **dict.fromkeys(BOX, "float32"),
        "first_overlap": "float32",  # of the box with the track's first box, intersection over union
    },
    facts={
        "tracks": "count(DISTINCT track_id)",
        "main_seconds": f"count(*) FILTER (track_id = 0) / {FRAME_RATE}.0",
        "bridged_share": "avg(is_bridged::INTEGER)",
        "first_overlap_min": "min(first_overlap)",
        "side_px_mean": "avg(least(width_px, height_px)) FILTER (track_id = 0)",
    },
)
def face_tracks(
    face_boxes: Table,
    *,
    least_overlap: float = 0.5,
    most_missed_frames: int = 25,
    shortest_frames: int = 5,
    smooth_frames: int = 13,
) -> dict[str, Any]:
    """Overlap, bridging and the running median over 13 frames are SyncNet's; so it goes on where a face is missed.

    Tracks seen in fewer than `shortest_frames` frames are the detector's mistakes and left out (SyncNet: 50 of a scene;
    a segment can be shorter). A first overlap under 0.25 is VoxCeleb's sign of a face that moved off.
    """
    boxes = [np.column_stack(list(frame)) for frame in zip(*(face_boxes[name] for name in BOX), strict=True)]
    tracks = follow(boxes, least_overlap=least_overlap, most_missed=most_missed_frames)
    kept = [t for t in tracks if len(t.frames) >= shortest_frames]
    columns: dict[str, list[Any]] = {name: [] for name in ("track_id", "frame", "is_bridged", *BOX, "first_overlap")}
    for number, track in enumerate(kept):
        frames = np.arange(track.frames[0], track.frames[-1] + 1)
        smooth = _smooth(np.array(track.boxes), np.array(track.frames), frames, smooth_frames // 2)
        columns["track_id"].append(np.full(len(frames), number, np.int32))
        columns["frame"].append(frames.astype(np.int32))
        columns["is_bridged"].append(~np.isin(frames, track.frames))
        for k, name in enumerate(BOX):
            columns[name].append(smooth[:, k].astype(np.float32))
        columns["first_overlap"].append(np.array([overlap(smooth[0], box) for box in smooth], np.float32))
    kinds = {"track_id": np.int32, "frame": np.int32, "is_bridged": np.bool_}
    empty = {name: np.empty(0, kinds.get(name, np.float32)) for name in columns}
    return {name: np.concatenate([empty[name], *parts], dtype=empty[name].dtype) for name, parts in columns.items()}


def _smooth(boxes: NDArray[Any], seen: NDArray[Any], frames: NDArray[Any], around: int) -> NDArray[Any]:
    whole = [np.interp(frames, seen, boxes[:, k]) for k in range(4)]
    return np.column_stack([running_quantile(side, 0.5, around=around) for side in whole])
