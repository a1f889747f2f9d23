"""Host keys of a station that is added or was installed anew: what is offered, what is pinned, what is confirmed."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import paramiko

from extract.station.description import OptionError, check_fingerprint
from extract.station.home import StationError, UnreachableError
from extract.transfer.sftp.pins import fingerprint, offered_key, pin, pins_of, read_pins, unpin
from extract.transfer.sftp.remote import HostKeyError, LostError


@dataclass(frozen=True)
class Confirmation:
    """How the key of one server is confirmed: by an option, else by a person.

    ``option`` names the option and ``given`` is its value; ``ask`` shows a fingerprint and returns what the person
    typed, None where nobody can be asked.
    """

    option: str
    given: str | None
    ask: Callable[[str, str], str] | None = None


Offer = Callable[[str, int], paramiko.PKey]
"""The key that a host offers on a port."""


def offer_within(timeout_s: float) -> Offer:
    """Ask servers for their keys, each within a time; nobody logs in."""

    def offer(host: str, port: int) -> paramiko.PKey:
        try:
            return offered_key(host, port, timeout_s)
        except LostError as error:
            raise UnreachableError(
                f"{error}; nothing was written (with --offline it goes without, and `mingo station repin` pins the"
                " key when it answers)"
            ) from None

    return offer


def confirmed_key(offered: paramiko.PKey, host: str, how: Confirmation) -> paramiko.PKey:
    """The offered key, when it is the one that the option or the person says.

    Raises
    ------
    OptionError
        When it is not, or when nobody says anything. No key is ever accepted unseen.
    """
    shown = fingerprint(offered)
    if how.given is not None:
        if check_fingerprint(how.option, how.given) != shown:
            raise OptionError(how.option, f"{host} offers {shown}, not this key; ask the site before you trust it")
        return offered
    if how.ask is None:
        raise OptionError(
            how.option,
            f"is needed where nobody can be asked: {host} offers {shown}; compare it with what"
            " `ssh-keygen -lf` prints on that machine",
        )
    if how.ask(host, shown).strip().rstrip("=") != shown:
        raise OptionError(how.option, f"what was typed is not {shown}; nothing was pinned")
    return offered


def pinned_fingerprints(path: Path, host: str, port: int) -> list[str]:
    """The fingerprints a file pins for a server.

    Raises
    ------
    StationError
        For a file that cannot be read.
    """
    try:
        return [fingerprint(known.key) for known in pins_of(read_pins(path), host, port) if not known.is_revoked]
    except HostKeyError as error:
        raise StationError(str(error)) from None


def check_pinned(pinned: list[str], host: str, code: str, how: Confirmation) -> None:
    """Refuse a fingerprint that contradicts the pinned keys of a host.

    Raises
    ------
    StationError
        When another key is pinned.
    """
    if how.given is not None and check_fingerprint(how.option, how.given) not in pinned:
        raise StationError(
            f"--{how.option}: another key of {host} is pinned ({pinned[0]});"
            f" ask the site, then `mingo station repin {code} --host-key SHA256:...`"
        )


def with_pin(path: Path, text: str, host: str, port: int, key: paramiko.PKey, *, is_only: bool = False) -> str:
    """The text of a file of pinned keys with one more, or with this one only for the host.

    ``path`` names the file in messages.

    Raises
    ------
    StationError
        For a text that cannot be read.
    """
    with TemporaryDirectory() as folder:
        copy = Path(folder) / path.name
        copy.write_bytes(text.encode())
        try:
            if is_only:
                unpin(copy, host, port)
            pin(copy, host, port, key)
        except HostKeyError as error:
            raise StationError(str(error).replace(str(copy), str(path))) from None
        return copy.read_bytes().decode()
