//! JSON, as much of it as trackers speak: objects, text and counts. serde_json, with its floats and its errors, would be
//! 10 kB more for every visitor, 5.6 kB of them compressed (each alone in a module, with serde_json's `Value`).

/// Values inside values, at most.
const MAX_DEPTH: usize = 16;

/// One value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Json {
    Object(Vec<(String, Json)>),
    Text(String),
    Count(u64),
    Null,
    /// An array, a truth value, or a number that counts nothing.
    Other,
}

impl Json {
    /// Reads a text that is one value and nothing else.
    pub(super) fn read(text: &str) -> Option<Self> {
        let mut reader = Reader(text.as_bytes());
        let value = reader.value(MAX_DEPTH)?;
        reader.skip_space();
        reader.0.is_empty().then_some(value)
    }

    /// A member of an object; of two with one name, the later.
    pub(super) fn get(&self, name: &str) -> Option<&Self> {
        let Self::Object(members) = self else { return None };
        members.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    pub(super) fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    pub(super) fn count(&self) -> Option<u64> {
        if let Self::Count(count) = *self { Some(count) } else { None }
    }
}

/// What is still to be read. Each method takes from the front, or nothing comes of the whole.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first)
    }

    fn skip_space(&mut self) {
        self.0 = self.0.trim_ascii_start();
    }

    /// The next byte after any space, if it is this one.
    fn take(&mut self, expected: u8) -> bool {
        self.skip_space();
        let found = self.0.first() == Some(&expected);
        if found {
            self.byte();
        }
        found
    }

    fn value(&mut self, depth: usize) -> Option<Json> {
        let depth = depth.checked_sub(1)?;
        if self.take(b'"') {
            self.text().map(Json::Text)
        } else if self.take(b'{') {
            let mut members = Vec::new();
            let mut more = !self.take(b'}');
            while more {
                let key = self.take(b'"').then(|| self.text())??;
                let value = self.take(b':').then(|| self.value(depth))??;
                members.push((key, value));
                more = self.goes_on(b'}')?;
            }
            Some(Json::Object(members))
        } else if self.take(b'[') {
            let mut more = !self.take(b']');
            while more {
                self.value(depth)?;
                more = self.goes_on(b']')?;
            }
            Some(Json::Other)
        } else {
            self.word()
        }
    }

    /// Whether another element follows, or the end.
    fn goes_on(&mut self, end: u8) -> Option<bool> {
        if self.take(b',') { Some(true) } else { self.take(end).then_some(false) }
    }

    /// A name or a number. Whether a number is well formed matters to nobody unless it is a count.
    fn word(&mut self) -> Option<Json> {
        let is_in_word = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
        let length = self.0.iter().position(|byte| !is_in_word(byte)).unwrap_or(self.0.len());
        let (word, rest) = self.0.split_at(length);
        self.0 = rest;
        match word {
            b"null" => Some(Json::Null),
            b"true" | b"false" => Some(Json::Other),
            [b'0'..=b'9', ..] if word.iter().all(u8::is_ascii_digit) => {
                let digit = |sum: u64, digit: &u8| sum.checked_mul(10)?.checked_add(u64::from(digit - b'0'));
                Some(word.iter().try_fold(0, digit).map_or(Json::Other, Json::Count))
            }
            [b'-' | b'0'..=b'9', ..] => Some(Json::Other),
            _ => None,
        }
    }

    /// What follows an opening quote, up to the closing one.
    fn text(&mut self) -> Option<String> {
        let mut text = Vec::new();
        loop {
            match self.byte()? {
                b'"' => return String::from_utf8(text).ok(),
                b'\\' => {
                    let escaped = self.escaped()?;
                    text.extend_from_slice(escaped.encode_utf8(&mut [0; 4]).as_bytes());
                }
                byte if byte >= b' ' => text.push(byte),
                _ => return None,
            }
        }
    }

    fn escaped(&mut self) -> Option<char> {
        Some(match self.byte()? {
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => match self.unit()? {
                high @ 0xd800..0xdc00 => {
                    let low = (self.byte()? == b'\\' && self.byte()? == b'u').then(|| self.unit())??;
                    let low = low.checked_sub(0xdc00).filter(|low| *low < 0x400)?;
                    char::from_u32(0x10000 + ((high - 0xd800) << 10) + low)?
                }
                unit => char::from_u32(unit)?,
            },
            same @ (b'"' | b'\\' | b'/') => char::from(same),
            _ => return None,
        })
    }

    /// Four hexadecimal digits.
    fn unit(&mut self) -> Option<u32> {
        (0..4).try_fold(0, |unit, _| Some(unit << 4 | char::from(self.byte()?).to_digit(16)?))
    }
}

