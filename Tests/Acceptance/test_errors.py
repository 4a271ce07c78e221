"""Every row of the contract's error table that applies to files, chat, models and keys."""

import base64
import contextlib
import json
import sqlite3
import string
import uuid
from collections.abc import Callable
from urllib.parse import quote

import httpx
import pytest

from support.documents import Multipart, file_message, pdf, upload_body
from support.errors import assert_error, error_of
from support.gateway import MASTER_KEY, Gateway, configuration, openai_entry
from support.simulators import Simulators
from support.waiting import until

OPENAI_MODEL = "gpt-4o-mini-openai"
VERTEX_MODEL = "gemini-2.0-flash"
INVALID = "invalid_request_error"

#: The id in LiteLLM's documentation; nobody here has such a file.
DOCUMENTED_ID = (
    "bGl0ZWxsbV9wcm94eTphcHBsaWNhdGlvbi9vY3RldC1zdHJlYW07dW5pZmllZF9pZCwyYTgzOWIyYS03YzI1LTRiNTUtYTUxYS1lZjdhODljNz"
    "ZkMzU7dGFyZ2V0X21vZGVsX25hbWVzLGdwdC00by1iYXRjaA"
)
RAW_IDS = ["file-abc123", "gs://sim-main/some/object.pdf", "files/abc-123"]


def part_with(place: str, file_id: str) -> tuple[str, dict]:
    """The role and the content part that carry `file_id` in one of the places where an id can stand."""
    file_part = {"type": "file", "file": {"file_id": file_id}}
    places = {
        "user-file": ("user", file_part),
        "system-file": ("system", file_part),
        "developer-file": ("developer", file_part),
        "assistant-file": ("assistant", file_part),
        "tool-file": ("tool", file_part),
        "image-url": ("user", {"type": "image_url", "image_url": {"url": file_id}}),
        "input-image": ("user", {"type": "input_image", "file_id": file_id}),
        "input-file": ("user", {"type": "input_file", "file_id": file_id}),
        "input-audio": ("user", {"type": "input_audio", "input_audio": {"file_id": file_id}}),
    }
    return places[place]


PLACES = [
    "user-file",
    "system-file",
    "developer-file",
    "assistant-file",
    "tool-file",
    "image-url",
    "input-image",
    "input-file",
    "input-audio",
]


def messages_with(place: str, file_id: str) -> list[dict]:
    role, part = part_with(place, file_id)
    call = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    lead = [{"role": "user", "content": "Look."}]
    if role == "tool":
        lead.append({"role": "assistant", "content": None, "tool_calls": [call]})
    message = {"role": role, "content": [{"type": "text", "text": "Here."}, part]}
    if role == "tool":
        message["tool_call_id"] = "call_1"
    return [*lead, message]


class TestKeys:
    """Who asks."""

    @pytest.mark.parametrize(
        "headers",
        [
            {},
            {"Authorization": ""},
            {"Authorization": "Bearer"},
            {"Authorization": "Basic c2stMTIzNDo="},
            {"Authorization": MASTER_KEY[:-1]},
            {"Authorization": f"Bearer {MASTER_KEY}5"},
            {"Authorization": f"Bearer {MASTER_KEY[:-1]}"},
            {"Authorization": "Bearer not-a-key"},
            {"Authorization": "Bearer sk-unknownunknownunknownunknown"},
            {"Authorization": "Bearer " + "sk-" + "x" * 5000},
        ],
        ids=lambda headers: repr(headers.get("Authorization", "none"))[:40],
    )
    @pytest.mark.parametrize("route", ["files", "chat", "models", "admin"])
    def test_without_a_valid_key_the_answer_is_401(self, gateway: Gateway, headers: dict, route: str) -> None:
        client = gateway.client(key=None)
        requests = {
            "files": ("GET", "/v1/files"),
            "chat": ("POST", "/v1/chat/completions"),
            "models": ("GET", "/v1/models"),
            "admin": ("POST", "/user/new"),
        }
        method, path = requests[route]

        response = client.request(method, path, headers=headers)

        assert_error(response, 401, "authentication_error", "invalid_api_key")

    def test_a_deleted_key_is_refused(self, gateway: Gateway) -> None:
        user = gateway.new_user()
        assert user.http.get("/v1/models").status_code == 200

        assert gateway.admin.post("/key/delete", json={"keys": [user.key]}).status_code == 200

        assert_error(user.http.get("/v1/models"), 401, "authentication_error", "invalid_api_key")

    def test_an_expired_key_is_refused(self, gateway: Gateway) -> None:
        response = gateway.admin.post("/key/generate", json={"duration": "1s", "models": []})
        assert response.status_code == 200, response.text
        client = gateway.client(response.json()["key"])

        refused = until(
            "the key has expired",
            lambda: (answer := client.get("/v1/models")).status_code != 200 and answer,
        )

        assert_error(refused, 401, "authentication_error", "invalid_api_key")

    @pytest.mark.parametrize("path", ["/user/new", "/key/generate", "/user/delete", "/team/new"])
    def test_a_users_key_on_an_admin_route_is_403(self, gateway: Gateway, path: str) -> None:
        user = gateway.new_user()

        assert_error(user.http.post(path, json={"user_id": "mallory"}), 403, "permission_error")

    def test_a_key_is_shown_once_and_info_never_shows_it(self, gateway: Gateway) -> None:
        user = gateway.new_user(models=[OPENAI_MODEL])

        key_info = gateway.admin.get("/key/info", params={"key": user.key})
        user_info = gateway.admin.get("/user/info", params={"user_id": user.id})

        assert key_info.status_code == user_info.status_code == 200
        assert user.key not in key_info.text + user_info.text
        assert user.id in key_info.text and user.id in user_info.text
        assert OPENAI_MODEL in key_info.text

    def test_keys_are_stored_as_digests_only(self, gateway: Gateway) -> None:
        user = gateway.new_user()

        for path in gateway.data.rglob("*"):
            if path.is_file():
                assert user.key.encode() not in path.read_bytes(), f"the key stands in {path.name}"

    @pytest.mark.parametrize(
        "body", ["text", "{", "[]", '"x"', '{"models": "all"}', '{"models": [1]}', '{"user_id": 5}']
    )
    @pytest.mark.parametrize("path", ["/user/new", "/key/generate"])
    def test_a_bad_body_of_an_admin_route_is_400(self, gateway: Gateway, path: str, body: str) -> None:
        assert_error(gateway.admin.post(path, content=body), 400, INVALID)


