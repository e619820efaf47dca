"""Files that git changes at checkout: what a worktree holds is what the commit is compared with."""

import hashlib
from pathlib import Path

import pytest

from adapters.git import Git, signed
from adapters.workspace.git import GitWorkspace
from prompt_lab.errors import TargetError
from tests.adapters.workspace.target import WHEN, Target

pytestmark = pytest.mark.slow
PROMPT = "prompts/extract.txt"
TEXT = "Read {text} well.\nStay brief: ü.\n"
UPPER = TEXT.replace("Read", "READ")


def _blob(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def _attributes(target: Target, line: str, text: str = TEXT) -> str:
    """Commit both as they are, whatever the attributes would make of them, and check them out."""
    for path, content in ((".gitattributes", f"{line}\n"), (PROMPT, text)):
        blob = target.git.raw("hash-object", "-w", "--stdin", stdin=content.encode())
        item = f"100644,{blob.decode().strip()},{path}"
        target.git("update-index", "--add", "--cacheinfo", item)
    target.git("commit", "-q", "-m", "attributes", env=signed(WHEN))
    target.git("reset", "-q", "--hard")
    return target.git("rev-parse", "HEAD")


def _upper(target: Target) -> None:
    target.git("config", "filter.upper.smudge", "sed s/Read/READ/")
    target.git("config", "filter.upper.clean", "sed s/READ/Read/")
    target.git("config", "filter.upper.required", "true")


CASES = {
    "*.txt text eol=crlf": TEXT.replace("\n", "\r\n").encode(),
    "*.txt text=auto": TEXT.encode(),
    "*.txt ident": TEXT.encode(),
    "*.txt text working-tree-encoding=UTF-16LE-BOM": b"\xff\xfe" + TEXT.encode("utf-16-le"),
    "*.txt filter=upper": UPPER.encode(),
    "*.txt filter=not-configured": TEXT.encode(),
    "*.txt filter=upper text eol=crlf": UPPER.replace("\n", "\r\n").encode(),
}


@pytest.mark.parametrize("line", CASES)
def test_a_file_is_known_by_what_its_worktree_holds(
    target: Target, workspace: GitWorkspace, line: str
) -> None:
    _upper(target)
    commit = _attributes(target, line)
    tree = workspace.worktree(commit)
    held = (tree / PROMPT).read_bytes()
    assert held == CASES[line]
    assert workspace.observe(tree) == (commit, True)
    assert workspace.blob(commit, PROMPT) == _blob(held)
    assert workspace.blob(commit, "schema.json") == _blob(b"{}\n")
    assert workspace.read(commit, PROMPT).encode() in (held, TEXT.encode())
    workspace.check_files(commit, [PROMPT])
    workspace.check_worktree(commit, [PROMPT, "schema.json"])
    assert workspace.observe(workspace.put_back(commit)) == (commit, True)


@pytest.mark.parametrize("line", CASES)
def test_a_text_that_is_written_is_stored_as_git_would_store_it(
    target: Target, workspace: GitWorkspace, line: str
) -> None:
    _upper(target)
    commit = _attributes(target, line)
    read = workspace.read(commit, PROMPT)
    made = workspace.commit_files(
        commit, "lab/1", {PROMPT: read + "Be kind.\n"}, message="m", when=WHEN
    )
    assert target.git("show", f"{made}:{PROMPT}") == f"{TEXT}Be kind."
    tree = workspace.worktree(made)
    assert workspace.observe(tree) == (made, True)
    assert (tree / PROMPT).read_bytes().startswith(CASES[line])
    target.git("checkout", "-q", "lab/1")
    assert target.status() == ""


def test_an_ident_is_expanded(target: Target, workspace: GitWorkspace) -> None:
    commit = _attributes(target, "*.txt ident", "$Id$\nRead {text}.\n")
    stored = target.git("rev-parse", f"{commit}:{PROMPT}")
    assert workspace.read(commit, PROMPT) == f"$Id: {stored} $\nRead {{text}}.\n"
    assert workspace.blob(commit, PROMPT) != stored


def test_the_attributes_of_each_commit_count(target: Target, workspace: GitWorkspace) -> None:
    plain = target.commit({PROMPT: TEXT})
    crlf = _attributes(target, "*.txt eol=crlf")
    assert workspace.blob(plain, PROMPT) != workspace.blob(crlf, PROMPT)
    changed = workspace.contents(plain, crlf)
    assert set(changed) == {".gitattributes"}


def test_an_encoding_that_no_text_is_read_in_is_named(
    target: Target, workspace: GitWorkspace
) -> None:
    commit = _attributes(target, "*.txt text working-tree-encoding=ISO-8859-1")
    assert workspace.blob(commit, PROMPT) == _blob(TEXT.encode("latin-1"))
    with pytest.raises(TargetError, match=r"not UTF-8 text but ISO-8859-1, .* \.gitattributes"):
        workspace.read(commit, PROMPT)


def test_a_filter_that_fails_and_is_required_is_said(
    target: Target, workspace: GitWorkspace
) -> None:
    commit = _attributes(target, "*.txt filter=upper")
    _upper(target)
    target.git("config", "filter.upper.smudge", "false")
    for use in (workspace.read, workspace.blob):
        with pytest.raises(TargetError, match=r"filter upper failed|filter 'false' failed"):
            use(commit, PROMPT)


def test_a_worktree_from_before_a_filter_was_configured_is_made_again(
    target: Target, workspace: GitWorkspace, tmp_path: Path
) -> None:
    commit = _attributes(target, "*.txt filter=upper")
    tree = workspace.worktree(commit)
    assert (tree / PROMPT).read_text() == TEXT
    _upper(target)
    later = GitWorkspace(target.folder, tmp_path / "work", "main")
    later.check_worktree(commit, [PROMPT])
    assert (tree / PROMPT).read_bytes() == UPPER.encode()
    assert later.observe(tree) == (commit, True)
    (tree / PROMPT).write_text("Tampered.\n")
    later.check_worktree(commit, [PROMPT])
    assert later.dirt(tree) == (PROMPT,)


def test_a_filter_that_never_gives_the_same_is_refused(
    target: Target, workspace: GitWorkspace
) -> None:
    target.git("config", "filter.now.smudge", "cat; date +%s%N")
    target.git("config", "filter.now.clean", "head -n 2")
    commit = _attributes(target, "*.txt filter=now")
    with pytest.raises(TargetError, match="another content each time"):
        workspace.check_worktree(commit, [PROMPT])


def test_what_changed_is_told_as_it_is_read(target: Target, workspace: GitWorkspace) -> None:
    _upper(target)
    before = _attributes(target, "*.txt filter=upper")
    after = target.commit({PROMPT: "Read it.\n"})
    assert workspace.contents(before, after) == {PROMPT: (UPPER.encode(), b"READ it.\n")}


def test_a_filter_of_many_words_is_taken_over_as_it_stands(
    target: Target, workspace: GitWorkspace
) -> None:
    target.git("config", 'filter.a "b".c\\.smudge', 'sed -e "s/Read/\\tRead # ; /"')
    target.git("config", "filter.odd.smudge", 'sed -e "s/Read/# ; \\"Write\\"/"')
    commit = _attributes(target, "*.txt filter=odd")
    assert workspace.read(commit, PROMPT).startswith('# ; "Write" {text}')
    clone = Git(workspace.worktree(commit))
    for name in ('filter.a "b".c\\.smudge', "filter.odd.smudge"):
        assert clone("config", name) == target.git("config", name)


def test_a_file_that_git_would_store_otherwise_is_clean_as_long_as_it_is_as_checked_out(
    target: Target, workspace: GitWorkspace
) -> None:
    commit = _attributes(target, "*.txt text eol=crlf", TEXT.replace("\n", "\r\n"))
    tree = workspace.worktree(commit)
    (tree / PROMPT).write_bytes((tree / PROMPT).read_bytes())
    assert Git(tree)("status", "--porcelain") == f" M {PROMPT}"
    assert workspace.observe(tree) == (commit, True)
    (tree / PROMPT).chmod(0o755)
    assert workspace.dirt(tree) == (PROMPT,)
    (tree / PROMPT).chmod(0o644)
    (tree / PROMPT).write_text(TEXT)
    assert workspace.dirt(tree) == (PROMPT,)
