"""Files that are somewhere else: with Git LFS, in a submodule, behind a link."""

from pathlib import Path

import pytest

from adapters.git import Git
from adapters.workspace.git import GitWorkspace
from prompt_lab.errors import TargetError
from tests.adapters.workspace import git_lfs
from tests.adapters.workspace.target import WHEN, Target

pytestmark = pytest.mark.slow
PROMPT = "prompts/extract.txt"
TEXT = "Read {text} well.\n"


def run_command(error: BaseException) -> None:
    """Give the git command that an error names last."""
    folder, *args = str(error).rpartition("'git -C ")[2].partition("'")[0].split(" ")
    allowed = ("-c", "protocol.file.allow=always")
    Git(Path(folder), ours=False)(*allowed, *args)


@pytest.fixture(params=["real", "stand-in"])
def lfs(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: Target
) -> Target:
    """The target keeps its texts with Git LFS."""
    if request.param == "stand-in":
        git_lfs.put_stand_in(tmp_path / "bin")
        monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    elif not git_lfs.is_installed():
        pytest.skip("git-lfs is not installed")
    git_lfs.configure(target.git)
    target.commit({".gitattributes": "*.txt filter=lfs diff=lfs merge=lfs -text\n"})
    target.commit({PROMPT: TEXT})
    return target


def test_what_git_lfs_has_fetched_is_used(lfs: Target, tmp_path: Path) -> None:
    commit = lfs.head()
    assert lfs.git("cat-file", "blob", f"{commit}:{PROMPT}") == git_lfs.pointer(TEXT).strip()
    workspace = GitWorkspace(lfs.folder, tmp_path / "work", "main")
    workspace.check_files(commit, [PROMPT])
    assert workspace.read(commit, PROMPT) == TEXT
    tree = workspace.worktree(commit)
    assert (tree / PROMPT).read_text() == TEXT
    assert workspace.observe(tree) == (commit, True)
    workspace.check_worktree(commit, [PROMPT])
    made = workspace.commit_files(commit, "lab/1", {PROMPT: "New.\n"}, message="m", when=WHEN)
    assert lfs.git("cat-file", "blob", f"{made}:{PROMPT}") == git_lfs.pointer("New.\n").strip()
    assert workspace.read(made, PROMPT) == "New.\n"
    assert workspace.contents(commit, made) == {PROMPT: (TEXT.encode(), b"New.\n")}


def test_a_pointer_is_refused_until_the_command_that_is_named_was_given(
    lfs: Target, tmp_path: Path
) -> None:
    topic = lfs.branch("topic", {PROMPT: "Of a branch.\n"})
    clone = git_lfs.clone_of(lfs, tmp_path / "clone")
    clone.git("branch", "-q", "topic", "origin/topic")
    workspace = GitWorkspace(clone.folder, tmp_path / "work", "main")
    for commit, text in ((clone.head(), TEXT), (topic, "Of a branch.\n")):
        tree = workspace.worktree(commit)
        with pytest.raises(TargetError, match="is a Git LFS pointer, not the file itself") as said:
            workspace.check_files(commit, [PROMPT])
        assert ("lfs pull" in str(said.value)) == (commit != topic)
        assert "install" not in str(said.value)
        run_command(said.value)
        workspace.check_files(commit, [PROMPT])
        workspace.check_worktree(commit, [PROMPT])
        assert (tree / PROMPT).read_text() == workspace.read(commit, PROMPT) == text


