"""Users, keys and teams: what the routes answer, who may call them, and that nobody gains what was not given."""

import hashlib
import uuid

import httpx
import pytest

from support.errors import assert_error
from support.gateway import MASTER_KEY, Gateway, User
from support.waiting import until

FORBIDDEN = "permission_error"
INVALID = "invalid_request_error"
MODEL = "gpt-4o-mini-openai"
OTHER_MODEL = "gemini-2.0-flash"

#: Every route that changes something for somebody else, with a body that an administrator could send.
ADMIN_ROUTES = {
    "/user/new": {"user_id": "mallory", "user_role": "proxy_admin"},
    "/user/update": {"user_id": "mallory", "user_role": "proxy_admin"},
    "/user/delete": {"user_ids": ["mallory"]},
    "/key/service-account/generate": {"team_id": "mallory"},
    "/team/new": {"team_id": "mallory"},
    "/team/update": {"team_id": "mallory", "models": []},
    "/team/delete": {"team_ids": ["mallory"]},
    "/team/member_add": {"team_id": "mallory", "member": {"role": "admin", "user_id": "mallory"}},
    "/team/member_delete": {"team_id": "mallory", "user_id": "mallory"},
}

#: Every route that changes keys, with a body; `KEY` is replaced by a key's id.
KEY_ROUTES = {
    "/key/generate": {},
    "/key/update": {"key": "KEY", "key_alias": "x"},
    "/key/regenerate": {"key": "KEY"},
    "/key/block": {"key": "KEY"},
    "/key/unblock": {"key": "KEY"},
    "/key/delete": {"keys": ["KEY"]},
}


def unique(name: str) -> str:
    return f"{name}-{uuid.uuid4().hex[:8]}"


def ok(response: httpx.Response) -> dict:
    assert response.status_code == 200, response.text
    return response.json()


def with_key(body: dict, key_id: str) -> dict:
    return {name: [key_id] if value == ["KEY"] else key_id if value == "KEY" else value for name, value in body.items()}


def new_key(gateway: Gateway, **body) -> dict:
    return ok(gateway.admin.post("/key/generate", json=body))


def new_team(gateway: Gateway, *members: User, **body) -> str:
    roles = [{"role": "user", "user_id": member.id} for member in members]
    team = {"team_id": unique("team"), "members_with_roles": roles} | body
    return ok(gateway.admin.post("/team/new", json=team))["team_id"]


def key_id(gateway: Gateway, key: str) -> str:
    return ok(gateway.admin.get("/key/info", params={"key": key}))["info"]["token_id"]


def is_good(http: httpx.Client) -> bool:
    response = http.get("/v1/models")
    assert response.status_code in (200, 401), response.text
    return response.status_code == 200


@pytest.fixture
def alice(gateway: Gateway) -> User:
    return gateway.new_user("alice", [MODEL])


@pytest.fixture
def bob(gateway: Gateway) -> User:
    return gateway.new_user("bob")


@pytest.fixture
def viewer(gateway: Gateway) -> User:
    return gateway.new_user("viewer", user_role="proxy_admin_viewer")


