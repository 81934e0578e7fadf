"""One repository of a server, asked through the `lakefs` package: its errors translated, what may pass tried again."""

import os
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import urllib3
from urllib3.exceptions import HTTPError

from hour_lake.errors import LakeError
from hour_lake.lake.lakefs.access import Access
from hour_lake.lake.lakefs.failures import REFUSED, UNAVAILABLE, Failure, of_connection, of_status
from hour_lake.lake.lakefs.patience import Patience
from hour_lake.lake.remote import RemoteOptions
from hour_lake.threads import Threads

if TYPE_CHECKING:
    from lakefs_sdk.client import LakeFSClient

T = TypeVar("T")
CONNECT_SECONDS = 10.0
SPARE_CONNECTIONS = 4


class Client:
    """Requests to one repository; safe for threads, and made anew in a forked child."""

    def __init__(self, repository: str, access: Callable[[], Access], options: RemoteOptions) -> None:
        self.repository = repository
        self.options = options
        self._read_access = access
        self._lock = threading.Lock()
        self._held: tuple[int, Access, LakeFSClient, Threads] | None = None
        self._was_let_in = False

    @property
    def access(self) -> Access:
        """The server and keys in use."""
        return self._parts()[1]

    @property
    def threads(self) -> Threads:
        """Threads for requests side by side."""
        return self._parts()[3]

    def ask(self, call: "Callable[[LakeFSClient], T]", *, where: str, once: bool = False) -> T:
        """What `call` gives; a failure that may pass is tried again for as long as the options say.

        With `once`, what the server may have done already is not asked for again: STORAGE_UNAVAILABLE at once. Refusals
        are LakeErrors with the codes of `failures`, for the caller to say what they mean.
        """
        patience, renewed = Patience(self.options.patience_seconds), False
        while True:
            api = self._parts()[2]
            answer, failure = self._answer(call, api, where)
            if failure is None:
                self._was_let_in = True
                return answer  # pyright: ignore[reportReturnType]
            if failure.unauthorized and not renewed and self._renew():
                renewed = True
                continue
            if failure.unauthorized and self._was_let_in:
                raise LakeError("CREDENTIALS_EXPIRED", "the server no longer accepts the keys", where=where,
                                fix="renew the keys and run again; what was committed is safe")  # fmt: skip
            if not failure.passing or (once and failure.uncertain) or not patience.wait(failure.wait_seconds):
                raise failure.error

    def settle(self, act: Callable[[], T], landed: Callable[[], T | None]) -> T:
        """Do something that must not be done twice: `landed` tells whether it was done, when an answer was lost.

        COMMIT_UNKNOWN when the server cannot even be asked that; STORAGE_UNAVAILABLE when it was not done.
        """
        patience, lost = Patience(self.options.patience_seconds), False
        while True:
            try:
                return act()
            except LakeError as error:
                if error.code != UNAVAILABLE and not lost:
                    raise
                lost = True
                found = self._asked(landed, error)
                if found is not None:
                    return found
                if error.code != UNAVAILABLE or not patience.wait():
                    raise

    def _asked(self, landed: Callable[[], T | None], lost: LakeError) -> T | None:
        try:
            return landed()
        except LakeError as error:
            raise LakeError(
                "COMMIT_UNKNOWN", "the server cannot be asked whether the commit landed", value=error.code,
                where=lost.where, fix="publish again with the same attempt id once it answers",
            ) from error  # fmt: skip

    def _answer(
        self, call: "Callable[[LakeFSClient], T]", api: "LakeFSClient", where: str
    ) -> tuple[T | None, Failure | None]:
        from lakefs_sdk.exceptions import ApiException

        try:
            return call(api), None
        except ApiException as error:
            return None, of_status(error.status, error.body, error.headers, where)
        except HTTPError as error:
            return None, of_connection(error, where)
        except ValueError as error:  # of the models that the package reads answers into
            raise LakeError(REFUSED, "the server's answer is not what its interface says", value=type(error).__name__,
                            where=where) from error  # fmt: skip

    def _renew(self) -> bool:
        """Read the keys again, which a mounted file may have new; whether they are others."""
        with self._lock:
            if self._held is None or self._read_access() == self._held[1]:
                return False
            self._held = None
            return True

    def _parts(self) -> "tuple[int, Access, LakeFSClient, Threads]":
        with self._lock:
            if self._held is None or self._held[0] != os.getpid():
                access = self._read_access()
                threads = Threads(self.options.uploads)
                self._held = os.getpid(), access, _connected(access, self.options), threads
            return self._held


def _connected(access: Access, options: RemoteOptions) -> "LakeFSClient":
    try:
        import lakefs
    except ImportError as error:
        raise LakeError("CONFIG_PACKAGE_MISSING", "a lake on a lakeFS server needs the package lakefs",
                        fix="pip install hour-lake[lakefs]") from error  # fmt: skip
    client = lakefs.Client(host=access.endpoint, username=access.key_id, password=access.secret_key)
    rest: Any = client.sdk_client.objects_api.api_client.rest_client
    # We try again ourselves, by rules of our own. And the package sets no time limit: a silent server would hold us.
    rest.pool_manager = urllib3.PoolManager(
        maxsize=options.uploads + SPARE_CONNECTIONS,
        retries=urllib3.Retry(None, connect=0, read=0, status=0, other=0, redirect=3),
    )
    rest.limits = urllib3.Timeout(connect=CONNECT_SECONDS, read=options.timeout_seconds)
    plain = rest.request

    def request(*arguments: Any, **named: Any) -> Any:
        limits = CONNECT_SECONDS, options.timeout_seconds
        return plain(*arguments, **{**named, "_request_timeout": named.get("_request_timeout") or limits})

    rest.request = request
    return client.sdk_client
