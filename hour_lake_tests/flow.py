"""A project as a user has one: its own settings, lake and Dagster instance, driven through the `hour-lake` command."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Flow:
    """A project folder; every command runs in a process of its own."""

    folder: Path
    weights: Path
    untouched: Path | None = None  # the same project, in which no command ever runs: what copies are made of

    @property
    def environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("HOUR_LAKE_", "DAGSTER_"))}
        return {
            **kept,
            "HOUR_LAKE_CONFIG": str(self.folder / "hour_lake.yaml"),
            "HOUR_LAKE_MODELS": str(self.weights),
            "DAGSTER_HOME": str(self.folder / "home" / "dagster"),
            "PYTHONPATH": str(CHECKOUT),
        }

    @staticmethod
    def create(folder: Path, weights: Path, *, settings: str = "") -> "Flow":
        """An empty project."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "hour_lake.yaml").write_text(f"home: home\nmanifests: manifests\n{settings}")
        flow = Flow(folder, weights)
        flow("init", str(folder))
        return flow

    def copy(self, folder: Path) -> "Flow":
        """The same project elsewhere, to be changed at will.

        Copied from where nobody works: a command that only reads, in another test process, makes and removes files
        beside the databases all the same, and a copy that meets it is torn or fails.
        """
        assert self.untouched, "only the project of the session is copied"
        shutil.copytree(self.untouched, folder, symlinks=True)
        copy = Flow(folder, self.weights)
        (folder / ".env").write_text(f"DAGSTER_HOME={folder / 'home' / 'dagster'}\n")  # `dagster dev` reads it
        return copy

    def start(self, *arguments: str, **environment: str) -> "subprocess.Popen[str]":
        """A command in the background, in a process group of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "hour_lake", *arguments], cwd=self.folder, env={**self.environment, **environment},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip

    def __call__(self, *arguments: str, exit_code: int = 0, **environment: str) -> str:
        """Run a command; gives what it printed, errors too. 1: a coded error. 2: outputs that failed."""
        process = self.start(*arguments, **environment)
        out, err = process.communicate(timeout=900)
        assert process.returncode == exit_code, f"{arguments}: exit {process.returncode}\n{out}\n{err}"
        assert "Traceback" not in err, err
        return out if exit_code == 0 else out + err

    def json(self, *arguments: str) -> Any:
        """What a command answers with `--json`."""
        return json.loads(self(*arguments, "--json"))

    def rows(self, query: str, *, ref: str | None = None) -> list[dict[str, Any]]:
        """Rows of an SQL query."""
        return self.json("sql", query, *(["--ref", ref] if ref else []))["rows"]

    def states(self, *arguments: str) -> dict[str, dict[str, Any]]:
        """Asset -> counts of its states."""
        return {row["asset"]: row for row in self.json("status", *arguments)["assets"]}


def write_manifest(folder: Path, rows: Sequence[dict[str, str]], name: str = "talks") -> Path:
    """A CSV manifest."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    lines = [",".join(columns), *(",".join(row.get(column, "") for column in columns) for row in rows)]
    path = folder / f"{name}.csv"
    path.write_text("\n".join(lines) + "\n")
    return path
