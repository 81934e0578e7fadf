"""The contact sheet: a card a segment, with frames of its own clip, the same bytes each time."""

import io

import av
import cv2
import numpy as np
import pytest
import soundfile

from hour_lake.datasets.contact_sheet import contact_sheet
from hour_lake.datasets.drawing import NIGHT, Canvas, fitting
from hour_lake.datasets.glimpse import glimpse
from hour_lake.datasets.publish import compose_and_publish, pin_spec
from hour_lake.errors import DatasetError
from hour_lake.lake.embedded import EmbeddedLake
from hour_lake_tests.catalog_corpus import LAYERS, float32, put_layer, put_manifest, put_segment, segments

COLOURS = {"ann": (200, 40, 40), "bob": (40, 60, 200)}
SPEC = b"""
name: toy
where: "true"
size: {segments: {min: 2}}
split: {by: speaker, shares: {train: 0.5, test: 0.5}}
"""


def clip(colour: tuple[int, int, int], frames: int = 75) -> bytes:
    """One colour that grows brighter; a key frame a second."""
    sink = io.BytesIO()
    with av.open(sink, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=25, options={"g": "25", "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 160, 90, "yuv420p"
        for i in range(frames):
            picture = np.full((90, 160, 3), np.array(colour) * (0.5 + i / frames / 2), np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        container.mux(stream.encode())
    return sink.getvalue()


def sound(seconds: int = 3) -> bytes:
    sink = io.BytesIO()
    silence, tone = np.zeros(16000), 0.5 * np.sin(np.arange(16000 * (seconds - 1)) / 5)
    soundfile.write(sink, np.concatenate([silence, tone]), 16000, format="WAV", subtype="PCM_16")
    return sink.getvalue()


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    lake = EmbeddedLake.open(tmp_path_factory.mktemp("lake"))
    with lake.transaction("main", {}) as tx:
        put_manifest(tx, "one", COLOURS)
        for video, colour in COLOURS.items():
            for segment in segments(video, 2, seconds=3):
                put_segment(tx, segment, mean=100)
                base = f"{segment.video_id}/{segment.id}"
                tx.put(f"segments/{base}.mp4", clip(colour))
                tx.put(f"audio/{base}.wav", sound())
                put_layer(tx, "mouth", segment, openness=float32([0.1, float("nan"), 0.4]))
        silent = segments("bob", 2, seconds=3)[1]
        tx.delete(f"audio/bob/{silent.id}.wav")
        tx.delete(f"layers/mouth/bob/{silent.id}.parquet")
    pin_spec(lake, "main", SPEC, where="toy.yaml")
    compose_and_publish(lake, "main", "toy", LAYERS)
    return lake


def test_a_glimpse_has_frames_sound_and_mouth(lake):
    first, silent = segments("ann", 1, seconds=3)[0], segments("bob", 2, seconds=3)[1]
    seen = glimpse(lake, "main", first, frames=3, columns=30)
    brightness = [picture[:, :, 0].mean() for picture in seen.frames]
    assert brightness == pytest.approx([200 * (0.5 + part / 2) for part in (1 / 6, 1 / 2, 5 / 6)], abs=4)
    assert seen.peaks.shape == (30,) and seen.peaks[:10].max() < 0.01 and seen.peaks[11:].min() > 0.45
    assert np.isnan(seen.mouth[1]) and seen.mouth[2] == pytest.approx(0.4)
    nothing = glimpse(lake, "main", silent, frames=1, columns=30)
    assert len(nothing.frames) == 1 and not nothing.peaks.size and not nothing.mouth.size


def test_a_sheet_shows_every_segment_in_its_own_colours(lake, tmp_path):
    path = contact_sheet(lake, "toy", tmp_path / "new" / "sheet.png", layers=LAYERS)
    picture = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB).astype(int)
    red = (picture[:, :, 0] > 90) & (picture[:, :, 1] < 60) & (picture[:, :, 2] < 60)
    blue = (picture[:, :, 2] > 90) & (picture[:, :, 0] < 60) & (picture[:, :, 1] < 75)
    for mask in (red, blue):
        assert mask.sum() == pytest.approx(2 * 4 * 176 * 99, rel=0.03)
    assert tuple(picture[2, 2]) == NIGHT
    again = contact_sheet(lake, "toy@v1", tmp_path / "again.png", layers=LAYERS)
    assert again.read_bytes() == path.read_bytes()


def test_a_sheet_of_fewer_cards_is_smaller_and_still_has_both_parts(lake, tmp_path):
    whole = cv2.imread(str(contact_sheet(lake, "toy", tmp_path / "a.png", layers=LAYERS)))
    part = cv2.imread(str(contact_sheet(lake, "toy", tmp_path / "b.png", layers=LAYERS, most=2))).astype(int)
    assert part.shape[0] < whole.shape[0] and part.shape[1] == whole.shape[1]
    assert ((part[:, :, 2] > 90) & (part[:, :, 1] < 60)).any() and ((part[:, :, 0] > 90) & (part[:, :, 2] < 60)).any()
    with pytest.raises(DatasetError, match="DATASET_MISSING"):
        contact_sheet(lake, "other", tmp_path / "c.png", layers=LAYERS)


def test_words_are_cut_to_a_width_and_pictures_fitted_into_a_box():
    canvas = Canvas(400, 60)
    cut = canvas.fitted("a very long description of something", 120, size=14)
    assert cut.endswith("…") and canvas.width_of(cut, size=14) <= 120
    assert canvas.fitted("short", 120, size=14) == "short"
    upright = fitting(np.full((200, 100, 3), 255, np.uint8), 176, 99)
    assert upright.shape == (99, 176, 3) and (upright == 255).all(axis=2).sum() == 99 * 50
