"""What was begun is ended: lost answers, unwilling providers, time that has passed, repeated uploads."""

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from support.behind import BehindTheGateway
from support.documents import Multipart, file_message, pdf, upload_body
from support.errors import assert_error, error_of
from support.gateway import (
    PLUGINS,
    Gateway,
    configuration,
    openai_entry,
    run_gantry,
    vertex_entry,
    write_configuration,
)
from support.registry import change, rows, unfinished
from support.simulators import Simulators
from support.waiting import until

OPENAI_MODEL = "gpt-4o-mini-openai"
SECOND_MODEL = "gpt-4o-second"
VERTEX_MODEL = "gemini-2.0-flash"
BOTH = f"{OPENAI_MODEL},{VERTEX_MODEL}"

OPENAI_UPLOAD = {"path_prefix": "/v1/files", "method": "POST"}
OPENAI_DELETE = {"path_prefix": "/v1/files/", "method": "DELETE"}
GOOGLE_DELETE = {"path_prefix": "/storage/v1/b/", "method": "DELETE"}

StartGateway = Callable[..., Gateway]
Configure = Callable[..., dict]


@pytest.fixture
def fresh(start_gateway: StartGateway, standard_configuration: Configure) -> Gateway:
    """A gateway without a past: it has no connection open that a provider could close."""
    return start_gateway(standard_configuration(sweep_seconds=1))


def wait_until_done(gateway: Gateway) -> None:
    until("nothing is left to do", lambda: not unfinished(gateway.data), seconds=25)


class TestALostAnswer:
    """OpenAI has made a file and nobody was told its id."""

    LOST = {"close_before_answer": True, "after_effect": True}

    def test_on_a_new_connection_leaves_no_file(self, fresh: Gateway, simulators: Simulators) -> None:
        simulators.fault("openai", **OPENAI_UPLOAD, times=0, **self.LOST)

        error = error_of(answer := fresh.post_file(upload_body()))

        assert answer.status_code in (502, 503), error
        # Nothing is deleted that was not made.
        until("it is swept", lambda: simulators.requests("openai", method="DELETE"), seconds=20)
        wait_until_done(fresh)
        assert simulators.holds_nothing()
        assert fresh.file_ids() == []

    @pytest.mark.parametrize("times", [1, 0], ids=["once", "always"])
    def test_on_a_used_connection_leaves_no_file_that_nobody_knows(
        self, fresh: Gateway, simulators: Simulators, times: int
    ) -> None:
        with ThreadPoolExecutor(8) as pool:
            # Every event loop of the gateway has its own connections.
            known = [one["id"] for one in pool.map(lambda _: fresh.upload(b"opens a connection"), range(24))]
        simulators.fault("openai", **OPENAI_UPLOAD, times=times, **self.LOST)

        answer = fresh.post_file(upload_body())

        wait_until_done(fresh)
        fresh.wait_for_sweeps(3)
        recorded = {row[0] for row in rows(fresh.data, "SELECT provider_id FROM file_copies")}
        there = {one["id"] for one in simulators.openai_files()}
        assert there == recorded, f"answered {answer.status_code}; files that nobody knows: {there - recorded}"
        assert set(known) <= set(fresh.file_ids())

    @pytest.mark.parametrize("fault", ["reset", "late", "500"])
    def test_to_one_of_two_targets_leaves_nothing(self, fresh: Gateway, simulators: Simulators, fault: str) -> None:
        what = {"reset": self.LOST, "late": {"never_answer": True, "after_effect": True}, "500": {"status": 500}}[fault]
        if fault == "500":
            what = what | {"after_effect": True}
        simulators.fault("openai", **OPENAI_UPLOAD, times=0, **what)

        answer = fresh.post_file(upload_body(targets=f"impatient,{VERTEX_MODEL}"))

        assert answer.status_code in (502, 503, 504), answer.text
        assert fresh.file_ids() == []
        until("it is swept", simulators.holds_nothing, seconds=20)
        wait_until_done(fresh)

    def test_because_the_provider_was_slow_leaves_nothing(self, fresh: Gateway, simulators: Simulators) -> None:
        simulators.fault("openai", **OPENAI_UPLOAD, times=1, delay_ms=1600, after_effect=True)

        assert_error(fresh.post_file(upload_body(targets="impatient")), 504)

        until("the provider is done", lambda: simulators.state()["open_requests"] == 0)
        wait_until_done(fresh)
        fresh.wait_for_sweeps(3)
        assert simulators.holds_nothing(), simulators.openai_files()

    def test_is_looked_for_in_more_than_the_newest_files(
        self, fresh: Gateway, simulators: Simulators, behind: BehindTheGateway
    ) -> None:
        simulators.fault("openai", **OPENAI_UPLOAD, times=1, status=500, after_effect=True)
        fresh.post_file(upload_body(b"ours"))
        others = {behind.put_openai(b"others", f"{number}.pdf") for number in range(120)}

        until("ours is swept", lambda: simulators.requests("openai", method="DELETE"), seconds=20)

        wait_until_done(fresh)
        assert {one["id"] for one in simulators.openai_files()} == others


