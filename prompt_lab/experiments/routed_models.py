"""The models of a command after routing."""

from collections.abc import Sequence

from prompt_lab.config.models import ModelConfig
from prompt_lab.errors import ModelUnavailable
from prompt_lab.experiments.context import LabContext
from prompt_lab.report.terminal import say


def admit_models(
    ctx: LabContext, names: Sequence[str], step: str, *, flag: str = "--models", force: bool = False
) -> list[ModelConfig]:
    """The models that run a step in place of those named, each once, by the routing table.

    Decides only when something is begun: a trial keeps its models. Raises ModelUnavailable with all
    reasons if routing keeps a model away and no fallback may do it, or the step cannot use one.
    """
    if ctx.router is None:
        return ctx.choose_models(names, step, flag)
    asked = ctx.select_models(names)
    routes = [ctx.router.route(model.alias, step, force=force) for model in asked]
    blocked = [
        f"  {model.alias}: {route.message}"
        for model, route in zip(asked, routes, strict=True)
        if not route.model
    ]
    if blocked:
        raise ModelUnavailable(
            f"Nothing was run, since routing keeps models from step {step!r}:\n"
            + "\n".join(blocked)
            + f"\nName other models with {flag}, or add --force-model to run these all the same."
        )
    return ctx.choose_models([route.model for route in routes], step, flag)


def log_routes(ctx: LabContext, names: Sequence[str], step: str, *, force: bool = False) -> None:
    """Print and log what routing decided about these models; nothing where no rule names them."""
    if ctx.router is None:
        return
    for model in ctx.select_models(names):
        route = ctx.router.route(model.alias, step, force=force)
        if route.message:
            say(route.message)
        ctx.router.log_route(model.alias, step, force=force)
