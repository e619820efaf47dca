"""The id of a lab: the same on every machine that sees it, another one in every other lab."""

import fcntl
import os
from contextlib import suppress
from errno import EACCES, EPERM, EROFS
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

from pydantic import ValidationError

from prompt_lab.records import Record
from prompt_lab.store.files import disk_errors
from prompt_lab.store.layout import Lab

ID_FILE = ".lab-id.json"
_READ_ONLY = (EACCES, EPERM, EROFS)
_LONGEST = 4096


class LabId(Record):
    """work/.lab-id.json. A copy of a lab has both another path and another inode."""

    id: str
    path: str
    """Where the lab was when the id was made."""
    inode: int
    """Of the file itself: what a moved or mounted lab keeps and a copied one does not."""


def lab_id(lab: Lab) -> str:
    """12 hexadecimal digits, written down on the first call. Raises StoreError.

    A lab that can only be read has an id made from its path.
    """
    return _lab_id(lab.root.resolve(), lab.work / ID_FILE).id


def lab_label(lab: Lab) -> str:
    """The id after a name to know the lab by: its folder and the one around it, when it was made.

    Equal on every machine, as the id is. Raises StoreError.
    """
    found = _lab_id(lab.root.resolve(), lab.work / ID_FILE)
    name = "/".join(Path(found.path).parts[-2:]).lstrip("/")
    readable = "".join(c if c.isalnum() or c in "-_./" else "_" for c in name)
    return f"{readable} {found.id}"


@lru_cache(maxsize=8)
def _lab_id(root: Path, path: Path) -> LabId:
    with disk_errors(path):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            if error.errno in _READ_ONLY:
                digest = sha256(str(root).encode()).hexdigest()[:12]
                return LabId(id=digest, path=str(root), inode=0)
            raise
        try:
            return _read_or_write(handle, str(root))
        finally:
            os.close(handle)  # which ends the lock


def _read_or_write(handle: int, root: str) -> LabId:
    """Under a lock, so that of two processes that come at once both get the first one's id."""
    with suppress(OSError):  # a file system without locks
        fcntl.flock(handle, fcntl.LOCK_EX)
    inode = os.fstat(handle).st_ino
    with suppress(ValidationError):
        found = LabId.model_validate_json(os.pread(handle, _LONGEST, 0))
        if found.id and (found.path == root or found.inode == inode):
            return found
    made = LabId(id=uuid4().hex[:12], path=root, inode=inode)
    os.ftruncate(handle, 0)
    os.pwrite(handle, (made.model_dump_json() + "\n").encode("utf-8", "surrogateescape"), 0)
    os.fsync(handle)
    return made
