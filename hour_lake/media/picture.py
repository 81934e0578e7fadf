"""From a decoded frame to the picture that a player shows: upright, square pixels, even sides, 8-bit 4:2:0.

Orientation is a metadata matrix that turns the stored picture; numpy does it on the three planes.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import cast

import numpy as np
from av.sidedata.sidedata import SideData, Type
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from numpy.typing import NDArray

from hour_lake.errors import MediaError

Plane = NDArray[np.uint8]
# The upper left 2x2 of the display matrix (ISO/IEC 14496-12, 8.3.2) -> degrees clockwise, mirrored first, how.
ORIENTATIONS: dict[tuple[int, int, int, int], tuple[int, Callable[[Plane], Plane]]] = {
    (1, 0, 0, 1): (0, lambda plane: plane),
    (0, 1, -1, 0): (90, lambda plane: np.rot90(plane, -1)),
    (-1, 0, 0, -1): (180, lambda plane: np.rot90(plane, 2)),
    (0, -1, 1, 0): (270, lambda plane: np.rot90(plane, 1)),
    (-1, 0, 0, 1): (0, lambda plane: plane[:, ::-1]),
    (1, 0, 0, -1): (180, lambda plane: plane[::-1]),
    (0, 1, 1, 0): (90, lambda plane: plane.T),
    (0, -1, -1, 0): (270, lambda plane: np.rot90(plane, 2).T),
}
IDENTITY = (1, 0, 0, 1)
BT709, UNSPECIFIED, BT470BG, SMPTE170M, SMPTE240M, FCC, BT2020 = 1, 2, 5, 6, 7, 4, 9  # AVColorSpace
HDR_TRANSFERS = {16: "PQ (HDR10)", 18: "HLG"}  # AVColorTransferCharacteristic
HD_LINES = 720  # players take BT.709 for untagged video from here on, BT.601 below
SCALER = {
    BT709: Colorspace.ITU709, BT470BG: Colorspace.ITU601, SMPTE170M: Colorspace.ITU601, FCC: Colorspace.FCC,
    SMPTE240M: Colorspace.SMPTE240M, BT2020: Colorspace.BT2020,
}  # fmt: skip


@dataclass(frozen=True)
class Look:
    """How the frames of one video are stored and what a player makes of them.

    `stored_px`: width, height of a frame. `square_px`: the same with square pixels. `matrix`: its orientation.
    `colorspace`: AVColorSpace, guessed as players do when untagged. `is_full_range`: 0-255 instead of 16-235.
    """

    stored_px: tuple[int, int]
    square_px: tuple[int, int]
    matrix: tuple[int, int, int, int]
    colorspace: int
    is_full_range: bool

    @property
    def rotation_degrees(self) -> int:
        """By how much a player turns the picture clockwise: 0, 90, 180 or 270."""
        return ORIENTATIONS[self.matrix][0]

    @property
    def upright_px(self) -> tuple[int, int]:
        """Width and height as shown, sides made even (4:2:0 halves them) by leaving out a last column or row."""
        width, height = (side - side % 2 for side in self.square_px)
        return (height, width) if self.rotation_degrees in (90, 270) else (width, height)


def look_of(frame: VideoFrame, aspect: Fraction | None, where: str) -> Look:
    """What a first frame tells; UNSUPPORTED for interlaced and HDR video, and for pictures that stand at an angle."""
    if frame.interlaced_frame:
        raise _unsupported("interlaced video", "interlaced", "deinterlace it", where)
    if frame.color_trc in HDR_TRANSFERS:
        raise _unsupported("high dynamic range", HDR_TRANSFERS[frame.color_trc], "convert it to BT.709", where)
    width, height = frame.width, frame.height
    square = (max(2, round(width * aspect)), height) if aspect else (width, height)
    return Look(
        (width, height), square, _matrix_of(frame, where), _colorspace_of(frame),
        frame.color_range == ColorRange.JPEG or frame.format.name.startswith("yuvj"),
    )  # fmt: skip


def _unsupported(what: str, value: object, fix: str, where: str) -> MediaError:
    return MediaError("UNSUPPORTED", f"{what} is not taken", value=value, where=where, fix=f"{fix} first")


def _matrix_of(frame: VideoFrame, where: str) -> tuple[int, int, int, int]:
    sides = cast("Iterable[SideData]", frame.side_data)  # declared as a dict, which it is not
    data = next((bytes(side) for side in sides if side.type is Type.DISPLAYMATRIX), None)
    if data is None:
        return IDENTITY
    a, b, _, c, d = np.frombuffer(data[:20], np.int32).tolist()
    matrix = (_sign(a), _sign(b), _sign(c), _sign(d))
    if matrix not in ORIENTATIONS:
        raise _unsupported("a picture that stands at an angle", matrix, "turn it upright", where)
    return matrix


def _sign(value: int) -> int:
    return (value > 1 << 15) - (value < -(1 << 15))  # 16.16 fixed point: 0.5 and more counts as 1


def _colorspace_of(frame: VideoFrame) -> int:
    if frame.colorspace in SCALER:
        return frame.colorspace
    return BT709 if frame.height >= HD_LINES else SMPTE170M


class Upright:
    """Makes the clip's pictures of one video: yuv420p, limited range, `look.upright_px`."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self._scaler = VideoReformatter()

    def __call__(self, frame: VideoFrame) -> VideoFrame:
        """The picture; the frame itself when nothing needs to be done."""
        look, scaler = self._look, SCALER[self._look.colorspace]
        is_plain = frame.format.name == "yuv420p" and not look.is_full_range and look.square_px == look.stored_px
        if not is_plain:
            frame = self._scaler.reformat(
                frame, *look.square_px, format="yuv420p", src_colorspace=scaler, dst_colorspace=scaler,
                src_color_range=ColorRange.JPEG if look.is_full_range else ColorRange.MPEG,
                dst_color_range=ColorRange.MPEG, threads=1,
            )  # fmt: skip
        if look.matrix == IDENTITY and (frame.width, frame.height) == look.upright_px:
            return frame
        return _turned(frame, look)


def _turned(frame: VideoFrame, look: Look) -> VideoFrame:
    """Even sides first (always the last column and row, so that the chroma planes stay in step), then the turn."""
    turn = ORIENTATIONS[look.matrix][1]
    width, height = frame.width - frame.width % 2, frame.height - frame.height % 2
    planes = [_plane(frame, index) for index in range(3)]
    cropped = [planes[0][:height, :width], *(plane[: height // 2, : width // 2] for plane in planes[1:])]
    flat = np.concatenate([turn(plane).reshape(-1) for plane in cropped])
    return VideoFrame.from_ndarray(flat.reshape(-1, look.upright_px[0]), "yuv420p")


def _plane(frame: VideoFrame, index: int) -> Plane:
    plane = frame.planes[index]
    return np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[: plane.height, : plane.width]
