extension RequestScanner.Walk {
    /// What an element of `input` says of itself.
    private struct InputItem {
        var id: JSONString?
        var isReference = false
        /// Whether it says what it is, so that its id is a name and no reference.
        var isItself = false
    }

    /// Reads an element of `input` that is an object.
    ///
    /// It stands for an item that its provider keeps if its type is `item_reference`, which may be left out.
    /// Source: <https://platform.openai.com/docs/api-reference/responses/create>, read 2026-11-22.
    mutating func inputItem() throws(JSONFault) {
        var seen: UInt64 = 0
        var item = InputItem()
        try eachMember { (walk, name) throws(JSONFault) in
            let role = try walk.role(of: name, in: .inputItem, &seen)
            let first = walk.scanner.nextByte()
            if first == nil || first != UInt8(ascii: "\"") {
                item.isItself = item.isItself || walk.reads(name, "role") && first != UInt8(ascii: "n")
                try walk.value(role)
            } else if walk.reads(name, "type") {
                let type = try walk.scanner.string()
                item.isReference = walk.reads(type, "item_reference")
                item.isItself = item.isItself || !item.isReference
            } else if walk.reads(name, "id") {
                guard item.id == nil else { throw JSONFault(.duplicateMember, at: name.start - 1) }
                item.id = try walk.scanner.string()
            } else {
                item.isItself = item.isItself || walk.reads(name, "role")
                try walk.value(role)
            }
        }
        if let id = item.id, item.isReference || !item.isItself { try note(.item, id) }
    }

    /// Reads the object that names a conversation.
    mutating func conversation() throws(JSONFault) {
        var seen: UInt64 = 0
        try eachMember { (walk, name) throws(JSONFault) in
            let role = try walk.role(of: name, in: .plain, &seen)
            if walk.reads(name, "id"), walk.scanner.nextByte() == UInt8(ascii: "\"") {
                try walk.note(.conversation, try walk.scanner.string())
            } else {
                try walk.value(role)
            }
        }
    }

    private func reads(_ string: JSONString, _ text: StaticString) -> Bool {
        guard string.hasEscapes else { return scanner.undecodedBytes(of: string).reads(text) }
        // Longer than the text, so that what is cut off cannot become it.
        let decoded = scanner.decodedBytes(of: string, limit: text.utf8CodeUnitCount + 8)
        return decoded.withUnsafeBytes { $0.reads(text) }
    }

    /// Notes what is named at a place; of what the gateway does not manage only the first.
    mutating func note(_ kind: ProviderPlace.Kind, _ string: JSONString) throws(JSONFault) {
        let isManaged = kind == .previousResponse
        guard !scan.others.contains(where: { ($0.kind == .previousResponse) == isManaged }) else { return }
        guard string.end - string.start <= RequestScanner.Reference.maximumLength else {
            throw JSONFault(.referenceTooLong, at: string.start - 1)
        }
        scan.others.append(
            ProviderPlace(
                kind,
                range: string.start - 1..<string.end + 1,
                text: scanner.text(of: string),
                path: notesPaths ? path : ""
            )
        )
    }
}
