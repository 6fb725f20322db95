"""A real S3 server on this machine (moto) that checks signatures, and a finished call's files."""

import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("moto.server", reason="pip install 'moto[s3,server]'")

BUCKET = "calls"


@pytest.fixture
def host() -> SimpleNamespace:
    async def run(function: Callable[..., Any], /, *args: object) -> Any:
        return function(*args)

    return SimpleNamespace(run=run, log=logging.getLogger("storage-test"), environ={})


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """Its address."""
    from moto.moto_server.threaded_moto_server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    address, port = server.get_host_and_port()
    yield f"http://{address}:{port}"
    server.stop()


@pytest.fixture(scope="session")
def admin(server: str) -> Any:
    """A boto3 client: what we store is read back by the vendor's own library."""
    import boto3

    return boto3.client(
        "s3", endpoint_url=server, aws_access_key_id="admin", aws_secret_access_key="admin", region_name="us-east-1"
    )


@pytest.fixture
def keys(server: str, admin: Any) -> Iterator[tuple[str, str]]:
    """Access key and secret of a user who may write; from here on every request's signature counts."""
    import boto3
    import httpx

    httpx.post(f"{server}/moto-api/reset", trust_env=False)
    admin.create_bucket(Bucket=BUCKET)
    iam = boto3.client(
        "iam", endpoint_url=server, aws_access_key_id="admin", aws_secret_access_key="admin", region_name="us-east-1"
    )
    iam.create_user(UserName="writer")
    policy = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}'
    iam.put_user_policy(UserName="writer", PolicyName="write", PolicyDocument=policy)
    made = iam.create_access_key(UserName="writer")["AccessKey"]
    httpx.post(f"{server}/moto-api/reset-auth", content="0", trust_env=False)
    yield made["AccessKeyId"], made["SecretAccessKey"]
    httpx.post(f"{server}/moto-api/reset-auth", content="inf", trust_env=False)


@pytest.fixture
def settings(server: str, keys: tuple[str, str]) -> dict[str, Any]:
    return {
        "vendor": "minio",
        "bucket": BUCKET,
        "region": "us-east-1",
        "access_key": keys[0],
        "secret_key": keys[1],
        "endpoint": server,
        "root": "cdr",
        "with_media": True,
    }


@pytest.fixture
def record(tmp_path: Path) -> dict[str, Any]:
    (tmp_path / "c1.wav").write_bytes(b"RIFF" + os.urandom(1000))
    (tmp_path / "c1.events.jsonl").write_text('{"type":"event"}\n')
    return {
        "callType": "webSocket",
        "callId": "c1",
        "startTime": "2026-11-23T06:15:32.533Z",
        "recorder": [{"trackId": "t1", "path": str(tmp_path / "c1.wav"), "size": 1004}],
        "dumpEventFile": str(tmp_path / "c1.events.jsonl"),
    }
