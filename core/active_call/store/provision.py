"""Pulls what is missing, after saying so: used by `talk`, `serve` and `models pull`."""

import asyncio
from collections.abc import Callable, Iterable

from .hub import Progress
from .models import ModelStore, unobserved
from .units import human_size


async def ensure(
    store: ModelStore, names: Iterable[str], say: Callable[[str], None], progress: Progress = unobserved
) -> None:
    """Make `names` (models or groups) usable; silent when nothing is missing. Raises `ModelError`."""
    wanted = list(names)
    missing = await asyncio.to_thread(store.missing, wanted)
    if not missing:
        return
    sizes = {entry.name: store.needed(entry) for entry in missing}
    say(f"pulling {human_size(sum(sizes.values()))} of model weights into {store.path}")
    for entry in missing:
        say(f"  {entry.name}: {human_size(sizes[entry.name])} from {store.origin(entry)}")
    for entry in missing:
        await store.pull(entry, progress)
        say(f"{entry.name}: ready, every file has its sha256")
