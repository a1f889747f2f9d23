"""The attempts of the steps with the code as it is."""

from warehouse.attempts import Attempts, code_version
from warehouse.paths import PROJECT_ROOT, Paths


def extract_attempts(paths: Paths) -> Attempts:
    """The attempts of the extraction with the code as it is."""
    return Attempts(paths.attempts, "extract", code_version(PROJECT_ROOT / "extract"))
