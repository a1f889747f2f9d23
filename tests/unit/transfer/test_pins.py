"""Pinned host keys: what the file may look like, what is refused, what the operator is told."""

import subprocess
from pathlib import Path

import paramiko
import pytest

from extract.transfer.sftp.pins import check_key, fingerprint, pin, pins_of, preferred_algorithms, read_pins, unpin
from extract.transfer.sftp.remote import HostKeyError
from simulate.ssh_keys import fingerprint as ssh_keygen_fingerprint
from simulate.ssh_keys import has_keygen, make_key, public_key

pytestmark = pytest.mark.skipif(not has_keygen(), reason="ssh-keygen is not installed")


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("keys")
    return {kind: make_key(folder / kind, kind) for kind in ("ed25519", "ecdsa", "rsa")} | {
        "other": make_key(folder / "other")
    }


def load(path: Path) -> paramiko.PKey:
    return paramiko.PKey.from_path(path)


def test_fingerprints_are_those_of_ssh_keygen(keys: dict[str, Path]) -> None:
    for path in keys.values():
        assert fingerprint(load(path)) == ssh_keygen_fingerprint(path)


def test_a_pinned_key_passes_under_the_hosts_own_name_only(tmp_path: Path, keys: dict[str, Path]) -> None:
    known = tmp_path / "known_hosts"
    pin(known, "mingo01", 22, load(keys["ed25519"]))
    pin(known, "mingo01", 2222, load(keys["rsa"]))
    pin(known, "mingo01", 22, load(keys["ed25519"]))
    assert known.read_text().count("\n") == 2
    assert known.stat().st_mode & 0o777 == 0o600
    pins = read_pins(known)
    check_key(known, pins, "mingo01", 22, load(keys["ed25519"]), "MINGO01")
    check_key(known, pins, "mingo01", 2222, load(keys["rsa"]), "MINGO01")
    for host, port, kind in (("mingo01", 22, "rsa"), ("mingo02", 22, "ed25519"), ("mingo01", 2222, "ed25519")):
        with pytest.raises(HostKeyError):
            check_key(known, pins, host, port, load(keys[kind]), "MINGO01")


def test_a_refusal_names_host_fingerprint_file_and_remedy(tmp_path: Path, keys: dict[str, Path]) -> None:
    known, offered = tmp_path / "known_hosts", load(keys["other"])
    with pytest.raises(HostKeyError) as unknown:
        check_key(known, read_pins(known), "mingo01", 22, offered, "MINGO01")
    pin(known, "mingo01", 22, load(keys["ed25519"]))
    with pytest.raises(HostKeyError) as changed:
        check_key(known, read_pins(known), "mingo01", 22, offered, "MINGO01")
    for message in (str(unknown.value), str(changed.value)):
        assert "\n" not in message
        for word in ("mingo01", ssh_keygen_fingerprint(keys["other"]), str(known), "mingo station repin MINGO01"):
            assert word in message
    assert "CHANGED" in str(changed.value)
    assert "line 1" in str(changed.value)


def test_the_format_is_that_of_openssh(tmp_path: Path, keys: dict[str, Path]) -> None:
    known = tmp_path / "known_hosts"
    known.write_text(
        "# pinned by hand\n\n"
        f"mingo01,192.0.2.7 {public_key(keys['ed25519'])} a comment\n"
        f"mingo02 {public_key(keys['ecdsa'])}\n"
        f"@cert-authority *.example {public_key(keys['rsa'])}\n"
        f"@revoked mingo02 {public_key(keys['other'])}\n"
    )
    subprocess.run(["ssh-keygen", "-H", "-f", str(known)], check=True, capture_output=True)  # hashes the names
    assert "mingo01" not in known.read_text()
    pins = read_pins(known)
    for host in ("mingo01", "192.0.2.7"):
        check_key(known, pins, host, 22, load(keys["ed25519"]), "MINGO01")
    check_key(known, pins, "mingo02", 22, load(keys["ecdsa"]), "MINGO02")
    with pytest.raises(HostKeyError):
        check_key(known, pins, "a.example", 22, load(keys["rsa"]), "MINGO01")


