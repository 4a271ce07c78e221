"""Signed webhooks: what OpenAI's SDK accepts, what is tried again, and whom the gateway never talks to."""

import signal
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from openai import InvalidWebhookSignatureError, OpenAI
from standardwebhooks import Webhook

from support.gateway import PLUGINS, Gateway, clean_environment, run_gantry, write_configuration
from support.postgresql import Database
from support.registry import rows
from support.waiting import until
from support.webhooks import TOKEN, Receiver, message, new_secret, settings

#: An attempt that failed is made again 5 s later; the rest is for a slow machine.
SECONDS_TO_RETRY = 60
#: A message that another host held when it was killed is free after its lease.
SECONDS_TO_TAKE_OVER = 120

StartReceiver = Callable[..., Receiver]
StartWebhooks = Callable[..., Gateway]


@pytest.fixture
def start_receiver() -> Iterator[StartReceiver]:
    """Starts receivers; they end with the test."""
    started: list[Receiver] = []

    def start(*arguments) -> Receiver:
        started.append(Receiver(*arguments))
        return started[-1]

    yield start
    for one in started:
        one.close()


@pytest.fixture
def secret() -> str:
    return new_secret()


@pytest.fixture
def start_webhooks(
    start_gateway: Callable[..., Gateway], standard_configuration: Callable[..., dict], secret: str
) -> StartWebhooks:
    """Starts a gateway that sends to these receivers; neither the secret nor a URL's token may come into its log."""

    def start(*receivers: Receiver, webhooks: dict | None = None, **options) -> Gateway:
        chosen = settings(*(one.host for one in receivers), secret=secret) | (webhooks or {})
        host = start_gateway(standard_configuration(webhooks=chosen), **options)
        host.secrets += [TOKEN, secret.removeprefix("whsec_")]
        return host

    return start


def tell(gateway: Gateway, url: str, object_id: str, kind: str = "batch.completed") -> None:
    """Has a message sent, as the transaction in which an object ends does."""
    with closing(sqlite3.connect(gateway.data / "gantry.sqlite", timeout=30)) as registry, registry:
        registry.execute(message(url, object_id, kind))


def state(gateway: Gateway, object_id: str) -> tuple:
    """State, attempts and last error of a message."""
    statement = "SELECT state, attempts, last_error FROM webhook_deliveries WHERE object_id = ?"
    return rows(gateway.data, statement, object_id)[0]


def delivered(gateway: Gateway, object_id: str, seconds: float = 30) -> None:
    until(f"{object_id} is delivered", lambda: state(gateway, object_id)[0] == "delivered", seconds)


class TestMessages:
    """What arrives."""

    @pytest.mark.parametrize(
        "kind",
        ["batch.completed", "batch.failed", "batch.expired", "batch.cancelled"]
        + ["fine_tuning.job.succeeded", "fine_tuning.job.failed", "fine_tuning.job.cancelled"],
    )
    def test_are_what_the_sdk_unwraps(
        self, start_receiver: StartReceiver, start_webhooks: StartWebhooks, secret: str, kind: str
    ) -> None:
        receiver = start_receiver()
        gateway = start_webhooks(receiver)

        tell(gateway, receiver.url(), "object-1", kind)
        delivered(gateway, "object-1")

        [post] = receiver.posts
        client = OpenAI(api_key="sk-none", webhook_secret=secret)
        event = client.webhooks.unwrap(post.body, post.headers)
        assert (event.type, event.object, event.data.id) == (kind, "event", "object-1")
        assert Webhook(secret).verify(post.body, post.headers) == post.event
        with pytest.raises(InvalidWebhookSignatureError):
            client.webhooks.unwrap(post.body.replace(b"object-1", b"object-2"), post.headers)
        assert post.headers["content-type"] == "application/json"
        assert post.headers["user-agent"].startswith("Gantry/")
        assert post.path == f"/hook?token={TOKEN}"

    def test_are_signed_with_every_secret_while_they_change(
        self, start_receiver: StartReceiver, start_webhooks: StartWebhooks
    ) -> None:
        receiver = start_receiver()
        old, new = new_secret(24), new_secret(64)
        gateway = start_webhooks(receiver, webhooks={"secret": [old, new]})
        gateway.secrets += [old, new]

        tell(gateway, receiver.url(), "batch_1")
        delivered(gateway, "batch_1")

        for secret in (old, new):
            event = OpenAI(api_key="sk-none").webhooks.unwrap(
                receiver.posts[0].body, receiver.posts[0].headers, secret=secret
            )
            assert event.data.id == "batch_1"


