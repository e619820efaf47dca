"""Plans of a table: which columns, which split, and a reason for every row that makes none."""

import csv
import io
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from pipeline.cli.app import app
from pipeline.wiring import project_context
from prompt_lab.errors import LabError, StoreError, UnknownName
from prompt_lab.experiments.context import LabContext
from prompt_lab.experiments.data_rows import read_table
from prompt_lab.experiments.import_plans import ImportResult, import_plans, render_import
from prompt_lab.names import Split

PROJECT = """
lab: lab
defaults: {step: read, models: [smollm2]}
targets: {shop: {repository: target}}
steps:
  read:
    adapter: prompt_file
    target: shop
    prompt: prompts/read.txt
    inputs: [note.txt]
    outputs: [answer.json]
    primary: fields
"""


@pytest.fixture
def context(tmp_path: Path) -> LabContext:
    (tmp_path / "promptlab.yaml").write_text(PROJECT)
    return project_context(tmp_path)


def write_csv(folder: Path, rows: list[list[str]], name: str = "cases.csv") -> Path:
    file = folder / name
    with file.open("w", newline="", encoding="utf-8") as out:
        csv.writer(out).writerows(rows)
    return file


def load(
    context: LabContext,
    file: Path,
    *,
    inputs: dict[str, str] | None = None,
    gold: tuple[str, ...] = (),
    name: str = "",
    dry_run: bool = False,
) -> ImportResult:
    return import_plans(
        context, "read", file, inputs=inputs or {}, gold=gold, name=name, seed=0, dry_run=dry_run
    )


def plans_of(context: LabContext) -> dict[str, Path]:
    return {
        path.name: path
        for split in Split
        for path in context.lab.plans(split).glob("*")
        if path.is_dir()
    }


def test_each_row_is_a_plan_and_what_remains_beside_inputs_and_name_is_the_right_answer(
    context: LabContext, tmp_path: Path
) -> None:
    rows = [[f"n{i}", f"Pay {i} EUR", str(i), "EUR"] for i in range(80)]
    file = write_csv(tmp_path, [["id", "Note", "amount", "currency"], *rows])
    result = load(context, file)
    assert {split: len(names) for split, names in result.added.items()} == {
        Split.TRAIN: 20,
        Split.VERIFY: 60,
    }
    plan = plans_of(context)["n7"]
    assert (plan / "note.txt").read_text() == "Pay 7 EUR"
    assert json.loads((plan / "answer.json").read_text()) == {"amount": "7", "currency": "EUR"}
    context.adapter("read").check_gold(plan)
    said = render_import(result, dry_run=False)
    assert "20 train plans, 60 verify plans added" in said
    assert "Note -> note.txt; amount, currency -> answer.json (the right answer)" in said


def test_the_same_file_with_more_rows_adds_those_alone_and_moves_none(
    context: LabContext, tmp_path: Path
) -> None:
    rows = [[f"Pay {i} EUR", str(i)] for i in range(40)]
    first = load(context, write_csv(tmp_path, [["note", "amount"], *rows[:30]]))
    before = {name: path.parent.name for name, path in plans_of(context).items()}
    again = load(context, write_csv(tmp_path, [["note", "amount"], *rows]))
    after = {name: path.parent.name for name, path in plans_of(context).items()}
    assert (first.known, again.known, len(after)) == (0, 30, 40)
    assert {name: after[name] for name in before} == before


def test_equal_rows_are_one_plan_and_rows_that_contradict_each_other_are_named(
    context: LabContext, tmp_path: Path
) -> None:
    rows = [["a", "1"], ["b", "2"], ["a", "1"], ["b", "3"], ["", "4"], ["c", " "]]
    result = load(context, write_csv(tmp_path, [["note", "amount"], *rows]))
    assert result.repeated == 1
    assert [tuple(one) for one in result.rejected] == [
        (5, "has the input of line 3 and another right answer: keep one"),
        (6, "'note' is empty"),
        (7, "'amount' is empty"),
    ]
    assert len(plans_of(context)) == 2


