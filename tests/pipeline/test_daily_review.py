"""DailyReview by Luigi on a lab with its own database: files, one message, a deployment."""

import io
import runpy
import sys
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import luigi
import pytest

from pipeline.tasks.production import DailyReview, TakeReplies
from pipeline.wiring import lab_context, review_doors, stores
from prompt_lab.errors import ConfigError
from prompt_lab.production.daily import answer_replies, carry_out
from prompt_lab.production.review_run import ReviewRun
from prompt_lab.production.session_files import SessionFiles
from prompt_lab.production.simulate import PLANTED, prompt_of_day, simulate_month
from prompt_lab.production.simulated_prompts import PROMPT_ID
from prompt_lab.prompts.snapshots import PromotionKind
from prompt_lab.reviews import ItemState, ReviewSession, SessionStatus
from prompt_lab.store.prompt_verdicts import open_registry
from tests.prompt_lab.production.review_world import (
    REVIEW_DAY,
    import_prompt,
    make_context,
    make_daily_lab,
)

pytestmark = pytest.mark.slow
SCRIPT = Path(__file__).parents[2] / "scripts" / "self_optimize.py"
AT = f"2026-02-{REVIEW_DAY + 1}T00:00:00.000Z"
REVIEW = f"2026-02-{REVIEW_DAY + 1}_1"


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A lab with two weeks of traces in its database."""
    monkeypatch.setenv("PROMPTLAB_ROOT", str(tmp_path))
    monkeypatch.setenv("PROMPTLAB_CONFIGS", str(tmp_path / "configs"))
    monkeypatch.delenv("PROMPTLAB_STORE", raising=False)
    make_daily_lab(tmp_path)
    return tmp_path


def review(**flags: object) -> bool:
    task = DailyReview(at=AT, window=24.0, **flags)
    return bool(luigi.build([task], local_scheduler=True, log_level="ERROR"))


def answer(words: str) -> list[str]:
    """What `echo WORDS | luigi --module pipeline TakeReplies` does."""
    context, opened = lab_context(), stores(lab_context())
    run = ReviewRun(context, opened.traces, opened.reviews, name="", now=AT)
    doors = review_doors(context, replies=[words])
    return [*answer_replies(run, doors), *carry_out(run, doors)]


def test_a_review_writes_its_files_sends_one_message_and_deploys_what_is_approved(
    lab: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert review(dry_run=True)
    assert "A dry run" in capsys.readouterr().out
    assert not (lab / "reviews").exists()

    assert review()
    said = capsys.readouterr().out
    assert said.count("🔍 Agent Self-Analysis (2026-02-15)") == 1
    assert "Auto-deployable (prompt changes)" in said
    names = {path.name for path in (lab / "reviews" / REVIEW).iterdir()}
    wanted = ("observed", "findings", "analysis", "trials", "session", "notified", "measured")
    assert {f"{name}.json" for name in (*wanted, "deployed")} <= names
    registry = open_registry(lab_context().lab)
    assert [row.kind for row in registry.files.read_journal()] == [PromotionKind.IMPORT]

    assert review(), "the same command again"
    assert capsys.readouterr().out.count("🔍 Agent Self-Analysis") == 1, "printed, not sent"
    assert len((lab / "reviews/terminal.jsonl").read_text().splitlines()) == 1

    assert any("Deployed" in text for text in answer("deploy all"))
    kinds = [row.kind for row in registry.files.read_journal()]
    assert kinds == [PromotionKind.IMPORT, PromotionKind.PROMOTE]
    [session] = stores(lab_context()).reviews.list_sessions()
    assert session.status in (SessionStatus.DEPLOYED, SessionStatus.PARTLY_DEPLOYED)
    [deployed] = [item for item in session.items if item.state is ItemState.DEPLOYED]
    assert lab_context().workspace("blog").read("main", "prompts/writer.txt") == (
        deployed.prompt_text
    )
    assert answer("deploy all")
    assert [row.kind for row in registry.files.read_journal()] == kinds


def test_a_reply_starts_a_review(lab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("run optimization\n"))
    assert luigi.build([TakeReplies()], local_scheduler=True, log_level="ERROR")
    [folder] = [path for path in (lab / "reviews").iterdir() if path.is_dir()]
    assert (folder / "notified.json").exists()
    sent = (lab / "reviews/terminal.jsonl").read_text()
    assert "A review begins" in sent
    assert "Agent Self-Analysis" in sent


@pytest.fixture
def untried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A lab whose prompt changes stay untested, since their margin takes more plans."""
    monkeypatch.setenv("PROMPTLAB_ROOT", str(tmp_path))
    monkeypatch.setenv("PROMPTLAB_CONFIGS", str(tmp_path / "configs"))
    monkeypatch.delenv("PROMPTLAB_STORE", raising=False)
    context = make_context(tmp_path, harm_margin=0.01)
    import_prompt(context, prompt_of_day(REVIEW_DAY, PLANTED)[PROMPT_ID])
    days = list(simulate_month(date(2026, 2, 1), seed=1, faults=PLANTED, days=REVIEW_DAY))
    stores(context).traces.add(trace for day in days[-2:] for trace in day.traces)
    return tmp_path


