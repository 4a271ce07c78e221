"""The simulated providers by themselves, with the providers' own SDKs as referees.

Needs the packages google-cloud-storage and google-genai beside those of the other tests. GANTRY_BUILD names the folder
of the executable, as it does for them.
"""

import base64
import concurrent.futures
import hashlib
import json
import os
import select
import signal
import socket
import subprocess
import threading
import time

import google.auth.exceptions
import google.auth.transport.requests
import openai
import pytest
import requests
from google import genai
from google.api_core import exceptions as google_exceptions
from google.auth import jwt
from google.cloud import storage
from google.genai import types
from google.oauth2 import credentials as user_credentials
from google.oauth2 import service_account

from support.gateway import BUILD

EXECUTABLE = BUILD / "gantry-simulators"
CLOUD = "https://www.googleapis.com/auth/cloud-platform"
CHUNK = 256 * 1024
PDF = b"%PDF-1.4\n" + bytes(range(256)) * 40


class Simulators:
    def __init__(self, *arguments):
        self.process = subprocess.Popen([EXECUTABLE, *arguments], stdout=subprocess.PIPE, text=True)
        assert select.select([self.process.stdout], [], [], 30)[0], "the simulators did not start"
        self.line = self.process.stdout.readline()
        words = dict(word.split("=", 1) for word in self.line.split()[1:])
        self.openai, self.google = words["openai"], words["google"]
        self.control = self.openai.removesuffix("/v1") + "/_sim"

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=10)

    def get(self, path):
        return requests.get(f"{self.control}/{path}", timeout=10).json()

    def post(self, path, body=None):
        answer = requests.post(f"{self.control}/{path}", json=body, timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def fault(self, provider, **members):
        return self.post("faults", {"provider": provider, **members})["id"]

    def state(self):
        return self.get("state")

    def wait_until(self, condition):
        """Polls the state for at most 10 s."""
        deadline = time.monotonic() + 10
        while not condition(state := self.state()):
            assert time.monotonic() < deadline, state
            time.sleep(0.02)
        return state

    def client(self, account="alice", **options):
        options = {"max_retries": 0, "timeout": 30, **options}
        return openai.OpenAI(base_url=self.openai, api_key=f"sk-sim-{account}", **options)

    def key(self, account="alice"):
        return requests.get(f"{self.google}/_sim/service_account.json", {"account": account}, timeout=30).json()

    def credentials(self, account="alice", scopes=(CLOUD,)):
        return service_account.Credentials.from_service_account_info(self.key(account), scopes=list(scopes))

    def token(self, account="alice", **options):
        credentials = self.credentials(account, **options)
        credentials.refresh(google.auth.transport.requests.Request())
        return credentials.token

    def headers(self, account="alice"):
        return {"Authorization": f"Bearer {self.token(account)}"}

    def storage(self, account="alice"):
        return storage.Client(
            project=f"sim-{account}",
            credentials=self.credentials(account),
            client_options={"api_endpoint": self.google},
        )

    def genai(self, account="alice", version="v1"):
        return genai.Client(
            vertexai=True,
            project=f"sim-{account}",
            location="us-central1",
            credentials=self.credentials(account),
            http_options=types.HttpOptions(base_url=self.google, api_version=version),
        )

    def vertex(self, body, model="gemini-2.0-flash", method="generateContent", account="alice", project=None):
        url = f"{self.google}/v1/projects/{project or 'sim-' + account}/locations/us-central1/publishers/google/models"
        return requests.post(f"{url}/{model}:{method}", json=body, headers=self.headers(account), timeout=30)

    def start_upload(self, name, account="alice", bucket="sim-bucket", **headers):
        answer = requests.post(
            f"{self.google}/upload/storage/v1/b/{bucket}/o",
            params={"uploadType": "resumable", "name": name},
            headers={**self.headers(account), **headers},
            timeout=10,
        )
        assert answer.status_code == 200, answer.text
        return answer.headers["Location"]


@pytest.fixture(autouse=True)
def no_lookups_at_the_real_google(monkeypatch):
    # google-auth asks iamcredentials.googleapis.com where a service account may be used, whatever its token_uri is.
    for kind in (service_account.Credentials, user_credentials.Credentials):
        monkeypatch.setattr(kind, "_is_regional_access_boundary_lookup_required", lambda _: False, raising=False)


@pytest.fixture(scope="module")
def running():
    simulators = Simulators()
    yield simulators
    assert simulators.stop() == 0


@pytest.fixture
def sim(running):
    running.post("reset")
    return running


def refused(status, call, *words):
    with pytest.raises(openai.APIStatusError) as caught:
        call()
    assert caught.value.status_code == status, caught.value
    for word in words:
        assert word in str(caught.value.body), caught.value.body
    return caught.value


# --- OpenAI: files


def test_a_file_is_created_listed_read_and_deleted(sim):
    client = sim.client()
    file = client.files.create(file=("paper.pdf", PDF), purpose="user_data")
    assert file.id.startswith("file-") and len(file.id) == 27
    assert (file.bytes, file.filename, file.purpose, file.status) == (len(PDF), "paper.pdf", "user_data", "processed")
    assert client.files.retrieve(file.id) == file
    assert [f.id for f in client.files.list()] == [file.id]
    (stored,) = sim.state()["openai"]["files"]
    assert stored["sha256"] == hashlib.sha256(PDF).hexdigest()
    assert (stored["account"], stored["mime_type"]) == ("alice", "application/pdf")
    assert client.files.delete(file.id).deleted is True
    refused(404, lambda: client.files.retrieve(file.id), "No such File object")
    assert sim.state()["openai"]["files"] == []


def test_content_comes_back_for_batches_only(sim):
    client = sim.client()
    lines = b'{"custom_id":"a"}\n'
    batch = client.files.create(file=("in.jsonl", lines), purpose="batch")
    assert client.files.content(batch.id).read() == lines
    assert batch.expires_at == batch.created_at + 30 * 86400
    for purpose in ("user_data", "assistants", "vision", "evals"):
        file = client.files.create(file=("a.txt", b"a"), purpose=purpose)
        refused(
            400, lambda id=file.id: client.files.content(id), f"Not allowed to download files of purpose: {purpose}"
        )


def test_accounts_do_not_see_each_other(sim):
    file = sim.client("alice").files.create(file=("a.txt", b"a"), purpose="user_data")
    bob = sim.client("bob")
    refused(404, lambda: bob.files.retrieve(file.id), "No such File object")
    refused(404, lambda: bob.files.delete(file.id))
    assert list(bob.files.list()) == []
    content = [{"type": "text", "text": "?"}, {"type": "file", "file": {"file_id": file.id}}]
    refused(404, lambda: bob.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": content}]))


def test_lists_are_paged(sim):
    client = sim.client()
    ids = [client.files.create(file=(f"{i}.txt", b"a"), purpose="user_data").id for i in range(5)]
    assert [f.id for f in client.files.list(limit=2)] == ids[::-1]
    assert [f.id for f in client.files.list(limit=2, order="asc", after=ids[1]).data] == ids[2:4]
    assert client.files.list(limit=2).has_more is True
    assert list(client.files.list(purpose="batch")) == []
    refused(400, lambda: client.files.list(limit=0), "integer_below_min_value")


def test_a_file_expires(sim):
    client = sim.client()
    after = {"anchor": "created_at", "seconds": 3600}
    file = client.files.create(file=("a.txt", b"a"), purpose="user_data", expires_after=after)
    assert file.expires_at == file.created_at + 3600
    sim.post("advance", {"seconds": 3601})
    refused(404, lambda: client.files.retrieve(file.id))
    bad = {"anchor": "created_at", "seconds": 60}
    refused(400, lambda: client.files.create(file=("a.txt", b"a"), purpose="user_data", expires_after=bad), "seconds")


def test_forms_are_taken_strictly(sim):
    client = sim.client()
    refused(
        400,
        lambda: client.files.create(file=("a", b"a"), purpose="user_data", extra_body={"target_model_names": "x"}),
        "unknown_parameter",
    )
    refused(400, lambda: client.files.create(file=("a", b"a"), purpose="messages"), "is not one of")
    url, key = f"{sim.openai}/files", {"Authorization": "Bearer sk-sim-alice"}
    assert requests.post(url, headers=key, files={"file": ("a", b"a")}).status_code == 400
    assert requests.post(url, headers=key, files={"purpose": (None, "user_data")}).status_code == 400
    assert requests.post(url, headers=key, files={"file": (None, "x"), "purpose": (None, "vision")}).status_code == 400
    assert requests.post(url, headers=key, data="{}").status_code == 400
    cut = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nabc'
    broken = requests.post(url, headers=key | {"Content-Type": "multipart/form-data; boundary=b"}, data=cut)
    assert broken.status_code == 400 and "multipart" in broken.json()["error"]["message"]
    assert sim.state()["openai"]["files"] == []


def test_a_file_may_stand_before_its_fields_and_hold_almost_boundaries(sim):
    tricky = b"\r\n--b\r-\r\n--\r\n--bound\r\n\r\r\n" * 1000
    body = b'--boundary\r\nContent-Disposition: form-data; name="file"; filename="a \\"b\\".bin"\r\n'
    body += b"Content-Type: audio/wav\r\n\r\n" + tricky
    body += b'\r\n--boundary\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nuser_data\r\n--boundary--\r\n'
    headers = {"Authorization": "Bearer sk-sim-alice", "Content-Type": "multipart/form-data; boundary=boundary"}

    def pieces():
        for start in range(0, len(body), 37):
            yield body[start : start + 37]

    answer = requests.post(f"{sim.openai}/files", headers=headers, data=pieces())
    assert answer.status_code == 200, answer.text
    (stored,) = sim.state()["openai"]["files"]
    assert stored["sha256"] == hashlib.sha256(tricky).hexdigest()
    assert (stored["filename"], stored["mime_type"]) == ('a "b".bin', "audio/wav")


def test_keys_are_checked(sim):
    client = openai.OpenAI(base_url=sim.openai, api_key="sk-real", max_retries=0)
    with pytest.raises(openai.AuthenticationError) as caught:
        client.models.list()
    assert caught.value.code == "invalid_api_key"
    assert requests.get(f"{sim.openai}/models").status_code == 401


# --- OpenAI: chat and embeddings


def ask(text, *parts):
    return [{"role": "user", "content": [{"type": "text", "text": text}, *parts]}]


def test_an_answer_names_the_files_and_the_question(sim):
    client = sim.client()
    file = client.files.create(file=("2403.05530.pdf", PDF), purpose="user_data")
    messages = ask("What is in this recording?", {"type": "file", "file": {"file_id": file.id}})
    raw = client.chat.completions.with_raw_response.create(model="gpt-4o-mini", messages=messages)
    answer = raw.parse()
    digest = hashlib.sha256(PDF).hexdigest()[:12]
    assert answer.choices[0].message.content == (
        f'gpt-4o-mini here. I read 1 file: "2403.05530.pdf" (application/pdf, 10,249 bytes, sha256 {digest}…). '
        'You asked: "What is in this recording?"'
    )
    assert answer.model == "gpt-4o-mini-2024-07-18"
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert raw.headers["x-request-id"].startswith("req_")
    assert "x-ratelimit-remaining-requests" in raw.headers and "openai-processing-ms" in raw.headers


def test_other_parts_are_described(sim):
    image = "data:image/png;base64," + base64.b64encode(b"png").decode()
    pdf = "data:application/pdf;base64," + base64.b64encode(b"pdf").decode()
    audio = {"data": base64.b64encode(b"wav").decode(), "format": "wav"}
    text = (
        sim.client()
        .chat.completions.create(
            model="gpt-4o",
            messages=ask(
                "All?",
                {"type": "image_url", "image_url": {"url": image, "detail": "low"}},
                {"type": "file", "file": {"file_data": pdf, "filename": "a.pdf"}},
                {"type": "input_audio", "input_audio": audio},
            ),
        )
        .choices[0]
        .message.content
    )
    assert "saw 1 image" in text and 'read 1 file: "a.pdf"' in text and "heard 1 recording" in text


@pytest.mark.parametrize("includes_usage", [False, True])
def test_a_stream_says_what_the_answer_says(sim, includes_usage):
    client = sim.client()
    options = {"stream_options": {"include_usage": True}} if includes_usage else {}
    whole = client.chat.completions.create(model="gpt-4o", messages=ask("One two three four five?"))
    chunks = list(
        client.chat.completions.create(model="gpt-4o", messages=ask("One two three four five?"), stream=True, **options)
    )
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text == whole.choices[0].message.content
    assert len({c.id for c in chunks}) == 1 and len(chunks) > 5
    finishes = [c.choices[0].finish_reason for c in chunks if c.choices]
    assert finishes[-1] == "stop" and set(finishes[:-1]) == {None}
    if includes_usage:
        assert chunks[-1].choices == [] and chunks[-1].usage == whole.usage
        assert all(c.usage is None for c in chunks[:-1])
    raw = requests.post(
        f"{sim.openai}/chat/completions",
        headers={"Authorization": "Bearer sk-sim-alice"},
        json={"model": "gpt-4o", "messages": ask("x"), "stream": True},
    )
    assert raw.headers["Content-Type"].startswith("text/event-stream")
    assert raw.text.endswith("data: [DONE]\n\n")


def test_a_forced_tool_is_called_and_its_result_is_told(sim):
    client = sim.client()
    tools = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}]
    for choice in ("required", {"type": "function", "function": {"name": "weather"}}):
        made = client.chat.completions.create(model="gpt-4o", messages=ask("?"), tools=tools, tool_choice=choice)
        (call,) = made.choices[0].message.tool_calls
        assert (call.function.name, call.function.arguments) == ("weather", "{}")
        assert made.choices[0].finish_reason == "tool_calls"
    turn = made.choices[0].message.model_dump(exclude_none=True, include={"role", "tool_calls"})
    result = {"role": "tool", "tool_call_id": call.id, "content": "rain"}
    final = client.chat.completions.create(model="gpt-4o", messages=[*ask("?"), turn, result], tools=tools)
    assert 'The tool weather answered: "rain".' in final.choices[0].message.content
    refused(400, lambda: client.chat.completions.create(model="gpt-4o", messages=[*ask("?"), turn]), "tool_call_id")
    with client.chat.completions.stream(
        model="gpt-4o", messages=ask("?"), tools=tools, tool_choice="required"
    ) as stream:
        final = stream.get_final_completion()
    assert final.choices[0].message.tool_calls[0].function.arguments == "{}"