class TestModels:
    """What a key may use, and what nobody knows."""

    def test_a_model_that_is_not_on_the_key_is_403(self, gateway: Gateway, simulators: Simulators) -> None:
        user = gateway.new_user(models=[OPENAI_MODEL])

        response = gateway.chat(VERTEX_MODEL, "Hello", user.http)

        assert_error(response, 403, "permission_error", "key_model_access_denied", "model")
        assert gateway.chat(OPENAI_MODEL, "Hello", user.http).status_code == 200
        assert not simulators.requests("google", "generateContent")

    @pytest.mark.parametrize("name", [VERTEX_MODEL, "vertex-main", "vertex_ai/gemini-2.0-flash"])
    def test_a_target_that_is_not_on_the_key_is_403(self, gateway: Gateway, simulators: Simulators, name: str) -> None:
        user = gateway.new_user(models=[OPENAI_MODEL])

        response = gateway.post_file(upload_body(targets=f"{OPENAI_MODEL}, {name}"), user.http)

        error = assert_error(response, 403, "permission_error", "key_model_access_denied")
        assert error["param"] in ("model", "target_model_names")
        assert simulators.holds_nothing()

    def test_an_unknown_model_is_400(self, gateway: Gateway) -> None:
        assert_error(gateway.chat("gpt-9", "Hello"), 400, INVALID, "model_not_found")

    def test_an_unknown_target_is_400_and_nothing_is_uploaded(self, gateway: Gateway, simulators: Simulators) -> None:
        response = gateway.post_file(upload_body(targets=f"{OPENAI_MODEL}, gpt-9"))

        error = assert_error(response, 400, INVALID, "model_not_found")
        assert "gpt-9" in error["message"]
        assert simulators.holds_nothing()
        assert not simulators.requests("openai", "/files", "POST")

    def test_an_unknown_model_of_the_models_route_is_404_or_400(self, gateway: Gateway) -> None:
        response = gateway.admin.get("/v1/models/gpt-9")

        assert response.status_code in (400, 404)
        error_of(response)