class TestUsers:
    def test_a_new_user_is_answered_with_its_first_key(self, gateway: Gateway) -> None:
        body = {
            "user_id": unique("ann"),
            "user_alias": "Ann",
            "user_email": "ann@example.com",
            "user_role": "internal_user",
            "models": [MODEL],
            "key_alias": "first",
            "duration": "1h",
            "max_budget": 10,
            "metadata": {"team": "reading"},
        }

        made = ok(gateway.admin.post("/user/new", json=body))

        assert made["key"].startswith("sk-") and made["key_name"] == f"sk-...{made['key'][-4:]}"
        for name in ("user_id", "user_alias", "user_email", "user_role", "models", "key_alias", "max_budget"):
            assert made[name] == body[name]
        assert made["token_id"] == made["token"] and made["expires"].endswith("Z")

    def test_a_user_without_a_key_is_made_on_request(self, gateway: Gateway) -> None:
        made = ok(gateway.admin.post("/user/new", json={"user_id": unique("ann"), "auto_create_key": False}))

        info = ok(gateway.admin.get("/user/info", params={"user_id": made["user_id"]}))
        assert made["key"] is None and info["keys"] == []

    def test_a_change_reaches_the_users_keys_at_once(self, gateway: Gateway) -> None:
        alice = gateway.new_user("alice", [MODEL, OTHER_MODEL])
        assert {model["id"] for model in ok(alice.http.get("/v1/models"))["data"]} == {MODEL, OTHER_MODEL}

        change = {"user_id": alice.id, "models": [OTHER_MODEL], "user_alias": "A", "max_budget": 1.5}
        changed = ok(gateway.admin.post("/user/update", json=change))

        assert changed["user_id"] == alice.id and changed["data"]["user_alias"] == "A"
        assert changed["data"]["max_budget"] == 1.5 and changed["data"]["user_role"] == "internal_user"
        assert [model["id"] for model in ok(alice.http.get("/v1/models"))["data"]] == [OTHER_MODEL]

    def test_lists_go_by_pages(self, gateway: Gateway) -> None:
        names = [gateway.new_user(user_email="page@example.com").id for _ in range(3)]
        query = {"user_email": "page@example.com", "page_size": 2}

        first = ok(gateway.admin.get("/user/list", params=query))
        second = ok(gateway.admin.get("/user/list", params=query | {"page": 2}))
        chosen = ok(gateway.admin.get("/user/list", params={"user_ids": ",".join(names[:2])}))

        assert (first["total"], first["page"], first["page_size"], first["total_pages"]) == (3, 1, 2, 2)
        assert {user["user_id"] for user in first["users"] + second["users"]} == set(names)
        assert all(user["key_count"] == 1 for user in first["users"])
        assert {user["user_id"] for user in chosen["users"]} == set(names[:2])

    @pytest.mark.parametrize(
        ("path", "query"),
        [
            ("/user/list", {"page": "0"}),
            ("/user/list", {"page": "x"}),
            ("/user/list", {"page_size": "101"}),
            ("/user/list", {"role": "root"}),
            ("/user/list", {"nonsense": "1"}),
            ("/key/list", {"size": "0"}),
            ("/key/list", {"return_full_object": "perhaps"}),
            ("/key/list", {"organization_id": "x"}),
            ("/team/list", {"page_size": "9999999999999999999999"}),
        ],
    )
    def test_a_bad_query_is_400_that_names_the_parameter(self, gateway: Gateway, path: str, query: dict) -> None:
        assert_error(gateway.admin.get(path, params=query), 400, INVALID, param=next(iter(query)))

    def test_deleting_a_user_deletes_its_keys_and_files(self, gateway: Gateway, alice: User) -> None:
        files = [gateway.upload(http=alice.http)["id"] for _ in range(2)]

        deleted = ok(gateway.admin.post("/user/delete", json={"user_ids": [alice.id]}))

        assert deleted == {"deleted_users": [alice.id], "deleted_keys": 1, "deleted_files": 2}
        assert not is_good(alice.http)
        assert_error(gateway.admin.get("/user/info", params={"user_id": alice.id}), 404, INVALID)
        heir = ok(gateway.admin.post("/user/new", json={"user_id": alice.id}))
        http = gateway.client(heir["key"])
        assert gateway.file_ids(http) == []
        for file in files:
            assert_error(http.get(f"/v1/files/{file}"), 404, INVALID, "file_not_found")
            assert_error(gateway.admin.get(f"/v1/files/{file}"), 404, INVALID, "file_not_found")

    def test_a_missing_user_is_404_and_nothing_is_done(self, gateway: Gateway, alice: User) -> None:
        missing = unique("nobody")

        assert_error(gateway.admin.post("/user/update", json={"user_id": missing}), 404, INVALID, param="user_id")
        assert_error(gateway.admin.post("/user/delete", json={"user_ids": [alice.id, missing]}), 404, INVALID)
        assert is_good(alice.http)


