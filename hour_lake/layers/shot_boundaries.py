"""Cuts: frames that begin a shot, where the content jumps, or where a network says that the shot before has ended."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hour_lake.layers import Frames, Table, frames, layer
from hour_lake.media.plan import cut_frames
from hour_lake.models.transnet import shot_end_probability, thumbnail
from hour_lake.settings import SegmentRules

NEIGHBOURS = 2


@layer(
    reads=(frames(width=256), "content_change"),
    providers={"content": (), "transnetv2": ("transnet_v2",)},
    columns={"adaptive_ratio": "float32", "cut_probability": "float32", "is_cut": "bool"},
    facts={
        "cuts": "count(*) FILTER (is_cut)",
        "ratio_max": "max(adaptive_ratio)",
        "probability_max": "max(cut_probability)",
    },
)
class shot_boundaries:
    """Waits for the last frame: what comes after a frame says whether it is a cut."""

    def __init__(
        self,
        *,
        content_from: float = 27.0,
        ratio_from: float = 3.0,
        probability_above: float = 0.4,
        provider: str = "content",
    ) -> None:
        self.content_from, self.ratio_from = content_from, ratio_from
        self.probability_above, self.uses_network = probability_above, provider == "transnetv2"
        self.scores: list[NDArray[Any]] = []
        self.thumbnails: list[NDArray[np.uint8]] = []

    def __call__(self, frames: Frames, content_change: Table) -> None:
        """4 KB a frame are kept for the network."""
        self.scores.append(content_change["content_score"].astype(np.float64))
        if self.uses_network:
            self.thumbnails += [thumbnail(picture) for picture in frames.pixels]

    def finish(self) -> dict[str, Any]:
        """A cut has a content score of at least `content_from` (PySceneDetect's ContentDetector) and `ratio_from` times
        the mean of two frames on either side (its AdaptiveDetector, whose default is 3). The first frame is none.

        The provider `transnetv2` (extra `torch`) also finds dissolves, about their middle: it gives `cut_probability`,
        that a frame is the last of a shot; the first frame after those above `probability_above` is the cut. 0.4 is
        NeMo Curator's number, 0.5 that of the authors. Without it there is no probability.

        Segments are cut at the cuts of their video by the first rule, so a segment has none of these but where the rule
        was changed; dissolves lie within segments.
        """
        score = np.concatenate(self.scores)
        probability = np.full(len(score), np.nan, np.float32)
        if self.uses_network:
            probability = shot_end_probability(np.stack(self.thumbnails), asked_by="shot_boundaries")
            ends = probability > self.probability_above
            is_cut = np.concatenate([[False], ends[:-1] & ~ends[1:]])
        else:
            is_cut = np.zeros(len(score), bool)
            is_cut[cut_frames(score, SegmentRules(shot_threshold=self.content_from, shot_ratio=self.ratio_from))] = True
        return {"adaptive_ratio": ratio_to_neighbours(score), "cut_probability": probability, "is_cut": is_cut}


def ratio_to_neighbours(score: NDArray[Any]) -> NDArray[Any]:
    """Of each score to the mean of those up to two before and after it."""
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(score, NEIGHBOURS, constant_values=np.nan), 5)
    others = np.delete(windows, NEIGHBOURS, axis=1)
    known = np.maximum(np.count_nonzero(~np.isnan(others), axis=1), 1)
    return score / np.maximum(np.nan_to_num(others).sum(axis=1) / known, 0.1)