/// Writes an object; the values are JSON already.
pub(super) fn object(members: &[(&str, String)]) -> String {
    let members: Vec<_> = members.iter().map(|(name, value)| format!("{}:{value}", quote(name))).collect();
    format!("{{{}}}", members.join(","))
}

/// Writes text.
pub(super) fn quote(text: &str) -> String {
    let mut quoted = String::from("\"");
    for char in text.chars() {
        match char {
            '"' | '\\' => quoted.extend(['\\', char]),
            '\0'..' ' => {
                let digit = |value: u32| char::from_digit(value, 16).unwrap_or('0');
                quoted.push_str("\\u00");
                quoted.extend([digit(char as u32 >> 4), digit(char as u32 & 15)]);
            }
            _ => quoted.push(char),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    /// What the general parser makes of it.
    fn model(value: &Value) -> Json {
        match value {
            Value::Object(members) => {
                Json::Object(members.iter().map(|(key, value)| (key.clone(), model(value))).collect())
            }
            Value::String(text) => Json::Text(text.clone()),
            Value::Number(number) => number.as_u64().map_or(Json::Other, Json::Count),
            Value::Null => Json::Null,
            Value::Array(_) | Value::Bool(_) => Json::Other,
        }
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f32>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(any::<String>(), inner, 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn whatever_is_json_is_read(value in values()) {
            prop_assert_eq!(Json::read(&value.to_string()), Some(model(&value)));
            let pretty = serde_json::to_string_pretty(&value).expect("a value is JSON");
            prop_assert_eq!(Json::read(&pretty), Some(model(&value)));
        }

        #[test]
        fn any_text_survives_quoting(text: String) {
            prop_assert_eq!(serde_json::from_str::<String>(&quote(&text)).ok(), Some(text.clone()));
            let escaped: String = text.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect();
            prop_assert_eq!(Json::read(&format!("\"{escaped}\"")), Some(Json::Text(text)));
        }

        #[test]
        fn nonsense_is_refused_and_panics_nowhere(text in "[\\[\\]{}\",:\\\\u0-9a-fn .-]{0,24}") {
            if let Ok(value) = serde_json::from_str::<Value>(&text) {
                let doubled = matches!(&value, Value::Object(_)); // Two members of one name.
                prop_assert!(doubled || Json::read(&text) == Some(model(&value)), "{}", text);
            }
            let _ = Json::read(&text);
        }
    }

    #[test]
    fn what_is_not_json_is_nothing() {
        let deep = ["[".repeat(1000), "]".repeat(1000)].concat();
        for text in [
            "",
            " ",
            "{",
            "{\"a\"}",
            "{\"a\":1,}",
            "{1:2}",
            "[1,]",
            "[1 2]",
            "\"",
            "\"\n\"",
            r#""\x""#,
            r#""\u12""#,
            r#""\ud800""#,
            r#""\ud800\u0041""#,
            r#""\udc00""#,
            "nul",
            "True",
            "1 2",
            "+1",
            "{}{}",
            &deep,
        ] {
            assert_eq!(Json::read(text), None, "{text}");
        }
    }
}
