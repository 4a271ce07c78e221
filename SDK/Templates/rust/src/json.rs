//! The JSON that the host sends: an object of texts and of `{"secret": NAME}`. Anything else is refused.

pub enum Value {
    Text(String),
    Secret(String),
}

/// The members of an object; none for what is not such an object.
pub fn object(text: &[u8]) -> Option<Vec<(String, Value)>> {
    let mut reader = Reader { rest: text };
    let mut members = Vec::new();
    reader.take(b'{')?;
    while reader.peek()? != b'}' {
        if !members.is_empty() {
            reader.take(b',')?;
        }
        let name = reader.string()?;
        reader.take(b':')?;
        let value = if reader.peek()? == b'{' { reader.secret()? } else { Value::Text(reader.string()?) };
        members.push((name, value));
    }
    reader.take(b'}')?;
    if reader.peek().is_none() {
        Some(members)
    } else {
        None
    }
}

/// Bytes as a JSON string, in quotes and with escapes.
pub fn quoted(text: &[u8]) -> Vec<u8> {
    let mut quoted = vec![b'"'];
    for &byte in text {
        match byte {
            b'"' | b'\\' => quoted.extend([b'\\', byte]),
            0..=0x1f => quoted.extend(format!("\\u{byte:04x}").bytes()),
            _ => quoted.push(byte),
        }
    }
    quoted.push(b'"');
    quoted
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl Reader<'_> {
    fn next(&mut self) -> Option<u8> {
        let (&first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(first)
    }

    /// The next byte that is no space; none at the end.
    fn peek(&mut self) -> Option<u8> {
        while self.rest.first()?.is_ascii_whitespace() {
            self.next();
        }
        self.rest.first().copied()
    }

    fn take(&mut self, expected: u8) -> Option<()> {
        if self.peek()? == expected {
            self.next().map(|_| ())
        } else {
            None
        }
    }

    fn secret(&mut self) -> Option<Value> {
        self.take(b'{')?;
        if self.string()? != "secret" {
            return None;
        }
        self.take(b':')?;
        let name = self.string()?;
        self.take(b'}')?;
        Some(Value::Secret(name))
    }

    fn string(&mut self) -> Option<String> {
        self.take(b'"')?;
        let mut bytes = Vec::new();
        loop {
            match self.next()? {
                b'"' => return String::from_utf8(bytes).ok(),
                b'\\' => bytes.push(match self.next()? {
                    letter @ (b'"' | b'\\' | b'/') => letter,
                    b'n' => b'\n',
                    b't' => b'\t',
                    b'r' => b'\r',
                    // \u, which the host writes for control characters alone.
                    _ => return None,
                }),
                byte => bytes.push(byte),
            }
        }
    }
}
