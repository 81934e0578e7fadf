"""A studio wall behind the presenter: a soft pool of light, a few lights out of focus, dark towards the corners."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Backdrop:
    """Colours are RGB in 0..1; `light_at` is where the pool of light is, as shares of width and height."""

    wall: tuple[float, float, float]
    light: tuple[float, float, float]
    light_at: tuple[float, float]
    lamps: tuple[float, float, float]
    seed: int


def painted(backdrop: Backdrop, size: tuple[int, int]) -> NDArray[np.float32]:
    """The wall as float32 `(height, width, 3)` RGB in 0..1; `size` is (width, height)."""
    width, height = size
    x, y = np.meshgrid(np.arange(width) / height, np.arange(height) / height)
    ratio = width / height
    far = np.hypot((x - backdrop.light_at[0] * ratio) / 0.95, y - backdrop.light_at[1])
    pool = np.exp(-np.square(far / 0.62))[..., None]
    edge = np.hypot(x / ratio - 0.5, 0.8 * (y - 0.5))
    wall = np.array(backdrop.wall, np.float32) * (1.12 - 0.75 * np.square(edge))[..., None]
    rgb = wall + pool * (np.array(backdrop.light, np.float32) - wall)
    rgb = rgb + _lamps(backdrop, size) + _plaster(backdrop.seed, size)
    return np.clip(rgb, 0, 1).astype(np.float32)


def _lamps(backdrop: Backdrop, size: tuple[int, int]) -> NDArray[np.float32]:
    """Out-of-focus lights, at the sides, where the presenter does not hide them."""
    width, height = size
    chance = np.random.default_rng(backdrop.seed)
    layer = np.zeros((height, width, 3), np.float32)
    for _ in range(9):
        side, along, up, radius, strength = chance.uniform(size=5)
        x = width * (0.02 + 0.24 * along) if side < 0.5 else width * (0.98 - 0.24 * along)
        disc = np.zeros((height, width), np.float32)
        at = (round(x), round(height * (0.06 + 0.5 * up)))
        cv2.circle(disc, at, round(height * (0.018 + 0.035 * radius)), 1.0, -1, cv2.LINE_AA)
        colour = np.array(backdrop.lamps, np.float32) * np.float32(0.05 + 0.13 * strength)
        layer += disc[..., None] * colour
    return np.asarray(cv2.GaussianBlur(layer, (0, 0), height / 240), np.float32)


def _plaster(seed: int, size: tuple[int, int]) -> NDArray[np.float32]:
    """A faint unevenness, so that the wall is no mere gradient and does not band."""
    chance = np.random.default_rng(seed + 1)
    coarse = chance.standard_normal((size[1] // 40 + 2, size[0] // 40 + 2)).astype(np.float32)
    fine = chance.standard_normal((size[1], size[0])).astype(np.float32)
    uneven = 0.012 * cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC) + 0.006 * fine
    return np.asarray(uneven, np.float32)[..., None]
