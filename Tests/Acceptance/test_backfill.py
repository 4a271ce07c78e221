"""A file goes to where it is wanted: copied from another provider once, checked, and never for a stranger."""

import hashlib
import json
import os
import re
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from support.behind import BehindTheGateway
from support.documents import Multipart, file_message, pdf, upload_body
from support.errors import assert_error, error_of
from support.gateway import Gateway, clean_environment, configuration, openai_entry, vertex_entry
from support.postgresql import Database
from support.registry import change, rows, unfinished
from support.simulators import Simulators
from support.waiting import until
from support.wire import Wire, request

OPENAI_MODEL = "gpt-4o-mini-openai"
SECOND_MODEL = "gpt-4o-second"
VERTEX_MODEL = "gemini-2.0-flash"
BOTH = f"{OPENAI_MODEL},{VERTEX_MODEL}"

OPENAI_UPLOAD = {"path_prefix": "/v1/files", "method": "POST"}
GOOGLE_DOWNLOAD = {"path_contains": "alt=media", "method": "GET"}

StartGateway = Callable[..., Gateway]


def downloads(simulators: Simulators) -> int:
    """How many times content was asked for at Google."""
    return sum("alt=media" in one["query"] for one in simulators.requests("google", "/storage/", "GET"))


def uploads(simulators: Simulators) -> int:
    """How many times a file was sent to OpenAI."""
    return sum(one["path"] == "/v1/files" for one in simulators.requests("openai", "/v1/files", "POST"))


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def assert_reads(response: httpx.Response, *contents: bytes) -> None:
    """Checks that the model was given exactly these documents."""
    assert response.status_code == 200, response.text
    text = response.json()["choices"][0]["message"]["content"]
    for content in contents:
        assert digest(content)[:12] in text, text


def assert_filled(simulators: Simulators, content: bytes, account: str = "main") -> None:
    """One copy at each provider, byte for byte."""
    assert [one["sha256"] for one in simulators.openai_files(account)] == [digest(content)]
    assert [one["sha256"] for one in simulators.google_objects()] == [digest(content)]


def files_message(*file_ids: str) -> list[dict]:
    parts = [{"type": "file", "file": {"file_id": one}} for one in file_ids]
    return [{"role": "user", "content": [{"type": "text", "text": "Compare them."}, *parts]}]


def lines_of_a_batch(gateway: Gateway, targets: str, content: bytes = b'{"custom_id": "1"}\n') -> str:
    """Uploads a file that OpenAI gives back, and drops after thirty days."""
    body = Multipart().fields([("purpose", "batch"), ("target_model_names", targets)])
    response = gateway.post_file(body.file(content, 'filename="lines.jsonl"', "application/jsonl"))
    assert response.status_code == 200, response.text
    return response.json()["id"]


