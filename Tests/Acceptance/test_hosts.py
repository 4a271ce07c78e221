"""Several gateways on one PostgreSQL: what one does, all know; what one leaves, another finishes.

And the database away: what is known goes on for a while, everything else is told to come back later.
"""

import re
import signal
import socket
import time
import uuid
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from support.documents import file_message, pdf, upload_body
from support.errors import assert_error
from support.gateway import PLUGINS, Gateway, clean_environment, run_gantry, write_configuration
from support.load import Load
from support.postgresql import Database, PostgreSQL
from support.simulators import Simulators
from support.waiting import until

OPENAI_MODEL = "gpt-4o-mini-openai"
VERTEX_MODEL = "gemini-2.0-flash"
BOTH = f"{OPENAI_MODEL},{VERTEX_MODEL}"

#: How late another host may hear of a change.
SECONDS_TO_HEAR = 2
#: A dead host's work is taken over when its lease is over.
SECONDS_TO_TAKE_OVER = 90
#: What was cached is not believed for ever.
SECONDS_OF_GRACE = 120

StartHost = Callable[..., Gateway]


@pytest.fixture
def start_host(
    database: Database, start_gateway: Callable[..., Gateway], standard_configuration: Callable[..., dict]
) -> StartHost:
    """Starts a gateway with a data directory of its own, or another's, on the test's database."""

    def start(**options) -> Gateway:
        environment = clean_environment(DATABASE_URL=database.url)
        host = start_gateway(standard_configuration(sweep_seconds=1), environment=environment, **options)
        host.secrets.append(database.server.password)
        return host

    return start


@pytest.fixture
def hosts(start_host: StartHost) -> tuple[Gateway, Gateway]:
    return start_host(), start_host()


def check_in_time(what: str, probe: Callable[[], bool], since: float) -> None:
    """Waits until `probe` is true, which has to be so soon after the other host's answer."""
    until(what, probe, seconds=SECONDS_TO_HEAR - (time.monotonic() - since))


class TestTwoHosts:
    """What one does, the other knows."""

    def test_take_each_others_keys(self, hosts: tuple[Gateway, Gateway]) -> None:
        one, other = hosts
        user = one.new_user("shared")

        response = other.client(user.key).get("/v1/models")

        assert response.status_code == 200, response.text

    @pytest.mark.parametrize("listening", ["listening", "deaf"])
    def test_refuse_a_key_that_the_other_has_revoked(
        self, hosts: tuple[Gateway, Gateway], database: Database, listening: str
    ) -> None:
        one, other = hosts
        user = one.new_user("revoked")
        there = other.client(user.key)
        assert there.get("/v1/models").status_code == 200
        until("both hosts listen", lambda: len(database.listeners()) >= 2)
        if listening == "deaf":
            assert database.cut_listeners() >= 2

        assert one.admin.post("/key/delete", json={"keys": [user.key]}).status_code == 200

        revoked_at = time.monotonic()
        check_in_time("the other host refuses it", lambda: there.get("/v1/models").status_code == 401, revoked_at)
        assert_error(one.client(user.key).get("/v1/models"), 401)

    def test_hear_again_after_the_listening_session_was_cut(
        self, hosts: tuple[Gateway, Gateway], database: Database
    ) -> None:
        until("both hosts listen", lambda: len(database.listeners()) >= 2)
        before = set(database.listeners())
        database.cut_listeners()

        until("both hosts listen again", lambda: len(set(database.listeners()) - before) >= 2, seconds=20)

    def test_use_each_others_files_at_once(self, hosts: tuple[Gateway, Gateway]) -> None:
        one, other = hosts
        content = pdf("Made on one host, read on the other.")

        file_id = one.upload(content, BOTH)["id"]

        assert other.admin.get(f"/v1/files/{file_id}").status_code == 200
        assert other.admin.get(f"/v1/files/{file_id}/content").content == content
        assert file_id in other.file_ids()
        for model in (OPENAI_MODEL, VERTEX_MODEL):
            assert other.chat(model, file_message(file_id)).status_code == 200

    @pytest.mark.parametrize("listening", ["listening", "deaf"])
    def test_do_not_know_a_file_that_the_other_has_deleted(
        self, hosts: tuple[Gateway, Gateway], database: Database, simulators: Simulators, listening: str
    ) -> None:
        one, other = hosts
        file_id = one.upload(targets=BOTH)["id"]
        assert other.chat(OPENAI_MODEL, file_message(file_id)).status_code == 200
        until("both hosts listen", lambda: len(database.listeners()) >= 2)
        if listening == "deaf":
            assert database.cut_listeners() >= 2

        assert one.admin.delete(f"/v1/files/{file_id}").status_code == 200

        deleted_at = time.monotonic()
        check_in_time(
            "the other host does not chat about it",
            lambda: other.chat(OPENAI_MODEL, file_message(file_id)).status_code == 404,
            deleted_at,
        )
        assert_error(other.admin.get(f"/v1/files/{file_id}"), 404)
        assert file_id not in other.file_ids()
        assert simulators.holds_nothing()

    def test_share_the_ids_of_their_files(self, hosts: tuple[Gateway, Gateway]) -> None:
        one, other = hosts
        forged = f"{one.upload(targets=OPENAI_MODEL)['id'][:-4]}aaaa"

        assert_error(other.admin.get(f"/v1/files/{forged}"), 404)

    def test_make_one_file_of_one_idempotency_key(self, hosts: tuple[Gateway, Gateway], simulators: Simulators) -> None:
        bodies = {uuid.uuid4().hex: upload_body(pdf(f"Number {number}"), BOTH) for number in range(8)}

        def send(host: Gateway, key: str) -> tuple[str, httpx.Response]:
            headers = {"Content-Type": bodies[key].content_type, "Idempotency-Key": key}
            return key, host.admin.post("/v1/files", content=bodies[key].body(), headers=headers)

        with ThreadPoolExecutor(4) as pool:
            sent = [pool.submit(send, host, key) for key in bodies for host in (*hosts, *hosts)]
            answers = [one.result() for one in sent]

        # One that comes while the first is under way may be told so.
        assert {answer.status_code for _, answer in answers} <= {200, 409}
        made: dict[str, set[str]] = {key: set() for key in bodies}
        for key, answer in answers:
            if answer.status_code == 200:
                made[key].add(answer.json()["id"])
        assert [len(ids) for ids in made.values()] == [1] * len(bodies), made
        for key, ids in made.items():
            assert [send(host, key)[1].json()["id"] for host in hosts] == [*ids] * 2
        assert len(simulators.openai_files()) == len(simulators.google_objects()) == len(bodies)


