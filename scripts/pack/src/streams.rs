//! A WebAssembly module sorted by what its bytes mean, to be compressed: opcodes with opcodes, locals with
//! locals, constants with constants. LZMA makes a tenth less of it than of the module as it is. Sorting and
//! merging are the same walk over the module (WebAssembly Core Specification 2.0, chapter 5): what was read
//! says what comes next.

/// What a byte may be; each has a stream.
const OTHER: usize = 0;
const SHAPE: usize = 1;
const OPCODE: usize = 2;
const LOCAL: usize = 3;
const CALL: usize = 4;
const OFFSET: usize = 5;
const INTEGER: usize = 6;
const LONG: usize = 7;
const ALIGNMENT: usize = 8;
const BRANCH: usize = 9;
const GLOBAL: usize = 10;
const STREAMS: usize = 11;
/// Length of a stream, little-endian.
const LENGTH: usize = 4;
/// Most bytes of a number of 32 bits as LEB128.
const NUMBER: usize = 5;

/// The code section.
const CODE: u8 = 10;
const END: u8 = 0x0b;

/// The immediates of an opcode, but those whose number is read first.
fn immediates(opcode: u8) -> &'static [usize] {
    match opcode {
        0x02..=0x04 => &[SHAPE],
        0x0c..=0x0d => &[BRANCH],
        0x10 => &[CALL],
        0x11 => &[CALL, CALL],
        0x20..=0x22 => &[LOCAL],
        0x23..=0x26 => &[GLOBAL],
        0x28..=0x3e => &[ALIGNMENT, OFFSET],
        0x41 => &[INTEGER],
        0x42 => &[LONG],
        0x3f | 0x40 | 0xd0 | 0xd2 => &[OTHER],
        _ => &[],
    }
}

/// How many immediates follow 0xfc and the number of the instruction.
fn bulk_immediates(instruction: u32) -> u32 {
    match instruction {
        8 | 10 | 12 | 14 => 2,
        9 | 11 | 13 | 15.. => 1,
        _ => 0,
    }
}

/// A module on its way through the walk.
trait Tape {
    /// The next byte, which is of this kind.
    fn byte(&mut self, kind: usize) -> u8;
    /// Whether nothing follows.
    fn is_done(&self) -> bool;
    /// Before and after the body of each function: its length is left out, its end will show it.
    fn begin(&mut self);
    fn end(&mut self);
}

fn number(tape: &mut impl Tape, kind: usize) -> u32 {
    let mut value = 0;
    let mut shift = 0;
    loop {
        let byte = tape.byte(kind);
        value |= u32::from(byte & 0x7f).wrapping_shl(shift);
        shift += 7;
        if byte < 0x80 {
            return value;
        }
    }
}

fn numbers(tape: &mut impl Tape, count: u32, kind: usize) {
    for _ in 0..count {
        number(tape, kind);
    }
}

fn bytes(tape: &mut impl Tape, count: u32, kind: usize) {
    for _ in 0..count {
        tape.byte(kind);
    }
}

fn body(tape: &mut impl Tape) {
    let groups = number(tape, SHAPE);
    numbers(tape, 2 * groups, SHAPE);
    let mut depth = 1;
    while depth > 0 {
        let opcode = tape.byte(OPCODE);
        match opcode {
            0x02..=0x04 => depth += 1,
            END => depth -= 1,
            _ => {}
        }
        match opcode {
            0x0e => {
                let labels = number(tape, BRANCH) + 1;
                numbers(tape, labels, BRANCH);
            }
            0x1c => {
                let types = number(tape, OTHER);
                numbers(tape, types, OTHER);
            }
            0x43 => bytes(tape, 4, LONG),
            0x44 => bytes(tape, 8, LONG),
            0xfc => {
                let instruction = number(tape, OTHER);
                numbers(tape, bulk_immediates(instruction), OTHER);
            }
            _ => {
                for &kind in immediates(opcode) {
                    number(tape, kind);
                }
            }
        }
    }
}

fn walk(tape: &mut impl Tape) {
    bytes(tape, 8, OTHER);
    while !tape.is_done() {
        let section = tape.byte(OTHER);
        let length = number(tape, OTHER);
        if section == CODE {
            for _ in 0..number(tape, OTHER) {
                tape.begin();
                body(tape);
                tape.end();
            }
        } else {
            bytes(tape, length, OTHER);
        }
    }
}

struct Merge<'a> {
    streams: &'a [u8],
    /// Where each stream goes on, and where the first ends.
    next: [usize; STREAMS],
    end: usize,
    module: &'a mut [u8],
    at: usize,
    /// Where the body began.
    body: usize,
}

