import Foundation

/// Ends the servers and removes their directory when this process ends, even by a signal that it cannot catch.
enum Watchdog {
    /// The pipe's reader comes to its end when the last writer, which is this process alone, is gone.
    private static let script = """
        trap '' INT TERM HUP
        cat >/dev/null
        for file in "$1"/*/data/postmaster.pid; do
            [ -e "$file" ] || continue
            read -r server <"$file"
            kill -QUIT "$server" 2>/dev/null
            tries=0
            while kill -0 "$server" 2>/dev/null && [ "$tries" -lt 100 ]; do
                tries=$((tries + 1))
                sleep 0.05
            done
        done
        rm -rf -- "$1"
        """

    /// Starts to watch.
    ///
    /// - Throws: ``PostgreSQLServerError`` if the shell cannot be started.
    static func start(_ directory: String) throws {
        // The writing end stays open for as long as this process lives.
        let (reader, _) = try Command.closingPipe()
        defer { close(reader) }
        // A signal from the terminal ends the tests; what they leave behind is ended here.
        let command = ["/bin/sh", "-c", script, "watchdog", directory]
        _ = try Command.start("/usr/bin/setsid", command, input: reader, output: nil)
    }
}
