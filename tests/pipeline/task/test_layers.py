"""What a command changed is found alike in a layer over the tree and in the tree itself."""

import os
import stat
import sys
from functools import partial
from pathlib import Path

import pytest

from adapters.git import Git
from adapters.sandbox.bubblewrap import why_no_sandbox
from adapters.sandbox.commands import SandboxedCommands
from adapters.sandbox.layers import why_no_layers
from prompt_lab.ports import Bounds, CommandFolder
from prompt_lab.task_engine.task_copy.files import git_mode
from prompt_lab.task_engine.task_copy.tree import Tree

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(why_no_sandbox()), reason=why_no_sandbox() or ""),
]
ENVIRONMENT = {"PATH": os.pathsep.join([str(Path(sys.executable).parent), os.defpath])}
FILES = ("a.txt", "d/one", "d/two", "d/deep/three", "e/four", "run.sh")
SCRIPTS = {
    "nothing": "cat a.txt d/one > /dev/null; ls -R > /dev/null",
    "only other stamps": "touch a.txt d/one; cat e/four > new; cat new > e/four; rm new",
    "changed": "echo more >> a.txt; echo other > d/deep/three",
    "as long as before": "printf 'A.TXT\n' > a.txt",
    "mode": "chmod +x a.txt; chmod -x run.sh; chmod 600 d/one",
    "new": "echo n > new; mkdir -p x/y; echo m > x/y/z; mkdir empty",
    "deleted": "rm a.txt; rm -r d/deep",
    "deleted and made again": "rm a.txt; printf 'a.txt\n' > a.txt; rm d/one; echo new > d/one",
    "a folder made anew": "rm -r d; mkdir d; echo new > d/two",
    "a folder made anew below another": "rm -r d/deep; mkdir d/deep; echo new > d/deep/five",
    "an empty folder in its place": "rm -r d; mkdir d",
    "a file for a folder": "rm -r d; echo file > d",
    "a folder for a file": "rm a.txt; mkdir a.txt; echo inner > a.txt/b",
    "a link for a folder": "rm -r d; ln -s e d",
    "a link for a file": "rm a.txt; ln -s e/four a.txt",
    "a second name": "ln a.txt second",
    "moved": "mv a.txt moved; mv d/one e/one",
    "a folder moved": "mv d moved",
    "a pipe": "rm a.txt; mkfifo a.txt; mkfifo other",
    "without permission": "chmod 000 a.txt d/one; mkdir no; echo x > no/in; chmod 000 no",
    "ignored": "mkdir -p work .venv; echo x > work/x; echo x > .venv/x",
    "a mark of the kernel": 'rm -r d; mkdir d; for folder in d e; do python -c "import os;'
    " os.setxattr('$folder', 'user.overlay.opaque', b'$folder')\" || :; done",
}


class Engine:
    """A tree whose commands change it, or a layer over it."""

    def __init__(self, folder: Path, *, layered: bool) -> None:
        self.root, self.layered = folder / "repository", layered
        for name in FILES:
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{name}\n")
        (self.root / "run.sh").chmod(0o755)
        self.tree = Tree(self.root, folder / "tree", partial(Git, ours=False))
        self.tree.refresh([])

    def run(self, script: str, name: str = "mutator", file_mb: int = 4) -> str:
        """Run a shell script; the bound that it met."""
        tree = self.tree
        layer = tree.layers.layer(name) if self.layered else None
        tree.settle()
        ended = SandboxedCommands().run(
            ["sh", "-c", script], ".", ENVIRONMENT,
            CommandFolder(tree.folder, self.root, tree_bytes=tree.bytes, layer=layer),
            Bounds(60, 256, 20, 1, file_mb),
        )  # fmt: skip
        if self.layered:
            tree.layers.use(name)
        else:
            tree.touched()
        return ended.reason

    def changed(self) -> dict[str, tuple[object, ...] | None]:
        """Path -> mode, size, names and content of what the script changed."""
        found: dict[str, tuple[object, ...] | None] = {}
        for name, stamp in self.tree.changed_files().items():
            found[name] = stamp and (
                git_mode(stamp.mode), stamp.size, stamp.links, self.tree.take(name)
            )  # fmt: skip
        return found

    def content(self) -> dict[str, str]:
        """Path -> content of the tree."""
        folder = self.tree.folder
        files = [path for path in folder.rglob("*") if path.is_file()]
        return {str(path.relative_to(folder)): path.read_text() for path in files}


