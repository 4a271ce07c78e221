"""Responses with OpenAI's SDK: made, streamed, followed, read again, cancelled and deleted under the gateway's ids."""

import contextlib
import hashlib
import json
import re
import sqlite3
from collections.abc import Iterator

import httpx
import openai
import pytest
from openai import OpenAI

from support.documents import pdf
from support.errors import assert_error
from support.gateway import Gateway
from support.simulators import Simulators
from support.waiting import until

MODEL = "gpt-4o-mini-openai"
SECOND = "gpt-4o-second"
ID = re.compile(r"resp_[a-z2-7]{40}")


@pytest.fixture
def client(gateway: Gateway) -> OpenAI:
    return gateway.openai()


def kept(simulators: Simulators) -> list[dict]:
    """The responses that the simulated provider keeps."""
    return simulators.state()["openai"]["responses"]


def rows(gateway: Gateway) -> list[tuple]:
    """What the registry has of responses: the provider's id, the stage."""
    with contextlib.closing(sqlite3.connect(gateway.data / "gantry.sqlite", timeout=30)) as registry:
        query = "SELECT provider_id, stage FROM objects WHERE kind = 'response' ORDER BY created_us"
        return list(registry.execute(query))


def raises(status: int, code: str | None, parameter: str | None = None) -> contextlib.AbstractContextManager:
    @contextlib.contextmanager
    def check() -> Iterator[None]:
        with pytest.raises(openai.APIStatusError) as caught:
            yield
        assert caught.value.status_code == status, caught.value
        assert caught.value.code == code, caught.value
        if parameter:
            assert caught.value.param == parameter, caught.value

    return check()