impl Tape for Merge<'_> {
    fn byte(&mut self, kind: usize) -> u8 {
        let byte = self.streams[self.next[kind]];
        self.next[kind] += 1;
        self.module[self.at] = byte;
        self.at += 1;
        byte
    }

    fn is_done(&self) -> bool {
        self.next[OTHER] == self.end
    }

    fn begin(&mut self) {
        self.body = self.at;
    }

    fn end(&mut self) {
        let mut digits = [0; NUMBER];
        let mut count = 0;
        let mut rest = self.at - self.body;
        loop {
            digits[count] = rest as u8 & 0x7f;
            count += 1;
            rest >>= 7;
            if rest == 0 {
                break;
            }
            digits[count - 1] |= 0x80;
        }
        self.module.copy_within(self.body..self.at, self.body + count);
        self.module[self.body..self.body + count].copy_from_slice(&digits[..count]);
        self.at += count;
    }
}

/// Writes the module that the streams hold, and returns how long it is.
///
/// # Panics
///
/// When the streams hold no module, or one that does not fit.
pub fn merge(streams: &[u8], module: &mut [u8]) -> usize {
    let mut next = [0; STREAMS];
    let mut end = STREAMS * LENGTH;
    for (kind, next) in next.iter_mut().enumerate() {
        *next = end;
        end += streams[kind * LENGTH..][..LENGTH]
            .iter()
            .rev()
            .fold(0, |length, &byte| length << 8 | usize::from(byte));
    }
    let mut merge = Merge { streams, next, end: next[1], module, at: 0, body: 0 };
    walk(&mut merge);
    merge.at
}

#[cfg(not(target_arch = "wasm32"))]
pub use split::split;

#[cfg(not(target_arch = "wasm32"))]
mod split {
    use super::{STREAMS, Tape, walk};

    struct Split<'a> {
        module: &'a [u8],
        at: usize,
        streams: [Vec<u8>; STREAMS],
    }

    impl Tape for Split<'_> {
        fn byte(&mut self, kind: usize) -> u8 {
            let byte = self.module[self.at];
            self.at += 1;
            self.streams[kind].push(byte);
            byte
        }

        fn is_done(&self) -> bool {
            self.at == self.module.len()
        }

        fn begin(&mut self) {
            while self.module[self.at] > 0x7f {
                self.at += 1;
            }
            self.at += 1;
        }

        fn end(&mut self) {}
    }

    /// The lengths of the streams, and the streams.
    ///
    /// # Panics
    ///
    /// When these bytes are no module.
    pub fn split(module: &[u8]) -> Vec<u8> {
        let mut split = Split { module, at: 0, streams: Default::default() };
        walk(&mut split);
        let lengths = split.streams.iter().flat_map(|stream| (stream.len() as u32).to_le_bytes());
        lengths.chain(split.streams.iter().flatten().copied()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An instruction of every shape of immediates, a body with a size of two bytes, and one with one byte.
    const TEXT: &str = r#"(module
        (import "./glue_bg.js" "__wbg_log_1" (func $log (param i32)))
        (import "./snippet.js" "kept" (func $kept (param i64) (result f64)))
        (memory (export "memory") 1) (table (export "unused") 2 funcref) (global $stack (mut i32) (i32.const 65536))
        (data $words "passive") (elem (i32.const 0) $small $large)
        (type $unary (func (param i32) (result i32)))
        (func $small (export "small") (param i32) (result i32) (i32.add (local.get 0) (global.get $stack)))
        (func $large (export "large") (param $n i32) (result i32) (local $wide i64) (local $real f64)
          (memory.init $words (i32.const 0) (i32.const 0) (i32.const 7)) (data.drop $words)
          (memory.copy (i32.const 1) (i32.const 0) (i32.const 7)) (memory.fill (i32.const 9) (i32.const 0) (i32.const 1))
          (local.set $wide (i64.const -9223372036854775808)) (local.set $real (f64.const 1.5)) (drop (f32.const 0.25))
          (global.set $stack (local.tee $n (i32.load16_u offset=70000 (local.get $n))))
          (block $out (loop $again (br_table $out $again $out (local.get $n)))
            (if (local.get $n) (then (br $out)) (else (br_if $out (i32.eqz (local.get $n))))))
          (local.set $real (call $kept (local.get $wide))) (call $log (i32.trunc_sat_f64_s (local.get $real)))
          MANY
          (drop (select (result f64) (local.get $real) (f64.const 0) (local.get $n)))
          (call_indirect (type $unary) (local.get $n) (memory.grow (i32.const 0)))))"#;

    #[test]
    fn a_module_that_was_sorted_and_merged_is_the_same() {
        let text = TEXT.replace("MANY", &"(call $log (i32.const 300))".repeat(30));
        let module = wat::parse_str(text).expect("it is a module");
        let streams = split(&module);
        let mut again = vec![0; module.len()];
        assert_eq!(merge(&streams, &mut again), module.len());
        assert_eq!(again, module);
    }
}
