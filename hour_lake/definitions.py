"""What `dagster dev` loads: the flow for the layers that can be found now; what is wrong with others is in its log."""

import logging

from hour_lake.catalog.declared import declared_layers
from hour_lake.orchestration.build import build_definitions
from hour_lake.settings import Settings

_settings = Settings.load()
_layers = declared_layers(_settings)
for _error in _layers.broken:
    logging.getLogger("hour_lake").warning("%s", _error)
defs = build_definitions(_layers, partitions_per_run=_settings.partitions_per_run)
