"""Ranges of run folders: both ways of naming them, and one message for each mistake."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompt_lab.errors import ConfigError
from prompt_lab.store.layout import Lab
from prompt_lab.store.ranges import Range, folders_of, parse_range
from tests.prompt_lab.store.planexe import other_tool


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("182-188", (182, 188)),
        ("1/82-1/88", (182, 188)),
        ("1/99-2/00", (199, 200)),
        ("history/1/82_step-history/1/88_step", (182, 188)),
        ("7", (7, 7)),
        (" 0/07 ", (7, 7)),
    ],
)
def test_both_ways_of_naming(text: str, wanted: tuple[int, int]) -> None:
    assert parse_range("--before", text) == wanted


@pytest.mark.parametrize(
    "text", ["", "x", "1-", "1-2-3", "1/820", "1/8", "-3", "5-4", "1 - 2", "²"]
)
def test_what_is_no_range_is_refused_by_name(text: str) -> None:
    with pytest.raises(ConfigError, match="--before"):
        parse_range("--before", text)


@given(st.text(max_size=12))
def test_any_text_is_a_range_or_refused(text: str) -> None:
    try:
        first, last = parse_range("--after", text)
    except ConfigError:
        return
    assert 0 <= first <= last


def test_folders_are_found_or_named(tmp_path: Path) -> None:
    lab = other_tool.small_lab(tmp_path)
    other_tool.run_folder(lab, 6, "small", {})
    names = [path.name for path in folders_of(lab, "--before", Range(1, 2))]
    assert names == ["01_find_levers", "02_find_levers"]
    with pytest.raises(ConfigError, match="holds the run folders 0 to 6"):
        folders_of(lab, "--before", Range(3, 10**8))
    with pytest.raises(ConfigError, match="holds no run folder 4, 5"):
        folders_of(lab, "--before", Range(3, 6))
    with pytest.raises(ConfigError, match="holds no run folder"):
        folders_of(Lab(tmp_path / "new"), "--before", Range(0, 0))
