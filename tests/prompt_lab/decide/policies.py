"""The shipped policies, as a lab loads them."""

from pathlib import Path

import yaml

from prompt_lab.decide.ledger import grant
from prompt_lab.decide.verdict import Policy

FOLDER = Path(__file__).parents[3] / "configs" / "policies"
NAMES = ("strict", "no-harm", "simpler", "cheaper")


def shipped(name: str, *, granted: bool = True) -> Policy:
    """The policy of this name; at the alpha that its ledger grants each confirmation."""
    policy = Policy.model_validate(yaml.safe_load((FOLDER / f"{name}.yaml").read_text()))
    return policy.at_alpha(grant([], policy).alpha) if granted else policy
