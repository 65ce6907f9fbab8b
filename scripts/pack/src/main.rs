//! `pack MODULE`: writes to its output the size of the streams in four bytes, little-endian, and the streams packed.
use std::error::Error;
use std::io::Write as _;
use std::{env, fs, io};

use pack::{Reader, compress, lzma, streams};

fn main() -> Result<(), Box<dyn Error>> {
    let path = env::args().nth(1).ok_or("usage: pack MODULE")?;
    let module = fs::read(path)?;
    let streams = streams::split(&module);
    let packed = compress(&streams)?;

    let (mut again, mut whole) = (vec![0; streams.len()], vec![0; module.len()]);
    lzma::decompress(&mut Reader::new(&packed), &mut again);
    streams::merge(&again, &mut whole);
    if whole != module {
        return Err("the packed module is not the module".into());
    }

    let mut out = io::stdout().lock();
    out.write_all(&u32::try_from(streams.len())?.to_le_bytes())?;
    out.write_all(&packed)?;
    Ok(())
}
