"""Detectors of other packages by entry points: that of docs/extending.md, and broken ones."""

import re
from pathlib import Path

import pytest

from prompt_lab.errors import ConfigError
from tests.prompt_lab.production.made_traces import find_one, make_trace, names, review

PAGE = Path(__file__).parents[3] / "docs/extending.md"


def install(folder: Path, module: str, text: str, target: str) -> None:
    """Leave a package with one detector in the folder, as an installer would."""
    info = folder / f"{module}-1.0.dist-info"
    info.mkdir()
    (folder / f"{module}.py").write_text(text)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[prompt_lab.detectors]\napologies = {target}\n")


def test_the_detector_of_the_page_takes_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [text] = [
        block
        for block in re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
        if "class Apologies" in block
    ]
    install(tmp_path, "shop_detectors", text, "shop_detectors:Apologies")
    traces = [make_trace(at, final="Sorry, no." if at < 15 else "Yes.") for at in range(40)]
    assert names(review(traces)) == set()
    monkeypatch.syspath_prepend(str(tmp_path))
    finding = find_one(review(traces), "apologies")
    assert finding.title == "15 answers of 40 apologise"
    assert names(review(traces[15:])) == set()


@pytest.mark.parametrize("target", ["no_such_module:X", "broken_detectors:Missing"])
def test_one_that_cannot_be_imported_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str
) -> None:
    install(tmp_path, "broken_detectors", "", target)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ConfigError, match=f"detector 'apologies' \\({target}\\)"):
        review([])
