"""What `mingo doctor` looks at: each check is one function that returns a finding and, where needed, the remedy."""

import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from warehouse.paths import PROJECT_ROOT
from warehouse.settings import Settings

GIB = 1 << 30
MIN_FREE_GIB = 5
LOW_FREE_GIB = 20
NETWORK_FILE_SYSTEMS = {"nfs", "nfs4", "cifs", "smb3", "fuse.sshfs", "ceph", "glusterfs", "lustre"}

Status = Literal["ok", "warning", "failed"]


@dataclass(frozen=True)
class Check:
    """A finding: what was checked, how it stands, and what to do when it does not."""

    name: str
    status: Status
    message: str


def check_python(settings: Settings) -> Check:
    """Python is new enough."""
    found = ".".join(str(part) for part in sys.version_info[:3])
    requirement = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    oldest = tuple(int(part) for part in requirement.removeprefix(">=").split("."))
    if sys.version_info[:2] < oldest:
        return Check("python", "failed", f"{found}; install Python {requirement} and remove .venv")
    return Check("python", "ok", found)


def check_packages(settings: Settings) -> Check:
    """The installed packages are those of the lock."""
    wrong = []
    for line in (PROJECT_ROOT / "requirements.lock").read_text().splitlines():
        requirement, _, marker = line.rstrip("\\ ").partition(" ; ")
        name, separator, wanted = requirement.partition("==")
        if not separator or marker:
            continue
        try:
            found = version(name)
        except PackageNotFoundError:
            found = "absent"
        if found != wanted:
            wrong.append(f"{name} {found} instead of {wanted}")
    if wrong:
        return Check("packages", "failed", f"{wrong[0]} ({len(wrong)} in all); remove .venv and run any mingo command")
    return Check("packages", "ok", "as in requirements.lock")


def check_data_dir(settings: Settings) -> Check:
    """The data folder can be written."""
    folder = settings.paths.data_dir
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".doctor.{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        return Check("data folder", "failed", f"{folder}: {error.strerror}; give this user the right to write there")
    return Check("data folder", "ok", str(folder))


def check_file_system(settings: Settings) -> Check:
    """The data folder is on a local disk: file locks are not dependable elsewhere."""
    mounts = Path("/proc/mounts")
    if not mounts.exists():
        return Check("file system", "warning", "cannot be told on this system; the data folder must be on a local disk")
    best = ("/", "unknown")
    for line in mounts.read_text().splitlines():
        _, mount, kind, *_ = line.split()
        if str(settings.paths.data_dir).startswith(mount.rstrip("/") + "/") and len(mount) >= len(best[0]):
            best = (mount, kind)
    if best[1] in NETWORK_FILE_SYSTEMS:
        return Check("file system", "failed", f"{best[1]} at {best[0]}; set data_dir to a folder on a local disk")
    return Check("file system", "ok", best[1])


def check_disk(settings: Settings) -> Check:
    """There is room to work."""
    free_gib = shutil.disk_usage(settings.paths.data_dir).free / GIB
    message = f"{free_gib:.0f} GiB free"
    if free_gib < MIN_FREE_GIB:
        return Check("disk", "failed", f"{message}; free at least {MIN_FREE_GIB} GiB or move data_dir")
    if free_gib < LOW_FREE_GIB:
        return Check("disk", "warning", f"{message}; below {LOW_FREE_GIB} GiB")
    return Check("disk", "ok", message)


def check_sources(settings: Settings) -> Check:
    """What is to be fetched can be asked for; nobody is asked here."""
    from flows.acquisition import configured

    sources = configured(settings)
    problems = _station_problems(settings)
    if "era5" in sources:
        from extract.era5.client import read_credentials
        from extract.era5.refusal import CdsError

        try:
            read_credentials()
        except CdsError as error:
            problems.append(f"era5: {error.detail}")
    if "logbook" in sources and not settings.logbook.url:
        problems.append("logbook: no address; set logbook.url.<station code>")
    if "nmdb" in sources and settings.nmdb.offline:
        problems.append("nmdb: nmdb.offline is set, nothing is asked")
    if problems:
        return Check("remote sources", "warning", "; ".join(problems))
    return Check("remote sources", "ok", ", ".join(sources) or "none configured (acquire.stations, acquire.sources)")


def _station_problems(settings: Settings) -> list[str]:
    """What keeps the stations' servers from being asked, as far as it can be seen from here."""
    from extract.transfer.sftp.endpoint import SOURCES
    from extract.transfer.stations import UnknownStationError
    from flows.station_fetch import find_endpoints

    problems: list[str] = []
    for source in SOURCES:
        try:
            endpoints, failures, _ = find_endpoints(settings, source, None)
        except UnknownStationError as error:
            return [f"acquire.stations: {error}"]
        problems += [failure.problem for failure in failures]
        for endpoint in endpoints:
            for path in (endpoint.key_file, endpoint.known_hosts):
                if not path.is_file():
                    problems.append(f"{endpoint.station_code} {source}: no file {path}")
    return list(dict.fromkeys(problems))


def check_dbt(settings: Settings) -> Check:
    """The dbt project parses."""
    from warehouse import dbt
    from warehouse.parse_cache import keep_parse, kept_parse

    call = dbt.call(settings.paths, ["parse", "--quiet"], settings.dbt_vars)
    settings.paths.data_dir.mkdir(parents=True, exist_ok=True)
    result = subprocess.run(
        call.command,
        cwd=call.folder,
        env=call.environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    keep_parse(settings.paths.dbt_target, kept_parse(settings.dbt_vars))
    if result.returncode:
        last = (result.stdout + result.stderr).strip().splitlines()[-1:]
        return Check(
            "dbt project", "failed", f"does not parse: {' '.join(last)}; compare models/ with the last release"
        )
    return Check("dbt project", "ok", "parses")


def check_published(settings: Settings) -> Check:
    """The published file opens."""
    from warehouse.publish import published_word

    serving = settings.paths.serving
    if not serving.exists():
        return Check("published file", "warning", "none yet; run `mingo run` (or `mingo demo` to try)")
    published_at = published_word(serving, "published_at")
    if published_at is None:
        return Check(
            "published file", "failed", f"{serving} does not open; run `mingo publish --rollback` or `mingo publish`"
        )
    return Check("published file", "ok", f"published {published_at}")


CHECKS: tuple[Callable[[Settings], Check], ...] = (
    check_python,
    check_packages,
    check_data_dir,
    check_file_system,
    check_disk,
    check_sources,
    check_dbt,
    check_published,
)


def check_all(settings: Settings) -> list[Check]:
    """All checks, in the order in which a person would mend them."""
    return [check(settings) for check in CHECKS]
