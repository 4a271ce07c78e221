"""Several deployments of a model: who is asked, how many at a time, and what happens when one fails."""

import http.server
import socketserver
import subprocess
import threading
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from support.documents import file_message, pdf
from support.errors import assert_error
from support.gateway import (
    PLUGINS,
    Gateway,
    clean_environment,
    configuration,
    openai_entry,
    run_gantry,
    write_configuration,
)
from support.simulators import Simulators
from support.waiting import until

CHAT = "/chat/completions"
Start = Callable[..., Gateway]


def routed(*models: dict, **router) -> dict:
    """A configuration with these entries and `router_settings`."""
    return configuration(*models) | {"router_settings": router}


def pair(simulators: Simulators, main: dict | None = None, second: dict | None = None) -> list[dict]:
    """Two deployments of one model, each with an account of its own."""
    return [
        openai_entry(simulators, "pair", "main", model_info={"id": "pair-main"}, **(main or {})),
        openai_entry(simulators, "pair", "second", model_info={"id": "pair-second"}, **(second or {})),
    ]


def chats(simulators: Simulators, account: str | None = None) -> list[dict]:
    return [one for one in simulators.requests("openai", CHAT) if account in (None, one["account"])]


def standing(gateway: Gateway, deployment: str) -> dict:
    """What `/health` says about a deployment."""
    health = gateway.admin.get("/health").json()
    entries = health["healthy_endpoints"] + health["unhealthy_endpoints"]
    return next(entry for entry in entries if entry["model_id"] == deployment)


