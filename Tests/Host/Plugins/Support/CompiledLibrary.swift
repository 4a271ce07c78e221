import Foundation
import Testing

/// A folder that only the test's user can change, and the C compiler to fill it with libraries.
struct CompiledLibrary {
    struct CompilerFailed: Error {
        let source: String
    }

    static let prologue = """
        #include "gantry_plugin.h"
        #define ENTRY GANTRY_EXPORT const gantry_plugin *gantry_plugin_entry_v1(uint32_t minor)
        static gantry_status instance_new(const gantry_host *h, gantry_slice c, const gantry_sink *w, gantry_instance **o)
        { *o = (gantry_instance *)1; return 0; }
        static void instance_free(gantry_instance *i) {}
        static gantry_status target_new(gantry_instance *i, gantry_slice p, const gantry_sink *w, gantry_target **o)
        { *o = (gantry_target *)1; return 0; }
        static void target_free(gantry_target *t) {}
        static gantry_status op_new(gantry_target *t, uint32_t k, gantry_op **o) { *o = (gantry_op *)1; return 0; }
        static gantry_status op_step(gantry_op *o, const gantry_event *e, const gantry_sink *s) { return 0; }
        static void op_free(gantry_op *o) {}
        static gantry_plugin table = {
          .size = sizeof(gantry_plugin), .id = {(const uint8_t *)"tiny", 4}, .version = {(const uint8_t *)"1.0", 3},
          .instance_new = instance_new, .instance_free = instance_free, .target_new = target_new,
          .target_free = target_free, .op_new = op_new, .op_step = op_step, .op_free = op_free };

        """
    static let good = prologue + "ENTRY { return &table; }\n"

    let folder: String

    init() throws {
        folder = NSTemporaryDirectory() + "gantry-library-" + UUID().uuidString
        try FileManager.default.createDirectory(
            atPath: folder,
            withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700]
        )
        try write("manifest.yaml", Data())
    }

    func remove() throws {
        // Copies in it may be on their way out at the same time, which the file manager takes for a failure.
        for _ in 0..<50 {
            do {
                return try FileManager.default.removeItem(atPath: folder)
            } catch {
                Thread.sleep(forTimeInterval: 0.02)
            }
        }
        try FileManager.default.removeItem(atPath: folder)
    }

    func path(_ name: String) -> String { "\(folder)/\(name)" }

    func write(_ name: String, _ bytes: Data, mode: Int = 0o600) throws {
        try bytes.write(to: URL(filePath: path(name)))
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path(name))
    }

    /// Compiles C to a shared library and returns its path.
    func compile(_ source: String, to name: String = "plugin.so", options: [String] = []) throws -> String {
        try write("\(name).c", Data(source.utf8))
        let compiler = Process()
        compiler.executableURL = URL(filePath: "/usr/bin/env")
        let include =
            URL(filePath: #filePath).pathComponents.dropLast(5).joined(separator: "/").dropFirst()
            + "/SDK/CGantryPlugin/include"
        compiler.arguments =
            ["cc", "-shared", "-fPIC", "-fvisibility=hidden", "-w", "-O1", "-I", String(include), "-o", path(name)]
            + options + [path("\(name).c")]
        try compiler.run()
        compiler.waitUntilExit()
        guard compiler.terminationStatus == 0 else { throw CompilerFailed(source: source) }
        try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: path(name))
        return path(name)
    }

    func bytes(_ path: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(filePath: path))) }
}
