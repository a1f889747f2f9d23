"""Settings: `mingo.toml`, then `MINGO_*` environment variables, then command-line options; the later wins.

Secrets come from the environment only and are typed as such, so that no printout shows them.
"""

import os
import tomllib
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from warehouse.address import is_safe
from warehouse.masking import MASK, add_secrets, masked
from warehouse.paths import PROJECT_ROOT, Paths
from warehouse.variables import is_variable

CRON_FIELDS = 5


class ConfigurationError(Exception):
    """A wrong key or value in the configuration; the message is one line that names it."""


class Section(BaseModel):
    """A table of `mingo.toml`; an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _check_cron(text: str) -> str:
    if len(text.split()) != CRON_FIELDS:
        raise ValueError(f"'{text}' is not a cron line of five fields (UTC)")
    return text


def _check_bin_width(width_s: int) -> int:
    day_s = 86_400
    if width_s < 60 or (day_s % width_s and width_s % day_s):
        raise ValueError(f"{width_s} s is neither a divisor of a day of at least 60 s nor a whole number of days")
    return width_s


def _check_address(address: str) -> str:
    if not is_safe(address):
        raise ValueError("the address must begin with https:// (plain http only on this machine)")
    return address


def _check_secret_address(address: SecretStr) -> SecretStr:
    if not is_variable(address.get_secret_value()):
        _check_address(address.get_secret_value())
    return address


def _check_step(hours: list[int]) -> list[int]:
    if len(set(hours)) < len(hours):
        raise ValueError("an hour stands twice")
    return sorted(hours)


Cron = Annotated[str, AfterValidator(_check_cron)]


class Extract(Section):
    """Extraction of landed files into the lake."""

    workers: int = Field(2, ge=1, description="processes that parse detector files at the same time")


class Transform(Section):
    """The dbt build."""

    max_files: int = Field(200, ge=1, description="detector files in one batch; bounds the memory, not the result")
    memory_limit: str = Field("1GB", pattern=r"^\d+(MB|GB)$", description="memory DuckDB may use; it spills beyond")
    wait_s: float = Field(300, ge=0, description="seconds a person's command waits for the lock of the build file")


class RemoteSource(Section):
    """Where one source of a station lies: an SFTP server, the account there, a directory.

    ``${NAME}`` in ``user``, ``key_file`` and ``known_hosts`` stands for an environment variable, read when needed.
    """

    host: str = Field(min_length=1, pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]*$", description="name or address of the host")
    port: int | None = Field(None, ge=1, le=65_535, description="port; without one that of `dat`, else 22")
    user: str = Field("", description="account; without one that of `dat`")
    key_file: str = Field("", description="private key, a path; without one that of `dat`")
    known_hosts: str = Field("", description="file with the pinned host keys, a path; without one that of `dat`")
    directory: str = Field(min_length=1, description="folder on the host")
    include: list[str] = Field([], description="patterns of the names to fetch; without any those usual for the source")
    exclude: list[str] = Field([], description="patterns of names to leave out")


class StationSources(Section):
    """The remote sources of one station."""

    dat: RemoteSource | None = Field(None, description="detector files, text")
    hld: RemoteSource | None = Field(None, description="the archive of binary detector files")
    log: RemoteSource | None = Field(None, description="lab logs")


class Acquire(Section):
    """Fetching from remote sources."""

    sources: list[Literal["era5", "nmdb", "logbook"]] = Field(
        [], description="what `mingo acquire` without a word, `mingo run` and the schedules fetch beside the stations"
    )
    contact: str = Field(
        "", max_length=200, pattern=r"^[ -~]*$", description="address sent with each request, as is good manners"
    )
    stations: dict[str, StationSources] = Field({}, description="the stations' servers by station code")
    min_age_s: float = Field(600, ge=0, description="age a remote detector file must have, s")
    max_files: int = Field(200, ge=1, description="files of one run, station and source, at most")
    workers: int = Field(4, ge=1, description="stations that are asked at the same time")
    connect_timeout_s: float = Field(15, gt=0, description="seconds a connection may take")
    idle_timeout_s: float = Field(60, gt=0, description="seconds a connection may be silent")
    attempts: int = Field(3, ge=1, description="attempts to fetch a file")
    remote_hash: Literal["auto", "off", "required"] = Field(
        "auto", description="whether the host is asked for the SHA-256 of a file that was fetched"
    )
    hld_window: Literal["flag", "filter", "off"] = Field(
        "flag", description="what is done with archive files of unusual size or duration"
    )
    min_free_gib: float = Field(20, ge=0, description="free disk below which nothing more is fetched, GiB")


class Backfill(Section):
    """Fetching and extracting old files on demand."""

    from_day: date = Field(date(2023, 7, 1), description="first day that may be drawn at random")
    listing_max_age_d: float = Field(7, ge=0, description="age at which the listing of an archive is made again, days")
    limit: int = Field(100, ge=1, description="files of one run, at most")
    budget_s: float = Field(3000, gt=0, description="seconds after which a run begins no further file")
    batch_s: float = Field(60, gt=0, description="seconds of work before a run lets the others pass")
    pause_s: float = Field(2, ge=0, description="seconds in which the others may pass")


class Era5(Section):
    """Requests to the Climate Data Store; its credentials are `CDSAPI_URL` and `CDSAPI_KEY`, or its own rc file."""

    start_date: date = Field(date(2023, 7, 1), description="first day wanted")
    products: list[Literal["single", "pl100", "profile"]] = Field(
        ["single", "pl100", "profile"], min_length=1, description="what is asked for"
    )
    profile_hours: Annotated[list[Annotated[int, Field(ge=0, le=23)]], AfterValidator(_check_step)] = Field(
        [0, 3, 6, 9, 12, 15, 18, 21], min_length=1, description="UTC hours of the temperature profile"
    )
    half_width_deg: float = Field(0.25, gt=0, le=2, description="half the side of the box around a station, degrees")
    max_fields_per_request: int = Field(5000, ge=1, description="variables x levels x hours of one request, at most")
    max_requests_per_run: int = Field(40, ge=1, description="requests of one run, at most; the rest follows later")
    job_deadline_s: float = Field(10_800, gt=0, description="seconds a run waits for the service's queue")
    latency_days: float = Field(5, ge=0, description="age at which the service has a day, days")
    final_check_after_days: int = Field(65, ge=0, description="age from which preliminary data are asked for again")
    recheck_every_days: int = Field(7, ge=0, description="days between two such requests for one block")
    final_overdue_days: int = Field(150, ge=0, description="age from which preliminary data give a warning")


class Nmdb(Section):
    """Requests to the neutron monitor database."""

    base_url: Annotated[str, AfterValidator(_check_address)] = Field(
        "https://www.nmdb.eu/nest/draw_graph.php", description="address of the service"
    )
    offline: bool = Field(False, description="true: nothing is asked, landing is what there is")
    start_date: date = Field(date(2023, 7, 1), description="first day wanted")
    block_days: int = Field(31, ge=1, description="days of one request")
    refresh_days: int = Field(100, ge=0, description="the last days, asked for again in every run")
    pause_s: float = Field(2, ge=0, description="seconds between two requests")
    budget_s: float = Field(1800, gt=0, description="seconds after which a run begins no further request")


class Logbook(Section):
    """The sheets with the stations' configurations."""

    url: dict[str, Annotated[SecretStr, AfterValidator(_check_secret_address)]] = Field(
        {}, description="CSV export of each station's sheet by station code; ${NAME} stands for an environment variable"
    )


