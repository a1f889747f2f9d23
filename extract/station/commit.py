"""Several files changed as one: all new contents are written beside the files first, then renamed in a given order."""

import os
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

from warehouse.files import sync_file, sync_folder

MODE_OF_NEW = 0o600
Renamed = Callable[[Path], None]


def write_all(contents: Mapping[Path, str], on_renamed: Renamed | None = None) -> list[Path]:
    """Give each file its new content, in the order given; a file that has it already is left alone.

    Nothing is renamed before every content is on the disk, so a full disk changes nothing. A kill between two renames
    leaves the former files new and the later ones old: what computes the contents must give the same on what it finds.

    Parameters
    ----------
    on_renamed
        Called after each rename.

    Returns
    -------
    list[Path]
        The files that were changed.
    """
    changed = {path: text for path, text in contents.items() if read_text(path) != text}
    with ExitStack() as left_over:
        temporaries: dict[Path, Path] = {}
        for path, text in changed.items():
            target = path.resolve()
            target.parent.mkdir(parents=True, exist_ok=True)
            temporary = target.with_name(f".{target.name}.tmp.{os.getpid()}")
            left_over.callback(temporary.unlink, missing_ok=True)
            temporary.write_bytes(text.encode())
            temporary.chmod(target.stat().st_mode & 0o777 if target.exists() else MODE_OF_NEW)
            sync_file(temporary)
            temporaries[path] = temporary
        for path, temporary in temporaries.items():
            temporary.replace(path.resolve())
            sync_folder(path.resolve().parent)
            if on_renamed is not None:
                on_renamed(path)
    return list(changed)


def read_text(path: Path) -> str:
    """The text of a file with its line ends as they are; empty where there is none."""
    return path.read_bytes().decode() if path.exists() else ""
