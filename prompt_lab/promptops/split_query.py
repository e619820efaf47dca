"""The intent graph of a query as the service uses it: split only where a trial said YES."""

from prompt_lab.promptops.abilities import AbilitySwitches
from prompt_lab.promptops.decomposition.graph import build_intent_graph, keep_whole
from prompt_lab.promptops.decomposition.records import IntentGraph, QueryLabels


def plan_query(
    switches: AbilitySwitches, task_class: str, query: str, labels: QueryLabels | None = None
) -> IntentGraph:
    """The graph that `answer_by_parts` takes; one node, the query, where the ability is off."""
    if not switches.is_on("decomposition", task_class):
        return keep_whole(query, "ability_off")
    return build_intent_graph(query, labels)
