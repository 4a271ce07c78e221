"""The contract's complete example, with the official OpenAI SDK."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import openai
import pytest
from openai import OpenAI

from support.documents import file_message, pdf
from support.errors import assert_error
from support.gateway import Gateway, User, clean_environment, openai_entry
from support.simulators import Simulators

OPENAI_MODEL = "gpt-4o-mini-openai"
VERTEX_MODEL = "gemini-2.0-flash"
BOTH = f"{OPENAI_MODEL}, {VERTEX_MODEL}"
FILE_KEYS = {
    "id",
    "bytes",
    "created_at",
    "filename",
    "object",
    "purpose",
    "status",
    "expires_at",
    "status_details",
}

#: The configuration of the example; only the stand-ins' addresses and account are added to it.
EXAMPLE = """
model_list:
  - model_name: "gemini-2.0-flash"
    litellm_params:
      model: vertex_ai/gemini-2.0-flash
      vertex_project: sim-main
      vertex_location: us-central1
      vertex_credentials: {credentials}
      gcs_bucket_name: sim-main
      api_base: {google}
      gcs_api_base: {google}
  - model_name: "gpt-4o-mini-openai"
    litellm_params: {{model: gpt-4o-mini, api_key: os.environ/OPENAI_API_KEY, api_base: "{openai}"}}
general_settings:
  master_key: sk-1234
