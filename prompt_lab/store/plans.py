"""Plans: folders under baseline/train and baseline/verify."""

import os
import sys
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from prompt_lab.errors import StoreError, UnknownName
from prompt_lab.names import Split, count
from prompt_lab.prompts.files import LONGEST_POINTER, pointer_command
from prompt_lab.records import PlanText
from prompt_lab.store.file_cache import FileCache
from prompt_lab.store.files import disk_errors
from prompt_lab.store.layout import Lab
from prompt_lab.store.plan_files import WHOLE, digest_folder, hash_plan

TRACE_PREFIX = "trace_"
"""Names of plans that are built from traces of production begin so: they stay out of git."""
_TEXTS = FileCache[PlanText](64 << 20)
"""Every phase after the runs reads the plans of all of them."""


def plan_names(lab: Lab, inputs: Sequence[str], *, split: Split) -> list[str]:
    """The plans of a split that hold a step's inputs, in the order of their names.

    Raises StoreError that says what is missing when there are none.
    """
    folder = lab.plans(split)
    names, usable = plans_in(folder, inputs)
    if not usable:
        raise StoreError(
            f"{folder}: no plan holds {', '.join(map(repr, inputs))} "
            f"({count(len(names), 'folder')} looked at). "
            "Put one folder for each input there; `make demo` shows an example."
        )
    for name in usable:
        if fault := name_fault(os.fsencode(name), name, sys.getfilesystemencoding()):
            raise StoreError(f"{folder}: {fault}")
    return usable


def name_fault(raw: bytes, name: str, encoding: str) -> str | None:
    """Why a folder's name cannot be written to records, or None.

    `raw` is the name as the disk has it, `name` as Python read it in the file system's encoding.

    >>> name_fault(b"caf\\xe9", "caf\\udce9", "utf-8")
    "the name of 'caf\\\\udce9' is not UTF-8. Rename that folder."
    >>> name_fault("é".encode(), "\\udcc3\\udca9", "ascii")
    "file names are read as ascii here, so 'é' has no name. Set PYTHONUTF8=1 or LC_ALL=C.UTF-8."
    """
    if name.encode("utf-8", "replace").decode() == name:
        return None
    try:
        meant = raw.decode("utf-8")
    except UnicodeDecodeError:
        return f"the name of {name!r} is not UTF-8. Rename that folder."
    return (
        f"file names are read as {encoding} here, so {meant!r} has no name. "
        "Set PYTHONUTF8=1 or LC_ALL=C.UTF-8."
    )


def plans_in(folder: Path, inputs: Sequence[str]) -> tuple[list[str], list[str]]:
    """(all sub-folders, those that hold a step's inputs), in the order of their names."""
    with disk_errors(folder):
        names = sorted(p.name for p in folder.iterdir() if p.is_dir()) if folder.is_dir() else []
    return names, [n for n in names if all((folder / n / i).is_file() for i in inputs)]


def left_out(folder: Path, inputs: Sequence[str], outputs: Sequence[str]) -> list[str]:
    """Plans that lack an input of a step and yet seem meant for it, in the order of their names.

    Those are empty, or hold a file that is called much like one of the step's; plans of another
    step are not.
    """
    stems = {Path(name).stem.lower() for name in (*inputs, *outputs)}
    names, usable = plans_in(folder, inputs)
    lacking = [name for name in names if name not in usable]
    with disk_errors(folder):
        held = {n: {p.stem.lower() for p in (folder / n).iterdir()} for n in lacking}
    return [name for name in lacking if not held[name] or held[name] & stems]


def choose_plans(available: Sequence[str], wanted: Sequence[str], folder: Path) -> list[str]:
    """The wanted plans, in their order. Raises UnknownName for one that is not there."""
    for name in wanted:
        if name not in available:
            raise UnknownName("plan", name, available, str(folder))
    return list(dict.fromkeys(wanted))


def read_plan(folder: Path, inputs: Sequence[str], outputs: Sequence[str]) -> PlanText:
    """A plan's texts, without a byte order mark and with line ends as `\\n`.

    They are read once for each process. Raises StoreError for an input that is not UTF-8 text.
    """
    return _TEXTS.get(
        (str(folder), tuple(inputs), tuple(outputs)),
        [f"{folder}/{name}" for name in (*inputs, *outputs)],
        lambda: _read_plan(folder, inputs, outputs),
    )


def _read_plan(folder: Path, inputs: Sequence[str], outputs: Sequence[str]) -> PlanText:
    gold = [name for name in outputs if (folder / name).is_file()]
    return PlanText(
        name=folder.name,
        inputs={name: _text(folder / name) for name in inputs},
        gold={name: _text(folder / name) for name in gold},
    )


def check_pointers(folder: Path, names: Sequence[str] | None = None) -> None:
    """Raises StoreError for a file that is a pointer of Git LFS, with the command that fetches it.

    `names` are the files that count; None: every file of the plan's folder.
    """
    with disk_errors(folder):
        if names is None:
            paths = sorted(path for path in folder.rglob("*") if path.is_file())
        else:
            paths = [folder / name for name in names if (folder / name).is_file()]
        for path in paths:
            with path.open("rb") as file:
                pointer = pointer_command(file.read(LONGEST_POINTER + 1))
            if pointer:
                raise StoreError(
                    f"{path}: is {pointer[0]}, not the file itself: run 'git -C {folder}"
                    f" {pointer[1]}', then run the same command again."
                )


def has_gold(folder: Path, outputs: Sequence[str]) -> bool:
    """Whether a plan holds a right answer to any of a step's outputs."""
    return any((folder / name).is_file() for name in outputs)


def digest(plan: PlanText) -> str:
    """sha256 over a plan's inputs and gold, and nothing else of its folder."""
    return sha256(plan.model_dump_json().encode()).hexdigest()


def digest_for_comparison(folder: Path, inputs: Sequence[str], outputs: Sequence[str]) -> str:
    """`digest`, or that of the whole folder if it holds more than inputs and gold.

    Under it measurements of different iterations are compared, those of older versions included.
    Raises StoreError.
    """
    if set(hash_plan(folder)) <= {*inputs, *outputs}:
        return digest(read_plan(folder, inputs, outputs))
    return digest_folder(folder).removeprefix(WHOLE)


class _Files(Protocol):
    @property
    def inputs(self) -> tuple[str, ...]: ...
    @property
    def outputs(self) -> tuple[str, ...]: ...


def changed_plans(folder: Path, planned: Mapping[str, str], step: _Files) -> tuple[str, ...]:
    """Those of `planned` (name -> digest) that hold something else now, or cannot be read.

    Digests of an older version are of inputs and gold alone.
    """
    found = []
    for name, then in planned.items():
        try:
            if then.startswith(WHOLE):
                now = digest_folder(folder / name)
            else:
                now = digest(read_plan(folder / name, step.inputs, step.outputs))
        except StoreError:
            now = ""
        if now != then:
            found.append(name)
    return tuple(found)


def set_digest(plans: Mapping[str, str]) -> str:
    """8 hex digits of a plan set, from its plans' names and digests: a changed set is another."""
    text = "\n".join(sorted(f"{name} {its}" for name, its in plans.items()))
    return sha256(text.encode()).hexdigest()[:8]


def _text(path: Path) -> str:
    with disk_errors(path):
        try:
            return path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            raise StoreError(
                f"{path}: is not UTF-8 text (byte {error.start}). Save it as UTF-8."
            ) from error