class TestADeploymentThatCameLater:
    """Somebody adds a deployment to the configuration: files that are older are copied there when they are wanted."""

    @pytest.fixture
    def configure(self, simulators: Simulators, credentials: Callable[[str], Path]) -> Callable[..., dict]:
        def make(*group: str, archive: bool = True) -> dict:
            entries = {
                "vertex": vertex_entry(
                    simulators, credentials("main"), "papers", model_info={"id": "vertex-main"}, timeout=30
                ),
                "openai": openai_entry(simulators, "papers", model_info={"id": "openai-late"}),
                "second": openai_entry(simulators, "papers", "second", model_info={"id": "openai-later"}),
            }
            models = [entries[name] for name in group]
            if archive and "vertex" not in group:
                models.append(entries["vertex"] | {"model_name": "archive"})
            return configuration(*models, sweep_seconds=1)

        return make

    def test_is_filled_once_from_the_provider_that_gives_it_back(
        self, simulators: Simulators, start_gateway: StartGateway, configure: Callable[..., dict]
    ) -> None:
        content = pdf("Older than the deployment.")
        first = start_gateway(configure("vertex"))
        file_id = first.upload(content, "papers")["id"]
        first.stop()
        later = start_gateway(configure("openai"), data=first.data)

        answer = later.chat("papers", file_message(file_id))

        assert_reads(answer, content)
        assert answer.headers["x-gantry-model-id"] == "openai-late"
        assert_filled(simulators, content)
        assert (downloads(simulators), uploads(simulators)) == (1, 1)
        for _ in range(5):
            assert_reads(later.chat("papers", file_message(file_id)), content)
        assert (downloads(simulators), uploads(simulators)) == (1, 1)
        assert later.admin.delete(f"/v1/files/{file_id}").status_code == 200
        assert simulators.holds_nothing()

    def test_is_not_filled_while_another_of_its_group_has_the_file(
        self, simulators: Simulators, start_gateway: StartGateway, configure: Callable[..., dict]
    ) -> None:
        first = start_gateway(configure("vertex"))
        file_id = first.upload(targets="papers")["id"]
        first.stop()
        later = start_gateway(configure("vertex", "openai", "second"), data=first.data)

        served = Counter(later.chat("papers", file_message(file_id)).headers["x-gantry-model-id"] for _ in range(12))

        assert served == {"vertex-main": 12}
        assert (downloads(simulators), uploads(simulators)) == (0, 0)

    def test_is_not_filled_from_a_deployment_that_is_not_configured_any_more(
        self, simulators: Simulators, start_gateway: StartGateway, configure: Callable[..., dict]
    ) -> None:
        first = start_gateway(configure("vertex"))
        file_id = first.upload(targets="papers")["id"]
        first.stop()
        later = start_gateway(configure("openai", archive=False), data=first.data)

        error = assert_error(later.chat("papers", file_message(file_id)), 400, "invalid_request_error")

        assert file_id in error["message"] and "target_model_names=papers" in error["message"]
        assert uploads(simulators) == 0 and len(simulators.google_objects()) == 1
        later.stop()
        again = start_gateway(configure("openai"), data=first.data)
        assert again.chat("papers", file_message(file_id)).status_code == 200


