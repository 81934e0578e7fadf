"""The `layer` decorator and what it records; running, finding and fingerprinting layers is not here."""

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from hour_lake.errors import LayerError
from hour_lake.passes.accepted import is_plain, is_text, taken_by, wrong_group, wrong_models, wrong_owner
from hour_lake.passes.request import FramesRequest

MEDIA_READS = ("frames", "samples", "master")
ENGINE_COLUMNS = ("segment_id", "frame_index", "time_seconds")
COLUMN_TYPE = re.compile(
    r"(bool|int8|int16|int32|int64|float32|float64|string)(\[\d+\])?|list<(bool|int32|float32|float64)>"
)
NAME = re.compile(r"[a-z][a-z0-9_]{0,47}")
# No part of it begins with a digit and none is empty, so a pass that is named after it is never taken for another one.
POOL = re.compile(r"[a-z][a-z0-9]*(_[a-z][a-z0-9]*)*")
GPU_POOL = "gpu"
# With wide vectors (AVX-512) x264 looks beyond pictures of 32 px, at whatever lies there: the bytes would differ.
SMALLEST_CLIP_PX = 64
PIXELS = "pixels"  # where a layer with a clip puts its pictures
CORPUS = "corpus"
MOST_GIB = 1e6  # more than any machine has; far larger numbers cannot be written down for a pod
Rows = Literal["frame", "window", "segment", "corpus"]
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
    pool: str | None = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """What the function (or the class) returns."""
        return self.function(*args, **kwargs)

    @property
    def description(self) -> str:
        """The docstring of its module, which says what it is, then that of the function, which says how."""
        module = inspect.getmodule(self.function)
        words = [module.__doc__ if module else None, self.function.__doc__]
        written = "\n\n".join(inspect.cleandoc(text) for text in words if isinstance(text, str))
        return written.encode(errors="replace").decode()

    @property
    def source_path(self) -> str:
        """The file that declares it."""
        try:
            return inspect.getsourcefile(inspect.unwrap(self.function)) or "?"
        except (TypeError, OSError):  # a class typed into a prompt
            return "?"

    @property
    def where(self) -> str:
        """`file:line` of the declaration."""
        code = getattr(inspect.unwrap(self.function), "__code__", None)
        if code is not None:
            return f"{self.source_path}:{code.co_firstlineno}"
        try:
            return f"{self.source_path}:{inspect.getsourcelines(self.function)[1]}"
        except OSError:  # typed into a prompt: there is no file
            return self.source_path

    @property
    def pool_in_force(self) -> str | None:
        """The pool that it declares; if none, what runs on a GPU is in the pool `gpu`, and all others are in none."""
        return self.pool or (GPU_POOL if self.compute == "gpu" else None)

    @property
    def is_corpus_wide(self) -> bool:
        """Whether it looks at all segments at once, after all layers of a segment are there."""
        return self.rows == CORPUS

    @property
    def is_class(self) -> bool:
        """Whether it remembers something: one object a segment, called with batch after batch."""
        return inspect.isclass(self.function)

    @property
    def gives_at_end(self) -> bool:
        """Whether its rows come from `finish()`, after the last batch: one that must see all frames first."""
        return self.is_class and (self.rows != "frame" or hasattr(self.function, "finish"))

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
    pool: str | None = None,
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
    `rows`: `frame` (one row a frame; the default for what reads frames), `window` (any number; default for sound),
    `segment` (exactly one row) or `corpus` (see below). Keyword-only arguments are its configuration and need defaults.
    `clip_px`: it also gives a clip of square pictures with this side: `pixels`, uint8 `(n, side, side, 3)`, one for
    each frame of the batch, beside its columns; the engine encodes and stores it (H.264, 25 fps, no sound).
    `compute`, `memory_gib`: what it needs; on a cluster its pod gets that. With `gpu` its networks ask for CUDA.
    `pool`: a Dagster pool, whose limit says how many steps that need one scarce thing run at once. The layers of a pool
    are a pass of their own, with a decode of their own, so that the limit does not hold up the others.
    `opt_in`: part of a project only when the settings name it under `opt_in`.
    `providers`: ways to compute the same columns -> the models of each; the keyword `provider` chooses one.

    The function gets one positional argument for each of `reads`. With `frames` it is called batch after batch, with
    the rows of these frames of other `frame` tables; otherwise once, with whole tables or sounds. A class is made once
    a segment with the configuration, then called the same way; if it has a method `finish()`, that gives all rows after
    the last call. With `frames` and `rows` other than `frame` it must have one.

    `rows="corpus"`: it looks at the whole corpus at once. It reads layers only, and gets the tables of all segments as
    one, with the column `segment_id` (text, ascending); it returns that column beside its own: any number of rows for
    any of these segments. It is made anew when any of these tables changed.
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
                group=group or _group(read, rows),
                models=models, compute=compute, memory_gib=memory_gib, owner=owner,
                opt_in=opt_in, request=asked, clip_px=clip_px, providers=dict(providers or {}), pool=pool,
            )
        )  # fmt: skip

    return declare