class TestKeys:
    def test_a_key_is_answered_as_litellm_does(self, gateway: Gateway, alice: User) -> None:
        team = new_team(gateway)
        made = new_key(gateway, user_id=alice.id, team_id=team, key_alias=unique("k"), models=[MODEL], duration="30d")

        info = ok(gateway.admin.get("/key/info", params={"key": made["key"]}))

        assert made["user_id"] == alice.id and made["team_id"] == team and made["models"] == [MODEL]
        assert info["key"] == made["token_id"] and info["info"]["expires"] == made["expires"]
        assert "key" not in info["info"] and made["blocked"] is False
        assert info == ok(gateway.admin.get("/key/info", params={"key": made["token_id"]}))

    def test_a_key_can_be_given_its_end_as_a_moment(self, gateway: Gateway) -> None:
        assert new_key(gateway, expires="2099-01-31T12:00:00Z")["expires"] == "2099-01-31T12:00:00Z"
        past = gateway.admin.post("/key/generate", json={"expires": "2001-01-31T12:00:00Z"})
        assert_error(past, 400, INVALID, param="expires")

    def test_a_change_keeps_what_it_does_not_name(self, gateway: Gateway) -> None:
        made = new_key(gateway, key_alias="before", models=[MODEL], metadata={"a": 1}, duration="1h")

        changed = ok(gateway.admin.post("/key/update", json={"key": made["key"], "key_alias": "after"}))
        endless = ok(gateway.admin.post("/key/update", json={"key": made["token_id"], "duration": "-1"}))

        assert changed["key_alias"] == "after" and changed["key"] == made["token_id"]
        for name in ("models", "metadata", "expires", "key_name", "token_id"):
            assert changed[name] == made[name]
        assert endless["expires"] is None

    @pytest.mark.parametrize("by", ["body", "path", "id in the path"])
    def test_a_key_made_anew_keeps_its_files(self, gateway: Gateway, by: str) -> None:
        made = new_key(gateway)
        old = gateway.client(made["key"])
        file = gateway.upload(http=old)["id"]
        name = made["token_id"] if by == "id in the path" else made["key"]

        if by == "body":
            anew = ok(gateway.admin.post("/key/regenerate", json={"key": name}))
        else:
            anew = ok(gateway.admin.post(f"/key/{name}/regenerate", json={"key_alias": "anew"}))

        assert anew["key"] != made["key"] and anew["token_id"] == made["token_id"]
        assert not is_good(old)
        assert gateway.file_ids(gateway.client(anew["key"])) == [file]

    def test_a_blocked_key_is_401_until_it_is_unblocked(self, gateway: Gateway, alice: User) -> None:
        assert is_good(alice.http)

        assert ok(gateway.admin.post("/key/block", json={"key": alice.key}))["blocked"] is True
        assert_error(alice.http.get("/v1/models"), 401, "authentication_error", "invalid_api_key")
        assert ok(gateway.admin.post("/key/unblock", json={"key": alice.key}))["blocked"] is False
        assert is_good(alice.http)

    def test_keys_are_deleted_by_key_id_and_alias(self, gateway: Gateway) -> None:
        alias = unique("alias")
        keys = [new_key(gateway), new_key(gateway), new_key(gateway, key_alias=alias)]
        gateway.upload(http=gateway.client(keys[0]["key"]))

        body = {"keys": [keys[0]["key"], keys[1]["token_id"]], "key_aliases": [alias]}
        deleted = ok(gateway.admin.post("/key/delete", json=body))

        assert deleted == {"deleted_keys": [key["token_id"] for key in keys], "deleted_files": 1}
        assert not any(is_good(gateway.client(key["key"])) for key in keys)

    def test_lists_go_by_pages_and_filters(self, gateway: Gateway, bob: User) -> None:
        made = [new_key(gateway, user_id=bob.id)["token_id"] for _ in range(3)]
        query = {"user_id": bob.id, "size": 2}

        first = ok(gateway.admin.get("/key/list", params=query))
        second = ok(gateway.admin.get("/key/list", params=query | {"page": 2, "return_full_object": "true"}))

        assert (first["total_count"], first["current_page"], first["total_pages"]) == (4, 1, 2)
        own = key_id(gateway, bob.key)
        assert set(first["keys"]) | {key["token_id"] for key in second["keys"]} == {*made, own}
        assert all(key["user_id"] == bob.id and "key" not in key for key in second["keys"])

    def test_a_service_account_belongs_to_a_team_and_to_no_user(self, gateway: Gateway, alice: User) -> None:
        team = new_team(gateway, alice)
        made = ok(gateway.admin.post("/key/service-account/generate", json={"team_id": team}))
        file = gateway.upload(http=gateway.client(made["key"]))["id"]

        assert made["team_id"] == team and made["user_id"] is None
        assert alice.http.get(f"/v1/files/{file}").status_code == 200
        path = "/key/service-account/generate"
        assert_error(gateway.admin.post(path, json={}), 400, INVALID, param="team_id")
        both = {"team_id": team, "user_id": alice.id}
        assert_error(gateway.admin.post(path, json=both), 400, INVALID, param="user_id")

    @pytest.mark.parametrize("path", ["/key/update", "/key/regenerate", "/key/block", "/key/unblock", "/key/delete"])
    @pytest.mark.parametrize("name", ["sk-unknown", MASTER_KEY, "master", "", "' OR 1=1 --", "digest"])
    def test_what_names_no_key_is_404(self, gateway: Gateway, alice: User, path: str, name: str) -> None:
        if name == "digest":
            name = hashlib.sha256(alice.key.encode()).hexdigest()
        body = {"keys": [alice.key, name]} if path == "/key/delete" else {"key": name}

        error = assert_error(gateway.admin.post(path, json=body), 404, INVALID, "not_found")

        assert len(name) < 3 or name not in error["message"]
        assert is_good(alice.http)

    @pytest.mark.parametrize(
        ("path", "body", "param"),
        [
            ("/key/generate", {"key": "sk-chosen-by-me"}, "key"),
            ("/key/generate", {"user_role": "proxy_admin"}, "user_role"),
            ("/key/generate", {"rpm_limit": 5}, "rpm_limit"),
            ("/key/generate", {"metadata": []}, "metadata"),
            ("/key/generate", {"blocked": "yes"}, "blocked"),
            ("/key/generate", {"duration": "soon"}, "duration"),
            ("/key/generate", {"duration": "1d", "expires": "2099-01-01T00:00:00Z"}, "expires"),
            ("/key/update", {"key_alias": "x"}, "key"),
            ("/key/update", {"key": 5}, "key"),
            ("/key/update", {"key": "x", "token_id": "y"}, "token_id"),
            ("/key/regenerate", {}, "key"),
            ("/key/block", {}, "key"),
            ("/key/delete", {}, "keys"),
            ("/key/delete", {"keys": []}, "keys"),
            ("/key/delete", {"keys": "sk-x"}, "keys"),
            ("/user/update", {"user_role": "internal_user"}, "user_id"),
            ("/user/update", {"user_id": "x", "user_role": "root"}, "user_role"),
            ("/user/delete", {"user_ids": []}, "user_ids"),
            ("/user/new", {"user_id": "default_user_id"}, "user_id"),
            ("/team/new", {"members_with_roles": [{"user_id": "a"}, {"user_id": "a"}]}, "members_with_roles"),
            ("/team/member_add", {"team_id": "x"}, "member"),
            ("/team/member_add", {"team_id": "x", "member": {"role": "user"}}, "member.user_id"),
            ("/team/member_add", {"team_id": "x", "member": {"role": "boss", "user_id": "a"}}, "role"),
            ("/team/member_add", {"team_id": "x", "member": {"user_id": "a", "all": True}}, "member.all"),
            ("/team/update", {"team_alias": "x"}, "team_id"),
            ("/team/delete", {"team_ids": ["x"] * 101}, "team_ids"),
        ],
        ids=str,
    )
    def test_a_bad_body_is_400_that_names_the_member(self, gateway: Gateway, path: str, body: dict, param: str) -> None:
        assert_error(gateway.admin.post(path, json=body), 400, INVALID, param=param)

    def test_what_clients_send_along_without_a_value_is_ignored(self, gateway: Gateway) -> None:
        empty = {"aliases": {}, "config": {}, "permissions": {}, "tags": [], "tpm_limit": None, "budget_duration": ""}

        assert new_key(gateway, **empty)["key"].startswith("sk-")

    def test_the_path_and_the_body_name_the_same_key(self, gateway: Gateway, alice: User, bob: User) -> None:
        response = gateway.admin.post(f"/key/{alice.key}/regenerate", json={"key": bob.key})

        assert_error(response, 400, INVALID, param="key")
        assert is_good(alice.http) and is_good(bob.http)


