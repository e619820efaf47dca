"""Names of plans under each encoding of file names: one that is valid is never called otherwise."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from prompt_lab.errors import StoreError
from prompt_lab.names import Split
from prompt_lab.store.layout import Lab
from prompt_lab.store.plans import plan_names

ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
LIST = """
import sys
from pathlib import Path
from prompt_lab.errors import StoreError
from prompt_lab.names import Split
from prompt_lab.store.layout import Lab
from prompt_lab.store.plans import plan_names
assert sys.getfilesystemencoding() == "ascii", sys.getfilesystemencoding()
try:
    print(plan_names(Lab(Path(sys.argv[1])), ("in.txt",), split=Split.TRAIN))
except StoreError as error:
    print("Stopped:", ascii(str(error)))
"""


def make_plan(lab: Path, name: bytes) -> None:
    folder = os.path.join(os.fsencode(lab), b"baseline/train", name)
    os.makedirs(folder)
    Path(os.fsdecode(folder), "in.txt").write_text("x")


def list_in_ascii(lab: Path) -> str:
    """What a process whose file names are ASCII says of the plans."""
    command = [sys.executable, "-c", LIST, str(lab)]
    made = subprocess.run(
        command, env={**os.environ, **ASCII}, capture_output=True, text=True, check=True
    )
    return made.stdout.strip()


@pytest.mark.slow
def test_under_ascii_plain_names_are_listed_and_others_name_the_setting(tmp_path: Path) -> None:
    make_plan(tmp_path, b"inv_1")
    assert list_in_ascii(tmp_path) == "['inv_1']"
    make_plan(tmp_path, "caf\u00e9".encode())
    said = list_in_ascii(tmp_path)
    assert "file names are read as ascii here, so 'caf\\xe9' has no name" in said
    assert "PYTHONUTF8=1" in said
    assert "not UTF-8" not in said


def test_under_utf_8_every_valid_name_is_listed_and_others_are_refused(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    for name in ("caf\u00e9", "a,b", "\u0645\u0631\u062d\u0628\u0627"):
        make_plan(tmp_path, name.encode())
    listed = plan_names(lab, ("in.txt",), split=Split.TRAIN)
    assert listed == ["a,b", "caf\u00e9", "\u0645\u0631\u062d\u0628\u0627"]
    make_plan(tmp_path, b"caf\xe9")
    with pytest.raises(StoreError, match=r"is not UTF-8\. Rename that folder"):
        plan_names(lab, ("in.txt",), split=Split.TRAIN)
