"""Settings: one YAML file, checked, with `${NAME}` taken from the environment; every key has a default.

Found at `HOUR_LAKE_CONFIG`, else `hour_lake.yaml` in the working folder, else the defaults. Relative paths in it are
relative to the file's own folder.
"""

import difflib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    model_validator,
)

from hour_lake.errors import ConfigError
from hour_lake.yaml_text import mapping_from_yaml

FILE_NAME = "hour_lake.yaml"
REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
# At the end of the key: `api_token` is one, `tokenizer` is not.
SECRET_KEY = re.compile(r"(?i)(secret|password|passwd|token|api[_-]?key|access[_-]?key|private[_-]?key|credentials?)$")
SECRET_VALUE = re.compile(r"//[^/\s:@]*:[^/\s@]+@|\b(AKIA|ASIA)[A-Z0-9]{16}\b|-----BEGIN [A-Z ]*PRIVATE KEY")
HOST = re.compile(r"s3://[a-z0-9.-]+|[a-z0-9_-]+(\.[a-z0-9_-]+)*|[0-9a-f:.]+")


class _Section(BaseModel):
    # Values may come from the environment, so that an error must not show them.
    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=False, allow_inf_nan=False, hide_input_in_errors=True, validate_default=True
    )


class SegmentRules(_Section):
    """How videos are cut. Lengths: 3 to 15 s (LatentSync 5-10, OmniAvatar 2-20, TalkVid 3-30)."""

    min_seconds: float = Field(default=3.0, ge=0.04)
    max_seconds: float = Field(default=15.0, ge=0.04, le=60)
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

    max_bytes: PositiveInt = 20 * 2**30
    max_seconds: PositiveFloat = 4 * 3600
    max_side_px: PositiveInt = 8192
    max_pixels: PositiveInt = 8192 * 4320
    max_decoded_pixels: PositiveInt = 4 * 3600 * 60 * 1920 * 1080
    max_frame_rate: PositiveFloat = 240
    max_streams: PositiveInt = 16
    max_wall_seconds: PositiveFloat = 3600
    max_memory_gib: PositiveFloat = 4
    max_manifest_rows: PositiveInt = 1_000_000
    max_manifest_bytes: PositiveInt = 2 * 2**30


class Lakefs(_Section):
    """How a lakeFS lake is used. Endpoint and keys are not here: they come from the environment or mounted files."""

    transfers: int = Field(default=16, ge=1, le=256, description="objects that go up or come down at the same time")
    presigned: bool = Field(default=False, description="move bytes straight to and from the object store")
    cache_gib: PositiveFloat = Field(default=20, description="files kept on this machine for decoders")
    s3_endpoint: str | None = Field(default=None, description="host:port of the S3 gateway, if not the server's own")
    region: str = "us-east-1"


def _host(text: str) -> str:
    if not HOST.fullmatch(text.lower()):
        raise ValueError("a host like videos.example.org, or a bucket like s3://videos; no scheme, port or path")
    return text.lower()


class Settings(_Section):
    """Everything that can be set. `Settings.load()` finds the file; `Settings()` is all defaults."""

    home: Path = Path(".hour_lake")
    branch: str = "main"
    manifests: Path = Path("manifests")
    source_roots: tuple[Path, ...] = ()
    allowed_hosts: tuple[Annotated[str, AfterValidator(_host)], ...] = ()
    allow_http: bool = False
    profile: Literal["commercial", "research"] = "commercial"
    require: tuple[Literal["licence", "consent"], ...] = ()
    gates: Path | None = None
    workers: int = Field(default=0, ge=0, description="worker processes; 0 means one a core")
    segment_seconds_limit: float = Field(default=300.0, gt=0, description="wall time limit of one segment in one pass")
    corpus_seconds_limit: float = Field(default=3600.0, gt=0, description="wall time limit of a layer over the corpus")
    partitions_per_run: int = Field(default=256, ge=1)
    segment: SegmentRules = SegmentRules()
    limits: Limits = Limits()
    layers: Mapping[str, Mapping[str, Any]] = {}
    opt_in: tuple[str, ...] = Field(default=(), description="layers that are not part of a project by themselves")
    opt_out: tuple[str, ...] = Field(default=(), description="layers to do without, and those that read them")
    lakefs: Lakefs = Lakefs()

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
        file = path or (Path(named) if named else Path.cwd() / FILE_NAME)
        if file.is_file():
            return _placed(parse_settings(file.read_bytes(), where=str(file)), file.parent)
        if path or named:
            raise ConfigError("CONFIG_MISSING", "there is no such settings file", value=file,
                              where="HOUR_LAKE_CONFIG" if path is None else None,
                              fix="run `hour-lake init`, or name another file")  # fmt: skip
        return _placed(Settings(), file.parent)


def parse_settings(data: bytes, *, where: str) -> Settings:
    """Settings from YAML; CONFIG_UNSAFE, _UNKNOWN_KEY, _TYPE, _ENV_MISSING or _SECRET_LITERAL when it is wrong."""
    written = mapping_from_yaml(data, where=where, may_be_empty=True)
    try:
        return Settings.model_validate(_resolved(written, where))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            near = difflib.get_close_matches(str(first["loc"][-1]), _keys_at(first["loc"][:-1]), n=1, cutoff=0.5)
            raise ConfigError("CONFIG_UNKNOWN_KEY", f"no such setting: {key}", value=key, where=where,
                              fix=f"did you mean {near[0]!r}?" if near else "remove it") from error  # fmt: skip
        # As it is written in the file: `${NAME}`, never what the variable holds.
        raise ConfigError("CONFIG_TYPE", f"{key}: {first['msg']}", value=_at(written, first["loc"]), where=where,
                          fix="see the message for what is taken") from error  # fmt: skip


def _at(value: Any, location: tuple[int | str, ...]) -> Any:
    """The value that was written at a place, or the part above it that is there."""
    for part in location:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return value
    return value


def _resolved(value: Any, where: str, key: str = "") -> Any:
    """`${NAME}` replaced from the environment; a secret written out is refused, its value never shown."""
    if isinstance(value, dict):
        return {k: _resolved(v, where, str(k)) for k, v in value.items()}
    if isinstance(value, list):
        return [_resolved(v, where, key) for v in value]
    if _is_secret(key, value):
        raise ConfigError("CONFIG_SECRET_LITERAL", f"{key} holds a secret", value=key, where=where,
                          fix=f"write {key}: ${{{re.sub('[^A-Z0-9]', '_', key.upper())}}}")  # fmt: skip
    return REFERENCE.sub(lambda match: _variable(match[1], key, where), value) if isinstance(value, str) else value


def _is_secret(key: str, value: Any) -> bool:
    if value is None or isinstance(value, bool):
        return False
    text = str(value)
    return bool(SECRET_VALUE.search(text) or (SECRET_KEY.search(key) and not REFERENCE.fullmatch(text)))


def _variable(name: str, key: str, where: str) -> str:
    if name not in os.environ:
        raise ConfigError("CONFIG_ENV_MISSING", f"{key}: an environment variable is not set", value=name, where=where,
                          fix=f"set {name}, or write the value")  # fmt: skip
    return os.environ[name]


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
