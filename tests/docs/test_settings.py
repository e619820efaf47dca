"""docs/settings.md names every environment variable that the code reads or sets for tasks."""

import re

from tests.docs.readme import ROOT

PAGE = ROOT / "docs/settings.md"
_NAME = re.compile(r"\"((?:PROMPTLAB|PLANEXE|GITHUB)_[A-Z_]+)\"")


def _in_the_code() -> set[str]:
    rooms = ("prompt_lab", "pipeline", "adapters")
    files = [path for room in rooms for path in (ROOT / room).rglob("*.py")]
    return {name for path in files for name in _NAME.findall(path.read_text("utf-8"))}


def test_every_variable_is_documented_and_no_other() -> None:
    documented = set(
        re.findall(r"`((?:PROMPTLAB|PLANEXE|GITHUB)_[A-Z_]+)`", PAGE.read_text("utf-8"))
    )
    assert documented == _in_the_code()
    assert len(documented) > 10
