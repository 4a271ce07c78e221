"""The gateway under test: the release executable with a configuration of its own, on a port that it picks."""

import json
import os
import signal
import subprocess
import uuid
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import httpx
from openai import OpenAI

from .documents import Multipart, upload_body
from .processes import Process
from .rawhttp import RawConnection
from .simulators import Simulators
from .waiting import until

ROOT = Path(__file__).resolve().parents[3]
BUILD = Path(os.environ.get("GANTRY_BUILD", ROOT / ".build" / "release")).resolve()
PLUGINS = ROOT / "plugins.d"
MASTER_KEY = "sk-1234"

#: Variables that would lead the gateway to the real world or to another test's stand-ins.
_FOREIGN = ("GANTRY_", "LITELLM_", "DATABASE_URL", "OPENAI_", "GOOGLE_", "GCE_", "GCS_", "STORAGE_EMULATOR_")


def clean_environment(**more: str) -> dict[str, str]:
    """The environment of this process without anything that configures a provider, and with `more`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
    return kept | {"SWIFT_BACKTRACE": "enable=no"} | more


def openai_entry(simulators: Simulators, name: str = "gpt-4o-mini-openai", account: str = "main", **more) -> dict:
    """A `model_list` entry for the OpenAI simulator."""
    model_info = more.pop("model_info", None)
    parameters = {"model": "gpt-4o-mini", "api_key": f"sk-sim-{account}", "api_base": simulators.openai_url} | more
    entry = {"model_name": name, "litellm_params": parameters}
    return entry | ({"model_info": model_info} if model_info else {})


def vertex_entry(
    simulators: Simulators,
    credentials: Path | str | None,
    name: str = "gemini-2.0-flash",
    account: str = "main",
    **more,
) -> dict:
    """A `model_list` entry for the Google simulator."""
    model_info = more.pop("model_info", None)
    parameters = {
        "model": "vertex_ai/gemini-2.0-flash",
        "vertex_project": f"sim-{account}",
        "vertex_location": "us-central1",
        "gcs_bucket_name": f"sim-{account}",
        "api_base": simulators.google_url,
        "gcs_api_base": simulators.google_url,
    }
    if credentials is not None:
        parameters["vertex_credentials"] = str(credentials)
    entry = {"model_name": name, "litellm_params": parameters | more}
    return entry | ({"model_info": model_info} if model_info else {})


def configuration(*models: dict, **settings) -> dict:
    """A whole configuration of these `model_list` entries; `settings` are added to `general_settings`."""
    return {"model_list": list(models), "general_settings": {"master_key": MASTER_KEY} | settings}


def write_configuration(path: Path, config: dict | str) -> Path:
    """Writes a configuration file; JSON is YAML too."""
    path.write_text(config if isinstance(config, str) else json.dumps(config, indent=2))
    return path


def run_gantry(*arguments: str | Path, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Runs the executable to its end, for commands and start-ups that are expected to end by themselves."""
    return subprocess.run(
        [str(BUILD / "gantry"), *map(str, arguments)],
        env=environment or clean_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@dataclass
class User:
    """A user made through the gateway, with a client that carries the user's key."""

    id: str
    key: str
    http: httpx.Client


@dataclass
class Gateway:
    """A running gateway."""

    process: Process
    url: str
    config_path: Path
    data: Path
    secrets: list[str] = field(default_factory=list)
    _clients: list[httpx.Client] = field(default_factory=list)

    @classmethod
    def start(
        cls,
        directory: Path,
        config: dict | str,
        *,
        data: Path | None = None,
        plugins: Path = PLUGINS,
        environment: dict[str, str] | None = None,
        log_level: str = "debug",
    ) -> "Gateway":
        """Starts a gateway and returns when it listens."""
        directory.mkdir(parents=True, exist_ok=True)
        config_path = write_configuration(directory / "config.yaml", config)
        data = data or directory / "data"
        command = [BUILD / "gantry", "serve", "--config", config_path, "--host", "127.0.0.1", "--port", "0"]
        command += ["--plugins", plugins, "--data", data, "--log-level", log_level]
        process = Process(command, environment or clean_environment())
        try:
            ready = process.wait_for_line(r"\burl=(http://\S+) .*gantry is listening", seconds=20)
        except AssertionError:
            process.end()
            raise
        return cls(process, ready[1].rstrip("/"), config_path, data)

    def stop(self) -> None:
        """Ends the gateway and checks that it ended well, did not crash and gave no secret away."""
        for client in self._clients:
            client.close()
        was_running = self.process.is_running
        code = self.process.end()
        if was_running:
            assert code == 0, f"gantry exited with {code}:\n{self.process.output}"
        self.check_log()

    def check_log(self) -> None:
        """Fails if the log shows a crash or holds a secret."""
        log = self.process.output
        for sign in ("Fatal error", "*** Program crashed", "Precondition failed", "Thread 0 crashed"):
            assert sign not in log, f"the gateway crashed:\n{log[-5000:]}"
        for secret in self.secrets:
            for line in log.splitlines():
                assert secret not in line, f"a secret stands in the log: {line.replace(secret, '<SECRET>')}"

    def signal(self, number: signal.Signals) -> None:
        self.process.signal(number)

    def client(self, key: str | None = MASTER_KEY, timeout: float = 60) -> httpx.Client:
        """An HTTP client whose paths are the gateway's, with `key` as its bearer token."""
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        client = httpx.Client(base_url=self.url, headers=headers, timeout=timeout, trust_env=False)
        self._clients.append(client)
        return client

    @cached_property
    def admin(self) -> httpx.Client:
        """A client with the master key; the same for the whole life of the gateway."""
        return self.client()

    def openai(self, key: str = MASTER_KEY, path: str = "/v1") -> OpenAI:
        """The official SDK, pointed at this gateway, without retries."""
        http = httpx.Client(timeout=60, trust_env=False)
        self._clients.append(http)
        return OpenAI(base_url=self.url + path, api_key=key, max_retries=0, http_client=http)

    def raw(self, seconds: float = 30) -> RawConnection:
        return RawConnection(self.url, seconds)

    def new_user(self, name: str = "user", models: list[str] | None = None, **more) -> User:
        """Makes a user with a key; the id is `name` with something unique behind it."""
        user_id = f"{name}-{uuid.uuid4().hex[:8]}"
        response = self.admin.post("/user/new", json={"user_id": user_id, "models": models or []} | more)
        assert response.status_code == 200, response.text
        key = response.json()["key"]
        return User(user_id, key, self.client(key))

    def upload(
        self, content: bytes | None = None, targets: str = "gpt-4o-mini-openai", http: httpx.Client | None = None
    ) -> dict:
        """Uploads a file that must be accepted and returns its object."""
        response = self.post_file(upload_body(content, targets), http)
        assert response.status_code == 200, response.text
        return response.json()

    def wait_for_sweeps(self, number: int = 2, seconds: float = 30) -> None:
        """Waits until so many sweeps have ended; the first may have begun before this call."""
        done = self.process.output.count("sweep finished") + number
        until(f"{number} sweeps", lambda: self.process.output.count("sweep finished") >= done, seconds)

    def post_file(self, multipart: Multipart, http: httpx.Client | None = None) -> httpx.Response:
        """Sends a multipart body to `/v1/files`."""
        headers = {"Content-Type": multipart.content_type}
        return (http or self.admin).post("/v1/files", content=multipart.body(), headers=headers)

    def chat(self, model: str, messages: list[dict] | str, http: httpx.Client | None = None, **more) -> httpx.Response:
        """Sends one chat request."""
        if isinstance(messages, str):
            messages = [{"role": "user", "content": messages}]
        return (http or self.admin).post("/v1/chat/completions", json={"model": model, "messages": messages} | more)

    def file_ids(self, http: httpx.Client | None = None) -> list[str]:
        """The ids of all files that the caller sees, newest first."""
        response = (http or self.admin).get("/v1/files")
        assert response.status_code == 200, response.text
        return [file["id"] for file in response.json()["data"]]