class TestTeams:
    def test_a_team_is_answered_as_litellm_does(self, gateway: Gateway, alice: User) -> None:
        body = {
            "team_id": unique("team"),
            "team_alias": "Readers",
            "models": [MODEL],
            "metadata": {"floor": 2},
            "max_budget": 5,
            "members_with_roles": [{"role": "admin", "user_id": alice.id}],
        }

        made = ok(gateway.admin.post("/team/new", json=body))
        key = new_key(gateway, user_id=alice.id, team_id=body["team_id"])
        info = ok(gateway.admin.get("/team/info", params={"team_id": body["team_id"]}))

        for name, value in body.items():
            assert made[name] == value
        assert info["team_id"] == body["team_id"] and info["team_info"] == made
        assert [one["token_id"] for one in info["keys"]] == [key["token_id"]]
        listed = gateway.admin.get("/team/list", params={"team_id": body["team_id"]})
        assert listed.json() == [made] and listed.headers["x-gantry-total-count"] == "1"

    def test_members_share_files_and_leave_them_behind(self, gateway: Gateway, alice: User, bob: User) -> None:
        team = new_team(gateway, alice)
        key = new_key(gateway, user_id=alice.id, team_id=team)
        http = gateway.client(key["key"])
        file = gateway.upload(http=http)["id"]
        assert_error(bob.http.get(f"/v1/files/{file}"), 403, FORBIDDEN)

        member = {"role": "user", "user_id": bob.id}
        added = ok(gateway.admin.post("/team/member_add", json={"team_id": team, "member": member}))
        assert added["members_with_roles"] == [{"role": "user", "user_id": alice.id}, member]
        assert bob.http.get(f"/v1/files/{file}").status_code == 200
        assert file in gateway.file_ids(bob.http)

        left = ok(gateway.admin.post("/team/member_delete", json={"team_id": team, "user_id": alice.id}))
        assert left["members_with_roles"] == [member] and left["deleted_keys"] == 1
        assert not is_good(http)
        assert alice.http.get(f"/v1/files/{file}").status_code == 200
        assert bob.http.delete(f"/v1/files/{file}").status_code == 200

    def test_several_members_are_added_or_none(self, gateway: Gateway, alice: User, bob: User) -> None:
        team = new_team(gateway)
        members = [{"role": "user", "user_id": alice.id}, {"role": "user", "user_id": unique("nobody")}]
        assert_error(
            gateway.admin.post("/team/member_add", json={"team_id": team, "member": members}), 404, param="user_id"
        )
        info = ok(gateway.admin.get("/team/info", params={"team_id": team}))
        assert info["team_info"]["members_with_roles"] == []

        members[1]["user_id"] = bob.id
        ok(gateway.admin.post("/team/member_add", json={"team_id": team, "member": members}))
        mine = ok(bob.http.get("/team/list"))
        assert [one["team_id"] for one in mine] == [team]

    def test_the_keys_of_a_blocked_team_are_401(self, gateway: Gateway, alice: User) -> None:
        team = new_team(gateway)
        http = gateway.client(new_key(gateway, user_id=alice.id, team_id=team)["key"])
        assert is_good(http)

        changed = ok(gateway.admin.post("/team/update", json={"team_id": team, "blocked": True}))
        assert changed["team_id"] == team and changed["data"]["blocked"] is True
        assert not is_good(http) and is_good(alice.http)
        ok(gateway.admin.post("/team/update", json={"team_id": team, "blocked": False}))
        assert is_good(http)

    def test_a_deleted_team_leaves_its_members_their_files(self, gateway: Gateway, alice: User) -> None:
        team = new_team(gateway)
        service = gateway.client(new_key(gateway, team_id=team)["key"])
        own = gateway.client(new_key(gateway, user_id=alice.id, team_id=team)["key"])
        teams_file = gateway.upload(http=service)["id"]
        alices_file = gateway.upload(http=own)["id"]

        deleted = ok(gateway.admin.post("/team/delete", json={"team_ids": [team]}))

        assert deleted == {"deleted_teams": [team], "deleted_keys": 2, "deleted_files": 1}
        assert not is_good(service) and not is_good(own)
        assert alice.http.get(f"/v1/files/{alices_file}").status_code == 200
        assert_error(gateway.admin.get(f"/v1/files/{teams_file}"), 404, INVALID, "file_not_found")

    def test_what_a_deleted_user_made_under_a_team_stays_the_teams(self, gateway: Gateway, alice: User) -> None:
        team = new_team(gateway)
        service = gateway.client(new_key(gateway, team_id=team)["key"])
        file = gateway.upload(http=gateway.client(new_key(gateway, user_id=alice.id, team_id=team)["key"]))["id"]

        deleted = ok(gateway.admin.post("/user/delete", json={"user_ids": [alice.id]}))

        assert deleted["deleted_files"] == 0 and deleted["deleted_keys"] == 2
        assert service.delete(f"/v1/files/{file}").status_code == 200


