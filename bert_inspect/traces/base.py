"""What all records of a trace have in common."""

import msgspec


class Record(msgspec.Struct, frozen=True, omit_defaults=True):
    """Keys with a default are written only where they say something; the others always."""
