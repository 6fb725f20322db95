"""The settings of a process, typed: the keys of the reference's `config.toml`, and ours."""

import ipaddress
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PrivateAttr, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from .access import Auth, AuthTable, Limits, Outbound, Paths
from .duration import Seconds
from .effect import without_effect
from .hiding import hidden_texts, secret_texts, secret_values
from .keeping import Ambiance, CallRecords, Recording
from .origins import Origins
from .problems import Wrong
from .telephony import CODECS, Account, Codec, Handler, IceServer, Rewrite, TrunkRule
from .values import Address, FilePath, Ip, Listed, Names, Port, split_address

SIP_PORT = 25060
_LEVELS = {"trace": "debug", "warn": "warning", "fatal": "critical", "off": "critical"}


def _level(value: Any) -> Any:
    """Also as `RUST_LOG` has it: the level that stands alone counts, the ones per module do not."""
    if not isinstance(value, str):
        return value
    plain = [part.strip().lower() for part in value.split(",") if "=" not in part]
    name = plain[0] if plain else "info"
    return _LEVELS.get(name, name)


def _unique(codecs: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(codecs))


class Settings(BaseSettings):
    """Frozen. `load.load` makes one from its sources; `Settings()` has the defaults and reads nothing."""

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        allow_inf_nan=False,
        title="active-call settings",
    )

    http_addr: Address = "127.0.0.1:8080"
    """Where HTTP and WebSocket clients connect."""
    http_gzip: bool = False
    """Compress answers of the HTTP API."""
    http_access_skip_paths: Names = ()
    """Paths that the access log leaves out; a trailing `*` means everything below."""
    auth: Auth = AuthTable()
    outbound: Outbound = Outbound()
    paths: Paths = Paths()
    limits: Limits = Limits()
    playbooks: FilePath = Path("config/playbook")
    """Directory of the playbooks that clients and rules name."""
    models_dir: FilePath | None = None
    """Model weights; None: `./models` if there is one, else the user's cache directory."""
    reattach_grace: Seconds = 0.0
    """How long a call outlives its client's WebSocket, so that the client can come back to it by id."""
    inference_threads: int | None = Field(None, ge=1)
    """Threads for blocking inference; None: one per CPU, at least two."""
    plugins: dict[str, dict[str, Any]] = {}
    """A table per plugin, whose keys the plugin defines."""

    log_level: Annotated[Literal["debug", "info", "warning", "error", "critical"], BeforeValidator(_level)] = "info"
    log_file: FilePath | None = None
    """Appended to; None: standard error."""
    graceful_shutdown: bool = True
    """At SIGTERM, refuse new calls and let the running ones end."""
    graceful_shutdown_timeout: Seconds = 30.0
    """How long they may take."""

    sip: bool | None = None
    """Whether SIP is on; None: when `addr`, `udp_port`, `tls_port`, `handler` or `register_users` is set."""
    addr: str | None = None
    """Address of the SIP side; empty: the first interface that is not loopback; None: 0.0.0.0."""
    udp_port: Port | None = None
    """SIP over UDP; 0: any free port; None: 25060."""
    auto_learn_public_address: bool = False
    """Learn our public address from the answers of SIP peers."""
    external_ip: Ip | None = None
    """Written into SIP and SDP in the place of the local address."""
    useragent: str | None = None
    """None: active-call and its version."""
    accept_timeout: Seconds = 50.0
    """How long an incoming call may ring before it is refused with 408."""
    codecs: Annotated[tuple[Codec, ...], Field(min_length=1), AfterValidator(_unique), Listed] = CODECS
    """The first one is preferred."""
    rtp_start_port: Port = 12000
    rtp_end_port: Port = 42000
    rtp_bind_ip: Ip | None = None
    enable_rtp_latching: bool = True
    """Send audio to where the peer's audio comes from, whatever its SDP says."""
    enable_ice_lite: bool = False
    tls_port: Port | None = None
    """SIP over TLS."""
    tls_cert_file: FilePath | None = None
    tls_key_file: FilePath | None = None
    enable_srtp: bool = False
    """SDES SRTP on SIP calls."""
    enable_options_response: bool = True
    """Answer OPTIONS outside a dialog."""
    register_users: tuple[Account, ...] = ()
    handler: Handler | None = None
    rewrites: tuple[Rewrite, ...] = ()
    trunk_rules: tuple[TrunkRule, ...] = ()
    ice_servers: tuple[IceServer, ...] = ()
    """For browsers; none: a public STUN server."""
    peers: Names = ()
    """Other nodes, asked for a call that is not here."""

    callrecord: CallRecords | None = None
    outbox_path: FilePath = Path("./config/outbox")
    """Where call records wait until they have arrived; they survive a crash there."""
    recording: Recording = Recording()
    media_cache_path: FilePath = Path("./config/mediacache")
    ambiance: Ambiance | None = None

    _origins: Origins = PrivateAttr(default_factory=Origins)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        # The sources stand in `sources`: they remember where a value was given, and find every problem at once.
        return (init_settings,)

    @model_validator(mode="after")
    def _belong_together(self) -> "Settings":
        if self.rtp_start_port > self.rtp_end_port:
            raise Wrong("it is lower than `rtp_start_port`", "give a range, such as 12000 to 42000", key="rtp_end_port")
        if self.tls_port is not None and not (self.tls_cert_file and self.tls_key_file):
            raise Wrong("it needs `tls_cert_file` and `tls_key_file`", "name both, or remove it", key="tls_port")
        return self

    @property
    def origins(self) -> Origins:
        """Where each value that was given stands; what is not there is a default."""
        return self._origins

    @property
    def http_address(self) -> tuple[str, int]:
        """Host and port."""
        return split_address(self.http_addr)

    @property
    def on_loopback(self) -> bool:
        """Whether only this machine can reach the HTTP side."""
        host = self.http_address[0]
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"

    @property
    def needs_token(self) -> bool:
        """Whether a client that is in none of `auth.networks` must show a token."""
        return self.auth.mode == "on" or (self.auth.mode == "auto" and not self.on_loopback)

    @property
    def sip_address(self) -> tuple[str, int] | None:
        """Host (perhaps empty) and port of SIP over UDP; None: SIP is off."""
        asked = any(
            (self.addr is not None, self.udp_port is not None, self.tls_port, self.handler, self.register_users)
        )
        if not (asked if self.sip is None else self.sip):
            return None
        host = "0.0.0.0" if self.addr is None else self.addr
        return host, SIP_PORT if self.udp_port is None else self.udp_port

    def playbook_path(self, name: str) -> Path:
        """What the operator means by a playbook's name: that file if it exists, else the one in `playbooks`."""
        given = Path(name)
        return given if given.is_file() else self.playbooks / name

    def plugin(self, name: str) -> Mapping[str, Any]:
        """What was set for a plugin, by its entry-point name."""
        return self.plugins.get(name.replace("_", "-"), {})

    def without_effect(self) -> tuple[str, ...]:
        """Keys that were given and do nothing in this version."""
        return without_effect(self._origins)

    def shown(self) -> dict[str, Any]:
        """All values as plain JSON, without secrets. What a plugin's keys hold is unknown: their texts are hidden."""
        plain = self.model_dump(mode="json", by_alias=True)
        plain["plugins"] = {name: hidden_texts(table) for name, table in self.plugins.items()}
        return plain

    def secret_values(self) -> Iterator[str]:
        """Every secret inside, for the filter that keeps them out of logs."""
        yield from secret_values(self)
        yield from secret_texts(self.plugins)
