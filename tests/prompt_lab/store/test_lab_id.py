"""The id of a lab, and locks between processes."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from prompt_lab.store.lab_id import _lab_id, lab_id, lab_label
from prompt_lab.store.layout import Lab
from prompt_lab.store.work_locks import WorkLocks


def read_anew(lab: Lab) -> str:
    """As another process reads it."""
    _lab_id.cache_clear()
    return lab_id(lab)


def in_fork(check: Callable[[], bool]) -> bool:
    """What a check finds in another process."""
    child = os.fork()
    if child == 0:
        code = 2
        try:
            code = 0 if check() else 1
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_lab_keeps_its_id_where_it_is_moved_and_a_copy_has_another(tmp_path: Path) -> None:
    made = read_anew(Lab(tmp_path / "lab"))
    assert (len(made), read_anew(Lab(tmp_path / "lab"))) == (12, made)
    shutil.copytree(tmp_path / "lab", tmp_path / "copy")
    copied = read_anew(Lab(tmp_path / "copy"))
    assert copied != made
    assert read_anew(Lab(tmp_path / "copy")) == copied
    (tmp_path / "lab").rename(tmp_path / "moved")
    assert read_anew(Lab(tmp_path / "moved")) == made


def test_a_label_names_the_lab_as_every_machine_sees_it(tmp_path: Path) -> None:
    made = read_anew(Lab(tmp_path / "my shop" / "lab"))
    label = lab_label(Lab(tmp_path / "my shop" / "lab"))
    assert label == f"my_shop/lab {made}"
    (tmp_path / "my shop").rename(tmp_path / "mounted")
    assert read_anew(Lab(tmp_path / "mounted" / "lab")) == made
    assert lab_label(Lab(tmp_path / "mounted" / "lab")) == label


def test_a_half_written_id_is_written_again(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    lab.work.mkdir()
    (lab.work / ".lab-id.json").write_text('{"id": "ab')
    made = read_anew(lab)
    assert (len(made), read_anew(lab)) == (12, made)


def test_a_piece_of_work_is_held_by_one_process_until_it_ends(tmp_path: Path) -> None:
    locks = WorkLocks(Lab(tmp_path), "runs")

    def is_free(piece: int) -> bool:
        with locks.try_to_hold(piece) as held:
            return held

    def end_while_holding() -> bool:
        with locks.try_to_hold(4) as held:
            os._exit(0 if held else 1)

    with locks.try_to_hold(3) as held:
        assert held
        assert not in_fork(lambda: is_free(3))
        assert in_fork(lambda: is_free(4))
    assert in_fork(lambda: is_free(3))
    assert in_fork(end_while_holding)
    with locks.hold(4) as held:
        assert held
