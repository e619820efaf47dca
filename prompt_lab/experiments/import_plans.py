"""Make plans of a table of examples: one folder for each row, divided into train and verify."""

import json
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from prompt_lab.errors import StoreError, UnknownName
from prompt_lab.experiments.context import LabContext
from prompt_lab.experiments.data_rows import DataRow, DataTable, RejectedRow, read_table
from prompt_lab.experiments.split import group_plans
from prompt_lab.names import Split, count
from prompt_lab.store.files import disk_errors, write_text
from prompt_lab.store.layout import Lab
from prompt_lab.store.plan_files import digest_folder
from prompt_lab.store.plan_sample import split_plans

GOLD_NAMES = ("expected", "gold", "ideal", "answer", "output", "label", "target")
"""Columns that hold the right answer, where none is named."""
ID_NAMES = ("id", "name")
MOST_SHOWN = 20
MOST_LABELS = 12
"""Right answers up to which each gets the same share of both splits."""
FEWEST_OF_LABEL = 8
"""Plans for each such answer, on the average; with fewer, most groups would be single plans."""
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._-]+")


class ColumnChoice(NamedTuple):
    """Which columns make a plan's files."""

    inputs: Mapping[str, str]
    """File name -> column."""
    gold: tuple[str, ...]
    """Columns of the right answer; () where plans have none."""
    gold_file: str
    name: str = ""
    """Column of the plan's name; '' names plans by their content."""


@dataclass
class ImportResult:
    """What an import did or would do."""

    source: Path
    columns: ColumnChoice
    unused: tuple[str, ...] = ()
    added: dict[Split, list[str]] = field(default_factory=lambda: {split: [] for split in Split})
    known: int = 0
    repeated: int = 0
    seed: int = 0
    strata: str = ""
    """What train and verify have equal shares of."""
    rejected: list[RejectedRow] = field(default_factory=list)


def import_plans(
    context: LabContext,
    step: str,
    source: Path,
    *,
    inputs: Mapping[str, str],
    gold: Sequence[str],
    name: str,
    seed: int,
    dry_run: bool,
) -> ImportResult:
    """Read the rows of `source` as plans of a step, and copy those that are new into the lab.

    `inputs`: file name or its stem -> column, for those whose column is called otherwise. Rows
    that a split holds already stay there, so the command may be repeated after rows were added.
    Raises StoreError, UnknownName; nothing is written then.
    """
    adapter = context.adapter(step)
    table = read_table(source)
    columns = choose_columns(source, table, adapter.inputs, adapter.outputs, inputs, gold, name)
    used = {*columns.inputs.values(), *columns.gold, columns.name}
    result = ImportResult(source, columns, tuple(c for c in table.columns if c not in used))
    result.rejected += table.rejected
    plans = _make_plans(table.rows, columns, result)
    new = _leave_out_known(context.lab, plans, adapter.inputs, result)
    result.rejected.sort()
    kinds = _strata(new, columns.gold_file)
    sizes = {plan: sum(map(len, files.values())) for plan, files in new.items()}
    result.added = split_plans(group_plans(kinds, sizes), seed)
    result.seed = seed
    by_answer = " and of each right answer" if len(set(kinds.values())) > 1 else ""
    result.strata = f"short and long inputs{by_answer}"
    if not dry_run:
        for split, names in result.added.items():
            for plan in names:
                _write_plan(context.lab.plans(split) / plan, new[plan])
    return result


def choose_columns(
    source: Path,
    table: DataTable,
    input_files: Sequence[str],
    output_files: Sequence[str],
    inputs: Mapping[str, str],
    gold: Sequence[str],
    name: str,
) -> ColumnChoice:
    """Columns by what is named, else by their own names. Raises StoreError or UnknownName."""
    for wanted in (*inputs.values(), *gold, *filter(None, [name])):
        if wanted not in table.columns:
            raise UnknownName("column", wanted, table.columns, f"the header of {source}")
    chosen = _choose_inputs(source, table.columns, input_files, inputs)
    free = [column for column in table.columns if column not in chosen.values()]
    name = name or _find_name_column(table.rows, free)
    gold_file = output_files[0] if output_files else ""
    if not gold and gold_file:
        gold = _guess_gold([column for column in free if column != name], gold_file)
    if gold and not gold_file:
        raise StoreError(f"{source}: the step has no output file that could hold a right answer")
    if len(gold) > 1 and not gold_file.endswith(".json"):
        raise StoreError(f"{source}: {gold_file} holds one text: name one column with --gold")
    return ColumnChoice(chosen, tuple(gold), gold_file, name)


