"""Hour Lake: raw videos of presenters in, versioned and queryable training sets out, as Dagster assets.

Importing this package is cheap: what is heavy is loaded on first use.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hour_lake.catalog.connect import connect as connect
    from hour_lake.notebook import try_layer as try_layer

__version__ = "0.1.0"
__all__ = ["__version__", "connect", "try_layer"]


def __getattr__(name: str) -> Any:
    if name == "connect":
        from hour_lake.catalog.connect import connect

        return connect
    if name == "try_layer":
        from hour_lake.notebook import try_layer

        return try_layer
    raise AttributeError(f"module 'hour_lake' has no attribute {name!r}")