class TestADeadHost:
    """Killed in the middle of an upload: its work is finished, once."""

    def test_is_swept_once_by_another_when_its_lease_is_over(
        self, hosts: tuple[Gateway, Gateway], database: Database, simulators: Simulators
    ) -> None:
        dying, other = hosts
        self.kill_in_an_upload(dying, database, simulators)

        until("the other host has swept", simulators.holds_nothing, seconds=SECONDS_TO_TAKE_OVER)

        self.check_each_was_deleted_once(simulators, [other])

    def test_is_swept_once_when_it_comes_back_beside_another(
        self, hosts: tuple[Gateway, Gateway], start_host: StartHost, database: Database, simulators: Simulators
    ) -> None:
        dying, other = hosts
        self.kill_in_an_upload(dying, database, simulators)

        again = start_host(data=dying.data)

        until("somebody has swept", simulators.holds_nothing, seconds=SECONDS_TO_TAKE_OVER)
        self.check_each_was_deleted_once(simulators, [again, other])

    def test_does_not_lose_a_live_hosts_upload(self, hosts: tuple[Gateway, Gateway], simulators: Simulators) -> None:
        one, other = hosts
        with ThreadPoolExecutor(1) as pool:
            with simulators.holding("openai", path_prefix="/v1/files", method="POST"):
                running = pool.submit(one.upload, None, BOTH)
                until("one provider has its copy", simulators.google_objects)
                self.wait_for_sweeps([other])
            file_id = running.result(timeout=30)["id"]
        assert other.chat(VERTEX_MODEL, file_message(file_id)).status_code == 200
        assert (len(simulators.openai_files()), len(simulators.google_objects())) == (1, 1)

    def test_is_in_the_hands_of_one_at_a_time(
        self, hosts: tuple[Gateway, Gateway], start_host: StartHost, database: Database, simulators: Simulators
    ) -> None:
        """However often they look while a provider takes its time over the deletion."""
        dying, other = hosts
        self.kill_in_an_upload(dying, database, simulators)
        with simulators.holding("google", method="DELETE"):
            again = start_host(data=dying.data)
            until("the object is being deleted", simulators.held_requests, seconds=SECONDS_TO_TAKE_OVER)
            self.wait_for_sweeps([again, other])
            # An attempt ends after 10 seconds and is made again; its request is gone then.
            assert simulators.held_requests() <= 1

        until("it is gone", simulators.holds_nothing, seconds=SECONDS_TO_TAKE_OVER)
        assert len(self.deletions(simulators)) == 2

    def test_is_swept_again_while_its_upload_may_still_come(
        self, hosts: tuple[Gateway, Gateway], start_host: StartHost, database: Database, simulators: Simulators
    ) -> None:
        """It was killed before it knew that the object was complete: what is deleted once may come once more."""
        dying, other = hosts
        simulators.fault("google", path_prefix="/upload/", method="PUT", times=1, after_effect=True, never_answer=True)
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(dying.upload, None, VERTEX_MODEL)
            until("the provider has the object", simulators.google_objects)
            dying.signal(signal.SIGKILL)
            dying.process.wait(10)
            assert running.exception(timeout=10) is not None

        again = start_host(data=dying.data)

        until("it is swept", simulators.holds_nothing, seconds=SECONDS_TO_TAKE_OVER)
        until("nothing is left to do", lambda: not database.sql("SELECT 1 FROM file_copies"), seconds=30)
        (times,) = self.deletions(simulators).values()
        self.wait_for_sweeps([again, other])
        assert [*self.deletions(simulators).values()] == [times], "it is deleted after it was done"

    def kill_in_an_upload(self, host: Gateway, database: Database, simulators: Simulators) -> None:
        """Both providers have the object, and the answer of one never comes; that of the other has been noted."""
        simulators.fault(
            "openai", path_prefix="/v1/files", method="POST", times=1, after_effect=True, never_answer=True
        )
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(host.upload, None, BOTH)
            until("both have the object", lambda: simulators.openai_files() and simulators.google_objects())
            until("one is noted", lambda: database.sql("SELECT 1 FROM file_copies WHERE state = 'ready'"))
            host.signal(signal.SIGKILL)
            host.process.wait(10)
            assert running.exception(timeout=10) is not None

    def check_each_was_deleted_once(self, simulators: Simulators, hosts: list[Gateway]) -> None:
        """Also after each of the hosts has looked again."""
        self.wait_for_sweeps(hosts)
        deleted = self.deletions(simulators)
        assert len(deleted) == 2 and set(deleted.values()) == {1}, deleted
        assert [host.file_ids() for host in hosts] == [[]] * len(hosts)

    def deletions(self, simulators: Simulators) -> Counter[str]:
        """How often each object was asked to be deleted."""
        return Counter(request["path"] for request in simulators.state()["requests"] if request["method"] == "DELETE")

    def wait_for_sweeps(self, hosts: list[Gateway]) -> None:
        for host in hosts:
            sweeps = host.process.output.count("sweep finished")
            until(
                "the host has swept again",
                lambda host=host, sweeps=sweeps: host.process.output.count("sweep finished") >= sweeps + 2,
            )


