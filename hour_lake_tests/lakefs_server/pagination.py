"""Lists in pages, as the definition's `Pagination` has them, with names grouped by a delimiter."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from hour_lake_tests.lakefs_server.call import Call
from hour_lake_tests.lakefs_server.errors import ApiError

MAX_PER_PAGE = 1000
DEFAULT_AMOUNT = 100

Row = tuple[str, Any]  # what it is sorted by, and what it is


def amount_of(call: Call) -> int:
    """How many items to return; 400 outside -1..1000."""
    try:
        amount = int(call.query("amount", str(DEFAULT_AMOUNT)))
    except ValueError as error:
        raise ApiError(400, 'parameter "amount" has an error: not an integer') from error
    if not -1 <= amount <= MAX_PER_PAGE:
        raise ApiError(400, 'parameter "amount" has an error: number must be between -1 and 1000')
    return amount if amount > 0 else MAX_PER_PAGE


def page(rows: Sequence[Row], call: Call) -> dict[str, Any]:
    """The part of sorted rows that `after` and `amount` ask for."""
    after, amount = call.query("after"), amount_of(call)
    following = [row for row in rows if row[0] > after]
    return wrapped(following[:amount], has_more=len(following) > amount)


def wrapped(rows: Sequence[Row], *, has_more: bool) -> dict[str, Any]:
    """A page with its `pagination`; the next one is asked for by the key of its last row."""
    pagination = {"has_more": has_more, "next_offset": rows[-1][0] if has_more else "", "results": len(rows),
                  "max_per_page": MAX_PER_PAGE}  # fmt: skip
    return {"pagination": pagination, "results": [item for _, item in rows]}


def grouped(rows: Iterable[Row], prefix: str, delimiter: str, as_group: Callable[[str], Any]) -> list[Row]:
    """Rows below a prefix, those that share the next part up to the delimiter as one."""
    found: dict[str, Any] = {}
    for key, item in rows:
        if not key.startswith(prefix):
            continue
        head, cut, _ = key[len(prefix) :].partition(delimiter) if delimiter else ("", "", "")
        if cut:
            common = prefix + head + delimiter
            found.setdefault(common, as_group(common))
        else:
            found[key] = item
    return sorted(found.items())
