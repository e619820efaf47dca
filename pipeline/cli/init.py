"""`prompt-lab init`: a project of one's own prompt and examples, or of a sample."""

import re
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.settings import PACKAGE, default_configs, shipped_folder
from pipeline.wiring import load_adapter, project_context
from prompt_lab.config.base import address, load_folder
from prompt_lab.config.models import ModelConfig
from prompt_lab.errors import LabError, UsageError
from prompt_lab.experiments.check_model import check_model
from prompt_lab.experiments.context import LabContext
from prompt_lab.experiments.dry_run import describe_first_iteration
from prompt_lab.experiments.example_lab import make_example_lab
from prompt_lab.experiments.experiment import Experiment
from prompt_lab.experiments.import_plans import import_plans, render_import
from prompt_lab.experiments.look_around import FoundFiles, look_around
from prompt_lab.experiments.new_project import PromptPlace, find_place, write_project
from prompt_lab.experiments.project import PROJECT_FILE
from prompt_lab.experiments.project_choice import (
    SCORES,
    ProjectChoice,
    choose_model,
    choose_project,
    describe_choice,
)
from prompt_lab.report.terminal import say
from prompt_lab.store.files import disk_errors, write_text
from prompt_lab.store.iteration_numbers import resolve_number

SAMPLE = "invoices"
SETTINGS = "luigi.cfg"
BY_KEY = {
    "OPENAI_API_KEY": "openai/gpt-4o-mini",
    "ANTHROPIC_API_KEY": "anthropic/claude-haiku-4-5",
    "OPENROUTER_API_KEY": "openrouter/openai/gpt-4o-mini",
}
"""Name of a key -> the model that is proposed."""
_LUIGID_HINT = (
    "# No luigid is needed. With one: LUIGI_CONFIG_PATH=configs/luigid.cfg, see `make scheduler`.\n"
)
_OF_THE_CHECKOUT = re.compile(r"^\[lab\]\n(?:.*\n)*?\n|^logging_conf_file.*\n", re.MULTILINE)
"""Of the shipped luigi.cfg: the section [lab], and a path that only the checkout has."""


@dataclass(frozen=True)
class InitOptions:
    """What the command line names of a project of one's own; '' and () are left to choose."""

    prompt: str
    data: str
    model: str
    base_url: str
    key_env: str
    price: str
    inputs: Mapping[str, str]
    gold: tuple[str, ...]
    score: str
    schema: str

    @property
    def is_given(self) -> bool:
        """Whether the command names anything of one's own."""
        return any(vars(self).values())