class TestManyAtOnce:
    """However many want the same copy, it is made once."""

    def test_are_served_by_one_copy(self, sweeper: Gateway, simulators: Simulators) -> None:
        content = pdf("Wanted by everybody.")
        file_id = sweeper.upload(content, VERTEX_MODEL)["id"]
        simulators.fault("openai", **OPENAI_UPLOAD, times=0, delay_ms=500)

        with ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(lambda _: sweeper.chat(OPENAI_MODEL, file_message(file_id)), range(20)))

        for answer in answers:
            assert_reads(answer, content)
        assert (downloads(simulators), uploads(simulators)) == (1, 1)
        assert_filled(simulators, content)

    def test_that_want_two_places_make_a_copy_for_each(self, sweeper: Gateway, simulators: Simulators) -> None:
        content = pdf("Wanted at two places.")
        file_id = sweeper.upload(content, VERTEX_MODEL)["id"]
        simulators.fault("openai", **OPENAI_UPLOAD, times=0, delay_ms=300)
        models = [OPENAI_MODEL, SECOND_MODEL] * 8

        with ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(lambda model: sweeper.chat(model, file_message(file_id)), models))

        for answer in answers:
            assert_reads(answer, content)
        assert uploads(simulators) == 2
        assert_filled(simulators, content, "main")
        assert_filled(simulators, content, "second")

    def test_over_two_hosts_are_served_by_one_copy(
        self,
        simulators: Simulators,
        database: Database,
        start_gateway: StartGateway,
        standard_configuration: Callable[..., dict],
    ) -> None:
        hosts = [
            start_gateway(
                standard_configuration(sweep_seconds=1), environment=clean_environment(DATABASE_URL=database.url)
            )
            for _ in range(2)
        ]
        content = pdf("Wanted on both hosts.")
        file_id = hosts[0].upload(content, VERTEX_MODEL)["id"]
        simulators.fault("openai", **OPENAI_UPLOAD, times=0, delay_ms=1500)

        with ThreadPoolExecutor(20) as pool:
            asked = [pool.submit(hosts[number % 2].chat, OPENAI_MODEL, file_message(file_id)) for number in range(20)]
            answers = [one.result() for one in asked]

        for answer in answers:
            assert_reads(answer, content)
        assert (downloads(simulators), uploads(simulators)) == (1, 1)
        assert_filled(simulators, content)

    def test_are_all_told_when_it_fails_and_served_afterwards(self, sweeper: Gateway, simulators: Simulators) -> None:
        content = pdf("It fails first.")
        file_id = sweeper.upload(content, VERTEX_MODEL)["id"]
        simulators.fault("openai", **OPENAI_UPLOAD, times=0, status=400, delay_ms=500)

        with ThreadPoolExecutor(10) as pool:
            answers = list(pool.map(lambda _: sweeper.chat(OPENAI_MODEL, file_message(file_id)), range(10)))

        for answer in answers:
            assert_error(answer, 400, "invalid_request_error")
        assert simulators.openai_files() == []
        simulators.clear_faults()
        assert_reads(sweeper.chat(OPENAI_MODEL, file_message(file_id)), content)

    def test_and_a_deletion_leave_no_copy(self, sweeper: Gateway, simulators: Simulators) -> None:
        file_id = sweeper.upload(targets=VERTEX_MODEL)["id"]
        simulators.fault("openai", **OPENAI_UPLOAD, times=1, delay_ms=800)

        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(sweeper.chat, OPENAI_MODEL, file_message(file_id))
            until("the copy is on its way", lambda: uploads(simulators) == 1)
            deleted = sweeper.admin.delete(f"/v1/files/{file_id}")
            answer = asked.result()

        assert deleted.status_code == 200, deleted.text
        assert answer.status_code in (200, 404, 503), answer.text
        if answer.status_code != 200:
            error_of(answer)
        until("nothing is left", simulators.holds_nothing, seconds=20)
        until("nothing is left to do", lambda: not unfinished(sweeper.data), seconds=20)

    def test_files_of_one_request_are_all_filled(self, sweeper: Gateway, simulators: Simulators) -> None:
        contents = [pdf("The first one."), pdf("The second one, which is longer.")]
        ids = [sweeper.upload(content, VERTEX_MODEL)["id"] for content in contents]

        answer = sweeper.chat(OPENAI_MODEL, files_message(ids[0], ids[1], ids[0]))

        assert_reads(answer, *contents)
        assert (downloads(simulators), uploads(simulators)) == (2, 2)
        assert sorted(one["sha256"] for one in simulators.openai_files()) == sorted(map(digest, contents))

    def test_files_of_one_request_are_not_copied_if_one_of_them_cannot_be(
        self, sweeper: Gateway, simulators: Simulators
    ) -> None:
        readable = sweeper.upload(pdf("At Google."), VERTEX_MODEL)["id"]
        unreadable = sweeper.upload(pdf("At the other account."), SECOND_MODEL)["id"]
        before = len(simulators.state()["requests"])

        error = assert_error(sweeper.chat(OPENAI_MODEL, files_message(readable, unreadable)), 400)

        assert unreadable in error["message"] and readable not in error["message"], error
        assert len(simulators.state()["requests"]) == before


