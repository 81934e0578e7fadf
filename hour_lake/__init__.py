"""Hour Lake: raw videos of presenters in, versioned and queryable training sets out, as Dagster assets.

Importing this package is cheap: what is heavy is loaded on first use.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hour_lake.catalog.connect import connect as connect

__version__ = "0.1.0"
__all__ = ["__version__", "connect"]


def __getattr__(name: str) -> Any:
    if name == "connect":
        from hour_lake.catalog.connect import connect

        return connect
    raise AttributeError(f"module 'hour_lake' has no attribute {name!r}")
