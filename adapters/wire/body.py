"""An answer's body, piece by piece, decompressed and bounded before any of it is kept."""

import zlib

MOST_BYTES = 8 * 2**20
"""Of one answer, after decompression."""
PIECE = 65536
_GZIP, _ZLIB = 16 + zlib.MAX_WBITS, zlib.MAX_WBITS


class BodyDecoder:
    """Takes an answer's bytes as they come, in the encoding that the server names.

    Requests ask for no compression; a server that compresses all the same is understood as far as
    gzip and deflate go.
    """

    def __init__(self, encoding: str | None, most: int = MOST_BYTES) -> None:
        """Raises ValueError for an encoding that is not known."""
        self._most = most
        self._size = 0
        self._inflater = _inflater_for((encoding or "identity").strip().lower())

    def feed(self, data: bytes) -> bytes:
        """What these bytes mean. Raises ValueError where they are too many, or are broken."""
        if self._inflater is None:
            self._count(len(data))
            return data
        out = []
        while data:
            try:
                out.append(self._inflater.decompress(data, PIECE))
            except zlib.error as error:
                raise ValueError(f"its compression is broken: {error}") from None
            self._count(len(out[-1]))
            data = self._inflater.unconsumed_tail
        return b"".join(out)

    def finish(self) -> bytes:
        """What is left at the end. Raises ValueError where compressed data ended early."""
        if self._inflater is None:
            return b""
        rest = self._inflater.flush(PIECE)
        self._count(len(rest))
        if not self._inflater.eof:
            raise ValueError("its compressed body ended early")
        return rest

    def _count(self, size: int) -> None:
        self._size += size
        if self._size > self._most:
            raise ValueError(f"it has more than {self._most:,} bytes")


def _inflater_for(encoding: str) -> "zlib._Decompress | None":
    if encoding in ("", "identity"):
        return None
    if encoding in ("gzip", "x-gzip"):
        return zlib.decompressobj(_GZIP)
    if encoding == "deflate":
        return zlib.decompressobj(_ZLIB)
    raise ValueError(f"its encoding {encoding[:40]!r} is not known, and was not asked for")