class TestALostCopy:
    """The provider does not have the object any more: another copy serves, or the client is told."""

    def test_is_passed_over_for_another_deployment_of_the_group(
        self, sweeper: Gateway, simulators: Simulators, behind: BehindTheGateway
    ) -> None:
        content = pdf()
        file_id = sweeper.upload(content, "pair")["id"]
        behind.remove_all_openai()

        answers = [sweeper.chat("pair", file_message(file_id)) for _ in range(10)]

        for answer in answers:
            assert_reads(answer, content)
            assert answer.headers["x-gantry-model-id"] == "pair-second"
        assert uploads(simulators) == 2, "nothing else was uploaded"

    def test_is_asked_for_once_if_another_provider_of_the_group_serves(
        self,
        simulators: Simulators,
        behind: BehindTheGateway,
        credentials: Callable[[str], Path],
        start_gateway: StartGateway,
    ) -> None:
        config = configuration(
            openai_entry(simulators, "mixed", model_info={"id": "mixed-openai"}),
            vertex_entry(simulators, credentials("main"), "mixed", model_info={"id": "mixed-vertex"}),
            sweep_seconds=1,
        )
        gateway = start_gateway(config)
        content = pdf()
        file_id = gateway.upload(content, "mixed")["id"]
        behind.remove_all_google()

        for _ in range(20):
            assert_reads(gateway.chat("mixed", file_message(file_id)), content)

        asked = Counter(one["status"] for one in simulators.requests("google", "generateContent"))
        assert asked[404] <= 1, f"a copy that is lost was asked for {asked[404]} times"

    @pytest.mark.parametrize("stream", [False, True])
    def test_is_made_again_from_another_provider(
        self, sweeper: Gateway, simulators: Simulators, behind: BehindTheGateway, stream: bool
    ) -> None:
        content = pdf("Lost and found.")
        file_id = sweeper.upload(content, BOTH)["id"]
        behind.remove_all_openai()

        answer = sweeper.chat(OPENAI_MODEL, file_message(file_id), stream=stream)

        assert answer.status_code == 200, answer.text
        assert_filled(simulators, content)
        assert (downloads(simulators), uploads(simulators)) == (1, 2)
        assert_reads(sweeper.chat(OPENAI_MODEL, file_message(file_id)), content)
        assert (downloads(simulators), uploads(simulators)) == (1, 2)

    def test_at_google_is_made_again_from_openai(
        self, sweeper: Gateway, simulators: Simulators, behind: BehindTheGateway
    ) -> None:
        file_id = lines_of_a_batch(sweeper, BOTH)
        behind.remove_all_google()

        answer = sweeper.chat(VERTEX_MODEL, file_message(file_id))

        # Whether Gemini reads such a file is another question.
        assert answer.status_code in (200, 400), answer.text
        assert [one["sha256"] for one in simulators.google_objects()] == [digest(b'{"custom_id": "1"}\n')]

    @pytest.mark.parametrize("model", [OPENAI_MODEL, VERTEX_MODEL])
    def test_that_was_the_only_one_is_told_and_the_record_stays(
        self, sweeper: Gateway, simulators: Simulators, behind: BehindTheGateway, model: str
    ) -> None:
        file_id = sweeper.upload(targets=model)["id"]
        behind.remove_all_openai()
        behind.remove_all_google()

        error = error_of(answer := sweeper.chat(model, file_message(file_id)))

        assert 400 <= answer.status_code < 500, error
        self.check_kept(sweeper, file_id, model)
        self.check_text(error, file_id)

    def test_of_each_deployment_of_a_group_is_told_and_the_record_stays(
        self, sweeper: Gateway, simulators: Simulators, behind: BehindTheGateway
    ) -> None:
        file_id = sweeper.upload(targets="pair")["id"]
        behind.remove_all_openai()
        other = BehindTheGateway(simulators, "second")
        other.remove_all_openai()
        other.close()

        error = error_of(answer := sweeper.chat("pair", file_message(file_id)))

        assert 400 <= answer.status_code < 500, error
        self.check_kept(sweeper, file_id, "pair")
        self.check_text(error, file_id)

    def test_and_a_lost_source_are_told_and_the_record_stays(
        self, sweeper: Gateway, simulators: Simulators, behind: BehindTheGateway
    ) -> None:
        file_id = sweeper.upload(targets=BOTH)["id"]
        behind.remove_all_openai()
        behind.remove_all_google()

        error = error_of(answer := sweeper.chat(OPENAI_MODEL, file_message(file_id)))

        assert 400 <= answer.status_code < 500, error
        self.check_kept(sweeper, file_id, VERTEX_MODEL)
        self.check_text(error, file_id)

    def test_that_is_not_readable_elsewhere_leaves_the_other_one_usable(
        self, sweeper: Gateway, simulators: Simulators, behind: BehindTheGateway
    ) -> None:
        content = pdf("Half of it is left.")
        file_id = sweeper.upload(content, BOTH)["id"]
        behind.remove_all_google()

        error = error_of(answer := sweeper.chat(VERTEX_MODEL, file_message(file_id)))

        assert 400 <= answer.status_code < 500, error
        assert "upload it again" in error["message"].lower() and VERTEX_MODEL in error["message"], error
        assert_reads(sweeper.chat(OPENAI_MODEL, file_message(file_id)), content)
        assert sweeper.admin.get(f"/v1/files/{file_id}").status_code == 200

    def test_found_by_a_download_is_told(
        self, sweeper: Gateway, simulators: Simulators, behind: BehindTheGateway
    ) -> None:
        file_id = sweeper.upload(targets=VERTEX_MODEL)["id"]
        behind.remove_all_google()

        first = sweeper.admin.get(f"/v1/files/{file_id}/content")

        assert_error(first, 404)
        assert sweeper.admin.get(f"/v1/files/{file_id}").status_code == 200

    def check_text(self, error: dict, file_id: str) -> None:
        """The client learns what to do, and no name that a provider has for the file."""
        message = error["message"]
        assert file_id in message and "upload it again" in message.lower(), error
        names = re.findall(r"file-[A-Za-z0-9]+|gantry/[0-9a-f-]+", message.replace(file_id, ""))
        assert not names, f"the provider's own name is shown: {message}"

    def check_kept(self, gateway: Gateway, file_id: str, model: str) -> None:
        """A deployment with another account has none of its files: the record is no worse for it."""
        assert gateway.admin.get(f"/v1/files/{file_id}").status_code == 200
        assert file_id in gateway.file_ids()
        assert_error(gateway.chat(model, file_message(file_id)), 404, code="file_lost")
        until("nothing is left to do", lambda: not unfinished(gateway.data), seconds=20)


