"""The operator's `mingo.toml` edited as text: comments and order stay, and every edit is proven by reading it back."""

import re
import tomllib
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from pydantic import ValidationError

from warehouse.settings import Acquire, Logbook

Value = str | int
Keys = tuple[str, ...]

_HEADER = re.compile(r"^\s*\[([^\[\]]+)\]\s*(#.*)?$")
_NAME = r"""(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')"""
_ENTRY = re.compile(rf"^(\s*)({_NAME}(?:\s*\.\s*{_NAME})*)(\s*=\s*)(.*)$")
_VALUE = re.compile(r"""^("(?:[^"\\]|\\.)*"|'[^']*'|[^\s#"'\[{]+)(\s*(?:#.*)?)$""")
_PART = re.compile(_NAME)


class TomlEditError(ValueError):
    """An edit that cannot be made safely; the message says what the operator has to write, and where."""


def as_toml(value: Value) -> str:
    """A value as TOML: a basic string or a whole number."""
    if isinstance(value, int):
        return str(value)
    escaped = "".join(
        f"\\u{ord(char):04X}" if ord(char) < 32 or ord(char) == 127 else {"\\": "\\\\", '"': '\\"'}.get(char, char)
        for char in value
    )
    return f'"{escaped}"'


def block(table: Keys, values: Mapping[str, Value]) -> str:
    """A table with its header as TOML text."""
    lines = [f"[{'.'.join(table)}]", *(f"{key} = {as_toml(value)}" for key, value in values.items())]
    return "\n".join(lines) + "\n"


def read_toml(text: str) -> dict[str, Any]:
    """The content of a text.

    Raises
    ------
    TomlEditError
        When it is no TOML.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise TomlEditError(f"not valid TOML: {error}") from None


def find_table(content: Mapping[str, Any], keys: Keys) -> dict[str, Any]:
    """The table at ``keys``; empty where there is none."""
    found: Any = content
    for key in keys:
        found = found.get(key, {}) if isinstance(found, Mapping) else {}
    return dict(found) if isinstance(found, Mapping) else {}


def append(text: str, tables: Mapping[Keys, Mapping[str, Value]]) -> str:
    """The text with new tables at its end.

    Raises
    ------
    TomlEditError
        When the result would not say exactly what was there plus the new tables; with the lines to paste.
    """
    blocks = "\n".join(block(keys, values) for keys, values in tables.items())
    line_end = "\r\n" if "\r\n" in text else "\n"
    gap = "" if not text else line_end if text.endswith("\n") else 2 * line_end
    result = text + gap + blocks.replace("\n", line_end)
    return _proven(text, result, tables, blocks)


def replace(text: str, table: Keys, values: Mapping[str, Value]) -> str:
    """The text with other values in one table; keys it lacks are added to it.

    Raises
    ------
    TomlEditError
        When the result would not say exactly what was there with these values changed; with the lines to write.
    """
    wanted = {key: value for key, value in values.items() if find_table(read_toml(text), table).get(key) != value}
    if not wanted:
        return text
    left = dict(wanted)
    lines = text.splitlines(keepends=True)
    header: Keys = ()
    last = None
    for position, line in enumerate(lines):
        body = line.rstrip("\r\n")
        if match := _HEADER.match(body):
            header = _keys(match.group(1))
            last = position if header == table else last
        elif match := _ENTRY.match(body):
            keys = header + _keys(match.group(2))
            if keys[:-1] == table:
                last = position
            if keys[:-1] == table and keys[-1] in left and (old := _VALUE.match(match.group(4))):
                new = as_toml(left.pop(keys[-1]))
                start = f"{match.group(1)}{match.group(2)}{match.group(3)}"
                lines[position] = f"{start}{new}{old.group(2)}{line[len(body) :]}"
    if left and last is not None:
        ending = "\r\n" if "\r\n" in text else "\n"
        lines[last] = lines[last] if lines[last].endswith("\n") else lines[last] + ending
        match = _ENTRY.match(lines[last])
        prefix = match.group(2).rpartition(".")[0] if match else ""
        names = {key: f"{prefix}.{key}" if prefix else key for key in left}
        lines[last + 1 : last + 1] = [f"{names[key]} = {as_toml(value)}{ending}" for key, value in left.items()]
    return _proven(text, "".join(lines), {table: wanted}, block(table, wanted))


def _keys(dotted: str) -> Keys:
    return tuple(part.strip("\"'") for part in _PART.findall(dotted))


def _proven(text: str, result: str, tables: Mapping[Keys, Mapping[str, Value]], blocks: str) -> str:
    expected = deepcopy(read_toml(text))
    for keys, values in tables.items():
        found = expected
        for key in keys:
            found = found.setdefault(key, {})
            if not isinstance(found, dict):
                raise TomlEditError(_by_hand(blocks))
        found.update(values)
    try:
        content = tomllib.loads(result)
        Acquire.model_validate(content.get("acquire", {}))
        Logbook.model_validate(content.get("logbook", {}))
    except (tomllib.TOMLDecodeError, ValidationError):
        raise TomlEditError(_by_hand(blocks)) from None
    if content != expected:
        raise TomlEditError(_by_hand(blocks))
    return result


def _by_hand(blocks: str) -> str:
    return f"it cannot be edited safely as it is written; write these lines into it yourself and run again:\n{blocks}"
