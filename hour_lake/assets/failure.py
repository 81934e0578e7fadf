"""Our coded errors as Dagster failures, so that the UI shows the code, the value and the fix instead of a traceback."""

from collections.abc import Generator
from contextlib import contextmanager

import dagster as dg

from hour_lake.errors import HourLakeError


@contextmanager
def coded_failures() -> Generator[None]:
    """Turn a `HourLakeError` into `dg.Failure`; only failures that may pass are tried again."""
    try:
        yield
    except HourLakeError as error:
        fields = {name: text for name, text in error.as_dict().items() if text is not None}
        raise dg.Failure(str(error), metadata=fields, allow_retries=error.passing) from error