class TestACopyThatExpires:
    """A provider drops a copy at a time that it has told."""

    def test_at_the_provider_first_is_a_lost_one(self, sweeper: Gateway, simulators: Simulators) -> None:
        body = upload_body(**{"expires_after[anchor]": "created_at", "expires_after[seconds]": "3600"})
        file_id = sweeper.post_file(body).json()["id"]
        assert [one["expires_at"] - one["created_at"] for one in simulators.openai_files()] == [3600]
        simulators.advance(3700)

        error = error_of(answer := sweeper.chat(OPENAI_MODEL, file_message(file_id)))

        assert 400 <= answer.status_code < 500 and "upload it again" in error["message"].lower(), error
        assert error["code"] == "file_lost"

    def test_by_the_record_is_replaced_and_removed(
        self, simulators: Simulators, start_gateway: StartGateway, standard_configuration: Callable[..., dict]
    ) -> None:
        content = b'{"custom_id": "old"}\n'
        first = start_gateway(standard_configuration(sweep_seconds=1))
        file_id = lines_of_a_batch(first, BOTH, content)
        (old,) = simulators.openai_files()
        first.stop()
        assert change(first.data, "UPDATE file_copies SET expires_at = 1000 WHERE expires_at IS NOT NULL") == 1

        later = start_gateway(standard_configuration(sweep_seconds=1), data=first.data)

        until("the old copy is deleted", lambda: not simulators.openai_files(), seconds=20)
        assert [one["status"] for one in simulators.requests("openai", f"/v1/files/{old['id']}", "DELETE")] == [200]
        assert later.admin.get(f"/v1/files/{file_id}").status_code == 200
        until("the copy is forgotten", lambda: not unfinished(later.data))
        answer = later.chat(OPENAI_MODEL, file_message(file_id))
        assert answer.status_code in (200, 400), answer.text
        (new,) = simulators.openai_files()
        assert new["id"] != old["id"] and new["sha256"] == digest(content)

    def test_and_is_gone_at_the_provider_counts_as_removed(
        self,
        simulators: Simulators,
        behind: BehindTheGateway,
        start_gateway: StartGateway,
        standard_configuration: Callable[..., dict],
    ) -> None:
        first = start_gateway(standard_configuration(sweep_seconds=1))
        file_id = lines_of_a_batch(first, OPENAI_MODEL)
        first.stop()
        behind.remove_all_openai()
        change(first.data, "UPDATE file_copies SET expires_at = 1000")

        later = start_gateway(standard_configuration(sweep_seconds=1), data=first.data)

        until("the copy is forgotten", lambda: not rows(later.data, "SELECT * FROM file_copies"), seconds=20)
        assert_error(later.admin.get(f"/v1/files/{file_id}"), 404, code="file_expired")
        asked = [one["status"] for one in simulators.requests("openai", "/v1/files/", "DELETE")]
        assert asked == [200, 404], "the first was somebody else's"


