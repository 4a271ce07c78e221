/// A file that can be read at any offset, from several threads at once; some may still grow while they are read.
package protocol RandomAccessFile: AnyObject, Sendable {
    /// Bytes in the file when it is whole; does not change.
    var sizeInBytes: Int64 { get }

    /// How much of it is there by now; nil if it is whole.
    var growth: (any FileGrowth)? { get }

    /// Reads into a buffer; blocks, so it is called on a thread pool and never on an event loop.
    ///
    /// - Returns: How many bytes were read: fewer than the buffer holds only at the end of what there is.
    func read(at offset: Int64, into buffer: UnsafeMutableRawBufferPointer) throws -> Int

    /// A descriptor of the file for the system to send from, which is the caller's to close; nil if there is none.
    func duplicateDescriptor() -> Int32?

    /// Brings a range that is there into the system's cache, so that sending from it does not wait for a disk; blocks.
    ///
    /// - Throws: If the file is shorter than the range, or cannot be read.
    func prefetch(_ range: Range<Int64>) throws
}

extension RandomAccessFile {
    package var growth: (any FileGrowth)? { nil }
    package func duplicateDescriptor() -> Int32? { nil }
    package func prefetch(_: Range<Int64>) throws {}
}

/// How far a file has come that is read while it is written.
package protocol FileGrowth: AnyObject, Sendable {
    /// Bytes from the beginning that may be read by now; only becomes more.
    var readableBytes: Int64 { get }

    /// Calls back once, on any thread, when more than so many bytes may be read, or no more will ever be: before it
    /// returns if that is so already.
    func whenReadable(beyond count: Int64, _ body: @escaping @Sendable () -> Void)
}