class TestIds:
    """Ids that are unknown, forged, raw or of LiteLLM's making."""

    @pytest.mark.parametrize("unknown", ["nonsense", "file-" + "a" * 40, DOCUMENTED_ID])
    def test_an_unknown_id_is_404(self, gateway: Gateway, unknown: str) -> None:
        for response in (
            gateway.admin.get(f"/v1/files/{unknown}"),
            gateway.admin.get(f"/v1/files/{unknown}/content"),
            gateway.admin.delete(f"/v1/files/{unknown}"),
            gateway.chat(OPENAI_MODEL, file_message(unknown)),
        ):
            assert_error(response, 404, INVALID, "file_not_found")

    def test_a_deleted_id_is_404(self, gateway: Gateway) -> None:
        file_id = gateway.upload()["id"]
        gateway.admin.delete(f"/v1/files/{file_id}").raise_for_status()

        for response in (
            gateway.admin.get(f"/v1/files/{file_id}"),
            gateway.admin.get(f"/v1/files/{file_id}/content"),
            gateway.admin.delete(f"/v1/files/{file_id}"),
            gateway.chat(OPENAI_MODEL, file_message(file_id)),
        ):
            assert_error(response, 404, INVALID, "file_not_found")

    def test_an_id_with_any_character_changed_is_404(self, gateway: Gateway) -> None:
        file_id = gateway.upload()["id"]
        alphabet = string.ascii_lowercase + "234567"

        for place in range(len("file-"), len(file_id)):
            swapped = alphabet[(alphabet.index(file_id[place]) + 1) % len(alphabet)]
            for character in (swapped, file_id[place].upper() if file_id[place].isalpha() else "A", "0", "-"):
                forged = file_id[:place] + character + file_id[place + 1 :]
                assert_error(gateway.admin.get(f"/v1/files/{forged}"), 404, INVALID, "file_not_found")
        assert gateway.admin.get(f"/v1/files/{file_id}").status_code == 200

    @pytest.mark.parametrize("place", PLACES)
    def test_a_forged_id_in_a_chat_is_404(self, gateway: Gateway, simulators: Simulators, place: str) -> None:
        file_id = gateway.upload()["id"]
        forged = file_id[:-1] + ("a" if file_id[-1] != "a" else "b")

        response = gateway.chat(OPENAI_MODEL, messages_with(place, forged))

        assert_error(response, 404, INVALID, "file_not_found")
        assert not simulators.requests("openai", "/chat/completions")

    @pytest.mark.parametrize("place", PLACES)
    def test_someone_elses_id_in_a_chat_is_403(self, gateway: Gateway, simulators: Simulators, place: str) -> None:
        alice, bob = gateway.new_user("alice"), gateway.new_user("bob")
        file_id = gateway.upload(http=alice.http)["id"]

        response = gateway.chat(OPENAI_MODEL, messages_with(place, file_id), bob.http)

        error = assert_error(response, 403, "permission_error")
        assert f"User {bob.id} does not have access to the file" in error["message"]
        assert not simulators.requests("openai", "/chat/completions")

    @pytest.mark.parametrize("model", [OPENAI_MODEL, VERTEX_MODEL])
    @pytest.mark.parametrize("raw", RAW_IDS)
    @pytest.mark.parametrize("place", PLACES)
    def test_a_raw_id_in_a_chat_is_400(
        self, gateway: Gateway, simulators: Simulators, place: str, raw: str, model: str
    ) -> None:
        response = gateway.chat(model, messages_with(place, raw))

        assert_error(response, 400, INVALID)
        assert not simulators.requests("openai", "/chat/completions")
        assert not simulators.requests("google", "generateContent")

    @pytest.mark.parametrize("raw", RAW_IDS)
    @pytest.mark.parametrize("suffix", ["", "/content"])
    def test_a_raw_id_in_a_path_is_400(self, gateway: Gateway, raw: str, suffix: str) -> None:
        assert_error(gateway.admin.get(f"/v1/files/{quote(raw, safe='')}{suffix}"), 400, INVALID)

    @pytest.mark.parametrize("raw", RAW_IDS)
    def test_a_raw_id_as_a_cursor_or_to_delete_is_400(self, gateway: Gateway, raw: str) -> None:
        assert_error(gateway.admin.get("/v1/files", params={"after": raw}), 400, INVALID)
        assert_error(gateway.admin.delete(f"/v1/files/{quote(raw, safe='')}"), 400, INVALID)

    def test_the_providers_own_id_of_ones_own_file_is_refused_too(
        self, gateway: Gateway, simulators: Simulators
    ) -> None:
        gateway.upload()
        provider_id = simulators.openai_files()[0]["id"]

        assert_error(gateway.chat(OPENAI_MODEL, file_message(provider_id)), 400, INVALID)
        assert_error(gateway.admin.get(f"/v1/files/{provider_id}"), 400, INVALID)

    def test_an_id_hidden_behind_json_escapes_is_seen(self, gateway: Gateway, simulators: Simulators) -> None:
        alice, bob = gateway.new_user("alice"), gateway.new_user("bob")
        file_id = gateway.upload(http=alice.http)["id"]
        escaped = "".join(f"\\u{ord(character):04x}" for character in file_id)
        body = json.dumps({"model": OPENAI_MODEL, "messages": file_message("ID")}).replace('"ID"', f'"{escaped}"')
        hidden_key = body.replace('"file_id"', '"\\u0066ile_id"')

        for content in (body, hidden_key):
            assert_error(bob.http.post("/v1/chat/completions", content=content), 403, "permission_error")
            assert alice.http.post("/v1/chat/completions", content=content).status_code == 200
        assert len(simulators.requests("openai", "/chat/completions")) == 2

    def test_a_text_that_merely_looks_like_an_id_is_left_alone(self, gateway: Gateway) -> None:
        text = 'Say "file-abc123" and {"file_id": "gs://bucket/object"}.'

        assert gateway.chat(OPENAI_MODEL, text).status_code == 200
        assert gateway.chat(VERTEX_MODEL, text).status_code == 200


