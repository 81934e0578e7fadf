"""The uncommitted changes of branches: seen by whoever reads the branch, in no commit until one is made."""

from hour_lake_tests.lakefs_server.database import Database
from hour_lake_tests.lakefs_server.records import Record, from_text


class Uncommitted:
    """The table `staged`."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def put(self, branch: str, path: str, record: Record | None) -> None:
        """Stage a version of an object, or (None) its removal."""
        text = record and record.as_text()
        self.database.change(
            "INSERT OR REPLACE INTO staged (branch, path, record) VALUES (?, ?, ?)", branch, path, text
        )

    def drop(self, branch: str, path: str) -> None:
        """Forget what is staged under one path."""
        self.database.change("DELETE FROM staged WHERE branch = ? AND path = ?", branch, path)

    def drop_all(self, branch: str, prefix: str = "") -> None:
        """Forget what is staged below a prefix."""
        for path in self.under(branch, prefix):
            self.drop(branch, path)

    def has(self, branch: str, path: str) -> bool:
        """Whether anything is staged under a path, a removal too."""
        return bool(self.database.rows("SELECT 1 FROM staged WHERE branch = ? AND path = ?", branch, path))

    def get(self, branch: str, path: str) -> Record | None:
        """The staged version; None when there is none or a removal is staged."""
        rows = self.database.rows("SELECT record FROM staged WHERE branch = ? AND path = ?", branch, path)
        return from_text(rows[0][0]) if rows and rows[0][0] else None

    def under(self, branch: str, prefix: str = "") -> dict[str, Record | None]:
        """Everything staged below a prefix."""
        rows = self.database.rows("SELECT path, record FROM staged WHERE branch = ?", branch)
        return {path: record and from_text(record) for path, record in rows if path.startswith(prefix)}
