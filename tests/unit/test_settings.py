"""Settings: the example is complete and true, mistakes are one clear line, secrets and sources are as promised."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT
from warehouse.settings import ConfigurationError, Settings, as_shown, load_settings


@pytest.fixture(autouse=True)
def _no_other_sources(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("MINGO_DATA_DIR", "MINGO_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MINGO_CONFIG", str(tmp_path / "mingo.toml"))


def test_example_names_every_key_with_its_default() -> None:
    example = tomllib.loads((ROOT / "mingo.example.toml").read_text())
    assert example == as_shown(load_settings())


def test_example_documents_every_key() -> None:
    keys = [line for line in (ROOT / "mingo.example.toml").read_text().splitlines() if re.match(r"[a-z_]+ =", line)]
    bare = [line for line in keys if "#" not in line and not line.startswith(("cron", "is_enabled", "port"))]
    assert bare == []


def test_dbt_project_has_the_same_defaults() -> None:
    project = yaml.safe_load((ROOT / "dbt_project.yml").read_text())
    variables = load_settings().dbt_vars
    assert {name: project["vars"].get(name) for name in variables} == variables


def test_later_source_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mingo.toml").write_text("[transform]\nmax_files = 7\nwait_s = 1\n")
    assert load_settings().transform.max_files == 7
    monkeypatch.setenv("MINGO_TRANSFORM__MAX_FILES", "8")
    assert load_settings().transform.max_files == 8
    assert load_settings().transform.wait_s == 1
    assert load_settings(data_dir=tmp_path).paths.build == tmp_path / "build.duckdb"


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("dada_dir = 'x'", "dada_dir"),
        ("[transform]\nmax_files = 'many'", "transform.max_files"),
        ("[corrections]\nbin_widths_s = [7000]", "corrections.bin_widths_s.0"),
        ("[corrections.temperature]\nmethods = ['magic']", "corrections.temperature.methods.0"),
        ("[schedule.extract]\ncron = 'often'", "schedule.extract.cron"),
        ("[prefect]\nport = 99999", "prefect.port"),
        ("not toml", "mingo.toml"),
    ],
)
def test_mistakes_are_one_line_that_names_the_key(tmp_path: Path, text: str, key: str) -> None:
    (tmp_path / "mingo.toml").write_text(text)
    with pytest.raises(ConfigurationError, match=re.escape(key)) as caught:
        load_settings()
    assert "\n" not in str(caught.value)


def test_settings_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_settings().data_dir = Path("elsewhere")  # type: ignore[misc]
    assert isinstance(load_settings(), Settings)