def init(  # noqa: PLR0913 -- each is an option of the command
    folder: Annotated[Path, typer.Argument(help="the project's folder")] = Path(),
    *,
    prompt: Annotated[str, typer.Option(help="file of the prompt")] = "",
    data: Annotated[str, typer.Option(help="table of examples: .csv, .tsv, .json, .jsonl")] = "",
    model: Annotated[str, typer.Option(help="openai/gpt-4o-mini, or the alias of a model")] = "",
    base_url: Annotated[str, typer.Option(help="address of a server with OpenAI's API")] = "",
    key_env: Annotated[str, typer.Option(help="name of the variable that holds the key")] = "",
    price: Annotated[str, typer.Option(help="IN,OUT: dollars per million tokens")] = "",
    inputs: Annotated[
        list[str] | None, typer.Option("--input", help="NAME=COLUMN, for a placeholder")
    ] = None,
    gold: Annotated[list[str] | None, typer.Option(help="a column of the right answer")] = None,
    score: Annotated[str, typer.Option(help=f"how a text is scored: {', '.join(SCORES)}")] = "",
    schema: Annotated[str, typer.Option(help="JSON schema of the answer")] = "",
    seed: Annotated[int, typer.Option(help="decides which examples are train")] = 0,
    check_key: Annotated[
        bool | None, typer.Option("--check-key/--no-check-key", help="make one small call")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="take what is proposed; ask nothing")] = False,
    sample: Annotated[
        bool | None, typer.Option("--sample/--no-sample", help="a sample, or an empty lab")
    ] = None,
) -> None:
    """Write a project of your own prompt and examples, or of a sample: files, settings and plans.

    It looks around for a prompt and a table of examples, and proposes what the flags leave open.
    Overwrites nothing.
    """
    given = InitOptions(
        prompt, data, model, base_url, key_env, price,
        parse_pairs("--input", inputs or ()), tuple(gold or ()), score, schema,
    )  # fmt: skip
    found = look_around(folder)
    if sample is not None or not (given.is_given or (found.prompts and found.tables)):
        if given.is_given:
            raise UsageError("--sample and --no-sample go without --prompt and --data")
        say(_init_sample(folder, with_sample=sample is not False))
        return
    asks = not yes and sys.stdin is not None and sys.stdin.isatty()
    given = _fill_in(given, found, asks=asks)
    choice = _choose(given)
    git = partial(load_adapter("git", "git"), ours=False)
    place = find_place(folder, choice, git)
    say("\n".join(["Proposal:", *describe_choice(choice), _describe_place(place)]))
    if not yes and not (asks and typer.confirm("Write this project?", default=True)):
        raise UsageError(f"Nothing was written. This writes it: {_command(folder, given)} --yes")
    write_project(folder, choice, place, load_adapter("git", "create"))
    settings = _write_new(folder / SETTINGS, _render_settings())
    say("\n".join(["Project:", f"  {folder / PROJECT_FILE}  written", settings]))
    context = project_context(folder)
    result = import_plans(
        context,
        choice.step,
        choice.data,
        inputs=choice.inputs,
        gold=choice.gold,
        name="",
        seed=seed,
        dry_run=False,
    )
    say(render_import(result, dry_run=False))
    if check_key is None:
        check_key = yes or (asks and typer.confirm("Check the key with one small call?"))
    _report_first_iteration(context, choice, folder, call=check_key)


def parse_pairs(flag: str, words: Any) -> dict[str, str]:
    """NAME=COLUMN as a mapping. Raises UsageError."""
    named = {}
    for word in words:
        key, equals, column = word.partition("=")
        if not equals or not key or not column:
            raise UsageError(f"{flag} {word}: write it as NAME=COLUMN")
        named[key] = column
    return named


def _fill_in(given: InitOptions, found: FoundFiles, *, asks: bool) -> InitOptions:
    """The options with what was found in the place of what was not named. Raises UsageError."""
    keys = [name for name in BY_KEY if name in found.keys]
    if found.keys:
        unread = f"{', '.join(found.keys)} (.env is not read: `set -a; . ./.env; set +a`)"
        say(f"Names of keys in .env: {unread}")
    if found.promptfoo is not None:
        say(f"{found.promptfoo}: is there; name its prompt and tests with --prompt and --data")
    proposed = {
        "prompt": str(found.prompts[0]) if found.prompts else "",
        "data": str(found.tables[0]) if found.tables else "",
        "model": BY_KEY[keys[0]] if keys else "",
    }
    values = vars(given) | {name: getattr(given, name) or proposed[name] for name in proposed}
    if asks:
        for name, value in proposed.items():
            if not getattr(given, name):
                values[name] = typer.prompt(f"--{name}", default=value or None)
    lacking = [f"--{name}" for name in proposed if not values[name]]
    if lacking:
        raise UsageError(
            f"{', '.join(lacking)}: nothing was found here that would do: name it, for example"
            " `prompt-lab init --prompt p.txt --data cases.csv --model openai/gpt-4o-mini --yes`"
        )
    return InitOptions(**values)


