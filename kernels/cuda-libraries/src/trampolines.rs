//! The functions of NVIDIA's libraries, defined as jumps.
//!
//! Each function of the lists in `symbols` has an [`Entry`], and its trampoline jumps to the address in it.
//! At first that is [`unresolved`], which preserves the arguments, has [`resolve`] look up the function and
//! store its address, and jumps to it. After that a call costs one extra jump. A function, its entry and its
//! name are in separate sections, so the linker drops those that nothing calls.
//!
//! The symbols are hidden: the libraries call each other's functions, never the trampolines.

use std::arch::{global_asm, naked_asm};
use std::ffi::{CStr, c_char, c_void};
use std::io::Write;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicPtr, Ordering};

use crate::library::{CUBLAS, CURAND, DRIVER, Library, MOE, NVRTC};

/// The layout that the macro `entry` emits.
#[repr(C)]
struct Entry {
    /// The trampoline's target. A reader sees the old address or the new one; both work.
    address: AtomicPtr<c_void>,
    /// The function's name, a C string.
    name: *const c_char,
    /// The library that has it.
    library: &'static Library,
}

/// Finds the function of an entry and stores its address; aborts the process if it is missing.
extern "C" fn resolve(entry: &Entry) -> NonNull<c_void> {
    #[cfg(test)]
    crate::tests::overwrite_argument_registers();
    // SAFETY: the macro `entry` ends the name with a zero byte; it is never written to.
    let name = unsafe { CStr::from_ptr(entry.name) };
    match entry.library.function(name) {
        Ok(address) => {
            entry.address.store(address.as_ptr(), Ordering::Relaxed);
            address
        }
        Err(missing) => {
            let name = name.to_string_lossy();
            let _ = writeln!(
                std::io::stderr(),
                "error: {name} was called, but {missing}\nhint: {}",
                missing.hint
            );
            std::process::abort();
        }
    }
}

/// A trampoline's first target: saves all registers that can hold arguments, calls [`resolve`], and jumps to
/// the address that it returns. The entry's address is in r11. (System V ABI for x86_64, 3.2.3: rdi to r9 and
/// xmm0 to xmm7; al is the count of vector registers that a variadic call uses. On entry the stack is 8 bytes
/// off a multiple of 16.)
#[cfg(target_arch = "x86_64")]
// SAFETY: the body keeps the ABI: it restores every register that it changes except the one that calls may
// change.
#[unsafe(naked)]
extern "C" fn unresolved() {
    naked_asm!(
        "push rbp",
        "mov rbp, rsp",
        "sub rsp, 192",
        "movups [rsp], xmm0",
        "movups [rsp + 16], xmm1",
        "movups [rsp + 32], xmm2",
        "movups [rsp + 48], xmm3",
        "movups [rsp + 64], xmm4",
        "movups [rsp + 80], xmm5",
        "movups [rsp + 96], xmm6",
        "movups [rsp + 112], xmm7",
        "mov [rsp + 128], rdi",
        "mov [rsp + 136], rsi",
        "mov [rsp + 144], rdx",
        "mov [rsp + 152], rcx",
        "mov [rsp + 160], r8",
        "mov [rsp + 168], r9",
        "mov [rsp + 176], rax",
        "mov rdi, r11",
        "call {resolve}",
        "mov r11, rax",
        "mov rax, [rsp + 176]",
        "mov r9, [rsp + 168]",
        "mov r8, [rsp + 160]",
        "mov rcx, [rsp + 152]",
        "mov rdx, [rsp + 144]",
        "mov rsi, [rsp + 136]",
        "mov rdi, [rsp + 128]",
        "movups xmm7, [rsp + 112]",
        "movups xmm6, [rsp + 96]",
        "movups xmm5, [rsp + 80]",
        "movups xmm4, [rsp + 64]",
        "movups xmm3, [rsp + 48]",
        "movups xmm2, [rsp + 32]",
        "movups xmm1, [rsp + 16]",
        "movups xmm0, [rsp]",
        "leave",
        "jmp r11",
        resolve = sym resolve,
    )
}