class TestFailures:
    """What is tried again, and what is not."""

    def test_are_tried_again_with_the_same_id_and_a_new_time(
        self, start_receiver: StartReceiver, start_webhooks: StartWebhooks, secret: str
    ) -> None:
        receiver = start_receiver(lambda _post, number: (200 if number > 0 else 500, {}))
        gateway = start_webhooks(receiver)

        tell(gateway, receiver.url(), "batch_1")
        delivered(gateway, "batch_1", SECONDS_TO_RETRY)

        first, second = receiver.of("batch_1")
        assert first.id == second.id
        assert first.body == second.body
        assert int(first.headers["webhook-timestamp"]) < int(second.headers["webhook-timestamp"])
        for post in (first, second):
            assert OpenAI(api_key="x").webhooks.unwrap(post.body, post.headers, secret=secret).data.id == "batch_1"

    def test_are_retried_later_if_the_receiver_says_so(
        self, start_receiver: StartReceiver, start_webhooks: StartWebhooks
    ) -> None:
        receiver = start_receiver(lambda _post, _number: (503, {"Retry-After": "1000"}))
        gateway = start_webhooks(receiver)

        tell(gateway, receiver.url(), "batch_1")

        gateway.process.wait_for_line(r"webhook.retry_in_seconds=1000 .*could not be delivered yet", 30)
        until("it is noted", lambda: state(gateway, "batch_1") == ("pending", 1, "HTTP 503"))

    def test_of_a_receiver_that_is_gone_are_the_last(
        self, start_receiver: StartReceiver, start_webhooks: StartWebhooks
    ) -> None:
        receiver = start_receiver(lambda _post, _number: (410, {}))
        gateway = start_webhooks(receiver)

        tell(gateway, receiver.url(), "batch_1")

        until("it is given up", lambda: state(gateway, "batch_1")[0] == "failed", 30)
        assert len(receiver.posts) == 1

    @pytest.mark.parametrize("status", [301, 302, 307, 308])
    def test_redirects_are_not_followed(
        self, start_receiver: StartReceiver, start_webhooks: StartWebhooks, status: int
    ) -> None:
        elsewhere = start_receiver()
        receiver = start_receiver(lambda _post, _number: (status, {"Location": elsewhere.url()}))
        gateway = start_webhooks(receiver, elsewhere)

        tell(gateway, receiver.url(), "batch_1")

        until("it has failed", lambda: state(gateway, "batch_1")[2] == f"HTTP {status}", 30)
        assert elsewhere.connections == 0

    def test_a_receiver_that_never_answers_holds_up_nobody_else(
        self, start_receiver: StartReceiver, start_webhooks: StartWebhooks
    ) -> None:
        released = threading.Event()
        dead = start_receiver(lambda _post, _number: (released.wait(150) and 200 or 200, {}))
        alive = start_receiver()
        gateway = start_webhooks(dead, alive)
        for number in range(10):
            tell(gateway, dead.url(), f"dead_{number}")
        until("the dead one is asked", lambda: dead.posts, 30)

        for number in range(10):
            tell(gateway, alive.url(), f"alive_{number}")
        for number in range(10):
            delivered(gateway, f"alive_{number}", 60)

        # Each of them waits until its own time is over.
        until("one is put off", lambda: "timeout" in (state(gateway, "dead_0")[2] or ""), 120)
        released.set()


class TestCrashes:
    """A host that is killed."""

    def test_between_two_attempts_lose_nothing(
        self, start_receiver: StartReceiver, start_webhooks: StartWebhooks
    ) -> None:
        receiver = start_receiver(lambda _post, number: (200 if number > 0 else 500, {}))
        gateway = start_webhooks(receiver)
        tell(gateway, receiver.url(), "batch_1")
        until("the first attempt is noted", lambda: state(gateway, "batch_1")[2] == "HTTP 500", 30)
        gateway.signal(signal.SIGKILL)
        gateway.process.wait(30)

        again = start_webhooks(receiver, data=gateway.data)

        delivered(again, "batch_1", SECONDS_TO_RETRY)
        assert len({post.id for post in receiver.of("batch_1")}) == 1

    def test_during_an_attempt_have_it_made_again_at_once(
        self, start_receiver: StartReceiver, start_webhooks: StartWebhooks
    ) -> None:
        released = threading.Event()
        receiver = start_receiver(lambda _post, number: (200 if number > 0 or released.wait(150) else 200, {}))
        gateway = start_webhooks(receiver)
        tell(gateway, receiver.url(), "batch_1")
        until("the attempt is under way", lambda: receiver.posts, 30)
        gateway.signal(signal.SIGKILL)
        gateway.process.wait(30)

        again = start_webhooks(receiver, data=gateway.data)

        delivered(again, "batch_1", SECONDS_TO_TAKE_OVER)
        released.set()
        assert len({post.id for post in receiver.of("batch_1")}) == 1

    def test_a_host_that_is_told_to_stop_does_not_wait_for_a_receiver(
        self, start_receiver: StartReceiver, start_webhooks: StartWebhooks
    ) -> None:
        released = threading.Event()
        receiver = start_receiver(lambda _post, _number: (released.wait(150) and 200 or 200, {}))
        gateway = start_webhooks(receiver)
        tell(gateway, receiver.url(), "batch_1")
        until("the attempt is under way", lambda: receiver.posts, 30)

        gateway.stop()
        released.set()

        # It was no attempt, and the next host need not wait.
        assert state(gateway, "batch_1")[:2] == ("pending", 0)


