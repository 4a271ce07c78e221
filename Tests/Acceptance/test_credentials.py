"""Where the gateway gets Google's access tokens from, how few it asks for, and that it keeps what is secret."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from support.documents import file_message
from support.errors import assert_error, error_of
from support.gateway import Gateway, clean_environment, configuration, openai_entry, vertex_entry
from support.simulators import Simulators

MODEL = "gemini-2.0-flash"


def write(path: Path, document: dict) -> Path:
    path.write_text(json.dumps(document))
    path.chmod(0o600)
    return path


def use_everything(gateway: Gateway, simulators: Simulators) -> None:
    """A file through all its operations, so that each of them has carried a token."""
    file_id = gateway.upload(b"Some text.", MODEL)["id"]
    assert gateway.chat(MODEL, file_message(file_id)).status_code == 200
    assert gateway.admin.get(f"/v1/files/{file_id}/content").content == b"Some text."
    assert gateway.admin.delete(f"/v1/files/{file_id}").status_code == 200
    assert simulators.holds_nothing()


class TestSources:
    """Service accounts, users and the metadata server."""

    def test_a_service_account(
        self, simulators: Simulators, credentials: Callable[[str], Path], start_gateway: Callable[..., Gateway]
    ) -> None:
        gateway = start_gateway(configuration(vertex_entry(simulators, credentials("main"))))

        use_everything(gateway, simulators)

    def test_a_service_account_as_json_text(
        self, simulators: Simulators, start_gateway: Callable[..., Gateway]
    ) -> None:
        text = json.dumps(simulators.service_account("main"))
        gateway = start_gateway(configuration(vertex_entry(simulators, text)))

        use_everything(gateway, simulators)

    def test_a_service_account_named_by_the_environment(
        self, simulators: Simulators, credentials: Callable[[str], Path], start_gateway: Callable[..., Gateway]
    ) -> None:
        environment = clean_environment(GOOGLE_APPLICATION_CREDENTIALS=str(credentials("main")))
        gateway = start_gateway(configuration(vertex_entry(simulators, None)), environment=environment)

        use_everything(gateway, simulators)

    def test_an_authorized_user(
        self, simulators: Simulators, tmp_path: Path, start_gateway: Callable[..., Gateway]
    ) -> None:
        path = write(tmp_path / "user.json", simulators.authorized_user("main"))
        gateway = start_gateway(configuration(vertex_entry(simulators, path)))

        use_everything(gateway, simulators)

    def test_the_metadata_server(self, simulators: Simulators, start_gateway: Callable[..., Gateway]) -> None:
        environment = clean_environment(GCE_METADATA_HOST=urlsplit(simulators.google_url).netloc)
        entry = vertex_entry(simulators, None, account="metadata")
        gateway = start_gateway(configuration(entry), environment=environment)

        use_everything(gateway, simulators)

        assert simulators.requests("google", "/computeMetadata/v1/instance/service-accounts/default/token")

    def test_two_deployments_keep_their_tokens_apart(
        self, simulators: Simulators, credentials: Callable[[str], Path], start_gateway: Callable[..., Gateway]
    ) -> None:
        gateway = start_gateway(
            configuration(
                vertex_entry(simulators, credentials("main"), "one", "main"),
                vertex_entry(simulators, credentials("second"), "two", "second"),
            )
        )

        gateway.upload(targets="one,two")

        assert {entry["account"] for entry in simulators.google_objects()} == {"main", "second"}
        assert {entry["bucket"] for entry in simulators.google_objects()} == {"sim-main", "sim-second"}


class TestTokens:
    """One token for everybody, for as long as it is good."""

    @pytest.fixture
    def cold(
        self, simulators: Simulators, credentials: Callable[[str], Path], start_gateway: Callable[..., Gateway]
    ) -> Gateway:
        """A gateway that has not needed a token yet."""
        gateway = start_gateway(configuration(vertex_entry(simulators, credentials("main"))))
        simulators.reset()
        return gateway

    @staticmethod
    def chats(gateway: Gateway, count: int) -> list[int]:
        with ThreadPoolExecutor(count) as pool:
            answers = pool.map(lambda _: gateway.chat(MODEL, "Hello"), range(count))
            return [answer.status_code for answer in answers]

    def test_twenty_chats_after_a_cold_start_ask_for_one_token(self, cold: Gateway, simulators: Simulators) -> None:
        simulators.fault("google", path_contains="token", times=0, delay_ms=300)

        assert set(self.chats(cold, 20)) == {200}

        assert simulators.tokens_issued() == 1

    def test_an_expired_token_is_renewed_once_and_nobody_notices(self, cold: Gateway, simulators: Simulators) -> None:
        assert set(self.chats(cold, 4)) == {200}
        simulators.expire_tokens()

        assert set(self.chats(cold, 20)) == {200}

        assert simulators.tokens_issued() == 2

    def test_an_expired_token_is_renewed_for_files_too(self, cold: Gateway, simulators: Simulators) -> None:
        file_id = cold.upload(b"Some text.", MODEL)["id"]
        for work in (
            lambda: cold.admin.get(f"/v1/files/{file_id}/content"),
            lambda: cold.chat(MODEL, file_message(file_id)),
            lambda: cold.admin.delete(f"/v1/files/{file_id}"),
        ):
            simulators.expire_tokens()
            assert work().status_code == 200
        simulators.expire_tokens()
        cold.upload(b"More text.", MODEL)

    def test_a_streamed_chat_renews_an_expired_token_before_it_starts(
        self, cold: Gateway, simulators: Simulators
    ) -> None:
        assert set(self.chats(cold, 1)) == {200}
        simulators.expire_tokens()

        response = cold.chat(MODEL, "Hello", stream=True)

        assert response.status_code == 200 and "[DONE]" in response.text

    def test_a_token_endpoint_that_fails_is_an_error_for_those_who_wait_and_is_asked_again(
        self, cold: Gateway, simulators: Simulators
    ) -> None:
        simulators.fault("google", path_contains="token", times=0, status=500, body={"error": "internal_failure"})

        for status in self.chats(cold, 5):
            assert status in (502, 503)
        simulators.clear_faults()

        assert cold.chat(MODEL, "Hello").status_code == 200

    def test_a_refused_service_account_is_502_and_never_401(self, cold: Gateway, simulators: Simulators) -> None:
        body = {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}
        simulators.fault("google", path_contains="token", times=0, status=400, body=body)

        assert_error(cold.chat(MODEL, "Hello"), 502)


class TestSecrets:
    """What is secret stands in no log line and in no answer, at any log level."""

    def test_are_in_no_log_and_no_answer(
        self,
        simulators: Simulators,
        credentials: Callable[[str], Path],
        start_gateway: Callable[..., Gateway],
    ) -> None:
        account = json.loads(credentials("main").read_text())
        gateway = start_gateway(
            configuration(
                openai_entry(simulators),
                vertex_entry(simulators, credentials("main")),
                openai_entry(simulators, "wrong-key", api_key="sk-notasimkey-0123456789"),
            ),
            log_level="trace",
        )
        user = gateway.new_user()
        answers = [
            gateway.admin.get("/v1/models"),
            gateway.admin.get("/v1/model/info"),
            gateway.admin.get("/health"),
            gateway.admin.get("/key/info", params={"key": user.key}),
            gateway.chat("wrong-key", "Hello"),
            gateway.chat("gpt-4o-mini-openai", "Hello", user.http),
            gateway.chat(MODEL, "Hello", user.http),
            gateway.client("sk-this-key-is-unknown-here").get("/v1/models"),
        ]
        simulators.fault("google", path_contains="enerateContent", times=0, status=401)
        answers.append(gateway.chat(MODEL, "Hello"))

        private_lines = [line for line in account["private_key"].splitlines() if line and "PRIVATE" not in line]
        secrets = [
            "sk-sim-main",
            "sk-notasimkey-0123456789",
            "sk-this-key-is-unknown-here",
            user.key,
            "ya29.",
            "Bearer ",
            *private_lines,
        ]
        gateway.secrets += ["sk-1234", *secrets]
        for answer in answers:
            for secret in secrets:
                assert secret not in answer.text, f"{answer.request.url.path} shows {secret[:8]}…"
                assert all(secret not in value for value in answer.headers.values())
        gateway.stop()

    def test_a_wrong_provider_key_is_502_without_the_key(
        self, simulators: Simulators, start_gateway: Callable[..., Gateway]
    ) -> None:
        gateway = start_gateway(configuration(openai_entry(simulators, api_key="sk-notasimkey-0123456789")))

        response = gateway.chat("gpt-4o-mini-openai", "Hello")

        error = error_of(response)
        assert response.status_code == 502
        assert "notasimkey" not in error["message"] and "sk-notas" not in error["message"]

    def test_a_body_is_never_logged(
        self, start_gateway: Callable[..., Gateway], standard_configuration: Callable[..., dict]
    ) -> None:
        gateway = start_gateway(standard_configuration(), log_level="trace")
        gateway.secrets += ["THE-QUESTION-OF-THE-USER", "THE-CONTENT-OF-THE-FILE"]

        file_id = gateway.upload(b"THE-CONTENT-OF-THE-FILE", f"gpt-4o-mini-openai,{MODEL}")["id"]
        for model in ("gpt-4o-mini-openai", MODEL):
            gateway.chat(model, file_message(file_id, "THE-QUESTION-OF-THE-USER"))
            gateway.chat(model, file_message(file_id + "x", "THE-QUESTION-OF-THE-USER"))
        gateway.admin.post("/v1/chat/completions", content=b'{"THE-QUESTION-OF-THE-USER')

        gateway.stop()
