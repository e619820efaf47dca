from pathlib import Path

import pytest

from prompt_lab.errors import StoreError
from prompt_lab.store.agents import AgentRecord, keep_work, works

RECORD = AgentRecord(
    agent="a", kind="scripted", model="", task="implement", started="2026-01-02T00:00:00Z",
    ending="done", prompt_sha256="", seconds=1, cost_usd=0.5, input_tokens=0, output_tokens=0,
)  # fmt: skip


def test_works_are_read_in_the_order_in_which_they_began(tmp_path: Path) -> None:
    later = RECORD.model_copy(update={"task": "code", "started": "2026-01-03T00:00:00Z"})
    keep_work(tmp_path, later, "said")
    keep_work(tmp_path, RECORD, "")
    keep_work(tmp_path, RECORD, "")
    assert [work.task for work in works(tmp_path)] == ["implement", "implement", "code"]
    assert works(tmp_path)[2].transcript == "agent_code_a_1.transcript.txt"
    assert works(tmp_path / "none") == ()


def test_a_damaged_record_is_left_out_or_named(tmp_path: Path) -> None:
    keep_work(tmp_path, RECORD, "")
    keep_work(tmp_path, RECORD, "").write_text("{")
    assert len(works(tmp_path)) == 1
    with pytest.raises(StoreError, match=r"agent_implement_a_2\.json.*Mend it"):
        works(tmp_path, lambda path: "Mend it")
