import CGantryPlugin
import CSandbox
import Glibc
import HostPluginABI

/// What a worker gives up, in the two stages of sandbox.h.
enum Sandbox {
    /// Where the loader finds libraries beside the folders that it has taken some from already.
    private static let systemLibraries = [
        "/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/local/lib64", "/etc/ld.so.cache",
    ]
    /// The loader has one file open at a time; constructors may have a few.
    private static let spareDescriptors: UInt32 = 16

    /// The first stage: before code of the plugin runs, and with it everything that the loader needs.
    /// - Throws: ``RefusedMessage`` with `.noSandbox`.
    static func enter(_ load: LoadMessage) throws(RefusedMessage) {
        let descriptors = UInt32(WorkerProtocol.firstDataDescriptor) + load.dataSockets + spareDescriptors
        try run { gantry_sandbox_limit(load.memoryLimitInBytes, descriptors, &$0) }
        let paths = systemLibraries + load.folders + (load.path.isEmpty ? [] : [folder(of: load.path)])
        try withCStrings(paths) { paths, count throws(RefusedMessage) in
            try run { gantry_sandbox_restrict_files(paths, count, &$0) }
        }
        try run { gantry_sandbox_restrict_calls(GANTRY_SANDBOX_LOADING, &$0) }
    }

    /// The second stage: no files and no new code from here on.
    /// - Returns: What is in force.
    /// - Throws: ``RefusedMessage`` with `.noSandbox`.
    static func seal(_ load: LoadMessage) throws(RefusedMessage) -> SealedMessage {
        let sealed = SealedMessage(
            landlockABI: UInt32(clamping: gantry_landlock_abi()),
            memoryLimitInBytes: load.memoryLimitInBytes,
            allowedCalls: gantry_sandbox_allowed_calls(GANTRY_SANDBOX_SERVING)
        )
        try run { gantry_sandbox_restrict_files(nil, 0, &$0) }
        try run { gantry_sandbox_restrict_calls(GANTRY_SANDBOX_SERVING, &$0) }
        return sealed
    }

    private static func run(
        _ call: (inout UnsafePointer<CChar>?) -> Int32
    ) throws(RefusedMessage) {
        var what: UnsafePointer<CChar>?
        let failure = call(&what)
        guard failure != 0 else { return }
        throw RefusedMessage(
            .noSandbox,
            "the kernel refused \(systemCallFailure(what, failure)). A worker needs Linux 5.9 with seccomp, and a"
                + " container that allows it."
        )
    }

    private static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        // Not the whole of the file system for a library that lies at its root.
        return slash == path.startIndex ? path : String(path[..<slash])
    }

    private static func withCStrings(
        _ texts: [String],
        _ body: (UnsafePointer<UnsafePointer<CChar>?>?, Int) throws(RefusedMessage) -> Void
    ) throws(RefusedMessage) {
        let copies = texts.map { strdup($0) }
        defer { for copy in copies { free(copy) } }
        let pointers = copies.map { UnsafePointer<CChar>($0) }
        let outcome = pointers.withUnsafeBufferPointer { pointers in
            Result { () throws(RefusedMessage) in try body(pointers.baseAddress, pointers.count) }
        }
        try outcome.get()
    }
}
