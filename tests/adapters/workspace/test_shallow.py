"""A target that is a shallow clone, as CI checks out: what it lacks is named, the rest works."""

from pathlib import Path

import pytest

from adapters.code_host.local import LocalHost
from adapters.git import Git
from adapters.workspace.git import GitWorkspace
from prompt_lab.errors import CodeHostError, LabError, NoSuchCommit, TargetError
from tests.adapters.workspace.target import WHEN, Target

pytestmark = pytest.mark.slow
PROMPT = "prompts/extract.txt"


class Shallow:
    """A clone of depth 1 of `target`, and a workspace on it."""

    def __init__(self, target: Target, folder: Path, *options: str) -> None:
        self.folder = folder / "shallow"
        url = f"file://{target.folder}"
        Git(folder)("clone", "-q", "--depth=1", *options, url, str(self.folder))
        self.git = Git(self.folder)
        self.workspace = GitWorkspace(self.folder, folder / "work", "main")
        self.host = LocalHost(folder / "pulls", self.folder, folder / "work")

    def run(self, error: BaseException) -> None:
        """Give the git command that an error names."""
        command = str(error).partition("'git -C ")[2].partition("'")[0]
        folder, *args = command.split(" ")
        assert folder == str(self.folder)
        self.git(*args)


@pytest.fixture
def grown(target: Target) -> Target:
    """A target of a few commits."""
    for n in range(3):
        target.commit({"notes.txt": f"{n}\n"})
    return target


def _diverge(target: Target) -> tuple[str, str]:
    topic = target.branch("topic", {PROMPT: "Read {text} well.\n"})
    return target.commit({"notes.txt": "moved\n"}), topic


def test_a_merge_is_made_where_the_common_commit_is_there(grown: Target, tmp_path: Path) -> None:
    clone = Shallow(grown, tmp_path)
    start = clone.git("rev-parse", "main")
    main, topic = _diverge(Target.at(clone.folder))
    merged = clone.workspace.merge_commit(main, topic)
    assert clone.workspace.read(merged, PROMPT) == "Read {text} well.\n"
    assert clone.workspace.read(merged, "notes.txt") == "moved\n"
    pull = clone.host.open_pull("topic", base="main", title="t", body="", when=WHEN)
    clone.host.comment(pull.number, key="k", body="yes", when=WHEN)
    made = clone.host.merge(pull.number, expected_head=topic, message="m", when=WHEN)
    assert clone.workspace.diff(made, merged) == ""
    reverted = clone.workspace.revert(made, "back", made, message="r", when=WHEN)
    assert clone.workspace.read(reverted, PROMPT) == "Read {text}.\n"
    assert clone.git("rev-parse", "--is-shallow-repository") == "true"
    assert start in clone.git("rev-list", "back")


def test_a_common_commit_that_is_not_there_is_fetched_by_the_command_that_is_named(
    grown: Target, tmp_path: Path
) -> None:
    main, topic = _diverge(grown)
    clone = Shallow(grown, tmp_path, "--no-single-branch")
    clone.git("branch", "-q", "topic", "origin/topic")
    pull = clone.host.open_pull("topic", base="main", title="t", body="", when=WHEN)
    with pytest.raises(CodeHostError, match="fetch --unshallow"):
        clone.host.verify(pull.number, base="main")
    with pytest.raises(TargetError, match="shallow clone") as caught:
        clone.workspace.merge_commit(main, topic)
    clone.run(caught.value)
    merged = clone.workspace.merge_commit(main, topic)
    assert clone.workspace.read(merged, "notes.txt") == "moved\n"
    assert clone.host.verify(pull.number, base="main").head == topic


def test_a_branch_that_was_not_cloned_is_fetched_by_the_command_that_is_named(
    grown: Target, tmp_path: Path
) -> None:
    main, topic = _diverge(grown)
    clone = Shallow(grown, tmp_path)
    for ref in ("topic", "refs/heads/topic"):
        with pytest.raises(NoSuchCommit, match="fetch --unshallow origin topic:topic") as caught:
            clone.workspace.resolve(ref)
    clone.run(caught.value)
    assert clone.workspace.resolve("topic") == topic
    assert clone.workspace.read(clone.workspace.merge_commit(main, topic), "notes.txt") == "moved\n"


@pytest.mark.parametrize("since", [False, True])
def test_a_commit_without_its_parents_is_not_reverted_before_they_are_fetched(
    grown: Target, tmp_path: Path, since: bool
) -> None:
    first = grown.commit({PROMPT: "Read {text} once.\n"})
    grown.commit({PROMPT: "Read {text} twice.\n"})
    last = grown.commit({PROMPT: "Read {text} thrice.\n"})
    clone = Shallow(grown, tmp_path)
    # With `since` the range begins at a commit that only the whole history has.
    begin = first if since else ""
    caught: list[LabError] = []
    for _ in range(2):
        try:
            made = clone.workspace.revert(last, "back", last, since=begin, message="r", when=WHEN)
        except TargetError as error:
            caught.append(error)
            clone.run(error)
    assert len(caught) == 1
    expected = "Read {text} once.\n" if since else "Read {text} twice.\n"
    assert clone.workspace.read(made, PROMPT) == expected
    assert clone.workspace.read(made, "notes.txt") == "2\n"


def test_histories_that_have_nothing_in_common_are_told_apart_from_shallow_ones(
    target: Target, workspace: GitWorkspace
) -> None:
    target.git("checkout", "-q", "--orphan", "other")
    other = target.commit({PROMPT: "Alone.\n"})
    with pytest.raises(TargetError, match="no commit in common") as caught:
        workspace.merge_commit(target.head(), other)
    assert "unshallow" not in str(caught.value)
