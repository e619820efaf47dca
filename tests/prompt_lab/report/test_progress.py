"""Runs that were given up before a call are not shown as failed ones."""

import re

import pytest

from prompt_lab.report.progress import Progress


def test_runs_that_were_not_tried_are_counted_apart(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress("Runs", 55) as bar:
        for _ in range(3):
            bar.record_end(ok=False)
        for _ in range(52):
            bar.record_end(ok=False, tried=False)
    last = capsys.readouterr().err.splitlines()[-1]
    assert last == "Runs: 0 done, 3 failed, 52 not tried, 0 left"


def test_without_such_runs_the_line_is_as_short_as_before(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with Progress("Runs", 2) as bar:
        bar.record_end(ok=True)
        bar.record_end(ok=False)
    assert capsys.readouterr().err.splitlines()[-1] == "Runs: 1 done, 1 failed, 0 left"


def test_a_line_says_what_time_the_rest_takes(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress("Runs", 10) as bar:
        bar.record_end(ok=True)
        bar.record_end(ok=True)
    assert re.search(
        r"Runs: 2 done, 0 failed, 8 left, about \d+ s$", capsys.readouterr().err.strip()
    )
