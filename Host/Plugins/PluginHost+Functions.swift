import HostFunctions
import NIOCore

extension PluginHost {
    /// The signature of a function that a plugin's manifest names; nil if there is no such plugin or function.
    package func signature(ofFunction name: String, of plugin: String) -> FunctionSignature? {
        instance(of: plugin)?.definition.functions?.bindings.functions.first { $0.name == name }?.signature
    }

    /// Calls a function that a plugin's manifest names, in a worker or on a thread that may block.
    ///
    /// - Parameters:
    ///   - name: The function's name in the manifest.
    ///   - plugin: The manifest's id.
    ///   - arguments: One for each argument of the signature but `out`.
    ///   - limit: The most bytes of the answer.
    ///   - deadline: How long to wait.
    /// - Returns: What the function gave; nil if there is no such plugin or function.
    /// - Throws: ``FunctionCallError``.
    package func call(
        _ name: String,
        of plugin: String,
        _ arguments: [FunctionArgument],
        limit: Int = 1 << 20,
        deadline: TimeAmount = .seconds(10)
    ) async throws(FunctionCallError) -> FunctionAnswer? {
        guard signature(ofFunction: name, of: plugin) != nil, let instance = instance(of: plugin) else { return nil }
        return try await instance.call(name, arguments, limit: limit, deadline: deadline, on: anyLoop)
    }
}

extension PluginInstance {
    fileprivate func call(
        _ name: String,
        _ arguments: [FunctionArgument],
        limit: Int,
        deadline: TimeAmount,
        on loop: any EventLoop
    ) async throws(FunctionCallError) -> FunctionAnswer? {
        guard let caller = functionCaller else { return nil }
        return try await FunctionCalls.call(name, arguments, by: caller, limit: limit, deadline: deadline, on: loop)
    }
}
