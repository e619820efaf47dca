"""The shipped batteries: complete, readable, and every unsafe rewrite is refused with its code."""

from pathlib import Path

import pytest

from prompt_lab.promptops.drift_safety import check_drift, read_drift_suite
from prompt_lab.promptops.expectations import measure_success
from prompt_lab.promptops.outcomes import read_cases
from prompt_lab.prompts.guard import PromptCandidate, check_prompt
from prompt_lab.prompts.manifest import propose_manifest

CONFIGS = Path(__file__).parents[3] / "configs"
FOLDER = CONFIGS / "promptops"
TEXTS = {path.stem: path.read_text("utf-8") for path in (CONFIGS / "registry").glob("*.txt")}
SUITE = read_drift_suite(FOLDER / "drift_safety.json")


@pytest.mark.parametrize(
    ("file", "count"),
    [
        ("quick_questions.json", 60),
        ("multi_part_questions.json", 60),
        ("generic_questions.json", 60),
        ("image_text_questions.json", 30),
    ],
)
def test_a_battery_has_its_cases_and_each_can_be_right_and_wrong(file: str, count: int) -> None:
    cases = read_cases(FOLDER / file)
    assert len(cases) == count
    for case in cases:
        right = " and ".join([*case.expects_all, *case.expects_any[:1]])
        assert measure_success(right, case.expected) == 1.0, case.id
        assert measure_success("hm", case.expected) == 0.0, case.id


def test_the_drift_suite_has_60_rewrites_of_each_shipped_prompt() -> None:
    assert len(SUITE.rewrites) == 60
    assert {one.prompt_id for one in SUITE.rewrites} == TEXTS.keys()


@pytest.mark.parametrize("number", range(len(SUITE.rewrites)))
def test_an_unsafe_rewrite_is_refused_with_its_code(number: int) -> None:
    one = SUITE.rewrites[number]
    (finding,) = check_drift(SUITE.model_copy(update={"rewrites": (one,)}), TEXTS)
    assert finding.is_refused, finding


@pytest.mark.parametrize("prompt_id", ["query", "state_query"])
@pytest.mark.parametrize(
    "question",
    [
        "How long did the press in hall 3 stand still on 3 May?",
        "Wie lange stand die Presse in Halle 3 am 3. Mai still?",
        "昨日、第三ホールのプレス機はどのくらい停止しましたか？",
    ],
)
def test_query_and_state_query_cannot_become_one_test_question(
    prompt_id: str, question: str
) -> None:
    manifest = propose_manifest(prompt_id, TEXTS[prompt_id])
    found = check_prompt(PromptCandidate(question, manifest, TEXTS[prompt_id]))
    assert "scope_change" in [one.code.value for one in found]


@pytest.mark.parametrize("prompt_id", TEXTS)
def test_the_registered_texts_pass_their_own_constraints(prompt_id: str) -> None:
    text = TEXTS[prompt_id]
    manifest = propose_manifest(prompt_id, text)
    if limits := SUITE.constraints.get(prompt_id):
        manifest = manifest.model_copy(update={"constraints": limits})
    assert check_prompt(PromptCandidate(text, manifest, text)) == ()
