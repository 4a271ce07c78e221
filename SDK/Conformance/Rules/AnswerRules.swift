import CGantryPlugin

/// The rules about what an upstream may answer.
enum AnswerRules {
    /// Bodies that come in other pieces lead to the same end.
    static func splitBodies(_ context: RuleContext) throws(RuleStop) -> Int {
        try context.eachScript { (script) throws(RuleStop) in
            guard let end = try context.baseline(script).last?.commands.last, end.isEnd else { return 0 }
            var cases = 0
            for (index, answer) in script.answers.enumerated() {
                let whole = Array(answer.body.joined())
                guard whole.count > 1 else { continue }
                for cut in EndingRules.places(whole.count) where cut > 0 {
                    var changed = script
                    changed.answers[index].body = [Array(whole[..<cut]), Array(whole[cut...])]
                    let place =
                        "\(script.name), answer \(index + 1) in two pieces of \(cut) and \(whole.count - cut) bytes"
                    context.note(place)
                    let run = try finished(context, changed, place)
                    cases += 1
                    guard run.commands.last?.line == end.line else {
                        throw .broken(
                            "It ended with `\(run.commands.last?.shortLine ?? "nothing")` instead of `\(end.shortLine)`.",
                            at: place,
                            advice: "Pieces of a raw response end anywhere: put together what belongs together."
                        )
                    }
                }
            }
            return cases
        }
    }

    /// Bodies that are cut off at every offset, with and without an error.
    static func cutBodies(_ context: RuleContext) throws(RuleStop) -> Int {
        try context.eachScript { (script) throws(RuleStop) in
            var cases = 0
            for (index, answer) in script.answers.enumerated() {
                let whole = Array(answer.body.joined())
                for cut in EndingRules.places(whole.count) {
                    for failure in [nil, (Int32(GANTRY_NET_RESET), "connection reset")] {
                        var changed = script
                        changed.answers[index].body = cut == 0 ? [] : [Array(whole[..<cut])]
                        changed.answers[index].failure = failure
                        let place =
                            "\(script.name), answer \(index + 1) "
                            + (failure == nil ? "ended" : "broken off") + " after \(cut) of \(whole.count) bytes"
                        context.note(place)
                        _ = try finished(context, changed, place)
                        cases += 1
                    }
                }
            }
            return cases
        }
    }

    private static let failures: [ConformanceScript.Answer] = {
        let bodies: [String] = [
            "", "<html>Bad gateway</html>", "{", "[]", "null", "7", #""text""#, #"{"error":null}"#,
            #"{"error":{"message":7,"type":[],"code":{}}}"#, #"{"id":7,"data":{},"choices":"x","access_token":[]}"#,
            "\u{FEFF}{}", String(repeating: "[", count: 5000),
        ]
        let answers = [200, 204, 302, 400, 401, 403, 404, 409, 413, 429, 500, 503, 999].flatMap { status in
            bodies.map { body in
                var answer = ConformanceScript.Answer()
                answer.status = Int32(status)
                answer.headers = [
                    ScriptedHeader(name: "content-type", value: "text/html"),
                    ScriptedHeader(name: "retry-after", value: "99999999999999999999"),
                ]
                answer.body = body.isEmpty ? [] : [Array(body.utf8)]
                return answer
            }
        }
        return answers
            + (GANTRY_NET_DNS...GANTRY_NET_DENIED).map { code in
                var answer = ConformanceScript.Answer()
                (answer.failure, answer.isRefused) = ((Int32(code), "made up"), true)
                return answer
            }
    }()

    /// Failures and rubbish instead of every answer.
    static func upstreamFailures(_ context: RuleContext) throws(RuleStop) -> Int {
        try context.eachScript { (script) throws(RuleStop) in
            let requests = try context.baseline(script).flatMap { $0.commands }.filter { $0.hasKind(GANTRY_CMD_HTTP) }
                .count
            var cases = 0
            for index in 0..<min(requests, 8) {
                for failure in failures {
                    var changed = script
                    let given = (0..<index).map { script.answer($0) }
                    changed.answers = given + [failure, script.answer(index)]
                    let place =
                        "\(script.name), request \(index + 1) answered with "
                        + (failure.isRefused
                            ? "failure \(failure.failure?.code ?? 0)"
                            : "\(failure.status) and `"
                                + CapturedCommand.text(Array(failure.body.joined())).prefix(60) + "`")
                    context.note(place)
                    _ = try finished(context, changed, place)
                    cases += 1
                }
            }
            return cases
        }
    }

    /// Runs a changed script, which has to end properly.
    private static func finished(
        _ context: RuleContext,
        _ script: ConformanceScript,
        _ place: String
    ) throws(RuleStop) -> OperationRun {
        let session = try context.session(script)
        let run = try session.begin(script)
        let isOver = run.finish()
        run.free()
        session.close()
        guard run.status == 0 else {
            throw .broken(
                "`op_step` returned \(run.status).",
                at: place,
                advice:
                    "An upstream may answer anything: end with an ERROR of the class that fits, and return GANTRY_OK."
            )
        }
        guard isOver else {
            throw .broken(
                "The operation did not end after \(run.steps.count) events.",
                at: place,
                advice: "An upstream may answer anything: end with an ERROR of the class that fits."
            )
        }
        if let wrong = run.commands.first(where: { $0.answer != 0 || $0.defect != nil }) {
            throw .broken(
                "The host refused `\(wrong.shortLine)` with \(wrong.answer).",
                at: place,
                advice: "Emit well-formed commands only, and nothing after the end."
            )
        }
        return run
    }
}

extension ConformanceRule {
    static let answerRules = [
        ConformanceRule("split-bodies", "answers may come in any pieces") {
            (context) throws(RuleStop) in try AnswerRules.splitBodies(context)
        },
        ConformanceRule("cut-bodies", "answers may end or break off anywhere") {
            (context) throws(RuleStop) in try AnswerRules.cutBodies(context)
        },
        ConformanceRule("upstream-failures", "every request may fail or be answered with rubbish") {
            (context) throws(RuleStop) in try AnswerRules.upstreamFailures(context)
        },
    ]
}