class TestLiteLLMIds:
    """Both generations of LiteLLM's ids are understood; what they claim is never trusted."""

    @staticmethod
    def decode(file_id: str) -> str:
        return base64.urlsafe_b64decode(file_id + "=" * (-len(file_id) % 4)).decode()

    @staticmethod
    def encode(text: str) -> str:
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    def test_are_answered_on_request_and_accepted_always(
        self, start_gateway: Callable[..., Gateway], standard_configuration: Callable[..., dict]
    ) -> None:
        litellm = start_gateway(standard_configuration(id_format="litellm"))
        alice, bob = litellm.new_user("alice"), litellm.new_user("bob")
        file_id = litellm.upload(targets=f"{OPENAI_MODEL},{VERTEX_MODEL}", http=alice.http)["id"]
        plain = self.decode(file_id)
        assert plain.startswith("litellm_proxy:application/pdf;unified_id,")
        assert plain.endswith(f";target_model_names,{OPENAI_MODEL},{VERTEX_MODEL}")
        assert litellm.chat(OPENAI_MODEL, file_message(file_id), alice.http).status_code == 200
        litellm.stop()

        other = start_gateway(standard_configuration(), data=litellm.data)
        alice_again, bob_again = other.client(alice.key), other.client(bob.key)
        second_generation = self.encode(plain + ";llm_output_file_id,file-abc;llm_output_file_model_id,openai-second")
        other_claims = self.encode(
            plain.replace("application/pdf", "text/plain").replace(VERTEX_MODEL, "gpt-4o-second")
        )

        for spelling in (file_id, second_generation, other_claims):
            response = alice_again.get(f"/v1/files/{spelling}")
            assert response.status_code == 200, response.text
            assert response.json()["id"].startswith("file-")
            for model in (OPENAI_MODEL, VERTEX_MODEL):
                assert other.chat(model, file_message(spelling), alice_again).status_code == 200
            assert_error(bob_again.get(f"/v1/files/{spelling}"), 403, "permission_error")
            assert_error(other.chat(OPENAI_MODEL, file_message(spelling), bob_again), 403, "permission_error")

    def test_a_made_up_one_is_404(self, gateway: Gateway) -> None:
        made_up = self.encode(
            f"litellm_proxy:application/pdf;unified_id,{uuid.uuid4()};target_model_names,{OPENAI_MODEL}"
        )

        for spelling in (made_up, DOCUMENTED_ID):
            assert_error(gateway.admin.get(f"/v1/files/{spelling}"), 404, INVALID, "file_not_found")
            assert_error(gateway.chat(OPENAI_MODEL, file_message(spelling)), 404, INVALID, "file_not_found")


class TestUploads:
    """Fields of `POST /v1/files`."""

    def check(self, gateway: Gateway, simulators: Simulators, multipart: Multipart, param: str) -> None:
        files_before = gateway.file_ids()
        assert_error(gateway.post_file(multipart), 400, INVALID, param=param)
        assert simulators.holds_nothing()
        assert gateway.file_ids() == files_before

    def test_no_purpose(self, gateway: Gateway, simulators: Simulators) -> None:
        multipart = Multipart().field("target_model_names", OPENAI_MODEL).file(pdf())
        self.check(gateway, simulators, multipart, "purpose")

    @pytest.mark.parametrize("purpose", ["", "nonsense", "user_data ", "assistants_output"])
    def test_a_bad_purpose(self, gateway: Gateway, simulators: Simulators, purpose: str) -> None:
        multipart = Multipart().fields([("purpose", purpose), ("target_model_names", OPENAI_MODEL)]).file(pdf())
        self.check(gateway, simulators, multipart, "purpose")

    def test_no_file(self, gateway: Gateway, simulators: Simulators) -> None:
        multipart = Multipart().fields([("purpose", "user_data"), ("target_model_names", OPENAI_MODEL)])
        self.check(gateway, simulators, multipart, "file")

    def test_a_file_field_that_is_no_file(self, gateway: Gateway, simulators: Simulators) -> None:
        fields = [("purpose", "user_data"), ("target_model_names", OPENAI_MODEL), ("file", "text")]
        self.check(gateway, simulators, Multipart().fields(fields), "file")

    def test_two_files(self, gateway: Gateway, simulators: Simulators) -> None:
        self.check(gateway, simulators, upload_body().file(pdf()), "file")

    @pytest.mark.parametrize("names", [None, "", " , "])
    def test_no_target_names(self, gateway: Gateway, simulators: Simulators, names: str | None) -> None:
        multipart = Multipart().field("purpose", "user_data")
        if names is not None:
            multipart.field("target_model_names", names)
        self.check(gateway, simulators, multipart.file(pdf()), "target_model_names")

    @pytest.mark.parametrize("seconds", ["3599", "2592001", "-1", "soon", "1e4", ""])
    def test_a_bad_expiry(self, gateway: Gateway, simulators: Simulators, seconds: str) -> None:
        multipart = Multipart().fields([("expires_after[anchor]", "created_at"), ("expires_after[seconds]", seconds)])
        multipart.fields([("purpose", "user_data"), ("target_model_names", OPENAI_MODEL)]).file(pdf())
        response = gateway.post_file(multipart)

        error = assert_error(response, 400, INVALID)
        assert error["param"] and error["param"].startswith("expires_after")
        assert simulators.holds_nothing()

    def test_a_bad_anchor(self, gateway: Gateway, simulators: Simulators) -> None:
        multipart = Multipart().fields([("expires_after[anchor]", "last_used_at"), ("expires_after[seconds]", "3600")])
        multipart.fields([("purpose", "user_data"), ("target_model_names", OPENAI_MODEL)]).file(pdf())

        error = assert_error(gateway.post_file(multipart), 400, INVALID)

        assert error["param"] and error["param"].startswith("expires_after")
        assert simulators.holds_nothing()

    def test_an_oversize_field(self, gateway: Gateway, simulators: Simulators) -> None:
        multipart = Multipart().field("purpose", "x" * 8_000_000).field("target_model_names", OPENAI_MODEL).file(pdf())

        response = gateway.post_file(multipart)

        assert response.status_code in (400, 413)
        error_of(response)
        assert simulators.holds_nothing()

    def test_too_many_fields(self, gateway: Gateway, simulators: Simulators) -> None:
        multipart = upload_body()
        for number in range(5000):
            multipart.field(f"field{number}", "x")

        response = gateway.post_file(multipart)

        assert response.status_code in (400, 413)
        error_of(response)
        until("what was uploaded is undone", simulators.holds_nothing)

    @pytest.mark.parametrize(
        ("content_type", "body"),
        [
            ("application/json", b'{"purpose": "user_data"}'),
            ("text/plain", b"hello"),
            ("multipart/form-data", b"--x\r\n\r\n--x--\r\n"),
            ("multipart/form-data; boundary=", b"----\r\n"),
            ("multipart/form-data; boundary=" + "b" * 500, b"--" + b"b" * 500 + b"--\r\n"),
            ("multipart/form-data; boundary=x", b""),
            ("multipart/form-data; boundary=x", b"no boundary anywhere"),
            ("multipart/form-data; boundary=x", b"--x"),
            ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nuser_'),
            ("multipart/form-data; boundary=x", b"--x\r\nno header\r\n\r\nvalue\r\n--x--\r\n"),
            ("multipart/form-data; boundary=x", b"--x\r\nContent-Type: text/plain\r\n\r\nvalue\r\n--x--\r\n"),
            ("multipart/form-data; boundary=x", b"--x\r\nX-Long: " + b"y" * 200_000 + b"\r\n\r\nvalue\r\n--x--\r\n"),
            ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="\xff"\r\n\r\n\r\n--x--'),
        ],
    )
    def test_a_body_that_is_not_multipart(
        self, gateway: Gateway, simulators: Simulators, content_type: str, body: bytes
    ) -> None:
        response = gateway.admin.post("/v1/files", content=body, headers={"Content-Type": content_type})

        assert response.status_code in (400, 413)
        assert error_of(response)["type"] == INVALID
        assert simulators.holds_nothing()

    def test_an_upload_without_a_content_type(self, gateway: Gateway) -> None:
        assert_error(gateway.admin.post("/v1/files", content=b"--x--\r\n"), 400, INVALID)


