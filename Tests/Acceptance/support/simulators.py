"""The bundled simulators of OpenAI and Google and the control interface that both of their ports have."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

import httpx

from .processes import Process
from .waiting import until


class Simulators:
    """A running pair of simulators."""

    def __init__(self, executable: Path, data: Path, environment: dict[str, str]):
        command = [executable, "--openai-port", "0", "--google-port", "0", "--data", data]
        self.process = Process(command, environment)
        ready = self.process.wait_for_line(r"^ready openai=(\S+) google=(\S+)$", seconds=20)
        self.openai_url, self.google_url = ready[1], ready[2]
        self._control = httpx.Client(base_url=self.google_url, timeout=30, trust_env=False)

    def stop(self) -> None:
        self._control.close()
        self.process.end()

    def reset(self) -> None:
        """Forgets every file, fault, request and count; keys and tokens stay good."""
        self._control.post("/_sim/reset").raise_for_status()

    def fault(self, provider: str, **what) -> None:
        """Adds a fault for requests of `provider` (`openai` or `google`); see the simulators for the fields."""
        self._control.post("/_sim/faults", json={"provider": provider, **what}).raise_for_status()

    def clear_faults(self) -> None:
        self._control.delete("/_sim/faults").raise_for_status()

    def held_requests(self) -> int:
        """How many requests wait because of a fault with `hold`."""
        return self.state()["held_requests"]

    def wait_for_held_requests(self, count: int) -> None:
        until(f"{count} requests are held at a simulator", lambda: self.held_requests() == count)

    def release(self, count: int | None = None) -> None:
        """Lets the oldest requests go that are held, all of them without a count."""
        what = {} if count is None else {"count": count}
        released = self._control.post("/_sim/release", json=what).raise_for_status().json()["released"]
        assert count in (None, released), f"{released} requests were held, and not {count}"

    @contextlib.contextmanager
    def holding(self, provider: str, **what) -> Iterator[None]:
        """Holds the requests that come within; afterwards lets all go and takes all faults back."""
        self.fault(provider, times=0, hold=True, **what)
        try:
            yield
        finally:
            self.clear_faults()
            self.release()

    def expire_tokens(self) -> None:
        self._control.post("/_sim/expire_tokens").raise_for_status()

    def advance(self, seconds: int) -> None:
        """Moves the simulators' clock on, until the next reset; nobody else's."""
        self._control.post("/_sim/advance", json={"seconds": seconds}).raise_for_status()

    def state(self) -> dict:
        response = self._control.get("/_sim/state")
        response.raise_for_status()
        return response.json()

    def openai_files(self, account: str | None = None) -> list[dict]:
        files = self.state()["openai"]["files"]
        return [file for file in files if account in (None, file["account"])]

    def openai_objects(self, kind: str, account: str | None = None) -> list[dict]:
        """The `batches`, `jobs` or `responses` of the simulated OpenAI."""
        objects = self.state()["openai"][kind]
        return [entry for entry in objects if account in (None, entry["account"])]

    def hold_openai(self, **kinds: bool) -> None:
        """Says for `batch`, `job` and `response` whether each waits for advance_openai, until the next reset."""
        self._control.post("/_sim/openai/hold", json=kinds).raise_for_status()

    def advance_openai(self, **wish) -> list[dict]:
        """Moves batches, jobs or responses; see OpenAIWish of the simulators for the fields."""
        answer = self._control.post("/_sim/openai/advance", json=wish)
        answer.raise_for_status()
        return answer.json()["objects"]

    def google_objects(self, account: str | None = None) -> list[dict]:
        objects = self.state()["google"]["objects"]
        return [entry for entry in objects if account in (None, entry["account"])]

    def requests(self, provider: str, path_contains: str = "", method: str | None = None) -> list[dict]:
        """The requests received since the last reset, without those of the control interface."""
        return [
            request
            for request in self.state()["requests"]
            if request["provider"] == provider
            and path_contains in request["path"]
            and method in (None, request["method"])
        ]

    def holds_nothing(self) -> bool:
        """Whether no file is at any provider."""
        state = self.state()
        return not (state["openai"]["files"] or state["google"]["objects"])

    def wait_for_open_request(self) -> None:
        until("a request is open at a simulator", lambda: self.state()["open_requests"] >= 1)

    def wait_for_cancelled_request(self, seconds: float = 10) -> None:
        until(
            "a simulator has seen its request cancelled",
            lambda: self.state()["cancelled_requests"] >= 1,
            seconds,
        )

    def service_account(self, account: str) -> dict:
        return self._document(f"/_sim/service_account.json?account={account}")

    def tokens_issued(self) -> int:
        """How many access tokens were given out since the last reset."""
        return sum(self.state()["google"]["tokens_issued"].values())

    def authorized_user(self, account: str) -> dict:
        return self._document(f"/_sim/authorized_user.json?account={account}")

    def _document(self, path: str) -> dict:
        response = self._control.get(path)
        response.raise_for_status()
        return json.loads(response.content)
