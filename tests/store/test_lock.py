"""The lock between processes."""

import asyncio

from active_call.store.lock import locked


async def test_the_second_waits_for_the_first_and_is_told_that_it_waits(tmp_path):
    order: list[str] = []
    waits = asyncio.Event()

    async def second() -> None:
        async with locked(tmp_path / "locks" / "x", waiting=waits.set):
            order.append("second")

    async with locked(tmp_path / "locks" / "x"):
        task = asyncio.create_task(second())
        await waits.wait()
        order.append("first")
    await task
    assert order == ["first", "second"]


async def test_a_failure_inside_frees_it(tmp_path):
    for _ in range(2):
        try:
            async with locked(tmp_path / "x"):
                raise ValueError
        except ValueError:
            pass


async def test_two_names_do_not_wait_for_each_other(tmp_path):
    async with locked(tmp_path / "x"), locked(tmp_path / "y"):
        pass