def test_structured_and_limited_answers(sim):
    client = sim.client()
    schema = {"type": "object", "properties": {"title": {"type": "string"}, "pages": {"type": "integer"}}}
    form = {"type": "json_schema", "json_schema": {"name": "paper", "schema": schema}}
    text = client.chat.completions.create(model="gpt-4o", messages=ask("?"), response_format=form)
    assert set(json.loads(text.choices[0].message.content)) == {"title", "pages"}
    short = client.chat.completions.create(model="gpt-4o", messages=ask("?"), max_tokens=2, n=2)
    assert [c.finish_reason for c in short.choices] == ["length", "length"]


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"extra_body": {"target_model_names": "x"}}, 400, ["Unknown parameter: 'target_model_names'"]),
        ({"model": "gpt-4o-mini-openai"}, 404, ["model_not_found"]),
        ({"model": "text-embedding-3-small"}, 404, ["not a chat model"]),
        ({"messages": []}, 400, ["empty_array"]),
        ({"messages": [{"role": "robot", "content": "x"}]}, 400, ["invalid_value", "messages[0].role"]),
        ({"messages": [{"role": "user", "content": 5}]}, 400, ["invalid_type", "messages[0].content"]),
        ({"messages": ask("?", {"type": "file", "file": {"file_id": "gs://b/o"}})}, 400, ["begins with"]),
        ({"messages": ask("?", {"type": "file", "file": {"file_id": "file-no"}})}, 404, ["File not found"]),
        ({"messages": ask("?", {"type": "file", "file": {}})}, 400, ["exactly one"]),
        ({"messages": ask("?", {"type": "document"})}, 400, ["Supported values"]),
        ({"messages": ask("?", {"type": "image_url", "image_url": {"url": "file-1"}})}, 400, ["image_url.url"]),
        ({"temperature": 3}, 400, ["decimal_above_max_value"]),
        ({"tool_choice": "required"}, 400, ["only allowed when 'tools'"]),
        ({"stream_options": {"include_usage": True}}, 400, ["only allowed when 'stream'"]),
    ],
)
def test_bad_chats_are_refused_in_openais_words(sim, change, status, words):
    body = {"model": "gpt-4o", "messages": ask("?"), **change}
    refused(status, lambda: sim.client().chat.completions.create(**body), *words)