class Detector(Section):
    """The detector chain."""

    quality_time_scan: bool = Field(
        False, description="scan the spread of the plane times of each file transformed from now on"
    )


class Lab(Section):
    """Lab logs."""

    fallback_quantities: list[Literal["pressure", "temperature", "humidity"]] = Field(
        ["pressure"], description="quantities for which the inside sensor may stand in for the outside one"
    )


class Bins(Section):
    """Quality rules of minutes and bins."""

    minute_z_max: float = Field(6, gt=0, description="a minute further off than this many sigma is left out of its bin")
    min_coverage: float = Field(0.5, ge=0, le=1, description="live share below which a bin is not usable")


class Pressure(Section):
    """The barometric fit."""

    enabled: bool = Field(True, description="false: nothing is fitted, the seeded coefficients are applied")
    min_rows: int = Field(168, ge=2, description="hours a fit needs")
    min_span_hpa: float = Field(5, ge=0, description="p95 - p05 of the pressure a fit needs, hPa")
    max_sigma_pct_per_hpa: float = Field(
        0.03, gt=0, description="limit on the error of a direction group's coefficient"
    )
    applied_scope: Literal["config", "month"] = Field("config", description="range whose coefficient is applied")
    rolling_half_width_days: list[Annotated[int, Field(ge=1)]] = Field(
        [14, 28, 56, 91, 182], min_length=1, description="half widths of the windows of the rolling coefficient, days"
    )
    rolling_groups: list[str] = Field(["all"], description="direction groups that have a rolling coefficient")


