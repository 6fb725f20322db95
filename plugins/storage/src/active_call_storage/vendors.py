"""A store per vendor: how each is addressed and what its credentials are called."""

import ipaddress
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from obstore.store import AzureStore, GCSStore, S3Store

from .settings import StorageSettings, Vendor

if TYPE_CHECKING:
    from obstore.store import ClientConfig, ObjectStore, RetryConfig, S3Credential

BUCKET_IN_HOST = {Vendor.AWS, Vendor.ALIYUN, Vendor.TENCENT}
"""Aliyun OSS refuses the bucket in the path, Tencent COS too for buckets made since 2024; AWS discourages it."""

RETRY: "RetryConfig" = {"max_retries": 2, "retry_timeout": timedelta(seconds=30)}
"""Small: the outbox tries again for days."""


def make_store(settings: StorageSettings) -> "ObjectStore":
    """Connects to nothing. Raises what obstore raises for credentials that cannot be read."""
    client: ClientConfig = {
        "allow_http": settings.endpoint.startswith("http:"),
        "connect_timeout": timedelta(seconds=10),
        "timeout": timedelta(minutes=5),
    }
    match settings.vendor:
        case Vendor.GCP:
            return GCSStore(
                settings.bucket,
                service_account_key=settings.secret_key,
                base_url=settings.endpoint,
                client_options=client,
                retry_config=RETRY,
            )
        case Vendor.AZURE:
            return AzureStore(
                settings.bucket,
                account_name=settings.access_key,
                account_key=settings.secret_key,
                endpoint=settings.endpoint,
                client_options=client,
                retry_config=RETRY,
            )
    hosted = settings.vendor in BUCKET_IN_HOST and _has_subdomains(settings)
    return S3Store(
        settings.bucket,
        region=settings.region,
        endpoint=with_bucket(settings.endpoint, settings.bucket) if hosted else settings.endpoint,
        virtual_hosted_style_request=hosted,
        # A provider, not the keys: otherwise a session token of the environment's would be mixed in.
        credential_provider=lambda: _credential(settings),
        client_options=client,
        retry_config=RETRY,
    )


def with_bucket(endpoint: str, bucket: str) -> str:
    """`https://bucket.host`, unless it says so already."""
    parts = urlsplit(endpoint)
    if parts.netloc.startswith(f"{bucket}."):
        return endpoint
    return urlunsplit(parts._replace(netloc=f"{bucket}.{parts.netloc}"))


def _has_subdomains(settings: StorageSettings) -> bool:
    """Not an address, and no bucket with dots, for which a wildcard certificate does not count."""
    host = urlsplit(settings.endpoint).hostname or ""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return "." in host and "." not in settings.bucket
    return False


def _credential(settings: StorageSettings) -> "S3Credential":
    return {
        "access_key_id": settings.access_key,
        "secret_access_key": settings.secret_key,
        "token": None,
        "expires_at": None,
    }
