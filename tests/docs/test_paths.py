"""A file of the product that a document names is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAMED = re.compile(r"`((?:pipeline|adapters|prompt_lab|tests|examples|scripts)/[\w./-]+)`")
DOCUMENTS = sorted(
    path.relative_to(ROOT).as_posix()
    for path in [*ROOT.glob("docs/*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_path_that_a_document_names_is_there(document: str) -> None:
    names = NAMED.findall((ROOT / document).read_text("utf-8"))
    assert [name for name in names if not (ROOT / name).exists()] == []


def test_documents_name_paths() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    assert len(NAMED.findall(text)) > 10