def check(path: Path, folder: Path, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Has a configuration file checked."""
    options = ["--config", path, "--data", folder / "data", "--plugins", PLUGINS]
    return run_gantry("check", *options, environment=environment)


def answered_by(response: httpx.Response) -> str:
    assert response.status_code == 200, response.text
    return response.headers["x-gantry-model-id"]


class TestParallelRequests:
    """`max_parallel_requests`"""

    def test_no_more_than_the_limit_reach_the_provider_and_the_others_wait(
        self, start_gateway: Start, simulators: Simulators
    ) -> None:
        gateway = start_gateway(configuration(openai_entry(simulators, "one", max_parallel_requests=2)))

        with ThreadPoolExecutor(8) as pool, simulators.holding("openai", path_contains=CHAT):
            running = [pool.submit(gateway.chat, "one", "Hello") for _ in range(8)]
            until("all have come", lambda: standing(gateway, "one~1")["outstanding_requests"] == 8)
            assert standing(gateway, "one~1")["max_parallel_requests"] == 2
            for gone in range(6):
                simulators.wait_for_held_requests(2)
                assert len(chats(simulators)) == 2 + gone
                simulators.release(1)
            simulators.wait_for_held_requests(2)

        assert [one.result().status_code for one in running] == [200] * 8
        assert standing(gateway, "one~1")["outstanding_requests"] == 0

    def test_what_finds_the_queue_full_is_429_with_retry_after(
        self, start_gateway: Start, simulators: Simulators
    ) -> None:
        gateway = start_gateway(configuration(openai_entry(simulators, "one", max_parallel_requests=1)))

        with ThreadPoolExecutor(24) as pool, simulators.holding("openai", path_contains=CHAT):
            running = [pool.submit(gateway.chat, "one", "Hello") for _ in range(24)]
            # One runs and 16 wait.
            until("the others are refused", lambda: sum(one.done() for one in running) == 24 - 17)
            assert standing(gateway, "one~1")["outstanding_requests"] == 17
            refused = [one for one in running if one.done()]

        for one in refused:
            error = assert_error(one.result(), 429, "rate_limit_error", "rate_limit_exceeded")
            assert int(one.result().headers["retry-after"]) >= 1
            assert "max_parallel_requests" in error["message"]
        assert all(one.result().status_code == 200 for one in running if one not in refused)
        assert len(chats(simulators)) == 17

    def test_a_request_goes_where_it_does_not_have_to_wait(self, start_gateway: Start, simulators: Simulators) -> None:
        limit = {"max_parallel_requests": 1}
        gateway = start_gateway(configuration(*pair(simulators, limit, limit)))
        # Both are chosen for at the same time, mostly on two event loops.
        for _ in range(30):
            with ThreadPoolExecutor(2) as pool, simulators.holding("openai", path_contains=CHAT):
                running = [pool.submit(gateway.chat, "pair", "Hello") for _ in range(2)]
                simulators.wait_for_held_requests(2)

            assert {answered_by(one.result()) for one in running} == {"pair-main", "pair-second"}

    def test_uploads_count_and_a_client_that_leaves_makes_room(
        self, start_gateway: Start, simulators: Simulators
    ) -> None:
        gateway = start_gateway(configuration(openai_entry(simulators, "one", max_parallel_requests=1)))
        with ThreadPoolExecutor(2) as pool:
            with simulators.holding("openai", path_contains="/files", method="POST"):
                upload = pool.submit(gateway.upload, pdf(), "one")
                simulators.wait_for_held_requests(1)
                with pytest.raises(httpx.TimeoutException):
                    gateway.chat("one", "Hello", gateway.client(timeout=0.2))
                until("it has left", lambda: standing(gateway, "one~1")["outstanding_requests"] == 1)
                patient = pool.submit(gateway.chat, "one", "Hello")
                until("another waits", lambda: standing(gateway, "one~1")["outstanding_requests"] == 2)
                assert not chats(simulators)

            assert upload.result()["status"] == "processed"
            assert patient.result().status_code == 200

        assert len(chats(simulators)) == 1


class TestCooldown:
    """`allowed_fails` and `cooldown_time`"""

    def test_a_deployment_that_fails_is_spared_and_shown(self, start_gateway: Start, simulators: Simulators) -> None:
        gateway = start_gateway(routed(*pair(simulators), allowed_fails=1, cooldown_time=60))
        simulators.fault("openai", path_contains=CHAT, account="main", times=0, status=500)

        answers = [gateway.chat("pair", "Hello") for _ in range(20)]

        assert {answered_by(answer) for answer in answers} == {"pair-second"}
        assert len(chats(simulators, "main")) == 2
        assert 0 < standing(gateway, "pair-main")["cooldown_seconds"] <= 60
        assert "cooldown_seconds" not in standing(gateway, "pair-second")

    def test_it_comes_back_when_a_probe_succeeds(self, start_gateway: Start, simulators: Simulators) -> None:
        gateway = start_gateway(routed(*pair(simulators), allowed_fails=0, cooldown_time=1))
        simulators.fault("openai", path_contains=CHAT, account="main", times=2, status=503)
        until("it was asked", lambda: gateway.chat("pair", "Hello") and chats(simulators, "main"))
        until("it was asked again", lambda: gateway.chat("pair", "Hello") and len(chats(simulators, "main")) == 2)
        first, second = chats(simulators, "main")
        assert second["at_ms"] - first["at_ms"] >= 990

        until("it serves", lambda: answered_by(gateway.chat("pair", "Hello")) == "pair-main")
        assert "cooldown_seconds" not in standing(gateway, "pair-main")

    def test_the_providers_retry_after_is_heard(self, start_gateway: Start, simulators: Simulators) -> None:
        gateway = start_gateway(routed(*pair(simulators), allowed_fails=100))
        simulators.fault(
            "openai", path_contains=CHAT, account="main", times=0, status=429, headers={"retry-after": "30"}
        )

        answers = [gateway.chat("pair", "Hello") for _ in range(20)]

        assert {answered_by(answer) for answer in answers} == {"pair-second"}
        assert len(chats(simulators, "main")) == 1
        assert 20 < standing(gateway, "pair-main")["cooldown_seconds"] <= 30

    @pytest.mark.parametrize("status", [400, 404, 413, 422])
    def test_what_a_client_does_wrong_spares_nothing(
        self, start_gateway: Start, simulators: Simulators, status: int
    ) -> None:
        gateway = start_gateway(routed(*pair(simulators), allowed_fails=0, cooldown_time=60))
        simulators.fault("openai", path_contains=CHAT, times=10, status=status)
        for _ in range(10):
            assert gateway.chat("pair", "Hello").status_code in (400, 404, 413)

        for deployment in ("pair-main", "pair-second"):
            assert "cooldown_seconds" not in standing(gateway, deployment)
        assert {answered_by(gateway.chat("pair", "Hello")) for _ in range(20)} == {"pair-main", "pair-second"}

    def test_without_another_deployment_it_is_asked_all_the_same(
        self, start_gateway: Start, simulators: Simulators
    ) -> None:
        gateway = start_gateway(routed(openai_entry(simulators, "one"), allowed_fails=0, cooldown_time=60))
        simulators.fault("openai", path_contains=CHAT, times=5, status=503)
        for _ in range(5):
            response = gateway.chat("one", "Hello")
            assert_error(response, 503, "api_error", "upstream_unavailable")
            assert int(response.headers["retry-after"]) >= 1

        assert gateway.chat("one", "Hello").status_code == 200
        assert "cooldown_seconds" not in standing(gateway, "one~1")

    def test_the_only_holder_of_a_file_is_asked_though_it_rests(
        self, start_gateway: Start, simulators: Simulators
    ) -> None:
        gateway = start_gateway(routed(*pair(simulators), allowed_fails=0, cooldown_time=60))
        file = gateway.upload(targets="pair-main")
        simulators.fault("openai", path_contains=CHAT, account="main", times=1, status=500)
        assert_error(gateway.chat("pair", file_message(file["id"])), 503)
        assert standing(gateway, "pair-main")["cooldown_seconds"] > 0

        assert answered_by(gateway.chat("pair", file_message(file["id"]))) == "pair-main"


class TestBalance:
    """`weight` and `routing_strategy`"""

    def test_weights_share_the_requests(self, start_gateway: Start, simulators: Simulators) -> None:
        gateway = start_gateway(configuration(*pair(simulators, {"weight": 9}, {"weight": 1})))

        counts = Counter(answered_by(gateway.chat("pair", "Hello")) for _ in range(100))

        # Ten are expected; fewer than 1 or more than 24 come once in 30,000 runs.
        assert 1 <= counts["pair-second"] <= 24, counts

    def test_the_least_busy_is_asked(self, start_gateway: Start, simulators: Simulators) -> None:
        gateway = start_gateway(routed(*pair(simulators), routing_strategy="least-busy"))
        simulators.fault("openai", path_contains=CHAT, times=1, hold=True)
        with ThreadPoolExecutor(1) as pool:
            slow = pool.submit(gateway.chat, "pair", "Hello")
            simulators.wait_for_held_requests(1)
            others = {answered_by(gateway.chat("pair", "Hello")) for _ in range(10)}
            simulators.release(1)

            assert others == {"pair-main", "pair-second"} - {answered_by(slow.result())}

    @pytest.mark.parametrize("strategy", ["latency-based-routing", "usage-based-routing-v2", "Simple-Shuffle"])
    def test_another_strategy_is_refused_with_its_place(
        self, simulators: Simulators, tmp_path: Path, strategy: str
    ) -> None:
        config = routed(*pair(simulators), routing_strategy=strategy)
        path = write_configuration(tmp_path / "config.yaml", config)

        checked = check(path, tmp_path)

        assert checked.returncode == 2
        assert "router_settings.routing_strategy: must be simple-shuffle or least-busy" in checked.stderr
        assert str(path) in checked.stderr


class TestRetries:
    """`num_retries` and `retry_after`"""

    @pytest.mark.parametrize("stream", [False, True])
    def test_what_fails_for_a_moment_is_tried_again(
        self, start_gateway: Start, simulators: Simulators, stream: bool
    ) -> None:
        gateway = start_gateway(routed(openai_entry(simulators, "one"), num_retries=2))
        simulators.fault("openai", path_contains=CHAT, times=2, status=503)

        assert gateway.chat("one", "Hello", stream=stream).status_code == 200

        times = [one["at_ms"] for one in chats(simulators)]
        assert len(times) == 3
        # Half a second and a second, each by chance up to half less.
        assert times[1] - times[0] >= 240 and times[2] - times[1] >= 490

    def test_no_more_often_than_was_said(self, start_gateway: Start, simulators: Simulators) -> None:
        gateway = start_gateway(routed(openai_entry(simulators, "one"), num_retries=1))
        simulators.fault("openai", path_contains=CHAT, times=0, status=503)

        assert_error(gateway.chat("one", "Hello"), 503, "api_error", "upstream_unavailable")
        assert len(chats(simulators)) == 2

    def test_a_clients_mistake_is_not_tried_again(self, start_gateway: Start, simulators: Simulators) -> None:
        models = [openai_entry(simulators, "one"), openai_entry(simulators, "other", "second")]
        gateway = start_gateway(routed(*models, num_retries=3, fallbacks=[{"one": ["other"]}]))
        simulators.fault("openai", path_contains=CHAT, times=0, status=400)

        assert_error(gateway.chat("one", "Hello"), 400)
        assert len(chats(simulators)) == 1

    def test_nothing_is_tried_again_once_the_client_got_a_byte(
        self, start_gateway: Start, simulators: Simulators
    ) -> None:
        gateway = start_gateway(routed(*pair(simulators), num_retries=3))
        simulators.fault("openai", path_contains=CHAT, times=1, cut_after_bytes=300)

        answer = gateway.chat("pair", "Hello", stream=True)

        assert "[DONE]" not in answer.text
        assert len(chats(simulators)) == 1

    def test_a_client_that_leaves_is_not_tried_for(self, start_gateway: Start, simulators: Simulators) -> None:
        gateway = start_gateway(routed(openai_entry(simulators, "one"), num_retries=1, retry_after=1))
        simulators.fault("openai", path_contains=CHAT, times=0, status=503)
        with pytest.raises(httpx.TimeoutException):
            gateway.chat("one", "Hello", gateway.client(timeout=0.3))
        until("its attempt has ended", lambda: len(chats(simulators)) == 1)

        # Another one's pause is as long as the rest of its own would have been.
        gateway.chat("one", "Hello")
        assert len(chats(simulators)) == 3


class TestFallbacks:
    """`fallbacks`"""

    @pytest.fixture
    def start(self, start_gateway: Start, simulators: Simulators) -> Callable[..., Gateway]:
        def start(**router) -> Gateway:
            models = [openai_entry(simulators, "one"), openai_entry(simulators, "other", "second")]
            return start_gateway(routed(*models, fallbacks=[{"one": ["other"]}], **router))

        return start

    @pytest.mark.parametrize("stream", [False, True])
    @pytest.mark.parametrize("fault", [{"status": 500}, {"close_before_answer": True}, {"status": 429}])
    def test_another_model_answers(
        self, start: Callable[..., Gateway], simulators: Simulators, fault: dict, stream: bool
    ) -> None:
        gateway = start()
        simulators.fault("openai", path_contains=CHAT, account="main", times=0, **fault)

        assert answered_by(gateway.chat("one", "Hello", stream=stream)) == "other~1"

    def test_not_the_other_way_round(self, start: Callable[..., Gateway], simulators: Simulators) -> None:
        gateway = start()
        simulators.fault("openai", path_contains=CHAT, account="second", times=0, status=500)

        assert_error(gateway.chat("other", "Hello"), 503)

    def test_a_key_gets_no_model_that_it_may_not_use(
        self, start: Callable[..., Gateway], simulators: Simulators
    ) -> None:
        gateway = start()
        user = gateway.new_user(models=["one"])
        simulators.fault("openai", path_contains=CHAT, account="main", times=0, status=500)

        error = assert_error(gateway.chat("one", "Hello", user.http), 503, "api_error", "upstream_unavailable")

        assert "other" not in error["message"]
        assert not chats(simulators, "second")

    def test_a_file_that_the_other_model_does_not_have_is_not_asked_for_there(
        self, start: Callable[..., Gateway], simulators: Simulators
    ) -> None:
        gateway = start()
        here = gateway.upload(targets="one")
        both = gateway.upload(targets="one,other")
        simulators.fault("openai", path_contains=CHAT, account="main", times=0, status=500)

        error = assert_error(gateway.chat("one", file_message(here["id"])), 503, "api_error", "upstream_unavailable")
        assert "one" in error["message"]
        assert not chats(simulators, "second")
        assert answered_by(gateway.chat("one", file_message(both["id"]))) == "other~1"

    def test_a_model_that_rests_is_not_asked_while_another_answers(
        self, start: Callable[..., Gateway], simulators: Simulators
    ) -> None:
        gateway = start(allowed_fails=0, cooldown_time=60)
        simulators.fault("openai", path_contains=CHAT, account="main", times=0, status=500)
        for _ in range(5):
            assert answered_by(gateway.chat("one", "Hello")) == "other~1"
        assert len(chats(simulators, "main")) == 1

        # When nobody else can, it is asked again.
        simulators.clear_faults()
        simulators.fault("openai", path_contains=CHAT, account="second", times=0, status=500)
        assert answered_by(gateway.chat("one", "Hello")) == "one~1"


@dataclass
class Proxy:
    """A proxy that leads every plain request to one place, whatever host it names."""

    target: str
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    port: int = 0


@pytest.fixture
def proxy(simulators: Simulators) -> Iterator[Proxy]:
    one = Proxy(simulators.openai_url.removesuffix("/v1"))

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            one.requests.append((self.path, self.headers["Proxy-Authorization"]))
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {"Authorization": self.headers["Authorization"], "Content-Type": "application/json"}
            path = urlsplit(self.path).path
            answer = httpx.post(one.target + path, content=body, headers=headers, trust_env=False)
            self.send_response(answer.status_code)
            self.send_header("Content-Type", answer.headers["content-type"])
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, *_) -> None:
            """Says nothing."""

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        one.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield one
        server.shutdown()
        thread.join(5)


class TestProxy:
    """`HTTP_PROXY`, `NO_PROXY`"""

    HOST = "openai.test.invalid"
    PASSWORD = "hunter2-proxy"

    def gateway(self, start_gateway: Start, simulators: Simulators, proxy: Proxy, **environment: str) -> Gateway:
        entry = openai_entry(simulators, "far", api_base=f"http://{self.HOST}/v1")
        url = f"http://user:{self.PASSWORD}@127.0.0.1:{proxy.port}"
        variables = clean_environment(http_proxy=url, HTTP_PROXY="http://192.0.2.1:1", **environment)
        gateway = start_gateway(configuration(entry, openai_entry(simulators, "near")), environment=variables)
        gateway.secrets += [self.PASSWORD, b64encode(f"user:{self.PASSWORD}".encode()).decode()]
        return gateway

    def test_providers_are_reached_through_it_and_this_machine_is_not(
        self, start_gateway: Start, simulators: Simulators, proxy: Proxy
    ) -> None:
        gateway = self.gateway(start_gateway, simulators, proxy, no_proxy="")

        assert gateway.chat("far", "Hello").status_code == 200
        assert gateway.chat("near", "Hello").status_code == 200

        credentials = "Basic " + b64encode(f"user:{self.PASSWORD}".encode()).decode()
        assert proxy.requests == [(f"http://{self.HOST}/v1/chat/completions", credentials)]

    def test_no_proxy_is_heard(self, start_gateway: Start, simulators: Simulators, proxy: Proxy) -> None:
        gateway = self.gateway(start_gateway, simulators, proxy, no_proxy="other.example, .test.invalid")

        assert gateway.chat("far", "Hello").status_code == 503
        assert not proxy.requests

    def test_a_proxy_that_is_none_is_told_without_its_password(self, simulators: Simulators, tmp_path: Path) -> None:
        path = write_configuration(tmp_path / "config.yaml", configuration(openai_entry(simulators)))
        variables = clean_environment(https_proxy=f"socks5://user:{self.PASSWORD}@127.0.0.1:1")

        checked = check(path, tmp_path, variables)

        assert checked.returncode == 2
        assert "environment: https_proxy: only proxies that are reached by http://" in checked.stderr
        assert self.PASSWORD not in checked.stderr

    def test_authorities_that_are_not_there_are_told_with_their_place(
        self, simulators: Simulators, tmp_path: Path
    ) -> None:
        config = configuration(openai_entry(simulators)) | {"litellm_settings": {"ssl_verify": "/no/such.pem"}}
        path = write_configuration(tmp_path / "config.yaml", config)

        checked = check(path, tmp_path)

        assert checked.returncode == 2
        assert "litellm_settings.ssl_verify: " in checked.stderr and "/no/such.pem" in checked.stderr
