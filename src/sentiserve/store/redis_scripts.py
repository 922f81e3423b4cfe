"""The scripts that Redis runs; those that change counts begin with what they have in common."""

from importlib import resources

from sentiserve.store import redis_keys as keys
from sentiserve.store.redis_connection import Command


def _read(name: str) -> str:
    return (resources.files(__package__) / f"redis_{name}.lua").read_text("utf-8")


def _counting(name: str) -> str:
    """The first line says what kind of script it is, to Redis."""
    first, _, rest = _read(name).partition("\n")
    return f"{first}\n{_COUNTS}{rest}"


_COUNTS = _read("counts")
PUT, REMOVE, SWEEP, DROP, TALLIES = map(_counting, ("put", "remove", "sweep", "drop", "tallies"))
JUDGE = _read("judge")


def counting(
    script: str,
    names: list[bytes] | list[str],
    shard: int,
    model_id: str,
    *arguments: str | bytes | float,
) -> Command:
    """One of the scripts that change counts, of a model's posts in a shard."""
    head = (keys.prefix(shard), keys.scope(model_id), model_id)
    return ("EVAL", script, len(names), *names, *head, *arguments)