def _group(read: tuple[str, ...], rows: Rows | None) -> str:
    if rows == CORPUS:
        return CORPUS
    sound = any(name in read for name in ("samples", "master"))
    return "audio" if sound else "frames" if "frames" in read else "derived"


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
    if owner := taken_by(declared.name):
        return "LAYER_NAME", f"{owner} has this name already", declared.name
    if not declared.description.strip():
        return "LAYER_DOCSTRING", "a layer needs a docstring (its own or its module's)", declared.name
    if declared.rows not in get_args(Rows):
        return "LAYER_ROWS", f"there are no such rows; there are {', '.join(get_args(Rows))}", str(declared.rows)
    if not declared.reads or not declared.columns:
        return "LAYER_COLUMN", "a layer reads something and has at least one column", declared.name
    for read in declared.reads:
        if not is_text(read):
            return "LAYER_READS", "reads a name, frames(...), or a tuple of these", repr(read)
    if problem := _problem_of_labels(declared):
        return problem
    if problem := _problem_of_hardware(declared):
        return problem
    if declared.request.problem:
        return "LAYER_READS", "asks for frames that cannot be had", declared.request.problem
    if declared.clip_px and (problem := _problem_of_clip(declared)):
        return "LAYER_CLIP", "declares a clip that cannot be had", problem
    reserved = [column for column in ENGINE_COLUMNS if column in declared.columns]
    if reserved:
        return "LAYER_COLUMN", "a column that every table gets from the engine", reserved[0]
    for column, kind in declared.columns.items():
        if not all(map(is_text, (column, kind))) or not NAME.fullmatch(column) or not COLUMN_TYPE.fullmatch(kind):
            return "LAYER_COLUMN", f"column type must match {COLUMN_TYPE.pattern}", f"{column}: {kind}"
    if declared.is_corpus_wide and (problem := _problem_of_corpus(declared)):
        return "LAYER_READS", "looks at the whole corpus, so it is a function over tables", problem
    for name, sql in declared.facts.items():
        if not is_text(name) or not is_text(sql):
            return "LAYER_FACTS", "a fact has a name and is SQL, both texts", f"{name!r}: {sql!r}"
    missing = [name for name, default in declared.config.items() if default is inspect.Parameter.empty]
    if missing:
        return "LAYER_CONFIG", "every keyword-only argument needs a default", ", ".join(missing)
    for name, default in declared.config.items():
        if not is_plain(default):  # its value may not even have a text that stays the same
            return ("LAYER_CONFIG", "a keyword's default is plain data: None, numbers, texts, tuples, lists and dicts",
                    f"{name}: {type(default).__qualname__}")  # fmt: skip
    if declared.providers and declared.config.get("provider") not in declared.providers:
        return "LAYER_CONFIG", "the default of `provider` must be one of its providers", ", ".join(declared.providers)
    return _problem_of_signature(declared)


def _problem_of_labels(declared: Layer) -> tuple[str, str, str] | None:
    if wrong := wrong_owner(declared.owner):
        return "LAYER_OWNER", wrong, repr(declared.owner)
    if wrong := wrong_group(declared.group):
        return "LAYER_GROUP", wrong, repr(declared.group)
    for models in (declared.models, *declared.providers.values()):
        if problem := wrong_models(models):
            return "LAYER_MODELS", *problem
    return None


def _problem_of_hardware(declared: Layer) -> tuple[str, str, str] | None:
    if declared.compute not in get_args(Compute):
        return "LAYER_COMPUTE", "compute is cpu or gpu", repr(declared.compute)
    memory_gib: Any = declared.memory_gib  # whatever stands there: no checker has looked at a researcher's file
    if not isinstance(memory_gib, int | float) or not 0 < memory_gib < MOST_GIB:
        return "LAYER_COMPUTE", "memory_gib is a number above 0", repr(declared.memory_gib)
    if declared.pool is not None and not (is_text(declared.pool) and POOL.fullmatch(declared.pool)):
        return "LAYER_POOL", f"the name of a pool must match {POOL.pattern}", str(declared.pool)
    return None


def _problem_of_clip(declared: Layer) -> str | None:
    side: Any = declared.clip_px  # whatever stands there
    if not isinstance(side, int) or side < SMALLEST_CLIP_PX or side % 2:
        return f"clip_px={side!r}: an even number of at least {SMALLEST_CLIP_PX}"
    if declared.rows != "frame" or "frames" not in declared.reads or declared.request.fps:
        return "a clip needs a row for every frame that is decoded"
    if declared.gives_at_end:
        return "a clip is made batch by batch, and finish() comes after the last"
    return "pixels is both a column and the clip" if PIXELS in declared.columns else None


def _problem_of_corpus(declared: Layer) -> str | None:
    media = [read for read in declared.reads if read in MEDIA_READS]
    return f"reads {media[0]}" if media else f"{declared.name} is a class" if declared.is_class else None


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
