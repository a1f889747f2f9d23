"""What became of a run: the outcome words, their exit codes and the one sentence that ends every command."""

from dataclasses import dataclass, field
from typing import Any, Literal

State = Literal["Completed", "NothingToDo", "Partial", "Skipped", "Failed"]

EXIT_CODES: dict[State, int] = {"Completed": 0, "NothingToDo": 0, "Partial": 3, "Skipped": 75, "Failed": 1}


@dataclass(frozen=True)
class Outcome:
    """The result of one step of the data's way.

    ``sentence`` is one line for a person; ``detail`` holds counts and lists for ``--json`` and for Prefect artifacts.
    """

    flow: str
    state: State
    sentence: str
    detail: dict[str, Any] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        """Exit code of the command."""
        return EXIT_CODES[self.state]

    @property
    def line(self) -> str:
        """The last line of the command's output."""
        return f"{self.flow}: {self.sentence}"


def worst(outcomes: list[Outcome]) -> State:
    """The state of a chain: done when any step did something, and never better than its worst step."""
    states = {outcome.state for outcome in outcomes}
    for state in ("Failed", "Partial", "Skipped", "Completed"):
        if state in states:
            return state
    return "NothingToDo"
