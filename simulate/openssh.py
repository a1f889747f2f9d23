"""A real OpenSSH server on loopback for tests and measurements: own keys, one account, SFTP only, jailed where it can.

As root the served folder lies in a folder of its own below ``/run`` and the account sees nothing else (chroot); an
ordinary user cannot do that: there the account starts in the served folder. The server listens on free ports, as many
as there are stations to play, and is stopped with every session when the context ends.
"""

import os
import pwd
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from simulate.openssh_log import Served, SyslogSocket, read_log
from simulate.processes import children, descendants, end_descendants
from simulate.ssh_keys import fingerprint, has_keygen, make_key, pin

HOST = "127.0.0.1"
START_LIMIT_S = 20.0
START_ATTEMPTS = 5
PRIVILEGE_FOLDER = Path("/run/sshd")
"""The empty folder that Debian's server wants to see when root starts it."""
JAIL_PARENT = Path("/run")
"""Only root can write to any part of its path, as a chroot needs; the folder for temporary files is not like that."""
_SBIN = "/usr/local/sbin:/usr/sbin:/sbin"
_SFTP_SERVERS = ("/usr/lib/openssh/sftp-server", "/usr/libexec/openssh/sftp-server", "/usr/libexec/sftp-server")
_LOG_LEVEL = "VERBOSE"


class OpenSshError(RuntimeError):
    """A server that cannot run here; the message says why and what to do."""


def find_sshd() -> str:
    """Path of the server.

    Raises
    ------
    OpenSshError
        When it is not installed.
    """
    found = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:{_SBIN}")
    if found is None or not has_keygen():
        raise OpenSshError("no OpenSSH server on this machine; install the package openssh-server")
    return os.path.realpath(found)


