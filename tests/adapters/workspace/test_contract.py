"""What every workspace does, whatever it is built on."""

from collections.abc import Callable
from hashlib import sha1
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from unidiff import PatchSet

from adapters.git import signed
from adapters.workspace.git import GitWorkspace
from prompt_lab.errors import TargetError
from prompt_lab.ports import Workspace
from tests.adapters.workspace.target import WHEN, Target

MAKERS: dict[str, Callable[[Path, Path], Workspace]] = {
    "git": lambda repository, work: GitWorkspace(repository, work, "main"),
}
PROMPT = "prompts/extract.txt"


@pytest.fixture(params=sorted(MAKERS))
def workspace(request: pytest.FixtureRequest, tmp_path: Path, target: Target) -> Workspace:
    return MAKERS[request.param](target.folder, tmp_path / "work")


def test_resolves_branches_tags_and_commits(workspace: Workspace, target: Target) -> None:
    head = target.branch("topic", {PROMPT: "New.\n"})
    target.git("tag", "v1", head)
    for ref in ("topic", "v1", head, head[:10], "main", "topic~1"):
        assert workspace.resolve(ref) == (target.first if ref in ("main", "topic~1") else head)


def test_a_branch_is_followed_when_it_moves(workspace: Workspace, target: Target) -> None:
    assert workspace.resolve("main") == target.first
    moved = target.commit({"more.txt": "x"})
    assert workspace.resolve("main") == moved != target.first


def test_a_branch_goes_before_a_tag_of_the_same_name(workspace: Workspace, target: Target) -> None:
    head = target.branch("topic", {PROMPT: "New.\n"})
    target.git("tag", "topic", target.first)
    assert workspace.resolve("topic") == head


@pytest.mark.parametrize("ref", ["nowhere", "", "--all", "0" * 40, "main..main", "a b"])
def test_an_unknown_ref_is_named(workspace: Workspace, ref: str) -> None:
    with pytest.raises(TargetError, match=repr(ref)):
        workspace.resolve(ref)


def test_blob_is_the_id_that_git_gives_to_the_content(workspace: Workspace, target: Target) -> None:
    content = b"Read {text}.\n"
    expected = sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
    assert workspace.blob(target.first, PROMPT) == expected
    assert workspace.blob(target.first, "prompts") is None
    assert workspace.blob(target.first, "nothing.txt") is None
    assert workspace.blob(target.first, "") is None
    paths = [PROMPT, "prompts", "nothing.txt", ""]
    assert workspace.blobs(target.first, paths) == {PROMPT: expected}


@pytest.mark.parametrize("name", ["a b/ü.txt", "[x]*.txt", "-q", "tab\there.txt", ":(odd).txt"])
def test_odd_file_names_are_taken_literally(
    workspace: Workspace, target: Target, name: str
) -> None:
    commit = target.commit({name: "odd", "x.txt": "plain"})
    assert workspace.read(commit, name) == "odd"


def test_read_refuses_what_is_no_text_file(workspace: Workspace, target: Target) -> None:
    (target.folder / "image.bin").write_bytes(b"\xff\xfe\x00")
    commit = target.commit({})
    for path in ("image.bin", "prompts", "nothing.txt"):
        with pytest.raises(TargetError, match=path):
            workspace.read(commit, path)


def test_a_worktree_stands_clean_at_its_commit(workspace: Workspace, target: Target) -> None:
    old = workspace.worktree(target.first)
    new = workspace.worktree(target.commit({PROMPT: "New.\n"}))
    assert (old / PROMPT).read_text() == "Read {text}.\n"
    assert (new / PROMPT).read_text() == "New.\n"
    assert workspace.observe(old) == (target.first, True)
    assert workspace.observe(new) == (target.head(), True)
    assert workspace.worktree(target.first) == old


def test_a_worktree_is_not_repaired_behind_the_evidence(
    workspace: Workspace, target: Target
) -> None:
    second = target.commit({PROMPT: "New.\n"})
    tree = workspace.worktree(second)
    (tree / PROMPT).write_text("Tampered.\n")
    assert workspace.observe(workspace.worktree(second)) == (second, False)


def test_commit_files_twice_is_one_commit(workspace: Workspace, target: Target) -> None:
    files = {PROMPT: "Exact \r\nbytes, no end", "deep/new.txt": "é"}
    made = [
        workspace.commit_files("main", "lab/1", files, message="Try it", when=WHEN)
        for _ in range(2)
    ]
    assert made[0] == made[1] == target.head("lab/1")
    assert target.head() == target.first
    assert {path: workspace.read(made[0], path) for path in files} == files
    assert workspace.blob(made[0], "schema.json") == workspace.blob(target.first, "schema.json")


def test_a_branch_that_holds_something_else_is_refused(
    workspace: Workspace, target: Target
) -> None:
    head = target.branch("taken", {PROMPT: "Theirs.\n"})
    with pytest.raises(TargetError, match=f"'taken'.*{head}"):
        workspace.commit_files("main", "taken", {PROMPT: "Ours.\n"}, message="m", when=WHEN)
    assert target.head("taken") == head


