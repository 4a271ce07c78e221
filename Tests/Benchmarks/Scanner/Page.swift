import SimdJSONScan

/// The page that tells the result and what follows from it.
struct Page {
    let results: [Result]
    let batches: [BatchRates]
    let rounds: Int
    let processor: String

    var text: String {
        """
        # One pass over a request

        Measured by `scripts/bench-scanner --rounds \(rounds)` on \(processor), one thread, beside whatever else ran there:
        processor time, medians of \(rounds) rounds in which the contenders take turns, and the best round. ± is half of the distance between the quartiles.

        - `RequestScanner` (`Host/Core`) checks all of RFC 8259 and UTF-8, refuses known members that come twice, and finds the
          model, the mode and every place that names a file, with its path.
        - simdjson \(String(cString: simdjson_version())), On-Demand API, compiled for `\(String(cString: simdjson_instructions()))`: walks over every value and finds the same places, without
          their paths. It checks neither escapes and numbers that are only passed over nor members that come twice, and it is
          given the padding after the body and its memory for nothing.
        - simdjson's tree checks what the scanner does, but for members that come twice; it finds nothing.

        | request | bytes | contender | ns a request | best | ± | GB/s |
        |---|--:|---|--:|--:|--:|--:|
        \(results.flatMap { result in Contender.allCases.map { row(result, $0) } }.joined(separator: "\n"))

        \(decision)

        ## A batch's input

        Read by `BatchInputReader` (every line checked, names and files noted) and then rewritten by `BatchRewriting`, in
        pieces of 256 KiB; each line names a model and a file.

        | input | bytes | read, MB/s | rewritten, MB/s |
        |---|--:|--:|--:|
        \(batches.map(row).joined(separator: "\n"))

        """
    }

    private func row(_ result: Result, _ contender: Contender) -> String {
        let time = result.time(contender)
        let spread = Int(((result.spread[contender] ?? 0) * 100).rounded())
        let rate = (Double(result.body.bytes.count) / time * 100).rounded() / 100
        let name = contender == .scanner ? "**\(contender.name)**" : contender.name
        return
            "| \(result.body.name) | \(grouped(result.body.bytes.count)) | \(name) | \(grouped(Int(time.rounded()))) "
            + "| \(grouped(Int((result.best[contender] ?? 0).rounded()))) | \(spread) % | \(rate) |"
    }

    private func row(_ rates: BatchRates) -> String {
        let (reading, rewriting) = (Int(rates.reading * 1000), Int(rates.rewriting * 1000))
        return "| \(rates.name) | \(grouped(rates.sizeInBytes)) | \(grouped(reading)) | \(grouped(rewriting)) |"
    }

    private var decision: String {
        let slower = results.filter { $0.time(.scanner) > $0.time(.onDemand) }
        let factors = results.map { result in
            "\(result.body.name): \((result.time(.onDemand) / result.time(.scanner) * 100).rounded() / 100)"
        }
        let worst = slower.map { $0.time(.scanner) - $0.time(.onDemand) }.max() ?? 0
        let verdict =
            slower.isEmpty
            ? "The scanner is the faster one for every request."
            : "simdjson is the faster one for: \(slower.map(\.body.name).joined(separator: "; ")); at most "
                + "\(grouped(Int((worst / 1000).rounded()))) us a request."
        // What a gateway would notice that takes about 100 us for a chat, and some milliseconds for 10 MB.
        let large = slower.filter {
            $0.time(.scanner) - $0.time(.onDemand) > max(3000, Double($0.body.bytes.count) * 0.1)
        }
        return """
            ## Decision

            simdjson's time over the scanner's: \(factors.joined(separator: "; ")).

            \(verdict) \(!large.isEmpty
            ? "For \(large.map(\.body.name).joined(separator: "; ")) it is more than 3 us and 0.1 ns a byte: "
                + "**look at simdjson again.** The time there may be that of paths and texts, which only the scanner makes."
            : "No difference is more than 3 us or 0.1 ns a byte, a few hundredths of what the gateway needs for such a "
                + "request, and the scanner checks more: **the scanner in Swift stays** and the gateway needs no C++.")
            """
    }

    private func grouped(_ number: Int) -> String {
        let digits = Array(String(number))
        return String(
            digits.enumerated().flatMap { index, digit in
                index > 0 && (digits.count - index).isMultiple(of: 3) ? [",", digit] : [digit]
            }
        )
    }
}
