import CGantryPlugin

/// A sink that keeps copies of the commands.
final class CommandCollector {
    private(set) var commands: [ProbeCommand] = []
    var answer: (_ index: Int) -> Int32 = { _ in 0 }

    /// Lends a sink that collects here.
    func withSink<R>(_ body: (UnsafePointer<gantry_sink>) -> R) -> R {
        var sink = gantry_sink()
        sink.size = UInt32(MemoryLayout<gantry_sink>.size)
        sink.ctx = Unmanaged.passUnretained(self).toOpaque()
        sink.emit = { context, command in
            guard let context, let command else { return -2 }
            let collector = Unmanaged<CommandCollector>.fromOpaque(context).takeUnretainedValue()
            collector.commands.append(ProbeCommand(command.pointee))
            return collector.answer(collector.commands.count - 1)
        }
        return withUnsafePointer(to: &sink) { body($0) }
    }
}
