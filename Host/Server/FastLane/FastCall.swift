import HTTPTypes
import HostCore
import HostPlugins
import HostRegistry
import Logging
import NIOCore
import NIOHTTP1

/// One request of the fast lane, from its head to the end of its answer.
///
/// It takes what the rules need from memory; only if the database, or a provider that lost a file, has to be asked does
/// it leave the event loop, and comes back.
final class FastCall: LaneCall {
    /// What the calls of one connection have in common.
    final class Maker: FastCallMaker {
        let services: GatewayServices
        let authenticator: Authenticator
        private var latestCallID = RecordUUID.random()

        init(services: GatewayServices, authenticator: Authenticator) {
            self.services = services
            self.authenticator = authenticator
        }

        func makeCall(
            _ fields: RequestFields,
            _ match: FastRoutes.Match,
            on lane: FastLane,
            loop: any EventLoop
        ) -> any LaneCall {
            // Unlike any other, without a system call for each.
            latestCallID = RecordUUID(high: latestCallID.high, low: latestCallID.low &+ 1)
            return FastCall(fields, match, callID: latestCallID.text, by: self, on: lane, loop: loop)
        }
    }

    private static let shortBody: Int64 = 64 * 1024

    let loop: any EventLoop
    let callID: String
    let maker: Maker
    /// Looked at when the call begins, and dropped: the client's key is among them.
    private var fields: RequestFields?
    let match: FastRoutes.Match
    let receivedAt = ContinuousClock.now
    /// Nil when the call is over.
    private(set) var lane: FastLane?

    private var body = ByteBuffer()
    /// The longest body that is taken, as it was when the call began.
    private var limit = 0
    /// Held as long as the body is.
    private var share: RequestMemory.Share?
    private var keyDigest: KeyDigest?
    /// Why the request is refused when its body has been read.
    private var refusal: (any Error)?

    // The attempts, see FastCall+Attempts.swift.
    var modelCall: ModelCall?
    var plan: AttemptPlan?
    /// What the client called the model.
    var askedModel: String?
    /// Why the attempt before this one failed.
    var failed: (any Error)?
    var pause: Scheduled<Void>?
    var overhead: Duration?

    private var task: Task<Void, Never>?
    var driver: OperationDriver?
    var deployment: Deployment?
    var answer = FastAnswer.none
    /// What is made of a response, if one is; also after the client has gone, for what exists has to be written down.
    var response: MadeResponse?
    /// How many events the client has got.
    var events = 0
    var status = 0
    /// How much of a piped answer's body has not come; nil if nobody knows.
    var missing: Int?

    init(
        _ fields: RequestFields,
        _ match: FastRoutes.Match,
        callID: String,
        by maker: Maker,
        on lane: FastLane,
        loop: any EventLoop
    ) {
        self.maker = maker
        self.fields = fields
        self.callID = callID
        self.match = match
        self.lane = lane
        self.loop = loop
    }

    // MARK: The request

    /// Sees what can be seen without the body.
    ///
    /// What is refused already is said at once if a long body would follow for nothing; after a short one the connection
    /// can be used again.
    func begin() {
        guard let fields else { return }
        self.fields = nil
        limit = maker.services.limits.requestBytes
        let length = fields.length
        do {
            if let length, length > limit { throw GatewayError.bodyTooLarge(limit: limit) }
            let digest = try maker.authenticator.digest(of: fields.credentials)
            keyDigest = digest
            _ = try maker.authenticator.cachedPrincipal(for: digest)
            share = try maker.services.requestMemory.share(ofBytes: length ?? Int64(limit))
        } catch {
            if length ?? .max > Self.shortBody { refuse(error) } else { refusal = error }
        }
    }

    func receive(_ bytes: ByteBuffer) {
        guard lane != nil, refusal == nil else { return }
        guard body.readableBytes + bytes.readableBytes <= limit else {
            body = ByteBuffer()
            return refuse(GatewayError.bodyTooLarge(limit: limit))
        }
        if body.readableBytes == 0 { body = bytes } else { body.writeImmutableBuffer(bytes) }
    }

