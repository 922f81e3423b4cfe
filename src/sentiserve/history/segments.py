"""Reading the journal's segments: a JSON record on each line."""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from sentiserve.errors import StoreError
from sentiserve.records import Record

_decoder = msgspec.json.Decoder(Record)


def read_segment(segment: Path) -> Iterator[tuple[bytes, Record]]:
    """The lines of a segment, each with its record.

    A last line without its end was never promised to anybody, and is left out.

    Raises:
        StoreError: a line is damaged.
    """
    with segment.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.endswith(b"\n"):
                return
            try:
                yield line, _decoder.decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise StoreError(
                    f"line {number} of {segment} is damaged ({error}); the segment stays as it "
                    "is: mend the line or take it out, and start again"
                ) from error
