"""Scenario files: YAML to typed settings.

A scenario file holds `runs: {name: {...}}`. Paths in it are relative to the config folder: the
parent of the file's `scenarios/` folder, else the file's own folder.
"""

from __future__ import annotations

import os
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cairo.errors import InputErrors, ScenarioError, listed


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class TLSSettings(_Settings):
    ca_file: str | None = None
    cert: str | None = None
    key: str | None = None
    require_encryption: bool = True


class ClusterSettings(_Settings):
    cls: str = Field(alias="class")
    kwargs: dict[str, Any] = Field(default_factory=dict)


class DaskSettings(_Settings):
    scheduler_address: str | None = None
    scheduler_file: str | None = None
    security: TLSSettings | None = None
    cluster: ClusterSettings | None = None
    n_workers: int | None = None
    threads_per_worker: int | None = None
    processes: bool | Literal["auto"] = "auto"
    memory_limit: str | int | float = "auto"
    dashboard_address: str | None = "127.0.0.1:8787"
    partition_buildings: int | Literal["auto"] = "auto"
