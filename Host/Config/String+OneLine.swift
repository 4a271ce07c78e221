extension String {
    /// This text on one line and of bounded length, to be quoted in a message.
    func onOneLine(limit: Int = 80) -> String {
        var text = ""
        for (count, scalar) in unicodeScalars.enumerated() {
            if count == limit { return text + "…" }
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .unassigned, .privateUse:
                text.unicodeScalars.append("\u{fffd}")
            default:
                text.unicodeScalars.append(scalar)
            }
        }
        return text
    }
}