class TestCreate:
    def test_a_response_has_the_gateways_id_and_a_record(
        self, gateway: Gateway, client: OpenAI, simulators: Simulators
    ) -> None:
        made = client.responses.create(model=MODEL, input="Hello", metadata={"a": "b"})

        assert ID.fullmatch(made.id)
        assert made.status == "completed"
        assert made.output_text
        [there] = kept(simulators)
        assert there["id"] not in made.model_dump_json()
        assert rows(gateway)[-1] == (there["id"], "settled")

    def test_a_stream_speaks_of_the_gateways_id_alone(self, client: OpenAI, simulators: Simulators) -> None:
        events = list(client.responses.create(model=MODEL, input="Hello", stream=True))

        assert [events[0].type, events[-1].type] == ["response.created", "response.completed"]
        assert [event.sequence_number for event in events] == list(range(len(events)))
        [there] = kept(simulators)
        told = "".join(event.model_dump_json() for event in events)
        assert there["id"] not in told
        assert set(ID.findall(told)) == {events[0].response.id}
        text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
        assert text == events[-1].response.output_text

    def test_a_stream_ends_with_its_last_event(self, gateway: Gateway) -> None:
        body = {"model": MODEL, "input": "Hello", "stream": True}

        answer = gateway.admin.post("/v1/responses", json=body)

        assert answer.headers["content-type"].startswith("text/event-stream")
        assert "[DONE]" not in answer.text
        assert answer.text.rstrip().split("\n")[-2] == "event: response.completed"

    @pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
    def test_one_that_is_not_kept_gives_no_provider_id_away(
        self, gateway: Gateway, client: OpenAI, simulators: Simulators, stream: bool
    ) -> None:
        before = rows(gateway)
        made = client.responses.create(model=MODEL, input="Hello", store=False, stream=stream)
        response = list(made)[-1].response if stream else made

        assert ID.fullmatch(response.id)
        assert kept(simulators) == []
        assert rows(gateway) == before
        with raises(404, "response_not_found"):
            client.responses.retrieve(response.id)
        with raises(404, "response_not_found", "previous_response_id"):
            client.responses.create(model=MODEL, input="And?", previous_response_id=response.id)

    @pytest.mark.parametrize("base", ["/v1", "", "/openai/v1", "/vertex_ai/v1"])
    def test_every_alias_makes_and_reads(self, gateway: Gateway, base: str) -> None:
        client = gateway.openai(path=base)

        made = client.responses.create(model=MODEL, input="Hello")

        assert client.responses.retrieve(made.id).id == made.id
        assert client.responses.input_items.list(made.id).data[0].content[0].text == "Hello"
        client.responses.delete(made.id)
        with raises(404, "response_not_found"):
            client.responses.retrieve(made.id)

    def test_files_are_read_in_every_place(self, gateway: Gateway, client: OpenAI) -> None:
        documents = [pdf(f"document {number}") for number in range(3)]
        ids = [gateway.upload(document)["id"] for document in documents]
        items = [
            {"role": "user", "content": [{"type": "input_text", "text": "Read."}]},
            {"role": "user", "content": [{"type": "input_file", "file_id": ids[0]}]},
            {"type": "message", "role": "user", "content": [{"type": "input_file", "file_id": ids[1]}]},
        ]
        tools = [{"type": "code_interpreter", "container": {"type": "auto", "file_ids": [ids[2]]}}]

        made = client.responses.create(model=MODEL, input=items, tools=tools)

        for document in documents:
            assert hashlib.sha256(document).hexdigest()[:12] in made.output_text
        assert made.tools[0].container.file_ids == [ids[2]]
        listed = client.responses.input_items.list(made.id, order="asc").data
        named = [item.content[0].file_id for item in listed if item.content[0].type == "input_file"]
        assert named == ids[:2]
        assert client.responses.retrieve(made.id).tools[0].container.file_ids == [ids[2]]

    def test_what_a_response_says_can_be_sent_back(self, client: OpenAI) -> None:
        first = client.responses.create(model=MODEL, input="First?", store=False)
        items = [{"role": "user", "content": "First?"}, *(item.model_dump(mode="json") for item in first.output)]

        second = client.responses.create(model=MODEL, input=[*items, {"role": "user", "content": "Second?"}])

        assert "Second?" in second.output_text

    def test_a_function_is_called_and_answered(self, client: OpenAI) -> None:
        parameters = {"type": "object", "properties": {"file_id": {"type": "string"}}}
        tool = {"type": "function", "name": "look", "parameters": parameters, "strict": False}
        asked = client.responses.create(model=MODEL, input="Look.", tools=[tool], tool_choice="required")
        call = asked.output[0]

        answer = {"type": "function_call_output", "call_id": call.call_id, "output": "seen"}
        followed = client.responses.create(model=MODEL, input=[answer], previous_response_id=asked.id, tools=[tool])

        assert call.name == "look"
        assert followed.previous_response_id == asked.id
        assert "seen" in followed.output_text

    @pytest.mark.parametrize(
        "body",
        [
            {"conversation": "conv_1"},
            {"conversation": {"id": "conv_1"}},
            {"input": [{"type": "item_reference", "id": "msg_1"}]},
            {"input": [{"id": "msg_1"}]},
            {"tools": [{"type": "file_search", "vector_store_ids": ["vs_1"]}]},
            {"tools": [{"type": "code_interpreter", "container": "cntr_1"}]},
        ],
        ids=["conversation", "conversation-object", "item", "item-without-type", "vector-store", "container"],
    )
    def test_what_is_not_managed_is_refused(self, gateway: Gateway, simulators: Simulators, body: dict) -> None:
        answer = gateway.admin.post("/v1/responses", json={"model": MODEL, "input": "Hello"} | body)

        error = assert_error(answer, 400, code="unsupported")
        assert error["param"].split(".")[0] in body
        assert simulators.requests("openai", "/responses") == []

    @pytest.mark.parametrize("body", [{"conversation": "conv_1"}, {"previous_response_id": "resp_1"}])
    def test_a_key_that_may_use_raw_ids_may_name_it(self, gateway: Gateway, simulators: Simulators, body: dict) -> None:
        user = gateway.new_user("raw")
        key = gateway.admin.post("/key/generate", json={"user_id": user.id, "allow_raw_file_ids": True}).json()["key"]

        answer = gateway.client(key).post("/v1/responses", json={"model": MODEL, "input": "Hello"} | body)

        # The simulated provider has none of it.
        assert answer.status_code in (400, 404), answer.text
        assert len(simulators.requests("openai", "/responses")) == 1

    @pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
    def test_a_refusal_of_the_provider_is_the_clients(self, gateway: Gateway, client: OpenAI, stream: bool) -> None:
        before = rows(gateway)
        with raises(400, None):
            client.responses.create(model=MODEL, input=[], stream=stream)
        assert rows(gateway) == before

    def test_a_stream_that_breaks_off_ends_with_an_error(self, client: OpenAI, simulators: Simulators) -> None:
        simulators.fault("openai", path_prefix="/v1/responses", cut_after_bytes=1500)

        with pytest.raises((openai.APIError, httpx.HTTPError)) as caught:
            for _ in client.responses.create(model=MODEL, input="Hello " * 50, stream=True):
                pass

        assert "resp_" not in str(caught.value)


