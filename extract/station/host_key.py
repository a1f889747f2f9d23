"""Host keys of a station that is added or was installed anew: what is offered, what is pinned, what is confirmed."""

from collections.abc import Callable
from dataclasses import dataclass

from extract.station.description import OptionError, check_fingerprint
from extract.station.home import StationError


@dataclass(frozen=True)
class HostKey:
    """A public host key: its kind, its base64 text and its fingerprint as ``ssh-keygen -l`` prints it."""

    kind: str
    base64: str
    fingerprint: str


@dataclass(frozen=True)
class Confirmation:
    """How the key of one server is confirmed: by an option, else by a person.

    ``option`` names the option and ``given`` is its value; ``ask`` shows a fingerprint and returns what the person
    typed, None where nobody can be asked.
    """

    option: str
    given: str | None
    ask: Callable[[str, str], str] | None = None


Offer = Callable[[str, int], HostKey]
"""The key that a host offers on a port."""


def confirmed_key(offered: HostKey, host: str, how: Confirmation) -> HostKey:
    """The offered key, when it is the one that the option or the person says.

    Raises
    ------
    OptionError
        When it is not, or when nobody says anything. No key is ever accepted unseen.
    """
    if how.given is not None:
        if check_fingerprint(how.option, how.given) != offered.fingerprint:
            raise OptionError(
                how.option, f"{host} offers {offered.fingerprint}, not this key; ask the site before you trust it"
            )
        return offered
    if how.ask is None:
        raise OptionError(
            how.option,
            f"is needed where nobody can be asked: {host} offers {offered.fingerprint}; compare it with what"
            " `ssh-keygen -lf` prints on that machine",
        )
    if how.ask(host, offered.fingerprint).strip().rstrip("=") != offered.fingerprint:
        raise OptionError(how.option, f"what was typed is not {offered.fingerprint}; nothing was pinned")
    return offered


def check_pinned(pinned: list[HostKey], host: str, code: str, how: Confirmation) -> None:
    """Refuse a fingerprint that contradicts the pinned keys of a host.

    Raises
    ------
    StationError
        When another key is pinned.
    """
    if how.given is not None and check_fingerprint(how.option, how.given) not in {key.fingerprint for key in pinned}:
        raise StationError(
            f"--{how.option}: another key of {host} is pinned ({pinned[0].fingerprint});"
            f" ask the site, then `mingo station repin {code} --{how.option} SHA256:...`"
        )
