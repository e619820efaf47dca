"""Files as the sandbox sees them: stamps that no command can forge, contents, and their removal."""

import os
import shutil
import stat
import subprocess
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from errno import EINVAL
from hashlib import sha256
from operator import attrgetter
from pathlib import Path
from typing import BinaryIO, NamedTuple

from prompt_lab.errors import LabError, StoreError
from prompt_lab.propose.budget import EXECUTABLE, LINK, REGULAR
from prompt_lab.task_engine.paths import IGNORED

MOST_FILES = 200_000
SPECIAL = "special"
"""The mode of what is neither a file nor a link nor a folder."""
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_PARTS = attrgetter("st_mode", "st_size", "st_mtime_ns", "st_ctime_ns", "st_ino", "st_nlink")


class Conflict(LabError):
    """The workspace is not what the candidate was made from."""

    def __init__(self, paths: Sequence[str], more: str = "") -> None:
        self.paths = tuple(paths)
        text = f"changed in the workspace meanwhile: {', '.join(map(repr, paths))}"
        super().__init__(f"{text}: {more}" if more else text)


class FileStamp(NamedTuple):
    """What changes whenever a file does: only the kernel sets the time of its change."""

    mode: int
    size: int
    written: int
    changed: int
    inode: int
    links: int

    @classmethod
    def from_stat(cls, found: os.stat_result) -> "FileStamp":
        """From lstat."""
        return tuple.__new__(cls, _PARTS(found))


def stamp(path: str | Path, folder: int | None = None) -> FileStamp | None:
    """Of a file or link, seen from an open folder if one is given; None where there is none."""
    try:
        return FileStamp.from_stat(os.stat(path, dir_fd=folder, follow_symlinks=False))
    except (FileNotFoundError, NotADirectoryError):
        return None


def is_unchanged(path: str, folder: int, known: FileStamp) -> bool:
    """Whether a file, seen from an open folder, has this stamp: cheaper than to make another."""
    try:
        return _PARTS(os.stat(path, dir_fd=folder, follow_symlinks=False)) == known
    except OSError:
        return False


def git_mode(mode: int) -> str:
    """As git writes it; SPECIAL for what git knows no mode for."""
    if stat.S_ISLNK(mode):
        return LINK
    if stat.S_ISREG(mode):
        return EXECUTABLE if mode & 0o100 else REGULAR
    return SPECIAL


def scan(root: Path, left_out: Collection[str] = IGNORED) -> tuple[dict[str, FileStamp], set[str]]:
    """(path -> stamp of all that is no folder, folders) below a tree; not in what is left out.

    Raises StoreError where the tree cannot be read to its end.
    """
    files: dict[str, FileStamp] = {}
    folders: set[str] = set()
    waiting = [""]
    try:
        with opened(root) as top:
            while waiting:
                prefix = waiting.pop()
                for entry in _entries(top, prefix):
                    path = prefix + entry.name
                    if not prefix and path in left_out:
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        folders.add(path)
                        waiting.append(path + "/")
                    else:
                        files[path] = FileStamp.from_stat(entry.stat(follow_symlinks=False))
                if len(files) + len(folders) > MOST_FILES:
                    raise StoreError(f"{root}: holds more than {MOST_FILES} files")
    except OSError as error:
        raise StoreError(f"{root}: cannot be read: {error.strerror}") from error
    return files, folders


@contextmanager
def opened(folder: str | Path, above: int | None = None) -> Iterator[int]:
    """A folder's descriptor. A path seen from one is looked up at half the cost of a whole one."""
    handle = os.open(folder, FOLDER, dir_fd=above)
    try:
        yield handle
    finally:
        os.close(handle)


def _entries(top: int, prefix: str) -> Iterator[os.DirEntry[str]]:
    folder = prefix or "."
    try:
        handle = os.open(folder, FOLDER | os.O_NOFOLLOW, dir_fd=top)
    except PermissionError:
        os.chmod(folder, 0o755, dir_fd=top)
        handle = os.open(folder, FOLDER | os.O_NOFOLLOW, dir_fd=top)
    try:
        with os.scandir(handle) as found:
            yield from found
    finally:
        os.close(handle)


def opened_file(path: Path) -> BinaryIO:
    """A regular file to read, and never a link or a pipe, at which one would wait for ever.

    Raises OSError.
    """
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    handle = os.open(path, flags)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(EINVAL, "is no regular file", str(path))
    return open(handle, "rb")


def opened_own(path: Path) -> BinaryIO:
    """A regular file of a tree of ours, whatever permissions a command has left it."""
    try:
        return opened_file(path)
    except PermissionError:
        os.chmod(path, stat.S_IMODE(os.lstat(path).st_mode) | stat.S_IRUSR)
        return opened_file(path)


def digest(path: Path) -> str:
    """sha256 of what a file of a tree holds, or of where a link leads."""
    if path.is_symlink():
        return sha256(os.fsencode(os.readlink(path))).hexdigest()
    found = sha256()
    with opened_own(path) as file:
        while data := file.read(1 << 20):
            found.update(data)
    return found.hexdigest()


def copy(source: Path, root: Path, name: str) -> str:
    """Copy a file or a link over whatever is at a name of a tree; the digest of what was copied."""
    target = _cleared(root, name)
    if source.is_symlink():
        os.symlink(os.readlink(source), target)
        return digest(target)
    found = sha256()
    with opened_file(source) as old, target.open("xb") as new:
        os.fchmod(new.fileno(), 0o755 if os.fstat(old.fileno()).st_mode & 0o100 else 0o644)
        while data := old.read(1 << 20):
            found.update(data)
            new.write(data)
    return found.hexdigest()


def write(root: Path, name: str, data: bytes, mode: str) -> None:
    """Put bytes over whatever is at a name of a tree."""
    with _cleared(root, name).open("xb") as new:
        os.fchmod(new.fileno(), 0o755 if mode == EXECUTABLE else 0o644)
        new.write(data)


def clear(root: Path, name: str) -> None:
    """Take away whatever is at a name of a tree, and what stands where its folders must be."""
    path = root
    parts = name.split("/")
    for part in parts[:-1]:
        path = path / part
        if path.is_symlink() or (path.exists() and not path.is_dir()):
            path.unlink()
    path = root / name
    if path.is_dir() and not path.is_symlink():
        throw_away(path)
    else:
        path.unlink(missing_ok=True)


def make_folder(root: Path, name: str) -> None:
    """A real folder at a name of a tree, whatever was there."""
    whole = root / name
    if name != "." and (whole.resolve() != whole or (whole.exists() and not whole.is_dir())):
        clear(root, name)
    (root / name).mkdir(parents=True, exist_ok=True)


def _cleared(root: Path, name: str) -> Path:
    clear(root, name)
    target = root / name
    target.parent.mkdir(parents=True, exist_ok=True)
    return target


def throw_away(folder: Path) -> None:
    """Remove a folder, however deep and whatever its modes are. Raises StoreError."""
    with suppress(RecursionError):
        shutil.rmtree(folder, ignore_errors=True)
    if os.path.lexists(folder):
        # Deeper than Python's own recursion, or folders without permission.
        subprocess.run(["chmod", "-R", "u+rwX", str(folder)], capture_output=True, check=False)
        subprocess.run(["rm", "-rf", str(folder)], capture_output=True, check=False)
    if os.path.lexists(folder):
        raise StoreError(f"{folder}: cannot be removed: remove it by hand")
