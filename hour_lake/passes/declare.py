"""The `layer` decorator and what it records; running, finding and fingerprinting layers is not here."""

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from hour_lake.errors import LayerError

MEDIA_READS = ("frames", "samples", "master")
COLUMN_TYPE = re.compile(
    r"(bool|int8|int16|int32|int64|float32|float64|string)(\[\d+\])?|list<(bool|int32|float32|float64)>"
)
NAME = re.compile(r"[a-z][a-z0-9_]{0,47}")
Rows = Literal["frame", "window", "segment"]


@dataclass(frozen=True)
class Layer:
    """One enrichment stage. Callable as the function (or class) that it decorates."""

    name: str
    function: Callable[..., Any]
    reads: tuple[str, ...]
    columns: Mapping[str, str]
    facts: Mapping[str, str]
    rows: Rows
    group: str
    models: tuple[str, ...]
    compute: Literal["cpu", "gpu"]
    memory_gib: float
    owner: str | None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """What the function (or the class) returns."""
        return self.function(*args, **kwargs)

    @property
    def description(self) -> str:
        """The docstring of the function, or of its module."""
        module = inspect.getmodule(self.function)
        return inspect.getdoc(self.function) or (inspect.getdoc(module) if module else None) or ""

    @property
    def source_path(self) -> str:
        """The file that declares it."""
        return inspect.getsourcefile(self.function) or "?"

    @property
    def is_class(self) -> bool:
        """Whether it remembers something: one object a segment, called with batch after batch."""
        return inspect.isclass(self.function)

    @property
    def config(self) -> dict[str, Any]:
        """Its keyword-only arguments and their defaults."""
        parameters = inspect.signature(self.function).parameters.values()
        return {p.name: p.default for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY}


def layer(
    *,
    reads: str | tuple[str, ...],
    columns: Mapping[str, str],
    facts: Mapping[str, str] | None = None,
    rows: Rows | None = None,
    group: str | None = None,
    models: tuple[str, ...] = (),
    compute: Literal["cpu", "gpu"] = "cpu",
    memory_gib: float = 1.0,
    owner: str | None = None,
) -> Callable[[Callable[..., Any]], Layer]:
    """Declare an enrichment stage.

    `reads`: `frames` (batches of `Frames`), `samples` (16 kHz mono), `master` (48 kHz), or names of other layers.
    `columns`: name -> type (`float32`, `bool`, `string`, `float32[80]`, `list<float32>`, ...).
    `facts`: name -> SQL aggregate over the layer's rows of one segment; `duration_seconds` is bound.
    `rows`: `frame` (one row a frame; the default for what reads frames), `window` (any number; default for sound) or
    `segment` (exactly one row). Keyword-only arguments are its configuration and need defaults.
    """
    read = (reads,) if isinstance(reads, str) else tuple(reads)

    def declare(function: Callable[..., Any]) -> Layer:
        sound = any(r in ("samples", "master") for r in read)
        return _checked(
            Layer(
                name=function.__name__, function=function, reads=read, columns=dict(columns), facts=dict(facts or {}),
                rows=rows or ("window" if sound else "frame"),
                group=group or ("audio" if sound else "frames" if "frames" in read else "derived"),
                models=models, compute=compute, memory_gib=memory_gib, owner=owner,
            )
        )  # fmt: skip

    return declare


def _checked(declared: Layer) -> Layer:
    where = f"{declared.source_path}:{inspect.getsourcelines(declared.function)[1]}"
    problem = _problem_of(declared)
    if problem is not None:
        code, message, value = problem
        raise LayerError(code, message, value=value, where=where, fix="see `hour-lake layers` for ones that work")
    return declared


def _problem_of(declared: Layer) -> tuple[str, str, str] | None:
    if not NAME.fullmatch(declared.name) or declared.name in MEDIA_READS:
        return "LAYER_NAME", f"a layer's name must match {NAME.pattern} and be none of {MEDIA_READS}", declared.name
    if not declared.description.strip():
        return "LAYER_DOCSTRING", "a layer needs a docstring (its own or its module's)", declared.name
    for column, kind in declared.columns.items():
        if not NAME.fullmatch(column) or not COLUMN_TYPE.fullmatch(kind):
            return "LAYER_COLUMN", f"column type must match {COLUMN_TYPE.pattern}", f"{column}: {kind}"
    missing = [name for name, default in declared.config.items() if default is inspect.Parameter.empty]
    if missing:
        return "LAYER_CONFIG", "every keyword-only argument needs a default", ", ".join(missing)
    return None