class TestTwoHosts:
    """Several hosts on one database."""

    def test_send_each_message_once(
        self, start_receiver: StartReceiver, start_webhooks: StartWebhooks, database: Database
    ) -> None:
        receiver = start_receiver()
        environment = clean_environment(DATABASE_URL=database.url)
        for _ in range(2):
            start_webhooks(receiver, environment=environment)

        def insert(number: int) -> None:
            database.server.sql(message(receiver.url(), f"batch_{number}"), database.name)

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(insert, range(40)))

        def count() -> str:
            statement = "SELECT COUNT(*) FROM webhook_deliveries WHERE state = 'delivered'"
            return database.server.sql(statement, database.name)[0][0]

        until("all are delivered", lambda: count() == "40", 90)
        assert Counter(post.id for post in receiver.posts).most_common(1)[0][1] == 1
        assert len(receiver.posts) == 40


class TestPrivateAddresses:
    """Whom the gateway never talks to."""

    @pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::ffff:127.0.0.1]", "0.0.0.0"])
    def test_are_refused_however_they_are_spelled(
        self, start_receiver: StartReceiver, start_webhooks: StartWebhooks, host: str
    ) -> None:
        receiver = start_receiver()
        port = receiver.host.rsplit(":", 1)[1]
        hosts = [f"http://{name}:{port}" for name in ("localhost", "127.0.0.1", "0.0.0.0")]
        webhooks = {"allowed_hosts": hosts, "allow_private_addresses": False}
        gateway = start_webhooks(receiver, webhooks=webhooks)

        tell(gateway, f"http://{host}:{port}/?token={TOKEN}", "batch_1")

        until("it has failed", lambda: state(gateway, "batch_1")[2], 30)
        assert "not public" in state(gateway, "batch_1")[2] or "not one that" in state(gateway, "batch_1")[2]
        assert receiver.connections == 0

    def test_are_refused_even_if_the_machine_has_a_proxy(
        self, start_receiver: StartReceiver, start_webhooks: StartWebhooks
    ) -> None:
        receiver, proxy = start_receiver(), start_receiver()
        port = receiver.host.rsplit(":", 1)[1]
        webhooks = {"allowed_hosts": [f"http://hooks.test.invalid:{port}"], "allow_private_addresses": False}
        environment = clean_environment(http_proxy=proxy.host, https_proxy=proxy.host)
        gateway = start_webhooks(receiver, webhooks=webhooks, environment=environment)

        tell(gateway, f"http://hooks.test.invalid:{port}/?token={TOKEN}", "batch_1")

        until("it has failed", lambda: state(gateway, "batch_1")[2], 60)
        assert proxy.connections == 0


class TestConfiguration:
    """What is found before the gateway serves."""

    @pytest.mark.parametrize(
        ("webhooks", "place"),
        [
            ({}, ": secret is missing"),
            ({"secret": "whsec_c2hvcnQ="}, ".secret"),
            ({"secret": new_secret(), "url": "https://10.0.0.1/x"}, ".url"),
            ({"secret": new_secret(), "url": "https://user@hooks.example/"}, ".url"),
            ({"secret": new_secret(), "url": "hooks.example"}, ".url"),
            ({"secret": new_secret(), "allowed_hosts": ["https://a.example/path"]}, ".allowed_hosts[0]"),
        ],
    )
    def test_says_where_it_is_wrong(
        self, standard_configuration: Callable[..., dict], tmp_path: Path, webhooks: dict, place: str
    ) -> None:
        path = write_configuration(tmp_path / "config.yaml", standard_configuration(webhooks=webhooks))

        done = run_gantry("check", "--config", path, "--plugins", PLUGINS, "--data", tmp_path / "data")

        assert done.returncode != 0
        assert f"general_settings.webhooks{place}" in done.stderr
        assert "whsec_c2h" not in done.stderr
