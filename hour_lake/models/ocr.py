"""PP-OCRv6 (small): lines of text in a picture, found and read on ONNX Runtime, on one thread."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hour_lake.models.device import CUDA, Device, asked, device_of_session, ran_on
from hour_lake.models.onnx_session import CUDA_OPTIONS, providers_for
from hour_lake.models.store import Asker, weights_file

MODELS = ("ppocr_det", "ppocr_rec")
# The detector looks at pictures of at most this many px; lines are read from the picture as it is.
DETECTED_PX = 480


@dataclass(frozen=True)
class Line:
    """A line of text. `box_px`: x, y, width, height of the upright box around it."""

    text: str
    probability: float
    box_px: NDArray[np.float32]

    @property
    def area_px(self) -> float:
        """Under its box."""
        return float(self.box_px[2] * self.box_px[3])


def read_text(rgb: NDArray[np.uint8], *, asked_by: str) -> list[Line]:
    """The lines of a picture `(height, width, 3)` from top to bottom; 0.15 s and more for each line at 640 x 360."""
    reader = _reader(Asker(asked_by), asked())
    found = reader(np.ascontiguousarray(rgb[..., ::-1]))  # OpenCV's order of colours
    for part in filter(None, (reader.text_det, reader.text_rec)):  # opened by the library when they are needed
        ran_on(device_of_session(part.session.session))
    if found.boxes is None:
        return []
    lines: list[Line] = []
    for corners, text, probability in zip(found.boxes, found.txts, found.scores, strict=True):
        low, high = np.min(corners, axis=0), np.max(corners, axis=0)
        lines.append(Line(str(text), float(probability), np.concatenate([low, high - low]).astype(np.float32)))
    return sorted(lines, key=lambda line: (float(line.box_px[1]), float(line.box_px[0])))


@cache
def _reader(asker: Asker, device: Device) -> Any:
    from rapidocr import RapidOCR

    detector, recogniser = (str(weights_file(name, asked_by=asker.name)) for name in MODELS)
    engine = "EngineConfig.onnxruntime"
    reader: Any = RapidOCR(
        params={
            "Global.log_level": "critical", "Global.use_cls": False, "Det.model_path": detector,
            "Rec.model_path": recogniser, "Det.limit_type": "max", "Det.limit_side_len": DETECTED_PX,
            f"{engine}.intra_op_num_threads": 1, f"{engine}.inter_op_num_threads": 1,
            f"{engine}.use_cuda": CUDA in providers_for(device),
            **{f"{engine}.cuda_ep_cfg.{name}": value for name, value in CUDA_OPTIONS.items()},
        }
    )  # fmt: skip
    # The recogniser, opened later, stays on the CPU: CUDA plans anew for each length of a line, half a second a frame.
    reader._load_det_model()
    reader.cfg.EngineConfig.onnxruntime.use_cuda = False
    return reader
