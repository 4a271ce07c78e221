"""Paths, headers and routes that clients of LiteLLM know."""

import base64
import json
from collections.abc import Callable

import pytest

from support.documents import Multipart, file_message, pdf, upload_body
from support.errors import assert_error, error_of
from support.gateway import Gateway, configuration, openai_entry
from support.simulators import Simulators

OPENAI_MODEL = "gpt-4o-mini-openai"
VERTEX_MODEL = "gemini-2.0-flash"


class TestAliases:
    """One operation, several paths."""

    @pytest.mark.parametrize("base", ["/v1/files", "/files", "/openai/v1/files", "/vertex_ai/v1/files"])
    def test_of_the_files_routes(self, gateway: Gateway, simulators: Simulators, base: str) -> None:
        target = VERTEX_MODEL if base.startswith("/vertex_ai") else OPENAI_MODEL
        multipart = upload_body(targets=f"{target},{VERTEX_MODEL}")
        headers = {"Content-Type": multipart.content_type}

        created = gateway.admin.post(base, content=multipart.body(), headers=headers)

        assert created.status_code == 200, created.text
        file_id = created.json()["id"]
        assert gateway.admin.get(f"{base}/{file_id}").json() == created.json()
        assert gateway.admin.get(f"{base}/{file_id}/content").content == pdf()
        assert file_id in [file["id"] for file in gateway.admin.get(base).json()["data"]]
        assert gateway.admin.delete(f"{base}/{file_id}").json()["deleted"] is True
        assert simulators.holds_nothing()

    @pytest.mark.parametrize("base", ["/v1/files", "/files", "/openai/v1/files"])
    def test_of_delete_as_a_post(self, gateway: Gateway, simulators: Simulators, base: str) -> None:
        file_id = gateway.upload()["id"]

        response = gateway.admin.post(f"{base}/{file_id}/delete")

        assert response.json() == {"id": file_id, "object": "file", "deleted": True}
        assert simulators.holds_nothing()

    @pytest.mark.parametrize("path", ["/v1/chat/completions", "/chat/completions"])
    @pytest.mark.parametrize("model", [OPENAI_MODEL, VERTEX_MODEL])
    def test_of_chat_with_the_model_in_the_body(self, gateway: Gateway, path: str, model: str) -> None:
        body = {"model": model, "messages": [{"role": "user", "content": "Hello"}]}

        response = gateway.admin.post(path, json=body)

        assert response.status_code == 200, response.text
        assert response.json()["object"] == "chat.completion"

    @pytest.mark.parametrize("path", ["/openai/deployments/{}/chat/completions", "/engines/{}/chat/completions"])
    @pytest.mark.parametrize("model", [OPENAI_MODEL, VERTEX_MODEL])
    @pytest.mark.parametrize("more", [{}, {"model": "something-else"}], ids=["no-model", "other-model"])
    def test_of_chat_with_the_model_in_the_path(self, gateway: Gateway, path: str, model: str, more: dict) -> None:
        body = {"messages": [{"role": "user", "content": "Hello"}]} | more

        response = gateway.admin.post(path.format(model), json=body)

        assert response.status_code == 200, response.text

    def test_of_chat_with_the_model_in_the_path_carry_files_too(self, gateway: Gateway) -> None:
        file_id = gateway.upload()["id"]
        body = {"messages": file_message(file_id)}

        response = gateway.admin.post(f"/openai/deployments/{OPENAI_MODEL}/chat/completions", json=body)

        assert response.status_code == 200, response.text

    @pytest.mark.parametrize("path", ["/v1/embeddings", "/embeddings"])
    def test_of_embeddings(self, gateway: Gateway, path: str) -> None:
        response = gateway.admin.post(path, json={"model": "embeddings", "input": ["One.", "Two."]})

        assert response.status_code == 200, response.text
        assert [item["index"] for item in response.json()["data"]] == [0, 1]

    @pytest.mark.parametrize("count", range(1, 9))
    def test_of_an_answer_that_fills_the_connection(self, gateway: Gateway, count: int) -> None:
        # About 30 kB for each: from what fits into what a connection takes at once to what does not.
        for _ in range(20):
            body = {"model": "embeddings", "input": [f"Text {number}." for number in range(count)]}
            response = gateway.admin.post("/v1/embeddings", json=body, timeout=10)

            assert response.status_code == 200, response.text
            assert len(response.json()["data"]) == count

    @pytest.mark.parametrize("suffix", ["?api-version=2024-10-21", "?x=1&y=2"])
    def test_a_query_does_not_change_the_route(self, gateway: Gateway, suffix: str) -> None:
        body = {"model": OPENAI_MODEL, "messages": [{"role": "user", "content": "Hello"}]}

        assert gateway.admin.post("/v1/chat/completions" + suffix, json=body).status_code == 200