class TestTheDatabaseAway:
    """What is known goes on, what is not known is 503 and never 401 or 404; then everything goes on."""

    @pytest.fixture
    def host(self, start_host: StartHost) -> Gateway:
        return start_host()

    def check_unavailable(self, response: httpx.Response) -> None:
        assert_error(response, 503, code="registry_unavailable")
        assert int(response.headers["retry-after"]) >= 1

    def test_lets_known_keys_and_files_go_on(self, host: Gateway, postgresql: PostgreSQL) -> None:
        user = host.new_user("known", models=[OPENAI_MODEL])
        file_id = host.upload(http=user.http)["id"]
        assert host.chat(OPENAI_MODEL, file_message(file_id), user.http).status_code == 200

        postgresql.stop()

        until_when = time.monotonic() + 3
        answers = []
        while time.monotonic() < until_when:
            answers.append(host.chat(OPENAI_MODEL, file_message(file_id), user.http))
        assert {answer.status_code for answer in answers} == {200}, answers[-1].text

    def test_does_not_let_them_go_on_for_ever(self, host: Gateway, postgresql: PostgreSQL) -> None:
        user = host.new_user("known", models=[OPENAI_MODEL])
        assert host.chat(OPENAI_MODEL, "Hello", user.http).status_code == 200
        postgresql.stop()
        seen: list[httpx.Response] = []

        def is_over() -> bool:
            seen.append(host.chat(OPENAI_MODEL, "Hello", user.http))
            return seen[-1].status_code != 200

        until("the key is not believed any more", is_over, seconds=SECONDS_OF_GRACE)
        self.check_unavailable(seen[-1])

    def test_is_503_for_everything_that_needs_it(
        self, host: Gateway, postgresql: PostgreSQL, simulators: Simulators
    ) -> None:
        user = host.new_user("caller")
        file_id = host.upload(targets=BOTH)["id"]
        multipart = upload_body(pdf(), BOTH)

        postgresql.stop()

        stranger = host.client("sk-never-seen-before-0123456789")
        self.check_unavailable(stranger.get("/v1/models"))
        self.check_unavailable(stranger.post("/v1/chat/completions", json={"model": OPENAI_MODEL, "messages": []}))
        self.check_unavailable(host.admin.get("/v1/files"))
        self.check_unavailable(host.admin.delete(f"/v1/files/{file_id}"))
        self.check_unavailable(host.post_file(multipart))
        self.check_unavailable(host.admin.post("/user/new", json={"user_id": "new"}))
        self.check_unavailable(host.admin.post("/key/generate", json={}))
        self.check_unavailable(host.admin.post("/key/delete", json={"keys": [user.key]}))
        assert (len(simulators.openai_files()), len(simulators.google_objects())) == (1, 1)

    def test_answers_in_time(self, host: Gateway, postgresql: PostgreSQL) -> None:
        assert host.admin.get("/v1/files").status_code == 200
        postgresql.stop()
        times = []

        for _ in range(5):
            began = time.monotonic()
            self.check_unavailable(host.admin.get("/v1/files"))
            times.append(time.monotonic() - began)

        assert max(times) < 6, times

    def test_is_seen_in_readiness_and_not_in_liveness(self, host: Gateway, postgresql: PostgreSQL) -> None:
        ready = host.admin.get("/health/readiness")
        assert (ready.status_code, ready.json()["db"]) == (200, "connected")

        postgresql.stop()

        response = host.admin.get("/health/readiness")
        assert (response.status_code, response.json()["db"]) == (503, "disconnected")
        assert host.admin.get("/health/liveliness").status_code == 200

    @pytest.mark.parametrize("end", ["stop", "crash"])
    def test_and_back_needs_no_restart_of_the_gateway(
        self, host: Gateway, postgresql: PostgreSQL, simulators: Simulators, end: str
    ) -> None:
        user = host.new_user("patient")
        file_id = host.upload(targets=BOTH, http=user.http)["id"]
        getattr(postgresql, end)()
        self.check_unavailable(host.admin.get("/v1/files"))

        postgresql.start()

        until(
            "the gateway is ready again",
            lambda: host.admin.get("/health/readiness").status_code == 200,
            seconds=20,
        )
        assert host.file_ids(user.http) == [file_id]
        assert host.chat(VERTEX_MODEL, file_message(file_id), user.http).status_code == 200
        assert user.http.delete(f"/v1/files/{file_id}").status_code == 200
        assert simulators.holds_nothing()
        assert_error(host.client("sk-never-seen-before-0123456789").get("/v1/models"), 401)

    def test_for_a_moment_under_load_gives_503_and_no_wrong_answer(
        self, hosts: tuple[Gateway, Gateway], postgresql: PostgreSQL, simulators: Simulators
    ) -> None:
        load = Load([host.url for host in hosts], simulators, rate=40)

        result = load.run(12, postgresql.restart)

        assert not result.wrong, "\n".join(result.wrong[:10]) + "\n" + result.table()
        assert result.requests >= 400, result.table()


