"""Variants: at least three, tagged, the same for a seed; a model's text is checked strictly."""

from pathlib import Path
from random import Random

import pytest

from prompt_lab.errors import ModelUnavailable
from prompt_lab.promptops.records import Variant
from prompt_lab.promptops.variants import RefusedVariant, make_variants
from prompt_lab.prompts.guard import PromptCandidate, check_prompt
from prompt_lab.prompts.manifest import PromptConstraints, PromptManifest, propose_manifest
from prompt_lab.prompts.snapshots import digest_text
from tests.prompt_lab.prompts.languages import FILL, write_prompt

REGISTRY = Path(__file__).parents[3] / "configs/registry"
SHIPPED = {path.stem: path.read_text("utf-8") for path in sorted(REGISTRY.glob("*.txt"))}
QUERY = SHIPPED["query"]
BETTER = QUERY.replace("Turn the question", "Read the question to its end. Then turn the question")


class FixedRewriter:
    """ports of a rewriting model: answers what it is given, or is not reachable."""

    name = "fixed"

    def __init__(self, answer: str = "") -> None:
        self.answer = answer
        self.request = ""

    def rewrite(self, request: str) -> str:
        self.request = request
        if not self.answer:
            raise ModelUnavailable("no model is reachable")
        return self.answer


def vary(prompt_id: str, text: str, seed: int = 1, **more: object) -> list[Variant]:
    manifest = propose_manifest(prompt_id, text)
    return make_variants(prompt_id, text, manifest, manifest.task_class, Random(seed), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("prompt_id", SHIPPED)
def test_several_variants_per_prompt_id_each_tagged(prompt_id: str) -> None:
    text = SHIPPED[prompt_id]
    found = vary(prompt_id, text)
    assert len(found) >= 3
    assert len({one.text for one in found} | {text}) == len(found) + 1
    assert {one.provenance.operator for one in found} >= {"structure", "evidence_contract"}
    for one in found:
        assert (one.prompt_id, one.provenance.parent) == (prompt_id, digest_text(text))
        assert one.provenance.note
        assert not check_prompt(PromptCandidate(one.text, propose_manifest(prompt_id, text), text))


@pytest.mark.parametrize("language", FILL)
def test_a_prompt_in_any_language_has_three(language: str) -> None:
    text = write_prompt(language)
    assert len(vary("own", text)) >= 3


@pytest.mark.parametrize(
    "text", ["Answer the question.", "Be kind.\n", "Q: {query}\nA:", "你好吗，请回答问题"]
)
def test_a_short_prompt_has_three_that_grow_by_the_allowed_factor(text: str) -> None:
    found = vary("own", text)
    assert len(found) >= 3
    assert all(len(one.text.strip()) <= 3 * len(text.strip()) for one in found)


def test_the_fallback_without_a_model_is_deterministic() -> None:
    assert vary("query", QUERY, 7) == vary("query", QUERY, 7)
    unreachable = vary("query", QUERY, 7, rewriter=FixedRewriter())
    assert unreachable == vary("query", QUERY, 7)


def test_a_models_rewrite_comes_first_with_its_model() -> None:
    model = FixedRewriter(f"Sure.\n<prompt>\n{BETTER}\n</prompt>")
    found = vary("query", QUERY, rewriter=model)
    assert found[0].text.strip() == BETTER.strip()
    assert (found[0].provenance.operator, found[0].provenance.model) == ("model_rewrite", "fixed")
    assert len(found) >= 4
    assert '"machine"' in model.request.split("<prompt>")[0]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ("What was the stop of machine 7?", "scope_change"),
        (BETTER.replace('"measure"', '"value"'), "output_contract"),
        (f"{BETTER}\nUse https://me:secret@example.org/ for data.", "secret"),
        (f"```\n{BETTER}\n```", "parse_debris"),
        (BETTER * 5, "size"),
    ],
)
def test_an_unsafe_rewrite_is_rejected_with_reason_codes(answer: str, code: str) -> None:
    refused: list[RefusedVariant] = []
    found = vary("query", QUERY, rewriter=FixedRewriter(answer), on_refused=refused.append)
    assert code in [one.code.value for one in refused[0].refusals]
    assert all(one.provenance.operator != "model_rewrite" for one in found)
    assert len(found) >= 3


def test_no_rule_breaks_a_manifest() -> None:
    manifest = PromptManifest(
        id="query",
        constraints=PromptConstraints(
            longest=len(QUERY) + 60, required=("# ",), output_contract=("null",)
        ),
    )
    text = f"# Task\n{QUERY}"
    found = make_variants("query", text, manifest, "query", Random(1))
    assert len(found) >= 3
    assert all(len(one.text.strip()) <= len(QUERY) + 60 for one in found)


def test_a_generic_prompts_variant_quotes_no_plan() -> None:
    answer = BETTER + "\nExample: How long did the boiler in hall north stand still three days ago?"
    refused: list[RefusedVariant] = []
    vary(
        "query",
        QUERY,
        rewriter=FixedRewriter(answer),
        on_refused=refused.append,
        plans={"p": "How long did the boiler in hall north stand still three days ago?"},
    )
    assert "scope_change" in [one.code.value for one in refused[0].refusals]
