//! The structure of one JSON value, followed byte by byte without recursion.

use memchr::memchr3;

/// Follows one JSON value; can be fed in pieces.
///
/// Strict where it helps to notice damage at once (what follows what, raw line ends in strings), lenient where people
/// and tools are not (trailing commas, any word for a scalar). Nesting costs one bit a level.
#[derive(Debug, Default)]
pub(super) struct Follower {
    state: State,
    /// One bit per open container, 1 for an object.
    kinds: Vec<u64>,
    depth: usize,
    in_string: bool,
    in_scalar: bool,
    after_backslash: bool,
    /// Keys of the outermost object that a LogEntry has.
    pub(super) n_entry_keys: usize,
    /// True when a container was opened inside the outermost one.
    pub(super) has_nested: bool,
}

/// What may come next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Value,
    Key,
    Colon,
    CommaOrEnd,
}

/// How far a value goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// It ends before this index.
    Closed(usize),
    /// It cannot go on at this index.
    Broken(usize),
    /// It goes on after the last byte.
    Open,
}

impl Follower {
    /// Follows the value through `bytes[from..]`.
    pub(super) fn feed(&mut self, bytes: &[u8], from: usize) -> Extent {
        let mut i = from;
        if self.in_string {
            match self.string(bytes, i) {
                Ok(Some(end)) if self.depth == 0 => return Extent::Closed(end),
                Ok(Some(end)) => i = end,
                Ok(None) => return Extent::Open,
                Err(at) => return Extent::Broken(at),
            }
        }
        if self.in_scalar {
            i += scalar_len(&bytes[i..]);
            self.in_scalar = i == bytes.len();
        }
        while let Some(&b) = bytes.get(i) {
            match b {
                b' ' | b'\n' | b'\r' | b'\t' => i += 1,
                b'"' => {
                    let was_key = self.state == State::Key;
                    match self.state {
                        State::Value => self.state = State::CommaOrEnd,
                        State::Key => self.state = State::Colon,
                        _ => return Extent::Broken(i),
                    }
                    match self.string(bytes, i + 1) {
                        Ok(Some(end)) => {
                            if was_key && self.depth == 1 && is_entry_key(&bytes[i + 1..end - 1]) {
                                self.n_entry_keys += 1;
                            }
                            i = end;
                        }
                        Ok(None) => return Extent::Open,
                        Err(at) => return Extent::Broken(at),
                    }
                    if self.depth == 0 {
                        return Extent::Closed(i);
                    }
                }
                b'{' | b'[' if self.state == State::Value => {
                    self.open(b == b'{');
                    i += 1;
                }
                b'}' | b']' => {
                    let may_close = match self.state {
                        State::CommaOrEnd => true,
                        State::Key => b == b'}',
                        State::Value => b == b']',
                        State::Colon => false,
                    };
                    if !may_close || self.depth == 0 || self.innermost_is_object() != (b == b'}') {
                        return Extent::Broken(i);
                    }
                    self.depth -= 1;
                    self.state = State::CommaOrEnd;
                    i += 1;
                    if self.depth == 0 {
                        return Extent::Closed(i);
                    }
                }
                b',' if self.state == State::CommaOrEnd => {
                    self.state = if self.innermost_is_object() { State::Key } else { State::Value };
                    i += 1;
                }
                b':' if self.state == State::Colon => {
                    self.state = State::Value;
                    i += 1;
                }
                b'-' | b'+' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' if self.state == State::Value => {
                    i += scalar_len(&bytes[i..]);
                    self.in_scalar = i == bytes.len();
                    self.state = State::CommaOrEnd;
                }
                _ => return Extent::Broken(i),
            }
        }
        Extent::Open
    }

    /// Index after the string's closing quote; `None` when it goes on, an error where it holds a raw line end.
    fn string(&mut self, bytes: &[u8], from: usize) -> Result<Option<usize>, usize> {
        let mut i = from;
        self.in_string = true;
        if self.after_backslash && i < bytes.len() {
            self.after_backslash = false;
            i += 1;
        }
        while let Some(found) = memchr3(b'"', b'\\', b'\n', &bytes[i.min(bytes.len())..]) {
            i += found;
            match bytes[i] {
                b'"' => {
                    self.in_string = false;
                    return Ok(Some(i + 1));
                }
                b'\n' => return Err(i),
                _ if i + 1 == bytes.len() => {
                    self.after_backslash = true;
                    return Ok(None);
                }
                _ => i += 2,
            }
        }
        Ok(None)
    }

    fn open(&mut self, is_object: bool) {
        let (word, bit) = (self.depth / 64, 1 << (self.depth % 64));
        if word == self.kinds.len() {
            self.kinds.push(0);
        }
        if is_object {
            self.kinds[word] |= bit;
        } else {
            self.kinds[word] &= !bit;
        }
        self.has_nested |= self.depth > 0;
        self.depth += 1;
        self.state = if is_object { State::Key } else { State::Value };
    }

    fn innermost_is_object(&self) -> bool {
        self.depth > 0 && self.kinds[(self.depth - 1) / 64] >> ((self.depth - 1) % 64) & 1 == 1
    }
}

