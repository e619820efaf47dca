"""The mutator of the sample tasks: the next change of a task's proposals.yaml, no chance in it.

`propose.py` takes the change that was tried least often, in the order of the file, and leaves out
those whose text is not there (any more); a crash was no try. `propose.py NAME` takes that one.
"""

import json
import os
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import yaml

HOME = Path(os.environ["PROMPTLAB_TASK_DIR"])
OUT = Path(os.environ["PROMPTLAB_OUT"])


def main(names: list[str]) -> str | None:
    """Change the artifacts; what is wrong, where nothing could be changed."""
    proposals = yaml.safe_load((HOME / "proposals.yaml").read_text("utf-8"))
    known = [one["name"] for one in proposals]
    if set(names) - set(known):
        return f"no proposal is called {names[0]!r}: there are {', '.join(known)}"
    fitting = [one for one in proposals if fits(one) and one["name"] in (names or known)]
    if not fitting:
        return "no proposal fits the artifacts as they are now"
    judged = (row for row in history() if row.get("status") in ("keep", "discard"))
    tried = Counter(str(row["mutation"]).partition(":")[0] for row in judged)
    chosen = min(fitting, key=lambda one: tried[one["name"]])
    for change in chosen["changes"]:
        path = HOME / change["file"]
        path.write_text(path.read_text("utf-8").replace(change["find"], change["put"]), "utf-8")
    told = {"description": f"{chosen['name']}: {chosen['why']}", "cost_usd": 0}
    (OUT / "mutation.json").write_text(json.dumps(told), "utf-8")
    return None


def fits(proposal: dict[str, Any]) -> bool:
    """Whether each text that the proposal replaces is there, once."""
    return all(
        (HOME / change["file"]).read_text("utf-8").count(change["find"]) == 1
        for change in proposal["changes"]
    )


def history() -> list[dict[str, Any]]:
    """The records of earlier attempts."""
    lines = Path(os.environ["PROMPTLAB_HISTORY"]).read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