class Primary(Section):
    """The primary flux, as neutron monitors see it."""

    disturbed_drop_pct: float = Field(
        2.0, gt=0, description="a monitor this far below its median of the 27 days before is disturbed, %"
    )


class Temperature(Section):
    """The joint fit of pressure and temperature."""

    apply: bool = Field(False, description="true: the corrected rate has the temperature correction, where it exists")
    methods: list[Literal["mass", "effective", "duperier"]] = Field(
        ["mass", "duperier"], description="methods whose coefficients are used, the first that has a good fit"
    )
    min_days: int = Field(120, ge=10, description="days a fit needs")
    min_span_k: float = Field(8, ge=0, description="p95 - p05 of the temperature a fit needs, K; not for duperier")
    min_span_km: float = Field(0.2, ge=0, description="p95 - p05 of the 100 hPa height that duperier needs, km")
    max_condition: float = Field(30, gt=1, description="largest condition number of the regressors")
    max_vif: float = Field(10, gt=1, description="largest variance inflation factor of a regressor")


class Trend(Section):
    """The learned trend of the rate."""

    enabled: bool = Field(False, description="true: a learned trend is fitted and judged; no rate ever uses it")


class Corrections(Section):
    """Bins, efficiency, pressure, temperature and trend."""

    bin_widths_s: list[Annotated[int, AfterValidator(_check_bin_width)]] = Field(
        [3600], min_length=1, description="widths of the bins, s; each divides a day or is a whole number of days"
    )
    efficiency_outer_method: Literal["fiducial", "acceptance"] = Field(
        "fiducial", description="how the efficiencies of planes 1 and 4 are found"
    )
    bins: Bins = Bins()
    pressure: Pressure = Pressure()
    primary: Primary = Primary()
    temperature: Temperature = Temperature()
    trend: Trend = Trend()


class Publish(Section):
    """The published DuckDB file."""

    storage_version: str = Field(
        "v1.2.0", pattern=r"^v1\.\d+\.\d+$", description="DuckDB storage version; v1.2.0 opens in 1.2, 1.4 and 1.5"
    )
    grafana_copy: bool = Field(True, description="also write <data>/grafana/serving.duckdb, the copy Grafana opens")


class Export(Section):
    """CSV and Parquet files made from the published tables."""

    csv: bool = Field(True, description="write the CSV files of every station and of the network")
    parquet: bool = Field(True, description="write the Parquet partitions by station and month")
    large_table_full: bool = Field(
        False, description="also write large_table with the counts of every pattern and region, 275 columns more"
    )


class FlowSchedule(Section):
    """When one flow runs."""

    cron: Cron
    is_enabled: bool = Field(True, description="false: the flow is registered without a schedule")


class Schedule(Section):
    """Cron lines in UTC, one table a flow."""

    acquire_events: FlowSchedule = FlowSchedule(cron="2-59/15 * * * *")
    acquire_logs: FlowSchedule = FlowSchedule(cron="4-59/15 * * * *")
    acquire_era5: FlowSchedule = FlowSchedule(cron="0 13 * * *")
    acquire_nmdb: FlowSchedule = FlowSchedule(cron="0 2 * * *")
    acquire_logbook: FlowSchedule = FlowSchedule(cron="25 */6 * * *")
    extract: FlowSchedule = FlowSchedule(cron="6-59/15 * * * *")
    transform: FlowSchedule = FlowSchedule(cron="10-59/15 * * * *")
    publish: FlowSchedule = FlowSchedule(cron="58 * * * *")
    report: FlowSchedule = FlowSchedule(cron="14 * * * *")
    run: FlowSchedule = FlowSchedule(cron="0 0 * * *", is_enabled=False)


class Prefect(Section):
    """Prefect's own API server."""

    host: str = Field("127.0.0.1", description="address the server listens on; other than loopback needs a proxy")
    port: int = Field(4200, ge=1, le=65_535, description="port of the server and its pages")


