"""What the gateway keeps of one run's calls until its owner has read them."""

from adapters.gateway.accounting import MOST_KEPT_BYTES, TokenRun
from adapters.gateway.records import CallRecord, RunId
from prompt_lab.names import Side


def test_6_what_a_run_keeps_of_its_calls_is_bounded_and_counts_all() -> None:
    run = TokenRun(RunId(models=("m",), plan="p", side=Side.BASELINE, replicate=0))
    size = MOST_KEPT_BYTES // 3
    for _ in range(6):
        number = run.begin()
        record = CallRecord(
            run=run.id, number=number, dialect="chat", key="k", begun="", output_tokens=3,
            request={"q": "x" * size}, answer="y",
        )  # fmt: skip
        run.end(record, record.model_dump_json().encode())
    kept = [CallRecord.model_validate_json(line) for line in run.lines]
    assert [bool(call.request) for call in kept] == [True, True, False, False, False, False]
    assert sum(map(len, run.lines)) < MOST_KEPT_BYTES
    assert (run.usage().calls, run.usage().output_tokens, run.open) == (6, 18, 0)
