"""What holds for every test: sockets stay on this machine, async tests run on both loops, slowness is no fault."""

import importlib.util
import os
import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell ignores it for what it starts in the background
    signal.signal(signal.SIGINT, signal.default_int_handler)  # and tests interrupt themselves and their children

_LOOPBACK = Path(__file__).parent / "loopback"


def _confine_sockets() -> None:
    """Confine this process now and, through the environment, every Python and Node process started from here."""
    spec = importlib.util.spec_from_file_location("paygent_tests_loopback", _LOOPBACK / "sitecustomize.py")
    assert spec is not None
    assert spec.loader is not None
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
    inherited = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    if str(_LOOPBACK) not in inherited:
        os.environ["PYTHONPATH"] = os.pathsep.join([str(_LOOPBACK), *inherited])
        node_options = f'{os.environ.get("NODE_OPTIONS", "")} --require "{_LOOPBACK / "loopback.cjs"}"'
        os.environ["NODE_OPTIONS"] = node_options.strip()


_confine_sockets()
settings.register_profile("paygent", deadline=None, suppress_health_check=[HealthCheck.too_slow])  # machines are shared
settings.register_profile("long", settings.get_profile("paygent"), print_blob=True)  # as tests do that can go on
settings.load_profile("paygent")


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    backend: str = request.param
    return backend