class TestALookAlike:
    """Somebody else's file at the same account is not ours to delete."""

    CONTENT = pdf("The same name and size.")

    def test_stays_while_nothing_was_cut_off(
        self, sweeper: Gateway, simulators: Simulators, behind: BehindTheGateway
    ) -> None:
        theirs = behind.put_openai(self.CONTENT)
        ours = sweeper.upload(self.CONTENT)["id"]
        sweeper.wait_for_sweeps(3)
        assert len(simulators.openai_files()) == 2

        assert sweeper.admin.delete(f"/v1/files/{ours}").status_code == 200

        sweeper.wait_for_sweeps(3)
        assert [one["id"] for one in simulators.openai_files()] == [theirs]

    def test_that_cannot_be_told_apart_stays(
        self, fresh: Gateway, simulators: Simulators, behind: BehindTheGateway
    ) -> None:
        theirs = behind.put_openai(self.CONTENT)
        simulators.fault("openai", **OPENAI_UPLOAD, times=0, status=500, after_effect=True)

        assert fresh.post_file(upload_body(self.CONTENT)).status_code == 503

        wait_until_done(fresh)
        fresh.wait_for_sweeps(3)
        assert theirs in {one["id"] for one in simulators.openai_files()}
        assert "cannot be told from other files" in fresh.process.output

    def test_stays_where_lost_uploads_are_only_reported(
        self,
        start_gateway: StartGateway,
        standard_configuration: Configure,
        simulators: Simulators,
        behind: BehindTheGateway,
    ) -> None:
        gateway = start_gateway(standard_configuration(sweep_seconds=1, lost_uploads="report"))
        theirs = behind.put_openai(self.CONTENT)
        simulators.fault("openai", **OPENAI_UPLOAD, times=0, status=500)

        assert gateway.post_file(upload_body(self.CONTENT)).status_code == 503

        wait_until_done(gateway)
        gateway.wait_for_sweeps(3)
        assert [one["id"] for one in simulators.openai_files()] == [theirs]
        assert "see whether it is needed" in gateway.process.output and theirs in gateway.process.output

    @pytest.mark.parametrize("difference", ["name", "size", "purpose", "time", "account"])
    def test_that_differs_stays_and_ours_goes(self, fresh: Gateway, simulators: Simulators, difference: str) -> None:
        other = BehindTheGateway(simulators, "second" if difference == "account" else "main")
        simulators.fault("openai", **OPENAI_UPLOAD, times=1, status=500, after_effect=True)

        assert fresh.post_file(upload_body(self.CONTENT)).status_code == 503

        if difference == "time":
            simulators.advance(3600)
        theirs = other.put_openai(
            self.CONTENT + (b" " if difference == "size" else b""),
            "other.pdf" if difference == "name" else "paper.pdf",
            "assistants" if difference == "purpose" else "user_data",
        )
        other.close()
        wait_until_done(fresh)
        assert [one["id"] for one in simulators.openai_files()] == [theirs]

    def test_of_a_file_that_is_being_uploaded_stays(self, fresh: Gateway, simulators: Simulators) -> None:
        fresh.upload(b"opens the connection")
        simulators.fault("openai", **OPENAI_UPLOAD, times=1, status=500, after_effect=True)
        assert fresh.post_file(upload_body(self.CONTENT)).status_code == 503
        with ThreadPoolExecutor(1) as pool:
            with simulators.holding("openai", **OPENAI_UPLOAD):
                running = pool.submit(fresh.upload, self.CONTENT)
                simulators.wait_for_held_requests(1)
                fresh.wait_for_sweeps(3)
            slow = running.result()["id"]

        wait_until_done(fresh)
        assert fresh.chat(OPENAI_MODEL, file_message(slow)).status_code == 200
        assert len(simulators.openai_files()) == 2, "the cut off one is gone, the slow one is there"


