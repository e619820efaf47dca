"""Which iteration a command without a number means."""

from pathlib import Path

import pytest

from prompt_lab.errors import StoreError
from prompt_lab.names import Split
from prompt_lab.store.files import write_record, write_text
from prompt_lab.store.iteration_numbers import check_step, resolve_number
from prompt_lab.store.iterations import SUMMARY, IterationMeta
from prompt_lab.store.layout import Lab


def prepare(lab: Lab, number: int, *, given: str = "", finished: bool = False) -> None:
    meta = IterationMeta(
        iteration=number,
        step="s",
        created="2026-01-01T00:00:00Z",
        models=("m",),
        plans={Split.TRAIN: ("p",), Split.VERIFY: ("q",)},
        replicates=1,
        policy="default",
        target="t",
        main="main",
        main_commit="0" * 40,
        given=given,
    )
    write_record(lab.iteration(number, "s") / "meta.json", meta)
    if finished:
        write_text(lab.iteration(number, "s") / SUMMARY, "done")


def test_an_empty_lab_begins_with_one(tmp_path: Path) -> None:
    assert resolve_number(Lab(tmp_path), "s", "") == 1


def test_the_open_iteration_goes_on(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    prepare(lab, 1, finished=True)
    prepare(lab, 2)
    assert resolve_number(lab, "s", "") == 2


def test_a_finished_one_is_followed_by_the_next_over_all_steps(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    prepare(lab, 1, finished=True)
    (lab.analysis / "5_other").mkdir()
    assert resolve_number(lab, "s", "") == 6


def test_another_given_change_is_another_iteration(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    prepare(lab, 1, given="idea-a")
    assert resolve_number(lab, "s", "idea-b") == 2
    assert resolve_number(lab, "s", "idea-a") == 1
    assert resolve_number(lab, "s", "") == 1


def test_folders_of_another_tool_are_not_open(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    write_text(lab.analysis / "52_s" / "meta.json", '{"pr_url": "https://example.org/1"}')
    assert resolve_number(lab, "s", "") == 53


def test_a_number_of_another_step_is_refused(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    prepare(lab, 3)
    with pytest.raises(StoreError, match="iteration 3 is one of step 's', not 'other'"):
        check_step(lab, 3, "other")