    func receiveEnd() {
        goOn {
            if let refusal { throw refusal }
            guard let keyDigest else { return }
            let authenticator = maker.authenticator
            // Again: the key may have been revoked while the body came.
            if let principal = try authenticator.cachedPrincipal(for: keyDigest) {
                return try apply(rulesFor: principal)
            }
            leave {
                try await authenticator.principal(for: keyDigest)
            } then: {
                try $0.apply(rulesFor: $1)
            }
        }
    }

    private func apply(rulesFor principal: Principal) throws {
        let services = maker.services
        let modelInPath = try match.model.map { try PathPart.decoded(String($0), name: "model") }
        let unresolved = try ModelCall(body: body, modelInPath: modelInPath, for: principal, services)
        body = ByteBuffer()
        // It is large: on the usual way nobody copies it.
        modelCall = unresolved
        if try modelCall?.resolveFromMemory(services) ?? false { return try attempt() }
        leave {
            var call = unresolved
            try await call.resolve(services)
            return call
        } then: { this, call in
            this.modelCall = call
            try this.attempt()
        }
    }

    // MARK: Away from the event loop

    /// Does what may wait in a task, and goes on here.
    func leave<Value: Sendable>(
        for work: @escaping @Sendable () async throws -> Value,
        then proceed: @escaping @Sendable (FastCall, Value) throws -> Void
    ) {
        let this = NIOLoopBound(self, eventLoop: loop)
        let loop = loop
        let served = modelCall?.served
        task = Task {
            let outcome: Result<Value, any Error>
            do {
                outcome = .success(try await PluginSnapshot.$pinned.withValue(served) { try await work() })
            } catch {
                outcome = .failure(error)
            }
            loop.execute { this.value.comeBack(outcome, proceed) }
        }
    }

    private func comeBack<Value>(
        _ outcome: Result<Value, any Error>,
        _ proceed: (FastCall, Value) throws -> Void
    ) {
        task = nil
        goOn { try proceed(self, try outcome.get()) }
    }

    /// Does a step of a call that is not over; its error is the answer.
    func goOn(_ step: () throws -> Void) {
        guard lane != nil else { return }
        do {
            try step()
        } catch {
            refuse(error)
        }
    }

    // MARK: Endings

    /// The client has gone.
    func cancel() {
        let (task, driver) = (task, driver)
        finish()
        task?.cancel()
        driver?.cancel()
    }

    func writabilityChanged(to isWritable: Bool) {
        if isWritable { driver?.resume() } else { driver?.pause() }
    }

    /// A deployment answers, so there will be no other attempt: what that would need goes, as streams may be open long.
    func forgetRequest() {
        modelCall = nil
        plan = nil
        failed = nil
    }

    func finish() {
        lane = nil
        driver = nil
        task = nil
        pause?.cancel()
        share = nil
        modelCall = nil
        answer = .ended
    }

    /// Answers with an error in OpenAI's form.
    func refuse(_ error: any Error) {
        guard lane != nil else { return }
        do {
            let refusal = ErrorResponses.logged(error, callID: callID, maker.services.logger)
            let json = try ByteBuffer(json: refusal.body)
            var head = answerHead(
                HTTPResponseStatus(statusCode: refusal.status.code),
                contentType: "application/json",
                length: json.readableBytes
            )
            if let seconds = refusal.retryAfter { head.add("retry-after", "\(seconds)") }
            begin(head)
            writeBody(json)
            end()
        } catch {
            abort()
        }
    }

    /// The head of an answer, with what every answer says.
    func answerHead(_ status: HTTPResponseStatus, contentType: String, length: Int?) -> AnswerHead {
        var head = AnswerHead(status, length: length)
        head.add("content-type", contentType)
        head.add("x-gantry-call-id", callID)
        head.add("date", HTTPDate.now)
        return head
    }
}
