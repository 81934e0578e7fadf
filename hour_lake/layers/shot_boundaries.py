"""Cuts: frames whose content jumps, in itself and against its neighbours."""

from typing import Any

import numpy as np

from hour_lake.layers import Table, layer
from hour_lake.media.plan import cut_frames
from hour_lake.settings import SegmentRules

NEIGHBOURS = 2


@layer(
    reads="content_change",
    group="frames",
    columns={"adaptive_ratio": "float32", "is_cut": "bool"},
    facts={"cuts": "count(*) FILTER (is_cut)", "ratio_max": "max(adaptive_ratio)"},
)
def shot_boundaries(content_change: Table, *, content_from: float = 27.0, ratio_from: float = 3.0) -> dict[str, Any]:
    """A cut has a content score of at least `content_from` (PySceneDetect's ContentDetector) and `ratio_from` times the
    mean of two frames on either side (its AdaptiveDetector, whose default is 3). The first frame of a clip is none.

    Segments are cut at the cuts of their video by the same rule, so a segment has none but where the rule was changed.
    """
    score = content_change["content_score"].astype(np.float64)
    padded = np.pad(score, NEIGHBOURS, constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * NEIGHBOURS + 1)
    around = np.nan_to_num(np.delete(windows, NEIGHBOURS, axis=1))
    known = np.maximum(np.count_nonzero(~np.isnan(np.delete(windows, NEIGHBOURS, axis=1)), axis=1), 1)
    is_cut = np.zeros(len(score), bool)
    is_cut[cut_frames(score, SegmentRules(shot_threshold=content_from, shot_ratio=ratio_from))] = True
    return {"adaptive_ratio": score / np.maximum(around.sum(axis=1) / known, 0.1), "is_cut": is_cut}
