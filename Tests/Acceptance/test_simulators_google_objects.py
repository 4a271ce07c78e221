"""The simulated Vertex AI's batch prediction and tuning jobs, with Google's own SDK as referee."""

import json
import os
from collections import Counter

import pytest
import requests
import test_simulators
from google.genai import errors, types

CHUNK = test_simulators.CHUNK
MODEL = "publishers/google/models/gemini-2.0-flash"

running = test_simulators.running
no_lookups_at_the_real_google = test_simulators.no_lookups_at_the_real_google
sim = test_simulators.sim


def jobs(sim, collection="batchPredictionJobs", account="alice", project=None):
    return f"{sim.google}/v1/projects/{project or 'sim-' + account}/locations/us-central1/{collection}"


def ask(text, **members):
    return {"contents": [{"role": "user", "parts": [{"text": text}]}], **members}


def store(sim, name, lines, account="alice", bucket="sim-batch"):
    """Stores lines, which are JSON or text, and answers their URI."""
    text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
    sim.storage(account).bucket(bucket).blob(name).upload_from_string(text)
    return f"gs://{bucket}/{name}"


def batch(uri, prefix="gs://sim-batch/out", name="b1", **members):
    return {
        "displayName": name,
        "model": MODEL,
        "inputConfig": {"instancesFormat": "jsonl", "gcsSource": {"uris": [uri]}},
        "outputConfig": {"predictionsFormat": "jsonl", "gcsDestination": {"outputUriPrefix": prefix}},
        **members,
    }


def tuning(uri, **members):
    return {"baseModel": "gemini-2.0-flash", "supervisedTuningSpec": {"trainingDatasetUri": uri, **members}}


def create(sim, body, collection="batchPredictionJobs", account="alice"):
    answer = requests.post(jobs(sim, collection, account), json=body, headers=sim.headers(account), timeout=30)
    assert answer.status_code == 200, answer.text
    return answer.json()


def call(sim, method, name, account="alice", **options):
    return requests.request(method, f"{sim.google}/v1/{name}", headers=sim.headers(account), timeout=60, **options)


def finished(sim, name):
    for _ in range(5):
        job = call(sim, "GET", name).json()
        if job["state"].split("_")[-1] in ("SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED"):
            return job
    raise AssertionError(job)


def predictions(sim, job, account="alice"):
    """The lines of all files that a job has written, by the name of their file."""
    bucket, _, folder = job["outputInfo"]["gcsOutputDirectory"].removeprefix("gs://").partition("/")
    blobs = sim.storage(account).bucket(bucket).list_blobs(prefix=folder + "/")
    return {
        blob.name.removeprefix(folder + "/"): [
            json.loads(line) for line in blob.download_as_bytes().splitlines() if line.strip()
        ]
        for blob in blobs
    }


def example(question="2+2?", answer="4", **members):
    contents = [{"role": role, "parts": [{"text": text}]} for role, text in (("user", question), ("model", answer))]
    return {"contents": contents, **members}


# --- Batches