def test_without_git_lfs_a_pointer_is_refused_and_both_commands_are_named(
    target: Target, workspace: GitWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    if git_lfs.is_installed():
        pytest.skip("git-lfs is installed beside git")
    commit = target.commit(
        {".gitattributes": "*.txt filter=lfs -text\n", PROMPT: git_lfs.pointer(TEXT)}
    )
    for configured in (False, True):
        if configured:
            git_lfs.configure(target.git)
        with pytest.raises(TargetError) as said:
            workspace.check_files(commit, ["schema.json", PROMPT])
        assert f"'{PROMPT}' at commit {commit[:12]}" in str(said.value)
        assert "install Git LFS, run 'git lfs install'" in str(said.value)
        assert f"run 'git -C {target.folder} lfs pull'" in str(said.value)
        workspace = GitWorkspace(target.folder, workspace.worktree(commit).parent, "main")


@pytest.fixture
def parent(target: Target, tmp_path: Path) -> Target:
    """A target whose submodule `sub` is the other target; not checked out."""
    files = {PROMPT: TEXT, ".gitattributes": "*.txt eol=crlf\n"}
    target.commit(files)
    made = Target(tmp_path / "parent")
    allowed = ("-c", "protocol.file.allow=always")
    made.git(*allowed, "submodule", "add", "-q", str(target.folder), "sub")
    made.commit({"link.txt": "x"})
    made.git("submodule", "deinit", "-q", "-f", "sub")
    Git(tmp_path)("clone", "-q", str(made.folder), str(tmp_path / "clone"))
    return Target.at(tmp_path / "clone")


def test_a_submodule_that_is_missing_is_refused_until_it_is_checked_out(
    parent: Target, tmp_path: Path
) -> None:
    workspace = GitWorkspace(parent.folder, tmp_path / "work", "main")
    commit, path = workspace.resolve("main"), f"sub/{PROMPT}"
    workspace.check_files(commit, ["schema.json"])
    tree = workspace.worktree(commit)
    with pytest.raises(TargetError, match="submodule update --init sub") as said:
        workspace.check_files(commit, [path])
    with pytest.raises(TargetError, match="submodule update --init sub"):
        workspace.read(commit, path)
    assert workspace.blob(commit, path) is None
    run_command(said.value)
    workspace.check_files(commit, [path])
    assert workspace.read(commit, path) == TEXT.replace("\n", "\r\n")
    workspace.check_worktree(commit, [path])
    assert (tree / path).read_bytes() == TEXT.replace("\n", "\r\n").encode()
    assert workspace.observe(tree) == (commit, True)
    with pytest.raises(TargetError, match="is in a submodule"):
        workspace.commit_files(commit, "lab/1", {path: "New.\n"}, message="m", when=WHEN)


def test_what_runs_leave_in_a_submodule_is_seen_and_undone(parent: Target, tmp_path: Path) -> None:
    parent.git("-c", "protocol.file.allow=always", "submodule", "update", "-q", "--init")
    workspace = GitWorkspace(parent.folder, tmp_path / "work", "main")
    commit, path = workspace.resolve("main"), f"sub/{PROMPT}"
    tree = workspace.put_back(commit)
    assert workspace.observe(tree) == (commit, True)
    (tree / path).write_text("Tampered.\n")
    assert path in workspace.dirt(tree)
    assert workspace.observe(workspace.put_back(commit)) == (commit, True)
    assert (tree / path).read_bytes() == TEXT.replace("\n", "\r\n").encode()


def test_a_link_inside_the_target_is_followed(target: Target, workspace: GitWorkspace) -> None:
    target.write({"texts/a.txt": TEXT, ".gitattributes": "texts/* eol=crlf\n"})
    (target.folder / "link.txt").symlink_to("prompts/../folder/a.txt")
    (target.folder / "folder").symlink_to("texts")
    commit = target.commit({})
    crlf = TEXT.replace("\n", "\r\n")
    assert workspace.read(commit, "link.txt") == workspace.read(commit, "folder/a.txt") == crlf
    workspace.check_files(commit, ["link.txt"])
    workspace.check_worktree(commit, ["link.txt", "folder/a.txt"])
    made = workspace.commit_files(commit, "lab/1", {"link.txt": "New.\n"}, message="m", when=WHEN)
    assert workspace.read(made, "texts/a.txt") == "New.\r\n"
    assert workspace.worktree(made).joinpath("link.txt").is_symlink()


@pytest.mark.parametrize(
    ("destination", "why"),
    [
        ("/etc/hostname", "leads out"),
        ("../../outside.txt", "leads out"),
        ("prompts/link.txt", "back to itself"),
    ],
)
def test_a_link_that_leads_out_is_refused(
    target: Target, workspace: GitWorkspace, destination: str, why: str
) -> None:
    (target.folder / "prompts/link.txt").symlink_to(destination.replace("prompts/", "../prompts/"))
    commit = target.commit({})
    for use in (workspace.read, lambda c, p: workspace.check_files(c, [p])):
        with pytest.raises(TargetError, match=why) as said:
            use(commit, "prompts/link.txt")
        assert "'prompts/link.txt' is a symbolic link" in str(said.value)
    assert workspace.blob(commit, "prompts/link.txt") is None