def test_embeddings(sim):
    client = sim.client()
    model = "text-embedding-3-small"
    floats = client.embeddings.create(model=model, input=["a", "b"], encoding_format="float")
    packed = client.embeddings.create(model=model, input=["a", "b"])
    assert [len(e.embedding) for e in floats.data] == [1536, 1536]
    assert floats.data[0].embedding != floats.data[1].embedding
    for one, other in zip(floats.data, packed.data, strict=True):
        assert one.embedding == pytest.approx(other.embedding, abs=1e-6)
        assert sum(x * x for x in one.embedding) == pytest.approx(1, abs=1e-4)
    assert len(client.embeddings.create(model=model, input="a", dimensions=8).data[0].embedding) == 8
    refused(400, lambda: client.embeddings.create(model=model, input=[]))
    assert {m.id for m in client.models.list()} == {"gpt-4o-mini", "gpt-4o", model}


# --- Google: tokens


def test_a_service_account_gets_a_token(sim):
    credentials = sim.credentials()
    credentials.refresh(google.auth.transport.requests.Request())
    assert credentials.token.startswith("ya29.sim.")
    assert sim.state()["google"]["tokens_issued"] == {"alice": 1}


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"aud": "http://127.0.0.1/token"}, "invalid_grant"),
        ({"iss": "mallory@sim-alice.iam.gserviceaccount.com"}, "invalid_grant"),
        ({"exp": 7300}, "invalid_grant"),
        ({"iat": -7200, "exp": -3600}, "invalid_grant"),
        ({"scope": "https://www.googleapis.com/auth/drive"}, "invalid_scope"),
        ({"key": "bob"}, "invalid_grant"),
        ({"kid": "other"}, "invalid_grant"),
    ],
)
def test_false_assertions_are_refused(sim, change, error):
    key = sim.key()
    signer = google.auth.crypt.RSASigner.from_service_account_info(sim.key(change.get("key", "alice")))
    now = int(time.time())
    claims = {"iss": key["client_email"], "aud": "https://oauth2.googleapis.com/token", "scope": CLOUD}
    claims |= {name: value for name, value in change.items() if name in claims}
    claims |= {"iat": now + change.get("iat", 0), "exp": now + change.get("exp", 3600)}
    assertion = jwt.encode(signer, claims, key_id=change.get("kid", key["private_key_id"]))
    form = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": assertion}
    answer = requests.post(key["token_uri"], data=form)
    assert (answer.status_code, answer.json()["error"]) == (400, error)
    assert sim.state()["google"]["tokens_issued"] == {}


