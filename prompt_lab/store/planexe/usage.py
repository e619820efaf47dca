"""What the calls of another tool's run took, by the log that counts each call once."""

from pathlib import Path
from typing import Any

from prompt_lab.records import Usage
from prompt_lab.store.planexe.lenient import Faults, count, number, read_object, read_objects

LOG = "usage_metrics.jsonl"
OVERVIEW = "activity_overview.json"
OVERCOUNTED = f"{OVERVIEW} counts more calls than {LOG} lists, those of other plans among them"


def usage_of(out: Path, succeeded: object, faults: Faults) -> Usage:
    """Calls, tokens and dollars of one plan; 0 where nothing was recorded.

    The log has a row of the client, with tokens, and one of the caller, without, for the same call.
    The overview gathers what a whole process did while the plan ran, other plans' calls included:
    it is read only where the log has no tokens.
    """
    log = read_objects(out / LOG, _ignored(out / LOG, faults), name=f"outputs/{out.name}/{LOG}")
    told = [row for row in log if "input_tokens" in row or "output_tokens" in row]
    calls = max(len(told), len(log) - len(told))
    overview = out / OVERVIEW
    seen = _Overview(
        read_object(overview, _ignored(overview, faults), name=f"outputs/{out.name}/{OVERVIEW}")
    )
    if log and seen.calls > calls:
        faults.append(OVERCOUNTED)
    if told or not seen.calls:
        return Usage(
            calls=calls,
            calls_succeeded=count(succeeded),
            input_tokens=sum(count(row.get("input_tokens")) for row in told),
            output_tokens=sum(count(row.get("output_tokens")) for row in told),
            cost_usd=sum(number(row.get("cost_usd")) for row in told),
        )
    return Usage(
        calls=calls or seen.calls,
        calls_succeeded=count(succeeded),
        input_tokens=seen.input_tokens,
        output_tokens=seen.output_tokens,
        cost_usd=seen.cost_usd,
    )


class _Overview:
    """activity_overview.json, as far as it holds numbers."""

    def __init__(self, seen: dict[str, Any]) -> None:
        models = seen.get("models")
        rows = (
            [m for m in models.values() if isinstance(m, dict)] if isinstance(models, dict) else ()
        )
        self.calls = sum(count(row.get("calls")) for row in rows)
        self.input_tokens = count(seen.get("total_input_tokens"))
        self.output_tokens = count(seen.get("total_output_tokens"))
        self.cost_usd = number(seen.get("total_cost"))


def _ignored(path: Path, faults: Faults) -> Faults:
    """A file that is not there is no fault: most runs have only one of the two."""
    try:
        return faults if path.exists() else []
    except (OSError, ValueError):
        return []