class TestWithoutASource:
    """Nothing to copy from, or nothing that should be."""

    def test_the_client_is_told_and_no_provider_is_asked(self, sweeper: Gateway, simulators: Simulators) -> None:
        file_id = sweeper.upload(targets=OPENAI_MODEL)["id"]
        before = len(simulators.state()["requests"])

        error = assert_error(sweeper.chat(VERTEX_MODEL, file_message(file_id)), 400, "invalid_request_error")

        assert file_id in error["message"] and f"target_model_names={VERTEX_MODEL}" in error["message"]
        assert error["param"] == "messages[0].content[1].file.file_id" or "file_id" in (error["param"] or "")
        assert len(simulators.state()["requests"]) == before

    def test_a_strangers_file_is_never_copied(self, sweeper: Gateway, simulators: Simulators) -> None:
        owner, stranger = sweeper.new_user("owner"), sweeper.new_user("stranger")
        file_id = sweeper.upload(targets=VERTEX_MODEL, http=owner.http)["id"]
        before = len(simulators.state()["requests"])

        for model in (OPENAI_MODEL, VERTEX_MODEL, "pair"):
            assert_error(sweeper.chat(model, file_message(file_id), stranger.http), 403, code="file_access_denied")

        assert len(simulators.state()["requests"]) == before
        assert simulators.openai_files() == []

    def test_a_model_that_the_key_may_not_use_is_not_filled(self, sweeper: Gateway, simulators: Simulators) -> None:
        user = sweeper.new_user("limited", models=[VERTEX_MODEL])
        file_id = sweeper.upload(targets=VERTEX_MODEL, http=user.http)["id"]

        assert_error(sweeper.chat(OPENAI_MODEL, file_message(file_id), user.http), 403)

        assert simulators.openai_files() == []

    @pytest.mark.parametrize("content", [b"x" * 100, b"", b"y" * 3000], ids=["same-length", "shorter", "longer"])
    def test_changed_content_is_refused(
        self, sweeper: Gateway, simulators: Simulators, behind: BehindTheGateway, content: bytes
    ) -> None:
        file_id = sweeper.upload(b"o" * 100, VERTEX_MODEL)["id"]
        behind.replace_google(content)

        for _ in range(2):
            error = error_of(answer := sweeper.chat(OPENAI_MODEL, file_message(file_id)))
            assert answer.status_code == 502 and "upload the file again" in error["message"].lower(), error

        assert simulators.openai_files() == []
        assert uploads(simulators) == 0, "content that is not the client's went to a provider"
        assert unfinished(sweeper.data) == []


