"""Files that are read once for each process: never a stale value, never more than the limit."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from prompt_lab.store.file_cache import SETTLED_NS, FileCache

LATER = 10 * SETTLED_NS


class Reads:
    """Reads a file through a cache, and counts how often it was really read."""

    def __init__(self, path: Path, cache: FileCache[str]) -> None:
        self.path, self.cache, self.count = path, cache, 0

    def get(self) -> str:
        return self.cache.get(self.path.name, [str(self.path)], self._read)

    def _read(self) -> str:
        self.count += 1
        return self.path.read_text() if self.path.exists() else "missing"


def settled(path: Path) -> Callable[[], int]:
    """A clock that stands long after the last change of the file."""
    return lambda: (path.stat().st_ctime_ns if path.exists() else 0) + LATER


@pytest.fixture
def reads(tmp_path: Path) -> Reads:
    path = tmp_path / "a.json"
    path.write_text("one")
    return Reads(path, FileCache(1000, settled(path)))


def test_reads_an_unchanged_file_once(reads: Reads) -> None:
    assert [reads.get() for _ in range(3)] == ["one"] * 3
    assert reads.count == 1


def test_sees_a_change_that_keeps_size_and_modification_time(reads: Reads) -> None:
    assert reads.get() == "one"
    before = reads.path.stat()
    reads.path.with_name("b").write_text("two")
    os.utime(reads.path.with_name("b"), ns=(before.st_atime_ns, before.st_mtime_ns))
    reads.path.with_name("b").replace(reads.path)
    assert reads.get() == "two"


def test_sees_a_file_go_and_come_back(reads: Reads) -> None:
    assert reads.get() == "one"
    reads.path.unlink()
    assert reads.get() == "missing"
    reads.path.write_text("new")
    assert reads.get() == "new"


def test_does_not_keep_a_file_that_may_change_again_at_the_same_time(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("one")
    reads = Reads(path, FileCache(1000, lambda: path.stat().st_ctime_ns + SETTLED_NS // 2))
    assert (reads.get(), reads.get(), reads.count) == ("one", "one", 2)


def test_keeps_a_part_of_more_than_its_limit(tmp_path: Path) -> None:
    cache: FileCache[str] = FileCache(100, lambda: 1 << 62)
    files = make_files(tmp_path, "a", cache)
    for _ in range(2):
        assert {one.get() for one in files} == {"x" * 10}
    assert sum(one.count == 1 for one in files) == 10


def test_gives_up_what_is_asked_for_no_more(tmp_path: Path) -> None:
    cache: FileCache[str] = FileCache(100, lambda: 1 << 62)
    old, new = (make_files(tmp_path, name, cache) for name in "ab")
    for one in (*old, *new * 5):
        one.get()
    kept = sum(one.count < 5 for one in new)
    assert kept == 10


def make_files(folder: Path, name: str, cache: FileCache[str]) -> list[Reads]:
    """Forty files of ten bytes."""
    files = [Reads(folder / f"{name}{n}.txt", cache) for n in range(40)]
    for one in files:
        one.path.write_text("x" * 10)
    return files


def test_keeps_nothing_of_a_read_that_failed(reads: Reads) -> None:
    def fail() -> str:
        raise ValueError("damaged")

    with pytest.raises(ValueError, match="damaged"):
        reads.cache.get(reads.path.name, [str(reads.path)], fail)
    assert reads.get() == "one"
