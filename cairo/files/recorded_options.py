"""What `run.json` says of options that other packages are given: harmless ones, by name.

Any other is said to be set, whatever it is called and however deep it lies: a name nobody thought
of does not give a secret away.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from urllib.parse import quote, quote_plus

from cairo.errors import HIDDEN, shortened, without_secrets

STORAGE = frozenset({
    "account_host", "account_name", "addressing_style", "anon", "api_version", "asynchronous",
    "block_size", "blocksize", "cache_regions", "cache_type", "connect_timeout",
    "default_block_size", "default_cache_type", "default_fill_cache", "endpoint_url", "host",
    "listings_expiry_time", "location", "max_attempts", "max_concurrency", "max_paths", "port",
    "project", "protocol", "read_timeout", "region", "region_name", "requester_pays",
    "signature_version", "simple_links", "skip_instance_cache", "timeout",
    "use_listings_cache", "use_ssl", "verify", "version_aware",
})  # fmt: skip
"""Names of fsspec's options that say where and how, and not who."""
CLUSTER = frozenset({
    "adaptive", "asynchronous", "cores", "dashboard_address", "death_timeout", "disk", "image",
    "instance_type", "interface", "job_cpu", "job_mem", "local_directory", "log_directory",
    "memory", "memory_limit", "n_workers", "namespace", "nanny", "nthreads", "processes",
    "protocol", "queue", "region", "scheduler_instance_type", "silence_logs",
    "threads_per_worker", "walltime", "worker_class", "worker_cpu", "worker_instance_type",
    "worker_mem",
})  # fmt: skip
"""Names of what cluster classes are given that say how large and where."""
PASSED_ON = frozenset({
    "abfs", "adl", "az", "client_kwargs", "config_kwargs", "file", "filecache", "ftp", "gcs",
    "gs", "hdfs", "http", "https", "retries", "s3", "s3_additional_kwargs", "s3a", "sftp",
    "simplecache", "target_options", "zip",
})  # fmt: skip
"""Names of options that hold options, whose names mean the same."""

LEAST_CHARACTERS = 4
"""Of a value worth hiding in a text: shorter ones are parts of many words."""


def recorded_options(options: Mapping[str, object], harmless: frozenset[str]) -> dict[str, object]:
    """Options as `run.json` has them: their names, and the values of harmless ones."""
    return {str(name): _recorded(str(name), value, harmless) for name, value in options.items()}


def _recorded(name: str, value: object, harmless: frozenset[str]) -> object:
    if isinstance(value, Mapping):
        # Of headers, cookies or an environment no name is known to be harmless.
        return recorded_options(value, harmless if name in PASSED_ON else frozenset())
    if isinstance(value, list | tuple):
        return [_recorded(name, item, harmless) for item in value]
    return open_text(value) if name in harmless else HIDDEN


def without_values(
    text: str, options: Mapping[str, object] | None, harmless: frozenset[str]
) -> str:
    """A text of another package that may quote the options it was given, however it spells them."""
    recorded = recorded_options(options or {}, harmless)
    hidden = {
        spelling
        for value in _hidden_values(options or {}, recorded)
        for spelling in _spellings(value)
        if len(spelling) >= LEAST_CHARACTERS
    }
    for spelling in sorted(hidden, key=len, reverse=True):
        text = text.replace(spelling, HIDDEN)
    return text


def told(
    cause: BaseException,
    options: Mapping[str, object] | None,
    harmless: frozenset[str],
    most: int = 200,
) -> str:
    """`one_line` of an error of another package, `without_values`.

    They are hidden before anything is cut, as half of a secret is not recognised.
    """
    text = without_values(str(cause), options, harmless)
    return shortened(text, most) or type(cause).__name__


def _hidden_values(given: object, recorded: object) -> Iterator[object]:
    if isinstance(given, Mapping) and isinstance(recorded, Mapping):
        for name, value in given.items():
            yield from _hidden_values(value, recorded[str(name)])
    elif isinstance(given, list | tuple) and isinstance(recorded, list):
        for value, said in zip(given, recorded, strict=True):
            yield from _hidden_values(value, said)
    elif recorded == HIDDEN and not isinstance(given, bool) and given is not None:
        yield given


def _spellings(value: object) -> Iterator[str]:
    """How a value may stand in a text: as it is, quoted by Python or JSON, or in a URL."""
    text = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
    yield text
    yield " ".join(text.split())
    quoted = repr(text)[1:-1]
    yield from (quoted, repr(quoted)[1:-1], json.dumps(text)[1:-1])
    yield from (quote(text), quote(text, safe=""), quote_plus(text))


def open_text(value: object) -> object:
    """A plain value whose URLs, also as keys, tell no secrets."""
    if isinstance(value, str):
        return without_secrets(value)
    if isinstance(value, Mapping):
        return {without_secrets(str(name)): open_text(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [open_text(item) for item in value]
    return value
