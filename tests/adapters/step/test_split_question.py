"""The step split_question: whole by {{ question }}, by parts with the fallback by {{ part }}."""

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from adapters.step.split_question import SplitQuestion
from prompt_lab.config.lab import StepConfig
from prompt_lab.errors import CallRefused, ConfigError, StoreError
from prompt_lab.ports import Answer, Request, StepJob
from prompt_lab.promptops.composite import score_answer
from prompt_lab.promptops.merging.records import SPLIT_FILE, SplitAnswer
from prompt_lab.step_results import StepResult

NAMES = ("q.question.txt", "q.labels.json")
QUERY = "Where is Oslo? Where is Lima?"


def make_step(*inputs: str) -> SplitQuestion:
    given = {
        "name": "q",
        "adapter": "split_question",
        "target": "t",
        "prompt": "prompt.txt",
        "inputs": inputs or NAMES,
        "outputs": ["answer.txt"],
        "primary": "composite",
    }
    return SplitQuestion(StepConfig.model_validate(given), score_answer)


class Runs:
    """One plan in a folder, and a model that answers by a function of the user message."""

    def __init__(self, folder: Path, *, question: str = QUERY, labels: str = "{}") -> None:
        self.folder = folder
        self.users: list[str] = []
        (folder / "plan").mkdir()
        (folder / "out").mkdir()
        (folder / "plan" / NAMES[0]).write_text(f"{question}\n", encoding="utf-8")
        (folder / "plan" / NAMES[1]).write_text(labels, encoding="utf-8")

    def run(self, slot: str, reply: Callable[[str], str | Answer]) -> StepResult:
        text = f"Be brief.\n\n[user]\n{{{{ {slot} }}}}\n"
        (self.folder / "prompt.txt").write_text(text, encoding="utf-8")
        lock = threading.Lock()

        def ask(request: Request) -> Answer:
            with lock:
                self.users.append(request.user)
            given = reply(request.user)
            return given if isinstance(given, Answer) else Answer(given, 1, 1, 0.1)

        folder = self.folder
        return make_step().execute(StepJob(folder, folder / "plan", folder / "out", ask, 1))

    @property
    def answer(self) -> str:
        return (self.folder / "out" / "answer.txt").read_text(encoding="utf-8")


def say_city(user: str) -> str:
    return {"Where is Oslo?": "Norway.", "Where is Lima?": "Peru."}.get(user, "Somewhere.")


def test_the_whole_question_is_one_call(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    assert runs.run("question", say_city).error is None
    assert (runs.users, runs.answer) == ([QUERY], "Somewhere.")
    assert not (tmp_path / "out" / SPLIT_FILE).exists()


def test_parts_are_asked_with_the_same_prompt_and_merged(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    assert runs.run("part", say_city).error is None
    assert sorted(runs.users) == sorted([QUERY, "Where is Oslo?", "Where is Lima?"])
    assert runs.answer == "Norway.\nPeru."
    text = (tmp_path / "out" / SPLIT_FILE).read_text(encoding="utf-8")
    split = SplitAnswer.model_validate_json(text)
    assert [one.node_id for one in split.merged.provenance] == ["n1", "n2"]
    assert not split.merged.fallback_used


def refuse(user: str) -> str:
    if user == "Where is Lima?":
        raise CallRefused("no")
    return say_city(user)


def cut(user: str) -> str | Answer:
    if user == "Where is Lima?":
        return Answer("Peru is a coun", 1, 1, 0.1, finish_reason="length")
    return say_city(user)


def say_nothing(user: str) -> str:
    return " " if user == "Where is Lima?" else say_city(user)


@pytest.mark.parametrize("reply", [refuse, cut, say_nothing])
def test_the_whole_answer_stands_where_a_part_fails(
    tmp_path: Path, reply: Callable[[str], str | Answer]
) -> None:
    runs = Runs(tmp_path)
    assert runs.run("part", reply).error is None
    assert runs.answer == "Somewhere."


def test_a_whole_answer_that_was_cut_is_an_error_as_without_parts(tmp_path: Path) -> None:
    def reply(user: str) -> str | Answer:
        return Answer("So", 1, 1, 0.1, finish_reason="length") if user == QUERY else refuse(user)

    by_parts = Runs(tmp_path).run("part", reply)
    # The part about Oslo has an answer and the whole has none: what there is stays.
    assert by_parts.error is None
    plain = make_plain(tmp_path / "other", reply)
    assert plain.error is not None
    assert plain.error.kind == "truncated"


def make_plain(folder: Path, reply: Callable[[str], str | Answer]) -> StepResult:
    folder.mkdir()
    return Runs(folder).run("question", reply)


def test_sources_go_to_every_part_and_bound_variables_are_written_out(tmp_path: Path) -> None:
    query = "Who runs Acme, and where does he live?"
    clauses = [
        {"text": "Who runs Acme", "kind": "extraction"},
        {
            "text": "and where does he live?",
            "kind": "extraction",
            "refers": [{"text": "he", "clause": 0, "to": "answer"}],
        },
    ]
    source = "Bo runs Acme and lives in Turku."
    runs = Runs(
        tmp_path, question=f"{query}\n\n[1] {source}", labels=json.dumps({"clauses": clauses})
    )
    runs.run("part", lambda user: "Bo runs Acme [1]." if "he live" not in user else "in Turku [1]")
    assert all(user.endswith(f"[1] {source}") for user in runs.users)
    assert any("(he = Bo runs Acme [1].)" in user for user in runs.users)
    split = SplitAnswer.model_validate_json((tmp_path / "out" / SPLIT_FILE).read_text("utf-8"))
    assert [part.confidence for part in split.merged.parts] == [1.0, 1.0]


@pytest.mark.parametrize("labels", ["", "[1]", '{"clauses": 3}'])
def test_damaged_labels_are_named(tmp_path: Path, labels: str) -> None:
    with pytest.raises(StoreError, match=r"q\.labels\.json: holds no labels.*Delete"):
        Runs(tmp_path, labels=labels).run("part", say_city)


def test_config_and_prompt_faults_are_named() -> None:
    with pytest.raises(ConfigError, match="name the two files"):
        make_step("q.question.txt")
    step: Any = make_step()
    assert "{{ question }} or {{ part }}" in step.find_prompt_fault("no placeholder")
    assert step.find_prompt_fault("{{ part }} {{ question }}")
    assert step.find_prompt_fault("{{ part }}") is None
    assert step.describe_prompt("{{ part }}") == "by parts"
