"""The one error tree; every error that a user can meet carries a code, the value, where it was and what to do.

HourLakeError
|- ConfigError     settings, environment, tools          CONFIG_*, TOOL_VERSION, CONFIG_UNSAFE
|- ManifestError   a manifest file or one of its rows    MANIFEST_*, ROW_PARSE, ID_INVALID, RANGE_INVALID
|- SourceError     a pointer to a raw video              URI_*, PATH_FORBIDDEN, SOURCE_*
|- MediaError      what is inside a video or audio file  TRUNCATED, NOT_MEDIA, CORRUPT, LIMIT_*, NO_AUDIO, ...
|- ModelError      weights                               MODEL_REFUSED, MODEL_MISSING
|- LayerError      a layer's declaration or its output   LAYER_*
|- LakeError       refs, commits, objects, the store     REF_NOT_FOUND, CONFLICT, FENCED, INTEGRITY, ...
|- QueryError      SQL by a user                         QUERY_*
`- DatasetError    a dataset specification               DATASET_*
"""

from collections.abc import Mapping
from typing import Any

# A failure that may pass by itself: left pending and tried again. All others would repeat and are quarantined.
PASSING_CODES = frozenset(
    {"STORAGE_UNAVAILABLE", "STORAGE_FULL", "STORAGE_IO", "SOURCE_UNAVAILABLE", "CONFLICT", "FENCED", "COMMIT_UNKNOWN",
     "CREDENTIALS_EXPIRED", "WORKER_CLOSED"}
)  # fmt: skip


class HourLakeError(Exception):
    """What went wrong, in a form that a person and a table can both show.

    `raise MediaError("TRUNCATED", "the file ends early", value="3.2 of 10.0 s", where="talk.mp4", fix="copy it again")`
    """

    def __init__(
        self, code: str, message: str, *, value: object = None, where: str | None = None, fix: str | None = None
    ) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.value = None if value is None else shown(value)
        self.where = where
        self.fix = fix

    @property
    def passing(self) -> bool:
        """Whether the same attempt may succeed later though nothing of ours has changed."""
        return self.code in PASSING_CODES

    def __str__(self) -> str:
        parts = [f"{self.code}: {self.message}"]
        if self.value is not None:
            parts.append(f"value: {self.value}")
        if self.where is not None:
            parts.append(f"where: {self.where}")
        if self.fix is not None:
            parts.append(f"fix: {self.fix}")
        return " | ".join(parts)

    def __reduce__(self) -> tuple[Any, ...]:
        return (error_from, (self.as_dict(),))

    def as_dict(self) -> dict[str, str | None]:
        """A flat, JSON-able form; `error_from` reads it back."""
        return {"kind": type(self).__name__, "code": self.code, "message": self.message, "value": self.value,
                "where": self.where, "fix": self.fix}  # fmt: skip


class ConfigError(HourLakeError):
    """The settings file, the environment or a tool that is needed is not as it must be."""


class ManifestError(HourLakeError):
    """A manifest, or one row of it, cannot be taken in."""


class SourceError(HourLakeError):
    """A pointer to a raw video is refused, or leads nowhere."""


class MediaError(HourLakeError):
    """A media file is broken, of the wrong kind, or beyond a limit."""


class ModelError(HourLakeError):
    """Weights are missing, altered, or not allowed under the profile."""


class LayerError(HourLakeError):
    """A layer is declared wrongly, or what it returned is not what it declared."""


class LakeError(HourLakeError):
    """A ref, a commit, an object or the store itself."""


class QueryError(HourLakeError):
    """A user's SQL is not allowed, wrong, or too costly."""


class DatasetError(HourLakeError):
    """A dataset's specification is wrong or cannot be met."""


def error_from(fields: Mapping[str, str | None]) -> HourLakeError:
    """The error that `as_dict` described."""
    kinds = {kind.__name__: kind for kind in (HourLakeError, *HourLakeError.__subclasses__())}
    kind = kinds[fields["kind"] or "HourLakeError"]
    return kind(
        fields["code"] or "UNKNOWN", fields["message"] or "", value=fields["value"], where=fields["where"],
        fix=fields["fix"],
    )  # fmt: skip


def shown(value: object, limit: int = 200) -> str:
    """A value from outside, made safe to print: control and direction characters escaped, length capped."""
    text = value if isinstance(value, str) else repr(value)
    safe = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
    return safe if len(safe) <= limit else safe[: limit - 1] + "…"
