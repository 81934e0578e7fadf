"""Following boxes through frames: which box of a frame is the one of the frame before."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Box = NDArray[np.floating]  # x, y, width, height


@dataclass
class Track:
    """One thing that is followed: frames in order, its box in each, and the place of that box in the frame's list."""

    frames: list[int] = field(default_factory=list[int])
    boxes: list[Box] = field(default_factory=list[Box])
    places: list[int] = field(default_factory=list[int])


def overlap(one: Box, other: Box) -> float:
    """Intersection over union."""
    low, high = np.maximum(one[:2], other[:2]), np.minimum(one[:2] + one[2:], other[:2] + other[2:])
    both = float(np.prod(np.maximum(high - low, 0)))
    return both / (float(np.prod(one[2:]) + np.prod(other[2:])) - both) if both else 0.0


def follow(boxes: Sequence[NDArray[np.floating]], *, least_overlap: float, most_missed: int) -> list[Track]:
    """Tracks in the order in which they begin. `boxes`: `(k, 4)` for each frame.

    The best overlapping pairs of a track's last box and a box of the frame are taken first; a track that is not found
    for more than `most_missed` frames is over.
    """
    tracks: list[Track] = []
    for frame, found in enumerate(boxes):
        going = [track for track in tracks if frame - track.frames[-1] <= most_missed + 1]
        pairs = [(-overlap(t.boxes[-1], box), i, k) for i, t in enumerate(going) for k, box in enumerate(found)]
        free_tracks, free_boxes = set(range(len(going))), set(range(len(found)))
        for negative, i, k in sorted(pairs):
            if -negative > least_overlap and i in free_tracks and k in free_boxes:
                free_tracks.remove(i)
                free_boxes.remove(k)
                _add(going[i], frame, found[k], k)
        for k in sorted(free_boxes):
            tracks.append(Track())
            _add(tracks[-1], frame, found[k], k)
    return tracks


def _add(track: Track, frame: int, box: Box, place: int) -> None:
    track.frames.append(frame)
    track.boxes.append(box)
    track.places.append(place)
