"""Fixtures that many tests share."""

import os
from pathlib import Path

import pytest
from filelock import FileLock

from hour_lake.sample.corpus import corpus_digest, make_corpus


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of the sample corpus, made once a machine for each version of its generator; only for reading."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hour_lake"
    folder = cache / f"corpus-{corpus_digest()[:16]}"
    cache.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_suffix(".lock")):
        make_corpus(folder)
    return folder
