"""The pages of the selector and the template library: figures, lineage, escaping; only reading."""

from pathlib import Path

from fastapi.testclient import TestClient

from prompt_lab.promptops.library.templates import Template, TemplateLineage, write_template
from prompt_lab.promptops.selection.candidates import PausedVariant, PausedVariants
from prompt_lab.promptops.selection.pareto import ParetoRow, ParetoTable
from prompt_lab.promptops.selection.records import SelectionRow
from prompt_lab.store.files import append_rows, write_record
from prompt_lab.store.layout import Lab
from tests.pipeline.web.conftest import context_of
from tests.pipeline.web.labs import HOSTILE, ID
from tests.prompt_lab.report.reading import Page

FIRST, SECOND = "a" * 64, "b" * 64


def fill_selector(lab: Lab) -> None:
    """A day of 400 choices, every tenth of which is explored; a pause; a Pareto table."""
    rows = [
        SelectionRow(
            when=f"2026-03-02T{n // 20:02}:{n % 20 * 3:02}:00.000Z",
            trace=f"t{n}",
            prompt_id=ID,
            group=f"{HOSTILE} / small / " if n % 3 else "orders / small / high",
            variant=SECOND if n % 10 == 9 else FIRST,
            leader=FIRST,
            reason="explored" if n % 10 == 9 else "ranked_first",
            explored=n % 10 == 9,
            confidence=0.8,
            number=n + 1,
            candidates=2,
            seed=1,
            evidence="",
        ).model_dump(mode="json")
        for n in range(400)
    ]
    folder = lab.root / "promptops"
    folder.mkdir(parents=True, exist_ok=True)
    append_rows(folder / "selection.jsonl", [*rows, {"when": "no choice"}])
    paused = PausedVariant(variant=SECOND, actor=HOSTILE, reason=HOSTILE, when=rows[0]["when"])
    write_record(folder / "selection" / "paused.json", PausedVariants(prompts={ID: (paused,)}))
    row = ParetoRow(
        prompt_id=ID, model="small", variant=FIRST, calls=200, success=0.75, low=0.68, high=0.81,
        cost_usd=0.0004, latency_ms=812.0, is_best=True,
    )  # fmt: skip
    worse = row.model_copy(update={"variant": SECOND, "success": 0.6, "is_best": False})
    table = ParetoTable(when="", rows=(row, worse))
    write_record(folder / "selection" / "pareto.json", table)


def fill_library(lab: Lab) -> None:
    lineage = TemplateLineage(
        variant=FIRST, parent=SECOND, verdict_id="7_triage", promotion=3,
        promoted="2026-03-02T00:00:00.000Z", operator="structure", round="2026-03-01_1",
    )  # fmt: skip
    good = Template(
        when="2026-03-03T00:00:00.000Z", prompt_id=ID, task_class="orders", state="accepted",
        text=f"Answer about {{{{NAME_1}}}}.\n{HOSTILE}", additions=("Be exact.",),
        entities={"NAME": 1}, calls=120, success=0.9, success_low=0.83, lineage=lineage,
    )  # fmt: skip
    write_template(lab, good)
    other = lineage.model_copy(update={"variant": SECOND, "parent": FIRST, "promotion": 4})
    bad = {"state": "refused", "codes": ("secret",), "reason": HOSTILE, "lineage": other}
    write_template(lab, good.model_copy(update={**bad, "text": "", "additions": ()}))


def test_the_selector_page_shows_exploration_leaders_and_the_front(client: TestClient) -> None:
    fill_selector(context_of(client).lab)
    answer = client.get("/promptops/selector")
    page = Page(answer.text)
    assert answer.status_code == 200
    assert "10.0 %" in page.text
    assert len(page.find("rect")) == 30
    assert "on the front" in page.text
    assert "beaten" in page.text
    assert "paused" in page.text
    assert HOSTILE not in answer.text
    assert not page.find("img")
    assert page.find("a", href="/promptops/library")


def test_the_library_page_shows_templates_with_lineage_and_what_was_refused(
    client: TestClient,
) -> None:
    fill_library(context_of(client).lab)
    answer = client.get("/promptops/library")
    page = Page(answer.text)
    assert "7_triage" in page.text
    assert "2026-03-01_1" in page.text
    assert "secret" in page.text
    assert page.find("mark")
    assert HOSTILE not in answer.text
    assert not page.find("img")


def test_a_lab_without_either_is_only_read(client: TestClient, tmp_path: Path) -> None:
    assert "No choice has been made yet" in client.get("/promptops/selector").text
    assert "No text has won" in client.get("/promptops/library").text
    assert not (context_of(client).lab.root / "promptops").exists()
