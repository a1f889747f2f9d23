"""From cleaned strips to the statistics of the calibration, and what the fits make of them."""

import json
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pytest

from tests.conftest import ROOT
from tests.unit.detector.conftest import FILE_ID, Models, run_lint
from tests.unit.fit.parameters import file_parameters
from warehouse.fit.link import fit_links
from warehouse.fit.slewing import fit_slewings

PEDESTAL_NS = 90.0
SPEED_MM_PER_NS = 199.8616
LIGHT_MM_PER_NS = 299.792458
Z_MM = (0.0, 150.0, 300.0, 450.0)
N_EVENTS = 12_000
STRIPS = [(plane, strip) for plane in (1, 2, 3, 4) for strip in (1, 2, 3, 4)]


def walking_hits(models: Models, offset: np.ndarray, slope: np.ndarray) -> pl.DataFrame:
    """Rows of `int_hit`: two planes an event, one strip each, whose times follow the charge (arrays (4, 4), ns)."""
    rng = np.random.default_rng(3)
    centres = models.connection.execute("select y_centre_mm from strip_geometry order by plane, strip").fetchnumpy()
    plane = np.array([(a, b) for a in range(4) for b in range(a + 1, 4)])[rng.integers(0, 6, N_EVENTS)]
    strip = rng.integers(0, 4, plane.shape)
    x, y = rng.uniform(-100, 100, plane.shape), np.asarray(centres["y_centre_mm"]).reshape(4, 4)[plane, strip]
    z = np.array(Z_MM)[plane]
    flight = np.sqrt(np.diff(x) ** 2 + np.diff(y) ** 2 + np.diff(z) ** 2) / LIGHT_MM_PER_NS
    q = np.expm1(rng.uniform(1, 5, plane.shape))
    t = -125 + offset[plane, strip] + slope[plane, strip] * (np.log1p(q) - 3) + rng.normal(0, 0.1, plane.shape)
    t[:, 1] += flight[:, 0]
    event = np.repeat(np.arange(1, N_EVENTS + 1), 2)
    columns = {"plane": plane + 1, "strip": strip + 1, "t": t, "along": x / SPEED_MM_PER_NS, "q": PEDESTAL_NS + q}
    frame = pl.DataFrame({"event_number": event} | {name: values.ravel() for name, values in columns.items()})
    return frame.select(
        "event_number",
        "plane",
        "strip",
        file_id=pl.lit(FILE_ID),
        t_front_ns=pl.col("t") - pl.col("along"),
        t_back_ns=pl.col("t") + pl.col("along"),
        q_front_ns="q",
        q_back_ns="q",
        strip_state=pl.lit("two_ended"),
        trigger_type=pl.lit(1),
    )


def put_calibrated(models: Models, hits: pl.DataFrame, slewing_enabled: float = 0) -> None:
    """A warehouse with these hits and the constants of the first pass."""
    models.set_parameters(slewing_enabled=slewing_enabled)
    models.put("int_file_todo", [{"file_id": FILE_ID, "lake_path": "a"}])
    models.put("int_hit", hits)
    models.put_file(z=Z_MM, lake_path="a")
    constants = {"q_pedestal_front": PEDESTAL_NS, "q_pedestal_back": PEDESTAL_NS, "t_dif_offset": 0.0}
    key = [{"file_id": FILE_ID, "plane": plane, "strip": strip} for plane, strip in STRIPS]
    used = [row | {"constant": name, "value_ns": value} for row in key for name, value in constants.items()]
    models.put("int_cal_channel_used", used)
    models.put("int_cal_charge", [row | {"crosstalk_limit_ns": 1.1} for row in key])


def test_offsets_and_time_walk_from_hits(models: Models) -> None:
    rng = np.random.default_rng(1)
    offset, slope = rng.uniform(-4, 4, (4, 4)), rng.uniform(-0.3, 0.0, (4, 4))
    offset -= offset[0, 0]
    put_calibrated(models, walking_hits(models, offset, slope), slewing_enabled=1)
    links = models.run("int_cal_hit", "int_cal_link")
    assert links["n"].sum() == N_EVENTS
    first = fit_links(links.to_arrow().to_reader(), file_parameters(FILE_ID))
    models.put("int_cal_time_sum", pl.DataFrame(first))
    sums = models.run("int_cal_slewing_sum")
    found = pl.DataFrame(fit_slewings(sums.to_arrow(), file_parameters(FILE_ID, slewing_enabled=1)))
    np.testing.assert_allclose(found["t_slew_ns"], slope.ravel(), atol=0.02)
    at_reference = (offset + slope * (found["t_slew_ref"][0] - 3)).ravel()
    np.testing.assert_allclose(found["t_sum_offset_ns"], at_reference - at_reference[0], atol=0.03)
    assert found["t_slew_low"].is_between(1, 1.1).all()
    assert found["t_slew_high"].is_between(4.9, 5).all()


