"""Failover state: which models failed just now, and rest. It survives a restart."""

from threading import Lock

from prompt_lab.benchmark.folders import routing_folder
from prompt_lab.config.routing import RoutingSwitches
from prompt_lab.records import VERSION, Record
from prompt_lab.store.files import disk_errors, read_if_whole, write_record
from prompt_lab.store.layout import Lab
from prompt_lab.store.work_locks import WorkLocks

FILE = "cooldowns.json"
_threads = Lock()
"""WorkLocks keeps processes apart, and lets the threads of one process pass."""


class Cooldown(Record):
    """One model's failures. Times are seconds of the epoch, so that they hold after a restart."""

    failures: int = 0
    """Since `since`, those that a retry made good included."""
    since: float = 0.0
    until: float = 0.0
    """The model rests until then; 0: it never did."""


class Cooldowns(Record):
    """cooldowns.json."""

    version: int = VERSION
    models: dict[str, Cooldown] = {}

    def resting(self, now: float) -> frozenset[str]:
        """The models that rest."""
        return frozenset(name for name, one in self.models.items() if one.until > now)


def add_failures(old: Cooldown, failures: int, switches: RoutingSwitches, now: float) -> Cooldown:
    """The state after so many more failures.

    >>> switches = RoutingSwitches(cooldown_failures=3, cooldown_seconds=60)
    >>> add_failures(Cooldown(failures=1, since=90.0), 2, switches, 100.0).until
    160.0
    >>> add_failures(Cooldown(failures=2, since=10.0), 1, switches, 100.0)
    Cooldown(failures=1, since=100.0, until=0.0)
    """
    is_new = not old.failures or now - old.since > switches.cooldown_seconds
    total = failures if is_new else old.failures + failures
    until = old.until
    if total >= switches.cooldown_failures:
        until = max(until, now + switches.cooldown_seconds)
    return Cooldown(failures=total, since=now if is_new else old.since, until=until)


def record_failures(
    lab: Lab, model: str, failures: int, switches: RoutingSwitches, *, now: float
) -> Cooldown:
    """Count failures of a model in cooldowns.json; several processes may do so at once."""
    path = routing_folder(lab) / FILE
    with _threads, WorkLocks(lab, "cooldowns").hold(0):
        found = read_cooldowns(lab)
        new = add_failures(found.models.get(model, Cooldown()), failures, switches, now)
        with disk_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        models = {**found.models, model: new}
        write_record(path, Cooldowns(models=models), durable=False)
    return new


def read_cooldowns(lab: Lab) -> Cooldowns:
    """The state; an empty one where there is none to read."""
    return read_if_whole(routing_folder(lab) / FILE, Cooldowns) or Cooldowns()


def why_cooling(lab: Lab, model: str, *, now: float) -> str | None:
    """Why a model rests, or None."""
    state = read_cooldowns(lab).models.get(model)
    if state is None or state.until <= now:
        return None
    return f"rests for {state.until - now:.0f} s more after {state.failures} failures"
