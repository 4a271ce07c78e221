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

/// Where the functions are that a manifest names.
enum FunctionCaller: Sendable {
    /// In this process: nothing can stop a function that does not come back, its thread is lost.
    case local(FunctionTable)
    /// In a process of their own, which is killed if a function does not come back.
    case worker(FunctionWorker)
}

/// Calls functions from threads that may block, each with a deadline.
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
    ///   - name: One of the functions.
    ///   - arguments: One for each argument but `out`.
    ///   - caller: Where the functions are.
    ///   - limit: The most bytes of the answer.
    ///   - deadline: How long to wait.
    ///   - loop: Where the wait is.
    /// - Returns: What the function gave.
    /// - Throws: ``FunctionCallError``.
    static func call(
        _ name: String,
        _ arguments: [FunctionArgument],
        by caller: FunctionCaller,
        limit: Int,
        deadline: TimeAmount,
        on loop: any EventLoop
    ) async throws(FunctionCallError) -> FunctionAnswer {
        guard begin() else {
            throw FunctionCallError(.busy, "\(mostCalls) calls of functions are under way. Try again later.")
        }
        let ticket = FunctionWorker.Ticket()
        let answered = loop.makePromise(of: Result<FunctionAnswer, FunctionCallError>.self)
        let timer = loop.scheduleTask(in: deadline) {
            answered.succeed(.failure(FunctionCallError(.timedOut, "\(name) did not come back in time.")))
            ticket.giveUp()
        }
        let answer = pool.runIfActive(eventLoop: loop) {
            defer { running.withLock { $0 -= 1 } }
            return Result { () throws(FunctionCallError) in
                try run(name, arguments, by: caller, limit: limit, ticket: ticket)
            }
        }
        answer.whenComplete { result in
            timer.cancel()
            switch result {
            case .success(let answer): answered.succeed(answer)
            case .failure: answered.succeed(.failure(isClosing))
            }
        }
        do {
            return try await answered.futureResult.get().get()
        } catch let error as FunctionCallError {
            throw error
        } catch {
            throw isClosing
        }
    }

    private static let isClosing = FunctionCallError(.busy, "The gateway is shutting down.")

    private static func begin() -> Bool {
        running.withLock { running in
            guard running < mostCalls else { return false }
            running += 1
            return true
        }
    }

    private static func run(
        _ name: String,
        _ arguments: [FunctionArgument],
        by caller: FunctionCaller,
        limit: Int,
        ticket: FunctionWorker.Ticket
    ) throws(FunctionCallError) -> FunctionAnswer {
        switch caller {
        case .worker(let worker): return try worker.call(name, arguments, limit: limit, ticket: ticket)
        case .local(let table):
            do throws(FunctionError) {
                return try table.call(name, arguments, limit: limit)
            } catch {
                throw FunctionCallError(error)
            }
        }
    }
}