class TestABadStart:
    """One line, without the password, and exit code 2."""

    def start(self, tmp_path: Path, config: dict, url: str, *secrets: str) -> str:
        path = write_configuration(tmp_path / "config.yaml", config)
        command = ("serve", "--config", path, "--plugins", PLUGINS, "--data", tmp_path / "data", "--port", "0")

        run = run_gantry(*command, "--log-level", "error", environment=clean_environment(DATABASE_URL=url))

        lines = [line for line in run.stderr.splitlines() if line.strip()]
        assert (run.returncode, len(lines)) == (2, 1), run.stderr
        for secret in secrets:
            assert secret not in run.stderr + run.stdout, "the password is shown"
        assert "Fatal error" not in run.stderr
        return lines[0]

    def test_with_a_wrong_password(
        self, tmp_path: Path, standard_configuration: Callable[..., dict], database: Database
    ) -> None:
        line = self.start(tmp_path, standard_configuration(), database.url_with("not-the-password"), "not-the-password")

        assert re.search("password|authentication", line) and "127.0.0.1" in line, line

    def test_with_a_server_that_is_not_there(self, tmp_path: Path, standard_configuration: Callable[..., dict]) -> None:
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))
            port = nobody.getsockname()[1]
            url = f"postgresql://gantry:a-secret-password@127.0.0.1:{port}/gantry"

            line = self.start(tmp_path, standard_configuration(), url, "a-secret-password")

        assert str(port) in line, line

    def test_with_a_database_that_is_not_there(
        self, tmp_path: Path, standard_configuration: Callable[..., dict], database: Database
    ) -> None:
        url = database.url.replace(database.name, "no_such_database")

        line = self.start(tmp_path, standard_configuration(), url, database.server.password)

        assert "no_such_database" in line, line
