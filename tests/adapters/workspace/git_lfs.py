"""Git LFS for tests: the real one, or a stand-in that does what a checkout needs of it."""

import hashlib
import shutil
import sys
from pathlib import Path

from adapters.git import Git
from tests.adapters.workspace.target import Target

DRIVER = {
    "filter.lfs.clean": "git-lfs clean -- %f",
    "filter.lfs.smudge": "git-lfs smudge -- %f",
    "filter.lfs.required": "true",
}
_STAND_IN = f"""#!{sys.executable}
import hashlib, os, re, shutil, subprocess, sys
from pathlib import Path

def git(*args):
    return subprocess.run(["git", *args], capture_output=True, text=True).stdout.strip()

def place(oid):
    return store / "objects" / oid[:2] / oid[2:4] / oid

command = sys.argv[1]
if command == "version":
    print("git-lfs/0 (stand-in)")
    sys.exit()
store = Path(git("config", "lfs.storage") or git("rev-parse", "--git-common-dir") + "/lfs")
if command == "smudge":
    data = sys.stdin.buffer.read()
    found = re.search(rb"oid sha256:([0-9a-f]+)", data)
    file = place(found[1].decode()) if found else None
    sys.stdout.buffer.write(file.read_bytes() if file and file.is_file() else data)
if command == "clean":
    data = sys.stdin.buffer.read()
    if not data.startswith(b"version https://git-lfs"):
        oid = hashlib.sha256(data).hexdigest()
        place(oid).parent.mkdir(parents=True, exist_ok=True)
        place(oid).write_bytes(data)
        lines = "version https://git-lfs.github.com/spec/v1", f"oid sha256:{{oid}}"
        data = "\\n".join((*lines, f"size {{len(data)}}", "")).encode()
    sys.stdout.buffer.write(data)
if command in ("pull", "fetch"):
    origin = Path(git("config", "remote.origin.url").removeprefix("file://"))
    commit = sys.argv[3] if command == "fetch" else "HEAD"
    for path in git("ls-tree", "-r", "--name-only", commit).splitlines():
        data = git("cat-file", "blob", f"{{commit}}:{{path}}")
        for oid in re.findall("oid sha256:([0-9a-f]+)", data):
            place(oid).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(origin / ".git/lfs/objects" / oid[:2] / oid[2:4] / oid, place(oid))
if command == "pull":
    for path in git("ls-files").splitlines():
        Path(path).unlink()
    git("checkout", "-q", "--", ".")
"""


def put_stand_in(folder: Path) -> None:
    """A command `git-lfs` in a folder that is to stand on the PATH."""
    folder.mkdir()
    command = folder / "git-lfs"
    command.write_text(_STAND_IN)
    command.chmod(0o755)


def is_installed() -> bool:
    """Whether the real one is."""
    return shutil.which("git-lfs") is not None


def configure(repository: Git) -> None:
    """What `git lfs install --local` writes, but for its hooks."""
    for key, value in DRIVER.items():
        repository("config", key, value)


def pointer(text: str) -> str:
    """The pointer that stands for a text."""
    oid = hashlib.sha256(text.encode()).hexdigest()
    size = len(text.encode())
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {size}\n"


def clone_of(target: Target, folder: Path) -> Target:
    """A clone whose large files were not fetched: every one of them is a pointer."""
    skip = {"GIT_LFS_SKIP_SMUDGE": "1"}
    Git(target.folder)("clone", "-q", f"file://{target.folder}", str(folder), env=skip)
    configure(Git(folder))
    return Target.at(folder)
