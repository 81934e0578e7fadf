"""All repositories of one stand-in, found again in the folder it is started with."""

import shutil
from threading import RLock

from hour_lake_tests.lakefs_server import names
from hour_lake_tests.lakefs_server.errors import ApiError, not_found
from hour_lake_tests.lakefs_server.repository import DATABASE, Repository
from hour_lake_tests.lakefs_server.settings import Settings
from hour_lake_tests.lakefs_server.store import Store


class Server:
    """What the handlers of requests work on."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        settings.root.mkdir(parents=True, exist_ok=True)
        self.repositories = {
            file.parent.name: Repository(file.parent, settings) for file in settings.root.glob(f"*/{DATABASE}")
        }
        self.store = Store(settings, self.repositories)
        self._lock = RLock()

    def repository(self, name: str) -> Repository:
        """404 when there is none."""
        found = self.repositories.get(name)
        if found is None:
            raise not_found("repository")
        return found

    def create(self, name: str, namespace: str, branch: str = "main", *, read_only: bool = False) -> Repository:
        """A new repository; 400 for a bad name or a namespace that is in use, 409 when there is one of this name."""
        names.check_repository(name, namespace)
        names.check_branch(branch)
        with self._lock:
            if name in self.repositories:
                raise ApiError(409, "repository already exists: not unique")
            if any(r.facts["storage_namespace"].rstrip("/") == namespace.rstrip("/") for r in self.all()):
                raise ApiError(400, "found lakeFS objects in the storage namespace: storage namespace already in use")
            made = Repository(self.settings.root / name, self.settings)
            made.create(namespace, branch, read_only=read_only)
            self.repositories[name] = made
        return made

    def delete(self, name: str, *, force: bool) -> None:
        """Forget a repository and all that it holds; 404, 403."""
        with self._lock:
            repository = self.repository(name)
            repository.check_writable(force)
            del self.repositories[name]
            repository.close()
            shutil.rmtree(repository.folder)

    def all(self) -> list[Repository]:
        """Repositories by name."""
        return [repository for _, repository in sorted(self.repositories.items())]
