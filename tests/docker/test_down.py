"""What `down` deletes: documented as it is, and said aloud where a command of ours does it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from acceptance.stack.compose.operate import drop
from acceptance.stack.compose.operate.volumes import VOLUMES
from tests.docker.operator import DOCS, Operator, at_work

pytestmark = [pytest.mark.compose, pytest.mark.timeout(300)]


@pytest.fixture
def operator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    """Somebody whose volumes are all there."""
    with at_work(tmp_path_factory.mktemp("checkout")) as made:
        made.types("docker compose --profile preflight create")
        made.types("docker compose --profile preflight rm --force preflight")  # as `run --rm` does
        yield made


def test_k8_what_a_plain_down_volumes_deletes_is_documented(operator: Operator) -> None:
    """All but preflight's own two, the kill switch and Postgres included: the docs name it, and the two that stay."""
    operator.types("docker compose down --volumes --timeout 5")
    kept = {f"{operator.project}_preflight-ledger", f"{operator.project}_preflight-spool"}
    assert operator.volumes() == kept
    (line,) = (line for line in DOCS.splitlines() if line.startswith("**`docker compose down --volumes`"))
    assert "the kill switch and Postgres" in line
    operator.types("docker compose --profile preflight down --volumes --timeout 5")
    assert operator.volumes() == set()


def test_k8_down_volumes_names_what_is_lost_before_it_does_it(
    operator: Operator, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without SURE=yes nothing is deleted; each volume that cannot be made again is named with what it holds."""
    before = operator.volumes()
    assert drop.main(["--docker-dir", str(operator.folder)]) == 1
    said = capsys.readouterr().err
    assert all(f"{operator.project}_{name} holds" in said for name in VOLUMES)
    assert "kill switch" in said
    assert operator.volumes() == before
    assert drop.main(["--docker-dir", str(operator.folder), "--sure"]) == 0
    assert operator.volumes() == set()
