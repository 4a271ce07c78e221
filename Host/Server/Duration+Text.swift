extension Duration {
    /// Milliseconds with three decimals, of a time that is not negative.
    var millisecondsText: String {
        let (seconds, attoseconds) = components
        var rest = max(0, seconds * 1_000_000 + attoseconds / 1_000_000_000_000)
        // Every answer of the fast lane has one of these: it is written in place, from its end.
        return String(unsafeUninitializedCapacity: 24) { text in
            var start = 24
            while rest > 0 || start > 19 {
                if start == 21 {
                    start -= 1
                    text[start] = UInt8(ascii: ".")
                }
                start -= 1
                text[start] = UInt8(ascii: "0") + UInt8(rest % 10)
                rest /= 10
            }
            let count = 24 - start
            for place in 0..<count { text[place] = text[start + place] }
            return count
        }
    }

    /// Seconds with three places, as answers show them.
    var shownSeconds: Double {
        let (seconds, attoseconds) = components
        return Double(seconds) + Double(attoseconds / 1_000_000_000_000_000) / 1000
    }
}