class TestFollowing:
    def test_a_response_is_followed_where_it_is(self, client: OpenAI, simulators: Simulators) -> None:
        first = client.responses.create(model=MODEL, input="First?")
        second = client.responses.create(model=MODEL, input="Second?", previous_response_id=first.id)
        third = list(client.responses.create(model=MODEL, input="Third?", previous_response_id=second.id, stream=True))

        assert "First?" in second.output_text
        assert second.previous_response_id == first.id
        assert third[-1].response.previous_response_id == second.id
        assert client.responses.retrieve(second.id).previous_response_id == first.id
        told = json.dumps(simulators.state()["openai"]["responses"])
        assert first.id not in told and second.id not in told

    def test_another_deployment_does_not_have_it(self, client: OpenAI, simulators: Simulators) -> None:
        first = client.responses.create(model=MODEL, input="First?")
        asked = len(simulators.requests("openai", "/responses"))

        with raises(400, None, "previous_response_id"):
            client.responses.create(model=SECOND, input="Second?", previous_response_id=first.id)
        assert len(simulators.requests("openai", "/responses")) == asked

    def test_of_two_deployments_the_one_is_asked(self, client: OpenAI) -> None:
        for _ in range(6):
            first = client.responses.create(model="pair", input="First?")
            second = client.responses.create(model="pair", input="Second?", previous_response_id=first.id)
            assert "First?" in second.output_text

    @pytest.mark.parametrize("text", ["resp_1", "resp_" + "a" * 40, "", "batch_" + "a" * 40])
    def test_an_id_that_was_never_given_out_is_not_found(
        self, client: OpenAI, simulators: Simulators, text: str
    ) -> None:
        with raises(404, "response_not_found", "previous_response_id"):
            client.responses.create(model=MODEL, input="Hello", previous_response_id=text)
        assert simulators.requests("openai", "/responses") == []

    def test_one_that_the_provider_has_lost_is_named_by_the_gateways_id(
        self, client: OpenAI, simulators: Simulators
    ) -> None:
        first = client.responses.create(model=MODEL, input="First?")
        provider_id = kept(simulators)[0]["id"]
        simulators.reset()

        with pytest.raises(openai.APIStatusError) as caught:
            client.responses.create(model=MODEL, input="Second?", previous_response_id=first.id)

        assert caught.value.status_code in (400, 404)
        assert provider_id not in str(caught.value) and first.id in str(caught.value)


class TestKept:
    def test_retrieve_delete_and_the_end(self, gateway: Gateway, client: OpenAI, simulators: Simulators) -> None:
        made = client.responses.create(model=MODEL, input="Hello", instructions="Be brief.")

        again = client.responses.retrieve(made.id)
        deleted = gateway.admin.delete(f"/v1/responses/{made.id}")

        assert again.model_dump() == made.model_dump()
        assert deleted.json() == {"id": made.id, "object": "response", "deleted": True}
        assert kept(simulators) == []
        for call in (client.responses.retrieve, client.responses.delete, client.responses.input_items.list):
            with raises(404, "response_not_found"):
                call(made.id)
        with raises(404, "response_not_found"):
            client.responses.create(model=MODEL, input="And?", previous_response_id=made.id)

    def test_one_in_the_background_is_read_until_it_is_done(self, client: OpenAI) -> None:
        made = client.responses.create(model=MODEL, input="Hello", background=True)
        seen = [made.status]

        def is_done() -> bool:
            seen.append(client.responses.retrieve(made.id).status)
            return seen[-1] == "completed"

        until("the response is done", is_done)
        assert seen[0] == "queued"

    def test_one_in_the_background_is_cancelled(self, client: OpenAI) -> None:
        made = client.responses.create(model=MODEL, input="Hello", background=True)

        cancelled = client.responses.cancel(made.id)

        assert (cancelled.id, cancelled.status) == (made.id, "cancelled")
        assert client.responses.retrieve(made.id).status == "cancelled"

    def test_one_that_was_not_made_in_the_background_is_not(self, client: OpenAI) -> None:
        made = client.responses.create(model=MODEL, input="Hello")

        with raises(400, None):
            client.responses.cancel(made.id)

    def test_a_stream_is_taken_up_again(self, client: OpenAI, simulators: Simulators) -> None:
        whole = list(client.responses.create(model=MODEL, input="Hello", background=True, stream=True))
        made = whole[0].response.id

        rest = list(client.responses.retrieve(made, stream=True, starting_after=2))

        assert [event.model_dump() for event in rest] == [event.model_dump() for event in whole[3:]]
        told = "".join(event.model_dump_json() for event in rest)
        assert kept(simulators)[0]["id"] not in told
        assert set(ID.findall(told)) == {made}

    def test_input_items_are_paged(self, client: OpenAI) -> None:
        items = [{"role": "user", "content": [{"type": "input_text", "text": str(number)}]} for number in range(5)]
        made = client.responses.create(model=MODEL, input=items)

        page = client.responses.input_items.list(made.id, limit=2, order="asc")
        rest = client.responses.input_items.list(made.id, limit=10, order="asc", after=page.data[-1].id)

        assert [item.content[0].text for item in [*page.data, *rest.data]] == ["0", "1", "2", "3", "4"]

    def test_one_that_the_provider_does_not_have_is_not_found_and_deletable(
        self, gateway: Gateway, client: OpenAI, simulators: Simulators
    ) -> None:
        made = client.responses.create(model=MODEL, input="Hello")
        provider_id = kept(simulators)[0]["id"]
        simulators.reset()

        answer = gateway.admin.get(f"/v1/responses/{made.id}")

        assert_error(answer, 404, code="response_not_found")
        assert provider_id not in answer.text
        client.responses.delete(made.id)
        assert provider_id not in [row[0] for row in rows(gateway)]

    @pytest.mark.parametrize("query", ["stream=maybe", "x=" + "y" * 5000, "include[]=a%zz&stream=%zz"])
    def test_a_query_that_is_none_is_refused(self, gateway: Gateway, client: OpenAI, query: str) -> None:
        made = client.responses.create(model=MODEL, input="Hello")

        answer = gateway.admin.get(f"/v1/responses/{made.id}?{query}")

        assert answer.status_code in (400, 413), answer.text