class TestRoles:
    @pytest.mark.parametrize("path", ADMIN_ROUTES)
    @pytest.mark.parametrize("role", ["internal_user", "proxy_admin_viewer", "no user", "service account"])
    def test_what_is_for_administrators_is_403(self, gateway: Gateway, role: str, path: str) -> None:
        if role == "no user":
            http = gateway.client(new_key(gateway)["key"])
        elif role == "service account":
            http = gateway.client(new_key(gateway, team_id=new_team(gateway))["key"])
        else:
            http = gateway.new_user(user_role=role).http

        assert_error(http.post(path, json=ADMIN_ROUTES[path]), 403, FORBIDDEN, "admin_only")
        assert_error(http.post(path, content="{"), 403, FORBIDDEN, "admin_only")

    @pytest.mark.parametrize("path", KEY_ROUTES)
    def test_a_viewer_changes_no_key_not_even_its_own(self, gateway: Gateway, viewer: User, path: str) -> None:
        body = with_key(KEY_ROUTES[path], key_id(gateway, viewer.key))

        assert_error(viewer.http.post(path, json=body), 403, FORBIDDEN, "admin_only")
        assert is_good(viewer.http)

    def test_a_viewer_reads_everything(self, gateway: Gateway, viewer: User, alice: User) -> None:
        team = new_team(gateway, alice)
        new_key(gateway, team_id=team)

        assert ok(viewer.http.get("/user/info", params={"user_id": alice.id}))["user_id"] == alice.id
        assert ok(viewer.http.get("/user/list", params={"user_ids": alice.id}))["total"] == 1
        assert ok(viewer.http.get("/key/info", params={"key": alice.key}))["info"]["user_id"] == alice.id
        assert ok(viewer.http.get("/key/list", params={"user_id": alice.id}))["total_count"] == 1
        assert len(ok(viewer.http.get("/team/info", params={"team_id": team}))["keys"]) == 1
        assert len(ok(viewer.http.get("/team/list", params={"user_id": alice.id}))) == 1

    def test_a_user_sees_itself_its_keys_and_its_teams_alone(self, gateway: Gateway, alice: User, bob: User) -> None:
        team, foreign = new_team(gateway, alice, bob), new_team(gateway, bob)
        bobs = new_key(gateway, user_id=bob.id, team_id=team)
        mine = new_key(gateway, user_id=alice.id, team_id=team)
        http = alice.http

        info = ok(http.get("/user/info"))
        assert info["user_id"] == alice.id and [one["team_id"] for one in info["teams"]] == [team]
        own = {key_id(gateway, alice.key), mine["token_id"]}
        assert set(ok(http.get("/key/list", params={"size": 100}))["keys"]) == own
        assert ok(http.get("/key/list", params={"team_id": team}))["keys"] == [mine["token_id"]]
        assert ok(http.get("/key/info", params={"key": mine["token_id"]}))["key"] == mine["token_id"]
        assert [one["token_id"] for one in ok(http.get("/team/info", params={"team_id": team}))["keys"]] == [
            mine["token_id"]
        ]
        assert [one["team_id"] for one in ok(http.get("/team/list"))] == [team]
        for path, query in [
            ("/user/info", {"user_id": bob.id}),
            ("/user/info", {"user_id": unique("nobody")}),
            ("/user/list", {}),
            ("/key/info", {"key": bobs["token_id"]}),
            ("/key/info", {"key": bob.key}),
            ("/key/info", {"key": "missing"}),
            ("/key/list", {"user_id": bob.id}),
            ("/team/info", {"team_id": foreign}),
            ("/team/info", {"team_id": unique("missing")}),
            ("/team/list", {"team_id": foreign}),
            ("/team/list", {"user_id": bob.id}),
        ]:
            assert_error(http.get(path, params=query), 403, FORBIDDEN, "admin_only")

    def test_a_key_without_a_user_sees_itself_alone(self, gateway: Gateway) -> None:
        made = new_key(gateway)
        http = gateway.client(made["key"])

        assert ok(http.get("/key/list"))["keys"] == [made["token_id"]]
        assert ok(http.get("/key/info"))["key"] == made["token_id"]
        assert ok(http.get("/team/list")) == []

    def test_a_user_manages_its_own_keys(self, gateway: Gateway, alice: User) -> None:
        made = ok(alice.http.post("/key/generate", json={"key_alias": "mine", "models": [MODEL]}))
        assert made["user_id"] == alice.id
        http = gateway.client(made["key"])
        assert is_good(http)

        name = {"key": made["token_id"]}
        assert ok(alice.http.post("/key/update", json=name | {"key_alias": "ours"}))["key_alias"] == "ours"
        ok(alice.http.post("/key/block", json=name))
        assert not is_good(http)
        ok(alice.http.post("/key/unblock", json=name))
        assert is_good(http)
        anew = ok(alice.http.post("/key/regenerate", json=name))
        assert not is_good(http) and is_good(gateway.client(anew["key"]))
        assert ok(alice.http.post("/key/delete", json={"key_aliases": ["ours"]}))["deleted_keys"] == [made["token_id"]]
        assert not is_good(gateway.client(anew["key"]))


