"""The ledger of one commit: which objects exist, read once a video and kept, never by globbing."""

from hour_lake.lake.interface import Entry, Lake


class Ledger:
    """Entries of one commit by path. A folder (`layers/blink/bob/`) is read when a path in it is first asked for."""

    def __init__(self, lake: Lake, commit: str) -> None:
        self.lake = lake
        self.commit = commit
        self._folders: dict[str, dict[str, Entry]] = {}

    def entry(self, path: str) -> Entry | None:
        """The entry of a path, or None."""
        return self.folder(path.rpartition("/")[0] + "/").get(path)

    def folder(self, prefix: str) -> dict[str, Entry]:
        """All entries below a folder, by path."""
        if prefix not in self._folders:
            self._folders[prefix] = {entry.path: entry for entry in self.lake.entries(self.commit, prefix)}
        return self._folders[prefix]

    def preload(self, prefix: str) -> None:
        """Read a whole subtree in one go, when most of it will be asked for."""
        folders: dict[str, dict[str, Entry]] = {}
        for entry in self.lake.entries(self.commit, prefix):
            folders.setdefault(entry.path.rpartition("/")[0] + "/", {})[entry.path] = entry
        self._folders.update(folders)
        self._folders.setdefault(prefix, {})
