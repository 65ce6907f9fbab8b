//! The module of Easypeers, unpacked: [`range`] reads bits, [`lzma`] makes the streams of them, [`streams`] make the
//! module.
//!
//! JavaScript could do the same, but a page loads it cold: 60 to 200 ms in an interpreter, where a module of
//! 4 kB is at full speed at once.
#![cfg_attr(target_arch = "wasm32", no_std)]

#[cfg(not(target_arch = "wasm32"))]
mod compress;
pub mod lzma;
mod range;
pub mod streams;

#[cfg(not(target_arch = "wasm32"))]
pub use compress::compress;
pub use range::Reader;

/// Unpacks what lies at `base`: `packed` bytes, which make `size` bytes of streams. The streams come behind
/// them, and behind those the module; returns how long that is. All of it must lie in the memory of this
/// instance.
#[cfg(target_arch = "wasm32")]
#[unsafe(no_mangle)]
extern "C" fn unpack(base: usize, packed: usize, size: usize) -> usize {
    let end = core::arch::wasm32::memory_size(0) << 16;
    // SAFETY: the glue grew the memory to hold this, and beyond `__heap_base` nothing else uses it.
    let memory = unsafe { core::slice::from_raw_parts_mut(base as *mut u8, end - base) };
    let (packed, rest) = memory.split_at_mut(packed);
    let (streams, module) = rest.split_at_mut(size);
    lzma::decompress(&mut Reader::new(packed), streams);
    streams::merge(streams, module)
}

#[cfg(target_arch = "wasm32")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
