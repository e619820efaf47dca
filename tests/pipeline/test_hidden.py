"""What agents must not see, where a lab keeps its plans elsewhere."""

from pathlib import Path

from prompt_lab.experiments.hidden_plans import hidden_of
from prompt_lab.store.layout import Lab


def test_every_place_that_the_links_of_a_lab_lead_to(tmp_path: Path) -> None:
    lab, away = tmp_path / "lab", tmp_path / "away"
    (lab / "baseline/verify/one").mkdir(parents=True)
    for name in ("plans/two", "plans/deep", "history", "whole"):
        (away / name).mkdir(parents=True)
    for name in ("gold.json", "plans/two/in.txt", "plans/deep/x.txt"):
        (away / name).write_text("x")
    (tmp_path / "linked").symlink_to(lab)
    (lab / "history").symlink_to(away / "history")
    (lab / "baseline/train").symlink_to(away / "whole")
    (lab / "baseline/verify/two").symlink_to(away / "plans/two")
    (lab / "baseline/verify/one/gold.json").symlink_to(away / "gold.json")
    (lab / "baseline/verify/one/gone").symlink_to(away / "nowhere")
    (away / "plans/two/x.txt").symlink_to("../deep/x.txt")
    (away / "plans/two/round").symlink_to(lab / "baseline")
    found = hidden_of(Lab(tmp_path / "linked"))
    places = ("history", "whole", "plans/two", "gold.json", "plans/deep/x.txt")
    wanted = {away / place for place in places} | {lab, lab / "baseline"}
    assert set(found) == {path.resolve() for path in wanted}


def test_a_lab_that_is_not_there_yet_is_hidden_all_the_same(tmp_path: Path) -> None:
    assert hidden_of(Lab(tmp_path / "lab")) == ((tmp_path / "lab").resolve(),)