def test_no_sums_are_made_while_slewing_is_off(models: Models) -> None:
    nothing = np.zeros((4, 4))
    put_calibrated(models, walking_hits(models, nothing, nothing))
    links = models.run("int_cal_hit", "int_cal_link")
    models.put("int_cal_time_sum", pl.DataFrame(fit_links(links.to_arrow().to_reader(), file_parameters(FILE_ID))))
    assert models.run("int_cal_slewing_sum").height == 0


def test_the_largest_charge_of_a_plane_stands_for_it_unless_it_is_crosstalk(models: Models) -> None:
    def hit(event: int, plane: int, strip: int, q: float, t: float = 0.0, along: float = 0.0) -> dict[str, float]:
        times = {"t_front_ns": -125 + t - along, "t_back_ns": -125 + t + along}
        return {
            "event_number": event,
            "plane": plane,
            "strip": strip,
            "q_front_ns": 90 + q,
            "q_back_ns": 90 + q,
        } | times

    hits = [
        *(hit(1, 1, 1, 10.0), hit(1, 1, 2, 20.0), hit(1, 2, 3, 30.0, t=1.0)),  # strip 2 and strip 3
        *(hit(2, 1, 1, 10.0), hit(2, 2, 1, 1.0)),  # below the limit: no point in plane 2
        *(hit(3, 1, 1, 10.0), hit(3, 2, 1, 10.0, along=1.1)),  # beyond the end of the strip
        *(hit(4, 1, 3, 10.0), hit(4, 1, 2, 10.0), hit(4, 3, 1, 10.0)),  # equal charges: the lower strip
        *(hit(5, 1, 1, 10.0), hit(5, 4, 1, 10.0, t=25.0)),  # out of the range of the histogram
    ]
    known = {"file_id": FILE_ID, "strip_state": "two_ended", "trigger_type": 1}
    put_calibrated(models, pl.DataFrame([row | known for row in hits]))
    links = models.run("int_cal_hit", "int_cal_link").sort("plane_b")
    assert links.select("plane_a", "strip_a", "plane_b", "strip_b", "n").rows() == [(1, 2, 2, 3, 1), (1, 2, 3, 1, 1)]
    assert links["bin_index"][0] == np.floor((1.0 - np.hypot(150, 49 + 49) / LIGHT_MM_PER_NS) / 0.1)


def spectrum(values: np.ndarray, plane: int, strip: int, kind: str, width: float) -> pl.DataFrame:
    """Histogram of values as `int_cal_histogram_first` counts them."""
    bins, n = np.unique(np.floor(values / width).astype(int), return_counts=True)
    return pl.DataFrame({"bin_index": bins, "n": n}).with_columns(
        kind=pl.lit(kind), plane=pl.lit(plane), strip=pl.lit(strip)
    )


def test_histograms_count_two_ended_strips_of_coincidences(models: Models) -> None:
    hits = walking_hits(models, np.zeros((4, 4)), np.zeros((4, 4)))
    other = hits.head(10).with_columns(strip_state=pl.lit("one_ended"))
    self_trigger = hits.head(10).with_columns(trigger_type=pl.lit(2))
    put_calibrated(models, pl.concat([hits, other, self_trigger]))
    found = models.run("int_cal_histogram_first")
    assert dict(found.group_by("kind").agg(pl.col("n").sum()).rows()) == dict.fromkeys(
        ("q_front", "q_back", "t_dif"), hits.height
    )
    one = hits.filter((pl.col("plane") == 3) & (pl.col("strip") == 2))
    t_dif = (one["t_back_ns"].to_numpy() - one["t_front_ns"].to_numpy()) / 2
    expected = [spectrum(one["q_back_ns"].to_numpy(), 3, 2, "q_back", 0.05), spectrum(t_dif, 3, 2, "t_dif", 0.05)]
    columns = ["kind", "plane", "strip", "bin_index", "n"]
    here = found.filter((pl.col("plane") == 3) & (pl.col("strip") == 2) & (pl.col("kind") != "q_front"))
    wanted = pl.concat(expected).select(columns).cast({"plane": here["plane"].dtype, "strip": here["strip"].dtype})
    assert sorted(here.select(columns).rows()) == sorted(wanted.rows())