def test_a_revoked_key_is_refused_even_where_it_is_pinned(tmp_path: Path, keys: dict[str, Path]) -> None:
    known, line = tmp_path / "known_hosts", f"mingo02 {public_key(keys['other'])}\n"
    known.write_text(f"{line}@revoked {line}")
    with pytest.raises(HostKeyError, match="revoked"):
        check_key(known, read_pins(known), "mingo02", 22, load(keys["other"]), "MINGO02")


@pytest.mark.parametrize("line", ["mingo01", "mingo01 ssh-ed25519 AAAA", "mingo01 ssh-rsa not-base64!", "\x00\x01 b c"])
def test_a_damaged_line_is_named(tmp_path: Path, keys: dict[str, Path], line: str) -> None:
    known = tmp_path / "known_hosts"
    known.write_text(f"mingo02 {public_key(keys['rsa'])}\n{line}\n")
    with pytest.raises(HostKeyError, match=f"{known}, line 2"):
        read_pins(known)


def test_unpinning_takes_only_this_host(tmp_path: Path, keys: dict[str, Path]) -> None:
    known = tmp_path / "known_hosts"
    revoked = f"@revoked mingo01 {public_key(keys['other'])}"
    known.write_text(
        f"# kept\nmingo01,mingo03 {public_key(keys['rsa'])}\nmingo01 {public_key(keys['ed25519'])}\n{revoked}\n"
    )
    assert unpin(known, "mingo01", 22) == 2
    assert known.read_text() == f"# kept\nmingo03 {public_key(keys['rsa'])}\n{revoked}\n"
    assert unpin(known, "mingo01", 22) == 0


def test_pinned_kinds_are_asked_for_first(tmp_path: Path, keys: dict[str, Path]) -> None:
    known = tmp_path / "known_hosts"
    pin(known, "mingo01", 22, load(keys["rsa"]))
    usual = ["ssh-ed25519", "ecdsa-sha2-nistp256", "rsa-sha2-512", "rsa-sha2-256"]
    wanted = preferred_algorithms(pins_of(read_pins(known), "mingo01", 22), usual)
    assert wanted == ["rsa-sha2-512", "rsa-sha2-256", "ssh-ed25519", "ecdsa-sha2-nistp256"]


def test_a_key_revoked_for_all_hosts_is_refused(tmp_path: Path, keys: dict[str, Path]) -> None:
    known = tmp_path / "known_hosts"
    known.write_text(f"mingo02 {public_key(keys['other'])}\n@revoked * {public_key(keys['other'])}\n")
    with pytest.raises(HostKeyError, match="revoked"):
        check_key(known, read_pins(known), "mingo02", 22, load(keys["other"]), "MINGO02")


def test_key_types_that_are_not_used_pin_nothing_and_stop_nobody(tmp_path: Path, keys: dict[str, Path]) -> None:
    known = tmp_path / "known_hosts"
    known.write_text(
        "mingo01 ssh-dss AAAAB3NzaC1kc3M=\nmingo01 sk-ssh-ed25519@openssh.com AAAA\n"
        f"mingo02 {public_key(keys['ed25519'])}\n"
    )
    check_key(known, read_pins(known), "mingo02", 22, load(keys["ed25519"]), "MINGO02")
    with pytest.raises(HostKeyError, match="no pinned host key"):
        check_key(known, read_pins(known), "mingo01", 22, load(keys["ed25519"]), "MINGO01")


@pytest.mark.parametrize("is_hashed", [False, True])
def test_capital_letters_of_a_host_do_not_matter(tmp_path: Path, keys: dict[str, Path], is_hashed: bool) -> None:
    known = tmp_path / "known_hosts"
    known.write_text(f"mingo01.example {public_key(keys['ed25519'])}\n")
    if is_hashed:
        subprocess.run(["ssh-keygen", "-H", "-f", str(known)], check=True, capture_output=True)
    check_key(known, read_pins(known), "Mingo01.Example", 22, load(keys["ed25519"]), "MINGO01")
    assert unpin(known, "MINGO01.example", 22) == 1


def test_bytes_of_comments_survive_unpinning(tmp_path: Path, keys: dict[str, Path]) -> None:
    known = tmp_path / "known_hosts"
    kept = b"# \xe1rbol\nmingo02 " + public_key(keys["rsa"]).encode() + b" \xff\n"
    known.write_bytes(kept + f"mingo01 {public_key(keys['ed25519'])}\n".encode())
    assert unpin(known, "mingo01", 22) == 1
    assert known.read_bytes() == kept
