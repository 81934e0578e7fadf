"""The `layer` decorator and what it records; running, finding and fingerprinting layers is not here."""

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from hour_lake.errors import LayerError
from hour_lake.passes.request import NARROWEST_PX, FramesRequest

MEDIA_READS = ("frames", "samples", "master")
ENGINE_COLUMNS = ("segment_id", "frame_index", "time_seconds")
COLUMN_TYPE = re.compile(
    r"(bool|int8|int16|int32|int64|float32|float64|string)(\[\d+\])?|list<(bool|int32|float32|float64)>"
)
NAME = re.compile(r"[a-z][a-z0-9_]{0,47}")
PIXELS = "pixels"  # where a layer with a clip puts its pictures
Rows = Literal["frame", "window", "segment"]
Compute = Literal["cpu", "gpu"]


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
    compute: Compute
    memory_gib: float
    owner: str | None
    opt_in: bool = False
    request: FramesRequest = FramesRequest()
    clip_px: int = 0
    providers: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """What the function (or the class) returns."""
        return self.function(*args, **kwargs)

    @property
    def description(self) -> str:
        """The docstring of its module, which says what it is, then that of the function, which says how."""
        module = inspect.getmodule(self.function)
        words = [module.__doc__ if module else None, self.function.__doc__]
        return "\n\n".join(inspect.cleandoc(text) for text in words if text)

    @property
    def source_path(self) -> str:
        """The file that declares it."""
        try:
            return inspect.getsourcefile(self.function) or "?"
        except (TypeError, OSError):  # a class typed into a prompt
            return "?"

    @property
    def where(self) -> str:
        """`file:line` of the declaration."""
        code = getattr(self.function, "__code__", None)
        if code is not None:
            return f"{self.source_path}:{code.co_firstlineno}"
        try:
            return f"{self.source_path}:{inspect.getsourcelines(self.function)[1]}"
        except OSError:  # typed into a prompt: there is no file
            return self.source_path

    @property
    def is_class(self) -> bool:
        """Whether it remembers something: one object a segment, called with batch after batch."""
        return inspect.isclass(self.function)

    @property
    def config(self) -> dict[str, Any]:
        """Its keyword-only arguments and their defaults."""
        parameters = inspect.signature(self.function).parameters.values()
        return {p.name: p.default for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY}

    def models_in_force(self, config: Mapping[str, Any] | None = None) -> tuple[str, ...]:
        """The models that it runs with these keywords (its defaults): those it always needs and its provider's."""
        provider = {**self.config, **(config or {})}.get("provider")
        return (*self.models, *self.providers.get(str(provider), ()))

    @property
    def all_models(self) -> tuple[str, ...]:
        """Every model that it may run, whichever provider is chosen."""
        return (*self.models, *(name for models in self.providers.values() for name in models))


def layer(
    *,
    reads: str | FramesRequest | tuple[str | FramesRequest, ...],
    columns: Mapping[str, str],
    facts: Mapping[str, str] | None = None,
    rows: Rows | None = None,
    group: str | None = None,
    models: tuple[str, ...] = (),
    compute: Compute = "cpu",
    memory_gib: float = 1.0,
    owner: str | None = None,
    opt_in: bool = False,
    clip_px: int = 0,
    providers: Mapping[str, tuple[str, ...]] | None = None,
) -> Callable[[Callable[..., Any]], Layer]:
    """Declare an enrichment stage.

    `reads`: `frames` (batches of `Frames`; `frames(width=640, fps=1)` for smaller or fewer), `samples` (16 kHz mono),
    `master` (48 kHz), or names of other layers.
    `columns`: name -> type (`float32`, `bool`, `string`, `float32[80]`, `list<float32>`, ...).
    `facts`: name -> SQL aggregate over the layer's rows of one segment; `duration_seconds` is bound.
    `rows`: `frame` (one row a frame; the default for what reads frames), `window` (any number; default for sound) or
    `segment` (exactly one row). Keyword-only arguments are its configuration and need defaults.
    `clip_px`: it also gives a clip of square pictures with this side: `pixels`, uint8 `(n, side, side, 3)`, one for
    each frame of the batch, beside its columns; the engine encodes and stores it (H.264, 25 fps, no sound).
    `opt_in`: part of a project only when the settings name it under `opt_in`.
    `providers`: ways to compute the same columns -> the models of each; the keyword `provider` chooses one.

    The function gets one positional argument for each of `reads`. With `frames` it is called batch after batch, with
    the rows of these frames of other `frame` tables; otherwise once, with whole tables or sounds. A class is made once
    a segment with the configuration, then called the same way; with `rows` other than `frame` its method `finish()`
    gives the rows after the last batch.
    """
    given = reads if isinstance(reads, tuple) else (reads,)
    read = tuple("frames" if isinstance(one, FramesRequest) else one for one in given)
    asked = next((one for one in given if isinstance(one, FramesRequest)), FramesRequest())

    def declare(function: Callable[..., Any]) -> Layer:
        sound = any(r in ("samples", "master") for r in read)
        return _checked(
            Layer(
                name=function.__name__, function=function, reads=read, columns=dict(columns), facts=dict(facts or {}),
                rows=rows or ("window" if sound else "frame"),
                group=group or ("audio" if sound else "frames" if "frames" in read else "derived"),
                models=models, compute=compute, memory_gib=memory_gib, owner=owner,
                opt_in=opt_in, request=asked, clip_px=clip_px, providers=dict(providers or {}),
            )
        )  # fmt: skip

    return declare


