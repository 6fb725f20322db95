"""Object stores as receivers of call records, an active-call plugin."""

from typing import TYPE_CHECKING

from active_call.plugin import SinkTraits, hookimpl

if TYPE_CHECKING:
    from active_call.plugin.registry import Register


@hookimpl
def register_sinks(register: "Register") -> None:
    register(
        "s3",
        "active_call_storage.sink:open_sink",
        SinkTraits(summary="call records in S3 and its like, Google Cloud Storage or Azure"),
    )
