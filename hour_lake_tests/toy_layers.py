"""Toy layers, files that hold them, a tiny clip and a minimal decode, for tests of the engine."""

import textwrap
import wave
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np

from hour_lake.passes.arrays import Frames
from hour_lake.passes.media import Readers, Sound
from hour_lake.passes.registry import Layers, load_layers

HEADER = "from hour_lake.layers import Frames, Samples, Table, layer\nimport numpy as np\n"


def write_layer(folder: Path, name: str, body: str) -> Path:
    """A file of layers: `body` below the usual imports."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.py"
    path.write_text(f'"""Layer {name}."""\n{HEADER}{textwrap.dedent(body)}')
    return path


def layers_of(folder: Path, **bodies: str) -> Layers:
    """The layers of a folder with these files, beside the built-in ones."""
    for name, body in bodies.items():
        write_layer(folder, name, body)
    return load_layers([folder])


def make_clip(path: Path, *, frames: int, width: int = 64, height: int = 48) -> Path:
    """H.264 at 25 fps; frame k is gray of level 10 + 2 * k."""
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=25, options={"crf": "1"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for k in range(frames):
            picture = np.full((height, width, 3), 10 + 2 * k, np.uint8)
            output.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        output.mux(stream.encode())
    return path


def make_wav(path: Path, *, samples: int, rate_hz: int = 16_000) -> Path:
    """A 16-bit mono tone of 440 Hz at half of full scale."""
    values = 0.5 * np.sin(2 * np.pi * 440 * np.arange(samples) / rate_hz)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes((values * 32767).astype("<i2").tobytes())
    return path


def decode(path: Path, batch: int = 4) -> Iterator[Frames]:
    """Batches of four frames."""
    pictures: list[np.ndarray] = []
    first = 0
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            pictures.append(frame.to_ndarray(format="rgb24"))
            if len(pictures) == batch:
                yield batch_of(pictures, first)
                first, pictures = first + batch, []
    if pictures:
        yield batch_of(pictures, first)


def batch_of(pictures: list[np.ndarray], first: int) -> Frames:
    """Frames of a 25 fps clip."""
    return Frames(np.stack(pictures), (first + np.arange(len(pictures))) / 25, first)


def read_wav(path: Path) -> Sound:
    """Samples in -1..1 and their rate."""
    with wave.open(str(path)) as file:
        raw = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        return (raw / 32768).astype(np.float32), file.getframerate()


READERS = Readers(decode, read_wav, lambda path: (read_wav(path)[0][:, None], 16_000))
