"""Imports point inwards only: orchestration -> assets -> ledger, catalog, datasets -> lake -> the pure rings."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "hour_lake"
PURE = {"media", "layers", "passes", "models", "manifests", "sample"}
# What the modules of a ring may import from Hour Lake besides their own package and the floor.
MAY_IMPORT = {
    **{pure: {"media", "passes", "models", "layers"} for pure in PURE},
    "lake": set[str](),
    "catalog": {"lake", "passes", "ledger"},
    "datasets": {"catalog", "lake", "passes", "ledger", "media", "models"},
    "comparison": {"catalog", "datasets", "lake", "passes"},
    "ledger": {"catalog", "lake", *PURE},
    "assets": {"ledger", "catalog", "datasets", "comparison", "lake", *PURE},
    "orchestration": {"assets", "ledger", "catalog", "datasets", "comparison", "lake", *PURE, "definitions"},
    "cli": {"orchestration", "assets", "ledger", "catalog", "datasets", "comparison", "lake", *PURE, "definitions"},
}
FLOOR = {"errors", "identity", "settings", "threads", "yaml_text", "__version__", "connect"}
ONLY_DAGSTER_RINGS = {"assets", "orchestration", "cli", "definitions"}
MODULES = sorted(path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py"))


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse((PACKAGE / path).read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_imports_point_inwards(path: Path) -> None:
    ring = path.parts[0]
    if ring not in MAY_IMPORT:
        return  # the floor and definitions.py: see below
    allowed = MAY_IMPORT[ring] | FLOOR | {ring}
    rings = {name.split(".")[1] for name in imports(path) if name.startswith("hour_lake.")}
    assert rings <= allowed, f"{path} imports {sorted(rings - allowed)}"


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_dagster_stays_in_its_rings(path: Path) -> None:
    ring = path.parts[0].removesuffix(".py")
    dagster = {name for name in imports(path) if name.split(".")[0].startswith("dagster")}
    assert not dagster or ring in ONLY_DAGSTER_RINGS, f"{path} imports {sorted(dagster)}"


@pytest.mark.parametrize("name", ["errors", "identity", "settings", "threads"])
def test_the_floor_imports_nothing_above_it(name: str) -> None:
    rings = {i.split(".")[1] for i in imports(Path(f"{name}.py")) if i.startswith("hour_lake.")}
    assert rings <= FLOOR


def test_every_folder_has_a_ring() -> None:
    folders = {path.parts[0] for path in MODULES if len(path.parts) > 1}
    assert folders <= set(MAY_IMPORT)