class TestLists:
    """Query parameters of `GET /v1/files`."""

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("limit", "0"),
            ("limit", "-1"),
            ("limit", "10001"),
            ("limit", "ten"),
            ("limit", "9" * 40),
            ("order", "up"),
            ("purpose", "nonsense"),
        ],
    )
    def test_a_bad_parameter(self, gateway: Gateway, name: str, value: str) -> None:
        assert_error(gateway.admin.get("/v1/files", params={name: value}), 400, INVALID, param=name)

    def test_an_unknown_target(self, gateway: Gateway) -> None:
        response = gateway.admin.get("/v1/files", params={"target_model_names": "gpt-9"})

        assert_error(response, 400, INVALID, "model_not_found")

    def test_an_unknown_cursor(self, gateway: Gateway) -> None:
        assert_error(gateway.admin.get("/v1/files", params={"after": "nonsense"}), 404, INVALID, "file_not_found")

    @pytest.mark.parametrize("body", [b"{", b"[]", b'{"target_model_names": 5}'])
    def test_a_bad_body_on_the_get(self, gateway: Gateway, body: bytes) -> None:
        response = gateway.admin.request("GET", "/v1/files", content=body, headers={"Content-Type": "application/json"})

        assert_error(response, 400, INVALID)


class TestChatBodies:
    """JSON that is malformed or has wrong types."""

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"{",
            b"null",
            b"[]",
            b"5",
            b'"model"',
            b'{"model": "gpt-4o-mini-openai", "messages": [}',
            b'{"model": "gpt-4o-mini-openai", "messages": []} trailing',
            b'{"model": "gpt-4o-mini-openai", "messages": [{"role": "user", "content": "\xff"}]}',
            b'{"model": "gpt-4o-mini-openai", "messages": [{"role": "user", "content": "\\ud800"}]}',
            b'{"model": "gpt-4o-mini-openai", "messages": [{"role": "user", "content": "\x01"}]}',
            b'{"model": "gpt-4o-mini-openai", "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
            b'{"model": "gpt-4o-mini-openai", "model": "gpt-4o-second", "messages": []}',
            b'{"model": "gpt-4o-mini-openai", "messages": [{"file": {"file_id": "a", "file\\u005fid": "b"}}]}',
            b"\xef\xbb\xbf{}",
            b"\x00" * 100,
        ],
        ids=lambda body: repr(body[:30]),
    )
    def test_malformed_json(self, gateway: Gateway, body: bytes) -> None:
        headers = {"Content-Type": "application/json"}

        response = gateway.admin.post("/v1/chat/completions", content=body, headers=headers)

        assert_error(response, 400, INVALID)

    @pytest.mark.parametrize(
        ("change", "param"),
        [
            ({"model": None}, "model"),
            ({"model": 5}, "model"),
            ({"model": ""}, "model"),
            ({"model": ["gpt-4o-mini-openai"]}, "model"),
            ({"stream": "yes"}, "stream"),
        ],
        ids=str,
    )
    def test_a_wrong_type_names_its_field(self, gateway: Gateway, change: dict, param: str) -> None:
        body = {"model": OPENAI_MODEL, "messages": [{"role": "user", "content": "Hello"}]} | change

        error = assert_error(gateway.admin.post("/v1/chat/completions", json=body), 400, INVALID)

        assert error["param"] == param

    def test_no_model(self, gateway: Gateway) -> None:
        body = {"messages": [{"role": "user", "content": "Hello"}]}

        assert_error(gateway.admin.post("/v1/chat/completions", json=body), 400, INVALID, param="model")

    @pytest.mark.parametrize("model", [OPENAI_MODEL, VERTEX_MODEL])
    @pytest.mark.parametrize("messages", ["missing", None, 5, "Hello", [], [5], [{"content": "no role"}]], ids=str)
    def test_bad_messages(self, gateway: Gateway, model: str, messages: object) -> None:
        body = {"model": model} | ({} if messages == "missing" else {"messages": messages})

        assert_error(gateway.admin.post("/v1/chat/completions", json=body), 400, INVALID)

    @pytest.mark.parametrize("file_id", [None, 5, "", [], {}], ids=str)
    def test_a_file_id_of_a_wrong_type(self, gateway: Gateway, file_id: object) -> None:
        response = gateway.chat(OPENAI_MODEL, file_message(file_id))

        assert response.status_code in (400, 404)
        assert error_of(response)["type"] == INVALID

    def test_what_vertex_cannot_express_is_refused_and_not_dropped(
        self, gateway: Gateway, simulators: Simulators
    ) -> None:
        part = {"type": "hologram", "hologram": {"data": "x"}}
        messages = [{"role": "user", "content": [{"type": "text", "text": "Look."}, part]}]

        response = gateway.chat(VERTEX_MODEL, messages)

        assert_error(response, 400, INVALID)
        assert not simulators.requests("google", "generateContent")

    def test_a_model_without_a_copy_of_the_file_is_a_clear_4xx(self, gateway: Gateway, simulators: Simulators) -> None:
        file_id = gateway.upload(targets=OPENAI_MODEL)["id"]

        response = gateway.chat("gpt-4o-second", file_message(file_id))

        # Where the bytes can be had again the gateway may make the missing copy; OpenAI does not give them back.
        error = error_of(response)
        assert response.status_code == 400 and error["type"] == INVALID
        assert not simulators.requests("openai", "/chat/completions")


