//! One chat completion.

use crate::abi::*;
use crate::json;
use crate::target::Target;

/// Any number but 0 will do: there is one request at a time.
const REQUEST: u32 = 1;
const AGAIN: u32 = ERRF_RETRY | ERRF_FALLBACK;

enum State {
    Begins,
    AwaitsHead,
    Pipes,
    ReadsRefusal { status: i32, retry_after: u64 },
    IsOver,
}

pub struct Operation {
    target: &'static Target,
    state: State,
}

impl Operation {
    pub fn new(target: &'static Target) -> Self {
        Operation { target, state: State::Begins }
    }

    /// One event in, any number of commands out. What newer hosts may send is ignored.
    pub fn step(&mut self, event: &Event, sink: &Sink) -> Result<(), Status> {
        match (&self.state, event.kind) {
            (State::IsOver, _) => Ok(()),
            (_, EV_CANCEL) => self.fail(sink, ERR_CANCELLED, 0, "The client is gone."),
            (State::Begins, EV_START) => self.start(event, sink),
            (State::Begins, _) => Ok(()),
            (State::AwaitsHead, EV_HEAD) => self.head(event, sink),
            (_, EV_END) => self.end(sink),
            (_, EV_FAILED) => self.failed(event.code, sink),
            _ => Ok(()),
        }
    }

    /// The client's request with the model's name replaced by the provider's: a few pieces, not a copy.
    fn start(&mut self, event: &Event, sink: &Sink) -> Result<(), Status> {
        let length = event.data.bytes().len() as u64;
        let names: Vec<Vec<u8>> = event.refs().iter().map(|place| json::quoted(place.upstream_id.bytes())).collect();
        let mut segments = Vec::new();
        let mut position = 0;
        for (place, name) in event.refs().iter().zip(&names) {
            if place.kind != REF_MODEL {
                return self.fail(sink, ERR_UNSUPPORTED, 0, "acme takes no files or earlier responses.");
            }
            if place.offset < position || place.offset > length || place.length > length - place.offset {
                return Err(E_INVALID);
            }
            add_input(&mut segments, position, place.offset);
            segments.push(Segment { kind: SEG_BYTES, flags: 0, bytes: Slice::new(name), offset: 0, length: 0 });
            position = place.offset + place.length;
        }
        add_input(&mut segments, position, length);
        self.send(&segments, sink)
    }

    fn send(&mut self, segments: &[Segment], sink: &Sink) -> Result<(), Status> {
        let none = Slice::new(b"");
        let mut headers =
            vec![Pair { name: Slice::new(b"Content-Type"), value: Slice::new(b"application/json"), secret: none }];
        if let Some(secret) = &self.target.secret {
            headers.push(Pair {
                name: Slice::new(b"Authorization"),
                value: Slice::new(b"Bearer "),
                secret: Slice::new(secret.as_bytes()),
            });
        }
        let mut command = Command::new(CMD_HTTP);
        command.request = REQUEST;
        // The only framing of which an answer can be piped.
        command.code = FRAME_RAW;
        command.method = Slice::new(b"POST");
        command.url = Slice::new(self.target.url.as_bytes());
        command.set_pairs(&headers);
        command.set_segments(segments);
        self.state = State::AwaitsHead;
        sink.emit(&command)
    }

    /// The answer goes to the client as it comes, streamed or not; a refusal is turned into a failure.
    fn head(&mut self, event: &Event, sink: &Sink) -> Result<(), Status> {
        if (200..300).contains(&event.code) {
            let mut command = Command::new(CMD_PIPE);
            command.request = REQUEST;
            self.state = State::Pipes;
            return sink.emit(&command);
        }
        let header = event.pairs().iter().find(|pair| pair.name.bytes() == b"retry-after");
        let seconds = header.and_then(|pair| std::str::from_utf8(pair.value.bytes()).ok()?.parse::<u32>().ok());
        let retry_after = u64::from(seconds.unwrap_or(0).min(999_999)) * 1000;
        self.state = State::ReadsRefusal { status: event.code, retry_after };
        Ok(())
    }

    fn end(&mut self, sink: &Sink) -> Result<(), Status> {
        match self.state {
            State::ReadsRefusal { status, .. } => self.refused(status, sink),
            State::Pipes => {
                let mut command = Command::new(CMD_RESULT);
                command.data = Slice::new(b"{}");
                self.state = State::IsOver;
                sink.emit(&command)
            }
            _ => self.fail(sink, ERR_UPSTREAM_PROTOCOL, ERRF_FALLBACK, "acme's answer has no head."),
        }
    }

    fn refused(&mut self, status: i32, sink: &Sink) -> Result<(), Status> {
        // The provider's own words are not shown: they may quote the key.
        let (reason, flags, message) = match status {
            401 | 403 => (ERR_UPSTREAM_AUTH, ERRF_FALLBACK, "acme refused this deployment's credentials."),
            404 => (ERR_NOT_FOUND, 0, "acme does not know this model."),
            413 => (ERR_TOO_LARGE, 0, "The request is too large for acme."),
            429 => (ERR_RATE_LIMIT, AGAIN, "acme has too many requests now."),
            400..=499 => (ERR_INVALID, 0, "acme refused the request as invalid."),
            500.. => (ERR_UPSTREAM_UNAVAILABLE, AGAIN, "acme is out of order."),
            _ => (ERR_UPSTREAM_PROTOCOL, ERRF_FALLBACK, "acme answered with a status that is not expected."),
        };
        self.fail(sink, reason, flags, message)
    }

    fn failed(&mut self, code: i32, sink: &Sink) -> Result<(), Status> {
        let (reason, flags, message) = match code {
            NET_TIMEOUT => (ERR_UPSTREAM_TIMEOUT, AGAIN, "acme did not answer in time."),
            NET_TOO_LARGE => (ERR_UPSTREAM_PROTOCOL, 0, "acme's answer is too large."),
            NET_DENIED => (ERR_INTERNAL, 0, "The manifest's `hosts` do not allow this request."),
            _ => (ERR_UPSTREAM_UNAVAILABLE, AGAIN, "acme could not be reached."),
        };
        self.fail(sink, reason, flags, message)
    }

    fn fail(&mut self, sink: &Sink, reason: i32, flags: u32, message: &str) -> Result<(), Status> {
        let mut command = Command::new(CMD_ERROR);
        if let State::ReadsRefusal { status, retry_after } = self.state {
            command.upstream = u32::try_from(status).unwrap_or(0);
            command.value = retry_after;
        }
        command.code = reason;
        command.flags = flags;
        command.data = Slice::new(message.as_bytes());
        self.state = State::IsOver;
        sink.emit(&command)
    }
}

/// A range of the client's request, which the host still holds; an empty one would mean all of the rest.
fn add_input(segments: &mut Vec<Segment>, from: u64, to: u64) {
    if from < to {
        segments.push(Segment { kind: SEG_INPUT, flags: 0, bytes: Slice::new(b""), offset: from, length: to - from });
    }
}
