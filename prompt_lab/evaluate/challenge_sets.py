"""Challenge sets: plans that accumulate, with a sealed part; every version has a name.

A set only grows, except where a trace is erased: then a tombstone keeps the plan's name. Which
plans are sealed is decided by the set's seed and the plan's name alone, so later plans move none.
"""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Final

from pydantic import Field

from prompt_lab.errors import StoreError
from prompt_lab.names import Split
from prompt_lab.records import VERSION, Record
from prompt_lab.store.plan_sample import TRAIN_SHARE

_SCALE: Final = 16**8


class ChallengePlan(Record):
    """One plan of a set."""

    name: str
    split: Split = Field(description="verify plans are sealed: they decide, and are never shown")
    digest: str = Field(description="sha256 of its files' contents")
    source: str = Field(description="sha256 of the id of the trace that it was built from")
    reason: str = Field(default="", description="the finding that it was built for; '' for healthy")
    added: str = Field(description="when, UTC")


class Tombstone(Record):
    """What is left of a plan whose trace was erased. It says nothing about the person."""

    name: str
    split: Split
    digest: str
    erased: str = Field(description="when, UTC")


class SetVersion(Record):
    """One version of a set: its first `plans` entries, erased ones included."""

    version: str = Field(description="8 hex digits over names, splits and digests")
    plans: int
    when: str


class ChallengeSet(Record):
    """A set of plans for one prompt or one purpose. Add and erase return another set."""

    record_version: int = VERSION
    name: str
    seed: int = 0
    entries: tuple[ChallengePlan | Tombstone, ...] = ()
    versions: tuple[SetVersion, ...] = ()

    @property
    def version(self) -> str:
        """The current version; '' for an empty set."""
        return self.versions[-1].version if self.versions else ""

    @property
    def plans(self) -> tuple[ChallengePlan, ...]:
        """The plans that are there."""
        return tuple(one for one in self.entries if isinstance(one, ChallengePlan))

    @property
    def tombstones(self) -> tuple[Tombstone, ...]:
        """The plans that were erased."""
        return tuple(one for one in self.entries if isinstance(one, Tombstone))

    def names(self, split: Split) -> tuple[str, ...]:
        """The names of one part's plans, in the order in which they were added."""
        return tuple(plan.name for plan in self.plans if plan.split is split)

    def entries_of(self, version: str) -> tuple[ChallengePlan | Tombstone, ...]:
        """The entries that a version had; those erased since are tombstones. Raises StoreError."""
        for one in self.versions:
            if one.version == version:
                return self.entries[: one.plans]
        known = ", ".join(one.version for one in self.versions) or "none"
        raise StoreError(
            f"challenge set {self.name!r}: there is no version {version!r}; known are {known}"
        )

    def add(
        self,
        contents: Mapping[str, Mapping[str, str]],
        facts: Mapping[str, tuple[str, str]],
        *,
        when: str,
    ) -> "ChallengeSet":
        """Add plans that are new: name -> file name -> text, and name -> (trace id, finding).

        A name that is there already, or was erased, is left out. The order is that of `contents`.
        """
        known = {one.name for one in self.entries}
        new = tuple(
            ChallengePlan(
                name=name,
                split=choose_split(name, self.seed),
                digest=digest_plan(files),
                source=sha256(facts[name][0].encode()).hexdigest(),
                reason=facts[name][1],
                added=when,
            )
            for name, files in contents.items()
            if name not in known
        )
        if not new:
            return self
        entries = (*self.entries, *new)
        version = SetVersion(version=digest_entries(entries), plans=len(entries), when=when)
        return self.model_copy(update={"entries": entries, "versions": (*self.versions, version)})

    def erase(self, trace_ids: Iterable[str], *, when: str) -> "ChallengeSet":
        """Replace the plans of these traces by tombstones. Versions keep their names."""
        gone = {sha256(trace_id.encode()).hexdigest() for trace_id in trace_ids}
        entries = tuple(
            Tombstone(name=one.name, split=one.split, digest=one.digest, erased=when)
            if isinstance(one, ChallengePlan) and one.source in gone
            else one
            for one in self.entries
        )
        return self if entries == self.entries else self.model_copy(update={"entries": entries})


def choose_split(name: str, seed: int, train_share: float = TRAIN_SHARE) -> Split:
    """Train or sealed, by seed and name alone: about a quarter of many plans is train.

    >>> {choose_split("trace_1", 0), choose_split("trace_1", 0)} == {choose_split("trace_1", 0)}
    True
    """
    drawn = int(sha256(f"{seed}\n{name}".encode()).hexdigest()[:8], 16) / _SCALE
    return Split.TRAIN if drawn < train_share else Split.VERIFY


def digest_plan(files: Mapping[str, str]) -> str:
    """sha256 over the files of a plan, by name."""
    text = "\0".join(f"{name}\0{files[name]}" for name in sorted(files))
    return sha256(text.encode()).hexdigest()


def digest_entries(entries: Iterable[ChallengePlan | Tombstone]) -> str:
    """8 hex digits of a version: equal plans in equal parts give the same, whenever added."""
    lines = sorted(f"{one.name} {one.split} {one.digest}" for one in entries)
    return sha256("\n".join(lines).encode()).hexdigest()[:8]