def test_a_batch_answers_every_line(sim):
    lines = [{"request": ask(f"Question {n}", labels={"custom_id": f"c{n}"})} for n in range(40)]
    lines[7] = {"request": ask("Too hot", labels={"custom_id": "c7"}, generationConfig={"temperature": 9})}
    lines[9] = {"request": {**ask("Nonsense", labels={"custom_id": "c9"}), "nonsense": 1}}
    job = create(sim, batch(store(sim, "in.jsonl", lines)))
    assert job["state"] == "JOB_STATE_PENDING" and "outputInfo" not in job and "startTime" not in job
    assert job["name"].split("/")[1].isdigit()

    assert call(sim, "GET", job["name"]).json()["state"] == "JOB_STATE_RUNNING"
    done = call(sim, "GET", job["name"]).json()

    assert done["state"] == "JOB_STATE_SUCCEEDED" and done["endTime"] >= done["startTime"]
    assert done["completionStats"] == {"successfulCount": "38", "failedCount": "2"}
    assert done["outputInfo"]["gcsOutputDirectory"].startswith("gs://sim-batch/out/prediction-model-20")
    ((name, rows),) = predictions(sim, done).items()
    assert name == "predictions.jsonl"
    order = [row["request"]["labels"]["custom_id"] for row in rows]
    assert Counter(order) == Counter(f"c{n}" for n in range(40))
    assert order != [f"c{n}" for n in range(40)], "Real jobs do not keep the order."
    by_id = {row["request"]["labels"]["custom_id"]: row for row in rows}
    assert by_id["c3"]["status"] == "" and "Question 3" in str(by_id["c3"]["response"]["candidates"])
    assert {"usageMetadata", "responseId", "modelVersion"} <= by_id["c3"]["response"].keys()
    for bad, word in (("c7", "temperature"), ("c9", "nonsense")):
        assert by_id[bad]["status"].startswith("Bad Request: {") and word in by_id[bad]["status"]
        assert by_id[bad]["response"] == {}


def test_a_batch_reads_files(sim):
    uri = store(sim, "facts.txt", ["facts"])
    part = {"fileData": {"mimeType": "text/plain", "fileUri": uri}}
    lines = [
        {"request": {"contents": [{"role": "user", "parts": [part, {"text": "What?"}]}]}},
        {
            "request": {
                "contents": [{"role": "user", "parts": [{"fileData": {**part["fileData"], "fileUri": "gs://x/y"}}]}]
            }
        },
    ]
    done = finished(sim, create(sim, batch(store(sim, "in.jsonl", lines)))["name"])
    (rows,) = predictions(sim, done).values()
    assert sorted(row["status"] == "" for row in rows) == [False, True]
    assert done["completionStats"] == {"successfulCount": "1", "failedCount": "1"}


def test_the_sdk_works_with_batches(sim):
    client = sim.genai()
    uri = store(sim, "in.jsonl", [{"request": ask("One")}])
    job = client.batches.create(
        model="gemini-2.0-flash", src=uri, config={"display_name": "mine", "dest": "gs://sim-batch/o"}
    )
    assert job.state == types.JobState.JOB_STATE_PENDING
    assert [j.name for j in client.batches.list(config={"filter": 'display_name="mine"'})] == [job.name]
    assert list(client.batches.list(config={"filter": 'display_name="other"'})) == []
    assert client.batches.get(name=job.name).state == types.JobState.JOB_STATE_RUNNING
    client.batches.cancel(name=job.name)
    assert client.batches.get(name=job.name).state == types.JobState.JOB_STATE_CANCELLED
    with pytest.raises(errors.ClientError, match="FAILED_PRECONDITION"):
        client.batches.cancel(name=job.name)
    client.batches.delete(name=job.name)
    with pytest.raises(errors.ClientError, match="NOT_FOUND"):
        client.batches.get(name=job.name)


def test_lists_are_paged(sim):
    uri = store(sim, "in.jsonl", [{"request": ask("One")}])
    names = {create(sim, batch(uri, name=f"b{n}"))["name"] for n in range(5)}
    seen, token = [], ""
    while True:
        page = requests.get(jobs(sim), {"pageSize": 2, "pageToken": token}, headers=sim.headers(), timeout=30).json()
        seen += [job["name"] for job in page["batchPredictionJobs"]]
        assert len(page["batchPredictionJobs"]) <= 2
        if not (token := page.get("nextPageToken")):
            break
    assert sorted(seen) == sorted(names)
    bad = requests.get(jobs(sim), {"filter": "state=1"}, headers=sim.headers(), timeout=30)
    assert bad.status_code == 400 and "filter" in bad.text
    assert requests.get(jobs(sim, account="bob"), headers=sim.headers("bob"), timeout=30).json() == {}


