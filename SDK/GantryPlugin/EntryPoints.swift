import CGantryPlugin

/// The functions of every plugin's table.
///
/// They check the pointers they are given, and hand objects to the host as retained references.
enum EntryPoints {
    typealias InstanceNew =
        @convention(c) (
            UnsafePointer<gantry_host>?, gantry_slice, UnsafePointer<gantry_sink>?,
            UnsafeMutablePointer<OpaquePointer?>?
        ) -> gantry_status

    /// One function for each adapter that an image may have: the ABI passes nothing by which one function could tell
    /// the adapters apart, and a C function cannot be made for a generic type.
    static let instanceNew: [InstanceNew] = [
        { makeInstance(0, $0, $1, $2, $3) }, { makeInstance(1, $0, $1, $2, $3) },
        { makeInstance(2, $0, $1, $2, $3) }, { makeInstance(3, $0, $1, $2, $3) },
        { makeInstance(4, $0, $1, $2, $3) }, { makeInstance(5, $0, $1, $2, $3) },
        { makeInstance(6, $0, $1, $2, $3) }, { makeInstance(7, $0, $1, $2, $3) },
        { makeInstance(8, $0, $1, $2, $3) }, { makeInstance(9, $0, $1, $2, $3) },
        { makeInstance(10, $0, $1, $2, $3) }, { makeInstance(11, $0, $1, $2, $3) },
        { makeInstance(12, $0, $1, $2, $3) }, { makeInstance(13, $0, $1, $2, $3) },
        { makeInstance(14, $0, $1, $2, $3) }, { makeInstance(15, $0, $1, $2, $3) },
    ]

    static let instanceFree: @convention(c) (OpaquePointer?) -> Void = { release($0, as: InstanceBox.self) }

    static let targetNew:
        @convention(c) (
            OpaquePointer?, gantry_slice, UnsafePointer<gantry_sink>?, UnsafeMutablePointer<OpaquePointer?>?
        ) -> gantry_status = { instance, parameters, why, out in
            guard let instance = object(instance, as: InstanceBox.self), let out else { return Status.invalid }
            do throws(Failure) {
                out.pointee = retain(try instance.makeTarget(parameters: try document(parameters)))
                return Status.ok
            } catch {
                return explain(error, to: why)
            }
        }

    static let targetFree: @convention(c) (OpaquePointer?) -> Void = { release($0, as: TargetBox.self) }

    static let operationNew:
        @convention(c) (OpaquePointer?, UInt32, UnsafeMutablePointer<OpaquePointer?>?) -> gantry_status = {
            target,
            kind,
            out in
            guard let target = object(target, as: TargetBox.self), let out else { return Status.invalid }
            guard let kind = OperationKind(rawValue: kind), target.operations & 1 << UInt64(kind.rawValue) != 0 else {
                return Status.unsupported
            }
            out.pointee = retain(OperationState(kind: kind, target: target))
            return Status.ok
        }

    static let operationStep:
        @convention(c) (
            OpaquePointer?, UnsafePointer<gantry_event>?, UnsafePointer<gantry_sink>?
        ) -> gantry_status = { operation, event, sink in
            guard let operation = object(operation, as: OperationState.self), let event, let sink,
                sink.pointee.size >= LentStruct.end(\gantry_sink.emit)
            else { return Status.invalid }
            return operation.step(event, sink)
        }

    static let operationFree: @convention(c) (OpaquePointer?) -> Void = { operation in
        guard let state = object(operation, as: OperationState.self) else { return }
        state.end()
        release(operation, as: OperationState.self)
    }

    static let noExtension: @convention(c) (UnsafePointer<CChar>?) -> UnsafeRawPointer? = { _ in nil }

    private static func makeInstance(
        _ slot: Int,
        _ host: UnsafePointer<gantry_host>?,
        _ configuration: gantry_slice,
        _ why: UnsafePointer<gantry_sink>?,
        _ out: UnsafeMutablePointer<OpaquePointer?>?
    ) -> gantry_status {
        guard let host, let out, let factory = PluginImage.shared.factory(slot: slot) else { return Status.invalid }
        do throws(Failure) {
            out.pointee = retain(try factory(Host(host), try document(configuration)))
            return Status.ok
        } catch {
            return explain(error, to: why)
        }
    }

