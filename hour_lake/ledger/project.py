"""One opened project: settings, lake, layers and the steps that follow from them; for runs and for the command line."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from types import ModuleType
from typing import Any

from hour_lake.catalog import gates as gates_module
from hour_lake.catalog.declared import declared_layers
from hour_lake.catalog.gates import Gate, load_gates
from hour_lake.catalog.lists import told
from hour_lake.catalog.sources import layer_source
from hour_lake.lake.interface import Lake
from hour_lake.lake.open import open_lake_of
from hour_lake.ledger import paths
from hour_lake.ledger.overrides import laid_over, pinned_keywords
from hour_lake.ledger.recipe import step_parts
from hour_lake.ledger.steps import Step
from hour_lake.media import cut, plan, scan, sound
from hour_lake.models.device import asked_for
from hour_lake.models.store import digest
from hour_lake.passes.config import configured
from hour_lake.passes.declare import Layer
from hour_lake.passes.plan import Pass, passes_of
from hour_lake.passes.registry import Layers
from hour_lake.passes.source import function_digest, source_parts
from hour_lake.passes.workers import Workers
from hour_lake.settings import Settings


@dataclass(frozen=True)
class Project:
    """Everything that a run or a command works with. `Project.open()` reads the settings in force."""

    settings: Settings
    lake: Lake
    whole: "Project | None" = None  # of a project as a ref has it: the one whose layers and workers it shares

    @staticmethod
    def open(settings: Settings | None = None) -> "Project":
        """Open the lake that the settings name, creating it on first use."""
        settings = settings or Settings.load()
        set_process_environment(settings)
        return Project(settings, open_lake_of(settings))

    def at(self, ref: str) -> "Project":
        """The project as a ref has it: with the layers' keywords that are pinned there."""
        pinned = pinned_keywords(self.lake, ref)
        if not pinned:
            return self
        whole = self.whole or self
        layers = laid_over(whole.settings.layers, pinned)
        return Project(whole.settings.model_copy(update={"layers": layers}), self.lake, whole)

    @cached_property
    def layers(self) -> Layers:
        """The layers of this project, by name; `.broken` tells what is wrong with the files of others."""
        if self.whole:
            return self.whole.layers
        return declared_layers(self.settings)

    @cached_property
    def models(self) -> Mapping[str, Sequence[str]]:
        """Model -> the layers that run it under these settings."""
        used: dict[str, list[str]] = {}
        for layer in self.layers.values():
            for name in layer.models_in_force(self.config_of(layer)):
                used.setdefault(name, []).append(layer.name)
        return used

    @cached_property
    def passes(self) -> Sequence[Pass]:
        """The layers grouped into passes over one decode."""
        return passes_of(self.layers.values())

    @property
    def corpus_layers(self) -> Sequence[Layer]:
        """The layers that look at the whole corpus, after all passes."""
        return [layer for layer in self.layers.values() if layer.is_corpus_wide]

    @cached_property
    def gates(self) -> Sequence[Gate]:
        """The gates in force."""
        return load_gates(self.settings.gates)

    @cached_property
    def workers(self) -> Workers:
        """The warm pool of worker processes of this process."""
        if self.whole:
            return self.whole.workers
        return Workers(self.settings.worker_count, memory_gib=self.settings.limits.max_memory_gib)

    @cached_property
    def gpu_workers(self) -> Workers:
        """One process for layers with `compute="gpu"`; no memory limit, for CUDA reserves far more than it uses."""
        return self.whole.gpu_workers if self.whole else Workers(1, memory_gib=None)

    @property
    def fetches_at_once(self) -> int:
        """Objects to fetch ahead of the workers that read them; 0 where the lake's files are of this machine."""
        return 0 if self.lake.s3() is None else self.settings.lakefs.transfers

    @cached_property
    def scan_parts(self) -> Mapping[str, str]:
        """Fingerprint parts of scanning a raw video."""
        return step_parts(source=source_of(scan), config={})

    @cached_property
    def plan_source(self) -> Mapping[str, str]:
        """Digest of the code that plans the cuts."""
        return source_of(plan)

    @cached_property
    def steps(self) -> Mapping[str, Step]:
        """All steps of a segment in dependency order: segments, audio, the layers pass by pass, cleaning_flags."""
        layers = [layer for each in self.passes for layer in each.layers]
        steps = [
            Step("segments", ("video",), paths.clip_path, step_parts(source=source_of(cut), config={})),
            Step(
                "audio",
                ("frames",),
                paths.samples_path,
                step_parts(source=source_of(sound), config={}),
                also=(paths.master_path,),
            ),  # fmt: skip
            *(self._layer_step(layer) for layer in layers),
            self._flags_step(),
        ]
        return {step.name: step for step in steps}

    def _layer_step(self, layer: Layer) -> Step:
        also = (partial(paths.layer_clip_path, layer.name),) if layer.clip_px else ()
        path = partial(paths.layer_path, layer.name)
        lists = told(layer_source(layer).lists)
        return Step(layer.name, layer.reads, path, self.parts_of(layer), also=also, told=lists)

    def parts_of(self, layer: Layer) -> dict[str, str]:
        """The parts of a layer's fingerprint that are not its inputs: code, configuration, weights."""
        config = self.config_of(layer)
        models = {name: digest(name) for name in layer.models_in_force(config)}
        return step_parts(source=source_parts(layer), config=config, models=models)

    def config_of(self, layer: Layer) -> dict[str, Any]:
        """A layer's keywords: its defaults, and what the settings put in their place."""
        return configured(layer, self.settings.layers.get(layer.name))

    def _flags_step(self) -> Step:
        read = tuple(name for name in self.layers if any(name in gate.layers for gate in self.gates))
        config = {gate.name: [gate.predicate, gate.value, gate.reason, self._facts_of(gate)]
                  for gate in self.gates}  # fmt: skip
        parts = step_parts(source=source_of(gates_module), config=config)
        return Step("cleaning_flags", read, paths.flags_path, parts, needs_all=False)

    def _facts_of(self, gate: Gate) -> dict[str, Mapping[str, str]]:
        """The facts of the layers that a gate asks and that are there; it says of the others that they are missing."""
        return {name: self.layers[name].facts for name in gate.layers if name in self.layers}


def source_of(module: ModuleType) -> dict[str, str]:
    """Digest of a module and of what it imports from Hour Lake, by the module's name."""
    return {module.__name__.rpartition(".")[2]: function_digest(module)}


def set_process_environment(settings: Settings) -> None:
    """What worker processes inherit: where the weights lie, which licences may be used, where networks run.

    CONFIG_TYPE when HOUR_LAKE_DEVICE is no device: said here, or each segment would be put down as failed for it.
    """
    asked_for("cpu")
    os.environ.setdefault("HOUR_LAKE_MODELS", str(settings.home / "models"))
    os.environ.setdefault("HOUR_LAKE_PROFILE", settings.profile)
