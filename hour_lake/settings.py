"""Settings: one YAML file, checked, with `${NAME}` taken from the environment; every key has a default.

Found at `HOUR_LAKE_CONFIG`, else `hour_lake.yaml` in the working folder, else the defaults. Relative paths in it are
relative to the file's own folder.
"""

import difflib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from hour_lake.errors import ConfigError

FILE_NAME = "hour_lake.yaml"
LIMIT_BYTES = 1_000_000
REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
SECRET_KEY = re.compile(r"(?i)(secret|password|passwd|token|api_?key|access_?key|credential)")


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=False)


class SegmentRules(_Section):
    """How videos are cut. Lengths: 3 to 15 s (LatentSync 5-10, OmniAvatar 2-20, TalkVid 3-30)."""

    min_seconds: float = Field(default=3.0, ge=0.04)
    max_seconds: float = Field(default=15.0, le=60)
    shot_threshold: float = Field(default=27.0, gt=0)
    shot_ratio: float = Field(default=3.0, gt=1)
    speech_probability: float = Field(default=0.5, gt=0, lt=1)
    max_pause_seconds: float = Field(default=1.0, gt=0)
    pad_seconds: float = Field(default=0.3, ge=0)

    @model_validator(mode="after")
    def _in_order(self) -> "SegmentRules":
        if self.min_seconds > self.max_seconds:
            raise ValueError(f"min_seconds {self.min_seconds:g} is above max_seconds {self.max_seconds:g}")
        return self


class Limits(_Section):
    """What a raw video may ask of us; checked before the first frame is decoded."""

    max_bytes: int = 20 * 2**30
    max_seconds: float = 4 * 3600
    max_side_px: int = 8192
    max_pixels: int = 8192 * 4320
    max_decoded_pixels: int = 4 * 3600 * 60 * 1920 * 1080
    max_frame_rate: float = 240
    max_streams: int = 16
    max_wall_seconds: float = 3600
    max_memory_gib: float = 4
    max_manifest_rows: int = 1_000_000
    max_manifest_bytes: int = 2 * 2**30


class Settings(_Section):
    """Everything that can be set. `Settings.load()` finds the file; `Settings()` is all defaults."""

    home: Path = Path(".hour_lake")
    branch: str = "main"
    manifests: Path = Path("manifests")
    source_roots: tuple[Path, ...] = ()
    allowed_hosts: tuple[str, ...] = ()
    allow_http: bool = False
    profile: Literal["commercial", "research"] = "commercial"
    require: tuple[Literal["licence", "consent"], ...] = ()
    gates: Path | None = None
    workers: int = Field(default=0, ge=0, description="worker processes; 0 means one a core")
    segment_seconds_limit: float = Field(default=300.0, gt=0, description="wall time limit of one segment in one pass")
    partitions_per_run: int = Field(default=256, ge=1)
    segment: SegmentRules = SegmentRules()
    limits: Limits = Limits()
    layers: Mapping[str, Mapping[str, Any]] = {}

    @property
    def lake_address(self) -> str:
        """Where the lake is: HOUR_LAKE_LAKE, or a folder in the project's home."""
        return os.environ.get("HOUR_LAKE_LAKE") or str(self.home / "lake")

    @property
    def worker_count(self) -> int:
        """Worker processes to start."""
        return self.workers or len(os.sched_getaffinity(0))

    @staticmethod
    def load(path: Path | None = None) -> "Settings":
        """The settings in force; ConfigError says which key and what to write instead."""
        named = os.environ.get("HOUR_LAKE_CONFIG")
        path = path or (Path(named) if named else Path.cwd() / FILE_NAME)
        if not path.is_file():
            if named:
                raise ConfigError(
                    "CONFIG_MISSING", "HOUR_LAKE_CONFIG names no file", value=named, fix="run `hour-lake init`"
                )
            return _placed(Settings(), path.parent)
        return _placed(parse_settings(path.read_bytes(), where=str(path)), path.parent)


def parse_settings(data: bytes, *, where: str) -> Settings:
    """Settings from YAML; CONFIG_UNSAFE, _UNKNOWN_KEY, _TYPE, _ENV_MISSING or _SECRET_LITERAL when it is wrong."""
    raw = _resolved(_parsed(data, where), where)
    try:
        return Settings.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            near = difflib.get_close_matches(str(first["loc"][-1]), _keys_at(first["loc"][:-1]), n=1, cutoff=0.5)
            raise ConfigError("CONFIG_UNKNOWN_KEY", f"no such setting: {key}", value=key, where=where,
                              fix=f"did you mean {near[0]!r}?" if near else "remove it") from error  # fmt: skip
        raise ConfigError("CONFIG_TYPE", f"{key}: {first['msg']}", value=first.get("input"), where=where) from error


def _parsed(data: bytes, where: str) -> dict[str, Any]:
    if len(data) > LIMIT_BYTES:
        raise ConfigError("CONFIG_UNSAFE", "the settings file is too large", value=f"{len(data)} bytes", where=where)
    try:
        text = data.decode("utf-8")
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.SafeLoader)):
            raise ConfigError("CONFIG_UNSAFE", "YAML aliases are not taken", where=where, fix="write the value out")
        raw = yaml.safe_load(text)
    except yaml.constructor.ConstructorError as error:
        raise ConfigError(
            "CONFIG_UNSAFE", "a YAML tag that makes objects", value=str(error.problem), where=where
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError("CONFIG_TYPE", "not a YAML file", value=str(error), where=where) from error
    if raw is None:
        return {}
    if not isinstance(raw, dict):
        raise ConfigError("CONFIG_TYPE", "settings must be a mapping", value=type(raw).__name__, where=where)
    return raw


def _resolved(value: Any, where: str, key: str = "") -> Any:
    """`${NAME}` replaced from the environment; a secret written out is refused, its value never shown."""
    if isinstance(value, dict):
        return {k: _resolved(v, where, str(k)) for k, v in value.items()}
    if isinstance(value, list):
        return [_resolved(v, where, key) for v in value]
    if not isinstance(value, str):
        return value
    if SECRET_KEY.search(key) and not REFERENCE.fullmatch(value):
        raise ConfigError(
            "CONFIG_SECRET_LITERAL", f"{key} holds a secret", where=where, fix=f"write {key}: ${{{key.upper()}}}"
        )

    def replace(match: re.Match[str]) -> str:
        if match[1] not in os.environ:
            raise ConfigError("CONFIG_ENV_MISSING", "an environment variable is not set", value=match[1], where=where)
        return os.environ[match[1]]

    return REFERENCE.sub(replace, value)


def _keys_at(location: tuple[int | str, ...]) -> list[str]:
    model: Any = Settings
    for part in location:
        model = model.model_fields[str(part)].annotation
    return list(model.model_fields)


def _placed(settings: Settings, folder: Path) -> Settings:
    """The same settings with absolute paths."""

    def place(path: Path) -> Path:
        return (folder / path.expanduser()).resolve()

    home = os.environ.get("HOUR_LAKE_HOME")
    return settings.model_copy(
        update={
            "home": Path(home).resolve() if home else place(settings.home),
            "manifests": place(settings.manifests),
            "source_roots": tuple(place(root) for root in settings.source_roots),
            "gates": place(settings.gates) if settings.gates else None,
        }
    )
