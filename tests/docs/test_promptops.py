"""The acceptance table of docs/promptops.md names tests that exist, and has a row for all asked."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
TABLE = (ROOT / "docs" / "promptops.md").read_text("utf-8").split("## Acceptance")[1]
ROWS = [line.strip("|").split("|") for line in TABLE.splitlines() if line.startswith("| ")][1:]
ASKED = (
    "unsafe candidate", "not replaceable by one test question", "wrong-scope rewrite",
    "versioned snapshot", "rolls back by itself", "restores the previous set atomically",
    "empty example list", "minimum support and interval", "has a challenge set before promotion",
    "set generation is deterministic", "stays in review", "winner auto-promotes",
    "active user blocks", "idle runs it", "foreground untouched", "several variants",
    "fallback is deterministic", "API versioned", "no direct prompt mutation",
    "emit unified metrics", "examples run", "per-id and per-class", "returns its reason code",
    "stale metrics", "keeps ingestion",
)  # fmt: skip
"""What the requirement of each row says, in the words of the table."""


def find_tests(path: Path) -> set[str]:
    """The names of the test functions of a file."""
    body = ast.parse(path.read_text("utf-8")).body
    return {one.name for one in body if isinstance(one, ast.FunctionDef)}


def test_each_row_names_a_test_that_exists() -> None:
    assert len(ROWS) >= len(ASKED)
    for requirement, named in ROWS:
        places = re.findall(r"`([^`]+)`", named)
        assert places, f"{requirement}: no test is named"
        for place in places:
            path, _, name = place.partition("::")
            assert (ROOT / path).is_file(), f"{requirement}: {path}"
            assert name in find_tests(ROOT / path), f"{requirement}: {place}"


def test_each_requirement_has_a_row() -> None:
    words = " ".join(requirement for requirement, _ in ROWS)
    assert [one for one in ASKED if one not in words] == []
