"""Run an agent on a private copy, and record what it did."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from prompt_lab.agents.port import AgentJob, AgentResult, Ending
from prompt_lab.agents.refusals import Fault, redact_for_publication
from prompt_lab.agents.requests import believed
from prompt_lab.clock import utc_now
from prompt_lab.config.agents import AgentConfig
from prompt_lab.errors import ConfigError, ModelUnavailable, UnknownName
from prompt_lab.experiments.agent_access import agent, agent_config, secrets
from prompt_lab.experiments.experiment import Experiment
from prompt_lab.experiments.flags import METRICS
from prompt_lab.experiments.gather import texts
from prompt_lab.experiments.hidden_plans import hidden_of
from prompt_lab.experiments.routed_calls import prepare_text
from prompt_lab.names import Split
from prompt_lab.ports import Answer
from prompt_lab.records import PlanText
from prompt_lab.redact import Redactor
from prompt_lab.store.agents import AgentRecord, keep_work, works
from prompt_lab.store.files import read_if_whole
from prompt_lab.store.iterations import IterationMeta, read_meta

READ_BYTES = 2_000_000
"""The most characters of a copy that are compared with what an agent writes."""


@dataclass(frozen=True)
class AgentFolders:
    """Where an agent works: `tree` is what it reads or edits, `home` is its own."""

    tree: Path
    home: Path


@dataclass(frozen=True)
class Work:
    """One task of an agent: the request and the result."""

    config: AgentConfig
    task: str
    prompt: str
    started: str
    result: AgentResult


@contextmanager
def agent_folders() -> Iterator[AgentFolders]:
    """A temporary folder outside the lab, deleted when the block ends."""
    with TemporaryDirectory(prefix="prompt-lab-agent-", ignore_cleanup_errors=True) as folder:
        box = AgentFolders(Path(folder).resolve() / "tree", Path(folder).resolve() / "home")
        box.home.mkdir()
        yield box


def put_to_work(
    experiment: Experiment,
    config: AgentConfig,
    task: str,
    prompt: str,
    box: AgentFolders,
    *,
    writes: bool,
) -> Work:
    """Run an agent in such a folder, with what is registered for its route before the prompt.

    The lab, all targets of its links, and the target are hidden.
    """
    meta = read_meta(experiment.context.lab, experiment.number, experiment.step)
    repository = experiment.context.repository(experiment.context.target(meta.target))
    configs = experiment.context.files.existing()
    hidden = (*hidden_of(experiment.context.lab), repository, *configs)
    started = utc_now()
    routes, route = experiment.context.prompt_routes, "proposer" if writes else "analyst"
    prepared = prepare_text(routes, route, prompt, model=config.model or config.kind)
    job = AgentJob(prepared.user, box.tree, box.home, hidden, writes)
    done = agent(experiment.context, config).work(job)
    if routes is not None:
        is_done = done.ending is Ending.DONE
        answer = Answer(done.text, done.input_tokens, done.output_tokens, done.seconds)
        error = "" if is_done else done.ending.value
        routes.record(
            prepared.trace, answer if is_done else None, seconds=done.seconds, error=error
        )
    return Work(config, task, prepared.user, started, believed(done, config.cost_usd))


def keep(experiment: Experiment, work: Work, faults: Sequence[Fault], *, withheld: bool) -> Path:
    """Write the record and, unless it is withheld, the transcript, both without keys."""
    redactor, result = redactor_of(experiment), work.result
    record = AgentRecord(
        agent=work.config.name,
        kind=work.config.kind,
        model=work.config.model,
        task=work.task,
        started=work.started,
        ending=result.ending.value,
        message=redact_for_publication(result.message, redactor),
        refused={fault.code: redact_for_publication(fault.text, redactor) for fault in faults},
        prompt_sha256=sha256(work.prompt.encode()).hexdigest(),
        seconds=round(result.seconds, 3),
        cost_usd=result.cost_usd,
        input_tokens=result.input_tokens,
        output_tokens=result.output_tokens,
        unbound=result.unbound,
    )
    return keep_work(
        experiment.folder,
        record,
        "" if withheld else redact_for_publication(result.transcript, redactor),
    )


def redactor_of(experiment: Experiment) -> Redactor:
    """A redactor that knows every key of this process."""
    return Redactor(secrets(experiment.context))


def plan_texts(experiment: Experiment, meta: IterationMeta, split: Split) -> list[PlanText]:
    """All plans of an iteration; verify plans only for checking that no agent has read them."""
    return list(texts(experiment, meta.plans[split], split=split).values())


def text_of(tree: Path) -> str:
    """All text of a copy, up to a limit."""
    found, left = [], READ_BYTES
    for path in sorted(tree.rglob("*")):
        if left > 0 and path.is_file() and not path.is_symlink() and ".git" not in path.parts:
            found.append(path.read_bytes()[:left].decode("utf-8", "replace"))
            left -= len(found[-1])
    return "\n".join(found)


def template_of(experiment: Experiment, name: str) -> str:
    """A template of configs/prompts. Raises ConfigError where it cannot be read."""
    path = experiment.context.files.prompt(name)
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            [f"{path}: cannot be read ({unread(error)}); agents get their task from it"]
        ) from error


def unread(error: OSError | UnicodeDecodeError) -> str:
    """Why a file could not be read, without error number and file name."""
    if isinstance(error, UnicodeDecodeError):
        return f"it is not UTF-8 text, byte {error.start}"
    return error.strerror or type(error).__name__


def ready(experiment: Experiment, name: str) -> AgentConfig:
    """The agent that is to implement. Raises ModelUnavailable where it cannot be used."""
    config = agent_config(experiment.context, name)
    why = agent(experiment.context, config).check()
    if why:
        raise ModelUnavailable(f"Agent {name!r} cannot be used: {why}. Fix that, or name another.")
    if not config.paths:
        place = experiment.context.files.place("agents", name)
        raise ConfigError([f"{place}: paths: name what agent {name!r} may change"])
    return config


def agent_of(experiment: Experiment) -> str:
    """The agent that implements, from meta.json or the options; '' for a strategy."""
    meta = _read_prepared_meta(experiment)
    return meta.agent if meta else experiment.agent or experiment.context.defaults.agent


def analysts_of(experiment: Experiment) -> tuple[str, ...]:
    """The analysts of the results; `metrics` is always one of them."""
    meta = _read_prepared_meta(experiment)
    asked = (
        meta.analysts if meta else experiment.analyst_names or experiment.context.defaults.analysts
    )
    return tuple(dict.fromkeys((METRICS, *asked)))


def most_cost(experiment: Experiment, meta: IterationMeta) -> float:
    """US dollars that the agents of an iteration may still spend, and have spent so far."""
    implements = (
        [meta.agent] if meta.agent and not (experiment.folder / "change.json").exists() else []
    )
    looks = [name for name in meta.analysts if experiment.context.analyst(name) is None]
    ahead = 0.0
    for name, answers in (*((name, 1) for name in implements), *((name, 2) for name in looks * 2)):
        with suppress(UnknownName):  # one that no longer exists is not asked
            ahead += _most_of_task(experiment, name, answers)
    return ahead + sum(work.cost_usd for work in works(experiment.folder))


def _most_of_task(experiment: Experiment, name: str, answers: int) -> float:
    """The most US dollars that a task with so many answers can cost.

    A command is ended at its limit, which applies to all answers together. A call cannot be ended.
    """
    config = agent_config(experiment.context, name, "analyst")
    if config.kind not in ("api", "scripted"):
        return config.cost_usd
    if (
        config.kind == "api"
        and (config.price or experiment.context.select_models([config.model])[0]).is_free
    ):
        return 0.0
    return config.cost_usd * answers


def _read_prepared_meta(experiment: Experiment) -> IterationMeta | None:
    return read_if_whole(experiment.folder / "meta.json", IterationMeta)
