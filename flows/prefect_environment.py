"""The environment of every process that imports Prefect: its home below the data folder, its server, no telemetry.

Prefect reads its settings when it is imported, so this must be in place before. Nothing here imports Prefect.
"""

import os

from warehouse.paths import PROJECT_ROOT
from warehouse.settings import Settings

# Run history is kept as long as Prefect's default, 90 days; without the second word only events would ever be removed.
VACUUM = "events,flow_runs"
# How long a request waits for SQLite's lock before the server answers 503; 10 s are too few on a busy machine.
LOCK_PATIENCE_S = "60"


def api_url(settings: Settings) -> str:
    """Address of the API of Prefect's server."""
    host = settings.prefect.host
    reachable = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)  # noqa: S104 - a name to compare with
    return f"http://{reachable}:{settings.prefect.port}/api"


def prefect_environment(settings: Settings) -> dict[str, str]:
    """Environment variables that bind Prefect, and whatever it starts, to one data folder and one server."""
    home = settings.paths.prefect
    return {
        "MINGO_DATA_DIR": str(settings.paths.data_dir),
        "PYTHONPATH": os.pathsep.join(filter(None, (str(PROJECT_ROOT), os.environ.get("PYTHONPATH")))),
        "PREFECT_HOME": str(home),
        "PREFECT_PROFILES_PATH": str(home / "profiles.toml"),
        "PREFECT_API_URL": api_url(settings),
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{home / 'prefect.db'}",
        "PREFECT_SERVER_EPHEMERAL_ENABLED": "false",
        "PREFECT_SERVER_DATABASE_TIMEOUT": LOCK_PATIENCE_S,
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": VACUUM,
        "PREFECT_LOGGING_EXTRA_LOGGERS": "flows,extract,warehouse",
        "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
        "PREFECT_CLI_PROMPT": "false",
        "DO_NOT_TRACK": "1",
    }


def enter(settings: Settings) -> None:
    """Put the environment in place for this process and its children; call it before the first import of Prefect."""
    settings.paths.prefect.mkdir(parents=True, exist_ok=True)
    os.environ.update(prefect_environment(settings))