class TestADeletion:
    """It ends, whoever has to try again."""

    @pytest.mark.parametrize("unwilling", ["openai", "google"])
    @pytest.mark.parametrize("finisher", ["client", "sweeper"])
    def test_that_one_provider_fails_is_finished(
        self, sweeper: Gateway, simulators: Simulators, unwilling: str, finisher: str
    ) -> None:
        file_id = sweeper.upload(targets=BOTH)["id"]
        path = OPENAI_DELETE if unwilling == "openai" else GOOGLE_DELETE
        simulators.fault(unwilling, **path, times=0, status=500)

        error_of(answer := sweeper.admin.delete(f"/v1/files/{file_id}"))

        assert answer.status_code == 503, answer.text
        left = (len(simulators.openai_files()), len(simulators.google_objects()))
        assert left == ((1, 0) if unwilling == "openai" else (0, 1))
        assert_error(sweeper.admin.get(f"/v1/files/{file_id}"), 404, code="file_not_found")
        assert_error(sweeper.chat(OPENAI_MODEL, file_message(file_id)), 404, code="file_not_found")
        assert file_id not in sweeper.file_ids()
        simulators.clear_faults()
        if finisher == "client":
            # A sweep that was faster has left nothing to delete.
            assert sweeper.admin.delete(f"/v1/files/{file_id}").status_code in (200, 404)
            assert simulators.holds_nothing()
        until("the sweeper has finished it", simulators.holds_nothing, seconds=30)
        wait_until_done(sweeper)

    def test_counts_404_as_done(self, sweeper: Gateway, simulators: Simulators, behind: BehindTheGateway) -> None:
        file_id = sweeper.upload(targets=BOTH)["id"]
        behind.remove_all_openai()
        behind.remove_all_google()

        answer = sweeper.admin.delete(f"/v1/files/{file_id}")

        assert answer.json() == {"id": file_id, "object": "file", "deleted": True}
        assert unfinished(sweeper.data) == []

    def test_that_nobody_waits_for_answers_at_once(self, sweeper: Gateway, simulators: Simulators) -> None:
        file_id = sweeper.upload(targets=BOTH)["id"]
        with simulators.holding("openai", **OPENAI_DELETE), simulators.holding("google", **GOOGLE_DELETE):
            answer = sweeper.admin.delete(f"/v1/files/{file_id}", params={"async": "true"})

            assert answer.json() == {"id": file_id, "object": "file", "deleted": True}
            assert_error(sweeper.admin.get(f"/v1/files/{file_id}"), 404)
            assert simulators.openai_files() and simulators.google_objects()

        until("the objects are gone", simulators.holds_nothing, seconds=20)
        wait_until_done(sweeper)

    def test_that_a_provider_never_answers_holds_up_no_other(
        self, start_gateway: StartGateway, standard_configuration: Configure, simulators: Simulators
    ) -> None:
        gateway = start_gateway(standard_configuration(sweep_seconds=1, drain_seconds=1))
        hanging, other = gateway.upload(targets=VERTEX_MODEL)["id"], gateway.upload()["id"]
        simulators.fault("google", **GOOGLE_DELETE, times=1, never_answer=True)
        assert gateway.admin.delete(f"/v1/files/{hanging}", params={"async": "true"}).status_code == 200
        simulators.wait_for_open_request()

        assert gateway.admin.delete(f"/v1/files/{other}", params={"async": "true"}).status_code == 200

        until("the other one is deleted", lambda: not simulators.openai_files(), seconds=8)

    @pytest.mark.parametrize("text", ["nonsense", "", "1", "True"])
    def test_with_a_strange_word_is_refused(self, sweeper: Gateway, simulators: Simulators, text: str) -> None:
        file_id = sweeper.upload()["id"]

        assert_error(sweeper.admin.delete(f"/v1/files/{file_id}", params={"async": text}), 400, param="async")

        assert len(simulators.openai_files()) == 1 and file_id in sweeper.file_ids()

    def test_at_a_deployment_that_is_not_configured_waits_for_it(
        self, simulators: Simulators, credentials: Callable[[str], Path], start_gateway: StartGateway
    ) -> None:
        openai = openai_entry(simulators, model_info={"id": "openai-main"})
        vertex = vertex_entry(simulators, credentials("main"), model_info={"id": "vertex-main"})
        both, less = configuration(openai, vertex, sweep_seconds=1), configuration(vertex, sweep_seconds=1)
        first = start_gateway(both)
        file_id = first.upload(targets=BOTH)["id"]
        first.stop()
        without = start_gateway(less, data=first.data)

        answer = without.admin.delete(f"/v1/files/{file_id}")

        assert answer.json() == {"id": file_id, "object": "file", "deleted": True}
        assert simulators.google_objects() == [] and len(simulators.openai_files()) == 1
        without.wait_for_sweeps(3)
        assert rows(first.data, "SELECT deployment_id, state FROM file_copies") == [("openai-main", "deleting")]
        assert_error(without.admin.get(f"/v1/files/{file_id}"), 404)
        without.stop()
        start_gateway(both, data=first.data)
        until("the object is deleted", simulators.holds_nothing, seconds=30)
        until("the row is gone", lambda: not rows(first.data, "SELECT * FROM file_copies"))


