"""task.yaml: every fault at once with its line, and the schemas that are published."""

import re
from pathlib import Path

import pytest

from prompt_lab.errors import ConfigError
from prompt_lab.task_engine.schema import Task, read_task
from tests.tools.schemas import DOCS, schemas

LEAST = """id: short
artifacts: [prompt.txt]
scorer: {command: python score.py}
"""


def _read(folder: Path, text: str) -> Task:
    path = folder / "task.yaml"
    path.write_text(text, encoding="utf-8")
    return read_task(path)


def test_the_shortest_task(tmp_path: Path) -> None:
    task = _read(tmp_path, LEAST)
    assert task.scorer.command == ("python", "score.py")
    assert (task.policy.mode, task.network, task.outputs) == ("exact", False, ("work",))


def test_all_faults_at_once_with_their_lines(tmp_path: Path) -> None:
    text = """id: Not Allowed
artifacts:
  - ../outside.txt
  - fine.txt
mutation:
  max_files: 0
  max_line: 4
scorer:
  command: 'python "open'
id: again
"""
    with pytest.raises(ConfigError) as caught:
        _read(tmp_path, text)
    places = [fault.split("task.yaml:")[1] for fault in caught.value.faults]
    assert sorted(place.split(": ")[0] + " " + place.split(": ")[1] for place in places) == [
        "10 id",
        "3 artifacts.0",
        "6 mutation.max_files",
        "7 mutation.max_line",
        "9 scorer.command",
    ]


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd", "~/a", "C:/a", "C:a", "..", "a/../b", "a//b", "./a", "a/./b", "a\\b",
        "a\nb", "a\u202eb", "a\u200db", ".git/hooks/x", ".GIT/config", "sub/.git ", "git~1/x",
        "a.", "a ", " a", "cafe\u0301.md", "a\0b", "", "\uff0egit/x",
    ],
)  # fmt: skip
def test_a_path_that_is_no_plain_way_down(path: str) -> None:
    with pytest.raises(ValueError, match="artifacts"):
        Task.model_validate({"id": "a", "artifacts": [path], "scorer": {"command": "s"}})


@pytest.mark.parametrize(
    "pair", [("a.md", "A.md"), ("a", "a/b.md"), ("ﬁ.md", "fi.md"), ("a/", "a/b"), ("a", "a")]
)
def test_two_artifacts_that_one_file_system_would_take_for_one(pair: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match="artifacts"):
        Task.model_validate({"id": "a", "artifacts": list(pair), "scorer": {"command": "s"}})


def test_a_mode_that_could_never_keep_is_a_fault(tmp_path: Path) -> None:
    text = LEAST + "objective: {low: 0, high: 1}\npolicy: {mode: fixed, replicates: 3}\n"
    with pytest.raises(ConfigError, match=r"policy\.replicates: 3 can never show a gain"):
        _read(tmp_path, text)
    task = _read(tmp_path, text.replace("replicates: 3", "replicates: 5"))
    assert task.policy.replicates == 5


@pytest.mark.parametrize("name", ["OPENAI_API_KEY", "GH_TOKEN", "PYTHONPATH", "LD_PRELOAD", "A B"])
def test_no_secret_is_passed(name: str) -> None:
    with pytest.raises(ValueError, match="environment"):
        Task.model_validate(
            {"id": "a", "artifacts": ["a"], "scorer": {"command": "s"}, "environment": [name]}
        )


@pytest.mark.parametrize("name", sorted(schemas()))
def test_a_published_schema_is_its_models(name: str) -> None:
    published = (DOCS / name).read_text("utf-8")
    assert published == schemas()[name], "run `python -m tests.tools.schemas`"


def test_the_faults_of_a_mapping_are_in_the_words_of_yaml(tmp_path: Path) -> None:
    text = "id: [a]\nartifacts: prompt.txt\nscorer: [python, score.py]\nconstraints: [speed]\n"
    with pytest.raises(ConfigError) as caught:
        _read(tmp_path, text)
    said = "\n".join(caught.value.faults)
    assert said.count("must be a mapping") == 2
    assert "artifacts: must be a list" in said
    assert "id: must be text" in said
    for word in ("tuple", "dictionary", "instance", "string"):
        assert word not in said


@pytest.mark.parametrize(
    "more",
    [
        "description: " + "[" * 5000 + "]" * 5000,
        "limits: {processes: 100000000000000000}",
        "limits: {memory_mb: 100000000000000000000}",
        "limits: {file_mb: 1e30}",
        "constraints: {" + ", ".join(f"m{n}: {{max: 1}}" for n in range(101)) + "}",
        "constraints: {" + ", ".join(f"m{n}: {{max: 1}}" for n in range(100_000)) + "}",
    ],
)
def test_what_no_task_needs_is_a_fault_at_once(more: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        _read(tmp_path, LEAST + more)


@pytest.mark.parametrize("key", ["sandbox: none", "sandbox: false", "unsafe: true"])
def test_9_no_task_says_that_it_runs_without_a_sandbox(key: str, tmp_path: Path) -> None:
    """`jail: off` asks for nothing, and there is no other word: the operator alone decides."""
    with pytest.raises(ConfigError, match=key.partition(":")[0]):
        _read(tmp_path, LEAST + key + "\n")


def test_the_jail_is_off_in_yamls_own_word(tmp_path: Path) -> None:
    assert _read(tmp_path, LEAST + "jail: off\n").jail == "off"
    with pytest.raises(ConfigError, match="jail"):
        _read(tmp_path, LEAST + "jail: on\n")


@pytest.mark.parametrize(
    ("path", "rule"),
    [("a\u200db", "U+200D"), ("a\nb", "control sign, U+000A"), ("cafe\u0301", "composed form"),
     ("a\\b", "backslash"), ("a.", "ends with a dot"), ("a//b", "empty part")],
)  # fmt: skip
def test_a_path_is_told_which_rule_it_breaks(path: str, rule: str) -> None:
    with pytest.raises(ValueError, match=re.escape(rule)):
        Task.model_validate({"id": "a", "artifacts": [path], "scorer": {"command": "s"}})