class TestSizes:
    """What is declared too large is refused before it is read."""

    @pytest.mark.parametrize("path", ["/v1/files", "/v1/chat/completions", "/user/new"])
    def test_a_declared_oversize_body_is_413(self, gateway: Gateway, path: str) -> None:
        headers = {
            "Authorization": f"Bearer {MASTER_KEY}",
            "Content-Type": "multipart/form-data; boundary=x" if path == "/v1/files" else "application/json",
            "Content-Length": str(10**13),
        }

        with gateway.raw() as connection:
            connection.request("POST", path, headers)
            status, _, body = connection.response()
            closed = connection.is_closed_within(10)

        assert status == 413, body
        error = json.loads(body)["error"]
        assert (error["type"], error["code"]) == (INVALID, "too_large")
        assert closed

    def test_a_chat_body_without_end_is_413(self, gateway: Gateway) -> None:
        headers = {"Authorization": f"Bearer {MASTER_KEY}", "Content-Type": "application/json"}
        chunk = b"10000\r\n" + b" " * 65_536 + b"\r\n"
        before = gateway.process.memory_bytes("VmHWM")

        with gateway.raw() as connection:
            connection.request("POST", "/v1/chat/completions", headers | {"Transfer-Encoding": "chunked"})
            sent = connection.send_until_answered(chunk * 8192, step=len(chunk))
            status, _, body = connection.response()

        assert status == 413, body
        assert sent < len(chunk) * 8192, "the whole body of 512 MB was read"
        assert gateway.process.memory_bytes("VmHWM") - before < 256 * 1024 * 1024

    @pytest.fixture
    def small(self, start_gateway: Callable[..., Gateway], standard_configuration: Callable[..., dict]) -> Gateway:
        """A gateway that takes files and requests of at most 1 MB."""
        return start_gateway(standard_configuration(max_file_size_mb=1, max_request_size_mb=1))

    def test_a_file_of_the_limit_is_taken_and_one_byte_more_is_413(
        self, small: Gateway, simulators: Simulators
    ) -> None:
        limit = 1024 * 1024
        assert small.post_file(upload_body(b"x" * limit)).status_code == 200
        simulators.reset()
        before = small.file_ids()

        assert_error(small.post_file(upload_body(b"x" * (limit + 1))), 413, INVALID, "too_large")

        until("what was begun is undone", simulators.holds_nothing)
        assert small.file_ids() == before

    def test_a_file_of_unknown_length_over_the_limit_is_413(self, small: Gateway, simulators: Simulators) -> None:
        multipart = upload_body(b"x" * 3 * 1024 * 1024, f"{OPENAI_MODEL},{VERTEX_MODEL}")
        body = multipart.body()
        pieces = (body[start : start + 65_536] for start in range(0, len(body), 65_536))

        # The answer may come, and the connection end, while the client is still sending.
        try:
            response = small.admin.post("/v1/files", content=pieces, headers={"Content-Type": multipart.content_type})
        except httpx.TransportError:
            pass
        else:
            assert_error(response, 413, INVALID, "too_large")

        until("what was begun is undone", simulators.holds_nothing)
        assert small.file_ids() == []

    def test_a_chat_body_over_the_limit_is_413(self, small: Gateway) -> None:
        assert_error(small.chat(OPENAI_MODEL, "x" * 1024 * 1024), 413, INVALID, "too_large")
        assert small.chat(OPENAI_MODEL, "x" * 1000 * 1000).status_code == 200


