"""Fine-tuning with OpenAI's SDK: a job's whole life, whose its model is, and what is refused."""

import io
from collections.abc import Callable, Iterator

import openai
import pytest

from support.batches import example, jsonl
from support.errors import assert_error
from support.gateway import Gateway, User
from support.simulators import Simulators
from support.waiting import until

OPENAI_MODEL = "gpt-4o-mini-openai"
VERTEX_MODEL = "gemini-2.0-flash"
JOBS = "/v1/fine_tuning/jobs"
#: Several polls of a slow machine.
SECONDS_TO_END = 90
TERMINAL = {"succeeded", "failed", "cancelled"}


@pytest.fixture(scope="module")
def running_tuner(
    standard_configuration: Callable[..., dict], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateway]:
    config = standard_configuration(sweep_seconds=1, batch_poll_seconds=1, batch_lost_seconds=2)
    running = Gateway.start(tmp_path_factory.mktemp("tuner"), config)
    yield running
    running.stop()


@pytest.fixture
def tuner(running_tuner: Gateway, simulators: Simulators) -> Gateway:
    """A gateway that asks about jobs every second; the simulators behind it are empty."""
    return running_tuner


@pytest.fixture
def user(tuner: Gateway) -> User:
    return tuner.new_user("tuner")


def upload(client: openai.OpenAI, model: str = OPENAI_MODEL, purpose: str = "fine-tune") -> str:
    return client.files.create(
        file=("train.jsonl", io.BytesIO(jsonl(*map(example, range(12))))),
        purpose=purpose,
        extra_body={"target_model_names": model},
    ).id


def ended(client: openai.OpenAI, job_id: str):
    return until(
        "the job's end",
        lambda: (job := client.fine_tuning.jobs.retrieve(job_id)).status in TERMINAL and job,
        SECONDS_TO_END,
    )


def chat(client: openai.OpenAI, model: str):
    return client.chat.completions.create(model=model, messages=[{"role": "user", "content": "Hello"}])