def test_a_user_gets_a_token_by_refreshing(sim):
    info = requests.get(f"{sim.google}/_sim/authorized_user.json", {"account": "carol"}).json()

    def credentials(secret):
        return user_credentials.Credentials(
            None, info["refresh_token"], token_uri=info["token_uri"], client_id=info["client_id"], client_secret=secret
        )

    good = credentials(info["client_secret"])
    good.refresh(google.auth.transport.requests.Request())
    assert good.token.startswith("ya29.sim.")
    with pytest.raises(google.auth.exceptions.RefreshError):
        credentials("wrong").refresh(google.auth.transport.requests.Request())


def test_the_metadata_server_wants_its_flavor(sim):
    base, flavor = f"{sim.google}/computeMetadata/v1", {"Metadata-Flavor": "Google"}
    url = f"{base}/instance/service-accounts/default/token"
    assert requests.get(url).status_code == 403
    answer = requests.get(url, {"scopes": CLOUD}, headers=flavor)
    assert answer.headers["Metadata-Flavor"] == "Google" and answer.json()["token_type"] == "Bearer"
    assert requests.get(f"{base}/project/project-id", headers=flavor).text == "sim-metadata"
    whole = requests.get(f"{base}/instance/service-accounts/default/?recursive=true", headers=flavor).json()
    assert whole["email"] == "metadata@sim-metadata.iam.gserviceaccount.com"


def test_tokens_can_be_made_to_expire(sim):
    headers = sim.headers()
    url = f"{sim.google}/storage/v1/b/sim-bucket/o"
    assert requests.get(url, headers=headers).status_code == 200
    sim.post("expire_tokens")
    refusal = requests.get(url, headers=headers)
    assert refusal.status_code == 401 and refusal.json()["error"]["errors"][0]["reason"] == "authError"
    assert requests.get(url).status_code == 401
    assert requests.get(url, headers={"Authorization": headers["Authorization"][:-1]}).status_code == 401
    headers = sim.headers()
    sim.post("advance", {"seconds": 3600})
    assert requests.get(url, headers=headers).status_code == 401


# --- Google: Cloud Storage


def test_the_storage_sdk_works(sim):
    bucket = sim.storage().bucket("sim-bucket")
    small = bucket.blob("dir/a b+ü.txt")
    small.metadata = {"owner": "alice"}
    small.upload_from_string("hello", content_type="text/plain", if_generation_match=0)
    data = os.urandom(3 * CHUNK + 123)
    large = bucket.blob("dir/large.bin", chunk_size=CHUNK)
    large.upload_from_string(data, content_type="application/octet-stream", checksum="crc32c")
    assert large.download_as_bytes() == data
    assert large.download_as_bytes(start=10, end=19) == data[10:20]
    assert [b.name for b in bucket.list_blobs(prefix="dir/", page_size=1)] == ["dir/a b+ü.txt", "dir/large.bin"]
    small.reload()
    assert (small.size, small.metadata, small.content_type) == (5, {"owner": "alice"}, "text/plain")
    with pytest.raises(google_exceptions.PreconditionFailed):
        small.upload_from_string("again", if_generation_match=0)
    objects = {o["name"]: o for o in sim.state()["google"]["objects"]}
    assert objects["dir/large.bin"]["sha256"] == hashlib.sha256(data).hexdigest()
    assert objects["dir/a b+ü.txt"]["metadata"] == {"owner": "alice"}
    small.delete()
    large.delete()
    with pytest.raises(google_exceptions.NotFound):
        small.delete()
    google_state = sim.state()["google"]
    assert google_state["objects"] == [] and google_state["sessions"] == []


def test_buckets_belong_to_the_first_that_uses_them(sim):
    sim.storage("alice").bucket("sim-own").blob("a").upload_from_string("a")
    bob = sim.storage("bob")
    with pytest.raises(google_exceptions.Forbidden):
        bob.bucket("sim-own").blob("a").download_as_bytes()
    with pytest.raises(google_exceptions.Forbidden):
        bob.bucket("sim-own").blob("b").upload_from_string("b")
    with pytest.raises(google_exceptions.NotFound):
        bob.bucket("other").blob("b").upload_from_string("b")


