"""WebSockets that the server opens, through the outbound policy."""

from websockets.asyncio.client import ClientConnection, connect

from active_call.guard.outbound import OutboundPolicy, Trust

OPEN_S = 5.0
CLOSE_S = 1.0
PENDING = 16
"""Messages that may wait to be read; then the peer has to."""


async def open_socket(policy: OutboundPolicy, url: str, trust: Trust) -> ClientConnection:
    """A connected `ws://` or `wss://`; close it.

    Raises `OutboundRefused`, `OutboundFailed`, OSError, and what websockets raises.
    """
    connection = await policy.connect(url, trust)
    try:
        return await connect(
            url, sock=connection, proxy=None, open_timeout=OPEN_S, close_timeout=CLOSE_S, max_queue=PENDING
        )
    except BaseException:
        connection.close()
        raise