class TestHealth:
    """Who may ask how the gateway is."""

    def test_liveliness_and_liveness_need_no_key(self, gateway: Gateway) -> None:
        anybody = gateway.client(key=None)

        for path in ("/health/liveliness", "/health/liveness"):
            response = anybody.get(path)
            assert response.status_code == 200
            assert response.json() == "I'm alive!"

    def test_readiness_tells_of_the_database(self, gateway: Gateway) -> None:
        response = gateway.client(key=None).get("/health/readiness")

        assert response.status_code == 200
        assert response.json().items() >= {"status": "healthy", "db": "connected"}.items()

    def test_health_needs_a_key_and_names_plugins_and_deployments(self, gateway: Gateway) -> None:
        assert_error(gateway.client(key=None).get("/health"), 401, "authentication_error")

        response = gateway.admin.get("/health")

        assert response.status_code == 200, response.text
        for name in ("openai", "vertex_ai", "openai-main", "vertex-main"):
            assert name in response.text
        assert "sk-sim" not in response.text


class TestModels:
    """What a key may see."""

    def test_are_listed_once_a_name_and_filtered_by_the_key(self, gateway: Gateway) -> None:
        user = gateway.new_user(models=[OPENAI_MODEL, "pair"])

        everything = gateway.admin.get("/v1/models").json()
        allowed = user.http.get("/v1/models").json()
        without_v1 = user.http.get("/models").json()

        assert everything["object"] == "list"
        names = [model["id"] for model in everything["data"]]
        assert names.count("pair") == 1 and {OPENAI_MODEL, VERTEX_MODEL, "pair"} <= set(names)
        assert {model["id"] for model in allowed["data"]} == {OPENAI_MODEL, "pair"}
        assert allowed == without_v1
        for model in everything["data"]:
            assert model["object"] == "model"
            assert isinstance(model["created"], int) and isinstance(model["owned_by"], str)

    def test_are_listed_through_the_sdk(self, gateway: Gateway) -> None:
        assert OPENAI_MODEL in [model.id for model in gateway.openai().models.list()]

    def test_are_shown_one_by_one(self, gateway: Gateway) -> None:
        user = gateway.new_user(models=[OPENAI_MODEL])

        assert user.http.get(f"/v1/models/{OPENAI_MODEL}").json()["id"] == OPENAI_MODEL
        response = user.http.get(f"/v1/models/{VERTEX_MODEL}")
        assert response.status_code in (403, 404)
        error_of(response)

    @pytest.mark.parametrize("path", ["/v1/model/info", "/model/info"])
    def test_are_described_without_secrets_and_filtered_by_the_key(self, gateway: Gateway, path: str) -> None:
        user = gateway.new_user(models=[OPENAI_MODEL])

        everything = gateway.admin.get(path)
        allowed = user.http.get(path)

        assert everything.status_code == allowed.status_code == 200, everything.text
        ids = [entry["model_info"]["id"] for entry in everything.json()["data"]]
        assert {"openai-main", "vertex-main", "pair-main", "pair-second"} <= set(ids)
        assert {entry["model_name"] for entry in allowed.json()["data"]} == {OPENAI_MODEL}
        assert "sk-sim" not in everything.text and "PRIVATE KEY" not in everything.text


class TestHeaders:
    """What every answer carries."""

    def test_a_chat_answer_names_the_call_and_the_deployment(self, gateway: Gateway) -> None:
        response = gateway.chat(OPENAI_MODEL, "Hello")

        assert response.headers["x-gantry-call-id"]
        assert response.headers["x-gantry-model-id"] == "openai-main"
        assert not any(name.startswith("x-litellm-") for name in response.headers)

    def test_every_call_has_its_own_id_and_an_error_has_one_too(self, gateway: Gateway) -> None:
        answers = [gateway.chat(OPENAI_MODEL, "Hello"), gateway.chat("gpt-9", "Hello"), gateway.admin.get("/v1/files")]

        ids = [answer.headers["x-gantry-call-id"] for answer in answers]

        assert len(set(ids)) == len(ids)

    def test_the_providers_account_is_not_shown(self, gateway: Gateway) -> None:
        response = gateway.chat(OPENAI_MODEL, "Hello")

        assert "set-cookie" not in response.headers
        assert "openai-organization" not in response.headers

    def test_content_has_its_type_and_its_name(self, gateway: Gateway) -> None:
        file_id = gateway.upload(targets=VERTEX_MODEL)["id"]

        response = gateway.admin.get(f"/v1/files/{file_id}/content")

        assert response.content == pdf()
        assert response.headers["content-type"] in ("application/pdf", "application/octet-stream")