def test_folders_are_listed_by_delimiter(sim):
    bucket = sim.storage().bucket("sim-bucket")
    for name in ("a", "d/1", "d/2", "e/1", "z"):
        bucket.blob(name).upload_from_string("x")
    url, pages, token = f"{sim.google}/storage/v1/b/sim-bucket/o", [], None
    headers = sim.headers()
    while True:
        query = {"delimiter": "/", "maxResults": 2} | ({"pageToken": token} if token else {})
        page = requests.get(url, query, headers=headers).json()
        pages += [item["name"] for item in page.get("items", [])] + page.get("prefixes", [])
        token = page.get("nextPageToken")
        if not token:
            break
    assert sorted(pages) == ["a", "d/", "e/", "z"]


def test_ranges_of_objects(sim):
    sim.storage().bucket("sim-bucket").blob("a").upload_from_string("0123456789")
    url = f"{sim.google}/storage/v1/b/sim-bucket/o/a?alt=media"
    headers = sim.headers()

    def get(value):
        answer = requests.get(url, headers=headers | {"Range": value})
        return answer.status_code, answer.content, answer.headers.get("Content-Range")

    assert get("bytes=2-4") == (206, b"234", "bytes 2-4/10")
    assert get("bytes=7-") == (206, b"789", "bytes 7-9/10")
    assert get("bytes=-2") == (206, b"89", "bytes 8-9/10")
    assert get("bytes=8-99")[:2] == (206, b"89")
    status, _, content_range = get("bytes=10-")
    assert (status, content_range) == (416, "bytes */10")


def put(url, data=b"", content_range=None, **options):
    headers = {"Content-Range": content_range} if content_range else {}
    answer = requests.put(url, data=data, headers=headers, timeout=30, **options)
    return answer.status_code, answer.headers.get("Range")


@pytest.mark.parametrize("prefix", ["upload", "resumable/upload"])
def test_a_resumable_upload_step_by_step(sim, prefix):
    data = os.urandom(2 * CHUNK + 10)
    start = requests.post(
        f"{sim.google}/{prefix}/storage/v1/b/sim-bucket/o?uploadType=resumable&name=dir%2Fa",
        headers=sim.headers() | {"X-Upload-Content-Type": "application/pdf"},
        json={"metadata": {"k": "v"}},
    )
    url, size = start.headers["Location"], len(data)
    assert f"/{prefix}/storage/v1/b/sim-bucket/o?" in url
    assert put(url, content_range=f"bytes */{size}") == (308, None)
    assert put(url, data[:CHUNK], f"bytes 0-{CHUNK - 1}/{size}") == (308, f"bytes=0-{CHUNK - 1}")
    assert put(url, data[:100], f"bytes {CHUNK}-{CHUNK + 99}/{size}")[0] == 400
    assert put(url, data[:CHUNK], f"bytes {2 * CHUNK}-{3 * CHUNK - 1}/*")[0] == 400
    assert put(url, content_range="bytes */*") == (308, f"bytes=0-{CHUNK - 1}")
    assert [s["received_bytes"] for s in sim.state()["google"]["sessions"]] == [CHUNK]
    # A client that did not hear the first answer sends the same bytes again.
    assert put(url, data[: 2 * CHUNK], f"bytes 0-{2 * CHUNK - 1}/{size}") == (308, f"bytes=0-{2 * CHUNK - 1}")
    last = requests.put(url, data=data[2 * CHUNK :], headers={"Content-Range": f"bytes {2 * CHUNK}-{size - 1}/{size}"})
    assert last.status_code == 200 and last.json()["size"] == str(size)
    assert base64.b64decode(last.json()["md5Hash"]) == hashlib.md5(data).digest()
    assert put(url, content_range=f"bytes */{size}")[0] == 200
    (stored,) = sim.state()["google"]["objects"]
    assert (stored["sha256"], stored["content_type"]) == (hashlib.sha256(data).hexdigest(), "application/pdf")
    assert sim.state()["google"]["sessions"] == []


def test_uploads_of_unknown_length_empty_ones_and_whole_ones(sim):
    data = os.urandom(CHUNK)
    url = sim.start_upload("unknown")
    assert put(url, iter([data[:1000], data[1000:]]), f"bytes 0-{CHUNK - 1}/*") == (308, f"bytes=0-{CHUNK - 1}")
    assert put(url, content_range=f"bytes */{CHUNK}")[0] == 200
    assert put(sim.start_upload("empty"), content_range="bytes */0")[0] == 200
    assert put(sim.start_upload("whole"), data)[0] == 200
    announced = sim.start_upload("announced", **{"X-Upload-Content-Length": "5"})
    assert put(announced, b"1234")[0] == 400
    sizes = {o["name"]: o["bytes"] for o in sim.state()["google"]["objects"]}
    assert sizes == {"unknown": CHUNK, "empty": 0, "whole": CHUNK}


def test_an_upload_is_cancelled_with_499(sim):
    url = sim.start_upload("a")
    assert requests.delete(url).status_code == 499
    assert put(url, b"a")[0] == 404
    assert sim.state()["google"]["sessions"] == []


def test_wrong_digests_are_refused(sim):
    blob = sim.storage().bucket("sim-bucket").blob("a")
    blob.md5_hash = base64.b64encode(hashlib.md5(b"other").digest()).decode()
    with pytest.raises(google_exceptions.BadRequest):
        blob.upload_from_string("bytes")
    assert sim.state()["google"]["objects"] == []


def test_what_a_broken_connection_left_is_whole_blocks(sim):
    data = os.urandom(3 * CHUNK)
    url = sim.start_upload("a")
    sim.fault("google", method="PUT", cut_request_after_bytes=CHUNK + 5)
    with pytest.raises(requests.ConnectionError):
        put(url, data, f"bytes 0-{3 * CHUNK - 1}/{3 * CHUNK}")
    status, stored = put(url, content_range=f"bytes */{3 * CHUNK}")
    assert status == 308
    first = int(stored.rsplit("-", 1)[1]) + 1 if stored else 0
    assert first % CHUNK == 0
    assert put(url, data[first:], f"bytes {first}-{3 * CHUNK - 1}/{3 * CHUNK}")[0] == 200
    assert sim.state()["google"]["objects"][0]["sha256"] == hashlib.sha256(data).hexdigest()


# --- Google: Vertex AI


