//! `pack < MODULE > MODULE.lzma`: the oldest format of LZMA, which begins with how long the module is.
use std::io::{self, Read as _, Write as _};

use lzma_rust2::{LzmaOptions, LzmaWriter};

fn main() -> io::Result<()> {
    let mut module = Vec::new();
    io::stdin().read_to_end(&mut module)?;
    let size = module.len() as u64;
    // A module is not aligned to anything, and what an instruction is depends most on the one before.
    let options = LzmaOptions { lc: 4, pb: 0, ..LzmaOptions::with_preset(9) };
    let mut writer = LzmaWriter::new_use_header(Vec::new(), &options, Some(size))?;
    writer.write_all(&module)?;
    io::stdout().write_all(&writer.finish()?)
}
