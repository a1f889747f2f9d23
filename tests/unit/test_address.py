"""Which addresses may be asked, and how much of an address is shown."""

import pytest

from warehouse.address import host_of, is_safe, without_query


@pytest.mark.parametrize(
    ("address", "is_good"),
    [
        ("https://www.nmdb.eu/nest/draw_graph.php", True),
        ("http://127.0.0.1:8080/x", True),
        ("http://127.8.0.1/x", True),
        ("http://[::1]:8080/x", True),
        ("http://localhost/x", True),
        ("http://localhost.example.org/x", False),
        ("http://127.0.0.1.example.org/x", False),
        ("http://127.0.0.1@example.org/x", False),
        ("http://www.nmdb.eu/x", False),
        ("ftp://127.0.0.1/x", False),
        ("file:///etc/hosts", False),
        ("https://", False),
        ("http://[::1", False),
        ("sheet", False),
        ("", False),
    ],
)
def test_only_https_or_loopback_is_safe(address: str, is_good: bool) -> None:
    assert is_safe(address) is is_good


def test_what_is_shown_of_an_address() -> None:
    secret = "https://user:word@store.example.org:8443/cache/answer.nc?signature=abc#part"
    assert without_query(secret) == "https://store.example.org:8443/cache/answer.nc"
    assert without_query("http://[::1]:80/x?y") == "http://[::1]:80/x"
    assert host_of(secret) == "store.example.org"
