/// The messages between a host and its workers.
///
/// ## Sockets
/// A worker is started with these descriptors, all others closed:
///
/// | descriptor | what |
/// |---|---|
/// | 0 | the reading end of a pipe that nobody writes to; its hang-up kills the worker when the host dies |
/// | 1, 2 | one pipe that takes what the plugin prints; never blocks, what does not fit is lost |
/// | 3 | control: `AF_UNIX`, `SOCK_SEQPACKET` |
/// | 4 … | data: the same, one for each event loop of the host |
///
/// On the control socket the host asks and waits for the answer. Steps go over the data sockets, many operations at a
/// time; an operation stays on one socket. A worker does one step of each socket in turn, so that no socket waits for
/// the operations of another. End of file on any socket ends the worker.
///
/// ## Packets
/// All numbers are little-endian and unaligned. A packet has at most 65,536 bytes:
///
/// | offset | bytes | what |
/// |---|---|---|
/// | 0 | 1 | kind of the message, ``Kind`` |
/// | 1 | 1 | 1: the message's first packet; 2: its last; 3: its only one |
/// | 2 | 2 | zero |
/// | 4 | 4 | bytes of the message's body in all its packets together |
/// | 8 | … | the next part of the body |
///
/// Every packet but the last is full. The packets of one message follow each other; those of two messages in one
/// direction of one socket are never mixed.
///
/// ## Bodies
/// `bytes` is a 32-bit length and that many bytes; `pair` is name, value and secret, each `bytes`. A list is a 32-bit
/// count and its elements. Nothing may follow the last member.
///
/// | message | body |
/// |---|---|
/// | STEP | u64 operation, u32 flags (``StepFlags``), u32 outstanding request, u32 target, u32 kind of operation; then the event: u32 kind, u32 flags, u32 request, i32 code, u64 value, bytes data, bytes text, list of pairs, list of refs (u32 kind, u64 offset, u64 length, bytes client id, upstream id, MIME type, filename); then, if there are any, list of u64: operations to free after the step, when its answer is sent. With NEW the worker makes the operation, for `target` and `kind` |
/// | STEPPED | u64 operation, i32 status, u32 flags (1: the plugin refused to make the operation, nothing is left of it), u64 nanoseconds, list of commands: u32 kind, u32 flags, u32 request, i32 code, u32 upstream, u64 value, bytes data, text, method, url, list of pairs, list of segments (u32 kind, u32 flags, bytes, u64 offset, u64 length). Exactly one for each STEP, on one socket in the order of the STEPs |
/// | FREE | list of u64: operations to free, none of which steps; no answer. Those of a host that goes on with other steps come with a STEP |
/// | CALL | u32 function (1 sign, 2 cache_get, 3 cache_put), u32 algorithm, u64 milliseconds, u64 capacity, bytes key, bytes value. From the worker, on the socket of the message that it works on; it waits for the answer and sends nothing there before it has all of it |
/// | RETURN | i32 status, u64 length, bytes result (no more than the capacity) |
/// | LOG | u32 level, bytes message, list of pairs, cut as ``LogMessage`` says; from the worker, no answer |
/// | LOAD | u32 ``version``, u32 data sockets, u64 memory limit in bytes, bytes path of the library's private copy, bytes bindings of plain functions, list of bytes: folders that may be read beside the system's. FACTS or REFUSED. Without a path it is about plain functions alone: there is no instance, and the facts are empty |
/// | FACTS | u32 ABI minor, u32 needed minor, u32 flags, u64 operations, bytes id, version, describe |
/// | INSTANCE | bytes: configuration as JSON. DONE or REFUSED |
/// | TARGET | u32 number, bytes: parameters as JSON. DONE or REFUSED. Also after SEAL |
/// | FREE_TARGET | u32 number; its operations are freed before. DONE |
/// | SEAL | nothing. SEALED, or REFUSED; the host ends the worker then |
/// | SEALED | u32 Landlock ABI of the kernel or 0, u64 memory limit, u32 allowed system calls |
/// | DONE | nothing |
/// | REFUSED | u32 ``Refusal``, i32 status, bytes message, bytes parameter |
/// | CHECK | u32 ``version``, u64 memory limit in bytes, bytes path of the library's private copy, bytes rule, bytes scripts, list of parameters (bytes name, bytes value); LOGs say where the check is. CHECKED or REFUSED. Instead of LOAD; the worker serves nothing then |
/// | CHECKED | bytes: what the checker found |
/// | FUNCTION | bytes: a function, its signature and arguments; RESULT or REFUSED. After LOAD, also after SEAL |
/// | RESULT | bytes |
///
/// The host sends LOAD first, then INSTANCE, any TARGETs, SEAL, and STEPs after it. CALL and LOG may come before the
/// answer to INSTANCE, TARGET and STEP.
package enum WorkerProtocol {
    /// Grows when a message changes; host and worker come from one build and have to agree.
    package static let version: UInt32 = 2

    package static let maximumPacketBytes = 65_536
    package static let headerBytes = 8
    /// What one step may emit, and what goes around it.
    package static let maximumMessageBytes = EmissionRules.maximumBytes + (1 << 20)

    /// The longest message that an honest worker sends over a data socket.
    ///
    /// One step hands over a quarter of the worker's memory at most, in which ``EmissionRules`` count more for a pair or
    /// a segment than it takes here; the commands' own numbers are less than the rest.
    ///
    /// - Parameter memoryInBytes: The most memory that the worker may map.
    /// - Returns: The length of a body.
    package static func longestWorkerMessage(memoryInBytes: Int) -> Int {
        let step = max(0, memoryInBytes) / 4 + (1 << 20)
        return min(maximumMessageBytes, max(step, CallMessage.maximumValueBytes + (1 << 20)))
    }

    package static let lifelineDescriptor: Int32 = 0
    package static let controlDescriptor: Int32 = 3
    package static let firstDataDescriptor: Int32 = 4
    package static let maximumDataSockets = 256

    /// How a worker ends without a fault of the plugin.
    package enum ExitCode {
        /// The host has closed a socket.
        package static let hostIsGone: Int32 = 0
        /// The host sent what the protocol does not have.
        package static let badMessage: Int32 = 64
        /// The host did not take or answer a message in time.
        package static let hostIsSilent: Int32 = 65
        /// The sandbox could not be closed.
        package static let noSandbox: Int32 = 66
    }

    /// What a message is.
    package enum Kind: UInt8, Sendable, CaseIterable {
        case step = 1
        case stepped = 2
        case free = 3
        case call = 4
        case `return` = 5
        case log = 6
        case load = 16
        case facts = 17
        case instance = 18
        case target = 19
        case freeTarget = 20
        case seal = 21
        case sealed = 22
        case done = 23
        case refused = 24
        case check = 32
        case checked = 33
        case function = 34
        case result = 35
    }

    /// Why a worker refuses a control message.
    package enum Refusal: UInt32, Sendable {
        /// The library cannot be opened.
        case libraryRefused = 1
        /// The library is for another ABI.
        case incompatible = 2
        /// The plugin refuses its configuration or a deployment's parameters.
        case configurationRefused = 3
        /// A binding of a plain function is wrong, or a call of it failed.
        case functionRefused = 4
        /// The message cannot be served: an unknown one, at the wrong time, or of another version.
        case unsupported = 5
        /// The kernel refused the sandbox.
        case noSandbox = 6
    }
}

/// What a STEP says beside its event: the state of ``EmissionRules`` as the host has it.
package struct StepFlags: OptionSet, Sendable {
    package let rawValue: UInt32

    /// The operation has to be made first.
    package static let new = StepFlags(rawValue: 1)
    /// ``EmissionRules/mayPull``.
    package static let mayPull = StepFlags(rawValue: 2)
    /// ``EmissionRules/isCancelled``.
    package static let isCancelled = StepFlags(rawValue: 4)
    /// ``EmissionRules/outstanding`` is not nil.
    package static let hasOutstanding = StepFlags(rawValue: 8)
    static let all: StepFlags = [.new, .mayPull, .isCancelled, .hasOutstanding]

    package init(rawValue: UInt32) { self.rawValue = rawValue }
}
