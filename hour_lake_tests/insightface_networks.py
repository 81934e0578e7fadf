"""Stand-ins for InsightFace's networks, whose weights no test may fetch: they say where in their input the red is.

x -> flat -> + offset -> f;   [sum f gx, sum f gy, sum f] / sum f = [x, y, 1] of the red's middle -> @ answer
"""

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from hour_lake.models import onnx_network as onnx_network_module
from hour_lake.models.store import weights
from hour_lake_tests.onnx_bytes import array, node, onnx, value

Values = NDArray[np.floating]
POINTS_106 = np.random.default_rng(106).uniform(-60, 60, (106, 2))  # px of its crop, from the red's middle


def red_finder(side: int, *, offset: float, answer: Values) -> bytes:
    """An ONNX file: RGB `(1, 3, side, side)`, black where it is -offset, to `[x, y, 1] @ answer`, x and y in px."""
    red = np.zeros((3, side, side, 3))
    red[0] = np.dstack([*np.meshgrid(np.arange(side), np.arange(side)), np.ones((side, side))])
    weighed = red.reshape(-1, 3)
    parts = {"offset": np.array([offset]), "places": weighed, "mass": weighed[:, 2:], "answer": answer}
    nodes = [
        node("Flatten", ["x"], "flat"), node("Add", ["flat", "offset"], "f"), node("MatMul", ["f", "places"], "sums"),
        node("MatMul", ["f", "mass"], "sum"), node("Div", ["sums", "sum"], "middle"),
        node("MatMul", ["middle", "answer"], "y"),
    ]  # fmt: skip
    return onnx(b"".join([*nodes, *(array(name, values) for name, values in parts.items()),
                          value(11, "x", (1, 3, side, side)), value(12, "y", (1, answer.shape[1]))]))  # fmt: skip


def networks() -> dict[str, bytes]:
    """2d106det: the red's middle and 106 places around it, -1..1. ArcFace: x, y, 1 and zeros."""
    points = np.zeros((3, 106, 2))
    points[0, :, 0] = points[1, :, 1] = 1 / 96
    points[2] = POINTS_106 / 96 - 1
    return {"insightface_2d106det": red_finder(192, offset=0, answer=points.reshape(3, 212)),
            "insightface_w600k_r50": red_finder(112, offset=1, answer=np.eye(3, 512))}  # fmt: skip


@pytest.fixture(scope="module")
def insightface_networks() -> Iterator[None]:
    """Under any profile these are taken for InsightFace's; all other weights are what they are."""
    ours = networks()

    def given(name: str, *, asked_by: str) -> bytes:
        return ours[name] if name in ours else weights(name, asked_by=asked_by)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(onnx_network_module, "weights", given)
        yield
    onnx_network_module._opened.cache_clear()