class Settings(BaseSettings):
    """All settings of a project folder; see `mingo.example.toml` for every key with its default."""

    model_config = SettingsConfigDict(
        env_prefix="MINGO_", env_nested_delimiter="__", extra="forbid", frozen=True, validate_default=True
    )

    data_dir: Path = Field(Path("data"), description="folder of all data; relative to the project folder")
    acquire: Acquire = Acquire()
    backfill: Backfill = Backfill()
    era5: Era5 = Era5()
    nmdb: Nmdb = Nmdb()
    logbook: Logbook = Logbook()
    extract: Extract = Extract()
    transform: Transform = Transform()
    detector: Detector = Detector()
    lab: Lab = Lab()
    corrections: Corrections = Corrections()
    publish: Publish = Publish()
    export: Export = Export()
    schedule: Schedule = Schedule()
    prefect: Prefect = Prefect()

    @property
    def paths(self) -> Paths:
        """The folders below the data folder, absolute."""
        return Paths((PROJECT_ROOT / self.data_dir.expanduser()).resolve())

    @property
    def dbt_vars(self) -> dict[str, Any]:
        """What SQL reads, under the names of the ``vars`` in `dbt_project.yml`."""
        corrections = self.corrections
        return {
            "max_files": self.transform.max_files,
            "quality_time_scan": self.detector.quality_time_scan,
            "lab_fallback_quantities": list(self.lab.fallback_quantities),
            "bin_widths_s": list(corrections.bin_widths_s),
            "bins_minute_z_max": corrections.bins.minute_z_max,
            "bins_min_coverage": corrections.bins.min_coverage,
            "efficiency_outer_method": corrections.efficiency_outer_method,
            "pressure_enabled": corrections.pressure.enabled,
            "pressure_min_rows": corrections.pressure.min_rows,
            "pressure_min_span_hpa": corrections.pressure.min_span_hpa,
            "pressure_max_sigma_pct_per_hpa": corrections.pressure.max_sigma_pct_per_hpa,
            "pressure_applied_scope": corrections.pressure.applied_scope,
            "primary_disturbed_drop_pct": corrections.primary.disturbed_drop_pct,
            "pressure_rolling_half_width_days": list(corrections.pressure.rolling_half_width_days),
            "pressure_rolling_groups": list(corrections.pressure.rolling_groups),
            "temperature_apply": corrections.temperature.apply,
            "temperature_methods": list(corrections.temperature.methods),
            "temperature_min_days": corrections.temperature.min_days,
            "temperature_min_span_k": corrections.temperature.min_span_k,
            "temperature_min_span_km": corrections.temperature.min_span_km,
            "temperature_max_condition": corrections.temperature.max_condition,
            "temperature_max_vif": corrections.temperature.max_vif,
            "trend_enabled": corrections.trend.enabled,
        }

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Options before environment before `mingo.toml`."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, config_file())


def config_file() -> Path:
    """The operator's configuration: ``MINGO_CONFIG``, else `mingo.toml` in the project folder (it may be absent)."""
    return Path(os.environ.get("MINGO_CONFIG", PROJECT_ROOT / "mingo.toml")).expanduser()


def load_settings(**options: Any) -> Settings:  # noqa: ANN401 - option values are checked by the model
    """Read and check the settings.

    Raises
    ------
    ConfigurationError
        With one line naming the file or variable, the key and what is wrong.
    """
    try:
        settings = Settings(**options)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{config_file()}: not valid TOML: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        message = "unknown key" if first["type"] == "extra_forbidden" else first["msg"].removeprefix("Value error, ")
        raise ConfigurationError(f"configuration key '{key}': {message} (see mingo.example.toml)") from None
    add_secrets(address.get_secret_value() for address in settings.logbook.url.values())
    return settings


def as_shown(value: object) -> object:
    """Settings for a person's eyes: plain values, secrets masked."""
    if isinstance(value, BaseModel):
        return {name: as_shown(getattr(value, name)) for name in type(value).model_fields}
    if isinstance(value, SecretStr):
        return MASK
    if isinstance(value, dict):
        return {name: as_shown(part) for name, part in value.items()}
    if isinstance(value, str):
        return masked(value)
    return str(value) if isinstance(value, Path | date) else value