class TestContent:
    """Bytes from whichever copy gives them back."""

    def test_that_no_provider_gives_back_is_a_400_with_a_remedy(self, gateway: Gateway) -> None:
        file_id = gateway.upload(targets=OPENAI_MODEL)["id"]

        error = assert_error(gateway.admin.get(f"/v1/files/{file_id}/content"), 400, "invalid_request_error")

        assert "user_data" in error["message"]

    def test_of_a_purpose_that_openai_gives_back(self, gateway: Gateway) -> None:
        lines = b'{"custom_id":"1","method":"POST","url":"/v1/chat/completions","body":{"model":"m","messages":[]}}\n'
        multipart = Multipart().fields([("purpose", "batch"), ("target_model_names", OPENAI_MODEL)])
        multipart.file(lines, 'filename="batch.jsonl"', "application/jsonl")
        response = gateway.post_file(multipart)
        assert response.status_code == 200, response.text

        content = gateway.admin.get(f"/v1/files/{response.json()['id']}/content")

        assert content.status_code == 200, content.text
        assert content.content.splitlines()

    def test_of_a_range(self, gateway: Gateway) -> None:
        file_id = gateway.upload(targets=f"{OPENAI_MODEL},{VERTEX_MODEL}")["id"]

        response = gateway.admin.get(f"/v1/files/{file_id}/content", headers={"Range": "bytes=5-9"})

        assert response.status_code == 206
        assert response.content == pdf()[5:10]
        assert response.headers["content-range"] == f"bytes 5-9/{len(pdf())}"