class TestOwnership:
    def test_a_file_of_somebody_else_is_not_named_to_a_mate(self, gateway: Gateway) -> None:
        team = gateway.admin.post("/team/new", json={}).json()["team_id"]
        ann, ben = gateway.new_user("ann"), gateway.new_user("ben")
        for user in (ann, ben):
            member = {"team_id": team, "member": {"role": "user", "user_id": user.id}}
            assert gateway.admin.post("/team/member_add", json=member).status_code == 200
        team_key = gateway.admin.post("/key/generate", json={"user_id": ann.id, "team_id": team}).json()["key"]
        private = gateway.upload(http=ann.http)["id"]
        content = [{"type": "input_file", "file_id": private}]
        made = gateway.openai(team_key).responses.create(model=MODEL, input=[{"role": "user", "content": content}])

        own = gateway.openai(ann.key).responses.input_items.list(made.id).data
        mates = gateway.openai(ben.key).responses.input_items.list(made.id).data

        assert own[0].content[0].file_id == private
        assert mates[0].content[0].file_id is None

    def test_whoever_is_deleted_leaves_nothing_at_the_provider(self, sweeper: Gateway, simulators: Simulators) -> None:
        ann = sweeper.new_user("ann")
        sweeper.openai(ann.key).responses.create(model=MODEL, input="Hello")
        assert len(kept(simulators)) == 1

        deleted = sweeper.admin.post("/user/delete", json={"user_ids": [ann.id]})

        assert deleted.status_code == 200
        until("the response is gone", lambda: kept(simulators) == [])
        until("its record is gone", lambda: rows(sweeper) == [])


class TestTrouble:
    def test_what_cannot_be_noted_is_not_kept(self, gateway: Gateway, client: OpenAI, simulators: Simulators) -> None:
        before = rows(gateway)
        body = {"model": MODEL, "input": "Hello"}
        # The key is known from now on, so that the registry is not asked about it.
        client.responses.create(**body, store=False)

        with contextlib.closing(sqlite3.connect(gateway.data / "gantry.sqlite", timeout=30)) as registry:
            registry.execute("BEGIN IMMEDIATE")
            answer = gateway.client(timeout=120).post("/v1/responses", json=body)
            registry.rollback()

        assert_error(answer, 503, code="registry_unavailable")
        until("the response is gone", lambda: kept(simulators) == [])
        assert rows(gateway) == before

    def test_a_stream_that_its_client_leaves_is_still_its_owners(self, gateway: Gateway) -> None:
        body = {"model": MODEL, "input": "Hello", "background": True, "stream": True}
        with gateway.admin.stream("POST", "/v1/responses", json=body) as answer:
            first = next(line for line in answer.iter_lines() if line.startswith("data: "))
        made = json.loads(first.removeprefix("data: "))["response"]["id"]

        assert gateway.openai().responses.retrieve(made).id == made
