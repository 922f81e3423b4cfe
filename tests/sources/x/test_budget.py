"""What may be read from X in a day."""

import asyncio
import subprocess
import sys
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
from processes import PATIENCE

from sentiserve.errors import BudgetExhaustedError, SourceError
from sentiserve.sources.x.budget import Budget

DAY = datetime(2026, 9, 1, 23, 59, 30, tzinfo=UTC)
SPENDER = """
import asyncio, sys
from pathlib import Path
from sentiserve.errors import BudgetExhaustedError
from sentiserve.sources.x.budget import Budget

async def spend():
    budget, spent = Budget(Path(sys.argv[1]), 1_000), 0
    for _ in range(600):
        try:
            async with budget.reserved(2) as reservation:
                reservation.spent = reservation.reads
                spent += reservation.spent
        except BudgetExhaustedError:
            pass
    print(spent)

print("ready", flush=True)
input()
asyncio.run(spend())
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "x" / "reads"


async def left(budget: Budget) -> int:
    """What may still be read."""
    try:
        async with budget.reserved(1_000_000) as reservation:
            reservation.spent = 0
            return reservation.reads
    except BudgetExhaustedError:
        return 0


def spoil(path: Path) -> None:
    """Nothing can be counted there any more."""
    path.unlink()
    path.mkdir()


async def spend(budget: Budget, reads: int) -> None:
    async with budget.reserved(reads, reads) as reservation:
        reservation.spent = reads


async def test_what_is_spent_is_spent_for_all(path: Path) -> None:
    """Another one with the same file has what is left."""
    await spend(Budget(path, 10), 7)
    assert await left(Budget(path, 10)) == 3


async def test_what_is_not_spent_comes_back(path: Path) -> None:
    budget = Budget(path, 10)
    async with budget.reserved(8) as reservation:
        assert await left(budget) == 2
        reservation.spent = 1
    assert await left(budget) == 9


async def test_without_an_answer_nothing_is_spent(path: Path) -> None:
    """An answer of status 200 that begins is paid for whole, whatever becomes of it."""
    budget = Budget(path, 10)
    for statuses, expected in (((), 10), ((500, 429), 10), ((500, 200), 2)):
        async with budget.reserved(8) as reservation:
            for status in statuses:
                reservation.saw(status)
        assert await left(budget) == expected


async def test_an_answer_after_one_that_broke_off_is_paid_for_too(path: Path) -> None:
    """Both began; whether X charges for the same posts twice is X's to say."""
    budget = Budget(path, 20)
    async with budget.reserved(8) as reservation:
        reservation.saw(200)
        reservation.saw(200)
        reservation.spent = 5
    assert await left(budget) == 7


async def test_fewer_are_given_where_fewer_are_left(path: Path) -> None:
    """But never fewer than are of use."""
    budget = Budget(path, 10)
    await spend(budget, 6)
    async with budget.reserved(9, 4) as reservation:
        assert reservation.reads == 4
    with pytest.raises(BudgetExhaustedError, match="10 reads"):
        async with budget.reserved(9, 5):
            pass
    assert await left(budget) == 4


async def test_a_new_day_begins_anew(path: Path) -> None:
    """What was reserved before midnight is settled with its own day."""
    now = DAY
    budget = Budget(path, 10, lambda: now)
    await spend(budget, 6)
    async with budget.reserved(4) as reservation:
        with pytest.raises(BudgetExhaustedError) as caught:
            await spend(budget, 1)
        assert caught.value.retry_after == 31
        now = DAY.replace(day=2, hour=0, minute=0)
        await spend(budget, 9)
        reservation.spent = 0
    assert await left(budget) == 1


async def test_a_clock_that_goes_back_opens_nothing(path: Path) -> None:
    await spend(Budget(path, 10, lambda: DAY), 10)
    assert await left(Budget(path, 10, lambda: DAY.replace(day=1, month=8))) == 0


@pytest.mark.parametrize("after", [0, 0.05])
async def test_who_leaves_gives_back(path: Path, after: float) -> None:
    """At whatever moment that is."""
    budget = Budget(path, 10)

    async def hold() -> None:
        async with budget.reserved(10):
            await asyncio.sleep(60)

    task = asyncio.create_task(hold())
    await asyncio.sleep(after)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await left(budget) == 10


async def test_who_leaves_while_nothing_is_left_is_gone(path: Path) -> None:
    """That the budget is used up doesn't bring them back."""
    budget = Budget(path, 10)
    await spend(budget, 10)
    task = asyncio.create_task(spend(budget, 1))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_what_was_read_is_not_lost_where_the_rest_cannot_be_given_back(path: Path) -> None:
    """The rest stays spent; the next one is told."""
    budget = Budget(path, 10)
    async with budget.reserved(8) as reservation:
        reservation.spent = 1
        spoil(path)
    with pytest.raises(SourceError, match="can't be counted"):
        await spend(budget, 1)


def test_processes_together_spend_no_more(path: Path) -> None:
    """Two that spend as fast as they can spend all of it, and not one read more."""
    command = [sys.executable, "-c", SPENDER, str(path)]
    with ExitStack() as stack:
        running = [
            stack.enter_context(
                subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            )
            for _ in range(2)
        ]
        for process in running:  # so that they begin at the same time
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in running:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
        spent = [int(process.communicate(timeout=PATIENCE)[0]) for process in running]
    assert sum(spent) == 1_000
    assert asyncio.run(left(Budget(path, 1_000))) == 0


@pytest.mark.parametrize("content", [b"nonsense", b"2026-09-01", b"\xff" * 32, b"2026-09-01 x\n"])
def test_a_damaged_count_is_an_error_rather_than_a_new_budget(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(SourceError, match="can't be counted.*remove it"):
        asyncio.run(Budget(path, 10).open())


async def test_without_a_place_to_count_there_is_nothing_to_spend(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("no directory")
    with pytest.raises(SourceError, match="can't be counted.*XDG_STATE_HOME") as caught:
        await Budget(tmp_path / "x" / "reads", 10).open()
    assert caught.value.public
    assert str(tmp_path) not in caught.value.public
