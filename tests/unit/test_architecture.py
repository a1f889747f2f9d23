"""The house keeps its rules: who imports whom, how long a file may be, what may not be written down."""

import ast
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT

ROOMS = {"extract", "simulate", "warehouse", "flows", "grafana"}
ALLOWED = {
    "warehouse": set(),
    "extract": {"warehouse"},
    "simulate": {"warehouse", "extract.schema"},
    "flows": {"extract", "warehouse", "simulate"},
    "grafana": set(),
}
MAX_LINES = 450


def tracked_files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in listed.splitlines() if (ROOT / name).is_file()]


def imported_modules(path: Path) -> set[str]:
    modules: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            modules |= {f"{node.module}.{alias.name}" for alias in node.names}
    return modules


def is_allowed(room: str, module: str) -> bool:
    target = module.split(".")[0]
    if target not in ROOMS or target == room or target in ALLOWED[room]:
        return True
    # simulate may read the declarations of the extractors, extract.<source>.schema, and nothing else of them
    parts = module.split(".")
    return target == "extract" and "extract.schema" in ALLOWED[room] and len(parts) > 2 and parts[2] == "schema"


@pytest.mark.parametrize("room", sorted(ROOMS))
def test_imports_go_one_way(room: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {module}"
        for path in sorted((ROOT / room).rglob("*.py"))
        for module in sorted(imported_modules(path))
        if not is_allowed(room, module)
    ]
    assert wrong == []


def test_import_rule_can_fail() -> None:
    assert not is_allowed("warehouse", "extract.daq.schema")
    assert not is_allowed("extract", "simulate.network")
    assert not is_allowed("simulate", "extract.daq.parser")
    assert is_allowed("simulate", "extract.daq.schema.RAW_HIT")


def test_no_file_is_too_long() -> None:
    code = [path for path in tracked_files() if path.suffix in {".py", ".sql", ".yml", ".md"} or path.name == "mingo"]
    assert len(code) > 20
    too_long = {
        str(path.relative_to(ROOT)): n for path in code if (n := len(path.read_text().splitlines())) > MAX_LINES
    }
    assert too_long == {}


def test_locks_carry_no_address_and_agree() -> None:
    pins: dict[str, dict[str, str]] = {}
    for name in ("requirements.lock", "requirements-dev.lock"):
        text = (ROOT / name).read_text()
        assert "://" not in text
        assert "--index" not in text
        lines = [line.split(" ")[0] for line in text.splitlines() if "==" in line]
        pins[name] = dict(line.split("==") for line in lines)
        assert text.count("--hash=sha256:") >= len(lines)
    dev = pins["requirements-dev.lock"]
    assert {name: dev.get(name) for name in pins["requirements.lock"]} == pins["requirements.lock"]


def test_nothing_names_this_machine_or_a_registry() -> None:
    forbidden = [
        "py" + "pi.org",
        "python" + "hosted",
        "registry." + "npmjs",
        "deb." + "debian",
        "/wo" + "rk/",
        "/ro" + "ot/",
    ]
    found = []
    for path in tracked_files():
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        found += [f"{path.relative_to(ROOT)}: {word}" for word in forbidden if word in text]
    assert found == []
