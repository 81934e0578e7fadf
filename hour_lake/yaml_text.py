"""YAML written by people, read as plain values only: no tags that make objects, no aliases, no key twice, no depths."""

from typing import Any

import yaml

from hour_lake.errors import ConfigError

LIMIT_BYTES = 1_000_000
NESTING_LIMIT = 40


def mapping_from_yaml(data: bytes, *, where: str, may_be_empty: bool = False) -> dict[str, Any]:
    """The mapping that a YAML text holds, no key twice; CONFIG_UNSAFE or CONFIG_TYPE."""
    if len(data) > LIMIT_BYTES:
        raise ConfigError("CONFIG_UNSAFE", "the file is too large", value=f"{len(data)} bytes", where=where,
                          fix=f"at most {LIMIT_BYTES} bytes")  # fmt: skip
    try:
        text = data.decode("utf-8")
        _check_events(text, where)
        _check_keys(yaml.compose(text, Loader=yaml.SafeLoader), where)
        found = yaml.safe_load(text)
    except yaml.constructor.ConstructorError as error:
        raise ConfigError("CONFIG_UNSAFE", "a YAML tag that makes objects, or a key that is none", value=error.problem,
                          where=where, fix="no tags: write texts, numbers, lists and mappings") from error  # fmt: skip
    except (yaml.YAMLError, ValueError) as error:  # a date that is none is a ValueError
        # Without its cause: that one quotes the line, and a secret may stand there.
        raise ConfigError("CONFIG_TYPE", "not a YAML file", value=_short(error), where=where,
                          fix="check indents, colons and quotes there") from None  # fmt: skip
    if found is None and may_be_empty:
        return {}
    if not isinstance(found, dict):
        raise ConfigError("CONFIG_TYPE", "the file must hold a mapping", value=type(found).__name__, where=where,
                          fix="write `key: value` lines")  # fmt: skip
    return found


def _check_events(text: str, where: str) -> None:
    """Looked at one by one, before anything is built: the reader's time grows with the square of the depth."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if isinstance(event, yaml.AliasEvent):
            raise ConfigError("CONFIG_UNSAFE", "YAML aliases are not taken", value=f"*{event.anchor}", where=where,
                              fix="write the value out")  # fmt: skip
        if depth > NESTING_LIMIT:
            raise ConfigError("CONFIG_UNSAFE", f"nested more than {NESTING_LIMIT} deep", where=where,
                              value=_line(event), fix="write it flatter")  # fmt: skip


def _check_keys(node: Any, where: str) -> None:
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _check_keys(item, where)
    elif isinstance(node, yaml.MappingNode):
        seen: set[Any] = set()
        for key, value in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else None
            if name is not None and name in seen:
                raise ConfigError("CONFIG_TYPE", f"the key {name!r} stands twice", value=_line(key), where=where,
                                  fix="keep one")  # fmt: skip
            seen.add(name)
            _check_keys(value, where)


def _line(event: Any) -> str:
    return f"line {event.start_mark.line + 1}"


def _short(error: Exception) -> str:
    """What the reader did not like and where, without the text of the line: a secret may stand there."""
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return type(error).__name__
    return f"line {error.problem_mark.line + 1}, column {error.problem_mark.column + 1}: {error.problem}"
