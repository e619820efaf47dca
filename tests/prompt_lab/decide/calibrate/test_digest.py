from prompt_lab.decide.calibrate.results import digest, sources


def test_the_sources_are_those_that_a_figure_depends_on() -> None:
    found = sources(["prompt_lab.decide.calibrate.results"])
    room = "prompt_lab.decide."
    within = {name.removeprefix(room) for name in found}
    assert {"looks", "signflip", "policy", "pairs", "calibrate.cells", "calibrate.reuse"} <= within
    assert not {"calibrate.page", "calibrate.picture", "calibrate.tables", "conclude"} & within
    assert all(name.startswith(room) for name in found)


def test_a_module_of_which_only_a_constant_is_used_counts() -> None:
    assert "prompt_lab.decide.calibrate.series" in sources(["prompt_lab.decide.calibrate.page"])


def test_the_digest_changes_with_any_text_and_not_with_the_order() -> None:
    assert digest({"a": "1", "b": "2"}) == digest({"b": "2", "a": "1"})
    assert digest({"a": "1"}) != digest({"a": "1 "})
    assert digest({"a": "1"}) != digest({"b": "1"})
