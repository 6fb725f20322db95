"""Against a real S3 server, read back by Amazon's own client."""

import json
import os
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from active_call.plugin import ErrorKind, ProviderError
from active_call_storage.sink import open_sink

BUCKET = "calls"
BEGAN = datetime.fromisoformat("2026-11-23T06:15:32.533Z").astimezone()


def stored(server: str, keys: tuple[str, str]) -> dict[str, bytes]:
    import boto3

    client = boto3.client(
        "s3", endpoint_url=server, aws_access_key_id=keys[0], aws_secret_access_key=keys[1], region_name="us-east-1"
    )
    listed = client.list_objects_v2(Bucket=BUCKET).get("Contents", [])
    return {item["Key"]: client.get_object(Bucket=BUCKET, Key=item["Key"])["Body"].read() for item in listed}


def recorded(record: dict[str, Any]) -> bytes:
    return Path(record["recorder"][0]["path"]).read_bytes()


def rewrite(record: dict[str, Any], data: bytes) -> None:
    Path(record["recorder"][0]["path"]).write_bytes(data)


def remove(record: dict[str, Any]) -> None:
    Path(record["recorder"][0]["path"]).unlink()


async def test_json_media_and_events_have_the_names_of_the_specification(
    host: SimpleNamespace, server: str, keys: tuple[str, str], settings: dict[str, Any], record: dict[str, Any]
) -> None:
    async with open_sink(host, settings) as sink:
        await sink.deliver(record)
        await sink.deliver(record)  # a repetition stores nothing twice
    found = stored(server, keys)
    day = f"{BEGAN:%Y%m%d}"
    assert set(found) == {
        f"cdr/{day}/{BEGAN:%Y%m%d-%H%M%S}_c1.json",
        f"cdr/{day}/c1_t1_c1.wav",
        f"cdr/{day}/c1.jsonl",
    }
    assert json.loads(found[f"cdr/{day}/{BEGAN:%Y%m%d-%H%M%S}_c1.json"]) == record
    assert found[f"cdr/{day}/c1_t1_c1.wav"] == recorded(record)
    assert found[f"cdr/{day}/c1.jsonl"] == b'{"type":"event"}\n'


async def test_without_media_only_the_record_is_stored(
    host: SimpleNamespace, server: str, keys: tuple[str, str], settings: dict[str, Any], record: dict[str, Any]
) -> None:
    async with open_sink(host, settings | {"with_media": False, "root": ""}) as sink:
        await sink.deliver(record)
    assert set(stored(server, keys)) == {f"{BEGAN:%Y%m%d/%Y%m%d-%H%M%S}_c1.json"}


async def test_a_long_recording_goes_up_in_parts_and_arrives_whole(
    host: SimpleNamespace, server: str, keys: tuple[str, str], settings: dict[str, Any], record: dict[str, Any]
) -> None:
    rewrite(record, os.urandom(11_000_000))
    async with open_sink(host, settings) as sink:
        await sink.deliver(record)
    assert stored(server, keys)[f"cdr/{BEGAN:%Y%m%d}/c1_t1_c1.wav"] == recorded(record)


async def test_a_recording_that_is_gone_does_not_hold_back_the_record(
    host: SimpleNamespace, server: str, keys: tuple[str, str], settings: dict[str, Any], record: dict[str, Any]
) -> None:
    remove(record)
    async with open_sink(host, settings) as sink:
        await sink.deliver(record)
    assert len(stored(server, keys)) == 2


async def test_a_wrong_secret_is_an_error_that_names_no_secret(
    host: SimpleNamespace, settings: dict[str, Any], record: dict[str, Any]
) -> None:
    async with open_sink(host, settings | {"secret_key": "wrong-secret-key"}) as sink:
        with pytest.raises(ProviderError) as raised:
            await sink.deliver(record)
    assert raised.value.kind is ErrorKind.AUTH
    assert "wrong-secret-key" not in str(raised.value)


async def test_a_session_token_of_the_environment_is_not_sent_along(
    host: SimpleNamespace,
    server: str,
    keys: tuple[str, str],
    settings: dict[str, Any],
    record: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "somebody-elses")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebody-elses")
    async with open_sink(host, settings) as sink:
        await sink.deliver(record)
    monkeypatch.undo()
    assert len(stored(server, keys)) == 3


async def test_a_bucket_that_is_not_there_is_an_error(
    host: SimpleNamespace, settings: dict[str, Any], record: dict[str, Any]
) -> None:
    async with open_sink(host, settings | {"bucket": "nobodys"}) as sink:
        with pytest.raises(ProviderError, match="was not stored"):
            await sink.deliver(record)