@pytest.mark.parametrize("branch", ["a..b", "", "-x ", "end.lock", "sp ace"])
def test_a_bad_branch_name_is_named(workspace: Workspace, branch: str) -> None:
    with pytest.raises(TargetError, match=repr(branch)):
        workspace.commit_files("main", branch, {PROMPT: "x"}, message="m", when=WHEN)


@pytest.mark.parametrize("path", ["../out.txt", "/etc/out.txt", ".git/config", "a/../../b"])
def test_a_path_out_of_the_target_is_refused(
    workspace: Workspace, target: Target, path: str
) -> None:
    with pytest.raises(TargetError):
        workspace.commit_files("main", "lab/1", {path: "x"}, message="m", when=WHEN)
    assert target.git.ask("rev-parse", "-q", "--verify", "refs/heads/lab/1") is None


def test_diff_can_be_parsed(workspace: Workspace, target: Target) -> None:
    commit = workspace.commit_files(
        "main", "lab/1", {PROMPT: "Read {text} twice.\n", "new.txt": "ü\n"}, message="m", when=WHEN
    )
    patch = PatchSet(workspace.diff(target.first, commit))
    assert {f.path: (f.added, f.removed) for f in patch} == {PROMPT: (1, 1), "new.txt": (1, 0)}
    assert workspace.diff(commit, commit) == ""


@pytest.mark.slow
@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(text=st.text(st.characters(codec="utf-8"), max_size=60))
def test_any_text_comes_back_as_it_was(workspace: Workspace, text: str) -> None:
    name = sha1(text.encode(), usedforsecurity=False).hexdigest()
    commit = workspace.commit_files("main", name, {PROMPT: text}, message="m", when=WHEN)
    assert workspace.read(commit, PROMPT) == text


def test_a_branch_goes_on_by_a_further_commit(workspace: Workspace, target: Target) -> None:
    def goes_on(text: str) -> str:
        return workspace.commit_files(
            one, "topic", {PROMPT: text}, message="2", when=WHEN, append=True
        )

    one = workspace.commit_files(target.first, "topic", {PROMPT: "1\n"}, message="1", when=WHEN)
    two = goes_on("2\n")
    assert target.head("topic") == two
    assert target.git("rev-parse", f"{two}~1") == one
    assert goes_on("2\n") == two
    with pytest.raises(TargetError, match="exists already"):
        goes_on("3\n")


def test_a_branch_that_somebody_works_on_is_left_alone(
    workspace: Workspace, target: Target
) -> None:
    one = workspace.commit_files(target.first, "topic", {PROMPT: "1\n"}, message="1", when=WHEN)
    target.git("checkout", "-q", "topic")
    with pytest.raises(TargetError, match="check out another branch"):
        workspace.commit_files(one, "topic", {PROMPT: "2\n"}, message="2", when=WHEN, append=True)
    assert target.head("topic") == one
    assert target.status() == ""


@pytest.mark.parametrize("merged_by", ["merge", "squash", "hand"])
def test_a_merged_change_is_taken_back(
    workspace: Workspace, target: Target, merged_by: str
) -> None:
    target.branch("topic", {PROMPT: "New.\n"})
    head = target.branch("topic", {"more.txt": "more\n"})
    since = ""
    if merged_by == "merge":
        target.commit({"other.txt": "x\n"})
        target.git("-c", "user.name=O", "-c", "user.email=o@l", "merge", "-q", "--no-ff", "topic")
    elif merged_by == "squash":
        target.git("merge", "-q", "--squash", "topic")
        target.commit({})
    else:
        target.git("merge", "-q", "--ff-only", "topic")
        since = target.first
    merged = target.head()
    later = target.commit({"later.txt": "later\n"})
    commit = workspace.revert(later, "back", merged, since=since, message="Back", when=WHEN)
    assert target.head("back") == commit
    assert target.head() == later
    assert workspace.read(commit, PROMPT) == "Read {text}.\n"
    assert workspace.blob(commit, "more.txt") is None
    assert workspace.read(commit, "later.txt") == "later\n"
    assert workspace.message("back").strip() == "Back"
    again = workspace.revert(later, "back", merged, since=since, message="Back", when=WHEN)
    assert again == commit != head
    assert target.status() == ""


def test_what_was_changed_again_cannot_be_taken_back(workspace: Workspace, target: Target) -> None:
    change = target.commit({PROMPT: "New.\n"})
    later = target.commit({PROMPT: "Newer.\n"})
    with pytest.raises(TargetError, match=r"extract\.txt' was changed again later"):
        workspace.revert(later, "back", change, message="Back", when=WHEN)
    undone = target.commit({PROMPT: "Newest.\n"})
    target.git("revert", "--no-edit", undone, env=signed(WHEN))
    with pytest.raises(TargetError, match="nothing of it is left"):
        workspace.revert(target.head(), "back", undone, message="Back", when=WHEN)
