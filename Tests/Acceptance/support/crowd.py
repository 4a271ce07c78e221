"""Clients that keep on chatting while something goes wrong elsewhere."""

import threading
from dataclasses import dataclass, field

import httpx

from .gateway import Gateway
from .waiting import until


@dataclass
class _Client:
    model: str
    served: int = 0
    failures: list[str] = field(default_factory=list)


class Crowd:
    """One client for every model, each with one request after the other; every answer must be good."""

    def __init__(self, gateway: Gateway, *models: str):
        self._gateway = gateway
        self._clients = [_Client(model) for model in models]
        self._is_over = threading.Event()
        self._threads = [threading.Thread(target=self._chat, args=(client,)) for client in self._clients]

    def __enter__(self) -> "Crowd":
        for thread in self._threads:
            thread.start()
        self.wait_for_answers()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join(60)

    def wait_for_answers(self, number: int = 2, seconds: float = 30) -> None:
        """Waits until every client has got so many more answers that were asked for from now on."""
        # The one that comes next may have been asked for before.
        wanted = [client.served + number + 1 for client in self._clients]
        until(
            f"{number} more answers for everybody",
            lambda: self.failures or all(one.served >= least for one, least in zip(self._clients, wanted, strict=True)),
            seconds,
        )

    @property
    def served(self) -> int:
        return sum(client.served for client in self._clients)

    @property
    def failures(self) -> list[str]:
        return [failure for client in self._clients for failure in client.failures]

    def _chat(self, client: _Client) -> None:
        with self._gateway.client() as http:
            self._chat_over(client, http)

    def _chat_over(self, client: _Client, http: httpx.Client) -> None:
        while not self._is_over.is_set() and not client.failures:
            try:
                response = self._gateway.chat(client.model, "hello", http)
            except httpx.HTTPError as error:
                client.failures.append(f"{client.model}: {error!r}")
                return
            if response.status_code != 200 or not response.json()["choices"][0]["message"]["content"]:
                client.failures.append(f"{client.model}: {response.status_code} {response.text[:500]}")
            client.served += 1
