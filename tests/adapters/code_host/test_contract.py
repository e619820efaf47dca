"""What every code host does: each call may be repeated, and nothing ends without its comment."""

import pytest

from prompt_lab.errors import CodeHostError, HeadMoved, MergeConflict, PullEnded
from prompt_lab.names import Outcome, PullState
from prompt_lab.records import Pull
from tests.adapters.code_host.conftest import ALL
from tests.adapters.code_host.worlds import World
from tests.adapters.workspace.target import WHEN

LATER = "2026-03-05T00:00:00Z"
PROMPT = "prompts/extract.txt"


AWARE = pytest.mark.parametrize("world", ALL[:2], indirect=True)
"""The emulator keeps the head and the base that a pull request was opened with, and merges all."""


def _open(world: World, branch: str = "topic") -> Pull:
    return world.host.open_pull(branch, base="main", title="Try it", body="Why.", when=WHEN)


def _ready(world: World, branch: str = "topic", text: str = "New.\n") -> Pull:
    """An open pull request with a change and a comment."""
    world.branch(branch, {PROMPT: text})
    pull = _open(world, branch)
    world.host.comment(pull.number, key="verdict", body="YES", when=WHEN)
    return pull


def _merge(world: World, pull: Pull, when: str = WHEN) -> str:
    return world.host.merge(pull.number, expected_head=pull.head, message="Merge it", when=when)


def _judge(world: World, pull: Pull, outcome: Outcome, text: str) -> None:
    world.host.status(pull.number, commit=pull.head, outcome=outcome, text=text, when=WHEN)


def test_a_branch_has_one_open_pull_request(world: World) -> None:
    head = world.branch("topic", {PROMPT: "New.\n"})
    pull = _open(world)
    assert pull == _open(world) == world.host.get(pull.number)
    assert (pull.branch, pull.base, pull.head, pull.state) == (
        "topic", "main", head, PullState.OPEN
    )  # fmt: skip
    assert (pull.title, pull.body, pull.merged_commit) == ("Try it", "Why.", "")
    assert pull.url


def test_two_branches_have_two_pull_requests(world: World) -> None:
    world.branch("topic", {PROMPT: "New.\n"})
    world.branch("other", {PROMPT: "Other.\n"})
    assert _open(world).number != _open(world, "other").number


def test_a_pull_request_needs_a_branch_with_a_change(world: World) -> None:
    for branch in ("topic", "main"):
        with pytest.raises(CodeHostError, match=branch):
            _open(world, branch)
        with pytest.raises(CodeHostError, match=branch):
            world.host.check_branch(branch, base="main")


def test_a_branch_that_can_be_tested_is_fine_and_gets_nothing(world: World) -> None:
    head = world.branch("topic", {PROMPT: "New.\n"})
    world.host.check_branch("topic", base="main")
    with pytest.raises(CodeHostError):
        world.host.get(1)
    assert _open(world).head == head
    world.host.check_branch("topic", base="main")


def test_a_pull_request_that_is_not_there(world: World) -> None:
    with pytest.raises(CodeHostError, match="41"):
        world.host.get(41)
    with pytest.raises(CodeHostError, match="41"):
        world.host.comment(41, key="verdict", body="YES", when=WHEN)


@AWARE
def test_its_head_is_the_branch_as_it_is_now(world: World) -> None:
    world.branch("topic", {PROMPT: "New.\n"})
    pull = _open(world)
    moved = world.branch("topic", {PROMPT: "Newer.\n"})
    assert world.host.get(pull.number).head == moved != pull.head


def test_a_comment_is_edited_in_place(world: World) -> None:
    world.branch("topic", {PROMPT: "New.\n"})
    number = _open(world).number
    first = world.host.comment(number, key="verdict", body="It ran…", when=WHEN)
    other = world.host.comment(number, key="table", body="| a |", when=WHEN)
    assert world.host.comment(number, key="verdict", body="YES", when=LATER) == first != other
    assert list(world.host.comments(number).items()) == [("verdict", "YES"), ("table", "| a |")]


def test_a_label_is_added_once(world: World) -> None:
    world.branch("topic", {PROMPT: "New.\n"})
    number = _open(world).number
    for label in ("one", "two", "one"):
        world.host.label(number, label, when=WHEN)
    assert sorted(world.host.get(number).labels) == ["one", "two"]


def test_a_label_is_taken_off(world: World) -> None:
    world.branch("topic", {PROMPT: "New.\n"})
    number = _open(world).number
    for label in ("lab: not yet", "other"):
        world.host.label(number, label, when=WHEN)
    for _ in range(2):
        world.host.unlabel(number, "lab: not yet", when=WHEN)
        assert world.host.get(number).labels == ("other",)
    world.host.unlabel(number, "never there", when=WHEN)
    world.host.label(number, "lab: not yet", when=WHEN)
    assert sorted(world.host.get(number).labels) == ["lab: not yet", "other"]
    with pytest.raises(CodeHostError, match="41"):
        world.host.unlabel(41, "other", when=WHEN)


