"""A step file is read by its syntax: what it says, and every fault at once."""

import textwrap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.step.constants import text_constant
from adapters.step.step_file import read_step_file
from prompt_lab.errors import ConfigError

GOOD = """
raise RuntimeError("never run here")
NAME: str = "probe"
INPUTS = ("a.txt",)
OUTPUTS = ["b.txt", "c.txt"]
PROMPT = "pkg.core:PROMPT"
def execute(plan_dir, out_dir, models): ...
def score(plan_dir, out_dir): ...
"""


def read(root: Path, text: str, mode: str = "python") -> object:
    path = root / "step.py"
    path.write_text(text)
    return read_step_file(path, mode)


def test_the_constants_are_read_and_nothing_runs(tmp_path: Path) -> None:
    file = read_step_file(_written(tmp_path, GOOD), "python")
    assert (file.name, file.inputs, file.outputs) == ("probe", ("a.txt",), ("b.txt", "c.txt"))
    assert file.modules == ("pkg.core",)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"probe"', "compute()", r":3: NAME must be a literal"),
        ('("a.txt",)', '("../a.txt",)', r":4: INPUTS holds '../a.txt', which leads outside"),
        ('("a.txt",)', '"a.txt"', r":4: INPUTS must be a list of texts"),
        ('("a.txt",)', "()", r"INPUTS must name a file"),
        ("def score", "def grade", r"has no function score\(\)"),
        ('NAME: str = "probe"', "", r":1: has no NAME"),
        ("def score", "def score(", r":8: is no Python"),
    ],
)
def test_a_fault_is_named_with_its_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        read(tmp_path, GOOD.replace(old, new))


def test_all_faults_come_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, "NAME = 3\n", "luigi")
    assert len(caught.value.faults) == 6


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.py: cannot be read.*correct 'file'"):
        read_step_file(tmp_path / "none.py", "python")


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ('P = "a" "b"', "ab"),
        ('A = "x"\nP = A + " y"', "x y"),
        ('A = "x"\nP = f"{A} y"', "x y"),
        ('P = """\n a\n""".strip()', "a"),
        ('import textwrap\nP = textwrap.dedent("  a")', "a"),
        ('from inspect import cleandoc\nP = cleandoc("\\n  a\\n   b\\n")', "a\n b"),
        ('P = "old"\nP = "new"', "new"),
        ('P = open("x").read()', None),
        ('P = "{}".format(1)', None),
        ("P = P", None),
        ('P = f"{A:>3}"', None),
        ("P = 3", None),
        ("P = (", None),
        ("", None),
    ],
)
def test_a_prompt_is_read_from_its_source(source: str, text: str | None) -> None:
    assert text_constant(source, "P") == text


@given(st.text())
def test_any_text_that_is_written_out_is_read_back(text: str) -> None:
    assert text_constant(f"P = {text!r}", "P") == text
    assert text_constant(f"P = {text!r}.strip()", "P") == text.strip()


@given(st.text())
def test_any_source_gives_a_text_or_none(source: str) -> None:
    assert text_constant(textwrap.dedent(source), "P") is None or "P" in source


def _written(root: Path, text: str) -> Path:
    path = root / "step.py"
    path.write_text(text)
    return path
