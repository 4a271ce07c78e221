"""The fixtures of the acceptance tests: the simulators, a gateway in front of them, and ways to start others."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.behind import BehindTheGateway
from support.gateway import BUILD, Gateway, clean_environment, configuration, openai_entry, vertex_entry
from support.postgresql import Database, PostgreSQL
from support.simulators import Simulators


def pytest_report_header() -> str:
    return f"gantry: {BUILD}"


@pytest.fixture(scope="session")
def running_simulators(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulators]:
    data = tmp_path_factory.mktemp("simulators")
    running = Simulators(BUILD / "gantry-simulators", data, clean_environment())
    yield running
    running.stop()


@pytest.fixture
def simulators(running_simulators: Simulators) -> Iterator[Simulators]:
    """The simulators, empty and without faults."""
    running_simulators.reset()
    yield running_simulators
    running_simulators.clear_faults()


@pytest.fixture(scope="session")
def credentials(running_simulators: Simulators, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Writes the service-account key of an account of the Google simulator and returns its path."""
    directory = tmp_path_factory.mktemp("credentials")

    def write(account: str) -> Path:
        path = directory / f"{account}.json"
        if not path.exists():
            path.write_text(json.dumps(running_simulators.service_account(account)))
            path.chmod(0o600)
        return path

    return write


@pytest.fixture(scope="session")
def standard_configuration(running_simulators: Simulators, credentials: Callable[[str], Path]) -> Callable[..., dict]:
    """The configuration that most tests use; keyword arguments are added to `general_settings`."""

    def make(**settings) -> dict:
        one = running_simulators
        return configuration(
            openai_entry(one, model_info={"id": "openai-main"}),
            vertex_entry(one, credentials("main"), model_info={"id": "vertex-main"}),
            openai_entry(one, "gpt-4o-second", "second", model="gpt-4o", model_info={"id": "openai-second"}),
            openai_entry(one, "pair", "main", model_info={"id": "pair-main"}),
            openai_entry(one, "pair", "second", model_info={"id": "pair-second"}),
            openai_entry(one, "impatient", "main", timeout=1, model_info={"id": "openai-impatient"}),
            openai_entry(one, "embeddings", model="text-embedding-3-small", model_info={"id": "openai-embeddings"}),
            **settings,
        )

    return make


def secrets_of(credentials: Callable[[str], Path]) -> list[str]:
    """What must never stand in a log: the provider keys and a line of the private key."""
    private_key = json.loads(credentials("main").read_text())["private_key"]
    return ["sk-sim-main", "sk-sim-second", private_key.splitlines()[2]]


@pytest.fixture(scope="session")
def running_gateway(
    standard_configuration: Callable[..., dict],
    credentials: Callable[[str], Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Gateway]:
    running = Gateway.start(tmp_path_factory.mktemp("gateway"), standard_configuration())
    running.secrets += secrets_of(credentials)
    yield running
    running.stop()


@pytest.fixture
def gateway(running_gateway: Gateway, simulators: Simulators) -> Gateway:
    """The gateway that the tests share; the simulators behind it are empty."""
    return running_gateway


@pytest.fixture(scope="session")
def running_sweeper(
    standard_configuration: Callable[..., dict],
    credentials: Callable[[str], Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Gateway]:
    running = Gateway.start(tmp_path_factory.mktemp("sweeper"), standard_configuration(sweep_seconds=1))
    running.secrets += secrets_of(credentials)
    yield running
    running.stop()


@pytest.fixture
def sweeper(running_sweeper: Gateway, simulators: Simulators) -> Gateway:
    """A gateway like the shared one that sweeps every second."""
    return running_sweeper


@pytest.fixture
def behind(simulators: Simulators) -> Iterator[BehindTheGateway]:
    """Somebody else with the same provider accounts."""
    one = BehindTheGateway(simulators)
    yield one
    one.close()


@pytest.fixture
def start_gateway(
    simulators: Simulators, credentials: Callable[[str], Path], tmp_path: Path
) -> Iterator[Callable[..., Gateway]]:
    """Starts gateways of the test's own; they are stopped, and their logs checked, at its end."""
    started: list[Gateway] = []

    def start(config: dict | str, **options) -> Gateway:
        one = Gateway.start(tmp_path / f"gateway-{len(started)}", config, **options)
        one.secrets += secrets_of(credentials)
        started.append(one)
        return one

    yield start
    failures = []
    for one in started:
        try:
            one.stop()
        except AssertionError as failure:
            failures.append(failure)
    if failures:
        raise failures[0]


@pytest.fixture(scope="session")
def running_postgresql() -> Iterator[PostgreSQL]:
    running = PostgreSQL()
    yield running
    running.close()


@pytest.fixture
def postgresql(running_postgresql: PostgreSQL) -> Iterator[PostgreSQL]:
    """The server of these tests; it runs again when the next test begins."""
    if not running_postgresql.is_running:
        running_postgresql.start()
    yield running_postgresql
    if not running_postgresql.is_running:
        running_postgresql.start()


@pytest.fixture
def database(postgresql: PostgreSQL) -> Iterator[Database]:
    """An empty database, which is gone after the test."""
    one = postgresql.database()
    yield one
    if not postgresql.is_running:
        postgresql.start()
    one.drop()