class TestAFileThatExpires:
    """Its time passes: it is gone for clients at once, and at the providers with the next sweep."""

    def test_is_removed_everywhere(
        self, simulators: Simulators, start_gateway: StartGateway, standard_configuration: Configure
    ) -> None:
        first = start_gateway(standard_configuration(sweep_seconds=1))
        lifetime = {"expires_after[anchor]": "created_at", "expires_after[seconds]": "3600"}
        made = first.post_file(upload_body(None, BOTH, **lifetime)).json()
        assert made["expires_at"] - made["created_at"] == 3600
        kept = first.upload(b"for ever", BOTH)["id"]
        first.stop()
        moment = int(time.time()) - 100
        assert change(first.data, "UPDATE files SET expires_at = ? WHERE expires_at IS NOT NULL", moment) == 1

        later = start_gateway(standard_configuration(sweep_seconds=1), data=first.data)

        error = assert_error(later.admin.get(f"/v1/files/{made['id']}"), 404, code="file_expired")
        told = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(moment))
        assert str(moment) in error["message"] or told in error["message"], error
        assert later.file_ids() == [kept]
        assert_error(later.admin.delete(f"/v1/files/{made['id']}"), 404)
        assert_error(later.admin.get(f"/v1/files/{made['id']}/content"), 404, code="file_expired")
        assert_error(later.chat(OPENAI_MODEL, file_message(made["id"])), 404, code="file_expired")
        until("its copies are gone", lambda: len(simulators.openai_files()) == 1, seconds=20)
        wait_until_done(later)
        assert len(simulators.google_objects()) == 1
        assert_error(later.admin.get(f"/v1/files/{made['id']}"), 404, code="file_expired")
        assert later.chat(VERTEX_MODEL, file_message(kept)).status_code == 200

    def test_by_the_default_of_its_purpose(
        self, simulators: Simulators, start_gateway: StartGateway, standard_configuration: Configure
    ) -> None:
        gateway = start_gateway(standard_configuration(default_expiry_seconds={"user_data": 7200, "batch": 3600}))

        made = {
            "default": gateway.post_file(upload_body()).json(),
            "own": gateway.post_file(
                upload_body(**{"expires_after[anchor]": "created_at", "expires_after[seconds]": "5000"})
            ).json(),
            "other": gateway.post_file(self.body("assistants", "paper.pdf")).json(),
            "batch": gateway.post_file(self.body("batch", "lines.jsonl")).json(),
        }

        lifetimes = {name: (one["expires_at"] or 0) - one["created_at"] for name, one in made.items()}
        other = made["other"]
        assert other["expires_at"] is None
        assert lifetimes | {"other": 0} == {"default": 7200, "own": 5000, "other": 0, "batch": 3600}
        there = [(one["expires_at"] or one["created_at"]) - one["created_at"] for one in simulators.openai_files()]
        assert there == [7200, 5000, 0, 3600], "the provider drops them too"

    def body(self, purpose: str, name: str) -> Multipart:
        fields = [("purpose", purpose), ("target_model_names", OPENAI_MODEL)]
        return Multipart().fields(fields).file(b"{}\n", f'filename="{name}"', "application/jsonl")