def _checked(declared: Layer) -> Layer:
    problem = _problem_of(declared)
    if problem is not None:
        code, message, value = problem
        raise LayerError(code, message, value=value, where=declared.where,
                         fix="see `hour-lake layers` for ones that work")  # fmt: skip
    return declared


def _problem_of(declared: Layer) -> tuple[str, str, str] | None:
    if not NAME.fullmatch(declared.name) or declared.name in MEDIA_READS:
        return "LAYER_NAME", f"a layer's name must match {NAME.pattern} and be none of {MEDIA_READS}", declared.name
    if not declared.description.strip():
        return "LAYER_DOCSTRING", "a layer needs a docstring (its own or its module's)", declared.name
    if declared.rows not in get_args(Rows) or declared.compute not in get_args(Compute):
        known = f"rows: {', '.join(get_args(Rows))}; compute: {', '.join(get_args(Compute))}"
        return (
            "LAYER_ROWS",
            f"there are no such rows, or no such compute; {known}",
            f"{declared.rows}, {declared.compute}",
        )
    if not declared.reads or not declared.columns:
        return "LAYER_COLUMN", "a layer reads something and has at least one column", declared.name
    if declared.request.problem:
        return "LAYER_READS", "asks for frames that cannot be had", declared.request.problem
    if declared.clip_px and (problem := _problem_of_clip(declared)):
        return "LAYER_CLIP", "declares a clip that cannot be had", problem
    reserved = [column for column in ENGINE_COLUMNS if column in declared.columns]
    if reserved:
        return "LAYER_COLUMN", "a column that every table gets from the engine", reserved[0]
    for column, kind in declared.columns.items():
        if not NAME.fullmatch(column) or not COLUMN_TYPE.fullmatch(str(kind)):
            return "LAYER_COLUMN", f"column type must match {COLUMN_TYPE.pattern}", f"{column}: {kind}"
    missing = [name for name, default in declared.config.items() if default is inspect.Parameter.empty]
    if missing:
        return "LAYER_CONFIG", "every keyword-only argument needs a default", ", ".join(missing)
    if declared.providers and declared.config.get("provider") not in declared.providers:
        return "LAYER_CONFIG", "the default of `provider` must be one of its providers", ", ".join(declared.providers)
    return _problem_of_signature(declared)


def _problem_of_clip(declared: Layer) -> str | None:
    if declared.clip_px < NARROWEST_PX or declared.clip_px % 2:
        return f"clip_px={declared.clip_px}: an even number of at least {NARROWEST_PX}"
    if declared.rows != "frame" or "frames" not in declared.reads or declared.request.fps:
        return "a clip needs a row for every frame that is decoded"
    return "pixels is both a column and the clip" if PIXELS in declared.columns else None


def _problem_of_signature(declared: Layer) -> tuple[str, str, str] | None:
    called: Any = declared.function
    if declared.is_class:
        called = getattr(declared.function, "__call__", None)  # noqa: B004 - the method itself, to count its arguments
        if called is None or inspect.ismethod(called) or not inspect.isfunction(called):
            return "LAYER_SIGNATURE", "a layer that is a class needs the method __call__", declared.name
        if declared.rows != "frame" and "frames" in declared.reads and not hasattr(declared.function, "finish"):
            return "LAYER_SIGNATURE", "a class with no row a frame gives its rows in finish()", declared.name
    elif declared.rows == "segment" and "frames" in declared.reads:
        return "LAYER_SIGNATURE", "one row from many batches of frames needs a class with finish()", declared.name
    positional = [
        p.name
        for p in inspect.signature(called).parameters.values()
        if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
    ][declared.is_class :]
    if len(positional) != len(declared.reads):
        return ("LAYER_SIGNATURE", "one positional argument for each of `reads`, keyword-only arguments for the rest",
                f"{declared.name}({', '.join(positional)}) reads {', '.join(declared.reads)}")  # fmt: skip
    return None