    /// The JSON that a constructor is given; nothing counts as an empty object.
    private static func document(_ text: gantry_slice) throws(Failure) -> JSON {
        guard !text.buffer.isEmpty else { return .object(JSONObject()) }
        do throws(JSONError) {
            return try JSON(parsing: text.buffer)
        } catch {
            throw Failure(.invalid, "The host passed parameters that are not JSON: \(error).")
        }
    }

    /// Emits the reason why a constructor failed.
    private static func explain(_ failure: Failure, to why: UnsafePointer<gantry_sink>?) -> gantry_status {
        guard let why, why.pointee.size >= LentStruct.end(\gantry_sink.emit), let emit = why.pointee.emit else {
            return Status.invalid
        }
        LentPairs.withSlice(of: failure.message) { message in
            LentPairs.withSlice(of: failure.parameter ?? "") { parameter in
                var command = gantry_command(.error)
                command.code = failure.reason.rawValue
                command.data = message
                command.text = parameter
                // The status says already that it failed; that the reason is not wanted changes nothing.
                _ = emit(why.pointee.ctx, &command)
            }
        }
        return Status.invalid
    }

    // MARK: Objects

    private static func retain(_ object: AnyObject) -> OpaquePointer {
        OpaquePointer(Unmanaged.passRetained(object).toOpaque())
    }

    private static func object<T: AnyObject>(_ pointer: OpaquePointer?, as type: T.Type) -> T? {
        pointer.map { Unmanaged<T>.fromOpaque(UnsafeRawPointer($0)).takeUnretainedValue() }
    }

    private static func release<T: AnyObject>(_ pointer: OpaquePointer?, as type: T.Type) {
        guard let pointer else { return }
        Unmanaged<T>.fromOpaque(UnsafeRawPointer(pointer)).release()
    }
}

/// An adapter's instance, whatever its type.
class InstanceBox {
    /// Makes a target of the instance.
    func makeTarget(parameters: JSON) throws(Failure) -> TargetBox {
        throw Failure(.unsupported, "This instance has no targets.")
    }
}

/// The instance of one adapter.
final class TypedInstanceBox<A: Adapter>: InstanceBox {
    private let adapter: A

    init(_ adapter: A) { self.adapter = adapter }

    override func makeTarget(parameters: JSON) throws(Failure) -> TargetBox {
        TypedTargetBox(try adapter.makeTarget(parameters: parameters), A.description)
    }
}

/// An adapter's target, whatever its type.
///
/// `@unchecked Sendable`: the members are constant, and the subclass adds only a constant `Sendable`.
class TargetBox: @unchecked Sendable {
    /// The operations that the adapter serves, as the table has them.
    let operations: UInt64

    init(_ description: PluginDescription) {
        operations = description.operations.reduce(0) { $0 | 1 << UInt64($1.rawValue) }
    }

    /// The relay that is the whole of an operation, if it is one.
    func relay(_ operation: Operation) throws(Failure) -> Relay? { nil }

    /// Runs an operation on the target.
    func perform(_ operation: Operation) async throws(Failure) -> OperationResult {
        throw Failure(.unsupported, "This target has no operations.")
    }
}

/// The target of one adapter.
///
/// `@unchecked Sendable`: as its superclass; `target` is constant and `Sendable`.
final class TypedTargetBox<Target: AdapterTarget>: TargetBox, @unchecked Sendable {
    private let target: Target

    init(_ target: Target, _ description: PluginDescription) {
        self.target = target
        super.init(description)
    }

    override func relay(_ operation: Operation) throws(Failure) -> Relay? { try target.relay(operation) }

    override func perform(_ operation: Operation) async throws(Failure) -> OperationResult {
        try await target.perform(operation)
    }
}
