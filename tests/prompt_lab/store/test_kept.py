"""A file of another tool is kept under another name; ours is written over."""

from pathlib import Path

from prompt_lab.store.kept import keep_other


def test_only_what_is_not_ours_is_kept_and_never_over_another(tmp_path: Path) -> None:
    path = tmp_path / "index.html"
    assert keep_other(path, sign="Lab</title>") is None
    path.write_text("<title>My Lab</title>")
    assert keep_other(path, sign="Lab</title>") is None
    for n in ("", "1"):
        path.write_text(f"theirs {n}")
        kept = keep_other(path, sign="Lab</title>")
        assert kept == tmp_path / f"index.other{n}.html"
        assert kept.read_text() == f"theirs {n}"
    path.mkdir()
    assert keep_other(path, sign="x") == tmp_path / "index.other2.html"
