"""The datasources that provisioning names, and how Grafana's API shows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from acceptance.world.grafana.provisioning.durations import SCRAPE_INTERVAL, seconds
from acceptance.world.grafana.provisioning.log import ProvisioningLog
from acceptance.world.grafana.provisioning.yaml_files import ProvisioningError, number, read_folder, truth

__all__ = ["PROMETHEUS", "ProvisionedDatasource", "load_datasources"]

PROMETHEUS: Final = "prometheus"
_TIMEOUT = 30.0  # seconds: Grafana's own dataproxy.timeout
_LOGGER = "provisioning.datasources"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvisionedDatasource:
    """One datasource as provisioned."""

    id: int
    uid: str
    name: str
    type: str
    access: str
    url: str  # "" where the file gives none
    is_default: bool
    read_only: bool
    json_data: Mapping[str, Any]
    basic_user: str  # "" without basic authentication
    basic_password: str = field(repr=False)
    secure_fields: frozenset[str]  # names of the secrets it has

    @property
    def scrape_interval(self) -> float:
        """Its ``timeInterval`` in seconds; 15 where it has none."""
        try:
            return seconds(str(self.json_data.get("timeInterval") or ""))
        except ValueError:
            return SCRAPE_INTERVAL

    @property
    def timeout(self) -> float:
        """Seconds that one of its queries may take: its ``timeout``, else 30."""
        return number(self.json_data.get("timeout"), _TIMEOUT)

    def listed(self) -> dict[str, Any]:
        """Give it as a row of ``/api/datasources``."""
        logo = f"public/app/plugins/datasource/{self.type}/img/{self.type}_logo.svg"
        return self._shown({"typeName": self.type.capitalize(), "typeLogoUrl": logo}) | {"readOnly": self.read_only}

    def served(self) -> dict[str, Any]:
        """Give it as ``/api/datasources/uid/<uid>``; of secrets, which there are."""
        return self._shown({"typeLogoUrl": ""}) | {
            "basicAuthUser": self.basic_user,
            "withCredentials": False,
            "secureJsonFields": dict.fromkeys(sorted(self.secure_fields), True),
            "version": 1,
            "readOnly": self.read_only,
        }

    def _shown(self, kind: Mapping[str, str]) -> dict[str, Any]:
        return {
            "id": self.id,
            "uid": self.uid,
            "orgId": 1,
            "name": self.name,
            "type": self.type,
            **kind,
            "access": self.access,
            "url": self.url,
            "user": "",
            "database": "",
            "basicAuth": bool(self.basic_user),
            "isDefault": self.is_default,
            "jsonData": dict(self.json_data),
        }


def load_datasources(
    provisioning: Path, environ: Mapping[str, str], log: ProvisioningLog
) -> tuple[ProvisionedDatasource, ...]:
    """Read ``datasources/*.y*ml``; one that is named twice is as the last file says.

    Raises:
        ProvisioningError: A file is no YAML, a datasource has no name or type, or two are the default.
    """
    found: dict[str, ProvisionedDatasource] = {}
    for path, document in read_folder(provisioning / "datasources", environ):
        entries = document.get("datasources") or []
        if not isinstance(entries, list):
            raise ProvisioningError(f"{path}: `datasources` has to be a list")
        for entry in entries:
            made = _datasource(path, entry, identifier=len(found) + 1)
            if not made.url:
                reason = "datasource has no url, so that none of its queries can be answered"
                log.warning(reason, logger=_LOGGER, uid=made.uid, file=path)
            log.info("inserting datasource from configuration", logger=_LOGGER, name=made.name, uid=made.uid)
            found[made.uid] = made
    if sum(each.is_default for each in found.values()) > 1:
        raise ProvisioningError(
            "datasource.yaml config is invalid. Only one datasource per organization can be marked as default"
        )
    return tuple(sorted(found.values(), key=lambda each: each.name))


def _datasource(path: Path, entry: object, *, identifier: int) -> ProvisionedDatasource:
    if not isinstance(entry, dict) or not entry.get("name") or not entry.get("type"):
        raise ProvisioningError(f"{path}: every datasource needs a `name` and a `type`")
    plain, secret = entry.get("jsonData") or {}, entry.get("secureJsonData") or {}
    if not isinstance(plain, dict) or not isinstance(secret, dict):
        raise ProvisioningError(f"{path}: jsonData and secureJsonData of {entry['name']!r} have to be mappings")
    return ProvisionedDatasource(
        id=identifier,
        uid=str(entry.get("uid") or entry["name"]),
        name=str(entry["name"]),
        type=str(entry["type"]),
        access=str(entry.get("access") or "proxy"),
        url=str(entry.get("url") or ""),
        is_default=truth(entry.get("isDefault")),
        read_only=not truth(entry.get("editable")),
        json_data=plain,
        basic_user=str(entry.get("basicAuthUser") or "") if truth(entry.get("basicAuth")) else "",
        basic_password=str(secret.get("basicAuthPassword") or ""),
        secure_fields=frozenset(map(str, secret)),
    )