def test_merging_twice_merges_once(world: World) -> None:
    pull = _ready(world)
    merged = _merge(world, pull)
    assert _merge(world, pull, LATER) == merged
    assert world.main_text(PROMPT) == "New."
    assert world.main_parents()[1:] == [pull.head]
    after = world.host.get(pull.number)
    assert (after.state, after.merged_commit, after.head) == (PullState.MERGED, merged, pull.head)


def test_a_merged_branch_is_not_opened_again(world: World) -> None:
    pull = _ready(world)
    _merge(world, pull)
    assert _open(world).number == pull.number


@AWARE
def test_a_merge_keeps_what_main_has_gained(world: World) -> None:
    pull = _ready(world)
    main = world.on_main({"other.txt": "theirs\n"})
    _merge(world, pull)
    assert (world.main_text(PROMPT), world.main_text("other.txt")) == ("New.", "theirs")
    assert world.main_parents() == [main, pull.head]


def test_nothing_ends_before_it_has_a_comment(world: World) -> None:
    world.branch("topic", {PROMPT: "New.\n"})
    pull = _open(world)
    with pytest.raises(CodeHostError, match="comment"):
        _merge(world, pull)
    with pytest.raises(CodeHostError, match="comment"):
        world.host.close(pull.number, when=WHEN)
    assert world.host.get(pull.number).state is PullState.OPEN
    assert world.main_text(PROMPT) == "Read {text}."


@AWARE
def test_a_head_that_moved_is_not_merged(world: World) -> None:
    pull = _ready(world)
    world.branch("topic", {PROMPT: "Untested.\n"})
    with pytest.raises(HeadMoved, match="moved"):
        _merge(world, pull)
    assert world.host.get(pull.number).state is PullState.OPEN
    assert world.main_text(PROMPT) == "Read {text}."


def test_an_expected_head_that_does_not_exist_is_not_merged(world: World) -> None:
    pull = _ready(world)
    with pytest.raises(HeadMoved, match="moved"):
        world.host.merge(pull.number, expected_head="1" * 40, message="m", when=WHEN)


@AWARE
def test_a_conflict_is_named_and_main_stays(world: World) -> None:
    pull = _ready(world)
    world.on_main({PROMPT: "Theirs.\n"})
    with pytest.raises(MergeConflict, match="conflict"):
        _merge(world, pull)
    assert world.main_text(PROMPT) == "Theirs."
    assert world.host.get(pull.number).state is PullState.OPEN


def test_a_closed_one_stays_closed(world: World) -> None:
    pull = _ready(world)
    for _ in range(2):
        world.host.close(pull.number, when=WHEN)
    assert world.host.get(pull.number).state is PullState.CLOSED
    with pytest.raises(PullEnded, match="closed"):
        _merge(world, pull)
    assert world.main_text(PROMPT) == "Read {text}."


def test_a_merged_one_cannot_be_closed_or_merged_at_another_head(world: World) -> None:
    pull = _ready(world)
    _merge(world, pull)
    with pytest.raises(PullEnded, match="merged"):
        world.host.close(pull.number, when=WHEN)
    moved = world.branch("topic", {PROMPT: "Newer.\n"})
    with pytest.raises(PullEnded, match="merged"):
        world.host.merge(pull.number, expected_head=moved, message="m", when=WHEN)
    assert world.main_text(PROMPT) == "New."


def test_a_closed_branch_may_be_opened_anew(world: World) -> None:
    pull = _ready(world)
    world.host.close(pull.number, when=WHEN)
    assert _open(world).number != pull.number


def test_a_run_may_start_from_an_open_one(world: World) -> None:
    pull = _ready(world)
    assert world.host.verify(pull.number, base="main") == pull
    with pytest.raises(CodeHostError, match="'release'"):
        world.host.verify(pull.number, base="release")
    world.host.close(pull.number, when=WHEN)
    with pytest.raises(PullEnded, match="closed, not open"):
        world.host.verify(pull.number, base="main")


@AWARE
def test_no_run_starts_from_a_conflict(world: World) -> None:
    pull = _ready(world)
    world.on_main({PROMPT: "Theirs.\n"})
    with pytest.raises(MergeConflict, match="conflict"):
        world.host.verify(pull.number, base="main")
    assert world.main_text(PROMPT) == "Theirs."


def test_the_verdict_stands_on_the_tested_commit(world: World) -> None:
    pull = _ready(world)
    _judge(world, pull, Outcome.NO, "Worse.")
    assert world.verdict(pull.head)[0] in ("NO", "failure")
    for _ in range(2):
        _judge(world, pull, Outcome.YES, "Better by 5 points.")
    state, text = world.verdict(pull.head)
    assert state in ("YES", "success")
    assert "Better by 5 points." in text


def test_the_target_has_what_was_merged(world: World) -> None:
    merged = _merge(world, _ready(world))
    assert world.target.head() == merged
    assert world.target.status() == ""
    world.host.refresh("main")
    assert world.target.head() == merged
    with pytest.raises(CodeHostError, match="nowhere"):
        world.host.refresh("nowhere")