/// Length of the number or word that `bytes` starts with.
pub(super) fn scalar_len(bytes: &[u8]) -> usize {
    let in_scalar = |b: &u8| matches!(b, b'-' | b'+' | b'.' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z');
    bytes.iter().position(|b| !in_scalar(b)).unwrap_or(bytes.len())
}

/// True for the names of LogEntry fields that tell an entry from what wraps it, in the spellings of gcloud and of
/// client libraries.
pub(super) fn is_entry_key(key: &[u8]) -> bool {
    matches!(
        key,
        b"logName"
            | b"insertId"
            | b"timestamp"
            | b"receiveTimestamp"
            | b"resource"
            | b"severity"
            | b"textPayload"
            | b"jsonPayload"
            | b"protoPayload"
            | b"httpRequest"
            | b"log_name"
            | b"insert_id"
            | b"receive_timestamp"
            | b"text_payload"
            | b"json_payload"
            | b"proto_payload"
            | b"http_request"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Extent) {
        assert_eq!(Follower::default().feed(text.as_bytes(), 0), expected, "{text}");
        for cut in 0..text.len() {
            let mut follower = Follower::default();
            if follower.feed(&text.as_bytes()[..cut], 0) == Extent::Open {
                assert_eq!(follower.feed(text.as_bytes(), cut), expected, "{text} cut at {cut}");
            }
        }
    }

    #[test]
    fn a_value_ends_where_it_closes() {
        check(r#"{"a":[1,{"b":"}\"]"}],"c":null} {"#, Extent::Closed(31));
        check(r#"{} x"#, Extent::Closed(2));
        check(r#""a\\" "#, Extent::Closed(5));
        check(r#"[1,2,]"#, Extent::Closed(6));
    }

    #[test]
    fn damage_is_seen_where_it_is() {
        check("{\"a\":\"b\n\"}", Extent::Broken(7));
        check(r#"{"a":1,{"#, Extent::Broken(7));
        check(r#"{"a":[1}"#, Extent::Broken(7));
        check(r#"{"a" 1}"#, Extent::Broken(5));
        check(r#"{'a':1}"#, Extent::Broken(1));
    }

    #[test]
    fn what_is_cut_is_open() {
        check(r#"{"a":"b\"#, Extent::Open);
        check(r#"{"a":[{"b":1"#, Extent::Open);
    }

    #[test]
    fn a_depth_bomb_costs_a_bit_a_level() {
        let bomb = "[".repeat(1 << 20) + &"]".repeat(1 << 20);
        assert_eq!(Follower::default().feed(bomb.as_bytes(), 0), Extent::Closed(2 << 20));
    }
}