def text_of(response):
    return response.candidates[0].content.parts[0].text


@pytest.mark.parametrize("version", ["v1", "v1beta1"])
def test_the_genai_sdk_works(sim, version):
    blob = sim.storage().bucket("sim-bucket").blob("dir/2403.05530.pdf")
    blob.upload_from_string(PDF, content_type="application/pdf")
    client = sim.genai(version=version)
    uri = "gs://sim-bucket/dir/2403.05530.pdf"
    contents = [types.Part.from_uri(file_uri=uri, mime_type="application/pdf"), "What?"]
    answer = client.models.generate_content(model="gemini-2.0-flash", contents=contents)
    digest = hashlib.sha256(PDF).hexdigest()[:12]
    assert answer.text == (
        f'gemini-2.0-flash here. I read 1 file: "2403.05530.pdf" (application/pdf, 10,249 bytes, sha256 {digest}…). '
        'You asked: "What?"'
    )
    assert answer.candidates[0].finish_reason == types.FinishReason.STOP and answer.response_id
    chunks = list(client.models.generate_content_stream(model="gemini-2.0-flash", contents=contents))
    assert len(chunks) > 2 and "".join(c.text for c in chunks) == answer.text
    assert chunks[-1].usage_metadata == answer.usage_metadata
    thinker = client.models.generate_content(
        model="gemini-2.5-pro",
        contents="Why?",
        config=types.GenerateContentConfig(
            system_instruction="Be brief.", thinking_config=types.ThinkingConfig(include_thoughts=True)
        ),
    )
    assert thinker.candidates[0].content.parts[0].thought and thinker.usage_metadata.thoughts_token_count


def test_the_genai_sdk_calls_tools_and_gets_json(sim):
    client = sim.genai()
    function = types.FunctionDeclaration(
        name="weather", parameters=types.Schema(type="OBJECT", properties={"city": types.Schema(type="STRING")})
    )
    config = types.GenerateContentConfig(
        tools=[types.Tool(function_declarations=[function])],
        tool_config=types.ToolConfig(function_calling_config=types.FunctionCallingConfig(mode="ANY")),
    )
    made = client.models.generate_content(model="gemini-2.5-pro", contents="?", config=config)
    assert [c.name for c in made.function_calls] == ["weather"]
    turns = [
        types.Content(role="user", parts=[types.Part(text="?")]),
        made.candidates[0].content,
        types.Content(role="user", parts=[types.Part.from_function_response(name="weather", response={"sky": "grey"})]),
    ]
    final = client.models.generate_content(model="gemini-2.5-pro", contents=turns, config=config)
    assert "The tool weather answered" in final.text
    config = types.GenerateContentConfig(
        response_mime_type="application/json",
        response_schema={"type": "OBJECT", "properties": {"pages": {"type": "INTEGER"}}},
    )
    answer = client.models.generate_content(model="gemini-2.0-flash", contents="?", config=config)
    assert json.loads(answer.text) == {"pages": 1}


def test_safety(sim):
    client = sim.genai()
    blocked = client.models.generate_content(model="gemini-2.0-flash", contents="SIM_BLOCK_PROMPT")
    assert blocked.prompt_feedback.block_reason == types.BlockedReason.PROHIBITED_CONTENT and not blocked.candidates
    unsafe = client.models.generate_content(model="gemini-2.0-flash", contents="SIM_SAFETY")
    assert unsafe.candidates[0].finish_reason == types.FinishReason.SAFETY
    short = client.models.generate_content(
        model="gemini-2.0-flash", contents="?", config=types.GenerateContentConfig(max_output_tokens=2)
    )
    assert short.candidates[0].finish_reason == types.FinishReason.MAX_TOKENS


def user(*parts):
    return {"contents": [{"role": "user", "parts": list(parts)}]}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (user({"text": "?"}) | {"model": "x"}, 'Unknown name "model"'),
        (user({"text": "?", "file_id": "x"}), "Unknown name \"file_id\" at 'contents[0].parts[0]'"),
        ({}, "contents field is required"),
        ({"contents": [{"role": "assistant", "parts": [{"text": "?"}]}]}, "valid role"),
        (user(), "parts field"),
        (user({"text": "a", "inlineData": {"mimeType": "a/b", "data": "YQ=="}}), "oneof"),
        (user({"fileData": {"fileUri": "gs://sim-bucket/a"}}), "mimeType"),
        (user({"fileData": {"mimeType": "text/plain"}}), "fileUri"),
        (user({"fileData": {"mimeType": "text/plain", "fileUri": "file-abc"}}), "invalid"),
        (user({"inline_data": {"mime_type": "image/png", "data": "***"}}), "Base64"),
        (user({"text": "?"}) | {"generationConfig": {"temperature": 5}}, "supported range"),
        (user({"text": "?"}) | {"generationConfig": {"max_tokens": 5}}, 'Unknown name "max_tokens"'),
        (user({"text": "?"}) | {"tools": [{"functionDeclarations": [{"name": "a b"}]}]}, "Invalid function name"),
        (
            user({"text": "?"})
            | {"tools": [{"functionDeclarations": [{"name": "a", "parameters": {"type": "object", "$schema": "x"}}]}]},
            'Unknown name "$schema"',
        ),
        (user({"functionResponse": {"name": "a", "response": {}}}), "number of function response parts"),
        (user({"text": "?"}) | {"toolConfig": {"functionCallingConfig": {"mode": "ANY"}}}, "function_declarations"),
    ],
)
def test_bad_generations_are_refused_in_googles_words(sim, body, words):
    answer = sim.vertex(body)
    assert (answer.status_code, answer.json()["error"]["status"]) == (400, "INVALID_ARGUMENT"), answer.text
    assert words in answer.json()["error"]["message"]


