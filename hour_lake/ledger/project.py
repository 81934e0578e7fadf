"""One opened project: settings, lake, layers and the steps that follow from them; for runs and for the command line."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType
from typing import Any

from hour_lake.catalog import gates as gates_module
from hour_lake.catalog.gates import Gate, load_gates
from hour_lake.lake.interface import Lake
from hour_lake.lake.open import open_lake
from hour_lake.ledger import paths
from hour_lake.ledger.recipe import step_parts
from hour_lake.ledger.steps import Step
from hour_lake.media import cut, plan, scan, sound
from hour_lake.models.store import digest
from hour_lake.passes.config import configured
from hour_lake.passes.declare import Layer
from hour_lake.passes.plan import Pass, passes_of
from hour_lake.passes.registry import Layers, load_layers
from hour_lake.passes.source import function_digest, source_parts
from hour_lake.passes.workers import Workers
from hour_lake.settings import Settings


@dataclass(frozen=True)
class Project:
    """Everything that a run or a command works with. `Project.open()` reads the settings in force."""

    settings: Settings
    lake: Lake

    @staticmethod
    def open(settings: Settings | None = None) -> "Project":
        """Open the lake that the settings name, creating it on first use."""
        settings = settings or Settings.load()
        set_process_environment(settings)
        return Project(settings, open_lake(settings.lake_address))

    @cached_property
    def layers(self) -> Layers:
        """All layers that can be found, by name; `.broken` tells what is wrong with the files of others."""
        return load_layers()

    @cached_property
    def passes(self) -> Sequence[Pass]:
        """The layers grouped into passes over one decode."""
        return passes_of(self.layers.values())

    @cached_property
    def gates(self) -> Sequence[Gate]:
        """The gates in force."""
        return load_gates(self.settings.gates)

    @cached_property
    def workers(self) -> Workers:
        """The warm pool of worker processes of this process."""
        return Workers(self.settings.worker_count, memory_gib=self.settings.limits.max_memory_gib)

    @cached_property
    def gpu_workers(self) -> Workers:
        """One process for layers with `compute="gpu"`; no memory limit, for CUDA reserves far more than it uses."""
        return Workers(1, memory_gib=None)

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
        models = {name: digest(name) for name in layer.models}
        parts = step_parts(source=source_parts(layer), config=self.config_of(layer), models=models)
        return Step(layer.name, layer.reads, lambda segment: paths.layer_path(layer.name, segment), parts)

    def config_of(self, layer: Layer) -> dict[str, Any]:
        """A layer's keywords: its defaults, and what the settings put in their place."""
        return configured(layer, self.settings.layers.get(layer.name))

    def _flags_step(self) -> Step:
        read = tuple(name for name in self.layers if any(name in gate.layers for gate in self.gates))
        config = {gate.name: [gate.predicate, gate.value, gate.reason, {n: self.layers[n].facts for n in gate.layers}]
                  for gate in self.gates}  # fmt: skip
        parts = step_parts(source=source_of(gates_module), config=config)
        return Step("cleaning_flags", read, paths.flags_path, parts, needs_all=False)


def source_of(module: ModuleType) -> dict[str, str]:
    """Digest of a module and of what it imports from Hour Lake, by the module's name."""
    return {module.__name__.rpartition(".")[2]: function_digest(module)}


def set_process_environment(settings: Settings) -> None:
    """What worker processes inherit: where the weights lie and which licences may be used."""
    os.environ.setdefault("HOUR_LAKE_MODELS", str(settings.home / "models"))
    os.environ.setdefault("HOUR_LAKE_PROFILE", settings.profile)
