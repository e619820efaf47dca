"""Kill -9 of `DailyReview` and `TakeReplies` as processes: one message, one deployment each.

The long test kills at moments that are drawn: PROMPTLAB_KILL_SEED repeats them. A moment is an
event, the n-th entry that a command has made in the lab's records, so that load does not move it.
"""

import json
import os
import random
import shutil
import signal
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.wiring import lab_context, stores
from prompt_lab.prompts.snapshots import PromotionKind
from prompt_lab.reviews import ItemState, SessionStatus
from prompt_lab.store.files import read_rows
from prompt_lab.store.prompt_verdicts import open_registry
from tests import warm_commands
from tests.pipeline.test_daily_review import AT, REVIEW
from tests.pipeline.world import REPOSITORY
from tests.processes import HANG_SECONDS, until
from tests.prompt_lab.production.review_world import make_daily_lab

pytestmark = pytest.mark.slow
REVIEW_COMMAND = ("DailyReview", "--at", AT, "--window", "24")
REPLY_COMMAND = ("TakeReplies",)
ENTRIES = 24
"""About as many entries as a review makes, and more than a reply does."""


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PROMPTLAB_ROOT", str(tmp_path))
    monkeypatch.setenv("PROMPTLAB_CONFIGS", str(tmp_path / "configs"))
    monkeypatch.delenv("PROMPTLAB_STORE", raising=False)
    make_daily_lab(tmp_path)
    return tmp_path


def start(command: tuple[str, ...], words: str = "") -> "subprocess.Popen[str]":
    process = warm_commands.popen(
        [warm_commands.BIN / "luigi", "--module", "pipeline", *command],
        cwd=REPOSITORY,
        env={**os.environ},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdin
    process.stdin.write(words)
    process.stdin.close()
    process.stdin = None
    return process


def finish(command: tuple[str, ...], words: str = "") -> None:
    process = start(command, words)
    _, complaint = process.communicate(timeout=HANG_SECONDS)
    assert process.returncode == 0, complaint


def kill_once(holds: Callable[[], bool], command: tuple[str, ...], words: str = "") -> bool:
    """Start the command and kill its group once it holds; False where it ended before."""
    process = start(command, words)
    until(lambda: holds() or process.poll() is not None)
    was_killed = process.poll() is None
    if was_killed:
        os.killpg(process.pid, signal.SIGKILL)
    _, complaint = process.communicate()
    assert was_killed or process.returncode == 0, complaint
    return was_killed


def entries(lab: Path) -> int:
    """What the review and its answers have written: files, and rows of journals."""
    files = [path for path in (lab / "reviews").rglob("*") if path.is_file()]
    journals = [path for path in (*files, lab / "prompts/promotions.jsonl") if path.exists()]
    rows = sum(p.read_bytes().count(b"\n") for p in journals if p.suffix == ".jsonl")
    return len(files) + rows + len(list((lab / "analysis").glob("*/*")))


def after(lab: Path, more: int) -> Callable[[], bool]:
    before = entries(lab)
    return lambda: entries(lab) >= before + more


def has(path: Path, text: str = "") -> Callable[[], bool]:
    return lambda: path.exists() and text in path.read_text("utf-8")


def check_whole(lab: Path) -> None:
    """Every record can be read to its end."""
    for path in (*(lab / "reviews").rglob("*"), *(lab / "prompts").rglob("*.jsonl")):
        if path.suffix == ".json":
            json.loads(path.read_text("utf-8"))
        if path.suffix == ".jsonl":
            assert len(read_rows(path)) == len(path.read_text("utf-8").split()) or all(
                json.loads(line) for line in path.read_text("utf-8").splitlines() if line
            )


def check_sent_once(lab: Path) -> None:
    sent = Counter(row["text"] for row in read_rows(lab / "reviews/terminal.jsonl"))
    analyses = [text for text in sent if "Agent Self-Analysis" in text]
    assert len(analyses) == 1
    twice = [text for text, times in sent.items() if times > 1]
    # Who answers again after the end is told so each time.
    assert all("Nothing was changed" in text for text in twice), twice
    (session,) = stores(lab_context()).reviews.list_sessions()
    assert session.notified_at
    assert (lab / "reviews" / REVIEW / "notified.json").exists()
    assert stores(lab_context()).traces.find_ids(), "no trace is lost"


def check_deployed_once(lab: Path) -> None:
    (session,) = stores(lab_context()).reviews.list_sessions()
    assert session.status in (SessionStatus.DEPLOYED, SessionStatus.PARTLY_DEPLOYED)
    deployed = [item for item in session.items if item.state is ItemState.DEPLOYED]
    kinds = Counter(row.kind for row in open_registry(lab_context().lab).files.read_journal())
    assert kinds == {PromotionKind.IMPORT: 1, PromotionKind.PROMOTE: len(deployed)}
    assert len(deployed) == 1
    text = lab_context().workspace("blog").read("main", "prompts/writer.txt")
    assert text == deployed[0].prompt_text


def test_killed_when_found_when_sending_and_when_deploying(lab: Path) -> None:
    folder, outbox = lab / "reviews" / REVIEW, lab / "reviews/outbox.jsonl"
    assert kill_once(has(folder / "findings.json"), REVIEW_COMMAND)
    assert not (folder / "notified.json").exists()
    kill_once(has(outbox, '"sending"'), REVIEW_COMMAND)
    finish(REVIEW_COMMAND)
    check_sent_once(lab)
    kill_once(has(folder / "session.json", 'approved_at": "2'), REPLY_COMMAND, "deploy all\n")
    finish(REPLY_COMMAND, "deploy all\n")
    check_sent_once(lab)
    check_deployed_once(lab)
    check_whole(lab)


@pytest.mark.long
def test_killed_at_moments_that_are_drawn(
    lab: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    seed = int(os.environ.get("PROMPTLAB_KILL_SEED", random.randrange(10**6)))
    rng = random.Random(seed)
    print(f"PROMPTLAB_KILL_SEED={seed}")
    kept = tmp_path_factory.mktemp("before") / "lab"
    shutil.copytree(lab, kept, symlinks=True)
    made = 0
    for _ in range(int(os.environ.get("PROMPTLAB_KILL_ROUNDS", "3"))):
        shutil.rmtree(lab)
        shutil.copytree(kept, lab, symlinks=True)
        for command, words in ((REVIEW_COMMAND, ""), (REPLY_COMMAND, "deploy all\n")):
            was_killed = True
            for _ in range(4):
                if was_killed:  # who answers again after the end is told so each time
                    was_killed = kill_once(after(lab, rng.randint(1, ENTRIES)), command, words)
                    made += was_killed
            finish(command, words if was_killed else "")
        check_sent_once(lab)
        check_deployed_once(lab)
        check_whole(lab)
    print(f"{made} kills")
