"""What lies in a folder that a project could be made of: prompts, tables, names of keys."""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from prompt_lab.errors import LabError
from prompt_lab.experiments.data_rows import KINDS, DataTable, read_table
from prompt_lab.prompts.text import USER_LINE, placeholders

PROMPT_KINDS = (".txt", ".md", ".prompt", ".j2", ".jinja")
FOLDERS = ("", "prompts", "prompt", "data")
PROMPTFOO = ("promptfooconfig.yaml", "promptfooconfig.yml", "promptfooconfig.json")
NO_DATA = ("package.json", "package-lock.json", "tsconfig.json", *PROMPTFOO)
MOST_FILES = 200
MOST_BYTES = 4 << 20
FEWEST_ROWS = 4
_VARIABLE = re.compile(r"^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=", re.MULTILINE)
_NO_PROMPT = ("readme", "license", "changelog", "requirements", "contributing", "notes", "todo")


@dataclass(frozen=True)
class FoundFiles:
    """What could be used, the most likely first. Values of variables are never read into it."""

    prompts: tuple[Path, ...] = ()
    tables: tuple[Path, ...] = ()
    keys: tuple[str, ...] = ()
    """Names of the variables of .env that look like keys."""
    promptfoo: Path | None = None


def look_around(folder: Path) -> FoundFiles:
    """Look at a folder and its sub-folders prompts and data; unreadable files are passed over."""
    files = list(_list_files(folder))
    tables = {path: table for path in files if (table := _read_small_table(path)) is not None}
    columns = {name.lower() for table in tables.values() for name in table.columns}
    ranks = {path: rank for path in files if (rank := _rank_prompt(path, columns))}
    return FoundFiles(
        prompts=tuple(sorted(ranks, key=lambda path: (-ranks[path], path))),
        tables=tuple(sorted(tables, key=lambda path: (-len(tables[path].rows), path))),
        keys=_read_key_names(folder / ".env"),
        promptfoo=next((folder / name for name in PROMPTFOO if (folder / name).is_file()), None),
    )


def _list_files(folder: Path) -> Iterator[Path]:
    found = 0
    for name in FOLDERS:
        with suppress(OSError):
            for path in sorted((folder / name).iterdir()):
                if path.is_file() and 0 < path.stat().st_size <= MOST_BYTES:
                    found += 1
                    if found > MOST_FILES:
                        return
                    yield path


def _read_small_table(path: Path) -> DataTable | None:
    if path.suffix.lower() not in KINDS or path.name in NO_DATA:
        return None
    try:
        table = read_table(path)
    except LabError:
        return None
    return table if len(table.rows) >= FEWEST_ROWS and len(table.columns) > 1 else None


def _rank_prompt(path: Path, columns: set[str]) -> int:
    """0 for a file that is no prompt; more for one that names a column as its input."""
    if path.suffix.lower() not in PROMPT_KINDS or path.stem.lower() in _NO_PROMPT:
        return 0
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return 0
    names = {name.lower() for name in placeholders(text)}
    rank = 4 * bool(names & columns) + 2 * ("prompt" in path.as_posix().lower())
    return rank + (USER_LINE in text.split("\n")) + (bool(names) and bool(text.strip()))


def _read_key_names(path: Path) -> tuple[str, ...]:
    try:
        text = path.read_text("utf-8", "replace")
    except OSError:
        return ()
    names = dict.fromkeys(_VARIABLE.findall(text))
    return tuple(name for name in names if name.upper().endswith(("_KEY", "_TOKEN")))
