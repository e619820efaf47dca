"""Which plans: a sample that only names and a seed decide, and the split of a whole data set."""

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256

from prompt_lab.names import Split

TRAIN_SHARE = 0.25
"""Train plans only screen candidates; the sealed ones decide, so they get the larger part."""
FEWEST_TRAIN = 10


def sample_plans(available: Sequence[str], most: int, seed: int) -> list[str]:
    """At most `most` of the plans by a seed, in the order of `available`.

    Plans that are added later never change which of the old ones come before which.

    >>> sample_plans(["a", "b", "c"], 5, 0)
    ['a', 'b', 'c']
    """
    if len(available) <= most:
        return list(available)
    taken = set(shuffle_names(available, seed)[:most])
    return [name for name in available if name in taken]


def shuffle_names(names: Iterable[str], seed: int) -> list[str]:
    """The names in an order that only they and the seed decide."""
    return sorted(set(names), key=lambda n: sha256(f"{seed}\n{n}".encode()).hexdigest())


def train_size(plans: int) -> int:
    """How many of so many plans are train: a quarter, at least 10, and never more than half.

    >>> [train_size(n) for n in (8, 20, 30, 80, 168)]
    [4, 10, 10, 20, 42]
    """
    return min(plans // 2, max(FEWEST_TRAIN, round(plans * TRAIN_SHARE)))


def split_plans(strata: Mapping[str, str], seed: int) -> dict[Split, list[str]]:
    """Divide a whole data set; `strata` maps each plan to the group that it belongs to.

    Each group gives train its share of the plans, as near as whole plans allow: the groups with
    the largest remainders give one more.
    """
    size = train_size(len(strata))
    groups: dict[str, list[str]] = {}
    for name in shuffle_names(strata, seed):
        groups.setdefault(strata[name], []).append(name)
    share = size / len(strata) if strata else 0.0
    taken = {group: int(len(names) * share) for group, names in groups.items()}
    left = sorted(groups, key=lambda group: (taken[group] - len(groups[group]) * share, group))
    for group in left[: size - sum(taken.values())]:
        taken[group] += 1
    train = {name for group, names in groups.items() for name in names[: taken[group]]}
    return {
        Split.TRAIN: sorted(train),
        Split.VERIFY: sorted(name for name in strata if name not in train),
    }
