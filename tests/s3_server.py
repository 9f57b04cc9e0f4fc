"""A real S3-protocol server in a process of its own, and what a user needs to reach it."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

REGION = "us-east-1"
OWNER = ("owner", "owner-secret")
NO_LIMIT = "inf"


@contextmanager
def unanswered_port(host: str = "127.0.0.1") -> Iterator[int]:
    """A port that is taken and where nobody answers."""
    with socket.socket() as taken:
        taken.bind((host, 0))
        yield int(taken.getsockname()[1])


@dataclass(frozen=True)
class S3Server:
    """A running server; `log` is its access log."""

    url: str
    log: Path

    def client(self, service: str = "s3") -> Any:
        """boto3's client of the bucket's owner."""
        key, secret = OWNER
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
        )

    def options(self, key: str = OWNER[0], secret: str = OWNER[1]) -> dict[str, Any]:
        """storage_options of a keyed user."""
        return {"key": key, "secret": secret, "endpoint_url": self.url}

    def anonymous(self) -> dict[str, Any]:
        """storage_options of somebody without a key."""
        return {"anon": True, "endpoint_url": self.url}

    def upload(self, folder: Path, bucket: str, **extra: str) -> None:
        """Every file of a folder, under its relative name, in a bucket made for it."""
        s3 = self.client()
        s3.create_bucket(Bucket=bucket)
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                name = path.relative_to(folder).as_posix()
                s3.put_object(Bucket=bucket, Key=name, Body=path.read_bytes(), **extra)

    def user(self, name: str, statements: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
        """storage_options of a new user with a policy of these statements."""
        iam = self.client("iam")
        iam.create_user(UserName=name)
        made = iam.create_access_key(UserName=name)["AccessKey"]
        policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        iam.put_user_policy(UserName=name, PolicyName="tests", PolicyDocument=policy)
        return self.options(made["AccessKeyId"], made["SecretAccessKey"])

    @contextmanager
    def enforcing(self) -> Iterator[None]:
        """Within, requests are checked against the policies of whoever signed them."""
        self._unchecked("0")
        try:
            yield
        finally:
            self._unchecked(NO_LIMIT)

    def _unchecked(self, actions: str) -> None:
        request = urllib.request.Request(
            f"{self.url}/moto-api/reset-auth",
            data=actions.encode(),
            headers={"Content-Type": "text/plain"},
            method="POST",
        )
        urllib.request.urlopen(request, timeout=10).read()

    def got(self, since: int = 0) -> list[str]:
        """`bucket/key` of every GET answered, in order, from a place in the log on."""
        text = re.sub(r"\x1b\[[0-9;]*m", "", self.log.read_text()[since:])  # colours
        return re.findall(r'"GET /([^ ?]+) HTTP/[\d.]+" 20[06]', text)


@contextmanager
def s3_server(folder: Path) -> Iterator[S3Server]:
    """`moto_server` on a port that it takes itself and tells in its log."""
    log = folder / "s3.log"
    environ = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
    environ["INITIAL_NO_AUTH_ACTION_COUNT"] = NO_LIMIT
    with log.open("wb") as written:
        process = subprocess.Popen(
            [
                str(Path(sys.executable).with_name("moto_server")),
                "-H",
                "127.0.0.1",
                "-p",
                "0",
            ],
            stdout=written,
            stderr=subprocess.STDOUT,
            env=environ,
        )
        try:
            yield S3Server(f"http://127.0.0.1:{_own_port(process, log)}", log)
        finally:
            process.terminate()
            process.wait(10)


def _own_port(process: subprocess.Popen[bytes], log: Path) -> int:
    """The port that the server says it listens at, which nobody else can have."""
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        if found := re.search(r"Running on http://127\.0\.0\.1:(\d+)", log.read_text()):
            return int(found[1])
        time.sleep(0.05)
    raise RuntimeError(f"moto_server did not start: {log.read_text()[-500:]}")
