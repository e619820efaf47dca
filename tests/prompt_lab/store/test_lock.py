import subprocess
import sys
from pathlib import Path

import pytest

from prompt_lab.store.layout import LabLock

TRY = """
import sys
from pathlib import Path
from prompt_lab.store.layout import LabLock
print(LabLock(Path(sys.argv[1])).acquire(shared=sys.argv[2] == "shared"))
"""


def other_gets_it(path: Path, kind: str) -> bool:
    """Whether another process gets the lock now."""
    command = [sys.executable, "-c", TRY, str(path), kind]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.strip() == "True"


@pytest.mark.parametrize(
    ("ours", "theirs", "both"),
    [
        ("alone", "alone", False),
        ("alone", "shared", False),
        ("shared", "alone", False),
        ("shared", "shared", True),
    ],
)
def test_a_lab_has_one_process_or_many_of_one_luigid(
    tmp_path: Path, ours: str, theirs: str, both: bool
) -> None:
    path = tmp_path / ".lock"
    lock = LabLock(path)
    assert lock.acquire(shared=ours == "shared")
    assert other_gets_it(path, theirs) is both
    del lock
    assert other_gets_it(path, theirs)
