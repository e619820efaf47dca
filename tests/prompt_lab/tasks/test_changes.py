"""What differs, as the budget counts it; and which of several faults becomes the reason."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompt_lab.propose.budget import EXECUTABLE, LINK, REGULAR
from prompt_lab.task_engine.campaign import end_of
from prompt_lab.task_engine.changes import COMPARED, Version, changed_files, diff
from prompt_lab.task_engine.record import AttemptCode, AttemptRecord, AttemptStatus
from prompt_lab.task_engine.schema import Task
from prompt_lab.task_engine.scope import after_command, out_of_scope, over_budget, twin_names

LINES = st.lists(st.sampled_from(["a\n", "b\n", "c\n"]), max_size=8)


def _text(text: str, mode: str = REGULAR) -> Version:
    return Version(mode, text.encode())


def _task(**more: Any) -> Task:
    told = {"id": "a", "artifacts": ["p/"], "scorer": {"command": "s"}, **more}
    return Task.model_validate(told)


def test_lines_are_counted_as_added_and_removed() -> None:
    [change] = changed_files({"p/a": _text("a\nb\nc\n")}, {"p/a": _text("a\nx\nc\nd\n")})
    assert (change.added, change.removed, change.binary) == (2, 1, False)


@given(LINES, LINES)
def test_counts_lead_from_one_text_to_the_other(old: list[str], new: list[str]) -> None:
    changes = changed_files({"a": _text("".join(old))}, {"a": _text("".join(new))})
    assert bool(changes) == (old != new)
    for change in changes:
        assert len(old) + change.added - change.removed == len(new)
        assert change.removed <= len(old)


def test_a_text_too_long_to_compare_counts_whole() -> None:
    old = "".join(f"{i}\n" for i in range(COMPARED + 5))
    new = "same\n" + old[::-1]
    [change] = changed_files({"a": _text(old)}, {"a": _text(new)})
    assert change.added + change.removed > COMPARED


def test_a_file_that_moved_is_there_once() -> None:
    [change] = changed_files({"p/a": _text("1\n2\n3\n")}, {"p/b": _text("1\n2\n3\n4\n")})
    assert (change.path, change.renamed_from) == ("p/b", "p/a")


def test_the_diff_names_files_that_come_and_go() -> None:
    text = diff({"a": _text("x\n"), "c": Version(REGULAR, b"\0")}, {"b": _text("y")})
    assert "--- a/a\n+++ /dev/null" in text
    assert "+y\n\\ No newline at end of file\n" in text
    assert "c: 1 bytes became 0" in text


@pytest.mark.parametrize(
    ("after", "code"),
    [
        ({"p/a": Version(LINK, b"/etc")}, AttemptCode.LINK),
        ({"p/a": _text("a\n", EXECUTABLE)}, AttemptCode.MODE_CHANGED),
        ({"p/a": Version(REGULAR, b"\xff")}, AttemptCode.BINARY),
        ({}, AttemptCode.DELETED),
        ({"p/b": _text("a\n")}, AttemptCode.RENAMED),
        ({"p/a": _text("a\n"), "p/x\u202e": _text("b\n")}, AttemptCode.BAD_NAME),
        ({"p/a": _text("a\n")}, AttemptCode.NOTHING_CHANGED),
        ({"p/a": _text("x\n" * 50)}, AttemptCode.TOO_MANY_LINES),
        ({"p/a": _text("b\n"), "p/c": _text("c\n")}, AttemptCode.TOO_MANY_FILES),
    ],
)
def test_each_breach_has_its_reason(after: dict[str, Version], code: AttemptCode) -> None:
    found = over_budget(_task(), changed_files({"p/a": _text("a\n")}, after), ["p/"])
    assert found is not None
    assert (found.status, found.code) == (AttemptStatus.DISCARD, code)


def test_what_scores_is_named_before_what_lies_elsewhere() -> None:
    found = out_of_scope(["src/x", "data/gold"], ["p/"], ["data"])
    assert found is not None
    assert (found.code, found.files) == (AttemptCode.EVALUATOR_CHANGED, ("data/gold",))
    assert out_of_scope(["p/a", "p/b/c"], ["p/"], ["."]) is None
    stray = out_of_scope(["p"], ["p/"], [])
    assert stray is not None
    assert stray.code is AttemptCode.OUT_OF_SCOPE


def test_names_that_another_file_system_takes_for_one() -> None:
    assert twin_names(["p/a", "p/b"]) is None
    for names in (["p/a", "p/A"], ["p/\ufb01", "p/fi"], ["p/e\u0301"]):
        found = twin_names(names)
        assert found is not None
        assert found.code is AttemptCode.BAD_NAME


def test_a_runner_that_changes_an_artifact_or_anything_else() -> None:
    for names, code in (
        (["p/a", "s"], AttemptCode.ARTIFACT_CHANGED),
        (["s"], AttemptCode.EVALUATOR_CHANGED),
    ):
        found = after_command("runner", names, ["p/"])
        assert found is not None
        assert found.code is code
    assert after_command("runner", [], ["p/"]) is None


def _record(number: int, status: AttemptStatus, score: float, baseline: float = 1) -> AttemptRecord:
    return AttemptRecord(
        task_id="a", attempt=number, status=status, reason=AttemptCode.BETTER, detail="",
        candidate_score=score, baseline_score=baseline, cost_usd=0.5,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("statuses", "more", "why"),
    [
        ("kd", {}, None),
        ("kdk", {"budget": {"iterations": 3}}, "iterations"),
        ("kd", {"budget": {"seconds": 9}}, "seconds"),
        ("dccc", {}, "crashes"),
        ("ccdc", {}, None),
        ("kd", {"budget": {"usd": 1}}, "money"),
        ("dk", {"objective": {"goal": 2}}, "goal"),
        ("dk", {"objective": {"goal": 3}}, None),
        ("dk", {"objective": {"goal": 3, "direction": "minimize"}}, "goal"),
        ("dk", {"objective": {"goal": 2}, "budget": {"iterations": 2}}, "goal"),
    ],
)
def test_when_a_campaign_ends(statuses: str, more: dict[str, Any], why: str | None) -> None:
    words = {"k": AttemptStatus.KEEP, "d": AttemptStatus.DISCARD, "c": AttemptStatus.CRASH}
    done = [_record(n, words[sign], 2) for n, sign in enumerate(statuses, start=1)]
    ended = end_of(_task(**more), done, 10)
    assert (ended.why if ended else None) == why
    if ended is not None:
        kept = [n for n, sign in enumerate(statuses, start=1) if sign == "k"]
        assert ended.kept == tuple(kept)
        assert ended.last_score == (2 if statuses[-1] == "k" or "k" in statuses[-2:-1] else 1) or (
            statuses[-1] == "d"
        )