def test_projects_are_apart_and_have_a_number(sim):
    job = create(sim, batch(store(sim, "in.jsonl", [{"request": ask("One")}])))
    assert call(sim, "GET", job["name"], account="bob").status_code == 403
    by_id = job["name"].replace(job["name"].split("/")[1], "sim-bob")
    assert call(sim, "GET", by_id, account="bob").status_code == 404
    # Another's input and another's bucket end the job, not the request that creates it.
    for body in (batch("gs://sim-batch/in.jsonl", "gs://sim-bob/o"), batch(store(sim, "i", [], "bob", "sim-bob"))):
        made = create(sim, body, account="bob")
        call(sim, "GET", made["name"], account="bob")
        failed = call(sim, "GET", made["name"], account="bob").json()
        assert failed["state"] == "JOB_STATE_FAILED" and failed["error"]["code"] == 7


@pytest.mark.parametrize(
    "change, word",
    [
        ({"displayName": ""}, "display name"),
        ({"displayName": "x" * 129}, "display name"),
        ({"model": "publishers/google/models/none"}, "model"),
        ({"model": "gemini-2.0-flash"}, "model"),
        ({"labels": {"Upper": "x"}}, "label"),
        ({"other": 1}, "Unknown name"),
        ({"inputConfig": {"instancesFormat": "csv", "gcsSource": {"uris": ["gs://a/b"]}}}, "format"),
        ({"inputConfig": {"instancesFormat": "jsonl", "gcsSource": {"uris": []}}}, "uris"),
        ({"inputConfig": {"instancesFormat": "jsonl", "gcsSource": {"uris": ["/a/b"]}}}, "Cloud Storage URI"),
        ({"outputConfig": {"predictionsFormat": "jsonl", "gcsDestination": {}}}, "outputUriPrefix"),
    ],
)
def test_bad_batches_are_refused(sim, change, word):
    body = {**batch("gs://sim-batch/in.jsonl"), **change}
    answer = requests.post(jobs(sim), json=body, headers=sim.headers(), timeout=30)
    assert answer.status_code in (400, 404) and word in answer.text, answer.text
    assert sim.state()["google"]["jobs"] == []


@pytest.mark.parametrize("lines", [["not json"], ['{"req":1}'], ['{"request":{},"custom_id":"a"}'], ["[]"]])
def test_lines_of_another_form_end_the_job(sim, lines):
    done = finished(sim, create(sim, batch(store(sim, "in.jsonl", lines)))["name"])
    assert done["state"] == "JOB_STATE_FAILED" and "ine 1" in done["error"]["message"]
    assert "outputInfo" not in done


@pytest.mark.parametrize(
    "labels",
    [{"Big": "a"}, {"a": "B"}, {"a": "x" * 64}, {"a" * 64: "x"}, {"1a": "x"}, {f"l{n}": "" for n in range(65)}],
)
def test_labels_are_checked(sim, labels):
    answer = sim.vertex(ask("Hello", labels=labels))
    assert answer.status_code == 400 and "label" in answer.text
    assert sim.vertex(ask("Hello", labels={f"l{n}": "x" * 63 for n in range(64)})).status_code == 200


def test_predictions_may_lie_in_many_files(sim):
    sim.post("google/plan", {"shards": 3, "garbage": '"not a prediction"'})
    uri = store(sim, "in.jsonl", [{"request": ask(f"Q{n}")} for n in range(10)])
    done = finished(sim, create(sim, batch(uri, prefix="gs://sim-batch/out/"))["name"])
    files = predictions(sim, done)
    assert sorted(files) == ["predictions_000.jsonl", "predictions_001.jsonl", "predictions_002.jsonl"]
    assert sum(len(rows) for rows in files.values()) == 11
    assert "//prediction" not in done["outputInfo"]["gcsOutputDirectory"]


def advance(sim, name, **what):
    (job,) = sim.post("google/advance", {"id": name, **what})["objects"]
    return job.get("resource")


