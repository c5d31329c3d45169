"""What all tests of the packages share."""

from __future__ import annotations

import ctypes
import gc
import os
import re
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from acceptance.stack import in_memory
from tests import program_server

_LIBC = ctypes.CDLL(None)

# The same examples each time, so that a change is judged by what it changed. HYPOTHESIS_PROFILE=explore looks further,
# as do the tests that choose their own number (`property_size`).
settings.register_profile("steady", derandomize=True, deadline=None)
settings.register_profile("explore", max_examples=500, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))


def pytest_configure(config: pytest.Config) -> None:
    """Keep temporary files in memory, and let xdist take the files in the order of their names.

    `tests/acceptance` comes first then, which starts real servers. By itself xdist takes those with most tests first;
    the slowest have few, and one of them would end the run alone.
    """
    in_memory.keep_temporary_files()
    if hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = False


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect without the garbage collector, and take what was collected out of its sight: it stays to the end.

    A million objects would otherwise be walked again and again: while they are made, and whenever a test has the
    garbage collected (`no_child_left`), which took longer than the test; a forked child would copy their pages.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.set_threshold(20_000)  # what a test makes is mostly gone before it is looked for
        gc.enable()
        gc.collect()
        gc.freeze()


_ADDRESS = re.compile(r" at 0x[0-9a-f]+")


def stable_id(value: object) -> str:
    """Name a parameter the same in every process: workers that share the tests must agree on what they are called."""
    return _ADDRESS.sub("", str(value))


@pytest.fixture
def open_dir() -> Iterator[Path]:
    """A directory that another user can reach, which pytest's own `tmp_path` is not."""
    with tempfile.TemporaryDirectory(prefix="preflight-test-") as name:
        path = Path(name)
        path.chmod(0o755)
        yield path


@pytest.fixture(scope="module", autouse=True)
def _memory_given_back() -> Iterator[None]:
    """Give back what a file's tests have freed: the system copies the map of it for each child that a test forks.

    Two hundred megabytes, which glibc keeps of those that Hypothesis needs for a while, make a fork four times as slow.
    """
    yield
    gc.collect()
    gc.freeze()
    _LIBC.malloc_trim(0)


@pytest.fixture(scope="session", autouse=True)
def _program_server_ends() -> Iterator[None]:
    yield
    program_server.stop()
