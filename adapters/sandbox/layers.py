"""Whether the kernel keeps what a command changes in a folder of its own (overlayfs).

Any user may ask for that since Linux 5.11, but not on every file system: it is tried once for each
folder.
"""

import os
import stat
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

from adapters.sandbox.policy import ProcessLimits, SandboxMount, SandboxPolicy
from adapters.sandbox.processes import run
from prompt_lab.errors import LabError

PLACE = Path("/run/prompt-lab-layer")
_TRIAL = "printf new >> changed && rm gone && rm -r folder && mkdir folder && cat changed"
_SECONDS = 30.0


@lru_cache(maxsize=64)
def why_no_layers(folder: Path) -> str:
    """Why there are none below a folder; '' where a command's changes were found as expected."""
    try:
        with TemporaryDirectory(prefix=".layer-", dir=folder) as scratch:
            return _try_out(Path(scratch))
    except (OSError, LabError) as error:
        return str(error)


def _try_out(scratch: Path) -> str:
    tree, changes, kernel = (scratch / name for name in ("tree", "changes", "kernel"))
    for one in (tree / "folder", changes, kernel):
        one.mkdir(parents=True)
    for name in ("changed", "gone", "folder/inner"):
        (tree / name).write_text("old")
    policy = SandboxPolicy(
        ProcessLimits(_SECONDS, memory_mb=0),
        mounts=(SandboxMount(tree, PLACE, changes=changes, scratch=kernel),),
    )
    ended = run(["/bin/sh", "-c", _TRIAL], policy, PLACE)
    if ended.code or ended.out != b"oldnew":
        return ended.err.decode("utf-8", "replace").strip() or "a command could not use one"
    whole = (
        (tree / "changed").read_text() == (tree / "folder/inner").read_text() == "old"
        and (changes / "changed").read_text() == "oldnew"
        and stat.S_ISCHR((changes / "gone").lstat().st_mode)
        and _is_marked(changes / "folder")
    )
    return "" if whole else "the changes of a command are not found"


def _is_marked(folder: Path) -> bool:
    return bool(os.getxattr(folder, "user.overlay.opaque"))