def test_jobs_are_held_ended_and_lost_on_demand(sim):
    uri = store(sim, "in.jsonl", [{"request": ask(f"Q{n}")} for n in range(4)])
    sim.post("google/hold", {"batch": True})
    name = create(sim, batch(uri))["name"]
    for _ in range(3):
        assert call(sim, "GET", name).json()["state"] == "JOB_STATE_PENDING"
    assert advance(sim, name, to="running")["state"] == "JOB_STATE_RUNNING"
    assert advance(sim, name, report="JOB_STATE_NEW")["state"] == "JOB_STATE_NEW"
    assert call(sim, "GET", name).json()["state"] == "JOB_STATE_NEW"
    ended = advance(sim, name, to="expired", completed=3)
    assert ended["state"] == "JOB_STATE_EXPIRED" and ended["error"]["message"]
    assert ended["completionStats"] == {"successfulCount": "3", "incompleteCount": "1"}
    assert advance(sim, name, to="succeeded")["state"] == "JOB_STATE_EXPIRED"
    advance(sim, name, vanish=True)
    assert call(sim, "GET", name).status_code == 404

    others = [create(sim, batch(uri, name=f"b{n}"))["name"] for n in range(2)]
    moved = sim.post("google/advance", {"kind": "batch", "account": "alice", "to": "failed", "message": "Bad luck."})
    assert sorted(job["resource"]["name"] for job in moved["objects"]) == sorted(others)
    failed = call(sim, "GET", others[0]).json()
    assert failed["state"] == "JOB_STATE_FAILED" and failed["error"] == {"code": 13, "message": "Bad luck."}
    assert "outputInfo" not in failed and "completionStats" not in failed
    assert sim.post("google/advance", {"kind": "job"}) == {"objects": []}

    sim.post("google/hold", {"batch": False})
    sim.post("google/plan", {"to": "partially_succeeded", "completed": 1})
    partial = finished(sim, create(sim, batch(uri))["name"])
    assert partial["state"] == "JOB_STATE_PARTIALLY_SUCCEEDED"
    assert partial["completionStats"] == {"successfulCount": "1", "incompleteCount": "3"}

    sim.post("google/plan", {})
    assert finished(sim, create(sim, batch(uri))["name"])["state"] == "JOB_STATE_SUCCEEDED"
    for path, body, status in (
        ("plan", {"to": "odd"}, 400),
        ("advance", {"id": "1"}, 404),
        ("advance", {}, 400),
        ("hold", {"x": True}, 400),
    ):
        assert requests.post(f"{sim.control}/google/{path}", json=body, timeout=10).status_code == status


def test_a_cancelled_batch_may_have_answers(sim):
    uri = store(sim, "in.jsonl", [{"request": ask(f"Q{n}")} for n in range(4)])
    sim.post("google/plan", {"completed": 2})
    name = create(sim, batch(uri))["name"]
    call(sim, "GET", name)
    assert call(sim, "POST", f"{name}:cancel").json() == {}
    done = call(sim, "GET", name).json()
    assert done["state"] == "JOB_STATE_CANCELLED" and done["completionStats"]["successfulCount"] == "2"
    assert sum(len(rows) for rows in predictions(sim, done).values()) == 2


# --- Tuning


def test_a_tuned_model_answers_at_its_endpoint(sim):
    uri = store(sim, "train.jsonl", [example(), example(systemInstruction={"parts": [{"text": "Be short."}]})])
    client = sim.genai()
    job = client.tunings.tune(
        base_model="gemini-2.0-flash",
        training_dataset=types.TuningDataset(gcs_uri=uri),
        config=types.CreateTuningJobConfig(
            epoch_count=2,
            tuned_model_display_name="mine",
            adapter_size="ADAPTER_SIZE_FOUR",
            learning_rate_multiplier=1.5,
        ),
    )
    assert job.state == types.JobState.JOB_STATE_PENDING
    assert client.tunings.get(name=job.name).state == types.JobState.JOB_STATE_RUNNING
    done = client.tunings.get(name=job.name)
    assert done.state == types.JobState.JOB_STATE_SUCCEEDED and done.has_succeeded
    assert [c.checkpoint_id for c in done.tuned_model.checkpoints] == ["1", "2"]
    assert done.tuned_model.checkpoints[-1].endpoint == done.tuned_model.endpoint
    assert [j.name for j in client.tunings.list()] == [job.name]
    for endpoint in {done.tuned_model.endpoint, done.tuned_model.checkpoints[0].endpoint}:
        answer = client.models.generate_content(model=endpoint, contents="Hello")
        assert "gemini-2.0-flash-tuned" in answer.text
        assert call(sim, "POST", f"{endpoint}:generateContent", account="bob", json=ask("Hello")).status_code == 403
    other = done.tuned_model.endpoint + "9"
    assert call(sim, "POST", f"{other}:generateContent", json=ask("Hello")).status_code == 404


