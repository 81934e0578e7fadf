"""One opened project: settings, lake, layers and the steps that follow from them; for runs and for the command line."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from hour_lake.catalog import gates as gates_module
from hour_lake.catalog.gates import Gate, load_gates
from hour_lake.lake.interface import Lake
from hour_lake.lake.open import open_lake
from hour_lake.ledger import paths
from hour_lake.ledger.steps import Step
from hour_lake.media import cut, plan, scan, sound
from hour_lake.models.store import digest
from hour_lake.passes.declare import Layer
from hour_lake.passes.fingerprint import function_digest, source_digest
from hour_lake.passes.plan import Pass, passes_of
from hour_lake.passes.registry import Layers, load_layers
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
    def registry(self) -> Layers:
        """All layers that can be found, and the files that hold broken ones."""
        return load_layers()

    @property
    def layers(self) -> Mapping[str, Layer]:
        """Layers by name."""
        return self.registry.layers

    @cached_property
    def passes(self) -> Sequence[Pass]:
        """The layers grouped into passes over one decode."""
        return passes_of(self.layers)

    @cached_property
    def gates(self) -> Sequence[Gate]:
        """The gates in force."""
        return load_gates(self.settings.gates)

    @cached_property
    def workers(self) -> Workers:
        """The warm pool of worker processes of this process."""
        return Workers(self.settings.worker_count, memory_gib=self.settings.limits.max_memory_gib)

    @cached_property
    def scan_source(self) -> str:
        """Digest of the code that scans a raw video."""
        return function_digest(scan)

    @cached_property
    def plan_source(self) -> str:
        """Digest of the code that plans the cuts."""
        return function_digest(plan)

    @cached_property
    def steps(self) -> Mapping[str, Step]:
        """All steps of a segment in dependency order: segments, audio, the layers pass by pass, cleaning_flags."""
        layers = [layer for each in self.passes for layer in each.layers]
        steps = [
            Step("segments", ("video",), paths.clip_path, function_digest(cut)),
            Step("audio", ("frames",), paths.samples_path, function_digest(sound), also=(paths.master_path,)),
            *(self._layer_step(layer) for layer in layers),
            self._flags_step(),
        ]
        return {step.name: step for step in steps}

    def _layer_step(self, layer: Layer) -> Step:
        return Step(
            layer.name,
            layer.reads,
            lambda segment: paths.layer_path(layer.name, segment),
            source_digest(layer),
            config={**layer.config, **self.settings.layers.get(layer.name, {})},
            models={name: digest(name) for name in layer.models},
        )

    def _flags_step(self) -> Step:
        read = tuple(name for name in self.layers if any(name in gate.layers for gate in self.gates))
        config = {gate.name: [gate.predicate, gate.value, gate.reason, {n: self.layers[n].facts for n in gate.layers}]
                  for gate in self.gates}  # fmt: skip
        return Step("cleaning_flags", read, paths.flags_path, function_digest(gates_module), config, needs_all=False)


def set_process_environment(settings: Settings) -> None:
    """What worker processes inherit: where the weights lie and which licences may be used."""
    os.environ.setdefault("HOUR_LAKE_MODELS", str(settings.home / "models"))
    os.environ.setdefault("HOUR_LAKE_PROFILE", settings.profile)
