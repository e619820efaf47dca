"""The local host: its files, and what a merge does to the checkouts of the user."""

import json
from pathlib import Path

import pytest

from adapters.code_host.local import LocalHost
from adapters.git import Git
from prompt_lab.errors import CodeHostError, StoreError
from prompt_lab.names import PullState
from tests.adapters.code_host.ready import LATER, PROMPT, merged, ready
from tests.adapters.code_host.worlds import LocalWorld
from tests.adapters.workspace.target import WHEN
from tests.prompt_lab.report.reading import Page


@pytest.fixture
def world(tmp_path: Path) -> LocalWorld:
    return LocalWorld(tmp_path)


def _record(world: LocalWorld, number: int = 1) -> dict[str, object]:
    found: dict[str, object] = json.loads((world.lab / f"pulls/{number:04d}.json").read_text())
    return found


def test_the_file_tells_the_whole_story(world: LocalWorld) -> None:
    pull = ready(world)
    assert pull.url == "pulls/0001.html"
    world.host.comment(pull.number, key="verdict", body="YES!", when=LATER)
    world.host.label(pull.number, "kept", when=LATER)
    made = merged(world.host, pull, LATER)
    record = _record(world)
    assert record["comments"] == [
        {"key": "verdict", "body": "YES!", "created": WHEN, "edited": LATER}
    ]
    assert record["history"] == [
        {"what": "opened", "when": WHEN, "note": pull.head},
        {"what": "commented", "when": WHEN, "note": "verdict"},
        {"what": "edited", "when": LATER, "note": "verdict"},
        {"what": "labelled", "when": LATER, "note": "kept"},
        {"what": "merged", "when": LATER, "note": made},
    ]


def test_the_page_shows_what_the_record_holds(world: LocalWorld) -> None:
    pull = ready(world)
    world.host.comment(1, key="verdict", body="## YES\n<script>alert(1)</script>", when=LATER)
    merged(world.host, pull, LATER)
    page = Page((world.lab / pull.url).read_text())
    for shown in (pull.title, pull.head, "merged", "commented", "<script>alert(1)</script>"):
        assert shown in page.text
    assert len(page.find("script")) == 1  # ours
    assert {link["href"] for link in page.find("a")} >= {"../index.html", "0001.json"}


def test_a_record_without_a_page_is_linked_itself(world: LocalWorld) -> None:
    ready(world)
    (world.lab / "pulls/0001.html").unlink()
    assert world.host.get(1).url == "pulls/0001.json"
    world.host.label(1, "kept", when=LATER)
    assert world.host.get(1).url == "pulls/0001.html"


def test_a_repeated_call_writes_nothing(world: LocalWorld) -> None:
    pull = ready(world)
    world.host.label(1, "kept", when=WHEN)
    merged(world.host, pull)
    before = _record(world)
    world.host.comment(1, key="verdict", body="YES", when=LATER)
    world.host.label(1, "kept", when=LATER)
    merged(world.host, pull, LATER)
    world.host.open_pull("topic", base="main", title="Again", body="", when=LATER)
    assert _record(world) == before


