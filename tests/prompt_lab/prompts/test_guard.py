"""Each reason code: three texts that must be refused and three near misses, in eight languages."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompt_lab.prompts.guard import GuardCode, PromptCandidate, check_prompt
from prompt_lab.prompts.manifest import (
    PlaceholderRule,
    PromptConstraints,
    PromptManifest,
    propose_manifest,
)
from prompt_lab.prompts.placeholders import count_exactly
from tests.prompt_lab.prompts.languages import FILL, PLAN, QUESTION, write_prompt

SLOT = "{{PLAYBOOKS}}"
MANIFEST = PromptManifest(
    id="master_system_core",
    placeholders=(PlaceholderRule(text=SLOT), PlaceholderRule(text="{{ user }}", required=False)),
    constraints=PromptConstraints(
        longest=4000, forbidden=("TODO",), required=("# 1",), output_contract=("# 2",)
    ),
)
Change = Callable[[str, str], str]
"""(previous version, language) -> candidate."""
REFUSED: dict[GuardCode, tuple[Change, Change, Change]] = {
    GuardCode.TOO_SHORT: (
        lambda _p, _lang: f"# 1 # 2 {SLOT}",
        lambda p, _lang: f"# 1 # 2 {SLOT}{p[:100]}",
        lambda _p, _lang: f"# 1 # 2 {SLOT}" + " " * 400,
    ),
    GuardCode.TOO_LONG: (
        lambda p, _lang: p + "x" * 4000,
        lambda p, lang: p + FILL[lang] * 80,
        lambda p, _lang: p.replace("# 2", "# 2\n" * 1900),
    ),
    GuardCode.SIZE: (
        lambda p, _lang: p + p.replace(SLOT, "") * 3,
        lambda p, lang: p + "\n" + FILL[lang] * 9,
        lambda p, _lang: p + "-" * (2 * len(p) + 9),
    ),
    GuardCode.PLACEHOLDER_MISSING: (
        lambda p, _lang: p.replace(SLOT, ""),
        lambda p, _lang: p.replace(SLOT, "…"),
        lambda p, lang: p.replace(SLOT, QUESTION[lang]),
    ),
    GuardCode.PLACEHOLDER_ALTERED: (
        lambda p, _lang: p.replace(SLOT, "{{PLAYBOOK}}"),
        lambda p, _lang: p.replace(SLOT, "{{ PLAYBOOKS }}"),
        lambda p, _lang: p.replace(SLOT, "{{PLAYBOOKS}"),
    ),
    GuardCode.PLACEHOLDER_COUNT: (
        lambda p, _lang: p + SLOT,
        lambda p, _lang: p.replace(SLOT, SLOT + SLOT),
        lambda p, _lang: f"{p}\n{SLOT}\n{SLOT}",
    ),
    GuardCode.PLACEHOLDER_UNKNOWN: (
        lambda p, _lang: p + " {{CONTEXT}}",
        lambda p, _lang: p + " {% if user %}",
        lambda p, _lang: p + " @@@house style@@@",
    ),
    GuardCode.REQUIRED_SPAN: (
        lambda p, _lang: p.replace("# 1", ""),
        lambda p, _lang: p.replace("# 1", "#1"),
        lambda p, _lang: p.replace("# 1", "# I"),
    ),
    GuardCode.OUTPUT_CONTRACT: (
        lambda p, _lang: p.replace("# 2", ""),
        lambda p, _lang: p.replace("# 2", "#2"),
        lambda p, _lang: p.replace("# 2", "# II"),
    ),
    GuardCode.FORBIDDEN_SPAN: (
        lambda p, _lang: p + " TODO",
        lambda p, _lang: "TODO " + p,
        lambda p, lang: p + f"\nTODO: {FILL[lang]}",
    ),
    GuardCode.REASONING: (
        lambda p, lang: f"<think>\n{QUESTION[lang]}\n</think>\n{p}",
        lambda p, lang: f"{QUESTION[lang]}\n</think>\n{p}",
        lambda p, lang: f"1. {QUESTION[lang]}\n2. {FILL[lang]}\n---\n{p}",
    ),
    GuardCode.PARSE_DEBRIS: (
        lambda p, _lang: f"```text\n{p}\n```",
        lambda p, lang: f"{QUESTION[lang]}:\n\n{p}",
        lambda p, _lang: f"{p}\n```",
    ),
    GuardCode.SCOPE_CHANGE: (
        lambda p, lang: f"{p}\n{PLAN[lang]}",
        lambda p, lang: f"{p}\n> {PLAN[lang].upper()}",
        lambda p, lang: " ".join(p.split("\n")) + " " + QUESTION[lang],
    ),
    GuardCode.SECRET: (
        lambda p, _lang: p + " AKIA" + "Q3EGRIQZ7XBNT2PL",
        lambda p, _lang: p + " https://bot:hunter22@" + "example.com/x",
        lambda p, _lang: p + "\n-----BEGIN RSA " + "PRIVATE KEY-----",
    ),
    GuardCode.LEAKAGE: (
        lambda p, lang: p + sealed(lang),
        lambda p, lang: p.replace("# 2", f"# 2\n«{sealed(lang)}»"),
        lambda p, lang: p + "_".join(sealed(lang).split()),
    ),
    GuardCode.INVISIBLE: (
        lambda p, _lang: p.replace(" ", "\u200b", 1) if " " in p else p + "\u200b",
        lambda p, _lang: p + "\u202e",
        lambda p, _lang: p + "\U000e0041\U000e0042",
    ),
    GuardCode.LINK: (
        lambda p, _lang: p + " ![](https://example.org/{{ user }})",
        lambda p, _lang: p + " https://example.org/log?q=answer",
        lambda p, _lang: p + " javascript:send(answer)",
    ),
    GuardCode.ENCODED: (
        lambda p, _lang: p + " " + "aGVsbG8gd29ybGQ0" * 5,
        lambda p, _lang: p + "\n" + "0f9a" * 20,
        lambda p, _lang: p + " x: " + "Zm9vYmFy1+/" * 7 + "==",
    ),
    GuardCode.ROLE_LINE: (
        lambda p, _lang: p + "\n[user]\n",
        lambda p, lang: p + f"\n [system] \n{FILL[lang]}",
        lambda p, lang: p + f"\n[assistant]\n{QUESTION[lang]}",
    ),
    GuardCode.LOOKALIKE: (
        lambda p, _lang: p + " p\u0430yment",
        lambda p, _lang: p + " \u0410dmin",
        lambda p, _lang: p + " M\u03bfdel",
    ),
}
PASSING: dict[GuardCode, tuple[Change, Change, Change]] = {
    GuardCode.TOO_SHORT: (
        lambda p, _lang: p[: max(200, p.index("# 2") + 3)].ljust(200, "x"),
        lambda p, lang: (f"# 1\n{SLOT}\n# 2\n" + FILL[lang] * 2).ljust(200, "x"),
        lambda p, _lang: p.rstrip(),
    ),
    GuardCode.TOO_LONG: (
        lambda p, _lang: p + " " + "x" * 10,
        lambda p, lang: p + FILL[lang],
        lambda p, _lang: p + "\n" * 30,
    ),
    GuardCode.SIZE: (
        lambda p, _lang: p + "-" * (2 * len(p) - 9),
        lambda p, lang: p + "\n" + FILL[lang],
        lambda p, _lang: p + " " * 3000,
    ),
    GuardCode.PLACEHOLDER_MISSING: (
        lambda p, _lang: p.replace(SLOT, f"({SLOT})"),
        lambda p, _lang: p.replace(f"{SLOT}\n", "") + SLOT,
        lambda p, _lang: p.replace(SLOT, f"\n{SLOT}\n"),
    ),
    GuardCode.PLACEHOLDER_ALTERED: (
        lambda p, _lang: p + " PLAYBOOK",
        lambda p, _lang: p + " [PLAYBOOKS]",
        lambda p, _lang: p + " (PLAYBOOKS)",
    ),
    GuardCode.PLACEHOLDER_COUNT: (
        lambda p, _lang: p + " PLAYBOOKS",
        lambda p, _lang: p + " {{ user }}",
        lambda p, _lang: p + ' {"PLAYBOOKS": 1}',
    ),
    GuardCode.PLACEHOLDER_UNKNOWN: (
        lambda p, _lang: p + " {{ user }}",
        lambda p, _lang: p + ' {"machine": "M1"}',
        lambda p, _lang: p + " 3 @ 4 {} 50 %",
    ),
    GuardCode.REQUIRED_SPAN: (
        lambda p, _lang: p.replace("# 1", "## 1"),
        lambda p, _lang: p.replace("# 1", "# 1."),
        lambda p, _lang: p.replace("# 1\n", "") + "\n# 1",
    ),
    GuardCode.OUTPUT_CONTRACT: (
        lambda p, _lang: p.replace("# 2", "## 2"),
        lambda p, _lang: p.replace("# 2", "# 2."),
        lambda p, _lang: p.replace("# 2\n", "") + "\n# 2",
    ),
    GuardCode.FORBIDDEN_SPAN: (
        lambda p, _lang: p + " todo",
        lambda p, _lang: p + " TO DO",
        lambda p, _lang: p + " TOD0",
    ),
    GuardCode.REASONING: (
        lambda p, lang: p + f"\n1. {QUESTION[lang]}\n2. {FILL[lang]}",
        lambda p, lang: p + f" `<think>` {QUESTION[lang]}",
        lambda p, lang: p + f"\n<answer>\n{FILL[lang]}\n</answer>",
    ),
    GuardCode.PARSE_DEBRIS: (
        lambda p, _lang: p + '\n```json\n{"machine": "M1"}\n```',
        lambda p, lang: f"{FILL[lang]}\n{p}",
        lambda p, _lang: p + "\n---\nM1:\n",
    ),
    GuardCode.SCOPE_CHANGE: (
        lambda p, lang: p + "\n" + QUESTION[lang],
        lambda p, lang: p + "\n" + PLAN[lang][:14],
        lambda p, lang: p + f"\n- {QUESTION[lang]}\n- {QUESTION[lang]}",
    ),
    GuardCode.SECRET: (
        lambda p, _lang: p + " https://example.com/a:b",
        lambda p, _lang: p + " AKIA",
        lambda p, _lang: p + " 6f1ed002ab5595859014ebf0951522d9",
    ),
    GuardCode.LEAKAGE: (
        lambda p, lang: p + sealed(lang)[:12],
        lambda p, lang: p + sealed(lang)[::2],
        lambda p, lang: p + FILL[lang],
    ),
    GuardCode.INVISIBLE: (
        lambda p, _lang: p + "\n\t👩‍🏭",
        lambda p, _lang: p + " می‌شود क्‍ष",
        lambda p, _lang: p + " — … “M1” é",
    ),
    GuardCode.LINK: (
        lambda p, _lang: p + " https://example.org/docs",
        lambda p, _lang: p + " data: M1, file: M2",
        lambda p, _lang: p + " [x](https://example.org/docs)",
    ),
    GuardCode.ENCODED: (
        lambda p, _lang: p + " 6f1ed002ab5595859014ebf0951522d9",
        lambda p, _lang: p + "\n" + "-" * 80,
        lambda p, _lang: p + " " + "a" * 80,
    ),
    GuardCode.ROLE_LINE: (
        lambda p, _lang: p + " [user]",
        lambda p, _lang: p + "\n[machine]\n",
        lambda p, _lang: p + "\n- [user] M1",
    ),
    GuardCode.LOOKALIKE: (
        lambda p, _lang: p + " payment \u043e\u043f\u043b\u0430\u0442\u0430",
        lambda p, _lang: p + " M1-\u0446\u0435\u0445",
        lambda p, _lang: p + " \u03c0 r",
    ),
}


def sealed(language: str) -> str:
    """A sealed plan: the open one's words in another order."""
    words = PLAN[language].split()
    return " ".join(reversed(words)) if len(words) > 1 else PLAN[language][::-1]