class TestProviderFailures:
    """A provider's failure keeps its class, names the deployment and carries the provider's own text."""

    @staticmethod
    def openai_body(message: str, code: str | None = None) -> dict:
        return {"error": {"message": message, "type": "server_error", "param": None, "code": code}}

    @staticmethod
    def google_body(status: int, message: str, word: str) -> dict:
        return {"error": {"code": status, "message": message, "status": word}}

    @pytest.mark.parametrize(
        ("upstream", "expected"),
        [(400, 400), (404, 404), (409, 409), (413, 413), (422, 400), (429, 429), (500, 503), (503, 503)],
    )
    def test_of_openai(self, gateway: Gateway, simulators: Simulators, upstream: int, expected: int) -> None:
        text = f"the provider says {upstream}"
        body = self.openai_body(text)
        simulators.fault("openai", path_prefix="/v1/chat", times=0, status=upstream, body=body)

        error = assert_error(gateway.chat(OPENAI_MODEL, "Hello"), expected)

        assert text in error["message"]
        assert "openai-main" in error["message"] or OPENAI_MODEL in error["message"]

    @pytest.mark.parametrize(
        ("upstream", "word", "expected"),
        [
            (400, "INVALID_ARGUMENT", 400),
            (404, "NOT_FOUND", 404),
            (429, "RESOURCE_EXHAUSTED", 429),
            (500, "INTERNAL", 503),
            (503, "UNAVAILABLE", 503),
        ],
    )
    def test_of_vertex(self, gateway: Gateway, simulators: Simulators, upstream: int, word: str, expected: int) -> None:
        text = f"the provider says {upstream}"
        body = self.google_body(upstream, text, word)
        simulators.fault("google", path_contains="enerateContent", times=0, status=upstream, body=body)

        error = assert_error(gateway.chat(VERTEX_MODEL, "Hello"), expected)

        assert text in error["message"]
        assert "vertex-main" in error["message"] or VERTEX_MODEL in error["message"]

    @pytest.mark.parametrize("upstream", [401, 403])
    def test_refused_credentials_are_502_and_never_401(
        self, gateway: Gateway, simulators: Simulators, upstream: int
    ) -> None:
        body = self.openai_body("Incorrect API key provided: sk-sim-main", "invalid_api_key")
        simulators.fault("openai", path_prefix="/v1/chat", times=0, status=upstream, body=body)

        error = assert_error(gateway.chat(OPENAI_MODEL, "Hello"), 502)

        assert "sk-sim" not in error["message"]

    @pytest.mark.parametrize("stream", [False, True])
    def test_a_rate_limit_carries_retry_after(self, gateway: Gateway, simulators: Simulators, stream: bool) -> None:
        simulators.fault(
            "openai",
            path_prefix="/v1/chat",
            times=0,
            status=429,
            headers={"retry-after": "7"},
            body=self.openai_body("slow down", "rate_limit_exceeded"),
        )

        response = gateway.chat(OPENAI_MODEL, "Hello", stream=stream)

        assert_error(response, 429, "rate_limit_error")
        assert 1 <= int(response.headers["retry-after"]) <= 7

    def test_a_provider_that_never_answers_is_504(self, gateway: Gateway, simulators: Simulators) -> None:
        simulators.fault("openai", path_prefix="/v1/chat", times=0, never_answer=True)

        assert_error(gateway.chat("impatient", "Hello"), 504)

    def test_a_closed_connection_is_503_or_502(self, gateway: Gateway, simulators: Simulators) -> None:
        simulators.fault("openai", path_prefix="/v1/chat", times=0, close_before_answer=True)

        response = gateway.chat(OPENAI_MODEL, "Hello")

        assert response.status_code in (502, 503)
        error_of(response)

    @pytest.mark.parametrize("model", [OPENAI_MODEL, VERTEX_MODEL])
    @pytest.mark.parametrize(
        "body", ["<html>Bad gateway</html>", "", "{", {"unexpected": True}, [], {"error": 5}], ids=str
    )
    def test_an_error_page_of_any_form_becomes_an_error_object(
        self, gateway: Gateway, simulators: Simulators, model: str, body: object
    ) -> None:
        provider = "openai" if model == OPENAI_MODEL else "google"
        where = "chat" if provider == "openai" else "enerateContent"
        simulators.fault(provider, path_contains=where, times=0, status=502, body=body)

        response = gateway.chat(model, "Hello")

        assert response.status_code in (502, 503)
        error_of(response)

    def test_one_users_bad_id_does_not_trouble_the_deployment(self, gateway: Gateway) -> None:
        for _ in range(10):
            assert_error(gateway.chat(OPENAI_MODEL, file_message("file-" + "a" * 40)), 404)

        assert gateway.chat(OPENAI_MODEL, "Hello").status_code == 200

    def test_an_unreachable_provider_is_503_or_502(
        self, simulators: Simulators, start_gateway: Callable[..., Gateway]
    ) -> None:
        gateway = start_gateway(configuration(openai_entry(simulators, api_base="http://127.0.0.1:1/v1")))

        response = gateway.chat(OPENAI_MODEL, "Hello")

        assert response.status_code in (502, 503)
        error_of(response)


