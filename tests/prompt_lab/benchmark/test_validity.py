"""When a benchmark is INVALID, and when a 0 is a valid 0."""

from prompt_lab.benchmark.records import BenchmarkResults, ModelPhaseResult
from prompt_lab.benchmark.validity import check_validity, suite_changed
from tests.prompt_lab.benchmark.rows import benchmark, summarize


def check(
    *rows: ModelPhaseResult,
    chance: float | None = None,
    gold: tuple[str, ...] = (),
    ids: dict[str, str] | None = None,
    history: tuple[BenchmarkResults, ...] = (),
) -> tuple[ModelPhaseResult, ...]:
    return check_validity(
        rows,
        chance=chance,
        missing_gold=gold,
        model_ids=ids or {},
        history=history,
        suite_sha256="sha",
    )


def failing(model: str = "m") -> ModelPhaseResult:
    return summarize({f"p{n}": "F" for n in range(20)}, model)


def test_below_chance_is_invalid_and_at_chance_is_not() -> None:
    [row] = check(failing(), chance=0.25)
    assert row.validity == "INVALID"
    assert "below chance" in row.reasons[0]
    at = summarize({f"p{n}": "P" if n % 4 == 0 else "F" for n in range(20)})
    assert check(at, chance=0.25)[0].validity == "VALID"


def test_a_suite_that_changes_while_it_runs_is_invalid() -> None:
    [row] = check_validity(
        [summarize({"p": "P"})],
        chance=None,
        missing_gold=(),
        model_ids={},
        suite_sha256="now",
        begun_sha256="before",
    )
    assert (row.validity, "changed while it ran" in row.reasons[0]) == ("INVALID", True)


def test_a_benchmark_of_which_no_run_counts_is_invalid() -> None:
    [row] = check(ModelPhaseResult(model="m", phase="extended"))
    assert (row.validity, "no run counts" in row.reasons[0]) == ("INVALID", True)


def test_missing_gold_is_invalid() -> None:
    [row] = check(summarize({"p": "P"}), gold=("p",))
    assert (row.validity, "gold is missing for p" in row.reasons[0]) == ("INVALID", True)


def test_a_substituted_model_is_invalid() -> None:
    row = summarize({"p": "P"})
    assert check(row, ids={"m": "id"})[0].validity == "VALID"
    assert "answered with id" in check(row, ids={"m": "wanted"})[0].reasons[0]


def test_a_model_without_a_usable_answer_beside_one_that_passes_has_a_valid_0() -> None:
    mute = failing("mute").model_copy(update={"valid_answers": 0})
    passes = summarize({f"p{n}": "P" for n in range(20)}, "good")
    alone = check(mute)[0]
    assert (alone.validity, "no model passes" in alone.reasons[0]) == ("INVALID", True)
    beside, _ = check(mute, passes, chance=0.25)
    assert (beside.validity, beside.accuracy) == ("VALID", 0.0)


def test_a_collapsed_parse_rate_is_invalid_by_the_models_own_history() -> None:
    past = benchmark(1, failing())
    mute = failing().model_copy(update={"valid_answers": 2})
    [row] = check(mute, history=(past,))
    assert "fell from 100% to 10%" in row.reasons[0]
    assert check(mute.model_copy(update={"valid_answers": 17}), history=(past,))[0].reasons == ()


def test_a_changed_suite_cannot_be_compared() -> None:
    row = summarize({"p": "P"})
    assert suite_changed(benchmark(1, row), benchmark(2, row)) is None
    assert "changed between benchmark 1 and 2" in str(
        suite_changed(benchmark(1, row), benchmark(2, row, sha="other"))
    )


def test_a_part_of_a_suite_that_some_model_passes_gives_a_valid_0() -> None:
    unusable = summarize({"p0": "F"}).model_copy(update={"valid_answers": 0})
    passing = benchmark(1, summarize({"p0": "P", "p1": "P"}, model="other"), sha="whole")

    def checked(whole: str) -> str:
        [row] = check_validity(
            [unusable],
            chance=None,
            missing_gold=(),
            model_ids={},
            history=[passing],
            suite_sha256="part",
            whole_sha256=whole,
        )
        return row.validity

    assert (checked(""), checked("whole")) == ("INVALID", "VALID")