class TestEscalation:
    @pytest.mark.parametrize(
        "body",
        [
            {"user_id": "BOB"},
            {"user_id": "default_user_id"},
            {"team_id": "TEAM"},
            {"team_id": "missing"},
            {"allow_raw_file_ids": True},
            {"models": [OTHER_MODEL]},
            {"models": [MODEL, OTHER_MODEL]},
            {"models": ["all-proxy-models"]},
            {"models": ["*"]},
            {"models": ["vertex-main"]},
            {"models": [MODEL.upper()]},
        ],
        ids=str,
    )
    @pytest.mark.parametrize("path", ["/key/generate", "/key/update", "/key/regenerate"])
    def test_a_user_gives_no_key_more_than_it_has(
        self, gateway: Gateway, alice: User, bob: User, path: str, body: dict
    ) -> None:
        body = body | {"user_id": bob.id} if body.get("user_id") == "BOB" else body
        body = body | {"team_id": new_team(gateway, bob)} if body.get("team_id") == "TEAM" else body
        name = {} if path == "/key/generate" else {"key": alice.key}
        before = ok(gateway.admin.get("/user/info", params={"user_id": alice.id}))["keys"]

        response = alice.http.post(path, json=name | body)

        if body.get("user_id") == "default_user_id":
            assert_error(response, 400, INVALID, param="user_id")
        else:
            assert_error(response, 403, FORBIDDEN)
        assert ok(gateway.admin.get("/user/info", params={"user_id": alice.id}))["keys"] == before
        assert is_good(alice.http)

    @pytest.mark.parametrize(
        "member", ["user_role", "role", "token_id", "token", "key_name", "created_by", "memberships"]
    )
    @pytest.mark.parametrize("path", ["/key/generate", "/key/update", "/key/regenerate"])
    def test_no_other_member_is_taken_over(self, gateway: Gateway, alice: User, path: str, member: str) -> None:
        name = {} if path == "/key/generate" else {"key": alice.key}

        assert_error(alice.http.post(path, json=name | {member: "proxy_admin"}), 400, INVALID, param=member)

    @pytest.mark.parametrize("path", [path for path in KEY_ROUTES if path != "/key/generate"])
    @pytest.mark.parametrize("whose", ["key", "id", "digest", "missing", "master"])
    def test_a_user_reaches_no_key_of_others(
        self, gateway: Gateway, alice: User, bob: User, path: str, whose: str
    ) -> None:
        names = {
            "key": bob.key,
            "id": key_id(gateway, bob.key),
            "digest": hashlib.sha256(bob.key.encode()).hexdigest(),
            "missing": "no-such-key",
            "master": MASTER_KEY,
        }

        response = alice.http.post(path, json=with_key(KEY_ROUTES[path], names[whose]))

        assert_error(response, 403, FORBIDDEN, "admin_only", "key")
        assert is_good(bob.http)

    def test_refusals_do_not_tell_what_exists(self, gateway: Gateway, alice: User, bob: User) -> None:
        def answers(path: str, real: dict, made_up: dict) -> tuple[dict, dict]:
            return tuple(assert_error(alice.http.post(path, json=body), 403) for body in (real, made_up))

        for path, real, made_up in [
            ("/key/delete", {"keys": [bob.key]}, {"keys": ["sk-made-up"]}),
            ("/key/generate", {"user_id": bob.id}, {"user_id": unique("x")}),
            ("/key/generate", {"team_id": new_team(gateway)}, {"team_id": unique("x")}),
        ]:
            one, other = answers(path, real, made_up)
            assert one == other

    def test_an_alias_like_another_keys_id_reaches_nothing(self, gateway: Gateway, alice: User, bob: User) -> None:
        bobs = key_id(gateway, bob.key)
        made = ok(alice.http.post("/key/generate", json={"key_alias": bobs}))

        assert_error(alice.http.post("/key/block", json={"key": bobs}), 403, FORBIDDEN)
        assert ok(alice.http.post("/key/delete", json={"key_aliases": [bobs]}))["deleted_keys"] == [made["token_id"]]
        assert is_good(bob.http)

    def test_a_limited_key_does_not_take_over_a_wider_one(self, gateway: Gateway, bob: User) -> None:
        limited = gateway.client(new_key(gateway, user_id=bob.id, models=[MODEL], duration="1h")["key"])

        assert_error(limited.post("/key/regenerate", json={"key": bob.key}), 403, FORBIDDEN)
        made = ok(limited.post("/key/generate", json={}))
        assert made["models"] == [MODEL] and made["expires"] is not None
        assert_error(limited.post("/key/generate", json={"duration": "2h"}), 403, FORBIDDEN, param="duration")
        assert is_good(bob.http)

    def test_what_an_administrator_blocked_its_user_does_not_unblock(self, gateway: Gateway, bob: User) -> None:
        second = new_key(gateway, user_id=bob.id)
        name = {"key": second["token_id"]}
        ok(gateway.admin.post("/key/block", json=name))

        ok(bob.http.post("/key/block", json=name))
        assert_error(bob.http.post("/key/unblock", json=name), 403, FORBIDDEN)
        assert_error(bob.http.post("/key/update", json=name | {"blocked": False}), 403, FORBIDDEN)
        anew = ok(bob.http.post("/key/regenerate", json=name))
        assert not is_good(gateway.client(anew["key"]))

    def test_a_team_admin_is_a_member_like_any_other(self, gateway: Gateway, alice: User, bob: User) -> None:
        member = {"role": "admin", "user_id": alice.id}
        team = new_team(gateway, members_with_roles=[member])
        for path, body in [
            ("/team/member_add", {"team_id": team, "member": {"role": "user", "user_id": bob.id}}),
            ("/team/update", {"team_id": team, "models": []}),
            ("/key/service-account/generate", {"team_id": team}),
        ]:
            assert_error(alice.http.post(path, json=body), 403, FORBIDDEN, "admin_only")

    def test_an_administrator_made_of_a_user_has_the_rights_until_they_are_taken(
        self, gateway: Gateway, alice: User
    ) -> None:
        ok(gateway.admin.post("/user/update", json={"user_id": alice.id, "user_role": "proxy_admin"}))
        made = ok(alice.http.post("/user/new", json={"user_id": unique("by-alice")}))
        assert made["key"].startswith("sk-")

        ok(gateway.admin.post("/user/update", json={"user_id": alice.id, "user_role": "internal_user"}))
        assert_error(alice.http.post("/user/new", json={}), 403, FORBIDDEN, "admin_only")


