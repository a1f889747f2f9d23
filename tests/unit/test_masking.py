"""Known secrets and logins never leave the process in a message, a record, or a traceback."""

import io
import logging
import sys
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse import masking
from warehouse.masking import MASK, MIN_LENGTH

SECRET = "marked-secret-4711"
SHEET = "https://sheets.example.org/d/marked-sheet/export?token=marked-token"


@pytest.fixture(autouse=True)
def _forget(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a test declares secret is so for this test only."""
    monkeypatch.setattr(masking, "_known", set())
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    former = logging.getLogRecordFactory()
    yield
    logging.setLogRecordFactory(former)


SECRETS = st.text(st.characters(exclude_characters="*"), min_size=MIN_LENGTH)


@given(SECRETS.filter(lambda s: len(s.strip("/")) >= MIN_LENGTH), st.text(), st.text())
def test_no_secret_survives(secret: str, before: str, after: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(masking, "_known", set())
        masking.add_secrets([secret])
        assert secret not in masking.masked(f"{before}{secret}{after}")


@pytest.mark.parametrize(
    "text", ["ftp://joe:pa55@host/x", "joe:pa55@host", "see https://joe:pa:55@[::1]:80/x", "(joe:pa55@host)"]
)
def test_no_login_survives(text: str) -> None:
    assert "pa" not in masking.masked(text)
    assert MASK in masking.masked(text)


@pytest.mark.parametrize("text", ["mingo@10.0.0.1:22: refused", "2025-03-01 12:00:05", "a:b", "station 1: x@y", ""])
def test_other_text_stays(text: str) -> None:
    masking.add_secrets(["1", "x", ""])
    assert masking.masked(text) == text


def test_an_address_is_secret_in_its_parts() -> None:
    masking.add_secrets([SHEET])
    for part in (SHEET, SHEET.removeprefix("https://"), "/d/marked-sheet/export", "token=marked-token"):
        assert "marked" not in masking.masked(f"GET {part} failed")
    assert masking.masked("sheets.example.org gives no answer") == "sheets.example.org gives no answer"


def test_the_environment_names_what_is_secret() -> None:
    environment = {
        "CDSAPI_KEY": SECRET,
        "MINGO_LOGBOOK__URL__MINGO01": SHEET,
        "STATION_PASSPHRASE": "marked-phrase",
        "MINGO01_KEY": "/etc/mingo/id_ed25519",
        "MINGO_DATA_DIR": "/data/mingo",
        "KEYBOARD": "marked-layout",
    }
    masking.add_environment(environment)
    assert "marked" not in masking.masked(" ".join([SECRET, SHEET, "marked-phrase"]))
    assert masking.masked("/etc/mingo/id_ed25519 /data/mingo marked-layout").count(MASK) == 0
    left = masking.without_secrets(environment)
    assert set(left) == {"MINGO01_KEY", "MINGO_DATA_DIR", "KEYBOARD"}


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What a handler of a foreign logger writes."""
    monkeypatch.setenv("CDSAPI_KEY", SECRET)
    masking.install()
    stream = io.StringIO()
    logger = logging.getLogger("foreign")
    monkeypatch.setattr(logger, "handlers", [logging.StreamHandler(stream)])
    monkeypatch.setattr(logger, "propagate", False)
    return stream


def test_every_record_is_clean_whatever_carries_the_secret(log: io.StringIO) -> None:
    logger = logging.getLogger("foreign")
    logger.error(f"in the text {SECRET}")
    logger.error("as an argument %s and %d", SECRET, 5)
    logger.error("inside an object %r", {"key": SECRET})
    logger.error("by name %(key)s", {"key": SECRET})
    try:
        raise ValueError(SECRET)
    except ValueError:
        logger.exception("with a traceback")
    written = log.getvalue()
    assert SECRET not in written
    assert written.count(MASK) >= 5
    assert f"as an argument {MASK} and 5" in written
    assert "Traceback" in written


def test_other_records_are_as_they_were(log: io.StringIO) -> None:
    logging.getLogger("foreign").error("%s took %.1f s, 100%%", "era5", 1.25)
    assert log.getvalue() == "era5 took 1.2 s, 100%\n"


def test_an_error_nobody_caught_is_shown_without_the_secret(
    log: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    error = RuntimeError(f"key {SECRET} refused")
    sys.excepthook(RuntimeError, error, None)
    assert capsys.readouterr().err == f"RuntimeError: key {MASK} refused\n"


def test_installed_twice_is_installed_once(log: io.StringIO) -> None:
    factory = logging.getLogRecordFactory()
    masking.install()
    assert logging.getLogRecordFactory() is factory
