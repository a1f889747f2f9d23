"""SSH key pairs for servers and accounts of tests and measurements, made by ssh-keygen."""

import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path


def make_key(path: Path, kind: str = "ed25519") -> Path:
    """Make a key pair without pass phrase, ``path`` and ``path.pub``, in the place of an older one."""
    for old in (path, path.with_name(f"{path.name}.pub")):
        old.unlink(missing_ok=True)
    size = ["-b", "2048"] if kind == "rsa" else []
    words = ["ssh-keygen", "-q", "-t", kind, *size, "-N", "", "-C", "loopback", "-f", str(path)]
    subprocess.run(words, check=True, capture_output=True, stdin=subprocess.DEVNULL)
    return path


def has_keygen() -> bool:
    """Whether keys can be made here."""
    return shutil.which("ssh-keygen") is not None


def public_key(path: Path) -> str:
    """Kind and base64 text of the public half of a key pair, as in ``known_hosts``."""
    return " ".join(path.with_name(f"{path.name}.pub").read_text().split()[:2])


def fingerprint(path: Path) -> str:
    """``SHA256:...`` of the public half of a key pair."""
    words = ["ssh-keygen", "-l", "-E", "sha256", "-f", str(path.with_name(f"{path.name}.pub"))]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout.split()[1]


def pin(known_hosts: Path, host: str, ports: Iterable[int], keys: Iterable[Path]) -> Path:
    """Append the public halves of these host keys for a host at these ports to a ``known_hosts`` file."""
    lines = [f"[{host}]:{port} {public_key(key)}\n" for port in ports for key in keys]
    with known_hosts.open("a") as file:
        file.writelines(lines)
    return known_hosts
