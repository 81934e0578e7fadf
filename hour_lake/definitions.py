"""What `dagster dev` loads: the flow for the layers that can be found now."""

from hour_lake.orchestration.build import build_definitions
from hour_lake.passes.registry import load_layers
from hour_lake.settings import Settings

_settings = Settings.load()
_layers = load_layers().chosen(opt_in=_settings.opt_in, opt_out=_settings.opt_out)
defs = build_definitions(_layers, partitions_per_run=_settings.partitions_per_run)
