import CGantryPlugin

/// Bytes at an address that stays.
///
/// `@unchecked Sendable`: written once, before anybody else has it.
final class StaticText: @unchecked Sendable {
    let slice: gantry_slice
    private let bytes: UnsafeMutableBufferPointer<UInt8>

    init(_ text: String) {
        bytes = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: text.utf8.count)
        _ = bytes.initialize(from: text.utf8)
        slice = gantry_slice(ptr: UnsafePointer(bytes.baseAddress), len: bytes.count)
    }

    deinit { bytes.deallocate() }
}
