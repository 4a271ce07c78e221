import HostCore
import SimdJSONScan

/// One way to look at a request.
enum Contender: CaseIterable {
    case scanner
    case onDemand
    case tree

    var name: String {
        switch self {
        case .scanner: "RequestScanner"
        case .onDemand: "simdjson On-Demand"
        case .tree: "simdjson tree"
        }
    }
}

/// One request with what all contenders need; simdjson reads some bytes past the end of a text, which are there.
final class Bench {
    let body: Body
    private let storage: UnsafeMutableRawBufferPointer
    private let simdjson: OpaquePointer

    init?(_ body: Body) {
        guard let simdjson = simdjson_scanner_new() else { return nil }
        self.simdjson = simdjson
        self.body = body
        storage = .allocate(byteCount: body.bytes.count + simdjson_padding(), alignment: 64)
        storage.initializeMemory(as: UInt8.self, repeating: 0)
        storage.copyBytes(from: body.bytes)
    }

    deinit {
        simdjson_scanner_free(simdjson)
        storage.deallocate()
    }

    private var text: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: storage[..<body.bytes.count]) }

    /// Looks at the request once; false if what was found is not what is in it.
    func run(_ contender: Contender) -> Bool {
        switch contender {
        case .scanner:
            do {
                let scan = try RequestScanner.scan(text)
                return scan.ids.count == body.files && scan.stream == true && scan.model != nil
            } catch {
                return false
            }
        case .onDemand:
            var scan = simdjson_scan()
            let bytes = text.baseAddress?.assumingMemoryBound(to: UInt8.self)
            return simdjson_scan_on_demand(simdjson, bytes, text.count, &scan)
                && scan.ids == body.files && scan.stream && scan.model_end > scan.model_start
        case .tree:
            let bytes = text.baseAddress?.assumingMemoryBound(to: UInt8.self)
            return simdjson_parse_tree(simdjson, bytes, text.count)
        }
    }

    /// Whether the two that find places find the same ones.
    func agree() throws -> Bool {
        let scan = try RequestScanner.scan(text)
        var other = simdjson_scan()
        let bytes = text.baseAddress?.assumingMemoryBound(to: UInt8.self)
        return simdjson_scan_on_demand(simdjson, bytes, text.count, &other)
            && scan.modelRange == other.model_start..<other.model_end
            && other.id_offsets == scan.ids.reduce(0) { $0 + UInt64($1.range.lowerBound) }
    }
}
