"""Hostile peers on both sides of a chat: what they may not do to the gateway's answers, memory and other clients."""

import concurrent.futures
import contextlib
import resource
import select
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.gateway import Gateway, configuration
from support.hostile import EXTRA_PORTS, HostileUpstream
from support.prober import probing
from support.waiting import until
from support.wire import CHAT, Answer, Wire, body_of, chat, chunked, request

MEBIBYTE = 1_048_576
#: Generous: the machine that runs this may be busy with other things.
MOST_P99_MS = 250
MODES = [
    *("plain", "early", "early413", "silent", "cut", "badchunk", "bighead", "interim", "closer", "dropper"),
    *("flood", "large", "firehose", "lockstep", "certificate", "tardy"),
]
STREAMED = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


def entry(name: str, base: str, index: int = 0) -> dict:
    parameters = {"model": "gpt-4o-mini", "api_key": "sk-none", "api_base": base, "timeout": 60}
    if name in ("silent", "certificate"):
        parameters["timeout"] = 1
    if name == "tardy":
        parameters["timeout"] = 4
    return {"model_name": name, "litellm_params": parameters, "model_info": {"id": f"{name}-{index}"}}


@pytest.fixture(scope="module")
def many_descriptors() -> Iterator[int]:
    """Raises the number of files that this process and its children may have open, and returns it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture(scope="module")
def hostile(many_descriptors: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostileUpstream]:
    one = HostileUpstream(tmp_path_factory.mktemp("hostile"))
    yield one
    one.stop()


@pytest.fixture(scope="module")
def ordinary(many_descriptors: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostileUpstream]:
    """An upstream of its own for the chats that must not be harmed; only its good side is used."""
    one = HostileUpstream(tmp_path_factory.mktemp("ordinary"))
    yield one
    one.stop()


@pytest.fixture(scope="module")
def plane_configuration(hostile: HostileUpstream, ordinary: HostileUpstream) -> dict:
    models = [entry(mode, hostile.url(mode)) for mode in MODES]
    models += [entry("hold", hostile.url("hold", port), port) for port in range(EXTRA_PORTS + 1)]
    models += [entry("ordinary", ordinary.url("plain"))]
    return configuration(*models, max_request_size_mb=4)


@pytest.fixture(scope="module")
def plane(plane_configuration: dict, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    one = Gateway.start(tmp_path_factory.mktemp("plane"), plane_configuration, log_level="info")
    yield one
    one.stop()


@pytest.fixture
def wire(plane: Gateway) -> Iterator[Wire]:
    with Wire(plane.url) as one:
        yield one


@pytest.fixture(scope="module")
def quiet_p99(plane: Gateway) -> float:
    """How long ordinary chats take while nothing else happens, in milliseconds."""
    with probing(plane.url, "ordinary", seconds=2) as probe:
        pass
    assert probe.count > 50 and not probe.failures, probe
    print(f"quiet: p50 {probe.p50:.1f} ms, p99 {probe.p99:.1f} ms of {probe.count} chats")
    return probe.p99


Watch = Callable[..., contextlib.AbstractContextManager[None]]


@pytest.fixture
def unharmed(plane: Gateway, quiet_p99: float) -> Watch:
    """Holds ordinary chats and the memory of the shared gateway within bounds while an attack runs."""
    return watcher(plane, quiet_p99)


@pytest.fixture
def fresh(plane_configuration: dict, tmp_path: Path) -> Iterator[Gateway]:
    """A gateway whose memory nobody has used: what others have given back would hide what a test takes."""
    one = Gateway.start(tmp_path / "fresh", plane_configuration, log_level="info")
    yield one
    one.stop()


def watcher(gateway: Gateway, quiet_p99: float) -> Watch:
    @contextlib.contextmanager
    def watch(what: str, grown_bytes: int = 96 * MEBIBYTE) -> Iterator[None]:
        before = gateway.process.memory_bytes("VmRSS")
        peaks = [before]
        over = threading.Event()

        def sample() -> None:
            while not over.wait(0.02):
                peaks.append(gateway.process.memory_bytes("VmRSS"))

        sampler = threading.Thread(target=sample)
        sampler.start()
        try:
            with probing(gateway.url, "ordinary", seconds=1.5) as probe:
                yield
        finally:
            over.set()
            sampler.join()
        grown = max(peaks) - before
        print(f"{what}: p50 {probe.p50:.1f}, p99 {probe.p99:.1f} ms (quiet {quiet_p99:.1f}), grew {grown >> 10} KiB")
        assert not probe.failures, probe.failures
        assert probe.count > 20, probe
        assert probe.p99 < max(MOST_P99_MS, 5 * quiet_p99), f"p99 {probe.p99:.0f} ms while {what}"
        assert grown < grown_bytes, f"the gateway grew by {grown} bytes while {what}"

    return watch


def still_serves(gateway: Gateway) -> None:
    with Wire(gateway.url) as other:
        other.send(chat("plain", "still here"))
        assert other.answer().content == "still here"


def forget_later(hostile: HostileUpstream, mode: str) -> None:
    """Waits until no call of this kind is open at the upstream."""
    until(f"no {mode} call is open", lambda: hostile.state(mode)["open"] == 0, 15)


class TestFraming:
    """Well-formed requests in unusual shapes."""

    @STREAMED
    def test_a_connection_serves_one_chat_after_another(self, wire: Wire, stream: bool) -> None:
        for number in range(50):
            wire.send(chat("plain", f"chat {number}", stream=stream))
            assert wire.answer().content.rstrip(".") == f"chat {number}"

    @STREAMED
    @pytest.mark.parametrize("count", [2, 10, 1000])
    def test_pipelined_requests_are_answered_in_order(
        self, plane: Gateway, wire: Wire, stream: bool, count: int
    ) -> None:
        kinds = [("chat", "models", "chat", "health")[number % 4] for number in range(count)]
        made = {"models": request("GET", "/v1/models"), "health": request("GET", "/health/liveliness", key=None)}
        sent = b"".join(made.get(kind) or chat("plain", f"{n}", stream=stream) for n, kind in enumerate(kinds))

        with concurrent.futures.ThreadPoolExecutor(1) as sender:
            sending = sender.submit(wire.send, sent)
            for number, kind in enumerate(kinds):
                answer = wire.answer()
                if kind == "chat":
                    assert answer.content.rstrip(".") == str(number)
                elif kind == "models":
                    assert answer.status == 200 and answer.json["object"] == "list"
                else:
                    assert answer.status == 200 and b"alive" in answer.body
            sending.result()
        still_serves(plane)

    def test_an_error_between_pipelined_chats_has_its_place(self, wire: Wire) -> None:
        wire.send(chat("plain", "one") + chat("no-such-model") + request(body=b"{") + chat("plain", "four"))

        assert wire.answer().content == "one"
        assert wire.answer().check_error(400)["code"] == "model_not_found"
        wire.answer().check_error(400)
        assert wire.answer().content == "four"

    def test_continue_is_said_before_the_body_is_sent(self, wire: Wire) -> None:
        body = body_of("plain")
        wire.send(request("POST", CHAT, None, "Expect: 100-continue", f"Content-Length: {len(body)}"))
        assert wire.head().status == 100

        wire.send(body)

        assert wire.answer().content == "hello"

    @pytest.mark.parametrize("path", ["/v1/models", "/health/liveliness"])
    def test_a_head_has_the_headers_of_a_get_and_no_body(self, wire: Wire, path: str) -> None:
        wire.send(request("HEAD", path))
        head = wire.answer(to_head=True)
        assert head.status in (200, 405)

        wire.send(chat("plain", "after"))

        assert wire.answer().content == "after"

    def test_the_answer_to_a_head_of_a_chat_has_no_body(self, wire: Wire) -> None:
        wire.send(request("HEAD", CHAT))
        assert wire.answer(to_head=True).status == 405

        wire.send(chat("plain", "after"))

        assert wire.answer().content == "after"

    @STREAMED
    @pytest.mark.parametrize("size", [1, 7, 65_536])
    @pytest.mark.parametrize("extension", [b"", b";a=b", b';name="quoted;\\" value"'])
    @pytest.mark.parametrize("trailers", [b"", b"X-Trailer: t\r\nX-Other: u\r\n"])
    def test_chunks_make_a_body(self, wire: Wire, stream: bool, size: int, extension: bytes, trailers: bytes) -> None:
        body = chunked(body_of("plain", "in chunks", stream), size, extension, trailers)
        wire.send(request("POST", CHAT, body, "Transfer-Encoding: chunked") + chat("plain", "after"))

        assert wire.answer().content.rstrip(".") == "in chunks"
        assert wire.answer().content == "after"

    def test_a_request_may_be_split_anywhere(self, plane: Gateway) -> None:
        whole = chat("plain", "split é")

        def ask(cut: int) -> str:
            with Wire(plane.url) as one:
                one.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                one.send(whole[:cut])
                time.sleep(0.003)  # So that the halves are read one by one.
                one.send(whole[cut:])
                return one.answer().content

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            assert set(pool.map(ask, range(1, len(whole)))) == {"split é"}

    @STREAMED
    def test_a_client_of_the_old_version_is_served_and_let_go(self, wire: Wire, stream: bool) -> None:
        body = body_of("plain", "old", stream)
        fields = f"Authorization: Bearer sk-1234\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        wire.send(b"POST %b HTTP/1.0\r\n%b%b" % (CHAT.encode(), fields, body))
        received = b""
        while data := wire.socket.recv(65_536):
            received += data

        head, _, rest = received.partition(b"\r\n\r\n")
        assert b" 200 " in head.split(b"\r\n")[0] and b"chunked" not in head.lower()
        assert b"old" in rest

    def test_an_embedding_is_pipelined_like_a_chat(self, wire: Wire) -> None:
        body = b'{"model": "plain", "input": ["a"]}'
        wire.send(request("POST", "/v1/embeddings", body) * 3 + chat("plain", "after"))

        assert [wire.answer().status for _ in range(3)] == [200, 200, 200]
        assert wire.answer().content == "after"


BODY = body_of("plain")
LENGTH = f"Content-Length: {len(BODY)}"
START = f"POST {CHAT} HTTP/1.1\r\nHost: a\r\n"


class TestBadRequests:
    """What is refused, and how."""

    @pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
    def test_a_wrong_method_is_405(self, wire: Wire, method: str) -> None:
        wire.send(request(method, CHAT, b"{}" if method != "GET" else None) + chat("plain", "after"))

        answer = wire.answer()

        assert answer.check_error(405)["type"] == "invalid_request_error"
        assert "POST" in answer.headers["allow"]
        assert wire.answer().content == "after"

    @pytest.mark.parametrize("path", ["/v1/chat/completion", "/v1/chat/completions/x", "/v2/chat/completions", "/"])
    def test_an_unknown_route_is_404(self, wire: Wire, path: str) -> None:
        wire.send(request("POST", path, b"{}"))

        assert wire.answer().check_error(404)["type"] == "invalid_request_error"

    def test_a_body_that_is_declared_too_long_is_refused_at_once(self, wire: Wire) -> None:
        started = time.monotonic()
        wire.send(request("POST", CHAT, None, f"Content-Length: {5 * MEBIBYTE}"))

        assert wire.answer().check_error(413)["code"] == "too_large"
        assert time.monotonic() - started < 3

    def test_a_refused_body_is_not_asked_for(self, wire: Wire) -> None:
        wire.send(request("POST", CHAT, None, "Expect: 100-continue", f"Content-Length: {5 * MEBIBYTE}"))

        # RFC 9110 §10.1.1: a final status may stand in place of 100; either way it must come without the body.
        assert wire.answer().check_error(413)["code"] == "too_large"

    def test_chunks_that_become_too_long_are_refused_when_they_do(self, plane: Gateway, wire: Wire) -> None:
        wire.send(request("POST", CHAT, None, "Transfer-Encoding: chunked"))
        piece = b"10000\r\n" + b" " * 65_536 + b"\r\n"
        with contextlib.suppress(ConnectionError):
            for _ in range(128):
                wire.send(piece)

        assert wire.answer().check_error(413)["code"] == "too_large"
        still_serves(plane)

    @pytest.mark.parametrize("fields", [1, 200], ids=["one", "many"])
    def test_headers_that_are_too_large_are_431(self, plane: Gateway, wire: Wire, fields: int) -> None:
        more = [f"X-{number}: {'y' * (200_000 // fields)}" for number in range(fields)]
        with contextlib.suppress(ConnectionError):
            wire.send(chat("plain", "x", *more))

        assert wire.answer().check_error(431)["code"] == "too_large"
        assert wire.is_closed()
        still_serves(plane)

    @pytest.mark.parametrize(
        "head",
        [
            pytest.param(f"{START}{LENGTH}\r\nContent-Length: 3\r\n", id="lengths-differ"),
            pytest.param(f"{START}Content-Length: {len(BODY)}, 3\r\n", id="length-list"),
            pytest.param(f"{START}Content-Length: -1\r\n", id="length-negative"),
            pytest.param(f"{START}Content-Length: +{len(BODY)}\r\n", id="length-plus"),
            pytest.param(f"{START}Content-Length: 0x10\r\n", id="length-hexadecimal"),
            pytest.param(f"{START}Content-Length: 99999999999999999999999\r\n", id="length-huge"),
            pytest.param(f"{START}{LENGTH}\r\nTransfer-Encoding: chunked\r\n", id="length-and-chunked"),
            pytest.param(f"{START}Transfer-Encoding: chunked\r\n{LENGTH}\r\n", id="chunked-and-length"),
            pytest.param(f"{START}Transfer-Encoding: gzip\r\n", id="gzip"),
            pytest.param(f"{START}Transfer-Encoding: chunked, identity\r\n", id="chunked-not-last"),
            pytest.param(f"{START}Transfer-Encoding: xchunked\r\n", id="not-quite-chunked"),
            pytest.param(f"{START}Transfer-Encoding: identity\r\n", id="identity"),
            pytest.param(f"{START}Transfer-Encoding: chunked, chunked\r\n", id="chunked-twice"),
            pytest.param(f"{START}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", id="two-encodings"),
            pytest.param(f"{START}Transfer-Encoding:\r\n chunked\r\n{LENGTH}\r\n", id="folded-encoding"),
            pytest.param(f"{START}{LENGTH}\r\n{LENGTH}\r\n", id="length-twice"),
            pytest.param(f"{START}Content-Length: {len(BODY)} 3\r\n", id="length-with-space"),
            pytest.param(f"{START}Transfer-Encoding : chunked\r\n", id="space-before-colon"),
            pytest.param(f"{START}Host: b\r\n{LENGTH}\r\n", id="two-hosts"),
            pytest.param(f"POST {CHAT} HTTP/1.1\r\n{LENGTH}\r\n", id="no-host"),
            pytest.param(f"{START}{LENGTH}\r\nX-Nul: a\0b\r\n", id="nul"),
            pytest.param(f"{START}hOsT: a\r\n{LENGTH}\r\n", id="the-same-host-twice"),
            pytest.param(f"{START}{LENGTH}\r\nX-Return: a\rb\r\n", id="bare-return"),
            pytest.param(f"{START}{LENGTH}\r\nX-Folded: a\r\n b\r\n", id="folded"),
            pytest.param(f"{START}{LENGTH}\r\nX Space: a\r\n", id="space-in-name"),
            pytest.param(f"{START}{LENGTH}\r\n: empty\r\n", id="no-name"),
            pytest.param(f"{START}{LENGTH}\r\nno colon\r\n", id="no-colon"),
            pytest.param(f"POST {CHAT} HTTP/3.7\r\nHost: a\r\n{LENGTH}\r\n", id="version"),
            pytest.param(f"POST {CHAT} HTTQ/1.1\r\nHost: a\r\n{LENGTH}\r\n", id="protocol"),
            pytest.param(f"POST {CHAT}\r\nHost: a\r\n{LENGTH}\r\n", id="no-version"),
            pytest.param(f"NONSENSE {CHAT} HTTP/1.1\r\nHost: a\r\n{LENGTH}\r\n", id="method"),
            pytest.param(f"POST chat completions HTTP/1.1\r\nHost: a\r\n{LENGTH}\r\n", id="target-with-spaces"),
            pytest.param(f"POST {CHAT}\0 HTTP/1.1\r\nHost: a\r\n{LENGTH}\r\n", id="target-with-nul"),
            pytest.param(f"POST {CHAT}#fragment HTTP/1.1\r\nHost: a\r\n{LENGTH}\r\n", id="target-with-fragment"),
            pytest.param(f"POST * HTTP/1.1\r\nHost: a\r\n{LENGTH}\r\n", id="asterisk"),
            pytest.param(f"POST {CHAT} HTTP/1.1\nHost: a\n{LENGTH}\n", id="bare-line-feeds"),
        ],
    )
    def test_a_request_that_two_readers_could_read_differently_is_refused(
        self, plane: Gateway, hostile: HostileUpstream, wire: Wire, head: str
    ) -> None:
        calls = hostile.state("plain")["requests"]
        end = "\n" if "\r" not in head else "\r\n"
        wire.socket.settimeout(5)

        wire.send(f"{head}Authorization: Bearer sk-1234{end}{end}".encode("latin-1") + BODY)

        answer = wire.answer()
        answer.check_error(400, 404, 405, 411, 413, 501, 505)
        assert hostile.state("plain")["requests"] == calls, "a refused request reached the provider"
        still_serves(plane)

    @pytest.mark.parametrize(
        "body",
        [b"zz\r\n", b"-1\r\n", b"5\r\nhello!!\r\n0\r\n\r\n", b"ffffffffffffffffff\r\n", b"0x5\r\nhello\r\n0\r\n\r\n"],
        ids=["no-number", "negative", "too-long", "overflow", "prefix"],
    )
    def test_broken_chunks_are_refused(self, plane: Gateway, wire: Wire, body: bytes) -> None:
        wire.socket.settimeout(5)
        wire.send(request("POST", CHAT, None, "Transfer-Encoding: chunked") + body)

        wire.answer().check_error(400, 413)
        assert wire.is_closed()
        still_serves(plane)

    @pytest.mark.parametrize("path", ["/v1/models", "/v1/files", "/health/liveliness"])
    @pytest.mark.parametrize("hosts", ["", "Host: a\r\nHost: a\r\n"], ids=["no-host", "two-hosts"])
    def test_the_rule_of_one_host_is_for_every_route(self, wire: Wire, path: str, hosts: str) -> None:
        wire.send(f"GET {path} HTTP/1.1\r\n{hosts}Authorization: Bearer sk-1234\r\n\r\n".encode())

        answer = wire.answer()

        assert answer.check_error(400)["code"] == "malformed_http"
        assert answer.headers["connection"] == "close"
        assert wire.is_closed()

    def test_a_target_may_be_absolute_whatever_the_host(self, wire: Wire) -> None:
        # RFC 9112 §3.2.2: the target's own authority goes before Host, and the gateway serves any.
        for path, method, body in [(CHAT, "POST", body_of("plain", "absolute")), ("/v1/models", "GET", None)]:
            wire.send(request(method, f"http://elsewhere.example{path}", body))
            assert wire.answer().status == 200

    @pytest.mark.parametrize(
        ("bad", "status"),
        [
            (f"POST {CHAT} HTTP/1.1\r\nContent-Length: 0\r\n\r\n", 400),
            ("NONSENSE\r\n\r\n", 400),
            (f"{START}Authorization: Bearer sk-1234\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
            (f"{START}X: {'x' * 100_000}", 431),
        ],
        ids=["no-host", "nonsense", "broken-chunk", "large-head"],
    )
    @pytest.mark.parametrize("path", [CHAT, "/v1/models"])
    def test_what_came_before_a_bad_request_is_answered_first(
        self, plane: Gateway, hostile: HostileUpstream, bad: str, status: int, path: str
    ) -> None:
        before = hostile.state("plain")["requests"]
        good = chat("plain", "before") if path == CHAT else request("GET", path)
        with Wire(plane.url, seconds=10) as one:
            one.send(good * 3 + bad.encode() + chat("plain", "smuggled"))

            assert [one.answer().status for _ in range(3)] == [200] * 3
            one.answer().check_error(status)
            assert one.is_closed()

        assert hostile.state("plain")["requests"] == before + (3 if path == CHAT else 0)

    def test_a_long_body_after_a_refused_head_is_let_in(self, wire: Wire) -> None:
        """Whoever sends all of it before reading would get a reset in place of the answer."""
        body = b"x" * (8 * MEBIBYTE)
        wire.send(f"POST {CHAT} HTTP/1.1\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)

        assert wire.answer().check_error(400)["code"] == "malformed_http"
        assert wire.is_closed()

    def test_what_follows_a_refused_framing_is_never_a_request(self, plane: Gateway, hostile: HostileUpstream) -> None:
        smuggled = chat("plain", "smuggled")
        before = hostile.state("plain")["requests"]
        with Wire(plane.url, seconds=5) as one:
            head = f"POST {CHAT} HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
            one.send(head.encode() + b"0\r\n\r\n" + smuggled)
            one.answer()
            assert one.is_closed()

        assert hostile.state("plain")["requests"] == before


class TestUpstreams:
    """Providers that do not behave."""

    @STREAMED
    @pytest.mark.parametrize(
        ("mode", "statuses"),
        [
            ("silent", (504,)),
            ("bighead", (502,)),
            ("certificate", (502, 503, 504)),
            ("early413", (413,)),
        ],
    )
    def test_a_provider_that_fails_is_an_error_of_its_class(
        self, plane: Gateway, wire: Wire, stream: bool, mode: str, statuses: tuple[int, ...]
    ) -> None:
        wire.send(chat(mode, stream=stream))

        error = wire.answer().check_error(*statuses)

        assert f"{mode}-0" in error["message"], error
        wire.send(chat("plain", "after"))
        assert wire.answer().content == "after"

    @STREAMED
    @pytest.mark.parametrize("mode", ["cut", "badchunk"])
    def test_an_answer_that_breaks_off_is_never_taken_for_a_whole_one(
        self, plane: Gateway, wire: Wire, stream: bool, mode: str
    ) -> None:
        wire.send(chat(mode, stream=stream))

        # If the head is already on its way, the end of the answer must not come; else there is an error to tell.
        with contextlib.suppress(EOFError, ConnectionResetError):
            wire.answer().check_error(502, 503)
        still_serves(plane)

    @pytest.mark.parametrize("size", [10, 3 * MEBIBYTE], ids=["small", "large"])
    def test_a_provider_may_refuse_before_it_has_read(self, wire: Wire, size: int) -> None:
        wire.send(chat("early413", "x" * size))

        wire.answer().check_error(413)

    @pytest.mark.parametrize("size", [10, 3 * MEBIBYTE], ids=["small", "large"])
    def test_a_provider_that_answers_and_hangs_up_is_an_answer_or_an_error(self, wire: Wire, size: int) -> None:
        wire.send(chat("early", "x" * size))

        answer = wire.answer()

        if answer.status == 200:
            assert answer.content == "early"
        else:
            answer.check_error(502, 503)
        wire.send(chat("plain", "after"))
        assert wire.answer().content == "after"

    @STREAMED
    def test_interim_answers_are_not_the_answer(self, wire: Wire, stream: bool) -> None:
        for _ in range(3):
            wire.send(chat("interim", "final", stream=stream))
            assert wire.answer().content.rstrip(".") == "final"

    @STREAMED
    def test_a_provider_that_closes_after_each_answer_harms_nobody(self, wire: Wire, stream: bool) -> None:
        for number in range(50):
            wire.send(chat("closer", f"{number}", stream=stream))
            assert wire.answer().content.rstrip(".") == str(number)

    def test_a_reused_connection_that_is_closed_is_an_answer_or_an_error(self, wire: Wire) -> None:
        statuses = set()
        for number in range(20):
            wire.send(chat("dropper", f"{number}"))
            answer = wire.answer()
            statuses.add(answer.status)
            if answer.status == 200:
                assert answer.content == str(number)
            else:
                answer.check_error(502, 503)
        assert 200 in statuses

    def test_a_provider_that_sends_without_end_does_not_fill_the_memory(
        self, plane: Gateway, hostile: HostileUpstream, unharmed: Watch
    ) -> None:
        with unharmed("a provider sends a gibibyte"), Wire(plane.url, seconds=60) as one:
            one.send(chat("flood"))
            head = one.head()
            received = 0
            if head.status == 200:
                # It was passed on as it came; then the client decides, and the end must be seen as one.
                while received < 64 * MEBIBYTE and (data := one.socket.recv(MEBIBYTE)):
                    received += len(data)
            else:
                Answer(head.status, head.headers, one.exactly(int(head.headers["content-length"]))).check_error(
                    502, 413
                )
        forget_later(hostile, "flood")
        assert hostile.state("flood")["sent"] < 512 * MEBIBYTE


class TestClients:
    """Clients that do not behave, while others are served."""

    def test_drips_of_a_byte_hold_nobody_up(self, plane: Gateway, unharmed: Watch) -> None:
        whole = chat("plain")
        body_at = whole.index(b"\r\n\r\n") + 4
        with unharmed("200 clients drip"), contextlib.ExitStack() as stack:
            head_drips = [stack.enter_context(Wire(plane.url)) for _ in range(100)]
            body_drips = [stack.enter_context(Wire(plane.url)) for _ in range(100)]
            for one in body_drips:
                one.send(whole[:body_at])
            for step in range(4):
                for one in head_drips:
                    one.send(whole[step : step + 1])
                for one in body_drips:
                    one.send(whole[body_at + step : body_at + step + 1])
                time.sleep(1)  # The pace of the drip.
            for one in head_drips[:5]:
                one.send(whole[4:])
                assert one.answer().content == "hello"
            for one in body_drips[:5]:
                one.send(whole[body_at + 4 :])
                assert one.answer().content == "hello"

    def test_a_head_that_never_ends_is_ended(self, plane: Gateway) -> None:
        with Wire(plane.url, seconds=25) as one:
            one.send(b"POST /v1/chat/completions HTTP/1.1\r\nX: ")
            started = time.monotonic()
            assert one.is_closed()
            assert time.monotonic() - started < 20

    @pytest.mark.parametrize("mode", ["large", "firehose"])
    def test_clients_that_never_read_do_not_fill_the_memory(
        self, plane: Gateway, hostile: HostileUpstream, unharmed: Watch, mode: str
    ) -> None:
        count = 12
        with unharmed(f"{count} clients of {mode} never read"):
            before = hostile.state(mode)["sent"]
            with contextlib.ExitStack() as stack:
                for _ in range(count):
                    one = stack.enter_context(Wire(plane.url, receive_buffer=4096))
                    one.send(chat(mode, stream=mode == "firehose"))
                settled = settle(lambda: hostile.state(mode)["sent"])
                each = (settled - before) / count
                print(f"{mode}: {each / MEBIBYTE:.2f} MiB an upstream until it stood still")
                # The buffers of four sockets' ends, which the system lets grow; a whole answer is 64 MiB.
                assert each < 24 * MEBIBYTE
        forget_later(hostile, mode)

    def test_a_slow_reader_slows_its_own_provider_only(
        self, plane: Gateway, hostile: HostileUpstream, unharmed: Watch
    ) -> None:
        with unharmed("a reader is slow"), Wire(plane.url, receive_buffer=4096) as slow, Wire(plane.url) as fast:
            slow.send(chat("firehose", stream=True))
            stood = settle(lambda: hostile.state("firehose")["sent"])
            fast.send(chat("firehose", stream=True))
            assert fast.head().status == 200
            for _ in range(500):
                fast.chunk()
            fast.socket.shutdown(socket.SHUT_RDWR)
            assert hostile.state("firehose")["sent"] - stood >= 500 * 16_000
            # The slow one goes on where it stood.
            assert slow.head().status == 200
            for _ in range(300):
                assert slow.chunk()
        forget_later(hostile, "firehose")

    @pytest.mark.parametrize("mode", ["hold", "firehose"])
    @pytest.mark.parametrize("is_answered", [False, True], ids=["before-the-answer", "in-the-answer"])
    @pytest.mark.parametrize("how", ["close", "half-close", "reset"])
    def test_a_client_that_leaves_takes_its_call_along(
        self, plane: Gateway, hostile: HostileUpstream, mode: str, is_answered: bool, how: str
    ) -> None:
        before = hostile.state(mode)["bodies"]
        with Wire(plane.url) as one:
            one.send(chat(mode, stream=True))
            until("the call is open", lambda: hostile.state(mode)["bodies"] > before)
            if is_answered:
                assert one.head().status == 200
            if how == "half-close":
                one.socket.shutdown(socket.SHUT_WR)
            elif how == "reset":
                one.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
                one.socket.close()
            else:
                one.socket.close()
            forget_later(hostile, mode)

    def test_leaving_in_the_middle_of_a_body_is_no_call(self, plane: Gateway, hostile: HostileUpstream) -> None:
        before = hostile.state("plain")["requests"]
        for cut in range(1, len(BODY), 7):
            with Wire(plane.url) as one:
                one.send(request("POST", CHAT, None, LENGTH) + BODY[:cut])

        still_serves(plane)
        assert hostile.state("plain")["requests"] == before + 1

    def test_pipeliners_that_never_read_are_held_back(self, plane: Gateway, unharmed: Watch) -> None:
        with unharmed("20 clients pipeline 1,000 chats unread"), contextlib.ExitStack() as stack:
            wires = [stack.enter_context(Wire(plane.url, seconds=0.5, receive_buffer=4096)) for _ in range(20)]
            for one in wires:
                # The gateway may stop reading when it has enough to do.
                with contextlib.suppress(TimeoutError):
                    one.send(chat("plain", "x" * 20_000) * 1000)
            time.sleep(1)  # The length of the attack.

    def test_ten_thousand_connections_are_held(self, fresh: Gateway, quiet_p99: float, many_descriptors: int) -> None:
        count = min(10_000, many_descriptors - 3_000)
        assert count >= 1_000, "too few descriptors are allowed to measure anything"
        still_serves(fresh)
        before = fresh.process.memory_bytes("VmRSS")
        unharmed = watcher(fresh, quiet_p99)
        with contextlib.ExitStack() as stack:
            wires = []
            while len(wires) < count:
                sources = [f"127.0.0.{2 + number % 4}" for number in range(min(100, count - len(wires)))]
                batch = [stack.enter_context(Wire(fresh.url, source=source)) for source in sources]
                # A connection that has asked nothing is closed after 15 seconds.
                for one in batch:
                    one.send(request("GET", "/health/liveliness", key=None))
                assert all(one.answer().status == 200 for one in batch)
                wires += batch
            for one in wires[:: count // 50]:
                one.send(chat("plain", "one of many"))
                assert one.answer().content == "one of many"
            with unharmed(f"{count} connections are open"):
                grown = fresh.process.memory_bytes("VmRSS") - before
                print(f"{count} connections: {grown / count:.0f} bytes each")
            assert not any(one.has_news() for one in wires), "the gateway has closed some"
            assert grown < count * 40_000


class TestAGatewayThatStoodStill:
    """As in a container that was frozen, or on a host that was busy with others."""

    def test_does_not_blame_its_clients(self, fresh: Gateway, many_descriptors: int) -> None:
        """More of them than one turn of an event loop reads from, each after its deadline for the first request."""
        with contextlib.ExitStack() as stack:
            wires = [stack.enter_context(Wire(fresh.url, seconds=30)) for _ in range(500)]
            still_serves(fresh)
            fresh.signal(signal.SIGSTOP)
            try:
                for number, one in enumerate(wires):
                    one.send(chat("plain", f"{number}"))
                time.sleep(16)  # A connection that has asked nothing is closed after 15 seconds.
            finally:
                fresh.signal(signal.SIGCONT)

            assert [one.answer().content for one in wires] == [str(number) for number in range(500)]

    def test_does_not_blame_its_providers(
        self, fresh: Gateway, hostile: HostileUpstream, many_descriptors: int
    ) -> None:
        """Their answers came while it stood still, and longer than they are given."""
        before = hostile.state("tardy")
        with contextlib.ExitStack() as stack:
            wires = [stack.enter_context(Wire(fresh.url, seconds=30)) for _ in range(500)]
            for number, one in enumerate(wires):
                one.send(chat("tardy", f"{number}"))
                # Few at a time: a turn of the loop reads from more once it has had much to read.
                if number % 20 == 19:
                    asked = before["bodies"] + number + 1
                    until("they were asked", lambda asked=asked: hostile.state("tardy")["bodies"] == asked)
            fresh.signal(signal.SIGSTOP)
            try:
                hostile.release()
                time.sleep(5)  # A second more than the deployment is given.
            finally:
                fresh.signal(signal.SIGCONT)

            assert [one.answer().content for one in wires] == [str(number) for number in range(500)]


class TestStreams:
    """Server-sent events."""

    def test_each_event_arrives_before_the_next_is_sent(
        self, plane: Gateway, hostile: HostileUpstream, wire: Wire
    ) -> None:
        wire.send(chat("lockstep", stream=True))
        assert wire.head().status == 200
        for number in range(8):
            event = b""
            while not event.endswith(b"\n\n"):
                event += wire.chunk()
            assert f"event {number}".encode() in event and event.count(b"data: ") == 1
            hostile.release()
        rest = b""
        while data := wire.chunk():
            rest += data
        assert rest.endswith(b"data: [DONE]\n\n")

    def test_events_pass_without_a_pause(self, plane: Gateway, hostile: HostileUpstream) -> None:
        """Each event comes to a client of the gateway about when it comes to a client of the provider itself."""
        begun: list[list[float]] = [[], []]
        behind: list[float] = []
        sent = chat("lockstep", stream=True)
        with Wire(hostile.url("lockstep")) as direct, Wire(plane.url) as through:
            for _ in range(30):
                for number, one in enumerate((direct, through)):
                    started = time.perf_counter()
                    one.send(sent.replace(CHAT.encode(), b"/lockstep/chat/completions") if one is direct else sent)
                    assert one.head().status == 200 and b"event 0" in one.chunk()
                    begun[number].append(time.perf_counter() - started)
                for _ in range(7):
                    hostile.release()
                    times = arrivals(direct, through)
                    behind.append(times[1] - times[0])
                    for one in (direct, through):
                        assert one.chunk().startswith(b"data: ")
                hostile.release()
                for one in (direct, through):
                    while one.chunk():
                        pass
        first = 1000 * (quantile(begun[1], 0.5) - quantile(begun[0], 0.5))
        p50, p99 = (1000 * quantile(behind, share) for share in (0.5, 0.99))
        print(f"first event {first:.2f} ms later at p50, later ones {p50:.2f} at p50, {p99:.2f} at p99")
        # Generous: anything that gathers events would cost at least a tick of a timer or Nagle's 40 ms.
        assert first < 10 and p50 < 5

    def test_two_thousand_streams_stay_open_and_small(
        self, fresh: Gateway, hostile: HostileUpstream, quiet_p99: float
    ) -> None:
        count = 2000
        still_serves(fresh)
        before = fresh.process.memory_bytes("VmRSS")
        with contextlib.ExitStack() as stack:
            opening = stack.enter_context(contextlib.ExitStack())
            probe = opening.enter_context(probing(fresh.url, "ordinary"))
            wires = []
            for _ in range(count):
                one = stack.enter_context(Wire(fresh.url))
                one.send(chat("hold", stream=True))
                wires.append(one)
                if len(wires) % 100 == 0:
                    for other in wires[-100:]:
                        assert other.head().status == 200
                        assert b"first" in other.chunk()
            opening.close()
            print(f"{count} streams are being opened: p50 {probe.p50:.1f}, p99 {probe.p99:.1f} ms")
            assert not probe.failures, probe.failures
            assert probe.p99 < max(MOST_P99_MS, 5 * quiet_p99)
            with watcher(fresh, quiet_p99)(f"{count} streams are open"):
                assert hostile.state("hold")["open"] == count
                each = (fresh.process.memory_bytes("VmRSS") - before) / count
                print(f"{count} open streams: {each / 1000:.1f} kB each")
            assert each < 50_000
        forget_later(hostile, "hold")


def arrivals(*wires: Wire) -> list[float]:
    """When something to read came over each."""
    times = dict.fromkeys(wires, 0.0)
    deadline = time.monotonic() + 10
    while not all(times.values()):
        assert time.monotonic() < deadline, "an event did not come"
        ready, _, _ = select.select([one.socket for one in wires if not times[one]], [], [], 1)
        now = time.perf_counter()
        times |= {one: now for one in wires if one.socket in ready}
    return list(times.values())


def quantile(values: list[float], share: float) -> float:
    return sorted(values)[int(len(values) * share)]


def settle(probe: Callable[[], int], seconds: float = 15) -> int:
    """Waits until a number has stood still for half a second, and returns it."""
    deadline = time.monotonic() + seconds
    last, since = probe(), time.monotonic()
    while time.monotonic() - since < 0.5:
        assert time.monotonic() < deadline, f"still growing after {seconds} s: {last}"
        time.sleep(0.05)  # The pace of the polling.
        if (now := probe()) != last:
            last, since = now, time.monotonic()
    return last
