"""What `dagster dev` loads: the flow for the layers that can be found now."""

from hour_lake.orchestration.build import build_definitions
from hour_lake.passes.registry import load_layers
from hour_lake.settings import Settings

defs = build_definitions(load_layers(), partitions_per_run=Settings.load().partitions_per_run)