@pytest.fixture(scope="module")
def parameter_check(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The statement that stops a build with a wrong seed, as dbt compiles it."""
    folder = tmp_path_factory.mktemp("check")
    said = run_lint(folder, "compile", "--inline", "{{ detector_parameter_check_hook() }}", "--output", "json")
    return str(json.loads(said[said.index("{") :])["compiled"])


@pytest.fixture
def seed(tmp_path: Path) -> duckdb.DuckDBPyConnection:
    """The committed seed of parameters in a database of its own."""
    connection = duckdb.connect()
    connection.execute(
        "create table detector_parameter as from read_csv(?, types = {'station_id': 'tinyint', 'valid_from': 'date'})",
        [str(ROOT / "seeds" / "detector_parameter.csv")],
    )
    return connection


def test_the_committed_parameters_are_complete(parameter_check: str, seed: duckdb.DuckDBPyConnection) -> None:
    assert seed.execute(parameter_check).fetchall() == [(None,)]


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        ("delete from detector_parameter where parameter = 'link_beta'", "no general row of link_beta"),
        ("update detector_parameter set station_id = 3 where parameter = 'link_beta'", "no general row of link_beta"),
        (
            "insert into detector_parameter select parameter, 2, valid_from, value, unit, description"
            " from detector_parameter cross join range(2) where parameter = 'q_bin_ns'",
            "twice the row q_bin_ns station 2",
        ),
        (
            "insert into detector_parameter values ('q_bun_ns', 2, null, 1, 'ns', '')",
            "unknown name in row q_bun_ns station 2",
        ),
        (
            "update detector_parameter set unit = 'ps' where parameter = 'link_bin_ns'",
            "unit ps instead of ns in row link_bin_ns",
        ),
        (
            "update detector_parameter set value = null where parameter = 'link_beta'",
            "no finite value in row link_beta",
        ),
    ],
)
def test_a_wrong_seed_stops_the_build_with_a_sentence(
    parameter_check: str, seed: duckdb.DuckDBPyConnection, damage: str, sentence: str
) -> None:
    seed.execute(damage)
    with pytest.raises(duckdb.InvalidInputException, match=f"seed detector_parameter: .*{sentence}"):
        seed.execute(parameter_check).fetchall()


def test_a_strip_without_its_own_crosstalk_peak_borrows_none(models: Models) -> None:
    """Of two strips with the same neighbours one has looked and seen no peak: its limit is the largest one allowed."""
    strips = [{"file_id": FILE_ID, "plane": 1, "strip": strip} for strip in (1, 2)]
    models.connection.execute("delete from strip_geometry where plane > 1 or strip > 2")
    models.set_parameters()
    models.connection.execute("alter table int_file_parameter add column calibration_version varchar")
    models.put_file(lake_path="a", conf_number=1.0)
    models.put("int_raw_file", [{"lake_path": "a", "first_event_time": None, "last_event_time": None}])
    status = {"status": "neighbour", "n_before": 3, "n_after": 0}
    channel = {"q_pedestal_front": 90.0, "q_pedestal_back": 91.0, "t_dif_offset": 0.1}
    strip = {"t_sum_offset": 1.0, "crosstalk_mu": 0.4, "crosstalk_sigma": 0.2}
    for table, constants in (("int_cal_channel_used", channel), ("int_cal_strip_used", strip)):
        rows = [row | status | {"constant": name, "value_ns": v} for row in strips for name, v in constants.items()]
        models.put(table, rows)
    models.put("int_cal_channel", [row | {"side": "both", "width_ns": 1.2, "n_entries": 9} for row in strips])
    own = {"t_sum_sigma_ps": 9.0, "t_sum_gauge": "p1s1", "n_links": 12}
    seen = ("no_peak", "few_entries")
    models.put("int_cal_strip", [row | own | {"crosstalk_fit": word} for row, word in zip(strips, seen, strict=True)])
    polynomial = {f"q_fb_c{i}": 0.0 for i in range(5)} | {"q_fb_low_ns": 0.0, "q_fb_high_ns": 9.0, "q_fb_degree": 1}
    models.put("int_cal_front_back_used", [row | polynomial | {"status": "fresh"} for row in strips])
    models.put("fct_channel_status", [row | {"side": s, "n_good": 9} for row in strips for s in ("front", "back")])
    found = models.run("fct_calibration").sort("strip")
    names = [f"crosstalk_{part}" for part in ("status", "mu_ns", "sigma_ns", "pedestal_ns", "limit_ns")]
    assert found.select(names).row(0) == ("no_peak", None, None, None, 1.2)
    assert found.select(names).row(1) == pytest.approx(("neighbour", 0.4, 0.2, 0.0, 1.0))
    assert found["is_usable"].all()
    assert found["t_slew_ns"].null_count() == 2
