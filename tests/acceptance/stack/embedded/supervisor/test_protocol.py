from __future__ import annotations

import pytest

from acceptance.stack.embedded.supervisor.protocol import PreparationStep, ServiceSpec, SupervisorSpec
from acceptance.stack.readiness import Question
from acceptance.stack.run_as import User

SPEC = SupervisorSpec(
    run_dir="/run/x",
    services=(
        ServiceSpec(
            name="postgres",
            argv=("postgres", "-D", "data"),
            env={"LANG": "C.UTF-8"},
            cwd="/",
            log="/run/x/log",
            question=Question(kind="postgres", asked="SELECT 1", settings={"port": 1}),
            steps=(
                PreparationStep(argv=("initdb",)),
                PreparationStep(argv=("postgres", "--single"), stdin="CREATE ROLE ü\n"),
            ),
            user=User(name="nobody", uid=65534, gid=65534),
            after=("redis",),
        ),
    ),
)


def test_a_spec_survives_its_journey_as_one_line() -> None:
    """What the supervisor reads equals what was sent, in one line whatever it holds."""
    line = SPEC.to_json()
    assert "\n" not in line
    assert SupervisorSpec.from_json(line) == SPEC


@pytest.mark.parametrize(
    ("line", "error"),
    [("", ValueError), ("{}", KeyError), ('{"services": [], "colour": 1}', TypeError)],
    ids=["nothing", "missing", "unknown"],
)
def test_a_damaged_spec_is_refused(line: str, error: type[Exception]) -> None:
    """Nothing is started from a spec that is not whole."""
    with pytest.raises(error):
        SupervisorSpec.from_json(line)
