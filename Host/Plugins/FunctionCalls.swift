import HostFunctions
import NIOCore
import NIOPosix
import Synchronization

/// Why a call of a manifest's function gave no answer.
package struct FunctionCallError: Error, Hashable, CustomStringConvertible {
    package enum Code: String, Sendable {
        /// An argument does not fit the signature.
        case badArgument
        /// The function failed, or gave something that breaks a rule.
        case failed
        /// It did not come back in time.
        case timedOut
        /// Too many calls are under way.
        case busy
    }

    package let code: Code
    /// One line: what failed and why; no content of an argument.
    package let message: String
    /// Which argument is at fault, from 0.
    package let argument: Int?

    init(_ code: Code, _ message: String, argument: Int? = nil) {
        self.code = code
        self.message = message
        self.argument = argument
    }

    package var description: String { message }
}

/// Calls functions of a library in this process from threads of their own, each with a deadline.
///
/// Nothing can stop a function that does not come back: its thread is lost, and those who wait are told.
enum FunctionCalls {
    /// The most calls that are under way, those of functions that do not come back among them.
    static let mostCalls = 16

    // Alive as long as the process: there is no end at which a function that hangs could be waited for.
    private static let pool: NIOThreadPool = {
        let pool = NIOThreadPool(numberOfThreads: 4)
        pool.start()
        return pool
    }()
    private static let running = Mutex(0)

    /// Calls a function.
    ///
    /// - Parameters:
    ///   - name: One of the table's functions.
    ///   - arguments: One for each argument but `out`.
    ///   - table: The functions.
    ///   - limit: The most bytes of the answer.
    ///   - deadline: How long to wait.
    ///   - loop: Where the wait is.
    /// - Returns: What the function gave.
    /// - Throws: ``FunctionCallError``.
    static func call(
        _ name: String,
        _ arguments: [FunctionArgument],
        of table: FunctionTable,
        limit: Int,
        deadline: TimeAmount,
        on loop: any EventLoop
    ) async throws(FunctionCallError) -> FunctionAnswer {
        let isFull = running.withLock { running in
            guard running < mostCalls else { return true }
            running += 1
            return false
        }
        guard !isFull else {
            throw FunctionCallError(.busy, "\(mostCalls) calls of functions are under way. Try again later.")
        }
        let answered = loop.makePromise(of: Result<FunctionAnswer, FunctionCallError>.self)
        let timer = loop.scheduleTask(in: deadline) {
            let message = "\(name) did not come back in time; its thread cannot be stopped. Use isolation: process."
            answered.succeed(.failure(FunctionCallError(.timedOut, message)))
        }
        let future = pool.runIfActive(eventLoop: loop) {
            defer { running.withLock { $0 -= 1 } }
            return run(name, arguments, of: table, limit: limit)
        }
        future.whenComplete { result in
            timer.cancel()
            switch result {
            case .success(let answer): answered.succeed(answer)
            case .failure: answered.succeed(.failure(FunctionCallError(.busy, "The gateway is shutting down.")))
            }
        }
        do {
            return try await answered.futureResult.get().get()
        } catch let error as FunctionCallError {
            throw error
        } catch {
            throw FunctionCallError(.busy, "The gateway is shutting down.")
        }
    }

    private static func run(
        _ name: String,
        _ arguments: [FunctionArgument],
        of table: FunctionTable,
        limit: Int
    ) -> Result<FunctionAnswer, FunctionCallError> {
        do throws(FunctionError) {
            return .success(try table.call(name, arguments, limit: limit))
        } catch {
            let code: FunctionCallError.Code = error.code == .badArgument ? .badArgument : .failed
            return .failure(FunctionCallError(code, error.message, argument: error.argument))
        }
    }
}