/// A trampoline's first target: saves all registers that can hold arguments, calls [`resolve`], and jumps to
/// the address that it returns. The entry's address is in x16. (Procedure call standard for aarch64, 6.1: x0
/// to x8 and q0 to q7.)
#[cfg(target_arch = "aarch64")]
// SAFETY: the body keeps the ABI: it restores every register that it changes except the one that calls may
// change.
#[unsafe(naked)]
extern "C" fn unresolved() {
    naked_asm!(
        "stp x29, x30, [sp, #-224]!",
        "mov x29, sp",
        "stp x0, x1, [sp, #16]",
        "stp x2, x3, [sp, #32]",
        "stp x4, x5, [sp, #48]",
        "stp x6, x7, [sp, #64]",
        "str x8, [sp, #80]",
        "stp q0, q1, [sp, #96]",
        "stp q2, q3, [sp, #128]",
        "stp q4, q5, [sp, #160]",
        "stp q6, q7, [sp, #192]",
        "mov x0, x16",
        "bl {resolve}",
        "mov x17, x0",
        "ldp q6, q7, [sp, #192]",
        "ldp q4, q5, [sp, #160]",
        "ldp q2, q3, [sp, #128]",
        "ldp q0, q1, [sp, #96]",
        "ldr x8, [sp, #80]",
        "ldp x6, x7, [sp, #64]",
        "ldp x4, x5, [sp, #48]",
        "ldp x2, x3, [sp, #32]",
        "ldp x0, x1, [sp, #16]",
        "ldp x29, x30, [sp], #224",
        "br x17",
        resolve = sym resolve,
    )
}

/// Defines one trampoline per line of the given lists, through the macros that the lists call. The macros are
/// undefined again, so that other code of the crate may define them.
macro_rules! trampolines {
    ($($library:ident = $static:ident),*; $($lists:expr),*) => {
        #[cfg(target_arch = "x86_64")]
        trampolines!(@ include_str!("trampoline_x86_64.s"); $($library = $static),*; $($lists),*);
        #[cfg(target_arch = "aarch64")]
        trampolines!(@ include_str!("trampoline_aarch64.s"); $($library = $static),*; $($lists),*);
    };
    (@ $macros:expr; $($library:ident = $static:ident),*; $($lists:expr),*) => {
        global_asm!(
            $macros,
            include_str!("entry.s"),
            $(concat!(".macro ", stringify!($library), " symbol"),
            concat!("trampoline \\symbol, {", stringify!($library), "}"),
            ".endm",)*
            $($lists,)*
            ".purgem trampoline",
            ".purgem entry",
            $(concat!(".purgem ", stringify!($library)),)*
            unresolved = sym unresolved,
            $($library = sym $static,)*
        );
    };
}

trampolines! {
    driver = DRIVER, cublas = CUBLAS, curand = CURAND, nvrtc = NVRTC, moe = MOE;
    include_str!("symbols/driver.s"),
    include_str!("symbols/cublas.s"),
    include_str!("symbols/curand.s"),
    include_str!("symbols/nvrtc.s"),
    include_str!("symbols/moe.s")
}

// SAFETY: defined above, and only its address is used.
unsafe extern "C" {
    /// One of the trampolines.
    fn cuInit();
}

/// Puts the object file that contains this, and so the trampolines, into every program that uses this crate,
/// before the linker reaches candle's functions and the libraries: rustc lists `used` symbols in the first
/// file of each link.
// SAFETY: it is never called through this.
#[used]
static LINKED: unsafe extern "C" fn() = cuInit;

#[cfg(test)]
use crate::tests::LIBC;

#[cfg(test)]
trampolines! { libc = LIBC; "libc swprintf" }
