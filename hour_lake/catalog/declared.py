"""Layers that can be asked about: a fact that is no SQL over its layer's columns takes out that layer alone."""

from collections.abc import Mapping

from hour_lake.catalog.facts import MACROS, facts_sql
from hour_lake.catalog.sources import layer_source
from hour_lake.catalog.views import SCHEMA, declared_sql
from hour_lake.errors import HourLakeError, LayerError
from hour_lake.passes.declare import Layer
from hour_lake.passes.registry import Layers, load_layers
from hour_lake.settings import Settings


def declared_layers(settings: Settings) -> Layers:
    """The layers of a project under these settings; `.broken` has, with the rest, those whose facts are wrong."""
    found = load_layers().chosen(opt_in=settings.opt_in, opt_out=settings.opt_out)
    foreign = {n: x for n, x in found.items() if not x.function.__module__.startswith("hour_lake.")}
    return found.less(wrong_facts(foreign)) if foreign else found


def explain_facts(layers: Mapping[str, Layer]) -> None:
    """Raise LAYER_FACTS when a layer's own SQL is what is wrong."""
    for error in wrong_facts(layers).values():
        raise error


def wrong_facts(layers: Mapping[str, Layer]) -> dict[str, HourLakeError]:
    """Layer -> LAYER_FACTS or LAYER_NAME: its facts are tried over no rows."""
    import duckdb

    scratch = duckdb.connect(":memory:")
    for statement in (f"CREATE SCHEMA {SCHEMA}", *MACROS,
                      f"CREATE TABLE {SCHEMA}.durations (segment_id VARCHAR, duration_seconds DOUBLE)"):  # fmt: skip
        scratch.execute(statement)
    wrong: dict[str, HourLakeError] = {}
    for layer in layers.values():
        try:
            scratch.execute(facts_sql(layer, declared_sql({**layer_source(layer).columns, "_row": "BIGINT"})))
        except duckdb.Error as error:
            wrong[layer.name] = LayerError(
                "LAYER_FACTS", "a fact of this layer is not valid SQL over its columns",
                value=str(error).splitlines()[0], where=layer.where, fix=f"correct `facts` of the layer {layer.name}",
            )  # fmt: skip
        except LayerError as error:
            wrong[layer.name] = error
    scratch.close()
    return wrong