"""


@pytest.fixture(params=["", "/v1"], ids=["base-url-without-v1", "base-url-with-v1"])
def client(request: pytest.FixtureRequest, gateway: Gateway) -> OpenAI:
    return gateway.openai(path=request.param)


@pytest.fixture
def paper(tmp_path: Path) -> Path:
    path = tmp_path / "2403.05530.pdf"
    path.write_bytes(pdf())
    return path


def upload(client: OpenAI, paper: Path, targets: str = BOTH):
    with paper.open("rb") as file:
        return client.files.create(file=file, purpose="user_data", extra_body={"target_model_names": targets})


def test_one_upload_serves_both_models_and_is_deleted_everywhere(
    client: OpenAI, paper: Path, simulators: Simulators
) -> None:
    file = upload(client, paper)

    assert file.id.startswith("file-") and len(file.id) <= 64 and file.id[5:].isalnum()
    assert (file.object, file.purpose, file.filename) == ("file", "user_data", "2403.05530.pdf")
    assert file.bytes == paper.stat().st_size
    digest = hashlib.sha256(paper.read_bytes()).hexdigest()
    assert [one["sha256"] for one in simulators.openai_files("main")] == [digest]
    assert [one["sha256"] for one in simulators.google_objects("main")] == [digest]
    assert simulators.openai_files("main")[0]["filename"] == "2403.05530.pdf"
    assert simulators.google_objects("main")[0]["content_type"] == "application/pdf"

    for model in (OPENAI_MODEL, VERTEX_MODEL):
        answer = client.chat.completions.create(model=model, messages=file_message(file.id))
        assert answer.object == "chat.completion"
        assert answer.choices[0].message.role == "assistant"
        assert digest[:12] in (answer.choices[0].message.content or ""), "the model did not see the file's bytes"
        assert answer.choices[0].finish_reason == "stop"
        assert answer.usage and answer.usage.total_tokens > 0

    for model in (OPENAI_MODEL, VERTEX_MODEL):
        chunks = list(client.chat.completions.create(model=model, messages=file_message(file.id), stream=True))
        assert {chunk.object for chunk in chunks} == {"chat.completion.chunk"}
        assert len({chunk.id for chunk in chunks}) == 1
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
        assert digest[:12] in text
        assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"

    assert client.files.retrieve(file.id) == file
    assert client.files.content(file.id).read() == paper.read_bytes()
    assert file.id in [one.id for one in client.files.list()]
    for model in (OPENAI_MODEL, VERTEX_MODEL):
        assert file.id in [one.id for one in client.files.list(extra_query={"target_model_names": model})]

    deleted = client.files.delete(file.id)

    assert (deleted.id, deleted.object, deleted.deleted) == (file.id, "file", True)
    assert simulators.holds_nothing()
    with pytest.raises(openai.NotFoundError):
        client.files.retrieve(file.id)
    assert file.id not in [one.id for one in client.files.list()]


def test_the_example_configuration_runs_as_it_is_written(
    simulators: Simulators,
    credentials: Callable[[str], Path],
    start_gateway: Callable[..., Gateway],
    paper: Path,
) -> None:
    config = EXAMPLE.format(credentials=credentials("main"), google=simulators.google_url, openai=simulators.openai_url)
    gateway = start_gateway(config, environment=clean_environment(OPENAI_API_KEY="sk-sim-main"))
    client = gateway.openai(path="")

    file = upload(client, paper)

    for model in (OPENAI_MODEL, VERTEX_MODEL):
        answer = client.chat.completions.create(model=model, messages=file_message(file.id))
        assert answer.choices[0].message.content


def test_a_file_object_has_exactly_the_nine_keys(gateway: Gateway) -> None:
    uploaded = gateway.upload(targets=BOTH)

    assert set(uploaded) == FILE_KEYS
    assert set(gateway.admin.get(f"/v1/files/{uploaded['id']}").json()) == FILE_KEYS
    listed = gateway.admin.get("/v1/files").json()
    assert {frozenset(file) for file in listed["data"]} == {frozenset(FILE_KEYS)}


@pytest.mark.parametrize("names", [f"{OPENAI_MODEL},{VERTEX_MODEL}", f" {VERTEX_MODEL} ,{OPENAI_MODEL} ,"])
def test_the_comma_list_allows_spaces(gateway: Gateway, simulators: Simulators, names: str) -> None:
    gateway.upload(targets=names)

    assert (len(simulators.openai_files()), len(simulators.google_objects())) == (1, 1)


def test_target_names_may_come_as_repeated_fields(gateway: Gateway, paper: Path, simulators: Simulators) -> None:
    with paper.open("rb") as file:
        gateway.openai().files.create(
            file=file, purpose="user_data", extra_body={"target_model_names": [OPENAI_MODEL, VERTEX_MODEL]}
        )

    assert (len(simulators.openai_files()), len(simulators.google_objects())) == (1, 1)


@pytest.mark.parametrize("name", ["vertex-main", "vertex_ai/gemini-2.0-flash"], ids=["deployment-id", "upstream-model"])
def test_a_target_may_be_named_by_its_deployment_or_its_upstream_model(
    gateway: Gateway, simulators: Simulators, name: str
) -> None:
    file = gateway.upload(targets=name)

    assert len(simulators.google_objects("main")) == 1
    assert gateway.chat(VERTEX_MODEL, file_message(file["id"])).status_code == 200


def test_a_file_for_a_group_works_on_each_of_its_deployments(gateway: Gateway, simulators: Simulators) -> None:
    file = gateway.upload(targets="pair")

    assert {one["account"] for one in simulators.openai_files()} == {"main", "second"}
    for _ in range(20):
        assert gateway.chat("pair", file_message(file["id"])).status_code == 200
    chats = simulators.requests("openai", "/chat/completions")
    assert {request["account"] for request in chats} == {"main", "second"}


def test_a_list_filters_by_target_in_the_query_and_in_an_old_sdks_body(gateway: Gateway) -> None:
    user = gateway.new_user()
    ids = {name: gateway.upload(targets=name, http=user.http)["id"] for name in (OPENAI_MODEL, VERTEX_MODEL)}
    names = {"target_model_names": VERTEX_MODEL}

    in_query = user.http.get("/v1/files", params=names).json()
    in_body = user.http.request("GET", "/v1/files", json=names).json()
    everything = user.http.get("/v1/files").json()
    several = user.http.get("/v1/files", params={"target_model_names": f"{OPENAI_MODEL}, {VERTEX_MODEL}"}).json()

    assert [file["id"] for file in in_query["data"]] == [ids[VERTEX_MODEL]]
    assert [file["id"] for file in in_body["data"]] == [ids[VERTEX_MODEL]]
    assert {file["id"] for file in everything["data"]} == set(ids.values())
    assert {file["id"] for file in several["data"]} == set(ids.values())


def test_a_list_is_paged_with_an_honest_has_more(gateway: Gateway) -> None:
    user = gateway.new_user()
    ids = [gateway.upload(http=user.http)["id"] for _ in range(5)]
    newest_first = ids[::-1]

    first = user.http.get("/v1/files", params={"limit": 2}).json()
    second = user.http.get("/v1/files", params={"limit": 2, "after": first["last_id"]}).json()
    third = user.http.get("/v1/files", params={"limit": 2, "after": second["last_id"]}).json()
    exact = user.http.get("/v1/files", params={"limit": 5}).json()
    oldest_first = user.http.get("/v1/files", params={"order": "asc"}).json()

    assert [page["has_more"] for page in (first, second, third, exact)] == [True, True, False, False]
    pages = [[file["id"] for file in page["data"]] for page in (first, second, third)]
    assert sum(pages, []) == newest_first
    assert (first["object"], first["first_id"], first["last_id"]) == ("list", newest_first[0], newest_first[1])
    assert [file["id"] for file in oldest_first["data"]] == ids


def test_a_list_filters_by_purpose_and_an_empty_one_is_well_formed(gateway: Gateway) -> None:
    user = gateway.new_user()
    file = gateway.upload(http=user.http)

    matching = user.http.get("/v1/files", params={"purpose": "user_data"}).json()
    empty = user.http.get("/v1/files", params={"purpose": "batch"}).json()

    assert [one["id"] for one in matching["data"]] == [file["id"]]
    assert (empty["object"], empty["data"], empty["has_more"]) == ("list", [], False)
    assert set(empty) == {"object", "data", "first_id", "last_id", "has_more"}


def test_expires_after_is_kept_and_shown(gateway: Gateway, paper: Path) -> None:
    with paper.open("rb") as file:
        created = gateway.openai().files.create(
            file=file,
            purpose="user_data",
            expires_after={"anchor": "created_at", "seconds": 3600},
            extra_body={"target_model_names": OPENAI_MODEL},
        )

    assert created.expires_at == created.created_at + 3600


class TestASecondUser:
    """One user's file is out of another user's reach, wherever its id stands."""

    @pytest.fixture
    def alice(self, gateway: Gateway) -> User:
        return gateway.new_user("alice")

    @pytest.fixture
    def bob(self, gateway: Gateway) -> User:
        return gateway.new_user("bob")

    @pytest.mark.parametrize("action", ["retrieve", "content", "delete", "chat", "chat-vertex", "chat-stream"])
    def test_is_refused(self, gateway: Gateway, simulators: Simulators, alice: User, bob: User, action: str) -> None:
        file_id = gateway.upload(targets=BOTH, http=alice.http)["id"]
        asked_before = len(simulators.state()["requests"])

        match action:
            case "retrieve":
                response = bob.http.get(f"/v1/files/{file_id}")
            case "content":
                response = bob.http.get(f"/v1/files/{file_id}/content")
            case "delete":
                response = bob.http.delete(f"/v1/files/{file_id}")
            case "chat":
                response = gateway.chat(OPENAI_MODEL, file_message(file_id), bob.http)
            case "chat-vertex":
                response = gateway.chat(VERTEX_MODEL, file_message(file_id), bob.http)
            case _:
                response = gateway.chat(OPENAI_MODEL, file_message(file_id), bob.http, stream=True)

        error = assert_error(response, 403, "permission_error")
        assert f"User {bob.id} does not have access to the file" in error["message"]
        assert len(simulators.state()["requests"]) == asked_before, "a provider was asked all the same"
        assert alice.http.get(f"/v1/files/{file_id}/content").content == pdf()

    def test_does_not_see_it_in_a_list_or_as_a_cursor(self, gateway: Gateway, alice: User, bob: User) -> None:
        file_id = gateway.upload(http=alice.http)["id"]
        gateway.upload(http=bob.http)

        assert file_id not in gateway.file_ids(bob.http)
        assert_error(bob.http.get("/v1/files", params={"after": file_id}), 403, "permission_error")

    def test_shares_it_between_two_keys_of_one_user(self, gateway: Gateway, alice: User) -> None:
        file_id = gateway.upload(http=alice.http)["id"]
        response = gateway.admin.post("/key/generate", json={"user_id": alice.id, "models": []})
        second_key = gateway.client(response.json()["key"])

        assert second_key.get(f"/v1/files/{file_id}").status_code == 200

    def test_gets_403_through_the_sdk(self, gateway: Gateway, alice: User, bob: User) -> None:
        file_id = gateway.upload(http=alice.http)["id"]

        with pytest.raises(openai.PermissionDeniedError, match="does not have access to the file"):
            gateway.openai(bob.key).files.retrieve(file_id)

    def test_is_served_by_an_admin_who_does_not_become_owner(self, gateway: Gateway, alice: User) -> None:
        file_id = gateway.upload(http=alice.http)["id"]

        assert gateway.admin.get(f"/v1/files/{file_id}").status_code == 200
        assert gateway.file_ids(alice.http) == [file_id]


def test_a_file_outlives_the_deployment_of_one_of_its_copies(
    simulators: Simulators, start_gateway: Callable[..., Gateway], standard_configuration: Callable[..., dict]
) -> None:
    full = standard_configuration()
    first = start_gateway(full)
    file_id = first.upload(targets=f"{OPENAI_MODEL}, gpt-4o-second")["id"]
    first.stop()
    without = full | {"model_list": [openai_entry(simulators, model_info={"id": "openai-main"})]}

    second = start_gateway(without, data=first.data)

    assert second.admin.get(f"/v1/files/{file_id}").status_code == 200
    assert second.chat(OPENAI_MODEL, file_message(file_id)).status_code == 200


def test_a_file_survives_a_restart(
    start_gateway: Callable[..., Gateway], standard_configuration: Callable[..., dict]
) -> None:
    first = start_gateway(standard_configuration())
    user = first.new_user()
    uploaded = first.upload(targets=BOTH, http=user.http)
    first.stop()

    second = start_gateway(standard_configuration(), data=first.data)
    again = second.client(user.key)

    assert again.get(f"/v1/files/{uploaded['id']}").json() == uploaded
    assert second.chat(OPENAI_MODEL, file_message(uploaded["id"]), again).status_code == 200
    assert second.chat(VERTEX_MODEL, file_message(uploaded["id"]), again).status_code == 200
