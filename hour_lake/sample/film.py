"""Makes one video of the sample corpus and says the truth about it."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from hour_lake.sample.encode import Recording, turn_display, write_video
from hour_lake.sample.loudness import integrated_lufs
from hour_lake.sample.planes import Planes, dimmed
from hour_lake.sample.portrait import portrait
from hour_lake.sample.scene import Look, Scene
from hour_lake.sample.script import Take
from hour_lake.sample.timeline import Timeline
from hour_lake.sample.voice import RATE_HZ, envelope, track

CLIPPING_GAIN = 8.0
FULL_SCALE = 32766 / 32767


def film(take: Take, folder: Path) -> dict[str, Any]:
    """Writes the take's file into the folder; returns its entry for `truth.json`."""
    times = Timeline(take)
    clean = track(take.video_id, times.speech, times.duration_seconds, seed=take.seed)
    samples = _overdriven(clean, times)
    looks = _looks(times, clean)
    scenes = [Scene(shot.camera, take.size) for shot in take.shots]
    path = folder / take.file
    write_video(path, _recording(take), _pictures(times, scenes, looks), samples)
    if take.stored == "on its side":
        turn_display(path)
    return _truth(times, scenes, looks, samples)


def _looks(times: Timeline, clean: NDArray[np.float32]) -> list[list[Look]]:
    """What each person looks like at each frame, the presenter first."""
    said = envelope(clean, times.times_seconds)
    presenter = [Look(float(mouth), float(eyes), pose)
                 for mouth, eyes, pose in zip(said, times.closure, times.poses(said), strict=True)]  # fmt: skip
    closure, poses = times.listening()
    guest = [Look(0.0, float(eyes), pose) for eyes, pose in zip(closure, poses, strict=True)]
    return [[first, second] for first, second in zip(presenter, guest, strict=True)]


def _overdriven(clean: NDArray[np.float32], times: Timeline) -> NDArray[np.float32]:
    out = clean.copy()
    for start, stop in times.clipped:
        part = slice(round(start * RATE_HZ), round(stop * RATE_HZ))
        out[part] = np.clip(CLIPPING_GAIN * out[part], -1, 1)
    return out


def _recording(take: Take) -> Recording:
    width, height = take.size
    size = (height, width) if take.stored == "on its side" else take.size
    base = Fraction(1, 1000) if take.pace == "variable" else 1 / take.rate
    return Recording(size, take.rate, base, take.sound, take.channels)


def _pictures(times: Timeline, scenes: list[Scene], looks: list[list[Look]]) -> Iterator[tuple[int, Planes]]:
    base = _recording(times.take).time_base
    moments = zip(times.times_seconds, times.shot_of_frame, times.exposure, looks, strict=True)
    for time, shot, light, people in moments:
        scene = scenes[shot]
        picture = scene.frame(people[: len(scene.people)])
        if light < 1:
            picture = dimmed(picture, light)
        yield round(time / base), _turned(picture) if times.take.stored == "on its side" else picture


def _turned(picture: Planes) -> Planes:
    """A quarter to the left, as a sensor on its side stores it."""
    return Planes(np.ascontiguousarray(np.rot90(picture.luma)), np.ascontiguousarray(np.rot90(picture.chroma)))


def _truth(
    times: Timeline, scenes: list[Scene], looks: list[list[Look]], samples: NDArray[np.float32]
) -> dict[str, Any]:
    take = times.take
    has_sound = take.sound != "none"
    return {
        "file": take.file,
        "speaker": take.speaker,
        "title": take.title,
        "width_px": take.size[0],
        "height_px": take.size[1],
        "rotation_degrees": 90 if take.stored == "on its side" else 0,
        "frame_rate": None if take.pace == "variable" else float(take.rate),
        "is_variable_rate": take.pace == "variable",
        "duration_seconds": _rounded(times.duration_seconds, 6),
        "frames": len(times.times_seconds),
        "audio_codec": take.sound if has_sound else None,
        "channels": take.channels if has_sound else None,
        "loudness_lufs": _rounded(integrated_lufs(samples, take.channels), 2) if has_sound else None,
        "clipped_share": _rounded(float((np.abs(samples) >= FULL_SCALE).mean()), 5) if has_sound else None,
        "cuts_seconds": _rounded(times.cuts, 6),
        "speech_seconds": _rounded(times.speech, 4) if has_sound else [],
        "pauses_seconds": _rounded(times.pauses, 4) if has_sound else [],
        "blinks_seconds": _rounded(times.blinks, 4),
        "dark_seconds": _rounded(times.dark, 4),
        "clipped_seconds": _rounded(times.clipped, 4),
        "second_person_seconds": _rounded(times.second_person, 6),
        "per_frame": _per_frame(times, scenes, [people[0] for people in looks]),
    }


def _per_frame(times: Timeline, scenes: list[Scene], presenter: list[Look]) -> dict[str, list[Any]]:
    """Everything that changes from frame to frame: name -> one value a frame."""
    boxes = [scenes[shot].face_box(look) for shot, look in zip(times.shot_of_frame, presenter, strict=True)]
    own_yaw = portrait(times.take.speaker).yaw_degrees
    return {
        "time_seconds": _rounded(times.times_seconds.tolist(), 6),
        "mouth_openness": [_rounded(look.mouth, 3) for look in presenter],
        "eye_closure": [_rounded(look.closure, 3) for look in presenter],
        "yaw_degrees": [_rounded(own_yaw + look.pose.yaw_degrees, 2) for look in presenter],
        "pitch_degrees": [_rounded(look.pose.pitch_degrees, 2) for look in presenter],
        "roll_degrees": [_rounded(look.pose.roll_degrees, 2) for look in presenter],
        "exposure": _rounded(times.exposure.tolist(), 3),
        "face_box_px": _rounded(boxes, 1),
    }


def _rounded(value: Any, digits: int) -> Any:
    """Floats rounded, through lists and tuples, so that the file is small and the same everywhere."""
    if isinstance(value, list | tuple):
        return [_rounded(part, digits) for part in cast("list[Any]", value)]
    return round(float(value), digits)
