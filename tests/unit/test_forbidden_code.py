"""What must not stand in the code: ways around certificates and host keys, shell strings, formats that run code."""

import re

import pytest

from tests.conftest import ROOT

PACKAGES = ("extract", "simulate", "warehouse", "flows", "grafana", "models")
FORBIDDEN = {
    "certificates unchecked": (
        r"\b(get|post|request|stream|\w*Client|Session)\([^()]*\bverify\s*=\s*False|\.verify\s*=\s*False"
        r"|CERT_NONE|check_hostname\s*=\s*False|_create_unverified_context"
    ),
    "host keys accepted": r"AutoAddPolicy|WarningPolicy|StrictHostKeyChecking\W+no\b",
    "shell strings": r"shell\s*=\s*True|os\.system\(|os\.popen\(|getoutput\(",
    "formats that run code": r"\b(pickle|marshal|shelve|dill)\b|yaml\.(load|unsafe_load|full_load)\(",
    "evaluated text": r"(?<![\w.])(eval|exec)\(",
    "passwords and agents": r"allow_agent\s*=\s*True|look_for_keys\s*=\s*True|auth_password\(",
}
FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


@pytest.mark.parametrize("what", FORBIDDEN)
def test_is_nowhere(what: str) -> None:
    assert len(FILES) > 100
    found = [path.relative_to(ROOT) for path in FILES if re.search(FORBIDDEN[what], path.read_text())]
    assert found == []


@pytest.mark.parametrize(
    ("what", "line"),
    [
        ("certificates unchecked", "httpx.get(url, verify=False)"),
        ("certificates unchecked", "client = cdsapi.Client(\n    url,\n    verify = False,\n)"),
        ("host keys accepted", "client.set_missing_host_key_policy(paramiko.AutoAddPolicy())"),
        ("shell strings", "subprocess.run(text, shell=True)"),
        ("formats that run code", "import pickle"),
        ("evaluated text", "value = eval(text)"),
        ("passwords and agents", "client.connect(host, allow_agent=True)"),
    ],
)
def test_would_be_found(what: str, line: str) -> None:
    assert re.search(FORBIDDEN[what], line)
