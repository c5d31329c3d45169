"""The variables by which libpq can be led elsewhere: https://www.postgresql.org/docs/current/libpq-envars.html."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from preflight.config.sections import PostgresSection

# Variable -> the setting that says the same; one that has none leads away from the settings whatever its value is.
_SAME: Mapping[str, str] = MappingProxyType(
    {
        "PGHOST": "host",
        "PGPORT": "port",
        "PGUSER": "user",
        "PGDATABASE": "database",
        "PGPASSWORD": "password",
        "PGSSLMODE": "sslmode",
        "PGSSLROOTCERT": "ca_file",
        "PGSSLCERT": "cert_file",
        "PGSSLKEY": "key_file",
        "PGCHANNELBINDING": "channel_binding",
    }
)
_ELSEWHERE = (
    *("PGHOSTADDR", "PGSERVICE", "PGSERVICEFILE", "PGOPTIONS", "PGPASSFILE", "PGREQUIREAUTH", "PGREQUIREPEER"),
    *("PGTARGETSESSIONATTRS", "PGLOADBALANCEHOSTS", "PGREQUIRESSL", "PGSSLNEGOTIATION", "PGGSSENCMODE", "PGKRBSRVNAME"),
    *("PGSSLCERTMODE", "PGSSLCRL", "PGSSLCRLDIR", "PGSSLSNI", "PGSSLMINPROTOCOLVERSION", "PGSSLMAXPROTOCOLVERSION"),
)


def differing(variables: Mapping[str, str], settings: PostgresSection) -> list[str]:
    """Name the variables that are set and would take libpq to another server, role, schema or login."""
    found = [name for name in _ELSEWHERE if variables.get(name)]
    for name, key in _SAME.items():
        value = getattr(settings, key)
        wanted = "" if value is None else str(getattr(value, "get_secret_value", lambda value=value: value)())
        if variables.get(name) and variables[name] != wanted:
            found.append(name)
    return sorted(found)
