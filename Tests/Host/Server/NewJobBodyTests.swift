import Foundation
import HostCore
import Testing

@testable import HostServer

struct NewJobBodyTests {
    private let fileIDs = FileIDCodec(format: .gantry) { message in
        [UInt8](repeating: UInt8(truncatingIfNeeded: message.count), count: 32)
    }

    private func body(_ members: String) throws -> NewJobBody {
        let text = #"{"model":"gpt","training_file":"file-1"\#(members.isEmpty ? "" : ",")\#(members)}"#
        return try JSONDecoder().decode(NewJobBody.self, from: Data(text.utf8))
    }

    @Test(arguments: [
        "", #""suffix":"mine","seed":0,"validation_file":null"#, #""method":{"type":"supervised"}"#,
        #""method":{"type":"dpo","dpo":{"hyperparameters":{"beta":0.1}}}"#, #""hyperparameters":{"n_epochs":"auto"}"#,
        #""integrations":[{"type":"wandb","wandb":{"project":"p"}}]"#, #""integrations":null,"method":null"#,
    ])
    func whatOpenAITakesIsTaken(members: String) throws { try body(members).check(fileIDs) }

    @Test(arguments: [
        (#""suffix":"""#, "suffix"), (#""seed":-1"#, "seed"), (#""method":"dpo""#, "method"),
        (#""method":{"type":"magic"}"#, "method.type"),
        (#""method":{"type":"dpo","supervised":{}}"#, "method.supervised"),
        (#""hyperparameters":{"epochs":1}"#, "hyperparameters.epochs"), (#""hyperparameters":3"#, "hyperparameters"),
        (#""integrations":[{"type":"mail"}]"#, "integrations[0].type"),
        (#""integrations":[{"type":"wandb","key":"x"}]"#, "integrations[0].key"),
        (#""metadata":{"\#(String(repeating: "k", count: 65))":"v"}"#, "metadata"),
    ])
    func whatIsWrongIsNamed(members: String, parameter: String) throws {
        let body = try body(members)

        let error = #expect(throws: RuleError.self) { try body.check(fileIDs) }

        #expect(error?.parameter == parameter)
    }

    @Test
    func filesAreNamedInTwoPlacesOnly() throws {
        let body = try body(#""method":{"type":"reinforcement","reinforcement":{"grader":[{"file":"file-abc"}]}}"#)

        let error = #expect(throws: RuleError.self) { try body.check(fileIDs) }

        #expect(error?.parameter == "method.reinforcement.grader[0].file")
    }
}
