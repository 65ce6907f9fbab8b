//! LZMA, the writing half, by a library.

use std::io::{self, Write as _};

use lzma_rust2::{EncodeMode, LzmaOptions, LzmaWriter, MfType};

use crate::lzma::PROPERTIES;

/// What [`decompress`](crate::lzma::decompress) makes these bytes of.
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
    writer.finish()
}
