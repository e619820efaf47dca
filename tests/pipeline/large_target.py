"""A target of more than 300 Python files with an interpreter of its own, generated."""

import shutil
import venv
from collections.abc import Mapping
from pathlib import Path

PARTS, MODULES = 16, 20
TEXT = "List what matters."
BETTER_TEXT = "List all of what matters."
CORE = '''"""What the step sends: a constant that ends in newlines, stripped."""

from notes import part_00, part_01

PROMPT = """{text}


"""
USED = part_00.VALUES + part_01.VALUES


def sent():
    return {sent}


def answer(note):
    return note
'''
KEPT = '"""A cache that nobody renewed."""\n\nPROMPT = "List what matters."\n'
SENDS_KEPT = '__import__("notes.kept").kept.PROMPT'
"""The prompt of before, whatever the constant says by now."""


def core(text: str, sent: str = "PROMPT.strip()") -> str:
    """The module that holds the prompt."""
    return CORE.format(text=text, sent=sent)


def large_files() -> dict[str, str]:
    """path -> text of everything in the target; two of the 16 parts are loaded by a run."""
    files = {"src/notes/__init__.py": "", "src/notes/kept.py": KEPT, "README.md": "Notes.\n"}
    files["src/notes/core.py"] = core(TEXT)
    for part in range(PARTS):
        names = [f"mod_{number:02}" for number in range(MODULES)]
        folder = f"src/notes/part_{part:02}"
        imports = "".join(f"from notes.part_{part:02} import {name}\n" for name in names)
        values = ", ".join(f"{name}.VALUE" for name in names)
        files[f"{folder}/__init__.py"] = f"{imports}\nVALUES = [{values}]\n"
        files |= {f"{folder}/{name}.py": f"VALUE = {part * MODULES}\n" for name in names}
    return files


def make_interpreter(home: Path, shadow: Path | None = None) -> str:
    """Make a virtual environment; with `shadow`, one that imports that checkout's package."""
    venv.create(home, symlinks=True)
    if shadow is not None:
        line = f"import sys; sys.path.insert(0, {str(shadow)!r}); import notes.core\n"
        site = next(home.glob("lib/*/site-packages"))
        (site / "shadow.pth").write_text(line)
    return str(home / "bin/python")


def write_copy(folder: Path, files: Mapping[str, str]) -> Path:
    """Another checkout of the package, as somebody installed it once; the folder to import from."""
    shutil.rmtree(folder, ignore_errors=True)
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder / "src"
