import Foundation

/// Runs other programs.
///
/// Not Foundation's `Process`: it takes a program for running as long as a child of that program does, such as the
/// server that `pg_ctl` starts.
package enum Command {
    /// Runs a program to its end.
    ///
    /// - Parameters:
    ///   - program: The program's path.
    ///   - arguments: Its arguments, without its name.
    /// - Returns: What it wrote, without the last line break.
    /// - Throws: ``PostgreSQLServerError`` with what it wrote, if it fails.
    @discardableResult
    package static func run(_ program: String, _ arguments: [String]) async throws -> String {
        let (status, output) = try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async {
                continuation.resume(with: Result { try runAndWait(program, arguments) })
            }
        }
        guard status == 0 else {
            throw PostgreSQLServerError(description: "\(program) \(arguments.joined(separator: " ")): \(output)")
        }
        return output.hasSuffix("\n") ? String(output.dropLast()) : output
    }

    private static func runAndWait(_ program: String, _ arguments: [String]) throws -> (Int32, String) {
        let output = try closingPipe()
        let child: pid_t
        do {
            defer { close(output.writer) }
            child = try start(program, arguments, input: nil, output: output.writer)
        } catch {
            close(output.reader)
            throw error
        }
        let text = try FileHandle(fileDescriptor: output.reader, closeOnDealloc: true).readToEnd() ?? Data()
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0 {
            guard errno == EINTR else { throw PostgreSQLServerError(description: "\(program) cannot be waited for.") }
        }
        return (status, String(decoding: text, as: UTF8.self))
    }

    /// A pipe that other programs do not inherit.
    static func closingPipe() throws -> (reader: Int32, writer: Int32) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0, ends.allSatisfy({ fcntl($0, F_SETFD, FD_CLOEXEC) == 0 }) else {
            throw PostgreSQLServerError(description: "There is no pipe for another program.")
        }
        return (ends[0], ends[1])
    }

    /// Starts a program that inherits these two descriptors and no others.
    static func start(_ program: String, _ arguments: [String], input: Int32?, output: Int32?) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
        if let input { posix_spawn_file_actions_adddup2(&actions, input, 0) }
        if let output { posix_spawn_file_actions_adddup2(&actions, output, 1) }
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        for name in try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd") {
            if let descriptor = Int32(name), descriptor > 2 { posix_spawn_file_actions_addclose(&actions, descriptor) }
        }
        // The server's user may not be allowed to enter the directory of the tests.
        let shell = ["/bin/sh", "-c", #"cd / && exec "$0" "$@""#]
        let words = (shell + [program] + arguments).map { strdup($0) }
        defer { for word in words { free(word) } }
        var child: pid_t = 0
        let status = posix_spawn(&child, shell[0], &actions, nil, words + [nil], environ)
        guard status == 0 else {
            throw PostgreSQLServerError(
                description: "\(program) cannot be started: \(String(cString: strerror(status)))."
            )
        }
        return child
    }
}
