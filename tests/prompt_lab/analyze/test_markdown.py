"""Text from models stays text: no table, fence or heading can be broken out of."""

import json

from hypothesis import given
from hypothesis import strategies as st

from prompt_lab.analyze.markdown import block, json_block, last_json_block, page, plain_line, table


@given(st.text(max_size=200))
def test_a_cell_is_one_line_without_a_bare_pipe(text: str) -> None:
    cell = plain_line(text)
    assert len(cell.splitlines()) <= 1
    assert "|" not in cell.replace("\\\\", "").replace("\\|", "")


@given(st.text(max_size=300))
def test_a_block_ends_at_its_own_fence_alone(text: str) -> None:
    lines = block(text).split("\n")
    assert lines[0] == lines[-1]
    assert not any(row.strip().startswith(lines[0]) for row in lines[1:-1])


@given(st.text(), st.dictionaries(st.text(), st.text()))
def test_the_last_json_block_is_found_whatever_stands_before(
    text: str, value: dict[str, str]
) -> None:
    body = last_json_block(page(block(text), plain_line(text), json_block(json.dumps(value))))
    assert body is not None
    assert json.loads(body) == value


def test_a_json_block_inside_another_block_is_text() -> None:
    assert last_json_block('````md\n```json\n{"a": 1}\n```\n````\n') is None


def test_an_unclosed_block_is_none() -> None:
    assert last_json_block('```json\n{"a": 1}') is None


def test_nobody_is_called_by_a_comment() -> None:
    assert "@everyone" not in plain_line("ask @everyone")


def test_a_table_without_rows_is_nothing() -> None:
    assert table(("a", "b"), []) == ""
