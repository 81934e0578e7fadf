"""Pictures as a video codec holds them: one plane of luma, and chroma at half the size. BT.709, limited range."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

KR, KB = 0.2126, 0.0722  # BT.709
TO_LUMA = np.array([KR, 1 - KR - KB, KB], np.float32)


@dataclass(frozen=True, eq=False)
class Planes:
    """`luma`: uint8 `(height, width)`, 16 black .. 235 white. `chroma`: uint8 `(height/2, width/2, 2)`, 128 is grey."""

    luma: NDArray[np.uint8]
    chroma: NDArray[np.uint8]

    def paste(self, other: "Planes", x_px: int, y_px: int) -> None:
        """Overwrites the part at `(x_px, y_px)`, both even, with another picture."""
        height, width = other.luma.shape
        self.luma[y_px : y_px + height, x_px : x_px + width] = other.luma
        self.chroma[y_px // 2 : (y_px + height) // 2, x_px // 2 : (x_px + width) // 2] = other.chroma

    def i420(self) -> NDArray[np.uint8]:
        """The bytes as uint8 `(1.5 * height, width)`: luma, then the two chroma planes."""
        height, width = self.luma.shape
        out = np.empty((height * 3 // 2, width), np.uint8)
        out[:height] = self.luma
        out[height:].reshape(2, height // 2, width // 2)[:] = self.chroma.transpose(2, 0, 1)
        return out


def planes(rgb: NDArray[np.float32]) -> Planes:
    """RGB in 0..1, float32 `(height, width, 3)` with even sides, as planes."""
    height, width = rgb.shape[:2]
    luma = rgb @ TO_LUMA
    small = cv2.resize(rgb, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    small_luma = small @ TO_LUMA
    blue = (small[..., 2] - small_luma) / (2 - 2 * KB)
    red = (small[..., 0] - small_luma) / (2 - 2 * KR)
    chroma = np.stack([blue, red], -1)
    return Planes(_rounded(16 + 219 * luma), _rounded(128 + 224 * chroma))


def dimmed(picture: Planes, exposure: float) -> Planes:
    """The picture with less light: 1 leaves it as it is, 0 is black."""
    levels = np.arange(256, dtype=np.float64)
    luma = cv2.LUT(picture.luma, _rounded(16 + (levels - 16) * exposure))
    chroma = cv2.LUT(picture.chroma, _rounded(128 + (levels - 128) * exposure))
    return Planes(np.asarray(luma, np.uint8), np.asarray(chroma, np.uint8))


def _rounded(values: NDArray[np.floating]) -> NDArray[np.uint8]:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