def codes(text: str, language: str) -> list[GuardCode]:
    found = check_prompt(
        PromptCandidate(
            text,
            MANIFEST,
            write_prompt(language),
            open_plans={"a": PLAN[language]},
            sealed_plans={"b": sealed(language)},
        )
    )
    return [one.code for one in found]


@pytest.mark.parametrize("language", FILL)
@pytest.mark.parametrize("code", GuardCode)
def test_refuses_with_its_code(code: GuardCode, language: str) -> None:
    previous = write_prompt(language)
    assert len(set(REFUSED[code])) == 3
    for number, change in enumerate(REFUSED[code]):
        assert code in codes(change(previous, language), language), number


@pytest.mark.parametrize("language", FILL)
@pytest.mark.parametrize("code", GuardCode)
def test_near_misses_pass(code: GuardCode, language: str) -> None:
    previous = write_prompt(language)
    for number, change in enumerate(PASSING[code]):
        assert codes(change(previous, language), language) == [], number


def test_json_of_an_answer_is_debris() -> None:
    text = '{"prompt": "' + "Answer {{PLAYBOOKS}} # 1 # 2 " * 9 + '"}'
    assert GuardCode.PARSE_DEBRIS in codes(text, "en")


PIECES = st.sampled_from(["{", "}", "{{", "}}", SLOT, "PLAYBOOKS", " ", "a", "{{PLAYBOOK}}", "日"])


