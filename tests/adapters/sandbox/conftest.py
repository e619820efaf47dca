"""A folder to work in, and a lab beside it."""

from pathlib import Path

import pytest


@pytest.fixture
def places(tmp_path: Path) -> tuple[Path, Path]:
    """(a folder to work in, a lab that must not be seen)."""
    box, lab = tmp_path / "box", tmp_path / "lab"
    box.mkdir()
    (lab / "verify").mkdir(parents=True)
    (lab / "verify/gold.txt").write_text("12.50")
    return box, lab
