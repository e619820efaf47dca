"""Puts a prepared set of files into the workspace: all of them, or none. Standard library only.

Started as `python -I -S apply.py <folder>` in a session of its own, so that it comes to its end
even where the engine is killed meanwhile; where it is killed itself, the next run starts it again.
The folder holds manifest.json and the new contents. Exit code 3: a file is neither as it was nor
as it shall be, and nothing was changed; the paths are printed as JSON.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import stat
import sys
from pathlib import Path
from typing import Any

CONFLICT = 3
NOT_FOLLOWED = os.O_NOFOLLOW | os.O_CLOEXEC


def main(folder: Path) -> int:
    """Apply what the folder holds; may be called again."""
    told = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    with (folder.parent.parent / ".sync.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (folder / "done").exists():
            return 0
        root = os.open(told["root"], os.O_RDONLY | os.O_DIRECTORY)
        other = [one["path"] for one in told["files"] if state(root, one) == "other"]
        if other:
            print(json.dumps(other))
            return CONFLICT
        staged = [_stage(root, folder, one) for one in told["files"]]
        for parent, temporary, one in staged:
            _place(parent, temporary, one)
        for parent, _, _ in staged:
            os.fsync(parent)
        (folder / "done").touch()
    return 0


def state(root: int, one: dict[str, Any]) -> str:
    """Whether a file is 'old', 'new' or 'other'; a link, or one that is linked, is 'other'."""
    try:
        found = _digest(root, one["path"])
    except OSError:
        return "other"
    for name in ("old", "new"):
        if found == (one[name]["sha256"] if one[name] else None):
            return name
    return "other"


def _digest(root: int, path: str) -> str | None:
    """sha256 of a regular file that no link leads to; None where there is none."""
    try:
        parent = _parent(root, path)
        handle = os.open(_name(path), os.O_RDONLY | os.O_NONBLOCK | NOT_FOLLOWED, dir_fd=parent)
    except FileNotFoundError:
        return None
    with open(handle, "rb") as file:
        known = os.fstat(handle)
        if not stat.S_ISREG(known.st_mode) or known.st_nlink > 1:
            raise OSError(f"{path}: is no file of its own")
        return hashlib.sha256(file.read()).hexdigest()


def _stage(root: int, folder: Path, one: dict[str, Any]) -> tuple[int, str, dict[str, Any]]:
    """Write the new content beside the old one, with the old one's mode and owner."""
    parent = _parent(root, one["path"], make=one["new"] is not None)
    temporary = f".{_name(one['path'])}.prompt-lab"
    _remove(parent, temporary)
    if one["new"] is None:
        return parent, "", one
    data = (folder / one["new"]["file"]).read_bytes()
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | NOT_FOLLOWED
    with open(os.open(temporary, flags, 0o600, dir_fd=parent), "wb") as file:
        file.write(data)
        _dress(parent, one, file.fileno())
        file.flush()
        os.fsync(file.fileno())
    return parent, temporary, one


def _dress(parent: int, one: dict[str, Any], handle: int) -> None:
    try:
        old = os.stat(_name(one["path"]), dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        os.fchmod(handle, one["new"].get("mode", 0o644))
        return
    os.fchmod(handle, stat.S_IMODE(old.st_mode))
    if (old.st_uid, old.st_gid) != (os.geteuid(), os.getegid()):
        os.fchown(handle, old.st_uid, old.st_gid)


def _place(parent: int, temporary: str, one: dict[str, Any]) -> None:
    if temporary:
        os.rename(temporary, _name(one["path"]), src_dir_fd=parent, dst_dir_fd=parent)
    else:
        _remove(parent, _name(one["path"]))


def _remove(parent: int, name: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(name, dir_fd=parent)


def _parent(root: int, path: str, *, make: bool = False) -> int:
    """The folder of a path, reached without following a link."""
    folder = root
    for part in path.split("/")[:-1]:
        if make:
            with contextlib.suppress(FileExistsError):
                os.mkdir(part, dir_fd=folder)
        flags = os.O_RDONLY | os.O_DIRECTORY | NOT_FOLLOWED
        folder = os.open(part, flags, dir_fd=folder)
    return folder


def _name(path: str) -> str:
    return path.rpartition("/")[2]


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
