"""What the sink is told: the keys of `[callrecord]` with `type = "s3"`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self
from urllib.parse import urlsplit

REQUIRED = ("vendor", "bucket", "region", "access_key", "secret_key", "endpoint")


class Vendor(StrEnum):
    ALIYUN = "aliyun"
    TENCENT = "tencent"
    MINIO = "minio"
    AWS = "aws"
    GCP = "gcp"
    AZURE = "azure"
    DIGITAL_OCEAN = "digital_ocean"

    @classmethod
    def _missing_(cls, value: object) -> "Vendor | None":
        # The reference's spellings, and what people write.
        plain = str(value).lower().replace("_", "").replace("-", "")
        return next((vendor for vendor in cls if vendor.value.replace("_", "") == plain), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageSettings:
    vendor: Vendor
    bucket: str
    """Azure: the container."""
    region: str
    """Google and Azure do not use it."""
    access_key: str = field(repr=False)
    """Azure: the storage account. Google does not use it."""
    secret_key: str = field(repr=False)
    """Google: the service account's JSON. Azure: the account's key."""
    endpoint: str
    root: str = ""
    """What every name begins with."""
    with_media: bool = False
    """Upload recordings and dump files too."""

    @classmethod
    def read(cls, settings: Mapping[str, Any]) -> Self:
        """Raises ValueError, naming the key and what to write."""
        missing = [key for key in REQUIRED if not isinstance(settings.get(key), str)]
        if missing:
            raise ValueError(f"callrecord: {', '.join(missing)} must be given (as text) when type is `s3`")
        try:
            vendor = Vendor(settings["vendor"])
        except ValueError:
            names = ", ".join(Vendor)
            raise ValueError(f"callrecord.vendor: {settings['vendor']!r} is not one of {names}") from None
        endpoint = settings["endpoint"].rstrip("/")
        if urlsplit(endpoint).scheme not in ("http", "https"):
            raise ValueError("callrecord.endpoint: write it as `https://host`")
        return cls(
            vendor=vendor,
            bucket=settings["bucket"],
            region=settings["region"],
            access_key=settings["access_key"],
            secret_key=settings["secret_key"],
            endpoint=endpoint,
            root=str(settings.get("root") or "").strip("/"),
            with_media=bool(settings.get("with_media", False)),
        )
