"""Wait for what other processes write."""

import select


def is_readable(descriptor: int, seconds: float) -> bool:
    """Wait until something can be read there, or its other end is closed; False after `seconds`.

    Not by select(), which takes no descriptor from 1024 on.
    """
    waiting = select.poll()
    waiting.register(descriptor, select.POLLIN)
    return bool(waiting.poll(seconds * 1000))
