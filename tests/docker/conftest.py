from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from acceptance.stack.docker import docker_cli

DOCKER = Path(__file__).resolve().parents[2] / "docker"
OWN_IMAGES = {"ENGINE_IMAGE": "own/engine:1.0.0", "PREFLIGHT_IMAGE": "own/preflight:1.0.0"}

Render = Callable[..., docker_cli.DockerResult]


@pytest.fixture(scope="session")
def render(tmp_path_factory: pytest.TempPathFactory) -> Render:
    """Run `docker compose config` on the committed file, with nothing but the given variables."""
    empty = tmp_path_factory.mktemp("env") / "empty.env"
    empty.touch()

    def run(variables: Mapping[str, str], *more: Path) -> docker_cli.DockerResult:
        files = [word for path in (DOCKER / "docker-compose.yml", *more) for word in ("-f", str(path))]
        argv = ("docker", "compose", "--env-file", str(empty), *files, "--profile", "*", "config", "--format", "json")
        env = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        return docker_cli.run(argv, env={**env, **variables})

    return run


@pytest.fixture(scope="session")
def config(render: Render, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The compose file as compose understands it, every profile included."""
    done = render({**OWN_IMAGES, "SECRETS_DIR": str(tmp_path_factory.mktemp("secrets"))})
    assert done.code == 0, done.stderr
    parsed: dict[str, Any] = json.loads(done.stdout)
    return parsed