class TestAnOutageDuringAnUpload:
    """Of one deployment of a group: the other one carries the file. Of a whole model: nothing is kept."""

    def test_of_one_of_a_group_does_not_keep_the_file_from_being_made(
        self, sweeper: Gateway, simulators: Simulators
    ) -> None:
        content = pdf()
        simulators.fault("openai", **OPENAI_UPLOAD, account="main", times=0, status=503)

        file_id = sweeper.upload(content, "pair")["id"]

        assert [one["account"] for one in simulators.openai_files()] == ["second"]
        for _ in range(6):
            answer = sweeper.chat("pair", file_message(file_id))
            assert (answer.status_code, answer.headers["x-gantry-model-id"]) == (200, "pair-second")
        simulators.clear_faults()
        wait_until_done(sweeper)
        assert [one["account"] for one in simulators.openai_files()] == ["second"]
        assert sweeper.admin.delete(f"/v1/files/{file_id}").status_code == 200
        assert simulators.holds_nothing()

    def test_whose_effect_came_all_the_same_leaves_no_object(self, sweeper: Gateway, simulators: Simulators) -> None:
        simulators.fault("openai", **OPENAI_UPLOAD, account="main", times=0, status=503, after_effect=True)

        file_id = sweeper.upload(targets="pair")["id"]

        assert len(simulators.openai_files()) == 2
        simulators.clear_faults()
        until("the unknown one is swept", lambda: len(simulators.openai_files()) == 1, seconds=20)
        wait_until_done(sweeper)
        assert [one["account"] for one in simulators.openai_files()] == ["second"]
        assert sweeper.chat("pair", file_message(file_id)).status_code == 200

    def test_is_filled_when_the_deployment_is_wanted_and_back(self, sweeper: Gateway, simulators: Simulators) -> None:
        content = pdf("The source can be read.")
        simulators.fault("openai", **OPENAI_UPLOAD, account="main", times=0, status=503)
        file_id = sweeper.upload(content, f"pair,{VERTEX_MODEL}")["id"]
        simulators.clear_faults()
        wait_until_done(sweeper)

        answer = sweeper.chat(OPENAI_MODEL, file_message(file_id))

        assert answer.status_code == 200, answer.text
        assert Counter(one["account"] for one in simulators.openai_files()) == {"main": 1, "second": 1}
        assert len({one["sha256"] for one in simulators.openai_files() + simulators.google_objects()}) == 1
        assert sweeper.admin.delete(f"/v1/files/{file_id}").status_code == 200
        assert simulators.holds_nothing()

    @pytest.mark.parametrize("status", [400, 401, 403, 413])
    def test_that_is_a_refusal_fails_the_file(self, sweeper: Gateway, simulators: Simulators, status: int) -> None:
        before = sweeper.file_ids()
        simulators.fault("openai", **OPENAI_UPLOAD, account="main", times=0, status=status)

        error_of(answer := sweeper.post_file(upload_body(targets="pair")))

        assert answer.status_code == {401: 502, 403: 502}.get(status, status), answer.text
        assert simulators.holds_nothing() and sweeper.file_ids() == before
        assert unfinished(sweeper.data) == []

    @pytest.mark.parametrize("status", [429, 503])
    def test_of_one_of_two_models_fails_the_file(self, sweeper: Gateway, simulators: Simulators, status: int) -> None:
        before = sweeper.file_ids()
        simulators.fault("openai", **OPENAI_UPLOAD, account="second", times=0, status=status)

        assert_error(sweeper.post_file(upload_body(targets=f"{OPENAI_MODEL},{SECOND_MODEL}")), status)

        assert simulators.holds_nothing() and sweeper.file_ids() == before
        wait_until_done(sweeper)

    def test_of_all_of_a_group_fails_the_file(self, sweeper: Gateway, simulators: Simulators) -> None:
        before = sweeper.file_ids()
        simulators.fault("openai", **OPENAI_UPLOAD, times=0, status=503)

        answer = sweeper.post_file(upload_body(targets=f"pair,{VERTEX_MODEL}"))

        assert_error(answer, 503)
        assert int(answer.headers["retry-after"]) >= 1
        assert simulators.holds_nothing() and sweeper.file_ids() == before
        simulators.clear_faults()
        wait_until_done(sweeper)


