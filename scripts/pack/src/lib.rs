//! The module of Easypeers, unpacked in a page, where it is compiled at once: the browser's own decompression makes
//! whoever asks for it wait, and `Easypeers` is to be there on the next line.
#![cfg(target_arch = "wasm32")]
#![no_std]

extern crate alloc;

use alloc::vec;
use alloc::vec::Vec;
use core::slice;

use lol_alloc::{AssumeSingleThreaded, LeakingAllocator};
use lzma_rust2::{LzmaReader, Read as _};

/// The instance is dropped with all its memory when the module is compiled: nothing is freed before.
// SAFETY: a page has one thread, and so has this module.
#[global_allocator]
static ALLOCATOR: AssumeSingleThreaded<LeakingAllocator> =
    unsafe { AssumeSingleThreaded::new(LeakingAllocator::new()) };

/// Room for so many bytes.
#[unsafe(no_mangle)]
extern "C" fn room(size: usize) -> *mut u8 {
    Vec::leak(vec![0; size]).as_mut_ptr()
}

/// The `size` bytes that `packed` bytes of LZMA at `at` make, or null when they make something else.
#[unsafe(no_mangle)]
extern "C" fn unpack(at: *const u8, packed: usize, size: usize) -> *const u8 {
    // SAFETY: the page has written there what it asked the room for.
    let packed = unsafe { slice::from_raw_parts(at, packed) };
    let mut module = vec![0; size];
    let read = LzmaReader::new_mem_limit(packed, u32::MAX, None)
        .and_then(|mut reader| reader.read_exact(&mut module));
    read.map_or(core::ptr::null(), |()| Vec::leak(module).as_ptr())
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
