"""Exports: only what changed is touched, all files or none are replaced, values stand as a reader expects them."""

import csv
import errno
import hashlib
import json
from pathlib import Path

import duckdb
import pytest

from tests.unit.small_build import change, write_build
from warehouse.export import run
from warehouse.export.form import decimals, unit
from warehouse.export.run import ExportError, export
from warehouse.publish import publish
from warehouse.settings import Export, Settings

CORRECTED_CSV = "MINGO01/large_corrected_table_MINGO01.csv"
CORRECTED_PARQUET = "MINGO01/large_corrected_table_MINGO01.parquet"
MONTHS = [f"parquet/large_corrected_table/station=1/month={month}/part-0.parquet" for month in ("2025-01", "2025-02")]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A data folder with a publication."""
    settings = write_build(tmp_path)
    publish(settings)
    return settings


def again(settings: Settings, statement: str) -> run.ExportResult:
    """Export after a change of the build."""
    change(settings, statement)
    publish(settings)
    return export(settings)


def state(folder: Path) -> dict[str, tuple[int, str]]:
    """Modification time and hash of every file."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, hashlib.sha256(path.read_bytes()).hexdigest())
        for path in files
    }


def manifest(settings: Settings) -> dict[str, object]:
    found: dict[str, object] = json.loads((settings.paths.export / "manifest.json").read_text())
    return found


def test_only_what_changed_is_touched(settings: Settings) -> None:
    first = export(settings)
    assert {CORRECTED_CSV, CORRECTED_PARQUET, *MONTHS} <= set(first.written)
    before = state(settings.paths.export)
    assert export(settings).written == []
    assert state(settings.paths.export) == before
    late = "update large_corrected_table set rate_final_hz = 1 where bin_start = timestamp '2025-02-01'"
    assert sorted(again(settings, late).written) == sorted([CORRECTED_CSV, CORRECTED_PARQUET, MONTHS[1]])
    after = state(settings.paths.export)
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {CORRECTED_CSV, CORRECTED_PARQUET, MONTHS[1], "manifest.json"}


def test_what_a_number_loses_in_print_leaves_the_text_file(settings: Settings) -> None:
    export(settings)
    result = again(settings, "update large_corrected_table set rate_final_hz = rate_final_hz + 1e-12")
    assert sorted(result.written) == sorted([CORRECTED_PARQUET, *MONTHS])


def test_damaged_and_lost_files_are_made_again(settings: Settings) -> None:
    export(settings)
    before = state(settings.paths.export)
    (settings.paths.export / CORRECTED_CSV).write_text("short")
    (settings.paths.export / MONTHS[0]).unlink()
    assert sorted(export(settings).written) == sorted([CORRECTED_CSV, MONTHS[0]])
    assert {name: sha for name, (_, sha) in state(settings.paths.export).items()} == {
        name: sha for name, (_, sha) in before.items()
    }


def test_another_version_renders_everything(settings: Settings) -> None:
    n_files = len(export(settings).written)
    path = settings.paths.export / "manifest.json"
    path.write_text(json.dumps(manifest(settings) | {"duckdb_version": "v0.0.0"}))
    assert len(export(settings).written) == n_files


def test_what_lost_its_rows_goes_and_is_listed(settings: Settings) -> None:
    export(settings)
    result = again(settings, "delete from large_corrected_table where bin_start >= timestamp '2025-02-01'")
    assert result.removed == [MONTHS[1]]
    assert manifest(settings)["removed"] == [MONTHS[1]]
    assert not (settings.paths.export / MONTHS[1]).parent.exists()
    files = manifest(settings)["files"]
    assert isinstance(files, dict)
    assert set(state(settings.paths.export)) == {*files, "manifest.json", "columns.csv", "README.md"}
    again(
        settings,
        "insert into large_corrected_table by name"
        " select *, '' as remark from (select 1 as station_id, 'MINGO01' as station_code, 3600 as bin_width_s,"
        " timestamp '2025-02-01' as bin_start, 1 as rate_final_hz)",
    )
    assert manifest(settings)["removed"] == []


def test_the_manifest_tells_every_file(settings: Settings) -> None:
    export(settings)
    files = manifest(settings)["files"]
    assert isinstance(files, dict)
    now = state(settings.paths.export)
    for name, facts in files.items():
        assert facts["sha256"] == now[name][1]
        assert facts["bytes"] == (settings.paths.export / name).stat().st_size
        assert facts["rows"] > 0
        assert facts["schema_version"] == manifest(settings)["schema_version"]
        assert facts["code_version"]
    assert (files[CORRECTED_CSV]["start_at"], files[CORRECTED_CSV]["end_at"], files[CORRECTED_CSV]["rows"]) == (
        "2025-01-30 00:00:00",
        "2025-02-02 23:00:00",
        96,
    )