class TestLife:
    """From the training file to the model."""

    @pytest.mark.parametrize("model", [OPENAI_MODEL, VERTEX_MODEL])
    def test_of_a_job_and_its_model(self, tuner: Gateway, simulators: Simulators, user: User, model: str) -> None:
        client = tuner.openai(user.key)
        training, validation = upload(client, model), upload(client, model)
        made = client.fine_tuning.jobs.create(
            model=model,
            training_file=training,
            validation_file=validation,
            suffix="mine",
            metadata={"team": "whales"},
            method={"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 2}}},
        )

        assert made.id.startswith("ftjob-")
        assert len(made.id) == len("ftjob-") + 40
        assert made.model == model
        assert (made.training_file, made.validation_file) == (training, validation)
        assert made.metadata == {"team": "whales"}
        assert made.organization_id == "gantry"
        assert made.fine_tuned_model is None
        assert made.result_files == []

        over = ended(client, made.id)
        assert over.status == "succeeded", over
        assert over.error is None or over.error.code is None
        assert over.fine_tuned_model
        assert over.finished_at >= over.created_at
        assert over.metadata == {"team": "whales"}
        assert [one.id for one in client.fine_tuning.jobs.list()] == [made.id]
        for file_id in over.result_files:
            stored = client.files.retrieve(file_id)
            assert stored.purpose == "fine-tune-results"
            assert len(client.files.content(file_id).read()) == stored.bytes > 0
        assert len(over.result_files) == (1 if model == OPENAI_MODEL else 0)

        answer = chat(client, over.fine_tuned_model)
        assert answer.choices[0].message.content
        base = chat(client, model).choices[0].message.content
        assert answer.choices[0].message.content != base
        listed = [one.id for one in client.models.list()]
        assert over.fine_tuned_model in listed
        assert client.models.retrieve(over.fine_tuned_model).id == over.fine_tuned_model

        until("derived inputs are gone", lambda: len(client.files.list().data) == 2 + len(over.result_files))
        text = client.fine_tuning.jobs.with_raw_response.retrieve(made.id).text
        known = [job["id"] for job in simulators.openai_objects("jobs")]
        known += [file["id"] for file in simulators.openai_files()]
        known += [entry["name"] for entry in simulators.google_objects()]
        assert not [one for one in known if one in text]

    @pytest.mark.parametrize("model", [OPENAI_MODEL, VERTEX_MODEL])
    def test_events_and_checkpoints_speak_of_the_gateways_job(
        self, tuner: Gateway, simulators: Simulators, user: User, model: str
    ) -> None:
        client = tuner.openai(user.key)
        job = client.fine_tuning.jobs.create(model=model, training_file=upload(client, model))
        over = ended(client, job.id)
        assert over.status == "succeeded", over

        events = client.fine_tuning.jobs.list_events(job.id, limit=1)
        assert len(events.data) == 1
        assert events.has_more
        everything = list(events)
        assert len({event.id for event in everything}) == len(everything) > 1
        checkpoints = client.fine_tuning.jobs.checkpoints.list(job.id).data
        for checkpoint in checkpoints:
            assert checkpoint.fine_tuning_job_id == job.id
            assert chat(client, checkpoint.fine_tuned_model_checkpoint).choices[0].message.content
        assert model == VERTEX_MODEL or checkpoints
        text = client.fine_tuning.jobs.with_raw_response.list_events(job.id).text
        text += tuner.admin.get(f"{JOBS}/{job.id}/checkpoints").text
        known = [one["id"] for one in simulators.openai_objects("jobs") + simulators.openai_files()]
        assert not [one for one in known if one in text]

    def test_cancelled_paused_and_resumed(self, tuner: Gateway, simulators: Simulators, user: User) -> None:
        simulators.hold_openai(job=True)
        client = tuner.openai(user.key)
        job = client.fine_tuning.jobs.create(model=OPENAI_MODEL, training_file=upload(client))
        simulators.advance_openai(kind="job", to="running")

        assert client.fine_tuning.jobs.pause(job.id).status == "paused"
        assert client.fine_tuning.jobs.resume(job.id).status in ("queued", "running")
        client.fine_tuning.jobs.cancel(job.id)
        until("it is cancelled", lambda: client.fine_tuning.jobs.retrieve(job.id).status == "cancelled", 60)

        assert client.fine_tuning.jobs.cancel(job.id).status == "cancelled"
        answer = user.http.post(f"{JOBS}/{job.id}/pause")
        assert_error(answer, 409, code="job_not_pausable")
        assert client.fine_tuning.jobs.retrieve(job.id).fine_tuned_model is None

    def test_vertex_pauses_nothing_and_says_so(self, tuner: Gateway, user: User) -> None:
        client = tuner.openai(user.key)
        job = client.fine_tuning.jobs.create(model=VERTEX_MODEL, training_file=upload(client, VERTEX_MODEL))

        answer = user.http.post(f"{JOBS}/{job.id}/pause")

        assert answer.status_code in (400, 409), answer.text

    def test_a_lost_job_fails(self, tuner: Gateway, simulators: Simulators, user: User) -> None:
        simulators.hold_openai(job=True)
        client = tuner.openai(user.key)
        job = client.fine_tuning.jobs.create(model=OPENAI_MODEL, training_file=upload(client))
        simulators.advance_openai(kind="job", vanish=True)

        over = ended(client, job.id)

        assert over.status == "failed"
        assert over.error.code == "job_lost"
        answer = user.http.get(f"{JOBS}/{job.id}/events")
        assert_error(answer, 404, code="job_events_not_found")

    def test_an_unknown_status_says_nothing_new(self, tuner: Gateway, simulators: Simulators, user: User) -> None:
        simulators.hold_openai(job=True)
        client = tuner.openai(user.key)
        job = client.fine_tuning.jobs.create(model=OPENAI_MODEL, training_file=upload(client))
        simulators.advance_openai(kind="job", to="running")
        until("it runs", lambda: client.fine_tuning.jobs.retrieve(job.id).status == "running", 30)
        simulators.advance_openai(kind="job", report="levitating")
        until("it was asked about", lambda: simulators.requests("openai", JOBS, "GET"))

        assert client.fine_tuning.jobs.retrieve(job.id).status == "running"
        simulators.advance_openai(kind="job", to="succeeded")
        assert ended(client, job.id).status == "succeeded"


class TestOwnership:
    """Whose a job, its results and its model are."""

    def test_a_model_is_its_owners_alone(self, tuner: Gateway, user: User) -> None:
        client = tuner.openai(user.key)
        job = client.fine_tuning.jobs.create(model=OPENAI_MODEL, training_file=upload(client))
        name = ended(client, job.id).fine_tuned_model
        stranger = tuner.new_user("stranger")

        known = stranger.http.post("/v1/chat/completions", json={"model": name, "messages": []})
        unknown = stranger.http.post("/v1/chat/completions", json={"model": name[:-1] + "?", "messages": []})
        assert_error(known, 400, code="model_not_found")
        assert known.json()["error"]["message"].replace(name, "") == unknown.json()["error"]["message"].replace(
            name[:-1] + "?", ""
        )
        assert name not in [one["id"] for one in stranger.http.get("/v1/models").json()["data"]]
        assert_error(stranger.http.get(f"/v1/models/{name}"), 404, code="model_not_found")
        assert chat(tuner.openai(), name).choices[0].message.content

    def test_a_key_of_other_models_cannot_use_it(self, tuner: Gateway, user: User) -> None:
        client = tuner.openai(user.key)
        job = client.fine_tuning.jobs.create(model=OPENAI_MODEL, training_file=upload(client))
        name = ended(client, job.id).fine_tuned_model
        keys = {
            models: tuner.admin.post("/key/generate", json={"user_id": user.id, "models": [models]}).json()["key"]
            for models in (OPENAI_MODEL, VERTEX_MODEL)
        }

        assert chat(tuner.openai(keys[OPENAI_MODEL]), name).choices[0].message.content
        refused = tuner.client(keys[VERTEX_MODEL]).post("/v1/chat/completions", json={"model": name, "messages": []})
        assert_error(refused, 403, code="key_model_access_denied")

    def test_files_go_to_where_the_model_is(self, tuner: Gateway, user: User) -> None:
        client = tuner.openai(user.key)
        job = client.fine_tuning.jobs.create(model=OPENAI_MODEL, training_file=upload(client))
        name = ended(client, job.id).fine_tuned_model
        file_id = upload(client, name, purpose="user_data")

        content = [{"type": "text", "text": "What is it?"}, {"type": "file", "file": {"file_id": file_id}}]
        answer = client.chat.completions.create(model=name, messages=[{"role": "user", "content": content}])

        assert "1 file" in answer.choices[0].message.content

    def test_of_jobs_and_files(self, tuner: Gateway, simulators: Simulators, user: User) -> None:
        simulators.hold_openai(job=True)
        client = tuner.openai(user.key)
        training = upload(client)
        job = client.fine_tuning.jobs.create(model=OPENAI_MODEL, training_file=training)
        stranger = tuner.new_user("stranger")

        for method, path in [
            ("GET", ""),
            ("POST", "/cancel"),
            ("POST", "/pause"),
            ("POST", "/resume"),
            ("GET", "/events"),
            ("GET", "/checkpoints"),
        ]:
            assert_error(stranger.http.request(method, f"{JOBS}/{job.id}{path}"), 403, code="job_access_denied")
            forged = job.id[:-1] + ("a" if job.id[-1] != "a" else "b")
            assert_error(stranger.http.request(method, f"{JOBS}/{forged}{path}"), 404, code="job_not_found")
        assert stranger.http.get(JOBS).json()["data"] == []
        own = upload(tuner.openai(stranger.key))
        provider_id = simulators.openai_files()[0]["id"]
        for bad, status, code in [
            (training, 403, "file_access_denied"),
            (provider_id, 400, "raw_file_id"),
            ("nonsense", 404, "file_not_found"),
        ]:
            for place in ("training_file", "validation_file"):
                body = {"model": OPENAI_MODEL, "training_file": own} | {place: bad}
                answer = stranger.http.post(JOBS, json=body)
                assert_error(answer, status, code=code)
                assert answer.json()["error"]["param"] == place
        assert len(simulators.openai_objects("jobs")) == 1


class TestRefusals:
    """What is refused, and by what name."""

    @pytest.mark.parametrize(
        ("more", "parameter"),
        [
            ({"colour": "blue"}, "colour"),
            ({"suffix": ""}, "suffix"),
            ({"seed": -1}, "seed"),
            ({"method": {"type": "magic"}}, "method.type"),
            ({"hyperparameters": {"epochs": 3}}, "hyperparameters.epochs"),
            ({"integrations": [{"type": "mail"}]}, "integrations[0].type"),
            ({"metadata": {str(n): "v" for n in range(17)}}, "metadata"),
            ({"metadata": {"webhook_url": "https://hooks.example/x"}}, "metadata.webhook_url"),
            ({"model": "no-such-model"}, "model"),
            ({"model": None}, "model"),
        ],
    )
    def test_names_the_member(
        self, tuner: Gateway, simulators: Simulators, user: User, more: dict, parameter: str
    ) -> None:
        training = upload(tuner.openai(user.key))
        body = {"model": OPENAI_MODEL, "training_file": training} | more

        answer = user.http.post(JOBS, json={name: value for name, value in body.items() if value is not None})

        assert answer.status_code == 400, answer.text
        assert answer.json()["error"]["param"] == parameter
        assert simulators.openai_objects("jobs") == []

    def test_a_file_of_another_purpose(self, tuner: Gateway, user: User) -> None:
        other = upload(tuner.openai(user.key), purpose="user_data")
        answer = user.http.post(JOBS, json={"model": OPENAI_MODEL, "training_file": other})
        assert answer.status_code == 400
        assert answer.json()["error"]["param"] == "training_file"

    def test_a_provider_that_refuses_leaves_nothing(self, tuner: Gateway, simulators: Simulators, user: User) -> None:
        simulators.fault("openai", status=500, times=3, path_contains=JOBS, method="POST")
        training = upload(tuner.openai(user.key))

        answer = user.http.post(JOBS, json={"model": OPENAI_MODEL, "training_file": training})

        assert answer.status_code >= 400
        assert user.http.get(JOBS).json()["data"] == []

    def test_a_job_that_nobody_hears_of_is_cancelled(self, tuner: Gateway, simulators: Simulators, user: User) -> None:
        simulators.hold_openai(job=True)
        simulators.fault("openai", path_contains=JOBS, method="POST", close_before_answer=True, after_effect=True)
        training = upload(tuner.openai(user.key))

        answer = user.http.post(JOBS, json={"model": OPENAI_MODEL, "training_file": training})

        assert answer.status_code >= 500, answer.text
        until(
            "it is cancelled",
            lambda: {job["status"] for job in simulators.openai_objects("jobs")} == {"cancelled"},
            SECONDS_TO_END,
        )
        assert user.http.get(JOBS).json()["data"] == []


class TestLists:
    """Pages of a caller's jobs."""

    def test_are_paged_and_filtered(self, tuner: Gateway, simulators: Simulators, user: User) -> None:
        simulators.hold_openai(job=True)
        client = tuner.openai(user.key)
        training = upload(client)
        made = [
            client.fine_tuning.jobs.create(
                model=OPENAI_MODEL, training_file=training, metadata={"parity": str(n % 2), "a]b": "c d"}
            ).id
            for n in range(5)
        ]

        assert [job.id for job in client.fine_tuning.jobs.list(limit=2)] == made[::-1]
        odd = client.fine_tuning.jobs.list(limit=1, metadata={"parity": "1"})
        assert odd.has_more
        assert [job.id for job in odd] == [made[3], made[1]]
        last = client.fine_tuning.jobs.list(limit=2, metadata={"parity": "1", "a]b": "c d"})
        assert not last.has_more
        assert user.http.get(JOBS, params={"limit": 101}).status_code == 400
        assert user.http.get("/fine_tuning/jobs").json() == user.http.get("/openai/v1/fine_tuning/jobs").json()
