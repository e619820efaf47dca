"""A new name or word that has to be decoded fails `make check`."""

import pytest

from tests.tools.names import LIMITS, find_excess, find_offenders


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("def told():\n    return 1\n", "bare name"),
        ("class Keeper:\n    pass\n", "metaphor"),
        ('"""Mend it."""\n', "prose"),
        ("# nobody reads this\n", "prose"),
        ('message = f"{1} was told"\n', "prose"),
    ],
)
def test_an_offender_is_found(text: str, kind: str) -> None:
    assert kind in {found for found, _ in find_offenders({"a.py": text})}


def test_a_class_name_in_two_modules_is_found() -> None:
    sources = {"a.py": "class Limits:\n    pass\n", "b.py": "class Limits:\n    pass\n"}
    assert find_offenders(sources) == [("duplicate class", "Limits")]


def test_plain_names_pass() -> None:
    assert find_offenders({"a.py": 'def render_page():\n    """Render it."""\n'}) == []


@pytest.mark.parametrize("kind", LIMITS)
def test_one_more_than_the_limit_fails(kind: str) -> None:
    limit = LIMITS[kind]
    allowed = [(kind, f"a.py:{n} told") for n in range(limit)]
    assert find_excess(allowed) == []
    lines = find_excess([*allowed, (kind, "a.py:99 told")])
    assert lines[0].startswith(f"{kind}: {limit + 1}, at most {limit}")
    assert lines[-1] == "  a.py:99 told"
