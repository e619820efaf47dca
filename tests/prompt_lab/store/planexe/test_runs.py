"""Run folders of another tool: what is read, what is reported, and that damage never raises."""

import json
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompt_lab.names import Side, Status
from prompt_lab.store.layout import Lab
from prompt_lab.store.planexe.analyses import irregular_analyses
from prompt_lab.store.planexe.runs import (
    ENDED,
    ForeignRunFolder,
    irregular_runs,
    read_batch_of,
    run_folders,
)
from prompt_lab.store.planexe.usage import OVERCOUNTED
from tests.prompt_lab.store.planexe import other_tool

FILES = ("meta.json", "outputs.jsonl", "events.jsonl", "outputs/silo/levers.json")
LOG = "outputs/silo/usage_metrics.jsonl"
OVERVIEW = "outputs/silo/activity_overview.json"
ODD_VALUES = ["", 0, -1, 1e400, float("nan"), 10**400, None, True, [], {}, "\ud800", "../..", "\0"]


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return other_tool.small_lab(tmp_path / "lab")


def read(lab: Lab, number: int = 0) -> ForeignRunFolder:
    return read_batch_of(lab, run_folders(lab)[number], Side.CANDIDATE)


def test_a_run_folder_is_a_row_for_each_plan(lab: Lab) -> None:
    batch = read(lab)
    silo, game = batch.rows
    assert (batch.model, batch.step, batch.faults, batch.scored) == (
        "small",
        "find_levers",
        (),
        False,
    )
    assert (silo.record.status, silo.record.primary) == (Status.OK, 1.0)
    assert silo.record.scores == {ENDED: 1.0}
    assert list(silo.outputs) == ["levers.json"], "the raw answer stands beside a clean one"
    assert game.record.error is not None
    assert game.record.error.kind == "value_error in options"
    assert game.record.error.message == other_tool.TWO
    assert (silo.record.side, silo.record.model) == (Side.CANDIDATE, "small")
    assert silo.record.started == "2026-03-17T10:00:00Z"


def test_a_call_that_is_logged_twice_counts_once(lab: Lab) -> None:
    usage = read(lab).rows[0].record.usage
    assert (usage.calls, usage.calls_succeeded) == (2, 2)
    assert (usage.input_tokens, usage.output_tokens, usage.cost_usd) == (200, 40, 0.002)


def _overview(lab: Lab, calls: int) -> None:
    other_tool.put(
        run_folders(lab)[0] / OVERVIEW,
        {
            "models": {"x": {"calls": calls}},
            "total_input_tokens": 999,
            "total_output_tokens": 99,
            "total_cost": 0.5,
        },
    )


def test_an_overview_that_counts_other_plans_calls_too_is_reported_and_not_believed(
    lab: Lab,
) -> None:
    _overview(lab, 6)
    batch = read(lab)
    assert batch.faults == (OVERCOUNTED,)
    assert batch.rows[0].record.usage.input_tokens == 200


def test_the_overview_is_read_where_there_is_no_log(lab: Lab) -> None:
    _overview(lab, 2)
    (run_folders(lab)[0] / LOG).unlink()
    usage = read(lab).rows[0].record.usage
    assert (usage.calls, usage.input_tokens, usage.cost_usd) == (2, 999, 0.5)


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        ("meta.json", None, "no meta.json"),
        ("meta.json", b"{", "meta.json is no JSON object"),
        ("meta.json", b'{"step": "s"}', "meta.json names no model"),
        ("outputs.jsonl", None, "no outputs.jsonl"),
        ("outputs.jsonl", b"", "outputs.jsonl is empty"),
        (
            "outputs.jsonl",
            b'{"name": "silo"}\n{"na',
            "outputs.jsonl has 1 line that hold no object",
        ),
        ("outputs.jsonl", b'{"name": "../silo"}', "outputs.jsonl has rows that name no plan"),
        ("events.jsonl", None, "no events.jsonl"),
        ("events.jsonl", b"\xff{}\n{}", "events.jsonl is not UTF-8"),
        ("outputs/silo/levers.json", b"[1", "outputs/silo/levers.json is no JSON"),
        (LOG, b"\xff", f"{LOG} is not UTF-8"),
        (OVERVIEW, b"[]", f"{OVERVIEW} is no JSON object"),
    ],
)
def test_damage_is_reported_and_the_rest_is_read(
    lab: Lab, name: str, content: bytes | None, fault: str
) -> None:
    path = run_folders(lab)[0] / name
    path.unlink() if content is None else path.write_bytes(content)
    batch = read(lab)
    assert fault in batch.faults
    assert [row.record.plan for row in batch.rows].count("silo") == 1
    assert [one.path for one in irregular_runs(lab)] == ["history/0/00_find_levers"]


