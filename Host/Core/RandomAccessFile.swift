/// A complete file that can be read at any offset, from several threads at once.
package protocol RandomAccessFile: AnyObject, Sendable {
    /// Bytes in the file; does not change.
    var sizeInBytes: Int64 { get }

    /// Reads into a buffer; blocks, so it is called on a thread pool and never on an event loop.
    ///
    /// - Returns: How many bytes were read: fewer than the buffer holds only at the end of the file.
    func read(at offset: Int64, into buffer: UnsafeMutableRawBufferPointer) throws -> Int
}