def _choose_inputs(
    source: Path, columns: Sequence[str], input_files: Sequence[str], inputs: Mapping[str, str]
) -> dict[str, str]:
    """File name -> column."""
    stems = {Path(file).stem: file for file in input_files}
    for file in inputs:
        if file not in stems and file not in input_files:
            raise UnknownName("input", file, [*stems], "the step's inputs")
    lower = {column.lower(): column for column in columns}
    chosen: dict[str, str] = {}
    for stem, file in stems.items():
        column = inputs.get(stem) or inputs.get(file) or lower.get(stem.lower())
        if column is None and len(stems) == 1:
            column = lower.get("input")
        if column is None:
            raise StoreError(
                f"{source}:1: no column is called {stem!r}, which the step's {file} needs: name"
                f" one with --input {stem}=COLUMN. Columns: {', '.join(columns) or 'none'}"
            )
        chosen[file] = column
    return chosen


def _find_name_column(rows: Sequence[DataRow], free: Sequence[str]) -> str:
    """A column called as one that names rows, if each row has a value there of its own; else ''."""
    lower = {column.lower(): column for column in free}
    found = next((lower[known] for known in ID_NAMES if known in lower), "")
    return found if found and _are_names(rows, found) else ""


def render_import(result: ImportResult, *, dry_run: bool) -> str:
    """The summary: what became of every row, and which columns were used."""
    columns = result.columns
    made = ", ".join(count(len(result.added[split]), f"{split} plan") for split in Split)
    lines = [f"{result.source}: {made}{' would be added' if dry_run else ' added'}"]
    if any(result.added.values()):
        lines.append(f"  split     by seed {result.seed}, with equal shares of {result.strata}")
    files = [f"{column} -> {file}" for file, column in columns.inputs.items()]
    if columns.gold:
        files.append(f"{', '.join(columns.gold)} -> {columns.gold_file} (the right answer)")
    else:
        files.append("no column holds a right answer")
    lines.append(f"  columns   {'; '.join(files)}")
    if result.unused:
        lines.append(f"  unused    {', '.join(result.unused)}")
    if result.known:
        lines.append(f"  known     {count(result.known, 'row')} in the lab already, not changed")
    if result.repeated:
        lines.append(f"  repeated  {count(result.repeated, 'row')} equal to an earlier one")
    if result.rejected:
        lines.append(f"  refused   {count(len(result.rejected), 'row')}")
        shown = result.rejected[:MOST_SHOWN]
        lines += [f"    {result.source}:{line}: {reason}" for line, reason in shown]
        if more := len(result.rejected) - len(shown):
            lines.append(f"    and {more:,} more")
    return "\n".join(lines)


def _guess_gold(free: Sequence[str], gold_file: str) -> list[str]:
    lower = {column.lower(): column for column in free}
    for known in (Path(gold_file).stem.lower(), *GOLD_NAMES):
        if known in lower:
            return [lower[known]]
    return list(free) if gold_file.endswith(".json") else []


def _are_names(rows: Sequence[DataRow], column: str) -> bool:
    """Whether each row has a value there of its own."""
    found = [str(row.values.get(column, "")).strip() for row in rows]
    return all(found) and len({_slug(name) for name in found}) == len(found)


def _make_plans(
    rows: Sequence[DataRow], columns: ColumnChoice, result: ImportResult
) -> dict[str, dict[str, str]]:
    """Plan -> file -> text. Equal rows are one plan; rows that contradict each other are none."""
    plans: dict[str, dict[str, str]] = {}
    seen: dict[str, tuple[str, dict[str, str], int]] = {}
    for row in rows:
        try:
            files = _files_of(row, columns)
            key = _digest({file: files[file] for file in columns.inputs})
            plan = _name_of(row, columns, key, result.source)
        except ValueError as error:
            result.rejected.append(RejectedRow(row.line, str(error)))
            continue
        if key in seen:
            _, earlier, line = seen[key]
            if earlier == files:
                result.repeated += 1
            else:
                reason = f"has the input of line {line} and another right answer: keep one"
                result.rejected.append(RejectedRow(row.line, reason))
            continue
        if plan in plans:
            reason = f"is called {plan!r} as an earlier row is: give it a name of its own"
            result.rejected.append(RejectedRow(row.line, reason))
            continue
        seen[key] = plan, files, row.line
        plans[plan] = files
    return plans


