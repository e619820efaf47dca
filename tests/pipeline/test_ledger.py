"""Ledger on a lab of another tool: everything is shown, nothing of it is touched."""

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from prompt_lab.store.layout import Lab
from tests.pipeline.terminal import Said, luigi
from tests.pipeline.world import World
from tests.prompt_lab.report.reading import Page
from tests.prompt_lab.store.planexe import other_tool

pytestmark = pytest.mark.slow
MakeWorld = Callable[..., World]


def digests(root: Path) -> dict[str, str]:
    """Every file of a folder with the hash of its bytes."""
    files = sorted(path for path in root.rglob("*") if path.is_file())
    return {str(p.relative_to(root)): sha256(p.read_bytes()).hexdigest() for p in files}


def on(world: World, root: Path, *args: str) -> Said:
    """A command on another lab than the world's."""
    return luigi(world, *args, env={"PROMPTLAB_ROOT": str(root)})


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    return make_world(train=3, verify=3, scout=2)


def test_the_pages_of_another_tool_s_lab(world: World, tmp_path: Path) -> None:
    lab = other_tool.small_lab(tmp_path / "theirs")
    (lab.history / "0/01_find_levers/meta.json").write_text("{")
    lab.index.write_text("<title>Theirs</title>")
    before = digests(lab.root)
    said = on(world, lab.root, "Ledger")
    assert (said.code, said.err) == (0, "")
    assert "3 iterations, 3 of another tool" in said.out
    assert "2 irregular folders (1 analyses, 1 run folders)" in said.out
    assert "index.other.html" in said.out
    after = digests(lab.root)
    assert after["index.other.html"] == before.pop("index.html")
    assert {name: after[name] for name in before} == before
    new = set(after) - set(before)
    pages = {f"pages/{n}_find_levers.html" for n in range(3)}
    assert new == {"index.html", "index.other.html", "irregular.md", *pages}
    index = Page(lab.index.read_text())
    links = [attrs["href"] for attrs in index.find("a")]
    assert all((lab.root / page).exists() and page in links for page in pages)
    assert "https://example.org/o/r/pull/7" in links
    assert all(word in index.text for word in ("YES", "NO", "not recorded", "4 of 4", "Say <more>"))
    assert on(world, lab.root, "Ledger").code == 0
    assert set(digests(lab.root)) == set(after), "our own page is written over"


def test_a_lab_of_ours_gets_its_ledger_as_an_iteration_writes_it(world: World) -> None:
    assert world.iterate()
    written = (world.lab / "index.html").read_text()
    (world.lab / "index.html").unlink()
    said = luigi(world, "Ledger")
    assert "1 iteration, 0 of another tool" in said.out, said.err
    assert (world.lab / "index.html").read_text() == written
    assert not (world.lab / "irregular.md").exists()


def test_no_lab_is_one_message_and_makes_none(world: World, tmp_path: Path) -> None:
    said = on(world, tmp_path / "none", "Ledger")
    assert said.code != 0
    assert "there is no lab" in said.err
    assert "Traceback" not in said.err
    assert not (tmp_path / "none").exists()


def test_iterations_and_run_folders_go_on_from_the_other_tool_s_numbers(world: World) -> None:
    other_tool.run_folder(lab := Lab(world.lab), 199, "small", {"silo": ["x"]})
    other_tool.analysis(lab, 4, [199], "## Verdict: NO")
    assert world.iterate()
    assert (world.folder(5) / "summary.txt").exists()
    assert (world.lab / "history/2").is_dir()
    index = Page((world.lab / "index.html").read_text())
    assert "1 of 1" in index.text, "the other tool's line stands in the same ledger"
