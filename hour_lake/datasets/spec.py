"""What a dataset is asked to be: a YAML file, checked before anything is solved."""

import difflib
import re
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from hour_lake.catalog.expression import columns_of
from hour_lake.errors import ConfigError, DatasetError
from hour_lake.yaml_text import mapping_from_yaml

NAME = r"^[a-z][a-z0-9_]{0,47}$"
KINDS = ("where", "per", "balance")


def _sql(text: str) -> str:
    columns_of(text)
    return text.strip()


Sql = Annotated[str, AfterValidator(_sql)]
Unit = Literal["segments", "seconds"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Range(_Part):
    """At least `min`, at most `max`; either may be left out."""

    min: float | None = Field(None, ge=0)
    max: float | None = Field(None, gt=0)

    @model_validator(mode="after")
    def _ordered(self) -> "Range":
        if self.min is None and self.max is None:
            raise ValueError("give min, max or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError("min is above max")
        return self


class Size(_Part):
    """How much: in segments, in seconds, or both."""

    segments: Range | None = None
    seconds: Range | None = None

    @model_validator(mode="after")
    def _something(self) -> "Size":
        if self.segments is None and self.seconds is None:
            raise ValueError("give segments, seconds or both")
        return self

    @property
    def unit(self) -> Unit:
        """What shares are shares of: seconds only if the size is given in seconds alone."""
        return "segments" if self.segments else "seconds"


class Amount(_Part):
    """A share of the dataset (0 to 1), a count of segments, or seconds."""

    share: float | None = Field(None, ge=0, le=1)
    count: int | None = Field(None, ge=0)
    seconds: float | None = Field(None, ge=0)

    @model_validator(mode="after")
    def _one(self) -> "Amount":
        if len(self.model_fields_set) != 1:
            raise ValueError("give exactly one of share, count, seconds")
        return self

    def __str__(self) -> str:
        if self.share is not None:
            return f"{100 * self.share:g} %"
        return f"{self.count} segments" if self.count is not None else f"{self.seconds:g} s"


class Constraint(_Part):
    """One of: `where` with at_most and/or at_least; `per` (a column) with at_most; `balance` (a column) with tolerance.

    A segment for which the predicate is NULL does not match it.
    """

    name: str = Field(pattern=NAME)
    where: Sql | None = None
    per: Sql | None = None
    balance: Sql | None = None
    at_most: Amount | None = None
    at_least: Amount | None = None
    tolerance: float = Field(0.2, ge=0, le=1)

    @model_validator(mode="after")
    def _one_kind(self) -> "Constraint":
        given = [kind for kind in KINDS if getattr(self, kind) is not None]
        if len(given) != 1:
            raise ValueError(f"give exactly one of {', '.join(KINDS)}")
        if self.where and not (self.at_most or self.at_least):
            raise ValueError("`where` needs at_most, at_least or both")
        if self.per and (not self.at_most or self.at_least):
            raise ValueError("`per` needs at_most alone")
        if self.balance and (self.at_most or self.at_least):
            raise ValueError("`balance` takes a tolerance, not at_most or at_least")
        return self


class Objective(_Part):
    """What is summed over the chosen segments: an SQL expression, or `size`."""

    maximise: Sql | None = None
    minimise: Sql | None = None

    @model_validator(mode="after")
    def _one(self) -> "Objective":
        if (self.maximise is None) == (self.minimise is None):
            raise ValueError("give exactly one of maximise, minimise")
        return self

    @property
    def expression(self) -> str:
        """The SQL, or `size`."""
        return self.maximise or self.minimise or "size"


class Split(_Part):
    """Shares by name; all segments of one value of `by` fall into the same part."""

    by: Sql
    shares: Mapping[Annotated[str, Field(pattern=NAME)], Annotated[float, Field(gt=0, le=1)]]

    @model_validator(mode="after")
    def _whole(self) -> "Split":
        if not self.shares or sum(Fraction(str(share)) for share in self.shares.values()) != 1:
            raise ValueError("the shares must sum to 1")
        return self


class DatasetSpec(_Part):
    """A whole specification. `where` picks candidates; what is chosen of them is the solver's to find."""

    name: str = Field(pattern=NAME)
    description: str = ""
    ref: str | None = None
    where: Sql = "flags.passed"
    size: Size
    constraints: tuple[Constraint, ...] = ()
    objective: Objective = Objective(maximise="size")
    split: Split | None = None
    include: tuple[str, ...] = ("clip",)

    @model_validator(mode="after")
    def _names_differ(self) -> "DatasetSpec":
        names = [constraint.name for constraint in self.constraints] + ["size", "split"]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"names of constraints must differ, and not be size or split: {', '.join(twice)}")
        return self


def parse_spec(data: bytes, *, where: str) -> DatasetSpec:
    """A specification from YAML; DATASET_SPEC says which key is wrong and what to write instead."""
    try:
        return DatasetSpec.model_validate(mapping_from_yaml(data, where=where))
    except ConfigError as error:
        raise DatasetError("DATASET_SPEC", error.message, value=error.value, where=where, fix=error.fix) from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "the specification"
        last = str(first["loc"][-1]) if first["loc"] else ""
        near = difflib.get_close_matches(last, sorted(_keys()), n=1, cutoff=0.6)
        unknown = first["type"] == "extra_forbidden"
        raise DatasetError(
            "DATASET_SPEC", f"{key}: {'no such key' if unknown else first['msg']}", value=first.get("input"),
            where=where, fix=f"did you mean {near[0]!r}?" if unknown and near else "see examples/talking_heads.yaml",
        ) from error  # fmt: skip


def _keys() -> set[str]:
    parts: tuple[type[BaseModel], ...] = (DatasetSpec, Size, Range, Amount, Constraint, Objective, Split)
    return {name for part in parts for name in part.model_fields}


def normalised(spec: DatasetSpec) -> dict[str, Any]:
    """The specification as plain values, without what was left out; it is kept in `dataset.json`."""
    return spec.model_dump(mode="json", exclude_unset=True)


def sql_of(spec: DatasetSpec) -> Iterator[tuple[str, str, Literal["bool", "text", "number"]]]:
    """(column, SQL, type) of everything that must be known of a candidate."""
    if spec.objective.expression != "size":
        yield "_objective", spec.objective.expression, "number"
    for constraint in spec.constraints:
        text = constraint.where or constraint.per or constraint.balance or ""
        yield f"_c_{constraint.name}", text, "bool" if constraint.where else "text"
    if spec.split:
        yield "_group", spec.split.by, "text"


def is_dataset_name(text: str) -> bool:
    """Whether a text can name a dataset."""
    return re.fullmatch(NAME, text) is not None
