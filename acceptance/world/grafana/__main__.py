"""``python -m acceptance.world.grafana``: serves until it is told to end."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping, Sequence

from acceptance.world.grafana.front import Front, drawn_pages
from acceptance.world.grafana.identity import VERSION
from acceptance.world.grafana.logfmt import LogfmtLog
from acceptance.world.grafana.options import ServerOptions, ServerUsageError, read_options
from acceptance.world.grafana.provisioning.yaml_files import ProvisioningError
from acceptance.world.grafana.server import Server
from acceptance.world.grafana.site import GrafanaSite

_ENDS = frozenset({signal.SIGINT, signal.SIGTERM})


def main(argv: Sequence[str] | None = None, environ: Mapping[str, str] | None = None) -> int:
    """Serve.

    Returns:
        0 after SIGTERM or SIGINT; 1 where it cannot serve (port taken, provisioning that Grafana would not start
        with, data folder); 2 for a wrong option.
    """
    environ = os.environ if environ is None else environ
    log = LogfmtLog()
    try:
        options = read_options(sys.argv[1:] if argv is None else argv, environ)
    except ServerUsageError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    # Blocked before any thread starts, and waited for: a handler could run while what it sets is locked.
    signal.pthread_sigmask(signal.SIG_BLOCK, _ENDS)
    try:
        site = GrafanaSite(options, environ, log)
    except ProvisioningError as error:
        log.error("provisioning error", logger="provisioning.datasources", error=error)
        return 1
    except (OSError, ValueError) as error:
        log.error("--data (GF_PATHS_DATA) cannot be used", logger="server", error=error)
        return 1
    try:
        return _serve(site, options, log)
    finally:
        site.close()


def _serve(site: GrafanaSite, options: ServerOptions, log: LogfmtLog) -> int:
    try:
        server = Server(options.host, options.port, Front(site, drawn_pages, log).answer)
    except OSError as error:
        where = f"{options.host}:{options.port}"
        reason = f"cannot listen on {where}: {error.strerror or error}; end what does, or give another --port"
        log.error(reason, logger="http.server")
        return 1
    server.start()
    log.info("This is a stand-in for Grafana, not Grafana", logger="server", version=VERSION)
    address = f"{options.host}:{server.port}"
    log.info("HTTP Server Listen", logger="http.server", address=address, protocol="http")
    number = signal.sigwait(_ENDS)
    server.close()
    log.info("Shutdown", logger="server", reason=signal.Signals(number).name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
