"""What the flow has made of the whole sample corpus, held frame by frame against the truth about its eight videos.

A blink, a turn or a second face can only be found in a segment: pauses between segments are in no clip.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hour_lake.layers._runs import runs
from hour_lake_tests.accuracy import Accuracy
from hour_lake_tests.flow import Flow

QUERY = """
select video_id, segment_id, start_ms + 40 * frame_index as time_ms, yaw_degrees, pitch_degrees, face_count, is_blink,
       width_px[1] as width_px, luma, is_cut, mesh_share
from segments join head_pose using (segment_id)
join face_boxes using (segment_id, frame_index) join blink using (segment_id, frame_index)
join luminance using (segment_id, frame_index) join shot_boundaries using (segment_id, frame_index)
join face_completeness using (segment_id, frame_index)
order by video_id, time_ms
"""
Range = tuple[float, float]
Truth = dict[str, dict[str, Any]]
Columns = dict[str, np.ndarray]


@pytest.fixture(scope="module")
def truth(corpus: Path) -> Truth:
    return json.loads((corpus / "truth.json").read_text())["videos"]


@pytest.fixture(scope="module")
def frames(flow: Flow) -> dict[str, Columns]:
    """Video -> what the layers say of each frame that is in a segment, in order."""
    rows = flow.rows(QUERY)
    names = [name for name in rows[0] if name != "video_id"]
    return {
        video: {name: np.array([row[name] for row in rows if row["video_id"] == video]) for name in names}
        for video in sorted({row["video_id"] for row in rows})
    }


def times_of(columns: Columns) -> np.ndarray:
    return columns["time_ms"] / 1000


def at_frames(truth: dict[str, Any], columns: Columns, name: str) -> np.ndarray:
    """A curve of the truth at these frames: of the last source frame that is on the screen by then."""
    known = np.searchsorted(truth["per_frame"]["time_seconds"], times_of(columns) + 1e-6, side="right") - 1
    return np.array(truth["per_frame"][name])[known]


def within(ranges: Sequence[Range], times: np.ndarray) -> np.ndarray:
    return np.any([np.zeros(len(times), bool), *((start <= times) & (times < stop) for start, stop in ranges)], axis=0)


def blinks_found(columns: Columns) -> list[Range]:
    """Begin and end in seconds of the video, segment by segment."""
    times, found = times_of(columns), []
    for segment in np.unique(columns["segment_id"]):
        here = np.flatnonzero(columns["segment_id"] == segment)
        found += [(times[here[a]], times[here[b - 1]] + 0.04) for a, b in runs(columns["is_blink"][here])]
    return sorted(found)


def pairs(true: Sequence[Range], found: Sequence[Range]) -> int:
    """How many of two lists in order overlap one to one: each is used once."""
    matched = k = 0
    for start, stop in true:
        while k < len(found) and found[k][1] <= start:
            k += 1
        if k < len(found) and found[k][0] < stop:
            matched, k = matched + 1, k + 1
    return matched


def test_one_blink_counts_once() -> None:
    assert pairs([(1, 2), (3, 4)], [(1.5, 3.5)]) == 1 == pairs([(1, 2)], [(0.9, 1.1), (1.5, 1.6)])
    assert pairs([(1, 2), (3, 4)], [(0, 1), (1.9, 2.1), (2.5, 2.6), (3.9, 5)]) == 2


def test_every_blink_is_found_and_nothing_else(truth: Truth, frames: dict[str, Columns], accuracy: Accuracy) -> None:
    matched = true_ones = found_ones = 0
    for video, columns in frames.items():
        times, every = times_of(columns), truth[video]["blinks_seconds"]
        # Only such as lie in a segment as a whole are asked for; one that is cut by its edge may be found or not.
        seen = [int(within([blink], times).sum()) for blink in every]
        whole = [round((stop - start) * 25) for start, stop in every]
        true = [blink for blink, here, all_of_it in zip(every, seen, whole, strict=True) if here >= all_of_it - 1]
        cut_off = [blink for blink, here in zip(every, seen, strict=True) if here and blink not in true]
        found = [one for one in blinks_found(columns) if not pairs(cut_off, [one])]
        matched += pairs(true, found)
        true_ones, found_ones = true_ones + len(true), found_ones + len(found)
    assert true_ones >= 50
    against = f"corpus, {true_ones} blinks of {len(frames)} videos, one to one"
    accuracy("blink", "recall", matched / true_ones, above=0.9, against=against)
    accuracy("blink", "precision", matched / found_ones, above=0.9, against=against)


@pytest.mark.parametrize(
    ("angle", "mean_below", "mostly_below", "follows"), [("yaw", 5, 5, 0.95), ("pitch", 4, 7, 0.8)]
)
def test_the_head_is_turned_as_it_was(
    truth: Truth, frames: dict[str, Columns], accuracy: Accuracy, angle: str, mean_below: float, mostly_below: float,
    follows: float,
) -> None:  # fmt: skip
    """Yaw against the camera. Pitch against the photograph, whose own is taken to be what the layer calls 0."""
    for video, columns in frames.items():
        true, found = at_frames(truth[video], columns, f"{angle}_degrees"), columns[f"{angle}_degrees"].astype(float)
        error = np.abs(found - true)
        against = "corpus, all segments of 8 videos"
        accuracy("head_pose", f"{angle}, mean error (degrees)", error.mean(), below=mean_below, against=against)
        accuracy(
            "head_pose", f"{angle}, error of 95 % (degrees)", np.percentile(error, 95), below=mostly_below,
            against=against,
        )  # fmt: skip
        same = np.corrcoef(true, found)[0, 1]
        accuracy("head_pose", f"{angle}, correlation", same, above=follows, against=against)


def test_faces_are_counted_and_lie_in_the_picture(
    flow: Flow, truth: Truth, frames: dict[str, Columns], accuracy: Accuracy
) -> None:
    for video, columns in frames.items():
        wanted = 1 + within(truth[video]["second_person_seconds"], times_of(columns))
        right = (columns["face_count"] == wanted).mean()
        accuracy("face_boxes", "frames with the true number of faces", right, above=0.98,
                 against="corpus, all segments of 8 videos")  # fmt: skip
        assert columns["mesh_share"].astype(float).min() == 1  # nobody leaves the picture
    tracks = {row["segment_id"]: row["n"] for row in flow.rows(
        "select segment_id, count(distinct track_id) as n from face_tracks group by 1")}  # fmt: skip
    guests = {str(columns["segment_id"][k]) for video, columns in frames.items()
              for k in np.flatnonzero(within(truth[video]["second_person_seconds"], times_of(columns)))}  # fmt: skip
    right = np.mean([count == 1 + (segment in guests) for segment, count in tracks.items()])
    assert guests and len(tracks) == 26
    accuracy("face_tracks", "segments with one track a person", right, above=1, against="corpus, 26 segments")
    scores = flow.rows("select segment_id, face_count.consistency_score as score from facts")
    right = np.mean([row["score"] == (0 if row["segment_id"] in guests else 100) for row in scores])
    accuracy("face_count", "segments rightly called one face throughout", right, above=1, against="corpus, 26 segments")


def test_the_presenter_speaks_and_the_guest_listens(
    flow: Flow, truth: Truth, frames: dict[str, Columns], accuracy: Accuracy
) -> None:
    presenters: list[bool] = []
    for row in flow.rows("""
        select s.video_id, s.segment_id, min(score) as least, max(score) as best, count(*) as people,
               arg_max(t.x_px + t.width_px / 2, score) as middle_px
        from active_speaker join face_tracks as t using (segment_id, track_id) join segments as s using (segment_id)
        where t.frame = 50 group by all"""):
        columns = frames[row["video_id"]]
        first = np.flatnonzero(columns["segment_id"] == row["segment_id"])[50]
        x, _, width, _ = at_frames(truth[row["video_id"]], columns, "face_box_px")[first]
        presenters.append(abs(row["middle_px"] - x - width / 2) < width / 2)
        if row["people"] == 2:
            accuracy("active_speaker", "score of the presenter over the guest's", row["best"] - row["least"], above=0.2,
                     against="corpus, the 8 s with a guest")  # fmt: skip
    assert len(presenters) == 23  # three segments have no sound
    accuracy("active_speaker", "segments in which the presenter is the one", np.mean(presenters), above=0.95,
             against="corpus, 23 segments, one with two people")  # fmt: skip


def test_light_falls_as_it_was_dimmed(truth: Truth, frames: dict[str, Columns], accuracy: Accuracy) -> None:
    dimmed = [video for video, known in truth.items() if known["dark_seconds"]]
    for video in dimmed:
        exposure = at_frames(truth[video], frames[video], "exposure")
        same = np.corrcoef(exposure, frames[video]["luma"].astype(float))[0, 1]
        accuracy("luminance", "luma, correlation with the light", same, above=0.99, against="corpus, the dimmed video")
    assert dimmed


def test_people_have_one_name_each(flow: Flow, accuracy: Accuracy) -> None:
    rows = flow.rows("select speaker, people.person as person from facts")
    name = {row["speaker"]: row["person"] for row in rows}
    wrong = np.mean([row["person"] != name[row["speaker"]] for row in rows])
    assert len(rows) == 26 and len(set(name.values())) == 2
    accuracy("people", "segments under another's name", wrong, below=0, against="corpus, 26 segments of two people")


def test_few_frames_within_a_shot_are_called_a_cut(frames: dict[str, Columns], accuracy: Accuracy) -> None:
    """No segment goes across a cut. The one frame that is called so is the last of a fade to near black."""
    called = np.concatenate([columns["is_cut"] for columns in frames.values()])
    accuracy("shot_boundaries", "false cuts in 1000 frames", 1000 * called.mean(), below=0.5,
             against=f"corpus, {len(called)} frames of all segments")  # fmt: skip
