"""A long steady load on gateways that share a PostgreSQL, which is restarted in the middle; `scripts/soak` runs it."""

import argparse
import json
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from .gateway import BUILD, Gateway, clean_environment, configuration, openai_entry, vertex_entry
from .load import Load, Result
from .postgresql import PostgreSQL
from .simulators import Simulators


def soak(folder: Path, hosts: int, seconds: float, rate: float) -> Result:
    """Starts everything, sends the load, and ends everything."""
    with ExitStack() as stack:
        postgresql = PostgreSQL()
        stack.callback(postgresql.close)
        simulators = Simulators(BUILD / "gantry-simulators", folder / "simulators", clean_environment())
        stack.callback(simulators.stop)
        environment = clean_environment(DATABASE_URL=postgresql.database().url)
        config = _configuration(folder, simulators)
        gateways = []
        for number in range(hosts):
            gateway = Gateway.start(folder / f"gateway-{number}", config, environment=environment, log_level="info")
            gateway.secrets += [postgresql.password, "sk-sim-main"]
            stack.callback(gateway.stop)
            gateways.append(gateway)
        memory = [gateway.process.memory_bytes("VmRSS") for gateway in gateways]
        result = Load([gateway.url for gateway in gateways], simulators, rate).run(seconds, postgresql.restart)
        for gateway, before in zip(gateways, memory, strict=True):
            after = gateway.process.memory_bytes("VmRSS")
            print(f"memory of {gateway.url}: {before >> 20} MiB at the start, {after >> 20} MiB at the end")
        return result


def _configuration(folder: Path, simulators: Simulators) -> dict:
    credentials = folder / "credentials.json"
    credentials.write_text(json.dumps(simulators.service_account("main")))
    credentials.chmod(0o600)
    return configuration(
        openai_entry(simulators, model_info={"id": "openai-main"}),
        vertex_entry(simulators, credentials, model_info={"id": "vertex-main"}),
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--rate", type=float, default=40, help="requests a second, over all gateways")
    parser.add_argument("--hosts", type=int, default=2, help="gateways on the one database")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gantry-soak-") as folder:
        result = soak(Path(folder), options.hosts, options.seconds, options.rate)
    print(result.table())
    for text in result.wrong[:20]:
        print(f"wrong: {text}")
    expected = 0.9 * options.seconds * options.rate
    if result.requests < expected:
        print(f"only {result.requests} requests were sent, of {options.seconds * options.rate:.0f}")
    return 1 if result.wrong or result.requests < expected else 0


if __name__ == "__main__":
    sys.exit(main())
