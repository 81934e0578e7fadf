"""What happens in each video of the sample corpus: one entry a video, read from top to bottom."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from hour_lake.sample.backdrop import Backdrop
from hour_lake.sample.scene import Camera, Place

SLATE = Backdrop((0.19, 0.21, 0.24), (0.47, 0.49, 0.50), (0.5, 0.42), (1.0, 0.85, 0.6), 3)
TEAL = Backdrop((0.10, 0.22, 0.24), (0.30, 0.50, 0.50), (0.62, 0.38), (0.7, 1.0, 0.95), 8)
OAK = Backdrop((0.24, 0.19, 0.15), (0.55, 0.47, 0.38), (0.42, 0.40), (1.0, 0.8, 0.5), 21)
WINE = Backdrop((0.23, 0.13, 0.15), (0.50, 0.36, 0.36), (0.55, 0.45), (1.0, 0.7, 0.6), 34)
NIGHT = Backdrop((0.12, 0.15, 0.24), (0.32, 0.38, 0.50), (0.45, 0.40), (0.6, 0.8, 1.0), 55)

COLLINS = Place("collins", 0.315, (0.5, 0.42))
HOPPER = Place("hopper", 0.46, (0.5, 0.535))
COLLINS_NEAR = Place("collins", 0.45, (0.47, 0.47))
COLLINS_BESIDE = Place("collins", 0.375, (0.28, 0.46))
HOPPER_BESIDE = Place("hopper", 0.31, (0.82, 0.45))
COLLINS_UPRIGHT = Place("collins", 0.185, (0.5, 0.33))

EVEN = (0.6, 0.5, 1.2, 0.45, 0.55, 1.2, 0.5)  # seconds of silence before each sentence
TAIL_SECONDS = 0.6


@dataclass(frozen=True)
class Shot:
    """A camera, from the middle of the pause before a sentence on; the first one starts with the video."""

    before_sentence: int
    camera: Camera


@dataclass(frozen=True)
class Take:
    """One video. `size` is (width, height) as it should be seen; sentence ranges are half open, counted from 0."""

    video_id: str
    title: str
    size: tuple[int, int]
    rate: Fraction
    shots: tuple[Shot, ...]
    seed: int
    pauses_seconds: tuple[float, ...] = EVEN
    dark_sentences: tuple[int, int] | None = None
    clipped_sentences: tuple[int, int] | None = None
    pace: Literal["constant", "variable"] = "constant"
    stored: Literal["upright", "on its side"] = "upright"
    suffix: Literal[".mp4", ".mov", ".mkv"] = ".mp4"
    sound: Literal["aac", "pcm_s16le", "none"] = "aac"
    channels: Literal[1, 2] = 1

    @property
    def speaker(self) -> str:
        """Who presents."""
        return self.video_id.split("-")[0]

    @property
    def file(self) -> str:
        """Name of the video file."""
        return self.video_id + self.suffix


def _one(backdrop: Backdrop, *places: Place) -> tuple[Shot, ...]:
    return (Shot(0, Camera(backdrop, places)),)


HD, FULL_HD, UPRIGHT = (1280, 720), (1920, 1080), (720, 1280)

TAKES = (
    Take("collins-two-cameras", "Weekly report from the lake station", HD, Fraction(24),
         (Shot(0, Camera(SLATE, (COLLINS,))), Shot(4, Camera(TEAL, (COLLINS_NEAR,)))), seed=11),
    Take("collins-dim-room", "What a sensor can still see", HD, Fraction(30), _one(OAK, COLLINS), seed=12,
         dark_sentences=(3, 5)),
    Take("collins-with-guest", "A visitor from the archive", HD, Fraction(25),
         (Shot(0, Camera(WINE, (COLLINS,))), Shot(3, Camera(WINE, (COLLINS_BESIDE, HOPPER_BESIDE))),
          Shot(5, Camera(WINE, (COLLINS,)))), seed=13),
    Take("collins-on-a-phone", "Filmed upright", UPRIGHT, Fraction(30), _one(NIGHT, COLLINS_UPRIGHT), seed=14,
         stored="on its side", channels=2),
    Take("hopper-long-pause", "How to read a table of numbers", FULL_HD, Fraction(25), _one(NIGHT, HOPPER), seed=21,
         pauses_seconds=(0.7, 0.6, 0.55, 1.2, 3.8, 0.6), channels=2),
    Take("hopper-too-loud", "Sound and its highest level", HD, Fraction(30000, 1001), _one(TEAL, HOPPER), seed=22,
         clipped_sentences=(2, 4), suffix=".mov", sound="pcm_s16le"),
    Take("hopper-webcam", "An uneven pace", HD, Fraction(30), _one(OAK, HOPPER), seed=23, pace="variable",
         suffix=".mkv"),
    Take("hopper-no-sound", "A missing track", HD, Fraction(24), _one(SLATE, HOPPER), seed=24, sound="none"),
)  # fmt: skip
