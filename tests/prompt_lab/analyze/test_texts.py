"""Outputs taken apart, JSON or not."""

from hypothesis import given
from hypothesis import strategies as st

from prompt_lab.analyze.texts import collect, leaves, run_leaves
from prompt_lab.names import Side
from tests.prompt_lab.analyze.making import row


def test_lists_of_objects_are_named_by_their_keys() -> None:
    found = leaves("a.json", '[{"name": "x", "options": ["p", "q"]}]')
    assert [(leaf.field, leaf.text) for leaf in found] == [
        ("[].name", "x"),
        ("[].options[]", "p"),
        ("[].options[]", "q"),
    ]


def test_text_that_is_no_json_is_one_leaf() -> None:
    assert leaves("page.md", "# Title\n\ntext\n")[0] == ("page.md", "# Title\n\ntext")


def test_what_a_second_file_repeats_is_told_once() -> None:
    run = row(Side.BASELINE, "p", {"review": "A long review"})
    twice = run.model_copy(
        update={"outputs": {"a.json": run.outputs["a.json"], "b.json": '[{"r": "A long review"}]'}}
    )
    assert [text.field for text in collect([twice])] == ["a.json:review"]


def test_generated_ids_are_no_texts() -> None:
    run = row(Side.BASELINE, "p", {"id": "cf54dda8-3b87-46a5-bb21-157c749a4c3d", "n": 2})
    assert [(text.field, text.text) for text in collect([run])] == [("n", "2")]


def test_half_a_surrogate_pair_can_be_written() -> None:
    (leaf,) = leaves("a.json", '{"t": "\\ud83d cut"}')
    assert leaf.text == "? cut"


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(_JSON)
def test_any_json_answer_is_read(value: object) -> None:
    run = row(Side.BASELINE, "p", value)
    assert isinstance(collect([run]), tuple)


@given(st.dictionaries(st.text(max_size=5), st.text(), max_size=3), st.booleans())
def test_any_text_is_read(outputs: dict[str, str], prefix: bool) -> None:
    assert len(run_leaves(outputs, prefix=prefix)) >= 0