class TestSecrecy:
    def test_no_answer_after_the_first_and_no_log_holds_a_key(self, gateway: Gateway, alice: User) -> None:
        team = new_team(gateway, alice)
        made = new_key(gateway, user_id=alice.id, team_id=team, key_alias=unique("k"))
        anew = ok(gateway.admin.post(f"/key/{made['key']}/regenerate", json={}))
        secrets = [alice.key, made["key"], anew["key"]]
        admin = gateway.admin

        answers = [
            admin.get("/user/info", params={"user_id": alice.id}),
            admin.get("/user/list", params={"user_ids": alice.id}),
            admin.get("/key/info", params={"key": anew["key"]}),
            admin.get("/key/list", params={"user_id": alice.id, "return_full_object": "true"}),
            admin.get("/team/info", params={"team_id": team}),
            admin.get("/team/list"),
            alice.http.get("/key/info"),
            admin.post("/key/update", json={"key": anew["key"], "key_alias": "other"}),
            admin.post("/key/block", json={"key": anew["key"]}),
            admin.post("/key/unblock", json={"key": anew["key"]}),
            admin.post("/key/block", json={"key": made["key"]}),
            admin.post("/key/update", json={"key": anew["key"], "models": 5}),
            admin.post("/key/update", json={"key": anew["key"], "unknown": anew["key"]}),
            admin.post("/key/delete", json={"keys": [anew["key"]]}),
            admin.post("/key/delete", json={"keys": [anew["key"]]}),
        ]

        for secret in secrets:
            digest = hashlib.sha256(secret.encode()).hexdigest()
            for answer in answers:
                assert secret not in answer.text and digest not in answer.text, answer.request.url.path
            until("the log has the last request", lambda: "/key/delete" in gateway.process.output)
            assert secret not in gateway.process.output
            for path in gateway.data.rglob("*"):
                if path.is_file():
                    assert secret.encode() not in path.read_bytes(), f"a key stands in {path.name}"

    def test_keys_still_work_after_a_restart(self, start_gateway, standard_configuration) -> None:
        first = start_gateway(standard_configuration())
        user = first.new_user("keeper")
        blocked = ok(first.admin.post("/key/generate", json={"user_id": user.id, "blocked": True}))
        first.stop()

        second = start_gateway(standard_configuration(), data=first.data)

        assert is_good(second.client(user.key)) and not is_good(second.client(blocked["key"]))
