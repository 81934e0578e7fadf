"""Where the server is and with which keys: from the environment, or from files that it names; never from settings."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from hour_lake.errors import LakeError

# The names that the vendor's own tools use. Each may have `_FILE` appended and name a mounted file instead.
ENDPOINT = "LAKECTL_SERVER_ENDPOINT_URL"
KEY_ID = "LAKECTL_CREDENTIALS_ACCESS_KEY_ID"
SECRET_KEY = "LAKECTL_CREDENTIALS_SECRET_ACCESS_KEY"
FILE = "_FILE"


@dataclass(frozen=True)
class Access:
    """A server and the keys for it; no secret is in its text."""

    endpoint: str  # http://host:port
    key_id: str
    secret_key: str = field(repr=False)


def access_from(environment: Mapping[str, str]) -> Access:
    """What the environment says; CONFIG_ENV_MISSING names the variable that is missing, CONFIG_TYPE a bad address."""
    endpoint = _value(environment, ENDPOINT)
    address = urlsplit(endpoint if "://" in endpoint else f"http://{endpoint}")
    if address.scheme not in ("http", "https") or not address.hostname or "@" in address.netloc:
        raise LakeError("CONFIG_TYPE", "this is not the address of a server", where=ENDPOINT,
                        fix="give one like https://lakefs.example.org, without keys in it")  # fmt: skip
    return Access(f"{address.scheme}://{address.netloc}", _value(environment, KEY_ID), _value(environment, SECRET_KEY))


def _value(environment: Mapping[str, str], name: str) -> str:
    if environment.get(name):
        return environment[name]
    file = environment.get(name + FILE)
    if not file:
        raise LakeError("CONFIG_ENV_MISSING", "a lake on a server needs an environment variable", value=name,
                        fix=f"set {name}, or {name}{FILE} to the path of a file that holds it")  # fmt: skip
    try:
        return Path(file).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise LakeError("CONFIG_ENV_MISSING", "the file that a variable names cannot be read", value=name + FILE,
                        where=file) from error  # fmt: skip
