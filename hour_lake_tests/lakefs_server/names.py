"""Which names the documentation allows."""

import re

from hour_lake.errors import LakeError
from hour_lake.lake.names import check_path
from hour_lake_tests.lakefs_server.errors import ApiError, invalid

REPOSITORY = re.compile(r"[a-z0-9][a-z0-9-]{2,62}")  # in the API definition
NAMESPACE = re.compile(r"(s3|gs|https?|mem|local|transient)://.+")  # in the API definition
BRANCH = re.compile(r"\w[-\w]*", re.ASCII)  # as issue 2894 of lakeFS quotes it
# Tags follow git's rules for names of refs (git-check-ref-format), as issue 6694 says.
TAG_REFUSED = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|//|@\{|^/|/$|\.$|^@$|(^|/)\.|\.lock(/|$)")


def check_repository(name: str, namespace: str) -> None:
    """400 unless both are as the definition's patterns have them."""
    if not REPOSITORY.fullmatch(name):
        raise invalid("argument repository: repository id: invalid value")
    if not NAMESPACE.fullmatch(namespace):
        raise invalid("argument storageNamespace: storage namespace: invalid value")


def check_branch(name: str) -> None:
    """400 unless it is letters, digits, `_` and `-`, not beginning with `-`."""
    if not BRANCH.fullmatch(name):
        raise ApiError(400, "argument branch: branch id must consist of letters, digits, underscores and dashes, and "
                            "cannot start with a dash: invalid value: validation error")  # fmt: skip


def check_tag(name: str) -> None:
    """400 unless git would take it as the name of a ref."""
    if not name or TAG_REFUSED.search(name):
        raise invalid("argument tagID: tag id: invalid value")


def check_object(path: str) -> None:
    """400 for a path that the embedded lake beneath us could not hold."""
    try:
        check_path(path)
    except LakeError as error:
        raise invalid(f"argument path: {error.message}") from error
