"""Importing is cheap and without effect: no heavy library before it is needed, nothing pickled, nothing written."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "hour_lake"
HEAVY = ("numpy", "pyarrow", "duckdb", "cv2", "av", "dagster", "pydantic", "rich")
BANNED = {"pickle", "joblib", "dill", "cloudpickle", "shelve", "marshal"}


def modules_after(statement: str) -> set[str]:
    code = f"import sys; {statement}; print(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("statement", "allowed"), [("import hour_lake", set[str]()), ("import hour_lake.passes.worker", set[str]())]
)
def test_no_heavy_library_is_imported(statement: str, allowed: set[str]) -> None:
    assert not (modules_after(statement) & set(HEAVY)) - allowed


def test_extras_are_never_imported_with_the_definitions() -> None:
    assert not modules_after("import hour_lake.definitions") & {
        "torch",
        "insightface",
        "dagster_aws",
        "dagster_k8s",
        "lakefs",
    }


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_nothing_is_pickled(path: Path) -> None:
    names = {
        name.partition(".")[0]
        for node in ast.walk(ast.parse(path.read_text()))
        for name in ([a.name for a in node.names] if isinstance(node, ast.Import) else
                     [node.module or ""] if isinstance(node, ast.ImportFrom) else [])
    }  # fmt: skip
    assert not names & BANNED
