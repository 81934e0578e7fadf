"""What the server refused or failed to do, in the lake's own codes, and which of it is worth another try."""

import json
from dataclasses import dataclass
from typing import Any

import urllib3
from urllib3.exceptions import ConnectTimeoutError, HTTPError, MaxRetryError, NewConnectionError

from hour_lake.errors import LakeError

# Codes of refusals that callers of `Client.ask` know more about than the server's answer says.
NOT_FOUND = "STORE_NOT_FOUND"
CLASH = "STORE_CONFLICT"
REFUSED = "STORE_REFUSED"
UNAVAILABLE = "STORAGE_UNAVAILABLE"

NOT_APPLIED = {423, 425, 429}  # locked, too early, too many requests: the server says that it did nothing
NEVER_BETTER = {501, 505}


@dataclass(frozen=True)
class Failure:
    """One request that failed."""

    error: LakeError
    passing: bool = False  # another try may do better
    uncertain: bool = False  # the server may have done what it was asked for
    wait_seconds: float = 0.0  # what the server asked for by Retry-After
    unauthorized: bool = False


def of_status(status: int | None, body: Any, headers: Any, where: str) -> Failure:
    """An answer that is not a success."""
    said = _message(body)
    match status:
        case 401:
            error = LakeError("STORAGE_DENIED", "the server does not accept the keys", value=said, where=where,
                              fix="check the LAKECTL_CREDENTIALS_* variables")  # fmt: skip
            return Failure(error, unauthorized=True)
        case 403:
            return Failure(LakeError("STORAGE_DENIED", "these keys may not do that", value=said, where=where,
                                     fix="ask for the right in the server's policies"))  # fmt: skip
        case 404:
            return Failure(LakeError(NOT_FOUND, "the server does not know it", value=said, where=where))
        case 409:
            return Failure(LakeError(CLASH, "the server refused: it clashes with what is there", value=said,
                                     where=where))  # fmt: skip
        case 410:
            return Failure(LakeError("INTEGRITY", "the object was collected as garbage", value=said, where=where))
        case 412:
            return Failure(LakeError("CONFLICT", "a condition of the server is not met", value=said, where=where))
        case _ if status and (status in NOT_APPLIED or status == 408 or status >= 500) and status not in NEVER_BETTER:
            error = LakeError(UNAVAILABLE, f"the server answered {status}", value=said, where=where, fix="try again")
            return Failure(error, True, status not in NOT_APPLIED, _retry_after(headers))
        case _:
            return Failure(LakeError(REFUSED, f"the server refused (status {status})", value=said, where=where))


def of_connection(error: HTTPError, where: str) -> Failure:
    """No answer, or half of one. The text of such an error has the address in it, and that may be a presigned one."""
    reason = error.reason if isinstance(error, MaxRetryError) and error.reason else error
    sent = not isinstance(reason, NewConnectionError | ConnectTimeoutError)
    found = LakeError(UNAVAILABLE, "the connection to the server failed", value=type(reason).__name__, where=where,
                      fix="see whether the server is up, and run again")  # fmt: skip
    return Failure(found, passing=True, uncertain=sent)


def _retry_after(headers: Any) -> float:
    """Seconds that the server wants to be left alone, by a number or a date."""
    value = (headers or {}).get("Retry-After")
    try:
        return max(0.0, urllib3.Retry().parse_retry_after(value)) if value else 0.0
    except HTTPError:
        return 0.0


def _message(body: Any) -> str | None:
    """The `message` of the server's error body."""
    try:
        return str(json.loads(body)["message"]) if body else None
    except (ValueError, TypeError, KeyError):
        return None
