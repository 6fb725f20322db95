"""The files that a call reads: its playbook and recordings, inside the folders that the operator allows."""

from active_call.playbook.load import load_file, load_text
from active_call.playbook.model import Playbook
from active_call.plugin.errors import ErrorKind, ProviderError
from active_call.plugin.values import Samples
from active_call.providers.files import AudioFiles

from .directory import Staged
from .services import Services


def load_staged(staged: Staged, services: Services) -> Playbook:
    """Raises `PlaybookError`, ValueError (not allowed) or OSError."""
    if staged.content is not None:
        return load_text(staged.content, name="playbook", environ=services.environ, trusted=False)
    return load_file(services.playbooks.resolve(staged.name or ""), environ=services.environ)


async def read_recording(services: Services, name: str) -> Samples:
    """16 kHz. Raises `ProviderError`, or ValueError when the path is not allowed."""
    try:
        return await AudioFiles(services.pool).read(services.media.resolve(name))
    except OSError as error:  # its own text has the whole path
        raise ProviderError(ErrorKind.BAD_REQUEST, error.strerror or "cannot be read") from None
