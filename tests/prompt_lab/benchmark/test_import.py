"""Tables of results per item, on real ones where they are there, and made ones."""

import csv
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ttest_1samp
from statsmodels.stats.proportion import proportion_confint

from prompt_lab.benchmark.compare_routing import compare_routing, mix_at_cost
from prompt_lab.benchmark.import_results import (
    ImportedSubject,
    import_folder,
    import_subject,
)
from prompt_lab.benchmark.render_import import render_import
from prompt_lab.benchmark.route_by_subject import learn_rules, measure_gain, routing_level
from prompt_lab.errors import StoreError

REAL = Path(__file__).parents[4] / "shared" / "data" / "routing" / "routellm"
real = pytest.mark.skipif(not REAL.exists(), reason="a clone has no real tables beside it")
PRICES = [0.0003, 0.012]


def write(path: Path, columns: dict[str, list[bool]]) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["prompt", *columns])
        for number, row in enumerate(zip(*columns.values(), strict=True)):
            writer.writerow([f"question {number},\nwith a line", *row])
    return path


@pytest.fixture(scope="module")
def subjects() -> list[ImportedSubject]:
    return import_folder(REAL)


@real
def test_the_real_tables_have_the_accuracies_that_one_counts(
    subjects: list[ImportedSubject],
) -> None:
    assert len([one for one in subjects if one.name.startswith("mmlu_")]) >= 51
    assert all(one.is_valid for one in subjects)
    gsm = next(one for one in subjects if one.name == "gsm8k")
    with (REAL / "gsm8k_responses.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in gsm.results:
        passed = sum(one[row.model] == "True" for one in rows)
        low, high = proportion_confint(passed, len(rows), 0.05, method="beta")
        assert row.passed == passed
        assert [row.low, row.high] == pytest.approx([low, high])


@real
@pytest.mark.slow
def test_routing_over_50_halves_gains_no_more_than_its_interval_says(
    subjects: list[ImportedSubject],
) -> None:
    """A rule that the engine did not say YES to would show as a loss on the other half."""
    level = routing_level(len(subjects))
    gain = measure_gain(subjects, PRICES, level, rng=np.random.default_rng(1), splits=50)
    assert gain.accuracy.low <= 0 <= gain.accuracy.high
    assert abs(gain.accuracy.value) < 0.001
    assert 0 <= gain.rules < 2
    everything = {one.name: np.arange(len(one.items)) for one in subjects}
    best, rules = learn_rules(subjects, everything, PRICES, level)
    assert subjects[0].models[best].startswith("gpt-4")
    by_name = {one.name: one for one in subjects}
    for rule in rules:  # an independent t-test of the loss against the margin
        correct = by_name[rule.subject].correct
        losses = correct[:, rule.model] - correct[:, best] + 0.05
        assert ttest_1samp(losses, 0, alternative="greater").pvalue <= 0.05 / len(subjects)


@real
def test_a_permuted_column_is_invalid_and_gives_no_rule(
    subjects: list[ImportedSubject], tmp_path: Path
) -> None:
    """The options A to D are moved on by one in one model's answers: none that was right still is,
    and of the wrong ones a third becomes right."""
    rng, name = np.random.default_rng(6), "mmlu_high_school_psychology"
    with (REAL / f"{name}.csv").open(newline="") as file:
        head, *body = csv.reader(file)
    for row in body:
        row[1] = str(row[1] != "True" and rng.random() < 1 / 3)
    with (tmp_path / f"{name}.csv").open("w", newline="") as file:
        csv.writer(file).writerows([head, *body])
    permuted = import_subject(tmp_path / f"{name}.csv")
    assert [row.validity for row in permuted.results] == ["INVALID", "VALID"]
    assert "below chance" in permuted.results[0].reasons[0]
    mixed = [permuted if one.name == name else one for one in subjects]
    everything = {one.name: np.arange(len(one.items)) for one in mixed}
    _, rules = learn_rules(mixed, everything, PRICES, routing_level(len(mixed)))
    assert name not in {rule.subject for rule in rules}
    shown = render_import([permuted], "", splits=1, rng=rng)
    assert "INVALID" in shown
    assert "there is nothing to route by" in shown


def test_a_subject_that_the_cheap_model_does_as_well_gets_a_rule(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    easy = [True] * 300
    hard = (rng.random(300) < 0.4).tolist()
    write(tmp_path / "easy.csv", {"cheap": easy, "strong": easy})
    write(tmp_path / "hard.csv", {"cheap": hard, "strong": easy})
    subjects = import_folder(tmp_path)
    halves = {one.name: np.arange(300) for one in subjects}
    best, rules = learn_rules(subjects, halves, PRICES, routing_level(2))
    assert best == 1
    assert [(rule.subject, rule.model) for rule in rules] == [("easy", 0)]
    gain = measure_gain(subjects, PRICES, routing_level(2), rng=rng, splits=10)
    assert gain.accuracy.value == 0
    assert 0.45 < gain.saved.value < 0.5


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "the columns must be"),
        ("question,a,b\nx,True,True\n", "the columns must be"),
        ("prompt,a,b\nx,True\n", ":2: has 2 of 3 columns"),
        ("prompt,a,b\nx,True,maybe\n", "give True or False"),
        ("prompt,a,b\n", "holds no item"),
    ],
)
def test_a_bad_table_is_named_with_its_line(tmp_path: Path, text: str, fault: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(text)
    with pytest.raises(StoreError, match=fault):
        import_subject(path)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_table_or_one_error(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    path = tmp_path_factory.mktemp("any") / "t.csv"
    path.write_bytes(b"prompt,a,b\n" + data)
    with suppress(StoreError):
        assert import_subject(path).items


def test_the_oracle_is_at_least_as_good_as_any_table() -> None:
    rng = np.random.default_rng(4)
    correct = (rng.random((200, 2)) < [0.6, 0.8]).astype(float)
    costs = np.tile(np.array(PRICES), (200, 1))
    rows = compare_routing(correct, costs, rng.integers(0, 2, 200), rng=rng)
    table, single, mix, oracle = rows
    assert oracle.accuracy.value >= max(table.accuracy.value, single.accuracy.value)
    assert mix.cost.value == pytest.approx(table.cost.value)
    assert table.accuracy.low < table.accuracy.value < table.accuracy.high


def test_the_mix_spends_the_budget_on_the_better_model() -> None:
    weights = mix_at_cost(np.array([0.5, 0.9]), np.array([1.0, 3.0]), 2.0)
    assert weights.tolist() == [0.5, 0.5]
