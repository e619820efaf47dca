"""NoiseFloor: run the baseline repeatedly, and compute which effects a trial can detect."""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from prompt_lab.clock import utc_now
from prompt_lab.errors import LabError, StoreError
from prompt_lab.evaluate.noise_floor import FloorRecord, FloorRequest, estimate, floor_of
from prompt_lab.experiments.batches import BatchOrder, batch_for
from prompt_lab.experiments.budget_grant import at_next_alpha
from prompt_lab.experiments.crash import refuse_unmeasurable
from prompt_lab.experiments.estimates import GUESSED, HEAD, characters, row, time
from prompt_lab.experiments.experiment import Experiment
from prompt_lab.experiments.gather import rows_of
from prompt_lab.experiments.looks import missing_runs
from prompt_lab.experiments.needs import Need
from prompt_lab.experiments.preflight import check_version
from prompt_lab.experiments.prepare import train_plans
from prompt_lab.experiments.routed_models import admit_models, log_routes
from prompt_lab.names import Side, Split, count
from prompt_lab.report.noise import render_noise, render_noise_page
from prompt_lab.report.terminal import say
from prompt_lab.store.files import read_if_whole, write_record, write_text
from prompt_lab.store.layout import Lab
from prompt_lab.store.reusable import timings

REPLICATES = 5


def floor_request(experiment: Experiment) -> FloorRequest:
    """The measurement that the options and configs ask for."""
    context = experiment.context
    target = context.target(context.step(experiment.step).target)
    workspace = context.workspace(target.name)
    workspace.check()
    names = experiment.model_names or context.defaults.models
    models = admit_models(context, names, experiment.step, force=experiment.force_model)
    return FloorRequest(
        step=experiment.step,
        commit=workspace.resolve(target.main),
        models=tuple(model.alias for model in models),
        plans=tuple(train_plans(experiment, context.defaults.train_plans)),
        replicates=experiment.replicates or REPLICATES,
    )


def describe_floor_dry_run(experiment: Experiment) -> str:
    """The runs that would be made, and their cost. Writes nothing."""
    with experiment.context.temporary_work_folder():
        return _would_run(experiment)


def _would_run(experiment: Experiment) -> str:
    request, context = floor_request(experiment), experiment.context
    check_version(context, experiment.step, request.commit)
    length = characters(experiment, request.commit, Split.TRAIN, request.plans)
    calls = len(request.plans) * request.replicates
    rows = [
        estimate(
            context.models[alias],
            calls,
            0,
            past=timings(context.lab, alias, experiment.step),
            characters=length,
        )
        for alias in request.models
    ]
    cost, seconds = sum(one.cost_usd for one in rows), sum(one.seconds for one in rows)
    size = f"{count(len(request.plans), 'plan')}, {count(request.replicates, 'run')} of each"
    return "\n".join(
        [
            f"Dry run of the noise floor of step {experiment.step}. Nothing is run or written.",
            f"  baseline   {request.commit[:12]}, on {size}",
            "",
            HEAD,
            *map(row, rows),
            "",
            f"  {count(calls * len(rows), 'call')}, ${cost:.2f}, about {time(seconds)}.",
            *([] if all(one.measured for one in rows) else [GUESSED]),
        ]
    )


def measure_noise_floor(experiment: Experiment) -> Iterator[Need]:
    """Make every run again, since reused runs would add drift to the noise.

    Writes noise_floor/<step>.json, and a page beside it.
    """
    request = floor_request(experiment)
    check_version(experiment.context, experiment.step, request.commit)
    digest = sha256(request.model_dump_json().encode()).hexdigest()[:12]
    sides = {Side.BASELINE: request.commit}
    order = BatchOrder(
        digest, Split.TRAIN, sides, request.models, request.plans, request.replicates
    )
    batch = batch_for(experiment, order, reuse=False)
    if not experiment.skip_runner:
        need = missing_runs(experiment, batch)
        if need.keys:
            names = experiment.model_names or experiment.context.defaults.models
            log_routes(experiment.context, names, experiment.step, force=experiment.force_model)
        yield need
    rows = rows_of(experiment, batch)
    unmade = set(request.models) - {row.record.model for row in rows}
    if unmade:
        raise StoreError(
            f"No run of {', '.join(sorted(unmade))} has been made, so there is nothing to "
            "measure. Leave --skip-runner out."
        )
    refuse_unmeasurable(experiment, batch, rows)
    record = floor_of(rows, request, experiment.context.models, now=utc_now())
    policy = at_next_alpha(experiment.context, experiment.step)
    path = floor_path(experiment.context.lab, experiment.step)
    page = path.with_suffix(".html")
    write_text(page, render_noise_page(record, policy))
    write_record(path, record)
    say(f"{render_noise(record, policy)}\nPage: {page}")


def saved_floor_page(experiment: Experiment) -> str:
    """The measured noise floor with the alpha of the next trial; '' if there is none."""
    record = read_floor(experiment.context.lab, experiment.step)
    if record is None:
        return ""
    return render_noise(record, at_next_alpha(experiment.context, experiment.step))


def is_measured(experiment: Experiment) -> bool:
    """Whether the floor is that of this very baseline, these models and plans, as often as asked.

    False where it cannot be determined: the measurement then raises the reason.
    """
    found = read_floor(experiment.context.lab, experiment.step)
    try:
        return found is not None and found.asked == floor_request(experiment) and found.has_answers
    except LabError:
        return False


def floor_path(lab: Lab, step: str) -> Path:
    """The file with the noise floor of a step."""
    return lab.noise_floor / f"{step}.json"


def read_floor(lab: Lab, step: str) -> FloorRecord | None:
    """The noise floor of a step, or None where it was never measured."""
    return read_if_whole(floor_path(lab, step), FloorRecord)
