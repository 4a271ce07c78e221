import CGantryPlugin

extension gantry_slice {
    /// Lends bytes for the time that the buffer is valid.
    package init(_ buffer: UnsafeRawBufferPointer) {
        self.init(ptr: buffer.baseAddress?.assumingMemoryBound(to: UInt8.self), len: buffer.count)
    }

    /// Whether this can be read: a null pointer only with no bytes, and a length that memory can have.
    package var isWellFormed: Bool { (0...(1 << 32)).contains(len) && (ptr != nil || len == 0) }

    /// The length, or nothing if this cannot be read.
    package var readableLength: Int { isWellFormed ? len : 0 }

    /// The first bytes of this.
    package func prefix(_ maximumLength: Int) -> gantry_slice { gantry_slice(ptr: ptr, len: min(len, maximumLength)) }
}

extension gantry_pair {
    /// Whether all of it can be read.
    package var isWellFormed: Bool { name.isWellFormed && value.isWellFormed && secret.isWellFormed }
}

extension UnsafeRawBufferPointer {
    /// The bytes of a slice; empty if its pointer is null.
    package init(lent slice: gantry_slice) {
        guard let pointer = slice.ptr else {
            self.init(start: nil, count: 0)
            return
        }
        self.init(start: pointer, count: slice.len)
    }
}

extension String {
    /// Copies text that was lent; invalid UTF-8 is repaired, so that no foreign byte reaches a log or a client.
    package init(lent slice: gantry_slice) {
        self.init(decoding: UnsafeRawBufferPointer(lent: slice), as: UTF8.self)
    }
}
