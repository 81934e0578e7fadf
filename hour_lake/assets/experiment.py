"""What a run on another branch than the settings' own is shown beside its numbers: the diff to that branch."""

import base64
from pathlib import Path
from tempfile import TemporaryDirectory

import dagster as dg

from hour_lake.comparison.answer import Comparison
from hour_lake.comparison.compare import compare
from hour_lake.comparison.markdown import markdown
from hour_lake.comparison.picture import draw
from hour_lake.errors import HourLakeError
from hour_lake.ledger.project import Project


def comparison_metadata(
    context: dg.AssetExecutionContext, project: Project, branch: str
) -> dict[str, dg.MetadataValue]:
    """`diff`: facts, gates and datasets against the settings' branch, as Markdown with its picture.

    Empty on the settings' branch itself. What was written has landed by now, so a diff that cannot be made does not
    fail the run: its coded error stands where it would.
    """
    if branch == project.settings.branch:
        return {}
    try:
        found = compare(
            project.lake, project.settings.branch, branch, layers=project.layers, gates=project.gates
        )  # fmt: skip
        text = markdown(found, picture=_as_address(found))
    except (HourLakeError, OSError) as error:
        context.log.warning("no diff to %s: %s", project.settings.branch, error)
        return {"diff": dg.MetadataValue.text(str(error))}
    return {"diff": dg.MetadataValue.md(text), "diff_summary": dg.MetadataValue.text(found.sentence())}


def _as_address(found: Comparison) -> str | None:
    """The picture inside the text: an event is read long after every file beside it is gone."""
    if found.is_empty:
        return None
    with TemporaryDirectory(prefix="hour-lake-diff-") as folder:
        data = draw(found, Path(folder) / "diff.png").read_bytes()
    return f"data:image/png;base64,{base64.b64encode(data).decode()}"
