import Foundation
import HostFunctions

/// A C library with a function of every kind, compiled once for all tests.
enum TestLibrary {
    struct CompilerFailed: Error {
        let output: String
    }

    static let shared = Result { try FunctionLibrary(opening: try compile(source), shownAs: "libtest.so") }

    /// Prepares a function of the library.
    static func function(_ symbol: String, _ signature: String) throws -> BoundFunction {
        try shared.get().function(symbol, try FunctionSignature(parsing: signature))
    }

    /// Calls a function of the library.
    static func call(
        _ symbol: String,
        _ signature: String,
        _ arguments: FunctionArgument...,
        limit: Int = BoundFunction.largestResult
    ) throws -> FunctionAnswer {
        try function(symbol, signature).call(arguments, limit: limit)
    }

    /// Compiles C to a shared library in a new folder and returns its path.
    static func compile(_ source: String) throws -> String {
        let folder = NSTemporaryDirectory() + "gantry-functions-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let root = URL(filePath: #filePath).pathComponents.dropLast(5).joined(separator: "/").dropFirst()
        try Data(source.utf8).write(to: URL(filePath: "\(folder)/library.c"))
        let compiler = Process()
        let errors = Pipe()
        compiler.executableURL = URL(filePath: "/usr/bin/env")
        compiler.standardError = errors
        compiler.arguments = [
            "cc", "-shared", "-fPIC", "-O1", "-I", "\(root)/SDK/CGantryPlugin/include", "-o", "\(folder)/library.so",
            "\(folder)/library.c",
        ]
        try compiler.run()
        let output = try errors.fileHandleForReading.readToEnd() ?? Data()
        compiler.waitUntilExit()
        guard compiler.terminationStatus == 0 else {
            throw CompilerFailed(output: String(decoding: output, as: UTF8.self))
        }
        return "\(folder)/library.so"
    }

    private static let source = """
        #include <gantry_functions.h>
        #include <stdlib.h>
        #include <string.h>
        #include <stdio.h>

        static int calls, freed;
        int32_t a_variable = 7;
        void count_call(void) { calls++; }
        int32_t calls_made(void) { return calls; }
        int32_t negate(int32_t x) { return -x; }
        int64_t twice(int64_t x) { return 2 * x; }
        double half(double x) { return x / 2; }
        const char *greeting(void) { return "good day"; }
        const char *same(const char *text) { return text; }
        const char *nothing(void) { return NULL; }
        char *copied(const char *text) { return strdup(text); }
        char *none_owned(void) { return NULL; }
        void count_free(void *text) { freed++; free(text); }
        int32_t frees_made(void) { return freed; }
        gantry_status status_of(int32_t x) { return x; }
        int64_t length(const uint8_t *bytes, size_t count) { return bytes ? (int64_t)count : -1; }
        int64_t text_length(const char *text) { return (int64_t)strlen(text); }
        gantry_status reversed(const uint8_t *bytes, size_t count, uint8_t *out, size_t *length)
        {
          size_t capacity = *length;
          *length = count;
          if (count > capacity) return GANTRY_E_LIMIT;
          for (size_t i = 0; i < count; i++) out[i] = bytes[count - 1 - i];
          return GANTRY_OK;
        }
        int32_t two_outs(uint8_t *a, size_t *an, double x, uint8_t *b, size_t *bn)
        {
          *an = (size_t)snprintf((char *)a, *an, "%d", (int)x);
          *bn = (size_t)snprintf((char *)b, *bn, "%d", (int)x + 1);
          return 9;
        }
        int64_t is_zeroed(uint8_t *out, size_t *length)
        {
          int64_t sum = 0;
          for (size_t i = 0; i < *length; i++) sum += out[i];
          return sum;
        }
        gantry_status always_more(uint8_t *out, size_t *length) { *length = *length + 1; return GANTRY_E_LIMIT; }
        gantry_status endless(uint8_t *out, size_t *length) { *length = SIZE_MAX; return GANTRY_OK; }
        gantry_status overflows(uint8_t *out, size_t *length) { memset(out, 'x', *length + 4); return GANTRY_OK; }
        int64_t twelve(int32_t a, int64_t b, double c, const char *d, const uint8_t *e, size_t en, int32_t f, int64_t g,
                       double h, const char *i, const uint8_t *j, size_t jn, uint8_t *k, size_t *kn, int32_t l)
        {
          *kn = (size_t)snprintf((char *)k, *kn, "%d|%ld|%g|%s|%.*s|%d|%ld|%g|%s|%.*s|%d", a, (long)b, c, d, (int)en,
                                 (const char *)e, f, (long)g, h, i, (int)jn, (const char *)j, l);
          return 12;
        }
        char *long_text(int64_t count)
        {
          char *text = malloc((size_t)count + 1);
          memset(text, 'a', (size_t)count);
          text[count] = 0;
          return text;
        }
        const char *not_text(void) { return "\\xff\\xfe"; }
        gantry_status joined(const char *a, const char *b, uint8_t *out, size_t *length)
        {
          *length = (size_t)snprintf((char *)out, *length, "%s/%s", a, b);
          return GANTRY_OK;
        }
        int32_t failing(const char *a, uint8_t *out, size_t *length) { return 77; }
        int64_t minus_one(const uint8_t *bytes, size_t count) { return -1; }
        gantry_status signed_at(const char *method, const char *url, const uint8_t *body, size_t count, int64_t time,
                                uint8_t *out, size_t *length)
        {
          *length = (size_t)snprintf((char *)out, *length, "X-Signature: %s %s %zu %ld", method, url, count, (long)time);
          return GANTRY_OK;
        }
        """
}

extension [UInt8] {
    var text: String { String(decoding: self, as: UTF8.self) }
}

extension FunctionArgument {
    static func text(_ text: String) -> FunctionArgument { .bytes(Array(text.utf8)) }
}

extension FunctionAnswer.Value {
    static func text(_ text: String) -> FunctionAnswer.Value { .text(Array(text.utf8)) }
}
