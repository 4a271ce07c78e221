"""The servers of the benchmark: an instant upstream, nginx as a proxy in front of it, and the gateway."""

import json
import os
import platform
import queue
import re
import socket
import subprocess
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

MASTER_KEY = "sk-bench-1234"

CHAT_ANSWER = {
    "id": "chatcmpl-benchmark",
    "object": "chat.completion",
    "created": 1_790_000_000,
    "model": "gpt-4o-mini",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "A short answer of a few words.", "refusal": None},
            "logprobs": None,
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 300, "completion_tokens": 8, "total_tokens": 308},
}

FILE_ANSWER = {
    "id": "file-Benchmark0123456789abcd",
    "object": "file",
    "bytes": 5,
    "created_at": 1_790_000_000,
    "filename": "paper.pdf",
    "purpose": "user_data",
    "status": "processed",
    "expires_at": None,
    "status_details": None,
}

NGINX = """
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
{user}
events {{ worker_connections 1024; }}
http {{
    access_log off;
    default_type application/json;
    keepalive_requests 1000000000;
    keepalive_timeout 3600;
    client_body_buffer_size 64k;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {http}
}}
"""

UPSTREAM = """
    server {{
        listen 127.0.0.1:{port} backlog=1024;
        location = /v1/chat/completions {{ return 200 '{chat}'; }}
        location = /v1/files {{ return 200 '{file}'; }}
        location / {{ return 404 '{{"error":{{"message":"no such route","type":"x","param":null,"code":null}}}}'; }}
    }}
"""

PROXY = """
    upstream provider {{ server 127.0.0.1:{upstream}; keepalive 64; keepalive_requests 1000000000; }}
    server {{
        listen 127.0.0.1:{port} backlog=1024;
        location / {{
            proxy_pass http://provider;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Authorization "Bearer sk-benchmark-provider";
        }}
    }}
"""


class Server:
    """A child process on one processor, whose processor time can be read."""

    def __init__(self, command: list[str], core: int, environment: dict[str, str] | None = None):
        self.child = subprocess.Popen(
            ["taskset", "--cpu-list", str(core), *command],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def cpu_seconds(self) -> float:
        """User and system time of the process and its children so far."""
        pids = [self.child.pid]
        for pid in pids:
            pids += map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
        ticks = 0
        for pid in pids:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def stop(self) -> None:
        self.child.terminate()
        try:
            self.child.wait(15)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()


class Nginx(Server):
    """One nginx with one worker."""

    def __init__(self, http: str, port: int, core: int, folder: Path):
        folder.mkdir()
        self.port = port
        config = folder / "nginx.conf"
        user = "user root;" if os.geteuid() == 0 else ""
        config.write_text(NGINX.format(folder=folder, user=user, http=http))
        super().__init__(["/usr/sbin/nginx", "-p", str(folder), "-c", str(config)], core)
        wait_for_port(port, self.child)


def upstream(folder: Path, core: int) -> Nginx:
    """Answers every chat and every upload at once, always the same."""
    port = free_port()
    http = UPSTREAM.format(port=port, chat=json.dumps(CHAT_ANSWER), file=json.dumps(FILE_ANSWER))
    return Nginx(http, port, core, folder / "upstream")


def proxy(folder: Path, core: int, upstream_port: int) -> Nginx:
    """Passes everything to the upstream and sets the provider's key."""
    port = free_port()
    return Nginx(PROXY.format(port=port, upstream=upstream_port), port, core, folder / "proxy")


class Gantry(Server):
    """The gateway, with one OpenAI deployment that is the upstream."""

    def __init__(self, build: Path, plugins: Path, folder: Path, core: int, upstream_port: int):
        config = folder / "config.yaml"
        config.write_text(
            f"""model_list:
  - model_name: gpt-4o-mini-openai
    litellm_params:
      model: gpt-4o-mini
      api_key: sk-benchmark-provider
      api_base: http://127.0.0.1:{upstream_port}/v1
general_settings:
  master_key: {MASTER_KEY}
"""
        )
        command = [str(build / "gantry"), "serve", "--config", str(config), "--port", "0", "--plugins", str(plugins)]
        super().__init__([*command, "--data", str(folder / "data")], core, dict(os.environ))
        self.url = self._wait_until_ready()
        self.port = int(self.url.rpartition(":")[2])

    def _wait_until_ready(self) -> str:
        lines: queue.Queue[str | None] = queue.Queue()

        def read() -> None:
            for line in self.child.stderr:
                lines.put(line)
            lines.put(None)

        threading.Thread(target=read, daemon=True).start()
        seen = ""
        deadline = time.monotonic() + 20
        while (line := lines.get(timeout=max(0.01, deadline - time.monotonic()))) is not None:
            if match := re.search(r"\burl=(http://\S+) .*gantry is listening", line):
                return match[1].rstrip("/")
            seen += line
        raise SystemExit(f"bench: gantry did not start: {seen}")

    def upload(self) -> str:
        """Uploads the one managed file and returns its id."""
        boundary = "benchmark-boundary"
        parts = [("purpose", "user_data"), ("target_model_names", "gpt-4o-mini-openai")]
        body = "".join(
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in parts
        )
        body += f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="paper.pdf"\r\n'
        body += f"Content-Type: application/pdf\r\n\r\n%PDF-\r\n--{boundary}--\r\n"
        request = urllib.request.Request(
            f"{self.url}/v1/files",
            data=body.encode(),
            headers={
                "Authorization": f"Bearer {MASTER_KEY}",
                "Content-Type": f"multipart/form-data; boundary={boundary}",
            },
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=30) as response:
            return json.load(response)["id"]


def machine() -> str:
    """What it was measured on, in a line."""
    cpu = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return f"{cpu[1] if cpu else platform.machine()}, {os.cpu_count()} processors, Linux {platform.release()}"


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def wait_for_port(port: int, child: subprocess.Popen, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if child.poll() is not None:
            raise SystemExit(f"bench: {child.args} ended: {child.stderr.read()}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except ConnectionRefusedError:
            time.sleep(0.01)
    raise SystemExit(f"bench: nothing listens on port {port}")


def temporary_folder() -> tempfile.TemporaryDirectory:
    return tempfile.TemporaryDirectory(prefix="gantry-bench-")
