"""Marked secrets in every place an operator may put one: after all fetches, good and bad, none is written anywhere."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from simulate.openssh import OpenSsh, OpenSshError, find_sshd
from simulate.remote import fill_station
from simulate.ssh_keys import make_key
from tests.integration.conftest import Home
from tests.servers.cds import KEY, NO_ACCESS, FakeCds
from tests.servers.nest import FakeNest
from tests.servers.sheets import FakeSheets
from warehouse.masking import MASK

SHEET, TOKEN, PASSWORD, PHRASE = "marked-sheet-1f3", "marked-token-77a", "marked-pass-c0de", "marked-phrase-9z"
STATION = """
[acquire.stations.{code}.dat]
host = "127.0.0.1"
port = {port}
user = "{user}"
key_file = "{key}"
known_hosts = "{known_hosts}"
directory = "{directory}"
"""


class Spoken:
    """A data folder with fake secrets in its environment, and all that was said in it."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.home = Home(folder / "data")
        self.home.data_dir.mkdir()
        self.user_home = folder / "home"
        self.user_home.mkdir()
        self.environment = environment | {"HOME": str(self.user_home)}
        self.said: list[str] = []

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        result = self.home.mingo(*arguments, check=False, **(self.environment | environment))
        self.said.append(result.stdout + result.stderr)
        return result


def entries(server: OpenSsh, folder: Path) -> str:
    """Stations that can be read, refuse the key, have a key with a pass phrase, and show another host key."""
    (server.root / "events").mkdir()
    fill_station(server.root / "events", 1, 2, start=datetime.now(UTC).replace(tzinfo=None) - timedelta(days=2))
    known_hosts = server.write_known_hosts(folder / "known_hosts")
    locked = make_key(folder / "locked")
    words = ["ssh-keygen", "-q", "-p", "-P", "", "-N", PHRASE, "-f", str(locked)]
    subprocess.run(words, check=True, capture_output=True)
    other = server.write_known_hosts(folder / "other_hosts", key=make_key(folder / "other_host"))
    facts: dict[str, Any] = {
        "port": server.port,
        "user": server.user,
        "known_hosts": known_hosts,
        "directory": server.remote(server.root / "events"),
    }
    keys = {"MINGO01": server.client_key, "MINGO02": make_key(folder / "unknown"), "MINGO03": locked}
    text = "".join(STATION.format(code=code, key=key, **facts) for code, key in keys.items())
    return text + STATION.format(code="MINGO04", key=server.client_key, **(facts | {"known_hosts": other}))


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spoken]:
    """Every fetch ran, once well and once refused."""
    try:
        find_sshd()
    except OpenSshError as error:
        pytest.skip(str(error))
    folder = tmp_path_factory.mktemp("secrets")
    with ExitStack() as stack:
        server = stack.enter_context(OpenSsh(folder / "server"))
        cds, nest, sheets = (stack.enter_context(one()) for one in (FakeCds, FakeNest, FakeSheets))
        nest_address = nest.url.replace("http://", f"http://joe:{PASSWORD}@")
        start = (datetime.now(UTC).date() - timedelta(days=8)).isoformat()
        spoken = Spoken(
            folder,
            {
                "NO_PROXY": "127.0.0.1",
                "CDSAPI_RC": str(folder / "none"),
                "CDSAPI_URL": f"{cds.url}/api",
                "CDSAPI_KEY": KEY,
                "MINGO_ERA5__START_DATE": start,
                "MINGO_ERA5__PRODUCTS": '["single"]',
                "MINGO_NMDB__START_DATE": start,
                "MINGO_NMDB__PAUSE_S": "0",
                "MINGO_NMDB__BASE_URL": f"{nest_address}/nest/draw_graph.php",
                "MINGO_LOGBOOK__URL__MINGO01": f"{sheets.url}/{SHEET}/export?token={TOKEN}",
                "KEY_PASSPHRASE": PHRASE,
            },
        )
        (spoken.home.data_dir / "mingo.toml").write_text(entries(server, folder))
        assert spoken.run("-v", "acquire", "era5", "--station", "1").returncode == 0
        cds.refusals.append(NO_ACCESS)
        for words in (("era5",), ("logbook",), ("nmdb",), ("events",)):
            spoken.run("-v", "acquire", *words)
        sheets.script.append(404)
        for words in (("logbook",), ("events",)):
            spoken.run("-v", "acquire", *words, "--json")
        spoken.run("acquire", "era5", CDSAPI_KEY=f"12:{KEY}")
        for words in (("extract",), ("config",), ("doctor",)):
            spoken.run("-v", *words)
        assert KEY in cds.keys_seen
        assert any(SHEET in str(entry) for entry in sheets.log)
        yield spoken


def secrets(spoken: Spoken) -> list[str]:
    """The marks, and a line of each private key."""
    folder = spoken.user_home.parent
    keys = [folder / "server" / "client_key", *(folder / name for name in ("locked", "unknown", "other_host"))]
    return [KEY, SHEET, TOKEN, PASSWORD, PHRASE, *(key.read_text().splitlines()[2] for key in keys)]


def test_nothing_that_was_said_holds_a_secret(spoken: Spoken) -> None:
    said = "".join(spoken.said)
    assert [secret for secret in secrets(spoken) if secret in said] == []
    assert MASK in said
    for reason in ("pass phrase", "refuses user", "answers landed", "host key"):
        assert reason in said, reason


def test_nothing_that_was_written_holds_a_secret(spoken: Spoken) -> None:
    folders = (spoken.home.data_dir, spoken.user_home)
    written = [path for folder in folders for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    assert any(path.name.endswith(".dat") for path in written)
    assert any(path.name.endswith(".meta.json") for path in written)
    marks = [secret.encode() for secret in secrets(spoken)]
    found = {
        os.fspath(path)
        for path in written
        for content in (path.read_bytes(),)
        for mark in marks
        if mark in content and path.name != "mingo.toml"
    }
    assert found == set()
