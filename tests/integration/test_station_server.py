"""The station commands and a real OpenSSH server: keys are confirmed, pinned, pinned anew; none is taken unseen."""

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from simulate.openssh import HOST, OpenSsh, OpenSshError, find_sshd
from tests.integration.station_project import FIFTH, Project, copied_project

EVENT = "{at:%Y %m %d %H %M} {second:02d} 1 " + " ".join(["0.0000"] * 64) + "\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenSsh]:
    """A station's server with one detector file and the logs of the last minutes."""
    try:
        find_sshd()
    except OpenSshError as error:
        pytest.skip(str(error))
    with OpenSsh(tmp_path_factory.mktemp("sshd")) as running:
        now = datetime.now(UTC).replace(tzinfo=None)
        events, logs = running.root / "data", running.root / "logs"
        (logs / "done").mkdir(parents=True)
        events.mkdir()
        start = now - timedelta(hours=1)
        name = f"mi05{start:%y%j%H%M%S}.dat"
        (events / name).write_text("".join(EVENT.format(at=start, second=second) for second in range(60)))
        old = time.time() - 1800
        os.utime(events / name, (old, old))
        at = now - timedelta(minutes=2)
        (logs / f"rates_{at:%Y-%m-%d}.log").write_text(
            f"{at:%Y-%m-%dT%H:%M:%S}; 12.4 10.1 9.8 64.0 81.5 90.2 104.6 5.9 3.3 3.1 5.4 \n"
        )
        yield running


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """An operator's checkout."""
    return copied_project(tmp_path_factory.mktemp("operator"))


def sources(server: OpenSsh, port: int | None = None) -> list[str]:
    return [
        *("--host", HOST, "--port", str(port or server.port), "--user", server.user, "--key-env", "STATION_KEY"),
        *("--remote-events", server.remote(server.root / "data")),
        *("--remote-logs", server.remote(server.root / "logs")),
    ]


def test_a_station_from_its_first_key_to_its_next(project: Project, server: OpenSsh) -> None:
    add = ["station", "add", *FIFTH, *sources(server)]
    before = project.files()
    wrong = "SHA256:" + "A" * 43
    for words, message in (([], "is needed where nobody can be asked"), (["--host-key", wrong], "not this key")):
        refused = project.mingo(*add, *words)
        assert refused.returncode == 2, refused.stderr
        assert message in refused.stderr
        assert server.fingerprint in refused.stderr
        assert len(refused.stderr.splitlines()) == 1
        assert project.files() == before

    done = project.mingo(*add, "--host-key", server.fingerprint)
    assert done.returncode == 0, done.stderr
    assert f"[{HOST}]:{server.port} " in (project.root / "known_hosts").read_text()
    pinned = project.files()
    again = project.mingo(*add, "--host-key", server.fingerprint)
    assert (again.returncode, "nothing to do" in again.stdout, project.files()) == (0, True, pinned)

    key = {"STATION_KEY": str(server.client_key)}
    checked = project.mingo("station", "check", "MINGO05", **key)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "60 events, 0 rejected lines" in checked.stdout
    assert "log rates" in checked.stdout
    assert "GiB free" in checked.stdout
    unset = project.mingo("station", "check", "MINGO05")
    assert (unset.returncode, "STATION_KEY is not set" in unset.stdout) == (1, True)

    server.change_host_key()
    changed = project.mingo("station", "check", "MINGO05", **key)
    assert changed.returncode == 1
    assert "has CHANGED" in changed.stdout
    assert project.files() == pinned
    assert project.mingo("station", "repin", "MINGO05", "--host-key", wrong).returncode == 2
    assert project.mingo("station", "repin", "MINGO05").returncode == 2
    assert project.files() == pinned
    assert project.mingo("station", "repin", "MINGO05", "--host-key", server.fingerprint).returncode == 0
    assert {name for name, digest in project.files().items() if pinned[name] != digest} == {"known_hosts"}
    assert project.mingo("station", "check", "MINGO05", **key).returncode == 0


def test_a_server_that_does_not_answer_writes_nothing(project: Project, server: OpenSsh, tmp_path: Path) -> None:
    before = project.files()
    sixth = [word.replace("MINGO05", "MINGO06") if word != "5" else "6" for word in FIFTH]
    words = ["station", "add", *sixth, *sources(server, port=1), "--host-key", server.fingerprint]
    silent = project.mingo(*words)
    assert (silent.returncode, "--offline" in silent.stderr) == (1, True), silent.stderr
    assert project.files() == before
