"""What is the same request: property tests of its one form."""

import json
import random
from typing import Any

import hypothesis.strategies as st
from hypothesis import given, settings

from adapters.gateway.recordings import VOLATILE, canonical, read_body, request_key

JSON: Any = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=6,
)
BODY = st.dictionaries(st.text(), JSON)


def _shuffled(value: Any, rng: random.Random) -> Any:
    if isinstance(value, dict):
        items = [(key, _shuffled(item, rng)) for key, item in value.items()]
        rng.shuffle(items)
        return dict(items)
    return [_shuffled(item, rng) for item in value] if isinstance(value, list) else value


@settings(max_examples=20)
@given(BODY, st.randoms(), st.sampled_from(sorted(VOLATILE)), JSON)
def test_the_order_of_keys_and_volatile_fields_do_not_matter(
    body: dict[str, Any], rng: random.Random, name: str, value: Any
) -> None:
    other = {**_shuffled(body, rng), name: value}
    assert canonical(other) == canonical(body)


@settings(max_examples=20)
@given(BODY, BODY)
def test_other_requests_have_other_forms(one: dict[str, Any], two: dict[str, Any]) -> None:
    one, two = ({k: v for k, v in body.items() if k not in VOLATILE} for body in (one, two))
    if one != two:
        assert canonical(one) != canonical(two) or json.dumps(one) != json.dumps(two)
    assert canonical({"messages": [one]}) != canonical({"messages": [{**one, "more": 1}]})


@settings(max_examples=20)
@given(BODY)
def test_a_body_is_read_as_it_was_written(body: dict[str, Any]) -> None:
    assert read_body(json.dumps(body).encode()) == body
    assert canonical(read_body(canonical(body))) == canonical(body)


def test_the_model_is_part_of_the_name_and_the_form_of_a_number_is_not() -> None:
    asked = canonical({"messages": [], "temperature": 1.0})
    assert asked == canonical({"temperature": 1, "messages": []})
    names = {
        request_key(*three, asked)
        for three in (
            ("chat", "a", "b"),
            ("chat", "ab", ""),
            ("chat", "a", "c"),
            ("messages", "a", "b"),
        )
    }
    assert len(names) == 4