class TestAFailureOnTheWay:
    """The source or the target fails: the client is told, nothing stays, the next request is served."""

    SOURCE_FAULTS = {
        "cut": {"cut_after_bytes": 1000},
        "closed": {"close_before_answer": True},
        "broken": {"status": 500},
        "unavailable": {"status": 503},
        "refused": {"status": 403},
        "busy": {"status": 429},
    }

    @pytest.mark.parametrize("fault", SOURCE_FAULTS)
    def test_of_the_source_leaves_nothing(self, sweeper: Gateway, simulators: Simulators, fault: str) -> None:
        content = pdf().ljust(200_000, b"\n")
        file_id = sweeper.upload(content, VERTEX_MODEL)["id"]
        simulators.fault("google", **GOOGLE_DOWNLOAD, times=0, **self.SOURCE_FAULTS[fault])

        error = error_of(answer := sweeper.chat(OPENAI_MODEL, file_message(file_id)))

        assert answer.status_code in (429, 502, 503, 504), error
        assert VERTEX_MODEL in error["message"], "the provider that failed is named"
        assert uploads(simulators) == 0
        assert unfinished(sweeper.data) == []
        simulators.clear_faults()
        assert_reads(sweeper.chat(OPENAI_MODEL, file_message(file_id)), content)
        assert_filled(simulators, content)

    @pytest.mark.parametrize("status", [400, 401, 413, 429])
    def test_of_the_target_by_a_refusal_leaves_nothing(
        self, sweeper: Gateway, simulators: Simulators, status: int
    ) -> None:
        content = pdf()
        file_id = sweeper.upload(content, VERTEX_MODEL)["id"]
        simulators.fault("openai", **OPENAI_UPLOAD, times=0, status=status)

        error = error_of(answer := sweeper.chat(OPENAI_MODEL, file_message(file_id)))

        assert answer.status_code == {401: 502}.get(status, status), error
        assert OPENAI_MODEL in error["message"]
        assert unfinished(sweeper.data) == []
        simulators.clear_faults()
        assert_reads(sweeper.chat(OPENAI_MODEL, file_message(file_id)), content)

    @pytest.mark.parametrize(
        "fault",
        [{"status": 500}, {"status": 500, "after_effect": True}, {"close_before_answer": True, "after_effect": True}],
        ids=["before", "after", "lost"],
    )
    def test_of_the_target_in_doubt_leaves_nothing_after_a_sweep(
        self, sweeper: Gateway, simulators: Simulators, fault: dict
    ) -> None:
        content = pdf("In doubt.")
        file_id = sweeper.upload(content, VERTEX_MODEL)["id"]
        simulators.fault("openai", **OPENAI_UPLOAD, times=0, **fault)

        error = error_of(answer := sweeper.chat(OPENAI_MODEL, file_message(file_id)))

        assert answer.status_code in (502, 503, 504), error
        simulators.clear_faults()
        until("nothing is left to do", lambda: not unfinished(sweeper.data), seconds=20)
        assert simulators.openai_files() == []
        assert_reads(sweeper.chat(OPENAI_MODEL, file_message(file_id)), content)
        assert_filled(simulators, content)

    def test_of_the_target_in_doubt_does_not_keep_the_next_request_waiting_for_sweeps(
        self, simulators: Simulators, start_gateway: StartGateway, standard_configuration: Callable[..., dict]
    ) -> None:
        gateway = start_gateway(standard_configuration(drain_seconds=1))
        file_id = gateway.upload(targets=VERTEX_MODEL)["id"]
        simulators.fault("openai", **OPENAI_UPLOAD, times=1, status=500)
        assert_error(gateway.chat(OPENAI_MODEL, file_message(file_id)), 503)

        # It is known what became of it, or the client is told to come back: a minute and a half is neither.
        answer = gateway.chat(OPENAI_MODEL, file_message(file_id), gateway.client(timeout=10))

        assert answer.status_code in (200, 503), answer.text
        assert answer.status_code == 200 or int(answer.headers["retry-after"]) >= 1

    def test_of_one_target_of_a_group_is_made_up_for_by_the_other(
        self, sweeper: Gateway, simulators: Simulators
    ) -> None:
        content = pdf()
        simulators.fault("openai", **OPENAI_UPLOAD, account="main", times=0, status=429)
        ids = [sweeper.upload(content, VERTEX_MODEL)["id"] for _ in range(4)]

        answers = [sweeper.chat("pair", file_message(file_id)) for file_id in ids]

        for answer in answers:
            assert_reads(answer, content)
            assert answer.headers["x-gantry-model-id"] == "pair-second"

    def test_of_a_client_that_leaves_is_none(self, sweeper: Gateway, simulators: Simulators) -> None:
        content = pdf("Nobody waits for it.")
        file_id = sweeper.upload(content, VERTEX_MODEL)["id"]
        body = json.dumps({"model": OPENAI_MODEL, "messages": file_message(file_id)}).encode()

        with simulators.holding("openai", **OPENAI_UPLOAD), Wire(sweeper.url) as leaving:
            leaving.send(request(body=body))
            simulators.wait_for_held_requests(1)
            leaving.socket.close()

        until("the copy is complete", lambda: len(simulators.openai_files()) == 1)
        assert_reads(sweeper.chat(OPENAI_MODEL, file_message(file_id)), content)
        assert uploads(simulators) == 1


