"""What somebody does at a provider without the gateway: put, replace and remove files through its own API."""

import hashlib
from urllib.parse import quote

import httpx

from .documents import Multipart
from .simulators import Simulators


class BehindTheGateway:
    """One account's own access to both providers."""

    def __init__(self, simulators: Simulators, account: str = "main"):
        self._simulators = simulators
        self._account = account
        self._openai = httpx.Client(
            base_url=simulators.openai_url.removesuffix("/v1"),
            headers={"Authorization": f"Bearer sk-sim-{account}"},
            timeout=30,
            trust_env=False,
        )
        self._google = httpx.Client(base_url=simulators.google_url, timeout=30, trust_env=False)

    def close(self) -> None:
        self._openai.close()
        self._google.close()

    def put_openai(self, content: bytes, filename: str = "paper.pdf", purpose: str = "user_data") -> str:
        """Uploads a file to OpenAI and returns its id."""
        body = Multipart().field("purpose", purpose).file(content, f'filename="{filename}"')
        headers = {"Content-Type": body.content_type}
        response = self._openai.post("/v1/files", content=body.body(), headers=headers)
        assert response.status_code == 200, response.text
        return response.json()["id"]

    def remove_openai(self, file_id: str) -> None:
        response = self._openai.delete(f"/v1/files/{file_id}")
        assert response.status_code == 200, response.text

    def remove_all_openai(self) -> None:
        for file in self._simulators.openai_files(self._account):
            self.remove_openai(file["id"])

    def remove_all_google(self) -> None:
        for one in self._simulators.google_objects(self._account):
            response = self._google.delete(self._place(one), headers=self._authorization)
            assert response.status_code == 204, response.text

    def replace_google(self, content: bytes) -> None:
        """Puts other content under the name of the only object."""
        (one,) = self._simulators.google_objects(self._account)
        path = f"/upload/storage/v1/b/{one['bucket']}/o?uploadType=media&name={quote(one['name'], safe='')}"
        headers = self._authorization | {"Content-Type": one["content_type"]}
        response = self._google.post(path, content=content, headers=headers)
        assert response.status_code == 200, response.text
        (changed,) = self._simulators.google_objects(self._account)
        assert changed["sha256"] == hashlib.sha256(content).hexdigest()

    @staticmethod
    def _place(one: dict) -> str:
        return f"/storage/v1/b/{one['bucket']}/o/{quote(one['name'], safe='')}"

    @property
    def _authorization(self) -> dict[str, str]:
        user = self._simulators.authorized_user(self._account)
        form = {"grant_type": "refresh_token"} | {
            name: user[name] for name in ("client_id", "client_secret", "refresh_token")
        }
        response = self._google.post("/token", data=form)
        assert response.status_code == 200, response.text
        return {"Authorization": f"Bearer {response.json()['access_token']}"}