@pytest.fixture
def engines(tmp_path: Path) -> tuple[Engine, Engine]:
    """(one whose commands change the tree, one whose commands have layers)."""
    if why := why_no_layers(tmp_path):
        pytest.skip(f"the kernel allows no layers here: {why}")
    return Engine(tmp_path / "plain", layered=False), Engine(tmp_path / "layered", layered=True)


@pytest.mark.parametrize("name", SCRIPTS)
def test_changes_are_found_alike(name: str, engines: tuple[Engine, Engine]) -> None:
    plain, layered = engines
    before = layered.content()
    for engine in engines:
        assert engine.run(SCRIPTS[name]) == ""
    assert layered.changed() == plain.changed()
    assert layered.content() == before
    for engine in engines:
        engine.tree.reset()
        assert engine.content() == before
        assert engine.run("true") == ""
        assert engine.changed() == {}


def test_a_second_command_sees_what_the_first_one_wrote(engines: tuple[Engine, Engine]) -> None:
    for engine in engines:
        engine.run("echo out > out; rm a.txt")
        engine.run("test -e out && test ! -e a.txt && cp out seen")
        assert engine.changed().keys() == {"a.txt", "out", "seen"}
        engine.tree.remove("out")
        engine.run("test ! -e out && test -e seen && echo x > alone")
        assert engine.changed().keys() == {"a.txt", "seen", "alone"}
        engine.tree.remove("e/four")
        engine.run("test ! -e e/four && echo x > without")
        assert "without" in engine.changed()
        engine.tree.reset()
        assert "e/four" in engine.content()


def test_layers_are_apart(engines: tuple[Engine, Engine]) -> None:
    _, engine = engines
    engine.run("echo x > one")
    engine.tree.reset()
    engine.run("test ! -e one && echo x > two", name="score-0")
    assert engine.changed().keys() == {"two"}
    engine.tree.reset()
    engine.run("test ! -e one && test ! -e two && echo x > three")
    assert engine.changed().keys() == {"three"}


def test_what_changes_in_the_tree_before_a_prepared_command_begins_is_seen(
    engines: tuple[Engine, Engine],
) -> None:
    _, engine = engines
    tree, commands = engine.tree, SandboxedCommands()
    layer = tree.layers.layer("score-0")
    asked = (
        ["sh", "-c", "cat a.txt d/one"], "d/..", ENVIRONMENT,
        CommandFolder(tree.folder, engine.root, tree_bytes=tree.bytes, layer=layer),
        Bounds(60, 256, 20, 1, 4),
    )  # fmt: skip
    try:
        commands.prepare(*asked)
        (tree.folder / "a.txt").unlink()
        (tree.folder / "a.txt").write_text("new\n")
        (tree.folder / "d/one").write_text("newer\n")
        assert commands.run(*asked).out == "new\nnewer\n"
    finally:
        commands.drop_prepared()


def test_files_are_bounded_in_a_layer_too(engines: tuple[Engine, Engine]) -> None:
    for engine in engines:
        (engine.root / "large").write_bytes(bytes(3 << 20))
        engine.tree.refresh([])
        more = "head -c 3000000 /dev/zero >"
        assert engine.run(f"{more} one; {more} two; sleep 60", file_mb=4) == "file_limit"
        engine.tree.reset()
        assert engine.run(f"{more} one; touch large; sleep 0.5", file_mb=4) == ""


def test_layers_of_an_engine_that_died_are_removed(tmp_path: Path) -> None:
    dead = tmp_path / "tree-layers-999999999" / "mutator" / "changes"
    dead.mkdir(parents=True)
    (dead / "left").write_text("x")
    Tree(tmp_path, tmp_path / "tree", partial(Git, ours=False)).layers.layer("mutator")
    assert [path.name for path in tmp_path.iterdir()] == [f"tree-layers-{os.getpid()}"]


def test_links_that_a_command_left_are_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o755)
    (outside / "kept").write_text("x")
    layers = Tree(tmp_path, tmp_path / "tree", partial(Git, ours=False)).layers
    layer = layers.layer("mutator")
    layers.use("mutator")
    for folder in (layer.changes, layer.scratch):
        (folder / "work").symlink_to(outside)
    layers.clear()
    layers.use("other")
    layers.layer("mutator")
    assert stat.S_IMODE(outside.stat().st_mode) == 0o755
    assert (outside / "kept").read_text() == "x"
    assert not any(layer.changes.iterdir())
