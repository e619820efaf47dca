"""A change of the benchmark configuration as a pull request, with its verdict as a comment first.

A cycle's winner becomes the baseline once its pull request is merged: the version of the lab's
configuration is read from the merged file. Every call may be repeated after a crash.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field

from prompt_lab.benchmark.candidates import apply_tuning
from prompt_lab.benchmark.folders import benchmarks_folder
from prompt_lab.benchmark.harness_config import (
    ConfigVersion,
    HarnessConfig,
    improvements,
    list_versions,
    read_harness_config,
    save_version,
)
from prompt_lab.clock import utc_now
from prompt_lab.config.base import parse_config
from prompt_lab.errors import HeadMoved, MergeRefused
from prompt_lab.experiments.context import LabContext
from prompt_lab.names import Outcome, PullState
from prompt_lab.records import VERSION, Record
from prompt_lab.store.files import read_if_whole, read_record, write_record
from prompt_lab.store.layout import Lab
from prompt_lab.store.variants import add_variants

HEAD = """# What cycles and warm-up tests of the benchmark harness have shown to be better.
# `prompt-lab benchmark config rollback` restores the version before; see docs/harness.md.
"""


class ConfigPull(Record):
    """pull_<name>.json: one pull request on the configuration, before and after it is opened."""

    version: int = VERSION
    name: str = Field(description="cycle_<n>, or version_<n> for a rollback")
    key: str = Field(default="", description="model::phase that it improves")
    target: str
    path: str
    branch: str
    base_commit: str
    title: str
    text: str = Field(description="the file as it is proposed")
    when: str
    commit: str = ""
    number: int = 0
    url: str = ""
    state: PullState = PullState.OPEN
    note: str = Field(default="", description="why it is not merged")


def pull_path(lab: Lab, name: str) -> Path:
    """Where the record of a pull request lies."""
    return benchmarks_folder(lab) / "cycles" / f"pull_{name}.json"


def list_pulls(lab: Lab) -> list[ConfigPull]:
    """All of them, oldest first. Raises StoreError for a damaged one."""
    paths = (benchmarks_folder(lab) / "cycles").glob("pull_*.json")
    return sorted((read_record(path, ConfigPull) for path in paths), key=lambda one: one.when)


def open_config_pull(
    ctx: LabContext,
    pull: ConfigPull,
    *,
    body: str,
    verdict: tuple[Outcome, str] | None = None,
) -> ConfigPull:
    """Commit, open, comment, and merge where the config says so. The record as it then is.

    A merge that the host refuses leaves it open for a person. Raises TargetError, CodeHostError.
    """
    path = pull_path(ctx.lab, pull.name)
    pull = read_if_whole(path, ConfigPull) or pull
    write_record(path, pull)
    main, workspace = ctx.target(pull.target).main, ctx.workspace(pull.target)
    host = ctx.code_host(pull.target)
    commit = workspace.commit_files(
        pull.base_commit,
        pull.branch,
        {pull.path: pull.text},
        message=f"{pull.title}\n",
        when=pull.when,
    )
    opened = host.open_pull(pull.branch, base=main, title=pull.title, body=body, when=pull.when)
    update: dict[str, Any] = {"commit": commit, "number": opened.number, "url": opened.url}
    host.comment(opened.number, key=f"config-{pull.name}", body=body, when=pull.when)
    if verdict is not None:
        outcome, why = verdict
        host.status(opened.number, commit=commit, outcome=outcome, text=why, when=pull.when)
    update["state"] = opened.state
    if read_harness_config(ctx).pull_requests.merge and opened.state is PullState.OPEN:
        message = f"Merge #{opened.number}: {pull.title}"
        try:
            host.merge(opened.number, expected_head=commit, message=message, when=pull.when)
            update["state"] = PullState.MERGED
        except (MergeRefused, HeadMoved) as error:
            update["note"] = str(error)
    pull = pull.model_copy(update=update)
    write_record(path, pull)
    return pull


def new_pull(
    ctx: LabContext, name: str, values: dict[str, Any], *, target: str, title: str, key: str = ""
) -> ConfigPull | None:
    """The pull request that brings these improvements; None where the file holds them already."""
    known = read_if_whole(pull_path(ctx.lab, name), ConfigPull)
    if known is not None:
        return known
    pulls = read_harness_config(ctx).pull_requests
    target = pulls.target or target
    main, workspace = ctx.target(target).main, ctx.workspace(target)
    ctx.code_host(target).refresh(main)
    workspace.check()
    base = workspace.resolve(main)
    text = HEAD + yaml.safe_dump(improvements(values), sort_keys=True)
    if workspace.blob(base, pulls.path) and workspace.read(base, pulls.path) == text:
        return None
    return ConfigPull(
        name=name,
        key=key,
        target=target,
        path=pulls.path,
        branch=f"prompt-lab/config-{name.replace('_', '-')}",
        base_commit=base,
        title=title,
        text=text,
        when=utc_now(),
    )


def adopt_pulls(ctx: LabContext) -> list[ConfigVersion]:
    """Adopt what was merged since: the lab's next version, read from the merged file."""
    return [made for pull in list_pulls(ctx.lab) if (made := adopt_pull(ctx, pull)) is not None]


