"""YAML written by people, read as plain values only: no tags that make objects, no aliases, no endless files."""

from typing import Any

import yaml

from hour_lake.errors import ConfigError

LIMIT_BYTES = 1_000_000


def mapping_from_yaml(data: bytes, *, where: str) -> dict[str, Any]:
    """The mapping that a YAML text holds; CONFIG_UNSAFE or CONFIG_TYPE."""
    if len(data) > LIMIT_BYTES:
        raise ConfigError("CONFIG_UNSAFE", "the file is too large", value=f"{len(data)} bytes", where=where)
    try:
        text = data.decode("utf-8")
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.SafeLoader)):
            raise ConfigError("CONFIG_UNSAFE", "YAML aliases are not taken", where=where, fix="write the value out")
        found = yaml.safe_load(text)
    except yaml.constructor.ConstructorError as error:
        raise ConfigError("CONFIG_UNSAFE", "a YAML tag that makes objects", value=error.problem, where=where) from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError("CONFIG_TYPE", "not a YAML file", value=str(error), where=where) from error
    if not isinstance(found, dict):
        raise ConfigError("CONFIG_TYPE", "the file must hold a mapping", value=type(found).__name__, where=where)
    return found
