"""The tools that media needs, checked once at start: FFmpeg inside PyAV, and the packaged program `ffmpeg`."""

import re
import subprocess
from pathlib import Path

import av

from hour_lake.errors import ConfigError
from hour_lake.media.tracks import AUDIO_CODECS, VIDEO_CODECS

# Older ones follow playlists to other files and carry known holes in decoders.
FLOOR = (8, 0)
ENCODERS = ("libx264", "flac")
TIMEOUT_SECONDS = 20


def ffmpeg_path() -> Path:
    """The packaged `ffmpeg`, never one that happens to be on the PATH; TOOL_VERSION when it is missing."""
    import imageio_ffmpeg

    folder = Path(imageio_ffmpeg.__file__).parent / "binaries"
    found = sorted(path for path in folder.glob("ffmpeg-*") if path.is_file())
    if not found:
        raise ConfigError("TOOL_VERSION", "the package imageio-ffmpeg carries no ffmpeg for this machine",
                          where=str(folder), fix="install imageio-ffmpeg from a wheel of this platform")  # fmt: skip
    return found[0]


def check_tools() -> dict[str, str]:
    """Versions by tool; TOOL_VERSION when one is missing, too old, or lacks a codec."""
    check_version("FFmpeg in PyAV", av.ffmpeg_version_info)
    check_codecs(av.codecs_available)
    program = program_version(ffmpeg_path())
    check_version("ffmpeg", program)
    return {"pyav": av.__version__, "pyav_ffmpeg": av.ffmpeg_version_info, "ffmpeg": program}


def check_version(tool: str, version: str) -> None:
    """TOOL_VERSION when a version like `n8.1.2-static` is under the floor."""
    numbers = re.search(r"(\d+)\.(\d+)", version)
    if numbers is None or (int(numbers[1]), int(numbers[2])) < FLOOR:
        raise ConfigError("TOOL_VERSION", f"{tool} must be at least {FLOOR[0]}.{FLOOR[1]}", value=version,
                          where=tool, fix="install the versions of constraints.txt")  # fmt: skip


def check_codecs(available: set[str]) -> None:
    """TOOL_VERSION when a codec that is written or taken is not among the available ones."""
    decoders = {name: names for codecs in (VIDEO_CODECS, AUDIO_CODECS) for name, names in codecs.items()}
    missing = [name for name in ENCODERS if name not in available]
    missing += [name for name, names in decoders.items() if not available & set(names)]
    if missing:
        raise ConfigError("TOOL_VERSION", "FFmpeg in PyAV lacks codecs", value=", ".join(missing),
                          where="PyAV", fix="install av from its wheel")  # fmt: skip


def program_version(program: Path) -> str:
    """What `ffmpeg -version` says of itself; TOOL_VERSION when it does not run."""
    try:
        done = subprocess.run(
            [program, "-version"], capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise ConfigError("TOOL_VERSION", "the packaged ffmpeg does not run", value=str(error), where=str(program),
                          fix="reinstall imageio-ffmpeg") from error  # fmt: skip
    found = re.match(r"ffmpeg version (\S+)", done.stdout)
    return found[1] if found else "unknown"