class TestCheckout:
    """What a merge does to the working trees of the user."""

    def test_a_checkout_of_main_moves_with_it(self, world: LocalWorld) -> None:
        merged(world.host, ready(world))
        assert (world.target.folder / PROMPT).read_text() == "New.\n"
        assert world.target.status() == ""

    def test_a_checkout_of_another_branch_is_left_alone(self, world: LocalWorld) -> None:
        pull = ready(world)
        world.target.git("checkout", "-q", "-b", "mine")
        world.target.write({PROMPT: "My work.\n"})
        made = merged(world.host, pull)
        assert world.target.head() == made
        assert (world.target.folder / PROMPT).read_text() == "My work.\n"

    def test_main_in_a_linked_worktree_moves_there(self, world: LocalWorld, tmp_path: Path) -> None:
        pull = ready(world)
        world.target.git("checkout", "-q", "-b", "mine")
        world.target.git("worktree", "add", "-q", str(tmp_path / "linked"), "main")
        merged(world.host, pull)
        assert (tmp_path / "linked" / PROMPT).read_text() == "New.\n"
        assert Git(tmp_path / "linked")("status", "--porcelain") == ""

    def test_a_bare_repository_is_merged_too(self, world: LocalWorld, tmp_path: Path) -> None:
        world.branch("topic", {PROMPT: "New.\n"})
        bare = tmp_path / "bare.git"
        Git(tmp_path)("clone", "-q", "--bare", str(world.target.folder), str(bare))
        host = LocalHost(tmp_path / "pulls", bare, tmp_path / "work")
        pull = host.open_pull("topic", base="main", title="t", body="", when=WHEN)
        host.comment(1, key="verdict", body="YES", when=WHEN)
        made = merged(host, pull)
        assert Git(bare)("rev-parse", "main") == made

    def test_work_in_other_files_is_kept(self, world: LocalWorld) -> None:
        pull = ready(world)
        world.target.write({"schema.json": "mine\n"})
        merged(world.host, pull)
        assert (world.target.folder / "schema.json").read_text() == "mine\n"
        assert (world.target.folder / PROMPT).read_text() == "New.\n"

    def test_work_in_the_same_file_stops_the_merge(self, world: LocalWorld) -> None:
        pull = ready(world)
        world.target.write({PROMPT: "My work.\n"})
        with pytest.raises(CodeHostError, match="commit or stash"):
            merged(world.host, pull)
        assert world.target.head() == world.target.first
        assert (world.target.folder / PROMPT).read_text() == "My work.\n"
        world.target.git("checkout", "-q", PROMPT)
        assert merged(world.host, pull) == world.target.head()

    def test_hooks_do_not_run(self, world: LocalWorld, tmp_path: Path) -> None:
        pull = ready(world)
        world.on_main({"other.txt": "theirs\n"})
        for name in ("post-merge", "pre-merge-commit", "reference-transaction"):
            hook = world.target.folder / ".git" / "hooks" / name
            hook.parent.mkdir(exist_ok=True)
            hook.write_text(f"#!/bin/sh\necho {name} >> '{tmp_path / 'trace'}'\nexit 1\n")
            hook.chmod(0o755)
        merged(world.host, pull)
        assert not (tmp_path / "trace").exists()
        assert list((world.lab / "work").iterdir()) == []


def test_a_branch_that_was_fast_forwarded_by_hand_counts_as_merged(world: LocalWorld) -> None:
    pull = ready(world)
    world.target.git("merge", "-q", "--ff-only", "topic")
    assert merged(world.host, pull) == pull.head == world.target.head()
    assert world.host.get(pull.number).state is PullState.MERGED


def test_a_branch_that_is_gone_has_no_head_and_is_not_merged(world: LocalWorld) -> None:
    pull = ready(world)
    world.target.git("branch", "-q", "-D", "topic")
    assert world.host.get(pull.number).head == ""
    with pytest.raises(CodeHostError, match="is gone"):
        merged(world.host, pull)


def test_two_targets_share_the_numbers_but_not_the_pull_requests(tmp_path: Path) -> None:
    one, two = LocalWorld(tmp_path / "one"), LocalWorld(tmp_path / "two")
    other = LocalHost(one.lab / "pulls", two.target.folder, two.lab / "work")
    two.branch("topic", {PROMPT: "Theirs.\n"})
    first = ready(one)
    second = other.open_pull("topic", base="main", title="t", body="", when=WHEN)
    assert (first.number, second.number) == (1, 2)
    assert first.head != second.head


def test_a_lab_that_was_moved_knows_its_pull_requests(world: LocalWorld, tmp_path: Path) -> None:
    pull = ready(world)
    moved = world.lab.rename(tmp_path / "moved")
    host = LocalHost(moved / "pulls", moved / "target", moved / "work")
    assert host.open_pull("topic", base="main", title="t", body="", when=LATER) == pull


def test_a_broken_file_is_named_and_its_number_is_not_given_away(world: LocalWorld) -> None:
    ready(world)
    file = world.lab / "pulls" / "0001.json"
    file.write_text('{"number": 1,')
    with pytest.raises(StoreError, match=str(file)):
        world.host.get(1)
    world.branch("other", {PROMPT: "Other.\n"})
    with pytest.raises(StoreError, match=str(file)):
        world.host.open_pull("other", base="main", title="t", body="", when=WHEN)


def test_a_folder_that_cannot_be_written_is_a_store_error(
    world: LocalWorld, tmp_path: Path
) -> None:
    world.branch("topic", {PROMPT: "New.\n"})
    (tmp_path / "file").write_text("not a folder")
    host = LocalHost(tmp_path / "file" / "pulls", world.target.folder, tmp_path / "work")
    with pytest.raises(StoreError, match="file"):
        host.open_pull("topic", base="main", title="t", body="", when=WHEN)
