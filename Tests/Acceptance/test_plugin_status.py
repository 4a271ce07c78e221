"""What is shown of the plugins: `/plugins`, `/health` and `/metrics`."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from support.gateway import Gateway
from support.prometheus import Samples, samples, value
from support.simulators import Simulators
from support.waiting import until


def plugin(gateway: Gateway, name: str = "openai") -> dict:
    response = gateway.admin.get(f"/plugins/{name}")
    assert response.status_code == 200, response.text
    return response.json()


def metrics(gateway: Gateway) -> Samples:
    response = gateway.admin.get("/metrics")
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return samples(response.text)


class TestPlugins:
    def test_what_is_loaded_is_listed(self, gateway: Gateway) -> None:
        listed = gateway.admin.get("/plugins").json()

        assert listed["object"] == "list"
        assert [entry["id"] for entry in listed["data"]] == ["openai", "vertex_ai"]
        for entry in listed["data"]:
            assert entry["object"] == "plugin"
            assert entry["state"] == "serving"
            assert entry["isolation"] == "in_process"
            assert entry["workers"] == []
            assert entry["loads"]["count"] == entry["loads"]["generation"] == 1
            assert entry["loads"]["last_at"]
            assert entry["refusals"] == entry["crashes"] == {"by_reason": {}, "count": 0}
            assert len(entry["sha256"]) == 64
            assert entry["manifest"].endswith(".yaml")
            assert {"probe", "chat", "file_create", "batch_results"} & set(entry["operations"])
        assert "openai-main" in listed["data"][0]["deployments"]
        assert listed["data"][1]["deployments"] == ["vertex-main"]

    def test_steps_and_operations_are_counted(self, gateway: Gateway) -> None:
        before = plugin(gateway)
        for _ in range(3):
            assert gateway.chat("gpt-4o-mini-openai", "hello").status_code == 200

        after = plugin(gateway)

        assert after["operations_begun"] >= before["operations_begun"] + 3
        assert after["operations_failed"] == before["operations_failed"]
        assert after["steps"]["count"] >= before["steps"]["count"] + 6
        assert sum(bucket["count"] for bucket in after["steps"]["buckets"]) == after["steps"]["count"]
        assert 0 < after["steps"]["seconds"] - before["steps"]["seconds"] < 10
        assert 0 < after["steps"]["p50_seconds"] <= after["steps"]["p99_seconds"]

    @pytest.mark.parametrize("name", ["nobody", "..%2f..%2fetc", "%00", "openai%22"])
    def test_an_unknown_plugin_is_not_found(self, gateway: Gateway, name: str) -> None:
        response = gateway.admin.get(f"/plugins/{name}")

        assert response.status_code == 404
        assert response.json()["error"]["code"] == "not_found"
        assert response.json()["error"]["param"] == "name"

    @pytest.mark.parametrize("path", ["/plugins", "/plugins/openai", "/plugins/nobody", "/metrics"])
    def test_only_administrators_see_them(self, gateway: Gateway, path: str) -> None:
        user = gateway.new_user()

        assert user.http.get(path).status_code == 403
        assert gateway.client(None).get(path).status_code == 401


class TestHealth:
    def entries(self, http: httpx.Client) -> dict:
        response = http.get("/health")
        assert response.status_code == 200, response.text
        return response.json()

    def test_plugins_stand_beside_their_deployments(self, gateway: Gateway) -> None:
        health = self.entries(gateway.admin)

        assert health["unhealthy_count"] == 0, health["unhealthy_endpoints"]
        assert all(entry["plugin_state"] == "serving" for entry in health["healthy_endpoints"])
        assert [entry["plugin"] for entry in health["plugins"]] == ["openai", "vertex_ai"]
        for entry in health["plugins"]:
            assert entry["state"] == "serving"
            assert entry["isolation"] == "in_process"
            assert entry["crashes"] == entry["restarts"] == 0
            assert "last_crash" not in entry

    def test_a_key_sees_the_plugins_of_its_models(self, gateway: Gateway) -> None:
        user = gateway.new_user(models=["gemini-2.0-flash"])

        health = self.entries(user.http)

        assert [entry["plugin"] for entry in health["plugins"]] == ["vertex_ai"]
        assert "sandbox" not in health["plugins"][0]


class TestMetrics:
    def test_they_count_what_goes_on(self, gateway: Gateway, simulators: Simulators) -> None:
        before = metrics(gateway)
        assert gateway.chat("gpt-4o-mini-openai", "hello").status_code == 200

        after = metrics(gateway)

        for name in ("gantry_plugin_operations_total", "gantry_plugin_step_duration_seconds_count"):
            assert value(after, name, plugin="openai") > value(before, name, plugin="openai")
        assert value(after, "gantry_plugin_up", plugin="openai") == 1
        assert value(after, "gantry_plugin_loads_total", plugin="vertex_ai") == 1
        assert value(after, "gantry_plugin_crashes_total", plugin="openai", cause="signal") == 0
        assert value(after, "gantry_plugin_refusals_total", plugin="openai", reason="trust") == 0
        assert value(after, "gantry_plugin_info", plugin="openai", isolation="in_process", state="serving") == 1
        infinite = value(after, "gantry_plugin_step_duration_seconds_bucket", plugin="openai", le="+Inf")
        assert infinite == value(after, "gantry_plugin_step_duration_seconds_count", plugin="openai")

    def test_a_running_request_is_outstanding(self, gateway: Gateway, simulators: Simulators) -> None:
        def outstanding() -> float:
            return value(metrics(gateway), "gantry_deployment_outstanding_requests", deployment="openai-main")

        with ThreadPoolExecutor(1) as pool:
            with simulators.holding("openai", path_prefix="/v1/chat", method="POST"):
                running = pool.submit(gateway.chat, "gpt-4o-mini-openai", "hello")
                simulators.wait_for_held_requests(1)

                assert outstanding() == 1
            assert running.result(30).status_code == 200
        until("nothing is outstanding", lambda: outstanding() == 0)

    def test_no_secret_stands_in_them(self, gateway: Gateway) -> None:
        pages = [gateway.admin.get(path).text for path in ("/metrics", "/plugins", "/plugins/openai", "/health")]

        assert not [secret for secret in gateway.secrets for page in pages if secret in page]