def optimize(*words: str) -> None:
    """scripts/self_optimize.py as the command that it is, in this process."""
    argv, sys.argv = sys.argv, [str(SCRIPT), *words]
    try:
        with pytest.raises(SystemExit) as end:
            runpy.run_path(str(SCRIPT), run_name="__main__")
    finally:
        sys.argv = argv
    assert not end.value.code


def test_the_script_deploys_only_by_a_verdict_id_or_a_named_forced_promotion(
    untried: Path,
) -> None:
    registry = open_registry(lab_context().lab)
    text = registry.read_text(PROMPT_ID)
    optimize("--window", "24", "--n", "200", "--at", AT, "--dry-run")
    optimize("--window", "24", "--n", "200", "--at", AT)
    opened = stores(lab_context())
    [session] = opened.reviews.list_sessions()
    item = next(one for one in session.items if one.state is ItemState.UNTESTED)

    def approve(day: int, claimed: Mapping[str, object], **changes: object) -> ReviewSession:
        """An approval that was recorded and cut off; the script's next review goes on with it."""
        items = tuple(
            one.model_copy(update=claimed) if one.id == item.id else one for one in session.items
        )
        given = {"approval_id": f"chat {day}", "approved_by": "Ada", "approved_items": (item.id,)}
        approved = session.model_copy(update={**given, "items": items, **changes})
        SessionFiles(untried / "reviews").write(approved)
        optimize("--at", f"2026-02-{REVIEW_DAY + 1 + day}T00:00:00.000Z")
        found = opened.reviews.read_session(session.id)
        assert found is not None
        return found

    assert "no YES verdict" in str(approve(1, {}).items)
    made_up: dict[str, object] = {
        "verdict": "YES",
        "verdict_id": "7_write_article",
        "state": ItemState.PENDING,
    }
    assert "no verdict '7_write_article'" in str(approve(2, made_up).items)
    assert [row.kind for row in registry.files.read_journal()] == [PromotionKind.IMPORT]
    assert registry.read_text(PROMPT_ID) == text
    approve(3, {}, forced_item=item.id, forced_reason="the article is wrong")
    [_, row] = registry.files.read_journal()
    assert (row.kind, row.actor.name, row.forced) == (PromotionKind.FORCE, "Ada", (PROMPT_ID,))
    assert "the article is wrong" in row.reason
    assert registry.read_text(PROMPT_ID) == item.prompt_text


def test_a_time_that_is_none_is_one_sentence(lab: Path) -> None:
    with pytest.raises(ConfigError, match="--at 'soon': give a UTC time"):
        DailyReview(at="soon")
    assert TakeReplies().one_process_only
    assert not (lab / "reviews").exists()