def test_an_error_leaves_every_file_and_the_manifest(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    export(settings)
    before = state(settings.paths.export)
    n_synced = 0

    def full(path: Path) -> None:
        nonlocal n_synced
        n_synced += 1
        if n_synced == 2:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(run, "sync_file", full)
    with pytest.raises(ExportError, match=r"no export was written.*No space left on device"):
        again(settings, "update large_corrected_table set rate_final_hz = 1")
    assert state(settings.paths.export) == before


def test_a_folder_that_cannot_be_written_is_named(settings: Settings) -> None:
    settings.paths.export.write_text("not a folder")
    with pytest.raises(ExportError, match=r"the former files stay in .*export"):
        export(settings)


def test_left_overs_of_a_killed_export_go(settings: Settings) -> None:
    export(settings)
    left_over = settings.paths.export / "MINGO01" / ".large_corrected_table_MINGO01.csv.tmp.99999"
    left_over.write_text("half a fi")
    export(settings)
    assert not left_over.exists()


def test_text_is_rounded_by_unit_and_harmless_in_a_spreadsheet(settings: Settings) -> None:
    change(settings, "update large_corrected_table set rate_final_hz = -1e-9 where bin_start = '2025-01-30 01:00:00'")
    publish(settings)
    export(settings)
    lines = (settings.paths.export / CORRECTED_CSV).read_text().split("\n")
    assert lines[0] == "station_id,station_code,bin_start,bin_width_s,remark,rate_final_hz"
    assert lines[1] == "1,MINGO01,2025-01-30 00:00:00,3600,'=1+1,14.083874"
    assert lines[2].endswith(",0.0")


@pytest.mark.parametrize(
    ("column", "digits", "shown"),
    [
        ("beta_sigma_pct_per_hpa", 6, "%/hPa"),
        ("pressure_lab_hpa", 2, "hPa"),
        ("alpha_pct_per_k", 6, "%/K"),
        ("temp_ground_k", 3, "K"),
        ("eff_1_sigma", 6, "1"),
        ("cov_beta_alpha", 12, ""),
        ("n_1234", 6, "counts"),
        ("P", 6, "hPa"),
    ],
)
def test_decimals_and_unit_follow_the_name(column: str, digits: int, shown: str) -> None:
    text = {"n_1234": "Events in all planes (counts)", "P": "Air pressure (mean) over the bin (hPa)"}.get(column, "")
    assert decimals(column) == digits
    assert unit(column, text) == shown


def test_terms_and_units_stand_beside_the_files(settings: Settings) -> None:
    export(settings)
    folder = settings.paths.export
    text = (folder / "README.md").read_text()
    assert all(word in text for word in ("Acknowledge the monitors", "Licence: Not for sale", "OULU: its institute"))
    with duckdb.connect() as connection:
        footer = "select decode(key), decode(value) from parquet_kv_metadata(?)"
        terms = dict(connection.execute(footer, [str(folder / MONTHS[0])]).fetchall())["terms"]
        assert "Acknowledge the monitors" in terms
        assert (
            connection.execute(
                footer, [str(folder / MONTHS[0].replace("large_corrected_table", "fct_rate"))]
            ).fetchall()
            == []
        )
    with (folder / "columns.csv").open() as stream:
        units = {(row["table_name"], row["column_name"]): row["unit"] for row in csv.DictReader(stream)}
    assert units["large_corrected_table", "rate_final_hz"] == "Hz"


def test_the_full_table_has_every_pattern_and_region(settings: Settings) -> None:
    full = settings.model_copy(update={"export": Export(csv=False, parquet=False, large_table_full=True)})
    publish(full)  # the same build, with the counts
    path = full.paths.export / "parquet/large_table_full/station=1/month=2025-01/part-0.parquet"
    assert export(full).written == [str(path.relative_to(full.paths.export))]
    with duckdb.connect() as connection:
        names = [
            row[0]
            for row in connection.execute(
                "describe from read_parquet(?, hive_partitioning = false)", [str(path)]
            ).fetchall()
        ]
        rows = connection.execute(
            'select "1234_R1.3", "14_R3.7" from read_parquet(?, hive_partitioning = false)', [str(path)]
        ).fetchall()
    assert names[:3] == ["station_id", "minute_start", "n_events"]
    assert len(names) == 3 + 275
    assert rows == [(7, 0), (0, 0), (None, None)]  # counted, live without events, without live time
    change(full, "update fct_minute_count set region_code = 'R0.0'")
    publish(full)
    assert len(export(full).written) == 1