@pytest.mark.parametrize(
    "lines, word",
    [
        (["no json"], "not JSON"),
        ([{"messages": []}], "messages"),
        ([{"contents": [{"role": "user", "parts": [{"text": "x"}]}]}], "role model"),
        ([{"contents": list(reversed(example()["contents"]))}], "role"),
        ([example(), example(weight=1)], "Row 2"),
        ([], "empty"),
    ],
)
def test_bad_examples_end_a_tuning(sim, lines, word):
    done = finished(sim, create(sim, tuning(store(sim, "train.jsonl", lines)), "tuningJobs")["name"])
    assert done["state"] == "JOB_STATE_FAILED" and word in done["error"]["message"] and "tunedModel" not in done


@pytest.mark.parametrize(
    "body, word",
    [
        ({"baseModel": "none", "supervisedTuningSpec": {"trainingDatasetUri": "gs://a/b"}}, "not supported"),
        (tuning("/a/b"), "Cloud Storage URI"),
        (tuning("gs://a/b", hyperParameters={"epochCount": "0"}), "epoch"),
        (tuning("gs://a/b", hyperParameters={"learningRateMultiplier": 99}), "learning rate"),
        (tuning("gs://a/b", hyperParameters={"batchSize": 1}), "batchSize"),
        ({**tuning("gs://a/b"), "displayName": "x"}, "displayName"),
    ],
)
def test_bad_tunings_are_refused(sim, body, word):
    answer = requests.post(jobs(sim, "tuningJobs"), json=body, headers=sim.headers(), timeout=30)
    assert answer.status_code == 400 and word in answer.text, answer.text


def test_a_tuning_is_cancelled(sim):
    name = create(sim, tuning(store(sim, "train.jsonl", [example()])), "tuningJobs")["name"]
    assert call(sim, "POST", f"{name}:cancel").json() == {}
    assert call(sim, "GET", name).json()["state"] == "JOB_STATE_CANCELLED"
    assert call(sim, "DELETE", name).status_code == 404


# --- Both


def test_jobs_survive_a_restart(tmp_path):
    first = test_simulators.Simulators("--data", str(tmp_path))
    name = create(first, batch(store(first, "in.jsonl", [{"request": ask("One")}])))["name"]
    assert first.stop() == 0
    second = test_simulators.Simulators("--data", str(tmp_path))
    assert finished(second, name)["state"] == "JOB_STATE_SUCCEEDED"
    second.post("reset")
    assert call(second, "GET", name).status_code == 404
    assert second.stop() == 0


def test_an_upload_whose_length_is_known_at_its_end(sim):
    data = os.urandom(3 * CHUNK + 77)
    url = sim.start_upload("unknown")
    for start in range(0, 3 * CHUNK, CHUNK):
        end = start + CHUNK
        stored = test_simulators.put(url, data[start:end], f"bytes {start}-{end - 1}/*")
        assert stored == (308, f"bytes=0-{end - 1}")
    assert test_simulators.put(url, content_range="bytes */*") == (308, f"bytes=0-{3 * CHUNK - 1}")
    assert test_simulators.put(url, data[3 * CHUNK :], f"bytes {3 * CHUNK}-{len(data) - 1}/{len(data)}")[0] == 200
    (object,) = sim.state()["google"]["objects"]
    assert object["bytes"] == len(data)