def adopt_pull(ctx: LabContext, pull: ConfigPull) -> ConfigVersion | None:
    """The version that a merged pull request brings, made once; None where it is not merged.

    Raises ConfigError that names the file where what was merged is no configuration.
    """
    known = [one for one in list_versions(ctx.lab) if one.source == pull.name]
    if known or not pull.number or pull.state is PullState.CLOSED:
        return known[-1] if known else None
    host = ctx.code_host(pull.target)
    state = host.get(pull.number).state
    if state is not pull.state:
        pull = pull.model_copy(update={"state": state})
        write_record(pull_path(ctx.lab, pull.name), pull)
    if state is not PullState.MERGED or not pull.key:
        return None
    target = ctx.target(pull.target)
    host.refresh(target.main)
    workspace = ctx.workspace(pull.target)
    text = workspace.read(workspace.resolve(target.main), pull.path)
    place = Path(f"{ctx.repository(target)} ({target.main}): {pull.path}")
    found = parse_config(text, place, HarnessConfig)
    variants = [apply_tuning(ctx.models, one) for one in found.tuning.values()]
    ctx.models.update({one.alias: one for one in variants})
    add_variants(ctx.lab, {one.alias: one for one in variants if "+" in one.alias})
    changes = improvements(found.model_dump(mode="json", exclude_unset=True))
    return save_version(
        ctx,
        changes,
        actor="meta loop",
        reason=f"{pull.title} (pull request #{pull.number})",
        now=utc_now(),
        source=pull.name,
    )


def find_waiting(ctx: LabContext, key: str) -> ConfigPull | None:
    """The pull request that would change the baseline of a model::phase, not merged yet."""
    return next(
        (one for one in list_pulls(ctx.lab) if one.key == key and one.state is PullState.OPEN), None
    )


def publish_rollback(ctx: LabContext, made: ConfigVersion) -> ConfigPull | None:
    """Bring the file in line with a version that a person rolled back to; None if there is none."""
    pulls = list_pulls(ctx.lab)
    if not pulls or not read_harness_config(ctx).pull_requests.enabled:
        return None
    name = f"version_{made.number}"
    title = f"Benchmark configuration: {made.reason}"
    pull = new_pull(ctx, name, made.values, target=pulls[-1].target, title=title)
    if pull is None:
        return None
    body = f"## {title}\n\nA person rolled it back; the lab uses version {made.number} already.\n"
    return open_config_pull(ctx, pull, body=body)


def describe_pull(pull: ConfigPull) -> Iterator[str]:
    """What a person reads of it in a terminal."""
    yield f"pull request #{pull.number} on {pull.path} of {pull.target}: {pull.state.value}"
    yield f"  {pull.url}"
    if pull.note:
        yield f"  not merged: {pull.note}"
