"""What every service of the compose file has to be, as one rule each: a rule answers what is wrong, or ""."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

Service = Mapping[str, Any]

ONE_SHOTS = {"preflight"}
"""Services that end: never part of `up`, and without a healthcheck."""

WRITABLE_ROOT: Mapping[str, str] = {}
"""Service -> why its root file system cannot be read-only. None today."""

CAPABILITIES: Mapping[str, Mapping[str, str]] = {}
"""Service -> capability -> why it is needed. None today: each starts as its own user."""

OWN_USER = {"engine", "preflight"}
"""Services whose image brings its user, which an image of the operator's own may name otherwise."""

_SECRET_NAME = re.compile(r"PASSWORD|SECRET|TOKEN|CREDENTIAL|API_?KEY", re.IGNORECASE)


def _no_new_privileges(_: str, service: Service) -> str:
    return "" if "no-new-privileges:true" in service.get("security_opt", []) else "no-new-privileges is not set"


def _capabilities(name: str, service: Service) -> str:
    if service.get("cap_drop") != ["ALL"]:
        return "cap_drop is not [ALL]"
    surplus = set(service.get("cap_add", [])) - set(CAPABILITIES.get(name, {}))
    return f"cap_add without a stated reason: {sorted(surplus)}" if surplus else ""


def _read_only(name: str, service: Service) -> str:
    return "" if service.get("read_only") is True or name in WRITABLE_ROOT else "the root file system can be written"


def _memory(_: str, service: Service) -> str:
    return "" if int(service.get("mem_limit", 0)) > 0 else "no memory limit"


def _pids(_: str, service: Service) -> str:
    return "" if int(service.get("pids_limit", 0)) > 0 else "no limit on processes"


def _log_rotation(_: str, service: Service) -> str:
    options = service.get("logging", {}).get("options", {})
    return "" if options.get("max-size") and int(options.get("max-file", 0)) > 1 else "its log is not rotated"


def _loopback(_: str, service: Service) -> str:
    wide = [port["target"] for port in service.get("ports", []) if port.get("host_ip") != "127.0.0.1"]
    return f"ports published on more than 127.0.0.1: {wide}" if wide else ""


def _exact_version(_: str, service: Service) -> str:
    image = str(service.get("image", ""))
    tag = image.rpartition(":")[2] if ":" in image.rpartition("/")[2] else ""
    exact = re.match(r"v?\d+\.\d+", tag)
    return "" if exact else f"image {image!r} is not at an exact version"


def _healthcheck(name: str, service: Service) -> str:
    if name in ONE_SHOTS:
        return ""
    check = service.get("healthcheck", {})
    test = " ".join(check.get("test", []))
    if not test or check.get("disable"):
        return "no healthcheck"
    return "its healthcheck asks localhost, which may be ::1" if "localhost" in test else ""


def _one_shot(name: str, service: Service) -> str:
    ends = service.get("restart", "no") == "no"
    if ends and not service.get("profiles"):
        return "a one-shot outside every profile: `up --wait` fails when it ends"
    return "" if ends == (name in ONE_SHOTS) else "restart policy and the list of one-shots disagree"


def _unprivileged(name: str, service: Service) -> str:
    if service.get("privileged") or service.get("network_mode") or service.get("pid") or service.get("ipc"):
        return "privileged, or in a namespace of the host"
    user = str(service.get("user", "")).partition(":")[0]
    return "" if name in OWN_USER or user not in {"", "0", "root"} else "runs as root"


def _network(_: str, service: Service) -> str:
    return "" if list(service.get("networks", {})) == ["arbitrage-network"] else "not on arbitrage-network alone"


def _mounts(_: str, service: Service) -> str:
    for mount in service.get("volumes", []):
        if "docker.sock" in str(mount.get("source")):
            return "the Docker socket is mounted"
        if mount["type"] == "bind" and not mount.get("read_only"):
            return f"{mount['target']} is a folder of the host that it may write to"
    return ""


def _secrets(_: str, service: Service) -> str:
    plain = [
        name
        for name, value in (service.get("environment") or {}).items()
        if _SECRET_NAME.search(name) and value and not name.endswith("_FILE")
    ]
    return f"secrets in the environment: {plain}" if plain else ""


RULES: Mapping[str, Callable[[str, Service], str]] = {
    "no-new-privileges": _no_new_privileges,
    "capabilities": _capabilities,
    "read-only-root": _read_only,
    "memory-limit": _memory,
    "pids-limit": _pids,
    "log-rotation": _log_rotation,
    "loopback-ports": _loopback,
    "exact-image-version": _exact_version,
    "healthcheck": _healthcheck,
    "one-shot-in-profile": _one_shot,
    "unprivileged": _unprivileged,
    "network": _network,
    "mounts": _mounts,
    "secrets-as-files": _secrets,
}