class TestChat:
    """What goes through to both providers."""

    @pytest.mark.parametrize("model", [OPENAI_MODEL, VERTEX_MODEL])
    def test_the_model_of_the_answer_and_the_usage(self, gateway: Gateway, model: str) -> None:
        body = gateway.chat(model, "Hello").json()

        assert body["model"]
        assert body["usage"]["prompt_tokens"] > 0 and body["usage"]["completion_tokens"] > 0
        assert body["usage"]["total_tokens"] == body["usage"]["prompt_tokens"] + body["usage"]["completion_tokens"]
        assert [choice["index"] for choice in body["choices"]] == [0]

    @pytest.mark.parametrize("model", [OPENAI_MODEL, VERTEX_MODEL])
    def test_a_tool_is_called_and_its_result_is_read(self, gateway: Gateway, model: str) -> None:
        schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
        tools = [{"type": "function", "function": {"name": "weather", "description": "Tells.", "parameters": schema}}]
        question = {"role": "user", "content": "How is the weather in Bern?"}

        called = gateway.chat(model, [question], tools=tools, tool_choice="required").json()["choices"][0]
        call = called["message"]["tool_calls"][0]
        result = {"role": "tool", "tool_call_id": call["id"], "content": "Sunny and 21 degrees."}
        answered = gateway.chat(model, [question, called["message"], result], tools=tools)

        assert called["finish_reason"] == "tool_calls"
        assert (call["type"], call["function"]["name"]) == ("function", "weather")
        assert isinstance(call["function"]["arguments"], str)
        assert answered.status_code == 200, answered.text
        assert "Sunny and 21 degrees." in answered.json()["choices"][0]["message"]["content"]

    @pytest.mark.parametrize("model", [OPENAI_MODEL, VERTEX_MODEL])
    def test_a_json_schema_is_obeyed(self, gateway: Gateway, model: str) -> None:
        schema = {
            "type": "object",
            "properties": {"title": {"type": "string"}, "pages": {"type": "integer"}},
            "required": ["title", "pages"],
            "additionalProperties": False,
        }
        response_format = {"type": "json_schema", "json_schema": {"name": "paper", "strict": True, "schema": schema}}

        answer = gateway.openai().chat.completions.create(
            model=model, messages=[{"role": "user", "content": "Describe it."}], response_format=response_format
        )

        text = answer.choices[0].message.content
        assert text and '"title"' in text and '"pages"' in text

    @pytest.mark.parametrize("model", [OPENAI_MODEL, VERTEX_MODEL])
    def test_sampling_parameters_and_stops_are_passed_on(self, gateway: Gateway, model: str) -> None:
        response = gateway.chat(model, "Hello", temperature=0.2, top_p=0.9, max_tokens=2, stop=["STOP"], seed=7)

        assert response.status_code == 200, response.text
        assert response.json()["choices"][0]["finish_reason"] == "length"

    @pytest.mark.parametrize("model", [OPENAI_MODEL, VERTEX_MODEL])
    def test_inline_data_needs_no_upload(self, gateway: Gateway, model: str) -> None:
        data = "data:application/pdf;base64," + base64.b64encode(pdf()).decode()
        part = {"type": "file", "file": {"filename": "paper.pdf", "file_data": data}}
        messages = [{"role": "user", "content": [{"type": "text", "text": "Read this."}, part]}]

        response = gateway.chat(model, messages)

        assert response.status_code == 200, response.text

    @pytest.mark.parametrize("model", [OPENAI_MODEL, VERTEX_MODEL])
    def test_several_files_and_one_file_several_times(
        self, gateway: Gateway, simulators: Simulators, model: str
    ) -> None:
        targets = f"{OPENAI_MODEL},{VERTEX_MODEL}"
        ids = [gateway.upload(pdf(f"Document {number}"), targets)["id"] for number in range(3)]
        parts = [{"type": "file", "file": {"file_id": file_id}} for file_id in [*ids, ids[0]]]
        messages = [
            {"role": "user", "content": parts},
            {"role": "assistant", "content": "I have read them."},
            {"role": "user", "content": [{"type": "text", "text": "Again."}, parts[1]]},
        ]

        response = gateway.chat(model, messages)

        assert response.status_code == 200, response.text

    def test_a_body_with_odd_white_space_and_order_is_rewritten_in_place(self, gateway: Gateway) -> None:
        file_id = gateway.upload()["id"]
        body = (
            '\r\n {\t"messages" : [ { "content" : [ {"file":{ "file_id" :\n "FILE" } , "type":"file"} ]'
            ' ,"role":"user"} ]'
            ' , "user":"größe \\u00e9 😀" , "model" :\t"MODEL" }\n'
        )
        body = body.replace("FILE", file_id).replace("MODEL", OPENAI_MODEL)

        response = gateway.admin.post("/v1/chat/completions", content=body.encode())

        assert response.status_code == 200, response.text


def test_groups_share_their_requests_by_weight(simulators: Simulators, start_gateway: Callable[..., Gateway]) -> None:
    gateway = start_gateway(
        configuration(
            openai_entry(simulators, "group", "main", weight=3),
            openai_entry(simulators, "group", "second", weight=1),
        )
    )

    for _ in range(200):
        assert gateway.chat("group", "Hello").status_code == 200

    accounts = [request["account"] for request in simulators.requests("openai", "/chat/completions")]
    assert 100 < accounts.count("main") < 190


class TestOldClients:
    """HTTP/1.0, as proxies in front still speak it: an end that is the connection's, no chunks, no 100."""

    def test_read_an_answer_to_the_end_of_the_connection(self, gateway: Gateway) -> None:
        with gateway.raw() as connection:
            connection.send(b"GET /health/liveliness HTTP/1.0\r\n\r\n")
            status, headers, body = connection.response()

            assert (status, headers["connection"], body) == (200, "close", b'"I\'m alive!"')
            assert connection.is_closed_within(5)

    @pytest.mark.parametrize("stream", [True, False])
    def test_get_a_chat_without_chunks_and_without_100(self, gateway: Gateway, stream: bool) -> None:
        message = {"model": "gemini-2.0-flash", "stream": stream, "messages": [{"role": "user", "content": "Hello"}]}
        body = json.dumps(message).encode()
        authorization = gateway.admin.headers["Authorization"]
        head = f"POST /v1/chat/completions HTTP/1.0\r\nAuthorization: {authorization}\r\nExpect: 100-continue\r\n"

        with gateway.raw() as connection:
            connection.send(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            answer = b""
            while piece := connection.socket.recv(65_536):
                answer += piece

        first, _, content = answer.partition(b"\r\n\r\n")
        assert first.startswith(b"HTTP/1.0 200")
        assert b"transfer-encoding" not in first.lower()
        assert content.rstrip().endswith(b"[DONE]") if stream else json.loads(content)["choices"]
