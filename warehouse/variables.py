"""Configuration values that name an environment variable: ``${NAME}`` is read when it is needed, never before."""

import os
import re

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class MissingVariableError(Exception):
    """An environment variable that is named and not set; the message names it, never a value."""


def is_variable(text: str) -> bool:
    """Whether a text is the name of a variable and nothing else."""
    return _VARIABLE.fullmatch(text) is not None


def expand(text: str, key: str) -> str:
    """The text with each ``${NAME}`` replaced by the value of the variable.

    Raises
    ------
    MissingVariableError
        When a variable is not set or empty, naming it and the configuration key.
    """

    def value(match: re.Match[str]) -> str:
        found = os.environ.get(match.group(1), "")
        if not found:
            raise MissingVariableError(
                f"configuration key '{key}': the environment variable {match.group(1)} is not set"
            )
        return found

    return _VARIABLE.sub(value, text)
