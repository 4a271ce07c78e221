"""Crashes of the gateway while a batch is made or ends, and what has to be true after the next start."""

import json
from collections.abc import Callable
from typing import ClassVar

import httpx

from .batches import OPENAI_MODEL, create, jsonl, line, post, upload
from .crashes import Aftermath, CrashSite, Scenario
from .gateway import Gateway
from .waiting import until

INPUT = jsonl(line("a"), line("b"))
#: What the poller and the sweeps of the next run need, on a slow machine, and among several hosts a lease.
_SECONDS_TO_SETTLE = 60
_SECONDS_TO_SETTLE_ON_POSTGRESQL = 150
_UNFINISHED = (
    "SELECT status, 'file' FROM files WHERE status NOT IN ('ready', 'deleted', 'expired') "
    "UNION ALL SELECT state, 'copy' FROM file_copies WHERE state <> 'ready' "
    "UNION ALL SELECT stage, 'object' FROM objects WHERE stage <> 'settled'"
)


class BatchCrashSite(CrashSite):
    """A place for crashes of batches: what is unfinished ends by itself."""

    settings: ClassVar[dict] = {"sweep_seconds": 1, "batch_poll_seconds": 1}
    unfinished: ClassVar[str] = _UNFINISHED

    def settle(self, gateway: Gateway) -> None:
        seconds = _SECONDS_TO_SETTLE_ON_POSTGRESQL if self.database else _SECONDS_TO_SETTLE
        until("nothing is unfinished", lambda: not self.rows(self.unfinished), seconds)

    def check_usable(self, gateway: Gateway, file_id: str) -> None:
        content = self.http.get(f"/v1/files/{file_id}/content")
        assert content.status_code == 200, content.text
        for one in content.text.splitlines():
            assert json.loads(one)["custom_id"] in ("a", "b")

    def batches(self) -> list[dict]:
        return self.http.get("/v1/batches").json()["data"]

    def provider_batches(self) -> list[str]:
        return [one["status"] for one in self.simulators.openai_objects("batches")]


def _prepare_input(site: BatchCrashSite, gateway: Gateway) -> str:
    return upload(gateway, INPUT, site.http, OPENAI_MODEL)


def _prepare_batch(site: BatchCrashSite, gateway: Gateway) -> str:
    file_id = _prepare_input(site, gateway)
    site.simulators.hold_openai(batch=True)
    create(gateway, file_id, site.http)
    return file_id


def judge(site: BatchCrashSite) -> Callable[[Aftermath], None]:
    """What has to be true of a batch, whatever its maker was told."""

    def check(after: Aftermath) -> None:
        batches = site.batches()
        assert len(batches) <= 1
        if after.answer is not None and after.answer.status_code == 200:
            assert len(batches) == 1, "the client was told of a batch that is not there"
        outputs = [one["output_file_id"] for one in batches if one["output_file_id"]]
        assert set(after.ids) == {after.file_id, *outputs}
        for batch in batches:
            assert batch["status"] == "completed", batch
            assert batch["usage"]["total_tokens"] > 0
        over = site.provider_batches()
        assert all(status in ("completed", "cancelled") for status in over), over
        assert over.count("completed") >= len(batches)

    return check


def make_batch(gateway: Gateway, http: httpx.Client, file_id: str | None) -> httpx.Response:
    return post(gateway, file_id, http)


def scenarios(site: BatchCrashSite) -> list[Scenario]:
    """A batch that is made, and one that ends."""

    def end_batch(gateway: Gateway, http: httpx.Client, _: str | None) -> httpx.Response:
        site.simulators.advance_openai(kind="batch", to="completed")
        batch = site.batches()[0]["id"]
        answers: list[httpx.Response] = []

        def is_over() -> bool:
            answers.append(http.get(f"/v1/batches/{batch}"))
            return answers[-1].json()["status"] == "completed"

        until("it is over", is_over, 30)
        return answers[-1]

    return [
        Scenario("a batch that is made", _prepare_input, make_batch, judge(site)),
        Scenario("a batch that ends", _prepare_batch, end_batch, judge(site)),
    ]
