"""DuckDB connections that can open what a lake's locations name: local files at once, `s3://` ones through httpfs."""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from hour_lake.catalog.sources import literal
from hour_lake.errors import LakeError
from hour_lake.lake.interface import Lake, S3Access

if TYPE_CHECKING:
    import duckdb

PACKAGE = "duckdb_extension_httpfs"  # carries DuckDB's signed extension, for machines that cannot download it


def connection_for(lake: Lake) -> "duckdb.DuckDBPyConnection":
    """A connection in memory, ready to read the lake's locations; STORAGE_UNAVAILABLE without the httpfs extension."""
    import duckdb

    connection = duckdb.connect(":memory:")
    try:
        for statement in access_script(lake.s3()):
            connection.execute(statement)
    except duckdb.Error as error:
        connection.close()
        raise LakeError("STORAGE_UNAVAILABLE", "DuckDB cannot load its httpfs extension",
                        value=type(error).__name__,  # never the text: it may quote the statement with the key
                        fix="pip install 'hour-lake[lakefs]', which brings it") from error  # fmt: skip
    return connection


def access_script(access: S3Access | None) -> list[str]:
    """Statements that let a connection read one repository over S3, and nothing else with the same keys.

    Commits never change, so what the server said of an object once is kept for as long as the connection lives.
    """
    if access is None:
        return []
    extension = extension_file()
    return [
        f"LOAD {literal(str(extension))}" if extension else "INSTALL httpfs; LOAD httpfs",
        "SET enable_http_metadata_cache = true",
        f"CREATE SECRET lake (TYPE s3, KEY_ID {literal(access.access_key)}, SECRET {literal(access.secret_key)}, "
        f"ENDPOINT {literal(access.endpoint)}, REGION {literal(access.region)}, URL_STYLE 'path', "
        f"USE_SSL {str(access.use_tls).lower()}, SCOPE {literal(access.scope)})",
    ]


def extension_file() -> Path | None:
    """The extension as a Python package brings it; None where there is no such package."""
    found = find_spec(PACKAGE)
    folders = found.submodule_search_locations if found else None
    return next((file for folder in folders or () for file in Path(folder).rglob("httpfs.duckdb_extension")), None)