def free_ports(n: int) -> list[int]:
    """Ports of loopback that nobody listens on now."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(n)]
        for one in sockets:
            one.bind((HOST, 0))
        return [one.getsockname()[1] for one in sockets]


def has_read_only_jail() -> bool:
    """Whether the account can be jailed: root, and a folder in which nobody else can write."""
    return os.geteuid() == 0 and JAIL_PARENT.is_dir() and not JAIL_PARENT.stat().st_mode & 0o022


class OpenSsh:
    """A server as a context.

    Parameters
    ----------
    folder
        A scratch folder for keys, configuration and log; nothing but this and the jail is written.
    n_ports
        Ports, one for each station that the server plays; ``port`` is the first.
    host_keys
        Kinds of host keys.
    allows_commands
        A shell account beside SFTP, so without a jail: for hashes computed by the host.
    allows_writing
        Whether the account may write; otherwise SFTP is read-only.
    allows_keys
        Without it only passwords are asked for, of which none is right.

    Attributes
    ----------
    root
        The served folder on this machine; `remote` tells what the account calls a folder in it.
    client_key
        The account's private key.
    host_key
        The first host key.

    Raises
    ------
    OpenSshError
        When OpenSSH is not installed, or does not start within `START_LIMIT_S`; with the last lines of its log.
    """

    def __init__(
        self,
        folder: Path,
        *,
        n_ports: int = 1,
        host_keys: Iterable[str] = ("ed25519",),
        allows_commands: bool = False,
        allows_writing: bool = False,
        allows_keys: bool = True,
    ) -> None:
        self.host = HOST
        self.user = pwd.getpwuid(os.geteuid()).pw_name
        self.is_jailed = has_read_only_jail() and not allows_commands
        self._sshd = find_sshd()
        self._folder = folder.resolve()
        self._kinds = tuple(host_keys)
        self._n_ports = n_ports
        self._allows_commands, self._allows_writing, self._allows_keys = allows_commands, allows_writing, allows_keys
        self._process: subprocess.Popen[bytes] | None = None
        self._stack = ExitStack()
        self._probes: set[int] = set()
        self.ports: list[int] = []
        self.log_file = self._folder / "sshd.log"
        self.client_key = self._folder / "client_key"
        self.host_key = self._folder / f"host_{self._kinds[0]}"
        self.root = self._folder / "served"

    # ---------------------------------------------------------------- life

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            stack.callback(self.stop)
            if self.is_jailed:
                jail = Path(tempfile.mkdtemp(prefix="mingo-jail-", dir=JAIL_PARENT))
                stack.callback(shutil.rmtree, jail, ignore_errors=True)
                jail.chmod(0o755)
                stack.enter_context(SyslogSocket(jail / "dev" / "log", self.log_file))
                self.root = jail / "served"
            self.root.mkdir()
            make_key(self.client_key)
            shutil.copyfile(f"{self.client_key}.pub", self._folder / "authorized_keys")
            for kind in self._kinds:
                make_key(self._folder / f"host_{kind}", kind)
            self.start()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()
        self._stack.close()

    def start(self) -> None:
        """Start the server, on the ports it had before if it had any."""
        if self._process is not None:
            return
        if os.geteuid() == 0 and not PRIVILEGE_FOLDER.is_dir():
            PRIVILEGE_FOLDER.mkdir(mode=0o755, parents=True, exist_ok=True)
        for attempt in range(START_ATTEMPTS):
            ports = self.ports or free_ports(self._n_ports)
            config = self._folder / "sshd_config"
            config.write_text(self._config(ports))
            begin = self.log_file.stat().st_size if self.log_file.exists() else 0
            with self.log_file.open("ab") as log:
                self._process = subprocess.Popen(
                    [self._sshd, "-D", "-e", "-f", str(config)],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            if all(self._answers(port) for port in ports):
                self.ports = ports
                return
            self.stop()
            said = self.log_file.read_bytes()[begin:].decode(errors="replace")
            if self.ports or attempt == START_ATTEMPTS - 1 or "Address already in use" not in said:
                tail = "; ".join(said.splitlines()[-3:])
                raise OpenSshError(f"the OpenSSH server of {self._folder} does not start: {tail or 'no word from it'}")

    def stop(self) -> None:
        """End the server and every session at once; their ports answer no more."""
        if self._process is None:
            return
        end_descendants(self._process.pid)
        self._process.kill()
        self._process.wait()
        self._process = None

    def kill_sessions(self) -> int:
        """End every session at once, as when a line drops; the server goes on. Returns how many processes that were."""
        return len(end_descendants(self._process.pid)) if self._process is not None else 0

    def change_host_key(self) -> None:
        """Begin again with other host keys on the same ports, as after a machine was installed anew."""
        self.stop()
        for kind in self._kinds:
            make_key(self._folder / f"host_{kind}", kind)
        self.start()

    def _answers(self, port: int) -> bool:
        """Whether an SSH server greets on this port before the time is over or the process has ended."""
        assert self._process is not None
        end = time.monotonic() + START_LIMIT_S
        while time.monotonic() < end and self._process.poll() is None:
            try:
                with socket.create_connection((HOST, port), timeout=1.0) as connection:
                    self._probes.add(connection.getsockname()[1])
                    # another program may have taken the port: then our process ends with an error
                    if connection.recv(4) == b"SSH-" and self._process.poll() is None:
                        return True
            except OSError:
                time.sleep(0.02)
        return False

    # ---------------------------------------------------------------- what clients need

    @property
    def port(self) -> int:
        """The first port."""
        return self.ports[0]

    @property
    def fingerprint(self) -> str:
        """Fingerprint of the first host key."""
        return fingerprint(self.host_key)

    def remote(self, folder: Path) -> str:
        """What the account calls a folder at or below `root`."""
        if not self.is_jailed:
            return str(folder)
        return str("/" / folder.relative_to(self.root.parent))

    def write_known_hosts(self, path: Path, ports: Iterable[int] | None = None, key: Path | None = None) -> Path:
        """Pin the host keys (or another key) for these ports (all), after what the file already has."""
        keys = [key] if key else [self._folder / f"host_{kind}" for kind in self._kinds]
        return pin(path, HOST, self.ports if ports is None else ports, keys)

    # ---------------------------------------------------------------- what it did

    def sessions(self) -> list[int]:
        """Processes of the connections that are open now."""
        return descendants(self._process.pid) if self._process is not None else []

    @property
    def n_open(self) -> int:
        """Connections that are open now."""
        return len(children(self._process.pid)) if self._process is not None else 0

    def mark(self) -> int:
        """Where the log ends now, for `served`."""
        return self.log_file.stat().st_size

    def log(self, since: int = 0) -> str:
        """Log of the server and its sessions so far, after a mark."""
        return self.log_file.read_bytes()[since:].decode(errors="surrogateescape")

    def served(self, since: int = 0) -> Served:
        """What clients asked for so far, after a mark."""
        return read_log(self.log(since), self._probes)

    # ---------------------------------------------------------------- configuration

    def _config(self, ports: list[int]) -> str:
        lines = [f"Port {port}" for port in ports]
        lines += [f'HostKey "{self._folder / f"host_{kind}"}"' for kind in self._kinds]
        lines += [
            f"ListenAddress {HOST}",
            f"AllowUsers {self.user}",
            f'AuthorizedKeysFile "{self._folder / "authorized_keys"}"',
            "StrictModes no",  # a scratch folder may lie in one that others write to
            f"PubkeyAuthentication {_yes(self._allows_keys)}",
            f"PasswordAuthentication {_yes(not self._allows_keys)}",
            "KbdInteractiveAuthentication no",
            "PermitRootLogin yes",
            f"UsePAM {_yes(os.geteuid() != 0)}",  # without it an ordinary user's server takes each account for locked
            "UseDNS no",
            "PidFile none",
            "PrintMotd no",
            "PermitTTY no",
            "PermitUserRC no",
            "DisableForwarding yes",
            "LoginGraceTime 20",
            "MaxStartups 100",
            f"LogLevel {_LOG_LEVEL}",
        ]
        if _has_penalties():
            lines.append("PerSourcePenalties no")  # every client here has the same address
        return "\n".join([*lines, *self._sftp()]) + "\n"

    def _sftp(self) -> list[str]:
        """How SFTP is served: inside the server in a jail, else by the program beside it, whose words go to our log."""
        flags = f"-l {_LOG_LEVEL}" + ("" if self._allows_writing else " -R")
        if self.is_jailed:
            command = f"internal-sftp {flags}"
            return [f"Subsystem sftp {command}", f"ForceCommand {command}", f'ChrootDirectory "{self.root.parent}"']
        program = next((path for path in _SFTP_SERVERS if os.access(path, os.X_OK)), None)
        if program is None:
            raise OpenSshError("no sftp-server beside the OpenSSH server; install the package openssh-sftp-server")
        script = self._folder / "sftp-session"
        script.write_text(f"#!/bin/sh\nexec {program} {flags} -e -d '{self.root}' 2>>'{self.log_file}'\n")
        script.chmod(0o755)
        return [f"Subsystem sftp {script}"] + ([] if self._allows_commands else [f"ForceCommand {script}"])


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _has_penalties() -> bool:
    """Whether the server slows clients down whose log-ins fail (OpenSSH 9.8 and later)."""
    words = subprocess.run(["ssh", "-V"], capture_output=True, text=True, check=False)
    version = re.search(r"OpenSSH_(\d+)\.(\d+)", words.stderr + words.stdout)
    return version is not None and (int(version[1]), int(version[2])) >= (9, 8)
