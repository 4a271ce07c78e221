"""Ordinary chats at a steady pace, in a process of their own: how long they take while something else happens."""

import contextlib
import http.client
import json
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from .gateway import MASTER_KEY, ROOT, clean_environment
from .processes import Process

_WORKERS = 4
_SECONDS_BETWEEN = 0.04


@dataclass
class Probe:
    """What the chats met; the times are in milliseconds."""

    count: int = 0
    p50: float = 0
    p99: float = 0
    failures: list[str] = ()


@contextlib.contextmanager
def probing(url: str, model: str, seconds: float = 0) -> Iterator[Probe]:
    """Sends chats while the block runs, and at least so long; the probe is filled in at its end."""
    directory = ROOT / "Tests" / "Acceptance"
    process = Process([sys.executable, "-m", "support.prober", url, model], clean_environment(), directory)
    probe = Probe()
    try:
        process.wait_for_line("^probing$", seconds=20)
        started = time.monotonic()
        yield probe
        time.sleep(max(0.0, seconds - (time.monotonic() - started)))  # The length of the measurement.
        process.signal(15)
        result = json.loads(process.wait_for_line(r"^result (.*)$", seconds=30)[1])
    finally:
        process.end()
    probe.count, probe.p50, probe.p99, probe.failures = (result[name] for name in ("count", "p50", "p99", "failures"))


def _worker(url: str, model: str, stop: threading.Event, times: list[float], failures: list[str]) -> None:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=20)
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": "ordinary"}]})
    headers = {"Authorization": f"Bearer {MASTER_KEY}", "Content-Type": "application/json"}
    while not stop.wait(_SECONDS_BETWEEN):
        started = time.monotonic()
        try:
            connection.request("POST", "/v1/chat/completions", body, headers)
            answer = connection.getresponse()
            content = answer.read()
            if answer.status != 200 or b'"ordinary"' not in content:
                failures.append(f"{answer.status}: {content[:200]!r}")
        except (OSError, http.client.HTTPException) as error:
            failures.append(repr(error))
            connection.close()
        times.append(1000 * (time.monotonic() - started))


def _main(url: str, model: str) -> None:
    import signal

    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    times: list[float] = []
    failures: list[str] = []
    arguments = (url, model, stop, times, failures)
    workers = [threading.Thread(target=_worker, args=arguments) for _ in range(_WORKERS)]
    for worker in workers:
        worker.start()
    print("probing", flush=True)
    for worker in workers:
        worker.join()
    times.sort()
    p50, p99 = (times[int(len(times) * share)] if times else 0 for share in (0.5, 0.99))
    print("result", json.dumps({"count": len(times), "p50": p50, "p99": p99, "failures": failures[:5]}), flush=True)


if __name__ == "__main__":
    _main(sys.argv[1], sys.argv[2])