def test_outputs_that_were_not_kept_and_runs_made_again_are_told(lab: Lab) -> None:
    folder = other_tool.run_folder(lab, 4, "small", {"silo": "broken"}, keep=False)
    with (folder / "outputs.jsonl").open("a") as rows:
        rows.write(json.dumps({"name": "silo", "status": "ok", "duration_seconds": 1}) + "\n")
    batch = read(lab, 4)
    assert [row.record.status for row in batch.rows] == [Status.OK], "the last row counts"
    assert batch.faults == (
        "plans were run more than once; the last row of outputs.jsonl counts",
        "the plans' outputs were not kept",
    )


def test_a_raw_answer_is_read_only_where_no_plan_has_a_clean_one(lab: Lab) -> None:
    folder = run_folders(lab)[1]
    (folder / "outputs/silo/levers.json").unlink()
    batch = read(lab, 1)
    assert [list(row.outputs) for row in batch.rows] == [[], ["levers.json"]]
    assert batch.faults == ("outputs/silo keeps only a raw answer",)
    (folder / "outputs/game/levers.json").unlink()
    batch = read(lab, 1)
    assert [list(row.outputs) for row in batch.rows] == [["levers_raw.json"]] * 2
    assert batch.faults == ()


def test_plans_that_never_ended_are_no_runs(lab: Lab) -> None:
    folder = other_tool.run_folder(lab, 4, "small", {"silo": []}, keep=False)
    (folder / "outputs.jsonl").unlink()
    batch = read(lab, 4)
    assert batch.rows == ()
    assert batch.faults == ("no outputs.jsonl", "plans began and never ended")


def test_two_folders_of_one_number_are_both_told_of(lab: Lab) -> None:
    shutil.copytree(run_folders(lab)[3], lab.history / "0" / "03_other")
    (odd,) = irregular_runs(lab)
    assert odd.path.startswith("history/0/03_")
    assert "the same number" in odd.faults[0]


def test_a_lab_in_order_has_no_irregular_run_folder(lab: Lab) -> None:
    assert list(irregular_runs(lab)) == []
    assert list(irregular_runs(Lab(lab.root / "nowhere"))) == []


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """A lab of one run folder, which each example damages and puts right again."""
    lab = Lab(tmp_path_factory.mktemp("one"))
    other_tool.run_folder(lab, 0, "small", {"silo": ["a", "b"], "game": other_tool.TWO})
    other_tool.analysis(lab, 0, [0])
    return lab


@given(
    name=st.sampled_from([*FILES, LOG]),
    cut=st.integers(0, 400),
    noise=st.binary(max_size=40),
    goes_on=st.booleans(),
)
def test_no_damage_of_a_file_raises(
    one: Lab, name: str, cut: int, noise: bytes, goes_on: bool
) -> None:
    path = one.history / "0/00_find_levers" / name
    data = path.read_bytes()
    at = cut % (len(data) + 1)
    path.write_bytes(data[:at] + noise + (data[at:] if goes_on else b""))
    try:
        _reads(one)
    finally:
        path.write_bytes(data)


@given(name=st.sampled_from(["meta.json", "outputs.jsonl", "events.jsonl", LOG]), data=st.data())
def test_no_value_raises(one: Lab, name: str, data: st.DataObject) -> None:
    path = one.history / "0/00_find_levers" / name
    whole = path.read_bytes()
    rows = [json.loads(line) for line in whole.splitlines()]
    for row in rows:
        for key in data.draw(st.lists(st.sampled_from(sorted(row)), max_size=3)):
            row[key] = data.draw(st.sampled_from(ODD_VALUES))
    other_tool.lines(path, rows)
    try:
        _reads(one)
    finally:
        path.write_bytes(whole)


def _reads(lab: Lab) -> None:
    """The folder is read, told of once at most, and all of it can be written down."""
    batch = read_batch_of(lab, lab.history / "0/00_find_levers", Side.CANDIDATE)
    for row in batch.rows:
        row.model_dump_json().encode()
        assert (lab.root / row.path).resolve().is_relative_to(lab.root.resolve())
    assert len(set(batch.faults)) == len(batch.faults)
    "".join((*batch.faults, batch.model, batch.step)).encode()
    assert len(list(irregular_runs(lab))) == bool(batch.faults)
    assert [one.path for one in irregular_analyses(lab)] == ["analysis/0_find_levers"]
