"""Lakes on a lakeFS server for tests: on the stand-in, or on a real server that the environment names.

`HOUR_LAKE_TEST_LAKEFS=s3://bucket/tests` (or local://tests) and the three LAKECTL_* variables name the real one: below
that storage namespace every test gets a repository of its own, which is deleted when the tests end.
"""

import atexit
import os
import tempfile
import uuid
from contextlib import ExitStack
from functools import cache
from pathlib import Path

from hour_lake.lake.lakefs.access import Access, access_from
from hour_lake.lake.lakefs.client import Client
from hour_lake.lake.lakefs.lake import LakefsLake
from hour_lake.lake.remote import RemoteOptions
from hour_lake_tests.lakefs_server.running import Running, running

# Switches of the stand-in, like `same_change=conflict empty_merge=noop`: what a real server does is not settled.
SWITCHES = dict(pair.split("=") for pair in os.environ.get("HOUR_LAKE_TEST_STAND_IN", "").split())
PATIENCE_SECONDS = 20.0


def lake_on(access: Access, namespace: str, cache_folder: Path, **options) -> LakefsLake:
    """A lake in a new repository."""
    from lakefs_sdk.models.repository_creation import RepositoryCreation

    name = f"hl-{uuid.uuid4().hex[:16]}"
    chosen = RemoteOptions(**{"cache": cache_folder, "patience_seconds": PATIENCE_SECONDS, **options})
    client = Client(name, lambda: access, chosen)
    wanted = RepositoryCreation(name=name, storage_namespace=f"{namespace.rstrip('/')}/{name}", default_branch="main")
    client.ask(lambda api: api.repositories_api.create_repository(wanted), where=name)
    return LakefsLake(client)


def access_to(server: Running) -> Access:
    return Access(server.endpoint, server.access_key, server.secret_key)


@cache
def stand_in() -> Running:
    """One server for all tests of this process."""
    stack = ExitStack()
    atexit.register(stack.close)
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="hour-lake-stand-in-", ignore_cleanup_errors=True))
    return stack.enter_context(running(Path(folder), **SWITCHES))


def lakefs_on_the_stand_in(folder: Path, **options) -> LakefsLake:
    return lake_on(access_to(stand_in()), "local://tests", folder / "cache", **options)


def lakefs_on_a_server(folder: Path) -> LakefsLake:
    lake = lake_on(access_from(os.environ), os.environ["HOUR_LAKE_TEST_LAKEFS"], folder / "cache")
    repository = lake.client.repository
    atexit.register(
        lake.client.ask, lambda api: api.repositories_api.delete_repository(repository, force=True), where=repository
    )
    return lake
