"""The one shape of an error answer."""

import httpx

ANY = object()


def error_of(response: httpx.Response) -> dict:
    """Checks the shape of an error answer and returns the error object."""
    if not response.is_closed:
        response.read()
    assert response.status_code >= 400, f"expected an error, got {response.status_code}: {response.text[:500]}"
    content_type = response.headers.get("content-type", "")
    assert content_type.startswith("application/json"), f"{response.status_code} with {content_type!r}"
    check_error_object(response.json())
    return response.json()["error"]


def check_error_object(body: dict) -> None:
    """Checks that this is `{"error": {"message", "type", "param", "code"}}` and nothing else."""
    assert set(body) == {"error"}, body
    error = body["error"]
    assert set(error) == {"message", "type", "param", "code"}, error
    assert isinstance(error["message"], str) and error["message"].strip(), error
    assert "\n" not in error["message"], error
    assert isinstance(error["type"], str) and error["type"], error
    assert error["param"] is None or isinstance(error["param"], str), error
    assert error["code"] is None or (isinstance(error["code"], str) and not error["code"].isdigit()), error


def assert_error(
    response: httpx.Response,
    status: int,
    type: object = ANY,
    code: object = ANY,
    param: object = ANY,
    contains: str = "",
) -> dict:
    """Checks the status, the shape, the given members and a part of the message, and returns the error object."""
    error = error_of(response)
    assert response.status_code == status, f"expected {status}, got {response.status_code}: {error}"
    for name, expected in (("type", type), ("code", code), ("param", param)):
        assert expected is ANY or error[name] == expected, f"{name}: expected {expected!r}: {error}"
    assert contains in error["message"], f"expected a message with {contains!r}: {error}"
    return error
