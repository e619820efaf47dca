"""A flag typo of `luigi` is one sentence with the nearest name; --help lists every option once."""

import re

import pytest

import pipeline
from pipeline.cli.luigi_flags import check_flags, help_text
from pipeline.tasks.parameters import NamesParameter
from prompt_lab.errors import UsageError
from prompt_lab.names import split_names

START = ("--module", "pipeline", "Iteration")


@pytest.mark.parametrize(
    ("word", "nearest"),
    [("--numbr", "--number"), ("--modles=a,b", "--models"), ("--dryrun", "--dry-run")],
)
def test_a_typo_names_the_nearest_option(word: str, nearest: str) -> None:
    with pytest.raises(UsageError, match=f"did you mean {nearest}\\?") as caught:
        check_flags([*START, word])
    assert len(str(caught.value).splitlines()) == 1


def test_what_resembles_nothing_is_one_sentence_too() -> None:
    with pytest.raises(UsageError, match="'--zzzzqqqq'"):
        check_flags([*START, "--zzzzqqqq"])


@pytest.mark.parametrize(
    "words",
    [
        ["--number", "3", "--dry-run"],
        ["--Iteration-step=x"],
        ["--workers=2", "--local-scheduler"],
        ["--scheduler-host", "localhost"],
        ["--numb", "3"],
        ["--branch", "-1"],
        ["--Runs-step", "x"],
    ],
)
def test_options_of_the_task_and_of_luigi_pass(words: list[str]) -> None:
    check_flags([*START, *words])


def test_luigi_itself_names_an_unknown_task() -> None:
    check_flags(["--module", "pipeline", "Iteratoin", "--numbr"])


@pytest.mark.parametrize("name", pipeline.__all__)
def test_help_lists_every_option_once(name: str) -> None:
    text = help_text(["--module", "pipeline", name, "--help"])
    assert text is not None
    listed = re.findall(r"^  (--[\w-]+)", text, re.MULTILINE)
    assert len(listed) == len(set(listed))
    assert not [flag for flag in listed if flag.startswith(f"--{name}-")]
    assert {"--workers", "--help"} <= set(listed)


def test_without_help_there_is_none() -> None:
    assert help_text(START) is None


def test_a_plan_whose_name_has_a_comma_can_be_named() -> None:
    typed = NamesParameter().normalize("Paris\\, France, Rome")
    assert split_names(typed) == ("Paris, France", "Rome")
