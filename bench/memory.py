"""Peak memory of a worker over everything that it does with a 10-minute video at 1080p, and with one of a minute."""

import subprocess
import sys
from pathlib import Path

import ffmpeg

from bench.measure import Measure
from hour_lake.media.tools import ffmpeg_path

CODE = """
import sys
from pathlib import Path
from hour_lake.identity import Segment
from hour_lake.media.cut import cut
from hour_lake.media.scan import scan
from hour_lake.passes.media import SegmentMedia
from hour_lake.passes.registry import load_layers
from hour_lake.passes.run import run_pass
from hour_lake.settings import Limits
source, folder = Path(sys.argv[1]), Path(sys.argv[2])
scan(source, Limits())
segment = Segment("talk", 20000, 35000)
cut(source, segment, folder / "talk.mp4", Limits())
layers = [x for x in load_layers().values() if not {"samples", "master"} & set(x.reads) and not x.is_corpus_wide]
run_pass(layers, SegmentMedia(segment.id, folder / "talk.mp4"), {}, {})
# Of this program alone: `getrusage` would count what its parent had when it started it.
status = Path("/proc/self/status").read_text().splitlines()
print(int(next(line for line in status if line.startswith("VmHWM")).split()[1]) / 1024)
"""


def measure(corpus: Path, weights: Path, scratch: Path) -> list[Measure]:
    minute = _longer(corpus / "hopper-long-pause.mp4", scratch / "minute.mp4", seconds=60)
    ten = _longer(corpus / "hopper-long-pause.mp4", scratch / "ten.mp4", seconds=600)
    short, long = (_peak_mib(video, weights, scratch) for video in (minute, ten))
    return [
        Measure("peak memory, 10 minutes of 1080p", long, "MiB", "scan, cut and all frame layers in one process", 1024),
        Measure("peak memory, 10 minutes / 1 minute", long / short, "x", f"{long:.0f} and {short:.0f} MiB", 1.1),
    ]


def _longer(source: Path, target: Path, *, seconds: int) -> Path:
    """The same packets over and over: a long file in no time."""
    again = ffmpeg.input(str(source), stream_loop=-1, t=seconds)
    again.output(str(target), c="copy").run(cmd=str(ffmpeg_path()), quiet=True, overwrite_output=True)
    return target


def _peak_mib(video: Path, weights: Path, scratch: Path) -> float:
    environment = {"HOUR_LAKE_MODELS": str(weights), "PATH": "/usr/bin:/bin", "HOME": str(scratch)}
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(video), str(scratch)], env=environment, capture_output=True, text=True
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    return float(done.stdout.splitlines()[-1])
