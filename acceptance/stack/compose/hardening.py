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

NETWORKS: Mapping[str, frozenset[str]] = {
    "redis": frozenset({"data"}),
    "postgres": frozenset({"data"}),
    "engine": frozenset({"arbitrage-network", "data", "metrics"}),
    "prometheus": frozenset({"metrics"}),
    "grafana": frozenset({"metrics"}),
    "node-exporter": frozenset({"metrics"}),
    "preflight": frozenset({"arbitrage-network", "data"}),
}
"""Service -> its networks. Only `arbitrage-network` leads out; see `network_faults` for what the others are."""

OWN_USER = {"engine", "preflight"}
"""Services whose image brings its user: one of the operator's own has another. Ours are looked at when they run."""

_SECRET_NAME = re.compile(r"PASSWORD|SECRET|TOKEN|CREDENTIAL|API_?KEY", re.IGNORECASE)
_IN_A_URL = re.compile(r"://[^\s/@:]*:[^\s/@]+@")
_ON_A_COMMAND_LINE = re.compile(r"--(?:requirepass|masterauth|pass|password)\b|\bredis-cli\b[^|;&\n]*\s-a\s")

_PARTS = {"postgres": 2}
"""Image -> numbers that its versions have; others have three."""


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
    name, digest = image.partition("@sha256:")[::2]
    repository, tag = name.rpartition(":")[::2] if ":" in name.rpartition("/")[2] else (name, "")
    parts = _PARTS.get(repository.rpartition("/")[2], 3)
    # A tag of fewer numbers moves with each release.
    exact = re.match(r"v?\d+" + r"\.\d+" * (parts - 1) + r"(?![\d.])", tag)
    return "" if digest or exact else f"image {image!r} is not at an exact version"


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
    if not user:
        return "" if name in OWN_USER else "runs as whatever user its image names"
    return "runs as root" if user in {"0", "root"} else ""


def _network(name: str, service: Service) -> str:
    surplus = sorted(set(service.get("networks", {"default": None})) - NETWORKS.get(name, frozenset()))
    missing = sorted(NETWORKS.get(name, frozenset()) - set(service.get("networks", {})))
    if surplus:
        return f"in networks that it needs for nothing: {surplus}"
    return f"not in {missing}, so its neighbours cannot reach it" if missing else ""


def _mounts(_: str, service: Service) -> str:
    for mount in service.get("volumes", []):
        if "docker.sock" in str(mount.get("source")):
            return "the Docker socket is mounted"
        if mount["type"] == "bind" and not mount.get("read_only"):
            return f"{mount['target']} is a folder of the host that it may write to"
    return ""


def _secrets(_: str, service: Service) -> str:
    build = service.get("build") or {}
    variables = {**(service.get("environment") or {}), **(build.get("args") or {})}
    plain = [
        name
        for name, value in variables.items()
        if (_SECRET_NAME.search(name) and value and not name.endswith("_FILE")) or _IN_A_URL.search(str(value))
    ]
    if plain:
        return f"secrets in the environment or in build arguments: {plain}"
    for part in (service.get("entrypoint"), service.get("command"), service.get("healthcheck", {}).get("test")):
        text = part if isinstance(part, str) else " ".join(map(str, part or ()))
        found = _ON_A_COMMAND_LINE.search(text) or _IN_A_URL.search(text)
        if found:
            return f"a secret on a command line: {found.group()}"
    return ""


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


def network_faults(networks: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return what is wrong with the compose file's networks, a sentence each; empty when nothing is.

    Args:
        networks: Name -> definition, as `docker compose config` shows them.
    """
    wanted = set().union(*NETWORKS.values())
    faults = [f"{name}: no such network is known" for name in sorted(set(networks) - wanted)]
    faults += [f"{name}: it is missing" for name in sorted(wanted - set(networks))]
    faults += [
        f"{name}: it leads out" for name in ("data", "metrics") if name in networks and _leads_out(networks[name])
    ]
    return faults


def _leads_out(network: Mapping[str, Any]) -> bool:
    """Say whether what a container sends into the world may get an answer."""
    options = network.get("driver_opts") or {}
    return not network.get("internal") and options.get("com.docker.network.bridge.enable_ip_masquerade") != "false"