def _files_of(row: DataRow, columns: ColumnChoice) -> dict[str, str]:
    """Raises ValueError with the reason where a row makes no plan."""
    files = {}
    for file, column in columns.inputs.items():
        text = _text(row.values.get(column))
        if not text.strip():
            raise ValueError(f"{column!r} is empty")
        files[file] = text
    if not columns.gold:
        return files
    if not columns.gold_file.endswith(".json"):
        text = _text(row.values.get(columns.gold[0]))
        if not text.strip():
            raise ValueError(f"{columns.gold[0]!r} is empty")
        files[columns.gold_file] = text
        return files
    gold = _gold_object(row.values, columns)
    files[columns.gold_file] = json.dumps(gold, ensure_ascii=False, indent=2) + "\n"
    return files


def _gold_object(values: Mapping[str, Any], columns: ColumnChoice) -> dict[str, Any]:
    if len(columns.gold) == 1:
        value = values.get(columns.gold[0])
        if isinstance(value, str) and value.lstrip().startswith("{"):
            try:
                value = json.loads(value)
            except (ValueError, RecursionError) as error:
                raise ValueError(f"{columns.gold[0]!r} is not JSON: {str(error)[:100]}") from error
        if isinstance(value, dict):
            if not value:
                raise ValueError(f"{columns.gold[0]!r} has no fields")
            return value
    gold = {column: values.get(column) for column in columns.gold}
    empty = [name for name, value in gold.items() if value is None or not str(value).strip()]
    if empty:
        raise ValueError(f"{empty[0]!r} is empty")
    return gold


def _text(value: object) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError("holds half a surrogate pair, which no file can hold") from error
    return text


def _digest(value: object) -> str:
    return sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _name_of(row: DataRow, columns: ColumnChoice, digest: str, source: Path) -> str:
    if columns.name:
        name = _slug(str(row.values.get(columns.name, "")))
        if not name:
            raise ValueError(f"{columns.name!r} gives no name: use letters and digits")
        return name
    return f"{_slug(source.stem) or 'row'}-{digest[:10]}"


def _slug(name: str) -> str:
    return _NOT_IN_NAMES.sub("-", name.strip()).strip("-.")[:80]


def _leave_out_known(
    lab: Lab, plans: Mapping[str, dict[str, str]], inputs: Sequence[str], result: ImportResult
) -> dict[str, dict[str, str]]:
    """The plans whose inputs no plan of the lab has; a name with other files is refused."""
    there: dict[str, Path] = {}
    for split in Split:
        folder = lab.plans(split)
        with disk_errors(folder):
            paths = sorted(folder.iterdir()) if folder.is_dir() else []
        there |= {path.name: path for path in paths if path.is_dir()}
    contents = {_inputs_digest(path, inputs) for path in there.values()}
    new = {}
    for plan, files in plans.items():
        if _digest({file: files[file].strip("\n") for file in inputs}) in contents:
            result.known += 1
        elif plan in there:
            raise StoreError(
                f"{there[plan]}: is there with another input. Name the plans by another column"
                " with --name, or remove that folder."
            )
        else:
            new[plan] = files
    return new


def _strata(plans: Mapping[str, dict[str, str]], gold_file: str) -> dict[str, str]:
    """Plan -> its files, and its right answer where few answers are shared by many plans."""
    kinds = {plan: " ".join(sorted(files)) for plan, files in plans.items()}
    golds = {plan: files.get(gold_file, "").strip() for plan, files in plans.items()}
    if len(set(golds.values())) <= min(MOST_LABELS, len(plans) // FEWEST_OF_LABEL):
        return {plan: f"{kind} {golds[plan]}" for plan, kind in kinds.items()}
    return kinds


def _inputs_digest(folder: Path, inputs: Sequence[str]) -> str:
    found = {}
    for file in inputs:
        try:
            found[file] = (folder / file).read_text("utf-8-sig").strip("\n")
        except (OSError, UnicodeDecodeError):
            return digest_folder(folder)
    return _digest(found)


def _write_plan(folder: Path, files: Mapping[str, str]) -> None:
    """The whole folder, or none of it."""
    part = folder.with_name(f".{folder.name}.part")
    with disk_errors(folder):
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        for name, text in files.items():
            write_text(part / name, text, durable=False)
        part.rename(folder)