def test_a_second_gateway_on_one_folder_refuses_to_start(
    fresh: Gateway, standard_configuration: Configure, tmp_path: Path
) -> None:
    path = write_configuration(tmp_path / "second.yaml", standard_configuration())

    run = run_gantry(
        *("serve", "--config", path, "--plugins", PLUGINS, "--data", fresh.data, "--port", "0", "--log-level", "error")
    )

    lines = [line for line in run.stderr.splitlines() if line.strip()]
    assert (run.returncode, len(lines)) == (2, 1), run.stderr
    assert str(fresh.data) in lines[0] and "another gantry" in lines[0]
    assert fresh.admin.get("/health/readiness").status_code == 200
    assert fresh.upload()["id"] in fresh.file_ids()


class TestAnIdempotencyKey:
    """The same upload sent again is the same file."""

    def send(
        self,
        gateway: Gateway,
        key: str | bytes | None,
        content: bytes = b"the same",
        http: httpx.Client | None = None,
        name: str = "paper.pdf",
        targets: str = BOTH,
    ) -> httpx.Response:
        body = Multipart().fields([("purpose", "user_data"), ("target_model_names", targets)])
        body.file(content, f'filename="{name}"')
        headers: dict = {"Content-Type": body.content_type}
        if key is not None:
            headers["Idempotency-Key"] = key
        return (http or gateway.admin).post("/v1/files", content=body.body(), headers=headers)

    def counts(self, simulators: Simulators) -> tuple[int, int]:
        return len(simulators.openai_files()), len(simulators.google_objects())

    def test_gives_a_repeat_the_first_file(self, sweeper: Gateway, simulators: Simulators) -> None:
        user = sweeper.new_user("repeating")

        answers = [self.send(sweeper, "repeat-1", http=user.http) for _ in range(4)]

        assert [one.status_code for one in answers] == [200] * 4
        assert len({one.text for one in answers}) == 1, "the same answer each time"
        assert self.counts(simulators) == (1, 1)

    def test_of_repeats_at_once_makes_one_file(self, sweeper: Gateway, simulators: Simulators) -> None:
        user = sweeper.new_user("hasty")
        simulators.fault("openai", **OPENAI_UPLOAD, times=0, delay_ms=500)

        with ThreadPoolExecutor(12) as pool:
            answers = list(pool.map(lambda _: self.send(sweeper, "at-once", http=user.http), range(12)))

        assert {one.status_code for one in answers} == {200}
        assert len({one.json()["id"] for one in answers}) == 1
        assert self.counts(simulators) == (1, 1)

    @pytest.mark.parametrize(
        "different", [{"content": b"other"}, {"name": "other.pdf"}, {"targets": OPENAI_MODEL}], ids=str
    )
    def test_for_another_upload_is_refused(self, sweeper: Gateway, simulators: Simulators, different: dict) -> None:
        user = sweeper.new_user("confused")
        first = self.send(sweeper, "taken", http=user.http).json()["id"]

        answer = self.send(sweeper, "taken", http=user.http, **different)

        assert_error(answer, 409, param="Idempotency-Key")
        assert sweeper.file_ids(user.http) == [first]
        assert self.counts(simulators) == (1, 1)

    def test_of_another_user_is_its_own(self, sweeper: Gateway, simulators: Simulators) -> None:
        users = [sweeper.new_user("one"), sweeper.new_user("other")]

        ids = {self.send(sweeper, "everybodys", http=user.http).json()["id"] for user in users}

        assert len(ids) == 2 and self.counts(simulators) == (2, 2)

    @pytest.mark.parametrize("key", ["", "k" * 300, "schlüssel".encode(), b"a\x01b", "two words"], ids=repr)
    def test_that_is_none_is_refused(self, sweeper: Gateway, simulators: Simulators, key: str | bytes) -> None:
        body = upload_body()
        request = body.body()
        raw = key if isinstance(key, bytes) else key.encode()
        with sweeper.raw() as connection:
            connection.send(
                b"POST /v1/files HTTP/1.1\r\nHost: gantry.test\r\n"
                + f"Authorization: {sweeper.admin.headers['Authorization']}\r\n".encode()
                + f"Content-Type: {body.content_type}\r\nContent-Length: {len(request)}\r\n".encode()
                + b"Idempotency-Key: "
                + raw
                + b"\r\n\r\n"
                + request
            )
            status, _, _ = connection.response()

        assert status == 400
        assert simulators.holds_nothing()

    def test_sent_twice_is_refused(self, sweeper: Gateway, simulators: Simulators) -> None:
        body = upload_body()
        headers = [("Content-Type", body.content_type), ("Idempotency-Key", "a"), ("Idempotency-Key", "b")]

        response = sweeper.admin.post("/v1/files", content=body.body(), headers=headers)

        assert response.status_code == 400, response.text
        assert simulators.holds_nothing()

    def test_is_needed_to_be_the_same(self, sweeper: Gateway, simulators: Simulators) -> None:
        ids = {self.send(sweeper, None).json()["id"] for _ in range(2)}

        assert len(ids) == 2 and self.counts(simulators) == (2, 2)

    def test_is_free_again_after_the_file_is_deleted(self, sweeper: Gateway, simulators: Simulators) -> None:
        user = sweeper.new_user("again")
        first = self.send(sweeper, "again", http=user.http).json()["id"]
        assert user.http.delete(f"/v1/files/{first}").status_code == 200

        second = self.send(sweeper, "again", http=user.http).json()["id"]

        assert second != first and self.counts(simulators) == (1, 1)
        assert self.send(sweeper, "again", http=user.http).json()["id"] == second

    def test_is_free_again_after_the_upload_failed(self, sweeper: Gateway, simulators: Simulators) -> None:
        user = sweeper.new_user("unlucky")
        simulators.fault("openai", **OPENAI_UPLOAD, times=1, status=400)
        assert self.send(sweeper, "unlucky", http=user.http).status_code == 400

        answer = self.send(sweeper, "unlucky", b"another content", user.http)

        assert answer.status_code == 200, answer.text
        assert self.counts(simulators) == (1, 1)

    def test_outlives_a_restart(
        self, simulators: Simulators, start_gateway: StartGateway, standard_configuration: Configure
    ) -> None:
        first = start_gateway(standard_configuration())
        made = self.send(first, "before-the-restart").json()["id"]
        first.stop()

        again = start_gateway(standard_configuration(), data=first.data)

        assert self.send(again, "before-the-restart").json()["id"] == made
        assert self.counts(simulators) == (1, 1)
