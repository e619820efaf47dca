from prompt_lab.analyze.model import Metrics, ModelStats, ScoreCell
from prompt_lab.report.axis import Effect, axis, bars, tone
from prompt_lab.report.grid import grid


def test_a_scale_always_holds_zero_and_every_end() -> None:
    for effect in (Effect("a", 0.2, 0.1, 0.3), Effect("b", -0.9, -1.0, 1.0), Effect("c", 0, 0, 0)):
        scale, (bar,) = bars([effect])
        assert 0 <= scale.zero <= 100
        assert 2 <= len(scale.ticks) <= 6
        assert "0" in [tick.label for tick in scale.ticks]
        places = [place for place in (bar.low, bar.value, bar.high) if place is not None]
        assert places == sorted(places)


def test_a_scale_without_effects_is_drawn() -> None:
    assert axis([]).zero == 50.0
    assert axis([Effect("m", None, None, None)]).bar(Effect("m", None, None, None)).value is None


def test_only_an_interval_beside_zero_is_coloured() -> None:
    assert tone(Effect("m", 0.1, 0.01, 0.2)) == "better"
    assert tone(Effect("m", -0.1, -0.2, -0.01)) == "worse"
    assert tone(Effect("m", 0.1, -0.01, 0.2)) == "open"
    assert tone(Effect("m", 0.1, None, None)) == "open"


def test_the_grid_goes_from_gain_to_loss_and_marks_holes() -> None:
    cells = (
        ScoreCell(model="m", plan="loss", baseline=1.0, candidate=0.0, n_baseline=1, n_candidate=1),
        ScoreCell(model="m", plan="gain", baseline=0.0, candidate=1.0, n_baseline=1, n_candidate=1),
        ScoreCell(model="other", plan="gain", baseline=0.5, n_baseline=1),
    )
    metrics = Metrics(
        primary="p",
        plans=("loss", "gain", "unread"),
        replicates=1,
        totals=ModelStats(model=""),
        models=(),
        cells=cells,
    )
    found = grid(metrics, {("m", "gain"): "#flip-1"})
    assert found.plans == ("gain", "unread", "loss")
    assert [square.shade for square in found.rows[0].squares] == ["p4", "none", "n4"]
    assert [square.shade for square in found.rows[1].squares] == ["one", "none", "none"]
    assert found.rows[0].squares[0].link == "#flip-1"
    assert found.mean.squares[0].text == "+100.0"
