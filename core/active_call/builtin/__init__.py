"""What ships with the core, registered through the same hooks as anything else; imported by nobody but discovery."""

from active_call.plugin import LlmTraits, SinkTraits, TransportTraits, hookimpl
from active_call.plugin.registry import Register


@hookimpl
def register_transports(register: Register) -> None:
    register(
        "websocket",
        "active_call.builtin.websocket:open_transport",
        TransportTraits(
            summary="raw audio over the controller's own WebSocket (/call)",
            offline=True,
            call_type="webSocket",
            carried=True,
        ),
    )


@hookimpl
def register_llm(register: Register) -> None:
    register(
        "scripted",
        "active_call.builtin.scripted:open_brain",
        LlmTraits(summary="deterministic rules from the playbook, not a language model", offline=True, rules=True),
    )
    register(
        "openai",
        "active_call.builtin.openai_chat:open_brain",
        LlmTraits(
            summary="any OpenAI-compatible chat endpoint (OpenAI, Ollama, vLLM, llama-server)",
            tools=True,
            reads=("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_MODEL"),
        ),
    )


@hookimpl
def register_sinks(register: Register) -> None:
    register(
        "local",
        "active_call.store.sinks:open_local",
        SinkTraits(summary="call records as JSON files in a directory", offline=True),
    )
    register(
        "http",
        "active_call.store.sinks:open_http",
        SinkTraits(summary="call records by HTTP POST, with their recordings"),
    )
