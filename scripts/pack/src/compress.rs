//! LZMA, the writing half: a library finds the matches, [`Writer`] writes them as [`Reader`](crate::Reader) reads them.

use std::io::{self, Write as _};

use lzma_rust2::{EncodeMode, LzmaOptions, LzmaWriter, MfType};

use crate::lzma::{Bits, CONTEXTS, PROPERTIES, decompress};
use crate::range::{Place, Writer};

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
    lzma: Place<'a>,
    chances: [u16; CONTEXTS],
    writer: Writer,
}

impl<'a> Translator<'a> {
    fn new(lzma: &'a [u8]) -> Self {
        // The first byte is always 0.
        Self { lzma: Place::new(&lzma[1..]), chances: [1 << 10; CONTEXTS], writer: Writer::new() }
    }
}

impl Bits for Translator<'_> {
    fn bit(&mut self, context: usize) -> usize {
        let chance = &mut self.chances[context];
        let bit = self.lzma.split((self.lzma.range >> 11) * u32::from(*chance));
        if bit {
            *chance -= *chance >> 5;
        } else {
            *chance += ((1 << 11) - *chance) >> 5;
        }
        self.writer.bit(context, bit);
        usize::from(bit)
    }

    fn even(&mut self) -> usize {
        let bit = self.lzma.halve();
        self.writer.even(bit);
        usize::from(bit)
    }
}