def test_what_a_cell_holds_arrives_as_it_is(context: LabContext, tmp_path: Path) -> None:
    text = 'line 1\nline 2; "quoted", \u2028 ümlaut\n\tend'
    file = write_csv(tmp_path, [["note", "amount"], [text, "1"]])
    load(context, file)
    (plan,) = plans_of(context).values()
    assert (plan / "note.txt").read_bytes().decode() == text


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("c.csv", "\ufeffnote;amount\nx;1\n"),
        ("c.tsv", "note\tamount\nx\t1\n"),
        ("c.jsonl", '{"note": "x", "amount": 1}\n\n'),
        ("c.json", '[{"note": "x", "amount": 1}]'),
        ("c.jsonl", '{"note": "x", "expected": {"amount": 1}}'),
        ("c.csv", 'input,expected\nx,"{""amount"": 1}"\n'),
    ],
)
def test_the_forms_of_a_table(context: LabContext, tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    result = load(context, tmp_path / name)
    assert result.rejected == []
    (plan,) = plans_of(context).values()
    assert (plan / "note.txt").read_text() == "x"
    gold = json.loads((plan / "answer.json").read_text())
    assert {key: float(value) for key, value in gold.items()} == {"amount": 1.0}


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("c.txt", "x", "is none of .csv, .tsv"),
        ("c.csv", "", "c.csv:1: has no header"),
        ("c.csv", "note,note\n", "two columns are called 'note'"),
        ("c.csv", "note,\nx,y\n", "a column has no name"),
        ("c.csv", 'note,amount\n"x,1\n', "cannot be read as CSV"),
        ("c.json", '{"note": "x"}', "must be a list of objects"),
        ("c.json", '[\n{"note": x}]', "c.json:2: is not JSON"),
        ("c.csv", "text,amount\nx,1\n", "name one with --input note=COLUMN"),
    ],
)
def test_a_file_that_is_no_table_is_refused_with_its_line(
    context: LabContext, tmp_path: Path, name: str, content: str, says: str
) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(StoreError) as caught:
        load(context, tmp_path / name)
    assert says in str(caught.value)
    assert plans_of(context) == {}


def test_lines_that_are_no_object_are_refused_one_by_one(
    context: LabContext, tmp_path: Path
) -> None:
    (tmp_path / "c.jsonl").write_text('{"note": "a", "amount": 1}\n[1]\n{"note"\n{"note": "b"}\n')
    result = load(context, tmp_path / "c.jsonl")
    assert [one.line for one in result.rejected] == [2, 3, 4]
    assert "'amount' is empty" in result.rejected[2].reason
    assert len(plans_of(context)) == 1


def test_columns_by_name_and_one_that_is_not_there(context: LabContext, tmp_path: Path) -> None:
    file = write_csv(tmp_path, [["text", "sum", "who"], ["x", "1", "b/c ü"], ["y", "2", "d"]])
    result = load(context, file, inputs={"note": "text"}, gold=("sum",), name="who")
    assert sorted(plans_of(context)) == ["b-c", "d"]
    assert result.unused == ()
    with pytest.raises(UnknownName, match="Did you mean 'text'"):
        load(context, file, inputs={"note": "txt"})


def test_a_dry_run_writes_nothing_and_says_the_same(context: LabContext, tmp_path: Path) -> None:
    file = write_csv(tmp_path, [["note", "amount"], *[[f"x{i}", str(i)] for i in range(12)]])
    planned = load(context, file, dry_run=True)
    assert plans_of(context) == {}
    assert "would be added" in render_import(planned, dry_run=True)
    assert load(context, file).added == planned.added


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300), st.sampled_from([".csv", ".tsv", ".jsonl", ".json"]))
def test_no_content_ends_in_anything_but_rows_or_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, kind: str
) -> None:
    file = tmp_path_factory.getbasetemp() / f"any{kind}"
    file.write_bytes(content)
    said, lines = str(file), [1]
    try:
        table = read_table(file)
        lines = [row.line for row in table.rows] + [row.line for row in table.rejected]
    except LabError as error:
        said = str(error)
    assert said.startswith(str(file))
    assert all(line >= 1 for line in lines)


_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), min_size=1)


@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.tuples(_TEXT, _TEXT), min_size=1, max_size=8))
def test_csv_of_any_text_is_read_as_it_was_written(
    tmp_path: Path, cells: list[tuple[str, str]]
) -> None:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([("note", "amount"), *cells])
    file = tmp_path / "round.csv"
    file.write_text(out.getvalue(), encoding="utf-8", newline="")
    table = read_table(file)
    assert [tuple(row.values.values()) for row in table.rows] == cells


def test_the_command_says_what_it_did_and_ends_with_1_for_a_refused_row(
    context: LabContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PROMPTLAB_ROOT", raising=False)
    write_csv(tmp_path, [["note", "amount"], ["a", "1"], ["b"]])
    done = CliRunner().invoke(app, ["plans", "import", "cases.csv", "--input", "note=note"])
    assert done.exit_code == 1
    assert "cases.csv:3: has 1 cells, and the header 2" in done.output
    assert len(plans_of(context)) == 1
