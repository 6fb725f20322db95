"""What a call reads: its playbook, and recordings by name or URL, as far as whoever named them may have them."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from active_call.guard.outbound import OutboundFailed, OutboundRefused, Trust
from active_call.playbook.load import load_file, load_text
from active_call.playbook.model import Playbook
from active_call.playbook.problems import PlaybookError
from active_call.plugin.errors import ErrorKind, ProviderError
from active_call.plugin.values import Samples
from active_call.store.fetch import FetchFailed

from .directory import Staged
from .services import Services

URL = re.compile(r"https?://", re.IGNORECASE)
WRITTEN_URL = re.compile(r"(?:http|ws)s?://[^\s\"'<>]+", re.IGNORECASE)


def load_staged(staged: Staged, services: Services) -> Playbook:
    """Raises `PlaybookError`, ValueError (not allowed) or OSError."""
    if staged.content is not None:
        return load_text(staged.content, name="playbook", environ=services.environ, trusted=False)
    name = staged.name or ""
    path = services.playbooks.resolve(name)
    try:
        return load_file(path, environ=services.environ)
    except PlaybookError as error:
        # Where the operator keeps its files is none of the client's business.
        raise PlaybookError.of([replace(problem, file=name) for problem in error.problems]) from None


class Recordings:
    """One call's. Whatever names a URL is a client, a caller or a model, unless the operator's playbook has it too."""

    def __init__(self, services: Services, playbook: Playbook | None) -> None:
        self._services = services
        self._playbook = playbook if playbook is not None and playbook.trusted else None

    async def read(self, name: str) -> Samples:
        """16 kHz, shared and read-only. Raises `ProviderError`, or ValueError when it is not allowed."""
        if URL.match(name.strip()):
            url = name.strip()
            return await self._fetched(url, self.trust_of(url))
        return await self._decoded(self._services.media.resolve(name))

    async def read_own(self, name: str) -> Samples:
        """The same for a name that stands in the settings."""
        if URL.match(name.strip()):
            return await self._fetched(name, Trust.OPERATOR)
        path = Path(name)
        return await self._decoded(path if path.is_absolute() else self._services.media.resolve(name))

    def trust_of(self, url: str) -> Trust:
        """Who wrote that URL, whoever names it now."""
        return Trust.OPERATOR if url in self._written() else Trust.CLIENT

    def _written(self) -> Iterator[str]:
        """URLs that stand in the operator's playbook."""
        playbook = self._playbook
        if playbook is None:
            return
        texts = [str(playbook.config.model_dump(exclude_none=True))]
        texts += [text for scene in playbook.scenes.values() for text in (scene.body, scene.play) if text]
        for text in texts:
            yield from WRITTEN_URL.findall(text)

    async def _fetched(self, url: str, trust: Trust) -> Samples:
        cache = self._services.media_cache
        if cache is None:
            raise ProviderError(ErrorKind.BAD_REQUEST, "URLs cannot be played here")
        try:
            media = await cache.get(url, trust)
        except (OutboundRefused, OutboundFailed, FetchFailed) as error:
            raise ProviderError(ErrorKind.BAD_REQUEST, str(error)) from None
        return await self._decoded(media.path, media.content_type)

    async def _decoded(self, path: Path, content_type: str | None = None) -> Samples:
        try:
            return await self._services.audio_files.read(path, content_type)
        except OSError as error:  # its own text has the whole path
            raise ProviderError(ErrorKind.BAD_REQUEST, error.strerror or "cannot be read") from None