def test_a_large_file_takes_no_memory(
    simulators: Simulators, start_gateway: StartGateway, standard_configuration: Callable[..., dict]
) -> None:
    gateway = start_gateway(standard_configuration(), log_level="info")
    small = gateway.upload(pdf(), VERTEX_MODEL)["id"]
    assert gateway.chat(OPENAI_MODEL, file_message(small)).status_code == 200
    content = os.urandom(1 << 20) * 64
    file_id = gateway.upload(content, VERTEX_MODEL)["id"]
    # From here on the peak is that of the copy alone.
    Path(f"/proc/{gateway.process.pid}/clear_refs").write_text("5")
    before = gateway.process.memory_bytes("VmHWM")

    answer = gateway.chat(OPENAI_MODEL, file_message(file_id))

    grown = gateway.process.memory_bytes("VmHWM") - before
    assert_reads(answer, content)
    assert [one["sha256"] for one in simulators.openai_files()][1:] == [digest(content)]
    assert grown < 40 << 20, f"{grown >> 20} MiB for a file of {len(content) >> 20} MiB"


class TestAClientWithBadIds:
    """Whatever one client sends, nobody else notices."""

    def test_changes_nobodys_answers(self, sweeper: Gateway, simulators: Simulators, behind: BehindTheGateway) -> None:
        good, bad = sweeper.new_user("good"), sweeper.new_user("bad")
        content = pdf("A good one.")
        fine = sweeper.upload(content, BOTH, good.http)["id"]
        raw = behind.put_openai(b"somebody's")
        lost = [sweeper.upload(targets=OPENAI_MODEL, http=bad.http)["id"] for _ in range(20)]
        kept = {one["id"] for one in simulators.openai_files()} - {raw}
        mine = rows(
            sweeper.data,
            "SELECT provider_id FROM file_copies c JOIN files f ON f.id = c.file_id WHERE f.owner_id = ?",
            bad.id,
        )
        for (provider_id,) in mine:
            behind.remove_openai(provider_id)
        assert len(kept) == 21
        before = self.health(sweeper)
        ids = [fine, raw, "file-" + "a" * 40, "nonsense", "gs://sim-main/x", *lost] * 12

        with ThreadPoolExecutor(8) as pool:
            sent = [pool.submit(sweeper.chat, OPENAI_MODEL, file_message(one), bad.http) for one in ids]
            others = [
                pool.submit(sweeper.chat, (OPENAI_MODEL, VERTEX_MODEL)[number % 2], file_message(fine), good.http)
                for number in range(60)
            ]
            refused = Counter(one.result().status_code for one in sent)
            for one in others:
                assert_reads(one.result(), content)

        assert set(refused) <= {400, 403, 404}, refused
        assert refused[403] == 12, refused
        assert self.health(sweeper) == before
        until("nothing is left to do", lambda: not unfinished(sweeper.data), seconds=20)
        for model in (OPENAI_MODEL, VERTEX_MODEL):
            assert_reads(sweeper.chat(model, file_message(fine), good.http), content)
        assert raw in {one["id"] for one in simulators.openai_files()}

    def health(self, gateway: Gateway) -> dict:
        response = gateway.admin.get("/health")
        assert response.status_code == 200, response.text
        return response.json()
