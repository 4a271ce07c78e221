#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Runs work on threads that are made for it.
enum OtherThread {
    private final class Work {
        let body: () -> Void
        init(_ body: @escaping () -> Void) { self.body = body }
    }

    /// Runs a body on another thread and waits for it.
    /// - Throws: A reason to skip the rule where no thread can be made.
    static func run(_ body: () -> Void) throws(RuleStop) {
        try withoutActuallyEscaping(body) { (body) throws(RuleStop) in
            try wait(for: [try start(Work(body))])
        }
    }

    /// Runs a body on several threads at once, and returns what each of them made.
    static func atOnce<R>(_ count: Int, _ body: () -> R) throws(RuleStop) -> [R] {
        let results = UnsafeMutablePointer<R?>.allocate(capacity: count)
        results.initialize(repeating: nil, count: count)
        defer {
            results.deinitialize(count: count)
            results.deallocate()
        }
        try withoutActuallyEscaping(body) { (body) throws(RuleStop) in
            var threads: [pthread_t] = []
            for index in 0..<count { threads.append(try start(Work { results[index] = body() })) }
            try wait(for: threads)
        }
        return (0..<count).compactMap { results[$0] }
    }

    private static func start(_ work: Work) throws(RuleStop) -> pthread_t {
        #if canImport(Glibc)
        var thread = pthread_t()
        let status = pthread_create(
            &thread,
            nil,
            { argument in
                if let argument { Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().body() }
                return nil
            },
            Unmanaged.passRetained(work).toOpaque()
        )
        guard status == 0 else { throw .skip("no thread can be made here") }
        return thread
        #else
        throw .skip("threads are looked at on Linux only")
        #endif
    }

    private static func wait(for threads: [pthread_t]) throws(RuleStop) {
        for thread in threads { pthread_join(thread, nil) }
    }
}