def test_projects_models_and_objects_are_checked(sim):
    sim.storage("bob").bucket("sim-bobs").blob("a").upload_from_string("a", content_type="text/plain")
    question = user({"text": "?"})
    assert sim.vertex(question, project="sim-bob").json()["error"]["status"] == "PERMISSION_DENIED"
    assert sim.vertex(question, model="gemini-9").json()["error"]["status"] == "NOT_FOUND"
    foreign = user({"fileData": {"mimeType": "text/plain", "fileUri": "gs://sim-bobs/a"}})
    assert sim.vertex(foreign).status_code == 403
    assert sim.vertex(foreign, account="bob").status_code == 200
    wrong = user({"fileData": {"mimeType": "application/pdf", "fileUri": "gs://sim-bobs/a"}})
    assert sim.vertex(wrong, account="bob").status_code == 400
    missing = user({"fileData": {"mimeType": "text/plain", "fileUri": "gs://sim-bobs/b"}})
    assert sim.vertex(missing, account="bob").status_code == 404
    narrow = sim.token(scopes=["https://www.googleapis.com/auth/devstorage.read_write"])
    url = f"{sim.google}/v1/projects/sim-alice/locations/us-central1/publishers/google/models/gemini-2.0-flash"
    answer = requests.post(f"{url}:generateContent", json=question, headers={"Authorization": f"Bearer {narrow}"})
    assert answer.status_code == 403


def test_streams_have_googles_form(sim):
    body = user({"text": "One two three four five six?"})
    events = sim.vertex(body, method="streamGenerateContent?alt=sse")
    assert events.headers["Content-Type"].startswith("text/event-stream")
    assert events.text.endswith("\r\n\r\n") and "[DONE]" not in events.text
    parsed = [json.loads(line[6:]) for line in events.text.split("\r\n\r\n") if line]
    counts = [event["usageMetadata"]["candidatesTokenCount"] for event in parsed]
    assert counts == sorted(counts) and parsed[-1]["candidates"][0]["finishReason"] == "STOP"
    assert len(sim.vertex(body, method="streamGenerateContent").json()) == len(parsed)


# --- faults and the log


def test_a_fault_answers_instead(sim):
    client = sim.client()
    sim.fault("openai", method="POST", path_prefix="/v1/files", status=503, skip=1)
    client.files.create(file=("a", b"a"), purpose="user_data")
    refused(503, lambda: client.files.create(file=("a", b"a"), purpose="user_data"), "overloaded")
    client.files.create(file=("a", b"a"), purpose="user_data")
    assert len(sim.state()["openai"]["files"]) == 2
    sim.fault("openai", account="bob", status=429, times=0, headers={"retry-after-ms": "5"}, body={"error": {"m": 1}})
    for _ in range(2):
        error = refused(429, lambda: sim.client("bob").models.list())
        assert error.response.headers["retry-after-ms"] == "5" and error.response.json() == {"error": {"m": 1}}
    client.models.list()
    requests.delete(f"{sim.control}/faults")
    sim.client("bob").models.list()
    limited = sim.fault("google", path_contains=":generateContent", status=429) and sim.vertex(user({"text": "?"}))
    assert limited.json()["error"]["status"] == "RESOURCE_EXHAUSTED"


def test_a_fault_after_the_effect_leaves_it(sim):
    sim.fault("openai", method="POST", path_prefix="/v1/files", status=500, after_effect=True)
    refused(500, lambda: sim.client().files.create(file=("a", b"a"), purpose="user_data"))
    sim.fault("openai", method="POST", path_prefix="/v1/files", close_before_answer=True, after_effect=True)
    with pytest.raises(openai.APIConnectionError):
        sim.client().files.create(file=("b", b"b"), purpose="user_data")
    assert [f["filename"] for f in sim.state()["openai"]["files"]] == ["a", "b"]


def test_an_early_fault_does_not_wait_for_the_body(sim):
    sim.fault("openai", path_prefix="/v1/files", status=429, early=True)
    address = sim.openai.split("/")[2].split(":")
    with socket.create_connection((address[0], int(address[1])), timeout=10) as connection:
        head = "POST /v1/files HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n"
        connection.sendall((head + "Authorization: Bearer sk-sim-a\r\n\r\n").encode())
        assert connection.recv(64).startswith(b"HTTP/1.1 429")


@pytest.mark.parametrize("provider", ["openai", "google"])
def test_answers_are_cut_slowed_and_broken(sim, provider):
    def stream():
        if provider == "openai":
            body = {"model": "gpt-4o", "messages": ask("one two three four"), "stream": True}
            key = {"Authorization": "Bearer sk-sim-alice"}
            return requests.post(f"{sim.openai}/chat/completions", json=body, headers=key)
        return sim.vertex(user({"text": "one two three four"}), method="streamGenerateContent?alt=sse")

    path = "/v1/"
    whole = stream().content
    sim.fault(provider, path_prefix=path, cut_after_bytes=100)
    with pytest.raises(requests.RequestException):
        stream()
    sim.fault(provider, path_prefix=path, break_chunking=True)
    with pytest.raises(requests.RequestException):
        stream()
    sim.fault(provider, path_prefix=path, event_delay_ms=50)
    start = time.monotonic()
    assert len(stream().content) == len(whole)
    assert time.monotonic() - start > 0.05 * (whole.count(b"data: ") - 1)
    sim.fault(provider, path_prefix=path, slow_bytes_per_second=len(whole) * 2)
    start = time.monotonic()
    stream()
    assert time.monotonic() - start > 0.3
    sim.fault(provider, path_prefix=path, error_event={"error": {"message": "mid-stream"}})
    assert stream().text.endswith('data: {"error":{"message":"mid-stream"}}\n\n')


def test_a_download_is_cut_at_the_byte(sim):
    client = sim.client()
    file = client.files.create(file=("a.jsonl", b"x" * 1_000_000), purpose="batch")
    sim.fault("openai", path_contains="/content", cut_after_bytes=700_001)
    got = 0
    answer = requests.get(
        f"{sim.openai}/files/{file.id}/content", headers={"Authorization": "Bearer sk-sim-alice"}, stream=True
    )
    with pytest.raises(requests.RequestException):
        for piece in answer.iter_content(1000):
            got += len(piece)
    assert 699_000 <= got <= 700_001


