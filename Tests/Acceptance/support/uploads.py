"""Uploads in parts as plain requests, for tests that need more of them than the SDK shows."""

import httpx

from .documents import Multipart


def begin(http: httpx.Client, size: int, targets: str = "gpt-4o-mini-openai", **more) -> httpx.Response:
    """`POST /v1/uploads` for a file of so many bytes."""
    body = {"filename": "paper.pdf", "purpose": "user_data", "bytes": size, "mime_type": "application/pdf"}
    return http.post("/v1/uploads", json=body | {"target_model_names": targets} | more)


def begun(http: httpx.Client, size: int, targets: str = "gpt-4o-mini-openai", **more) -> str:
    """The id of an upload that must be accepted."""
    response = begin(http, size, targets, **more)
    assert response.status_code == 200, response.text
    return response.json()["id"]


def part_form(content: bytes, boundary: str | None = None) -> Multipart:
    """The form of one part."""
    headers = 'Content-Disposition: form-data; name="data"; filename="upload"\r\nContent-Type: application/octet-stream'
    return Multipart(boundary).part(headers, content)


def add(http: httpx.Client, upload: str, content: bytes) -> httpx.Response:
    """`POST /v1/uploads/{id}/parts`."""
    form = part_form(content)
    headers = {"Content-Type": form.content_type}
    return http.post(f"/v1/uploads/{upload}/parts", content=form.body(), headers=headers)


def added(http: httpx.Client, upload: str, content: bytes) -> str:
    """The id of a part that must be accepted."""
    response = add(http, upload, content)
    assert response.status_code == 200, response.text
    return response.json()["id"]


def complete(http: httpx.Client, upload: str, parts: list[str], **more) -> httpx.Response:
    """`POST /v1/uploads/{id}/complete`."""
    return http.post(f"/v1/uploads/{upload}/complete", json={"part_ids": parts} | more)


def cancel(http: httpx.Client, upload: str) -> httpx.Response:
    """`POST /v1/uploads/{id}/cancel`."""
    return http.post(f"/v1/uploads/{upload}/cancel")
