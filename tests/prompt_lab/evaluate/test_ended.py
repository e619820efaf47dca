"""Any two sets of run folders made comparable."""

from pathlib import Path

from prompt_lab.evaluate.answered import by_ended, number_replicates, texts_on_both
from prompt_lab.evaluate.pairs import pairs_of
from prompt_lab.names import Side
from prompt_lab.records import RunRow
from prompt_lab.store.planexe.runs import ENDED, read_batch_of, run_folders
from tests.prompt_lab.store.planexe import other_tool


def _rows(root: Path, numbers: dict[int, Side]) -> list[RunRow]:
    lab = other_tool.small_lab(root)
    other_tool.run_folder(lab, 4, "small", {"silo": ["x"], "game": ["y"]}, keep=False)
    folders = run_folders(lab)
    return [row for n, side in numbers.items() for row in read_batch_of(lab, folders[n], side).rows]


def test_two_folders_of_one_model_are_two_replicates(tmp_path: Path) -> None:
    rows = number_replicates(
        _rows(tmp_path, {0: Side.BASELINE, 2: Side.BASELINE, 4: Side.CANDIDATE})
    )
    assert [row.record.replicate for row in rows] == [0, 0, 1, 1, 0, 0]
    assert len(pairs_of(rows)) == 4


def test_the_only_score_is_whether_it_ended(tmp_path: Path) -> None:
    rows = _rows(tmp_path, {0: Side.BASELINE})
    own = rows[0].record.model_copy(update={"primary": 0.3, "scores": {"fields": 0.3}})
    first, second = by_ended([rows[0].model_copy(update={"record": own}), rows[1]])
    assert (first.record.scores, first.record.primary) == ({ENDED: 1.0}, 1.0)
    assert second.record.primary == 0.0


def test_texts_of_one_side_only_are_left_out(tmp_path: Path) -> None:
    both = _rows(tmp_path / "a", {0: Side.BASELINE, 2: Side.CANDIDATE})
    assert texts_on_both(both) == (both, ())
    one = _rows(tmp_path / "b", {0: Side.BASELINE, 4: Side.CANDIDATE})
    rows, alone = texts_on_both(one)
    assert alone == ("small",)
    assert not any(row.outputs for row in rows)
