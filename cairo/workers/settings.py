"""Where the `dask_dataframe` backend runs: the `dask` key of a run."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    field_serializer,
    field_validator,
)

from cairo.files.recorded_options import CLUSTER, recorded_options
from cairo.model.plain_settings import PlainSettings

STRICT = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, allow_inf_nan=False)
"""Of every model of a scenario file: unknown keys and numbers that are none are errors."""

MOST_PORT = 65_535

PathText = Annotated[str, Field(min_length=1)]


class TLSSettings(BaseModel):
    """Certificates for a `tls://` scheduler, as `distributed.Security` takes them."""

    model_config = STRICT
    ca_file: PathText | None = Field(None, description="Certificate authority, PEM file.")
    cert: PathText | None = Field(None, description="This side's certificate, PEM file.")
    key: PathText | None = Field(None, description="This side's private key, PEM file.")
    require_encryption: bool = Field(True, description="Refuse connections without TLS.")


class ClusterSettings(PlainSettings):
    """A cluster class to start, such as `dask_jobqueue.SLURMCluster`."""

    model_config = STRICT
    class_: str = Field(alias="class", min_length=1, description="Dotted name of the class.")
    arguments: dict[str, Any] = Field(
        default_factory=dict,
        validation_alias=AliasChoices("kwargs"),
        serialization_alias="kwargs",
        description="What its constructor is given.",
    )
    n_workers: int | None = Field(
        None, ge=1, description="Workers to scale to after it has started, and to wait for."
    )

    @field_serializer("arguments", when_used="json")
    def _without_secrets(self, arguments: dict[str, object]) -> dict[str, object]:
        """Arguments as `run.json` records them."""
        return recorded_options(arguments, CLUSTER)


class DaskSettings(PlainSettings):
    """Where the `dask_dataframe` backend runs; by default a LocalCluster on this machine."""

    model_config = STRICT
    scheduler_address: str | None = Field(
        None, description="Use this cluster (`tcp://host:port` or `tls://host:port`)."
    )
    scheduler_file: PathText | None = Field(
        None, description="Use the cluster whose scheduler wrote this file."
    )
    security: TLSSettings | None = Field(None, description="Certificates for `tls://`.")
    cluster: ClusterSettings | None = Field(None, description="Start a cluster of this class.")
    n_workers: int | None = Field(
        None,
        ge=1,
        description="Workers of a LocalCluster; `process_workers` by default, at most the CPUs.",
    )
    threads_per_worker: int | None = Field(
        None, ge=1, description="Threads of each worker; by the number of workers by default."
    )
    processes: bool | Literal["auto"] = Field(
        "auto", description="Worker processes, or threads of this one; by the stock's size."
    )
    memory_limit: str | int | float = Field(
        "auto", description="Memory of each worker: bytes, `4GB`, or a fraction of the machine."
    )
    dashboard_address: str | None = Field(
        "127.0.0.1:8787",
        description="Dashboard's `host:port`; another port is taken when this one is in use.",
    )
    partition_buildings: int | Literal["auto"] = Field(
        "auto", description="Buildings of a partition."
    )

    @field_validator("partition_buildings")
    @classmethod
    def _at_least_one(cls, value: int | str) -> int | str:
        if isinstance(value, int) and value < 1:
            raise ValueError("expected auto or at least 1")
        return value

    @field_validator("dashboard_address")
    @classmethod
    def _port(cls, value: str | None) -> str | None:
        port = (value or ":0").rpartition(":")[2]
        if not (port.isascii() and port.isdecimal() and int(port) <= MOST_PORT):
            raise ValueError("expected host:port, such as 127.0.0.1:8787")
        return value

    @field_validator("memory_limit")
    @classmethod
    def _memory(cls, value: str | int | float) -> str | int | float:
        if value != "auto":
            from dask.utils import parse_bytes

            try:
                size = parse_bytes(value) if isinstance(value, str) else value
            except (ValueError, OverflowError):
                size = 0
            if not size > 0:
                raise ValueError("expected auto, bytes, a size such as 4GB, or a fraction")
        return value
