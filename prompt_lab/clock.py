"""Times in the form that records hold."""

from datetime import UTC, datetime


def utc_now() -> str:
    """The time now in UTC, to the millisecond: '2026-01-31T12:00:00.000Z'."""
    return write_time(datetime.now(UTC))


def write_time(time: datetime) -> str:
    """A time in UTC, to the millisecond: '2026-01-31T12:00:00.000Z'."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def read_time(text: str) -> datetime:
    """A time in ISO 8601, in UTC where it names no zone. Raises ValueError for what is no time."""
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)
