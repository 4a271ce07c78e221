import Hummingbird

/// Answers the requests of one port: control, faults, log, provider.
struct SimulatorResponder: HTTPResponder {
    let provider: Provider
    let simulation: Simulation

    func respond(to request: Request, context: SimulatorContext) async throws -> Response {
        let client = simulation.connections.connection(over: context.channel)
        let incoming = Incoming(request, provider: provider, client: client)
        if incoming.path.hasPrefix("/_sim/") {
            let reply = await ControlRoutes(simulation: simulation).reply(to: incoming)
            return ReplyWriter(reply: reply, fault: nil, client: client, onEnd: { _ in }).response()
        }
        return try await answer(incoming)
    }

    private func answer(_ request: Incoming) async throws -> Response {
        let account = simulation.account(of: request)
        let number = simulation.log.open(request, account: account)
        let fault = simulation.faults.next(for: request, account: account)
        request.cutsBodyAfterBytes = fault?.cutRequestAfterBytes
        do {
            let reply = try await reply(to: request, under: fault)
            let (log, bodyBytes) = (simulation.log, request.bodyBytes)
            return ReplyWriter(reply: reply, fault: fault, client: request.client) { isCancelled in
                log.close(number, status: reply.status, bodyBytes: bodyBytes, isCancelled: isCancelled)
            }.response()
        } catch {
            let isCancelled = !(error is ConnectionCut)
            simulation.log.close(number, status: nil, bodyBytes: request.bodyBytes, isCancelled: isCancelled)
            try await request.client.close()
            throw error
        }
    }

    private func reply(to request: Incoming, under fault: Fault?) async throws -> Reply {
        guard let fault else { return try await providerReply(to: request) }
        if fault.isHeld { try await simulation.held.hold(request.client) }
        if let delay = fault.delay { try await request.client.pause(for: delay) }
        guard fault.replacesAnswer else { return try await providerReply(to: request) }
        if fault.comesAfterEffect {
            _ = try await providerReply(to: request)
        } else if let count = fault.comesAfterBytes {
            try await request.drain(atLeast: count)
        } else if !fault.comesEarly {
            try await request.drain()
        }
        if fault.neverAnswers {
            await request.client.untilGone()
            throw ClientGone()
        }
        guard let status = fault.status, !fault.closesBeforeAnswer else { throw ConnectionCut() }
        return simulation.failure(of: provider, status: status, fault: fault)
    }

    private func providerReply(to request: Incoming) async throws -> Reply {
        switch provider {
        case .openAI: try await simulation.openAI.reply(to: request)
        case .google: try await simulation.google.reply(to: request)
        }
    }
}