class TestExpiry:
    """A file is gone when its time has come."""

    def test_an_expired_file_is_404_and_says_when(
        self, simulators: Simulators, start_gateway: Callable[..., Gateway], standard_configuration: Callable[..., dict]
    ) -> None:
        first = start_gateway(standard_configuration())
        created = first.post_file(
            Multipart()
            .fields([("purpose", "user_data"), ("target_model_names", OPENAI_MODEL)])
            .fields([("expires_after[anchor]", "created_at"), ("expires_after[seconds]", "3600")])
            .file(pdf())
        ).json()
        first.stop()

        with contextlib.closing(sqlite3.connect(first.data / "gantry.sqlite")) as registry, registry:
            assert registry.execute("UPDATE files SET expires_at = expires_at - 7200").rowcount == 1
        second = start_gateway(standard_configuration(), data=first.data)

        for response in (
            second.admin.get(f"/v1/files/{created['id']}"),
            second.admin.get(f"/v1/files/{created['id']}/content"),
            second.chat(OPENAI_MODEL, file_message(created["id"])),
        ):
            error = assert_error(response, 404, INVALID, "file_expired")
            assert str(created["expires_at"] - 7200) in error["message"]
        # A sweeper may have removed the copy already.
        assert second.admin.delete(f"/v1/files/{created['id']}").status_code in (200, 404)
        until("the copy is gone", simulators.holds_nothing)


class TestRoutes:
    """Paths and methods that do not exist."""

    @pytest.mark.parametrize("path", ["/", "/v1", "/v1/nothing", "/v2/files", "/v1/files/x/y/z", "/%00"])
    def test_an_unknown_route_is_404(self, gateway: Gateway, path: str) -> None:
        assert_error(gateway.admin.get(path), 404, INVALID)

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("PUT", "/v1/files"),
            ("DELETE", "/v1/files"),
            ("DELETE", "/v1/files/file-x/content"),
            ("PATCH", "/v1/files/file-x"),
            ("GET", "/v1/chat/completions"),
            ("DELETE", "/v1/chat/completions"),
            ("GET", "/user/new"),
            ("POST", "/v1/models"),
            ("POST", "/health/liveliness"),
        ],
    )
    def test_a_wrong_method_is_405(self, gateway: Gateway, method: str, path: str) -> None:
        assert_error(gateway.admin.request(method, path), 405, INVALID)

    def test_what_is_not_http_is_400_and_closed(self, gateway: Gateway) -> None:
        with gateway.raw() as connection:
            connection.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n")
            assert connection.is_closed_within(10)
        assert gateway.admin.get("/health/liveliness").status_code == 200

    @pytest.mark.parametrize(
        "headers",
        [
            b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
            b"Content-Length: 5\r\nContent-Length: 6\r\n",
            b"Content-Length: -1\r\n",
            b"Transfer-Encoding: chunked, identity\r\n",
        ],
    )
    def test_an_ambiguous_length_is_refused_and_closed(self, gateway: Gateway, headers: bytes) -> None:
        authorization = f"Authorization: Bearer {MASTER_KEY}\r\n".encode()
        with gateway.raw() as connection:
            connection.send(
                b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n" + authorization + headers + b"\r\n0\r\n\r\n"
            )
            status, _, _ = connection.response()
            assert 400 <= status < 500
            assert connection.is_closed_within(10)


def test_an_error_answer_keeps_the_connection_usable(gateway: Gateway) -> None:
    limits = httpx.Limits(max_connections=1)
    headers = {"Authorization": f"Bearer {MASTER_KEY}"}
    with httpx.Client(base_url=gateway.url, headers=headers, limits=limits, trust_env=False) as client:
        for _ in range(3):
            assert_error(client.get("/v1/files/nonsense"), 404)
            assert client.get("/v1/models").status_code == 200
