"""Staging what a step made of a segment: outputs with their fingerprints, failures into quarantine; no Dagster."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hour_lake.errors import HourLakeError
from hour_lake.identity import Segment
from hour_lake.lake.interface import Entry, Transaction
from hour_lake.ledger.entries import Ledger
from hour_lake.ledger.paths import quarantine_path
from hour_lake.ledger.recipe import recipe, stored
from hour_lake.ledger.steps import Step
from hour_lake.passes.fingerprint import Fingerprint


@dataclass(frozen=True)
class Product:
    """What was made of one segment by one step: objects by path (the step's own first), and what a person is shown."""

    files: Mapping[str, bytes | Path]
    metadata: Mapping[str, Any] = field(default_factory=dict[str, Any])


Made = Mapping[str, Product | HourLakeError]


@dataclass(frozen=True)
class Landed:
    """One staged output: its fingerprint, and those of the outputs it was made from, by upstream asset."""

    step: Step
    segment: Segment
    fingerprint: Fingerprint
    upstream: Mapping[str, str]
    metadata: Mapping[str, Any]


def stage(
    transaction: Transaction, steps: Sequence[Step], segment: Segment, made: Mapping[str, Product | HourLakeError],
    ledger: Ledger,
) -> list[Landed]:  # fmt: skip
    """Stage one segment, in dependency order: what one step just made is an input of the next one."""
    anew: dict[str, Entry] = {}
    landed: list[Landed] = []
    for step in steps:
        product = made.get(step.name)
        if product is None:
            continue
        inputs = {read: _input(step, read, segment, ledger, anew) for read in step.reads}
        now = recipe(step.parts, {read: _digest(read, entry) for read, entry in inputs.items()})
        if isinstance(product, HourLakeError):
            _stage_failure(transaction, step, segment, product, now, ledger)
            continue
        for path, data in product.files.items():
            more = step.told if path == step.path(segment) else {}
            anew[path] = transaction.put(path, data, {**stored(now), **more})
        if ledger.entry(quarantine_path(step.name, segment)):
            transaction.delete(quarantine_path(step.name, segment))
        landed.append(Landed(step, segment, now, upstream_versions(step, inputs), product.metadata))
    return landed


def upstream_versions(step: Step, inputs: Mapping[str, Entry | None]) -> dict[str, str]:
    """Fingerprint of each upstream output by asset name; the raw video has none of its own."""
    named = zip(step.reads, inputs.values(), strict=True)
    return {
        step.writer(read): entry.metadata.get("fingerprint", "") for read, entry in named if entry and read != "video"
    }


def current_inputs(step: Step, segment: Segment, ledger: Ledger) -> dict[str, Entry | None]:
    """The entries that a step would read now."""
    return {read: _input(step, read, segment, ledger, {}) for read in step.reads}


def _input(step: Step, read: str, segment: Segment, ledger: Ledger, anew: Mapping[str, Entry]) -> Entry | None:
    path = step.input_path(read, segment)
    return anew.get(path) or ledger.entry(path)


def _digest(read: str, entry: Entry | None) -> str | None:
    if entry is None:
        return None
    return entry.metadata["sha256"] if read == "video" else entry.digest


def _stage_failure(
    transaction: Transaction, step: Step, segment: Segment, error: HourLakeError, now: Fingerprint, ledger: Ledger
) -> None:
    """A failure that would repeat is kept with its fingerprint, and an older output is withdrawn, for it no longer
    follows from its inputs. A failure that may pass leaves everything as it was."""
    if error.passing:
        return
    for path in step.outputs(segment):
        if ledger.entry(path):
            transaction.delete(path)
    if error.code != "BLOCKED":
        keep_failure(transaction, quarantine_path(step.name, segment), error, now)


def keep_failure(transaction: Transaction, path: str, error: HourLakeError, now: Fingerprint) -> None:
    """Into quarantine: why it failed, and the fingerprint with which it would fail again."""
    text = json.dumps(error.as_dict(), sort_keys=True, indent=1) + "\n"
    transaction.put(path, text.encode(), {"code": error.code, "fingerprint": now.value})
