import Glibc

/// A C library in this process whose functions are called by symbol.
///
/// It is never closed: nothing tells whether its code is still in use, and other languages' runtimes cannot be unloaded.
///
/// `@unchecked Sendable`: the handle is constant, and `dlsym` may be called on any thread.
package struct FunctionLibrary: @unchecked Sendable {
    private let handle: UnsafeMutableRawPointer
    private let name: String

    /// Opens a library, which runs its constructors.
    ///
    /// - Parameters:
    ///   - path: A copy that has been checked.
    ///   - name: What messages call it.
    /// - Throws: ``FunctionError`` with `.libraryRefused`.
    package init(opening path: String, shownAs name: String) throws(FunctionError) {
        guard let handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE) else {
            let reason = dlerror().map { String(cString: $0) } ?? "the loader refused it"
            throw FunctionError(.libraryRefused, "\(name): \(reason).")
        }
        self.handle = handle
        self.name = name
    }

    /// Prepares a function for calls.
    ///
    /// - Parameters:
    ///   - symbol: Its C name.
    ///   - signature: What it takes and gives; the library cannot tell whether that is so.
    /// - Returns: The function, ready to be called.
    /// - Throws: ``FunctionError`` with `.symbolMissing`, also for the function that frees an owned result.
    package func function(_ symbol: String, _ signature: FunctionSignature) throws(FunctionError) -> BoundFunction {
        let code = try address(symbol)
        var release: UnsafeMutableRawPointer?
        if case .owned(let free) = signature.result { release = try address(free) }
        return try BoundFunction(symbol: symbol, signature: signature, code: code, release: release)
    }

    private func address(_ symbol: String) throws(FunctionError) -> UnsafeMutableRawPointer {
        guard let address = dlsym(handle, symbol) else {
            throw FunctionError(.symbolMissing, "\(name): it has no function \(symbol). Correct the symbol.")
        }
        return address
    }
}
