//! LZMA, the writing half: a library finds the matches, [`Writer`] writes them as [`Reader`](crate::Reader) reads them.

use std::io::{self, Write as _};

use lzma_rust2::{EncodeMode, LzmaOptions, LzmaWriter, MfType};

use crate::lzma::{Bits, CONTEXTS, PROPERTIES, decompress};
use crate::range::Writer;

/// What [`decompress`] makes these bytes of.
pub fn compress(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let (lc, lp, pb) = PROPERTIES;
    let options = LzmaOptions {
        dict_size: 1 << 20,
        lc,
        lp,
        pb,
        mode: EncodeMode::Normal,
        nice_len: 273,
        mf: MfType::Bt4,
        depth_limit: 1000,
        preset_dict: None,
    };
    let mut writer = LzmaWriter::new_no_header(Vec::new(), &options, false)?;
    writer.write_all(bytes)?;
    let lzma = writer.finish()?;
    let mut translator = Translator::new(&lzma);
    decompress(&mut translator, &mut vec![0; bytes.len()]);
    Ok(translator.writer.finish())
}

/// Reads LZMA as it is specified, and writes each bit again.
struct Translator<'a> {
    lzma: &'a [u8],
    range: u32,
    code: u32,
    chances: [u16; CONTEXTS],
    writer: Writer,
}

impl<'a> Translator<'a> {
    fn new(lzma: &'a [u8]) -> Self {
        let (code, lzma) = lzma[1..].split_first_chunk().expect("the library writes at least five bytes");
        let code = u32::from_be_bytes(*code);
        Self { lzma, range: u32::MAX, code, chances: [1 << 10; CONTEXTS], writer: Writer::new() }
    }

    fn shift(&mut self) {
        if self.range < 1 << 24 {
            let (byte, rest) = self.lzma.split_first().expect("the library wrote all bytes");
            self.range <<= 8;
            self.code = self.code << 8 | u32::from(*byte);
            self.lzma = rest;
        }
    }
}

impl Bits for Translator<'_> {
    fn bit(&mut self, context: usize) -> usize {
        let chance = &mut self.chances[context];
        let bound = (self.range >> 11) * u32::from(*chance);
        let bit = self.code >= bound;
        if bit {
            self.range -= bound;
            self.code -= bound;
            *chance -= *chance >> 5;
        } else {
            self.range = bound;
            *chance += ((1 << 11) - *chance) >> 5;
        }
        self.shift();
        self.writer.bit(context, bit);
        usize::from(bit)
    }

    fn even(&mut self) -> usize {
        self.range >>= 1;
        let bit = self.code >= self.range;
        if bit {
            self.code -= self.range;
        }
        self.shift();
        self.writer.even(bit);
        usize::from(bit)
    }
}