def test_what_is_held_waits_to_be_let_go(sim):
    def ask_for_models():
        return sim.client(timeout=20).models.list()

    def release(**what):
        return requests.post(f"{sim.control}/release", json=what).json()["released"]

    sim.fault("openai", path_contains="models", times=0, hold=True)
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        asked = [pool.submit(ask_for_models) for _ in range(3)]
        sim.wait_until(lambda state: state["held_requests"] == 3)
        assert release(count=2) == 2
        concurrent.futures.wait(asked, 10, concurrent.futures.FIRST_COMPLETED)
        state = sim.wait_until(lambda state: state["open_requests"] == 1)
        assert state["held_requests"] == 1
        assert release() == 1
        assert all(one.result().data for one in asked)
    assert release() == 0
    assert requests.post(f"{sim.control}/release", json={"count": -1}).status_code == 400


@pytest.mark.parametrize(
    "fault", [{"never_answer": True}, {"hold": True}, {"delay_ms": 60000}, {"event_delay_ms": 60000}]
)
def test_a_client_that_leaves_is_noticed(sim, fault):
    sim.fault("openai", path_contains="chat", **fault)
    impatient = sim.client(timeout=0.3)
    with pytest.raises(openai.APITimeoutError):
        list(impatient.chat.completions.create(model="gpt-4o", messages=ask("a b c d e f"), stream=True))
    state = sim.wait_until(lambda state: state["cancelled_requests"] == 1)
    assert state["open_requests"] == state["held_requests"] == 0 and state["requests"][-1]["cancelled"] is True


def test_an_upload_that_is_given_up_leaves_nothing(sim):
    address = sim.openai.split("/")[2].split(":")
    with socket.create_connection((address[0], int(address[1])), timeout=10) as connection:
        head = "POST /v1/files HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\nAuthorization: Bearer sk-sim-a\r\n"
        part = '--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nabc'
        connection.sendall(f"{head}Content-Type: multipart/form-data; boundary=b\r\n\r\n{part}".encode())
        sim.wait_until(lambda state: state["open_requests"] == 1)
    state = sim.wait_until(lambda state: state["cancelled_requests"] == 1)
    assert state["openai"]["files"] == [] and state["open_requests"] == 0


def test_the_log_tells_what_came(sim):
    with requests.Session() as session:
        session.headers["Authorization"] = "Bearer sk-sim-alice"
        session.post(f"{sim.openai}/embeddings", json={"model": "text-embedding-3-small", "input": "a"})
        session.get(f"{sim.openai}/files?limit=5")
    # The storage SDK of an earlier test may still ask for its bucket in the background.
    first, second = (request for request in sim.state()["requests"] if request["provider"] == "openai")
    assert (first["method"], first["path"], first["status"]) == ("POST", "/v1/embeddings", 200)
    assert first["body_bytes"] > 10 and first["account"] == "alice" and first["cancelled"] is False
    assert (second["path"], second["query"], second["provider"]) == ("/v1/files", "limit=5", "openai")


def test_a_connection_serves_many_requests(sim):
    address = sim.openai.split("/")[2].split(":")
    with socket.create_connection((address[0], int(address[1])), timeout=10) as connection:
        for _ in range(5):
            connection.sendall(b"GET /v1/models HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer sk-sim-a\r\n\r\n")
            answer = b""
            while b'"list"' not in answer:
                answer += connection.recv(65536)


def test_parallel_uploads_are_seen_as_such(sim):
    sim.fault("openai", method="POST", path_prefix="/v1/files", times=0, delay_ms=500)

    def upload(name):
        sim.client().files.create(file=(name, b"a"), purpose="user_data")

    threads = [threading.Thread(target=upload, args=(str(i),)) for i in range(4)]
    for thread in threads:
        thread.start()
    sim.wait_until(lambda state: state["open_requests"] == 4)
    for thread in threads:
        thread.join()
    assert len(sim.state()["openai"]["files"]) == 4


def test_bad_faults_are_refused(sim):
    assert requests.post(f"{sim.control}/faults", json={"stauts": 500}).status_code == 400


# --- the process


def test_state_survives_a_restart(tmp_path):
    data, port_file = tmp_path / "data", tmp_path / "ports"
    first = Simulators("--data", str(data), "--port-file", str(port_file))
    assert port_file.read_text() == first.line
    key, token = first.key(), first.headers()
    file = first.client().files.create(file=("a.jsonl", b"{}\n"), purpose="batch")
    first.storage().bucket("sim-bucket").blob("a").upload_from_string("object")
    session = first.start_upload("later")
    assert put(session, b"x" * CHUNK, f"bytes 0-{CHUNK - 1}/*")[0] == 308
    state = first.state()
    assert first.stop() == 0

    second = Simulators("--data", str(data))
    try:
        assert second.state()["openai"] == state["openai"]
        assert second.state()["google"]["objects"] == state["google"]["objects"]
        assert second.client().files.content(file.id).read() == b"{}\n"
        assert second.key() | {"token_uri": ""} == key | {"token_uri": ""}
        answer = requests.get(f"{second.google}/storage/v1/b/sim-bucket/o/a?alt=media", headers=token)
        assert answer.text == "object"
        session = session.replace(first.google, second.google)
        assert put(session, b"yy", f"bytes {CHUNK}-{CHUNK + 1}/{CHUNK + 2}")[0] == 200
        whole = hashlib.sha256(b"x" * CHUNK + b"yy").hexdigest()
        assert whole in {o["sha256"] for o in second.state()["google"]["objects"]}
    finally:
        second.stop()


def test_sigterm_ends_it_even_with_a_request_open():
    simulators = Simulators()
    simulators.fault("openai", path_contains="models", never_answer=True)
    address = simulators.openai.split("/")[2].split(":")
    with socket.create_connection((address[0], int(address[1])), timeout=10) as connection:
        connection.sendall(b"GET /v1/models HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer sk-sim-a\r\n\r\n")
        simulators.wait_until(lambda state: state["open_requests"] == 1)
        assert simulators.stop() == 0