def _choose(given: InitOptions) -> ProjectChoice:
    if given.score and given.score not in SCORES:
        raise UsageError(f"--score {given.score}: one of {', '.join(SCORES)}; docs/scoring.md")
    try:
        address(given.base_url)
    except ValueError as error:
        raise UsageError(f"--base-url: {error}") from error
    shipped = load_folder(default_configs() / "models", ModelConfig, "alias")
    prices = {
        name: (one.price.input, one.price.output)
        for one in shipped.values()
        if one.price
        for name in (one.id, one.id.rpartition("/")[2])
    }
    if given.price:
        prices[given.model.partition("/")[2] or given.model] = _parse_price(given.price)
    names = {one.alias: one.id for one in shipped.values() if one.status == "active"}
    model = choose_model(
        given.model,
        base_url=given.base_url,
        key_env=given.key_env,
        shipped=names,
        prices=prices,
    )
    return choose_project(
        Path(given.prompt),
        Path(given.data),
        model,
        inputs=given.inputs,
        gold=given.gold,
        score=given.score,
        schema=Path(given.schema) if given.schema else None,
    )


def _parse_price(text: str) -> tuple[float, float]:
    try:
        read, written = map(float, text.split(","))
    except ValueError:
        read = written = -1.0
    if not (0 <= read < float("inf") and 0 <= written < float("inf")):
        raise UsageError(f"--price {text}: write it as IN,OUT, two amounts such as 0.15,0.6")
    return read, written


def _describe_place(place: PromptPlace) -> str:
    if place.is_copy:
        return "  target    a copy of the prompt in lab/target, a repository that is made for it"
    return f"  target    {place.repository}: a YES is merged into its branch {place.main!r}"


def _command(folder: Path, given: InitOptions) -> str:
    words = ["prompt-lab", "init", *([] if folder == Path() else [str(folder)])]
    for name in ("prompt", "data", "model", "base_url", "key_env", "price", "score", "schema"):
        if value := getattr(given, name):
            words += [f"--{name.replace('_', '-')}", value]
    words += [part for pair in given.inputs.items() for part in ("--input", "=".join(pair))]
    words += [part for column in given.gold for part in ("--gold", column)]
    return shlex.join(words)


def _report_first_iteration(
    context: LabContext, choice: ProjectChoice, folder: Path, *, call: bool
) -> None:
    """Say whether the model answers, what an iteration takes, and the command to give next."""
    state = check_model(context, choice.model.alias, call=call)
    say(f"Model {choice.model.alias}: {state.text}")
    number = resolve_number(context.lab, choice.step, "")
    try:
        if state.is_usable:
            say("\n".join(describe_first_iteration(Experiment(context, choice.step, number))))
    except LabError as error:
        say(f"  What an iteration takes is not known yet: {error}")
    where = "" if folder == Path() else f"in {folder}, "
    say(f"Next: {where}write a better prompt into a file, and test it: prompt-lab try better.txt")
    if not state.is_usable:
        say("Before that, make the model usable; `prompt-lab doctor --check-key` checks it.")
        raise typer.Exit(1)


def _init_sample(folder: Path, *, with_sample: bool) -> str:
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        lines = [
            _write_new(folder / PROJECT_FILE, _read_template()),
            _write_new(folder / SETTINGS, _render_settings()),
        ]
    context = project_context(folder)
    if with_sample:
        make_example_lab(context, SAMPLE, shipped_folder() / "examples")
        lines.append(f"  {context.lab.root}  holds a sample: plans, and a target repository")
    lacking = [
        f"  {model.alias}: {why}"
        for model in context.select_models(context.defaults.models)
        if (why := context.why_not(model))
    ]
    if lacking:
        lines += ["Before the first iteration:", *lacking]
    where = "" if folder == Path() else f" in {folder}"
    lines.append(f"Next{where}: prompt-lab iterate --dry-run")
    return "\n".join(["Project:", *lines])


def _read_template() -> str:
    return (PACKAGE / "project" / PROJECT_FILE).read_text("utf-8")


def _render_settings() -> str:
    text = _OF_THE_CHECKOUT.sub("", (shipped_folder() / SETTINGS).read_text("utf-8"))
    return text.replace(_LUIGID_HINT, "# No luigid is needed. `prompt-lab scheduler` starts one.\n")


def _write_new(path: Path, text: str) -> str:
    """Write a file unless it is there. Returns a line that says which."""
    if path.exists():
        return f"    {path}  exists, not changed"
    write_text(path, text)
    return f"  {path}  written"
