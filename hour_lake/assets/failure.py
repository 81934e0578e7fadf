"""Our coded errors as Dagster failures, so that the UI shows the code, the value and the fix instead of a traceback."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from typing import NoReturn

import dagster as dg

from hour_lake.errors import HourLakeError

TRIES_AGAIN = 1


@contextmanager
def coded_failures() -> Generator[None]:
    """Turn a `HourLakeError` into `dg.Failure`; what may pass by itself is tried once more before it fails."""
    try:
        yield
    except HourLakeError as error:
        fields = {name: text for name, text in error.as_dict().items() if text is not None}
        failure = dg.Failure(str(error), metadata=fields, allow_retries=False)
        if error.passing:
            try_again(failure)
        raise failure from error


def try_again(failure: dg.Failure) -> NoReturn:
    """End the step so that Dagster begins it once more; when that fails too, the failure is what shows."""
    raise dg.RetryRequested(max_retries=TRIES_AGAIN) from failure


def retry_of_pods() -> dg.RetryPolicy | None:
    """On Kubernetes a step whose pod is told to go, as its node is drained, begins again on another node.

    None in one process: a policy takes Ctrl-C and Terminate for failures too, so that a run begins its step again and
    goes on with the next instead of ending.
    """
    return dg.RetryPolicy(max_retries=TRIES_AGAIN) if os.environ.get("HOUR_LAKE_EXECUTOR") == "k8s" else None
