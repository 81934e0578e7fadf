"""Fixtures that many tests share."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from hour_lake.sample.corpus import corpus_digest, is_complete, make_corpus
from hour_lake_tests.accuracy import FILE_VARIABLE, Accuracy
from hour_lake_tests.flow import CHECKOUT, Flow
from hour_lake_tests.weights import weights_folder as weights_folder


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """For the table of accuracies, only the tests that measure one."""
    if FILE_VARIABLE in os.environ:
        measures = [item for item in items if "accuracy" in getattr(item, "fixturenames", ())]
        config.hook.pytest_deselected(items=[item for item in items if item not in measures])
        items[:] = measures


@pytest.fixture(scope="session")
def accuracy() -> Accuracy:
    """Asserts a figure of a layer against its goal, and keeps it for the table in the docs."""
    return Accuracy()


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of the sample corpus, made once a machine for each version of its generator; only for reading.

    Where `make demo` has just made that version, two minutes are saved by a copy.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hour_lake"
    folder = cache / f"corpus-{corpus_digest()[:16]}"
    cache.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_suffix(".lock")):
        if not folder.exists() and is_complete(CHECKOUT / "sample"):
            copy = folder.with_name(f"{folder.name}.copy")
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(CHECKOUT / "sample", copy).rename(folder)
        make_corpus(folder)
    return folder


@pytest.fixture
def scratch(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where the machine has one: a killed process loses nothing there, and much is synced."""
    memory = Path("/dev/shm")
    if not memory.is_dir() or shutil.disk_usage(memory).free < 2**30:
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(prefix="hour-lake-", dir=memory) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def flow(corpus: Path, weights_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Flow:
    """The whole flow over the sample corpus, run once for all tests; only for reading (`flow.copy` is for writing)."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "flow"
    with FileLock(folder.with_suffix(".lock")):
        untouched = folder.with_name("flow-untouched")
        if not untouched.exists():
            made = Flow.create(folder, weights_folder, settings=f"source_roots: [{corpus}]\n")
            made("ingest", str(corpus / "manifest.csv"))
            made("run", "*", exit_code=2)  # the video without sound: its sound layers fail, and say so
            shutil.copytree(folder, untouched, symlinks=True)
    return Flow(folder, weights_folder, untouched)
