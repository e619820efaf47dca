"""One list of promotions on the ledger page: the registry's, git targets', forced ones in red."""

from pathlib import Path

import pytest

from prompt_lab.experiments.promotion_rows import damaged_promotions, promotion_rows
from prompt_lab.prompts.snapshots import Actor, ActorKind, GitMove, PromotionKind
from prompt_lab.report.index import render_index
from prompt_lab.store.layout import Lab
from prompt_lab.store.prompt_guard import PromotionReason
from prompt_lab.store.prompt_registry import PromptRegistry
from prompt_lab.store.prompt_verdicts import open_registry
from tests.prompt_lab.store.prompt_worker import write_text

ID = "master_system_core"
MOVE = GitMove(target="shop", branch="main", path="p.txt", before="a" * 40, after="b" * 40, pull=3)
WHY = PromotionReason(
    Actor(name="<b>ann</b>", kind=ActorKind.PERSON), "it is urgent", "2026-01-01T00:00:00.000Z"
)


@pytest.fixture
def registry(tmp_path: Path) -> PromptRegistry:
    made = open_registry(Lab(tmp_path))
    made.record_git_move(PromotionKind.PROMOTE, MOVE, {"shop:p.txt": "1_read"}, WHY)
    made.import_texts({ID: write_text("first")}, {}, WHY)
    return made


def test_both_histories_are_one_list(registry: PromptRegistry, tmp_path: Path) -> None:
    first, _ = registry.read_current()
    registry.force(ID, write_text("b"), WHY)
    registry.roll_back(first, WHY)
    registry.set_label("staging", first, WHY)
    rows = promotion_rows(Lab(tmp_path))
    assert [row.kind for row in rows] == ["promote", "import", "force", "rollback", "label"]
    assert [row.prompts for row in rows] == [("shop:p.txt",), (ID,), (ID,), (ID,), ()]
    assert [row.is_current for row in rows] == [False, False, False, True, False]
    assert [row.forced for row in rows] == [False, False, True, False, False]
    page = render_index([], promotions=rows)
    assert page.count('<b class="forced">FORCED</b>') == 1
    assert ".forced { color: var(--no); }" in page
    assert "<b>ann</b>" not in page
    assert "forced" not in render_index([], promotions=rows[:2]).partition("<body")[2]


def test_a_damaged_journal_is_irregular(registry: PromptRegistry, tmp_path: Path) -> None:
    assert damaged_promotions(Lab(tmp_path)) == []
    journal = registry.files.journal
    journal.write_text(journal.read_text().replace('"kind": "import"', '"kind": "imported"'))
    [folder] = damaged_promotions(Lab(tmp_path))
    assert folder.path == "prompts/promotions.jsonl"
    assert promotion_rows(Lab(tmp_path)) == []
