"""docs/verdicts.md says what the engine does: it is drawn anew and compared."""

import pytest

from prompt_lab.decide.verdict import Code
from tests.tools.draw_verdicts import PAGE, render


def test_every_number_is_the_command_s() -> None:
    for path, text in render().items():
        assert path.read_text("utf-8") == text, "run `python -m tests.tools.draw_verdicts`"


@pytest.mark.parametrize("code", list(Code))
def test_every_reason_is_explained(code: Code) -> None:
    assert f"`{code.value}`" in PAGE.read_text("utf-8")
