"""Layers over the whole corpus as assets without partitions: made after all segments, skipped while nothing changed."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg

from hour_lake.assets.events import VERSION_DIGITS
from hour_lake.assets.failure import coded_failures, retry_of_pods
from hour_lake.assets.hardware import on_gpu, op_tags_for, pool_for
from hour_lake.assets.layers import layer_spec
from hour_lake.assets.project import ProjectResource, branch_of, fence_of
from hour_lake.catalog.corpus import corpus_tables
from hour_lake.errors import HourLakeError, LayerError
from hour_lake.ledger.corpus import CorpusCheck, corpus_check, stage_corpus, stage_corpus_failure
from hour_lake.ledger.paths import corpus_path
from hour_lake.ledger.project import Project
from hour_lake.passes.corpus import CorpusOutcome, CorpusTask, run_corpus
from hour_lake.passes.declare import Layer


def corpus_asset(layer: Layer) -> dg.AssetsDefinition:
    """The asset of one such layer; its rows lie with its segments, so facts, gates and datasets know them as any."""

    @dg.multi_asset(
        name=f"{layer.name}_corpus", specs=[layer_spec(layer)], op_tags=op_tags_for([layer]), pool=pool_for([layer]),
        retry_policy=retry_of_pods(),
    )  # fmt: skip
    def run(context: dg.AssetExecutionContext, project: ProjectResource) -> Iterator[Any]:
        opened = project.get()
        branch = branch_of(context, opened)
        with coded_failures():
            metadata, check = _make(context, opened, branch, layer, refresh=project.refresh)
        version = dg.DataVersion(check.fingerprint.value[:VERSION_DIGITS])
        yield dg.MaterializeResult(asset_key=layer.name, metadata=metadata, data_version=version)

    return run


def _make(
    context: dg.AssetExecutionContext, opened: Project, branch: str, layer: Layer, *, refresh: bool
) -> tuple[dict[str, Any], CorpusCheck]:
    commit = opened.lake.resolve(branch)
    project = opened.at(commit)
    check = corpus_check(project, layer, commit, refresh=refresh)
    if check.state == "fresh":
        kept = json.loads(project.lake.read(commit, corpus_path(layer.name)))
        return {**kept, "cached": True}, check
    if not check.to_do:
        raise LayerError("BLOCKED" if check.state == "blocked" else check.why, f"{layer.name} is {check.state}",
                         value=check.why, where=branch, fix="run or mend what it reads")  # fmt: skip
    outcome = _outcome(project, commit, layer)
    counts: Mapping[str, Any] = {}
    about = {"run_id": context.run_id, "assets": layer.name}
    with project.lake.transaction(branch, about, message=layer.name, fence=fence_of(context)) as transaction:
        if isinstance(outcome, HourLakeError):
            if not outcome.passing:
                stage_corpus_failure(transaction, check, outcome)
        else:
            counts = stage_corpus(transaction, project.lake, commit, check, outcome)
    if isinstance(outcome, HourLakeError):
        raise outcome
    device = {"device": outcome.device} if outcome.device else {}
    return {**counts, **device, "seconds": round(outcome.seconds, 4), "cached": False}, check


def _outcome(project: Project, commit: str, layer: Layer) -> CorpusOutcome | HourLakeError:
    """Made in a worker process: what hangs or dies there costs this layer alone."""
    tables = corpus_tables(project.lake, commit, project.layers, layer.reads)
    task = CorpusTask(layer.name, tables, project.config_of(layer))
    workers = project.gpu_workers if on_gpu([layer]) else project.workers
    ((_, outcome),) = workers.map(run_corpus, [task], seconds=project.settings.corpus_seconds_limit)
    return outcome