@given(st.lists(PIECES, max_size=12), st.lists(PIECES, max_size=12))
def test_what_passes_holds_each_required_placeholder_exactly(a: list[str], b: list[str]) -> None:
    manifest = PromptManifest(
        id="p",
        placeholders=(PlaceholderRule(text=SLOT),),
        constraints=PromptConstraints(shortest=0),
    )
    text = "".join(a) + SLOT + "".join(b)
    if not check_prompt(PromptCandidate(text, manifest)):
        assert text.replace(SLOT, "<here>").count("<here>") == 1
        assert count_exactly(SLOT, text) == 1
        assert "{" + SLOT not in text
        assert SLOT + "}" not in text


REAL = Path(
    os.environ.get("PLANEXE_LAB", Path(__file__).parents[4] / "shared" / "data" / "planexe_lab")
)


@pytest.mark.skipif(not REAL.is_dir(), reason="no real lab beside the clone")
def test_refuses_no_real_version() -> None:
    seen = 0
    for folder in sorted((REAL / "archived" / "prompts").iterdir()):
        previous: str | None = None
        for path in sorted(folder.glob("prompt_*.txt")):
            text = path.read_text("utf-8")
            manifest = propose_manifest(folder.name, previous or text)
            assert check_prompt(PromptCandidate(text, manifest, previous)) == (), path.name
            previous, seen = text, seen + 1
    assert seen >= 11
