import Glibc

/// The memory of one call: the C function's arguments, where each stands, and the buffers that it writes to.
struct FunctionFrame: ~Copyable {
    /// How much memory the calls of a function take.
    struct Shape: Sendable {
        /// The arguments of the C function.
        let words: Int
        let outputs: Int
        /// In bytes, without the texts.
        let size: Int

        init(_ signature: FunctionSignature) {
            words = signature.arguments.reduce(0) { $0 + $1.width }
            outputs = signature.outputCount
            let perOutput = MemoryLayout<Int>.stride + MemoryLayout<UnsafeRawBufferPointer>.stride
            size = words * 2 * MemoryLayout<UInt64>.stride + outputs * perOutput
        }
    }

    /// Behind each buffer, so that a function that writes past its end is noticed.
    private static let canary: UInt64 = 0xc3a5_965a_693c_f00f

    /// Where each argument stands, as libffi wants it.
    let places: UnsafeMutablePointer<UnsafeMutableRawPointer?>

    private let words: UnsafeMutablePointer<UInt64>
    private let lengths: UnsafeMutablePointer<Int>
    private let buffers: UnsafeMutablePointer<UnsafeRawBufferPointer>
    private let capacity: Int
    /// All buffers, one after another, each with its canary.
    private let storage: UnsafeMutableRawPointer?
    private var texts: UnsafeMutableRawPointer
    private var wordCount = 0
    private var outputCount = 0

    /// Lays out a call.
    ///
    /// - Parameters:
    ///   - shape: The function's.
    ///   - memory: Of the shape's size and that of the texts.
    ///   - storage: From ``makeStorage(_:capacity:)``; freed with the frame.
    ///   - capacity: The size of each buffer.
    init(
        _ shape: Shape,
        _ memory: UnsafeMutableRawPointer,
        storage: UnsafeMutableRawPointer?,
        capacity: Int
    ) {
        self.capacity = capacity
        self.storage = storage
        var rest = memory
        words = Self.take(&rest, shape.words)
        places = Self.take(&rest, shape.words)
        lengths = Self.take(&rest, shape.outputs)
        buffers = Self.take(&rest, shape.outputs)
        texts = rest
    }

    /// The buffers' memory, all zeros; nil if there are none, or no memory.
    static func makeStorage(_ shape: Shape, capacity: Int) -> UnsafeMutableRawPointer? {
        shape.outputs > 0 ? calloc(shape.outputs, stride(capacity)) : nil
    }

    deinit { free(storage) }

    /// Adds an argument that has been found to fit.
    mutating func put(_ input: FunctionInput, as argument: FunctionSignature.Argument) {
        switch input {
        case .integer(let number): put(UInt64(bitPattern: number))
        case .real(let number): put(number.bitPattern)
        case .bytes(let bytes) where argument == .cstr:
            let text = texts
            if let start = bytes.baseAddress { text.copyMemory(from: start, byteCount: bytes.count) }
            text.storeBytes(of: 0, toByteOffset: bytes.count, as: UInt8.self)
            texts += bytes.count + 1
            put(address: text)
        case .bytes(let bytes):
            // Functions pass it on to memcpy and the like, for which NULL is wrong even with a length of 0.
            put(address: bytes.baseAddress ?? UnsafeRawPointer(words))
            put(UInt64(bytes.count))
        }
    }

    /// Adds a buffer that the function writes to.
    mutating func putOutput() {
        guard let storage else { return }
        let buffer = storage + outputCount * Self.stride(capacity)
        (buffer + capacity).storeBytes(of: Self.canary, as: UInt64.self)
        (lengths + outputCount).initialize(to: capacity)
        (buffers + outputCount).initialize(to: UnsafeRawBufferPointer(start: buffer, count: capacity))
        put(address: buffer)
        put(address: lengths + outputCount)
        outputCount += 1
    }

    /// Whether nothing was written past the end of a buffer.
    var isIntact: Bool {
        (0..<outputCount).allSatisfy { index in
            guard let start = buffers[index].baseAddress else { return false }
            return (start + capacity).loadUnaligned(as: UInt64.self) == Self.canary
        }
    }

    /// The capacity that the function asks for; nil if all it wanted to write is there.
    var needed: Int? {
        // A length is the C function's size_t, and garbage in it may look negative here.
        var longest: UInt = 0
        for index in 0..<outputCount { longest = max(longest, UInt(bitPattern: lengths[index])) }
        return longest > UInt(capacity) ? Int(clamping: longest) : nil
    }

    /// What was written to each buffer.
    var outputs: UnsafeBufferPointer<UnsafeRawBufferPointer> {
        for index in 0..<outputCount {
            buffers[index] = UnsafeRawBufferPointer(rebasing: buffers[index][..<lengths[index]])
        }
        return UnsafeBufferPointer(start: buffers, count: outputCount)
    }

    private mutating func put(address: UnsafeRawPointer) { put(UInt64(UInt(bitPattern: address))) }

    private mutating func put(_ word: UInt64) {
        (words + wordCount).initialize(to: word)
        (places + wordCount).initialize(to: UnsafeMutableRawPointer(words + wordCount))
        wordCount += 1
    }

    private static func stride(_ capacity: Int) -> Int { (capacity + MemoryLayout<UInt64>.size + 15) & ~15 }

    private static func take<T>(_ memory: inout UnsafeMutableRawPointer, _ count: Int) -> UnsafeMutablePointer<T> {
        let taken = memory.bindMemory(to: T.self, capacity: count)
        memory += count * MemoryLayout<T>.stride
        return taken
    }
}
