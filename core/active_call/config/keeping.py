"""Settings of what is kept: call records, recordings, the background sound that calls share."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from .values import FilePath, Headers, Ratio, Secret, Section, WebUrl

_VENDORS = {"a_w_s": "aws", "g_c_p": "gcp"}
"""The reference's spellings."""


def _vendor(value: Any) -> Any:
    return _VENDORS.get(value, value) if isinstance(value, str) else value


class LocalRecords(Section):
    type: Literal["local"]
    root: FilePath = Path("./config/cdr")


class S3Records(Section):
    type: Literal["s3"]
    vendor: Annotated[
        Literal["aliyun", "tencent", "minio", "aws", "gcp", "azure", "digital_ocean"], BeforeValidator(_vendor)
    ]
    bucket: str
    region: str
    access_key: Secret
    """Azure: the account."""
    secret_key: Secret
    """Google: the service account as JSON. Azure: the key."""
    endpoint: WebUrl
    root: str = ""
    with_media: bool = False
    keep_media_copy: bool = False


class HttpRecords(Section):
    type: Literal["http"]
    url: WebUrl
    headers: Headers = ()
    with_media: bool = False
    keep_media_copy: bool = False


CallRecords = Annotated[LocalRecords | S3Records | HttpRecords, Field(discriminator="type")]


class Recording(Section):
    """What recordings are like and where they go; a call asks for its own with `recorder`."""

    enabled: bool = False
    auto_start: bool = False
    """Record every call, whether it asks or not."""
    filename_pattern: str | None = None
    """`{id}` is replaced by the session id."""
    samplerate: int | None = Field(None, ge=8000, le=48000)
    """Hz."""
    ptime: int | None = Field(None, ge=0)
    """Ms per write."""
    path: FilePath = Path("./config/recorders")
    format: Literal["wav", "pcm", "pcmu", "pcma", "g722"] = "wav"


class Ambiance(Section):
    """Background sound of every call; a playbook or a call lays its own over it, field by field."""

    path: str | None = None
    """Sound file."""
    duck_level: Ratio | None = None
    """Gain while somebody speaks; None: 0.1."""
    normal_level: Ratio | None = None
    """Gain otherwise; None: 0.3."""
    transition_speed: Ratio | None = None
    """Change of gain per 20 ms; None: 0.01."""
    enabled: bool | None = None
