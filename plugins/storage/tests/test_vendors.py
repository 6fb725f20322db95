"""How each vendor is addressed; Google and Azure against servers that check what their protocols demand."""

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import pytest

from active_call.plugin import ProviderError
from active_call_storage.settings import StorageSettings, Vendor
from active_call_storage.sink import open_sink
from active_call_storage.vendors import make_store, with_bucket

S3 = {"bucket": "calls", "region": "eu", "access_key": "a", "secret_key": "s"}


def endpoint(vendor: str, url: str, **other: str) -> tuple[str, bool]:
    config = make_store(StorageSettings.read({**S3, "vendor": vendor, "endpoint": url, **other})).config  # type: ignore[union-attr]
    return config["endpoint"], config["virtual_hosted_style_request"] == "true"


@pytest.mark.parametrize(
    ("given", "vendor"),
    [
        ("a_w_s", Vendor.AWS),
        ("aws", Vendor.AWS),
        ("g_c_p", Vendor.GCP),
        ("gcp", Vendor.GCP),
        ("Azure", Vendor.AZURE),
        ("digital_ocean", Vendor.DIGITAL_OCEAN),
        ("digitalocean", Vendor.DIGITAL_OCEAN),
    ],
)
def test_the_references_spelling_and_the_natural_one_are_accepted(given: str, vendor: Vendor) -> None:
    assert Vendor(given) is vendor


@pytest.mark.parametrize("vendor", ["aws", "aliyun", "tencent"])
def test_the_bucket_goes_into_the_host_where_the_vendor_demands_it(vendor: str) -> None:
    assert endpoint(vendor, "https://s3.vendor.example/") == ("https://calls.s3.vendor.example", True)
    assert endpoint(vendor, "https://calls.s3.vendor.example") == ("https://calls.s3.vendor.example", True)


@pytest.mark.parametrize(
    ("vendor", "url", "bucket"),
    [
        ("minio", "https://minio.example", "calls"),
        ("digital_ocean", "https://fra1.spaces.example", "calls"),
        ("aws", "http://127.0.0.1:9000", "calls"),
        ("aws", "https://s3.aws.example", "calls.of.ours"),
    ],
)
def test_otherwise_the_bucket_goes_into_the_path(vendor: str, url: str, bucket: str) -> None:
    assert endpoint(vendor, url, bucket=bucket) == (url, False)


def test_with_bucket_keeps_port_and_path() -> None:
    assert with_bucket("http://host.example:9000/x", "b") == "http://b.host.example:9000/x"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"vendor": "dropbox"}, "not one of aliyun"),
        ({"region": None}, "region must be given"),
        ({"endpoint": "minio:9000"}, "https://host"),
        ({"vendor": "gcp", "secret_key": "{no json"}, "decode"),
    ],
)
async def test_settings_that_cannot_work_say_why(host: SimpleNamespace, change: dict[str, Any], words: str) -> None:
    settings = {**S3, "vendor": "minio", "endpoint": "https://minio.example", **change}
    with pytest.raises(ProviderError, match=words) as raised:
        async with open_sink(host, settings):
            pass
    assert "no json" not in str(raised.value)


def test_secrets_are_not_in_the_repr() -> None:
    settings = {**S3, "vendor": "minio", "endpoint": "https://m.example", "secret_key": "hush-hush"}
    assert "hush" not in repr(StorageSettings.read(settings))


# ---------------------------------------------------------------- Google and Azure


class Cloud(BaseHTTPRequestHandler):
    """Keeps what is PUT or POSTed."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        self._take(self.rfile.read(length))

    do_PUT = do_POST

    def _take(self, body: bytes) -> None:
        self.server.seen.append((self.command, self.path, dict(self.headers), body))  # type: ignore[attr-defined]
        answer = b'{"access_token":"t0ken","expires_in":3600,"token_type":"Bearer"}' if self.path == "/token" else b""
        self.send_response(200 if self.path == "/token" or "storage" in self.path else 201)
        self.send_header("ETag", '"1"')
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def cloud() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Cloud)
    server.seen = []  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def _address(server: ThreadingHTTPServer) -> str:
    return f"http://127.0.0.1:{server.server_port}"


async def test_azure_gets_a_block_blob_signed_with_the_shared_key(
    host: SimpleNamespace, cloud: ThreadingHTTPServer, record: dict[str, Any]
) -> None:
    key = base64.b64encode(b"k" * 32).decode()
    settings = {**S3, "vendor": "azure", "access_key": "acct", "secret_key": key, "endpoint": _address(cloud)}
    async with open_sink(host, settings) as sink:
        await sink.deliver(record)
    ((method, path, headers, body),) = cloud.seen  # type: ignore[attr-defined]
    headers = {name.lower(): value for name, value in headers.items()}
    assert (method, path.split("/")[1]) == ("PUT", "calls")
    assert headers["x-ms-blob-type"] == "BlockBlob"
    assert json.loads(body) == record
    assert headers["authorization"] == f"SharedKey acct:{_azure_signature(key, path, headers)}"


def _azure_signature(key: str, path: str, headers: dict[str, str]) -> str:
    """https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key"""
    plain = ("content-encoding", "content-language", "content-length", "content-md5", "content-type", "date")
    plain += ("if-modified-since", "if-match", "if-none-match", "if-unmodified-since", "range")
    lines = ["PUT", *(headers.get(name, "") for name in plain)]
    lines += [f"{name}:{headers[name]}" for name in sorted(headers) if name.startswith("x-ms-")]
    text = "\n".join([*lines, f"/acct{path}"])
    return base64.b64encode(hmac.new(base64.b64decode(key), text.encode(), hashlib.sha256).digest()).decode()


async def test_google_gets_a_token_for_the_service_account_and_then_the_record(
    host: SimpleNamespace, cloud: ThreadingHTTPServer, record: dict[str, Any]
) -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    account = {
        "type": "service_account",
        "client_email": "writer@project.example",
        "private_key_id": "1",
        "private_key": pem,
        "token_uri": f"{_address(cloud)}/token",
    }
    settings = {**S3, "vendor": "gcp", "secret_key": json.dumps(account), "endpoint": _address(cloud)}
    async with open_sink(host, settings) as sink:
        await sink.deliver(record)
    seen = cloud.seen  # type: ignore[attr-defined]
    assert seen[-1][0] == "PUT"
    assert json.loads(seen[-1][3]) == record
    assert {name.lower(): value for name, value in seen[-1][2].items()}["authorization"].startswith("Bearer ")
