//! Libraries that are missing, and a trampoline to a function that takes arguments of every kind.

use std::arch::asm;
use std::ffi::{c_double, c_int};
use std::fs;
use std::sync::OnceLock;
use std::thread;

use crate::library::{Library, Places};

pub(crate) static LIBC: Library = library(&[&["libnearsay-absent.so.7"], &["libc.so.6"]]);
static ABSENT: Library = library(&[&["libnearsay-absent.so.2"], &["libnearsay-absent.so.1"]]);
static HALF: Library = library(&[&["libc.so.6", "libnearsay-absent.so.2"]]);

const fn library(alternatives: &'static [&'static [&'static str]]) -> Library {
    Library { name: "libabsent.so.2 (or .1)", alternatives, hint: "install it", opened: OnceLock::new() }
}

// SAFETY: the C library's function of this name, declared as its header has it.
unsafe extern "C" {
    /// The C library's function, called through one of our trampolines; see the end of `trampolines`.
    fn swprintf(text: *mut c_int, size: usize, format: *const c_int, ...) -> c_int;
}

/// Overwrites all registers that hold arguments, as any called function may. `resolve` does so in tests.
pub(crate) fn overwrite_argument_registers() {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: it changes only registers that the C ABI lets a function change.
    unsafe {
        asm!(
            "xor edi, edi",
            "xor esi, esi",
            "xor edx, edx",
            "xor ecx, ecx",
            "xor r8d, r8d",
            "xor r9d, r9d",
            "xorps xmm0, xmm0",
            "xorps xmm1, xmm1",
            "xorps xmm2, xmm2",
            "xorps xmm3, xmm3",
            "xorps xmm4, xmm4",
            "xorps xmm5, xmm5",
            "xorps xmm6, xmm6",
            "xorps xmm7, xmm7",
            clobber_abi("C"),
        );
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: it changes only registers that the C ABI lets a function change.
    unsafe {
        asm!(
            "mov x0, #0",
            "mov x1, #0",
            "mov x2, #0",
            "mov x3, #0",
            "mov x4, #0",
            "mov x5, #0",
            "mov x6, #0",
            "mov x7, #0",
            "movi v0.2d, #0",
            "movi v1.2d, #0",
            "movi v2.2d, #0",
            "movi v3.2d, #0",
            "movi v4.2d, #0",
            "movi v5.2d, #0",
            "movi v6.2d, #0",
            "movi v7.2d, #0",
            clobber_abi("C"),
        );
    }
}

/// `swprintf` with more integers and more floating-point numbers than registers hold.
fn formatted(first: c_int) -> String {
    let format: Vec<c_int> =
        "%d %d %g %g %d %g %d %g %g %g %g %g %d %g %g\0".chars().map(|c| c as c_int).collect();
    let mut text = [0; 128];
    let x: [c_double; 10] = std::array::from_fn(|i| i as c_double + 0.5);
    // SAFETY: the format ends with a zero, `size` is the text's size, and the arguments match the format.
    let written = unsafe {
        swprintf(
            text.as_mut_ptr(),
            text.len(),
            format.as_ptr(),
            first,
            2 as c_int,
            x[0],
            x[1],
            3 as c_int,
            x[2],
            4 as c_int,
            x[3],
            x[4],
            x[5],
            x[6],
            x[7],
            5 as c_int,
            x[8],
            x[9],
        )
    };
    let written = usize::try_from(written).expect("the text has room");
    text[..written].iter().map(|&c| char::from_u32(c as u32).expect("a character")).collect()
}

#[test]
fn a_trampoline_passes_every_argument_on() {
    // Several threads reach an unresolved trampoline at once; a later call finds it resolved.
    thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|first| scope.spawn(move || (first, formatted(first)))).collect();
        for thread in threads {
            let (first, text) = thread.join().expect("no panic");
            assert_eq!(text, format!("{first} 2 0.5 1.5 3 2.5 4 3.5 4.5 5.5 6.5 7.5 5 8.5 9.5"));
        }
    });
    assert_eq!(formatted(-9), "-9 2 0.5 1.5 3 2.5 4 3.5 4.5 5.5 6.5 7.5 5 8.5 9.5");
}

#[test]
fn a_missing_library_is_named_with_the_loaders_reason() {
    let missing = ABSENT.open().err().expect("no such library");
    assert_eq!(missing.hint, "install it");
    assert_eq!(
        missing.to_string(),
        "libabsent.so.2 (or .1) cannot be used: \
         libnearsay-absent.so.2: cannot open shared object file: No such file or directory"
    );
}

#[test]
fn all_files_of_an_alternative_must_be_there() {
    let missing = HALF.open().err().expect("its second file is missing");
    assert!(missing.reason.starts_with("libnearsay-absent.so.2: "), "{missing}");
}

#[test]
fn a_function_that_the_library_lacks_is_named() {
    let missing = LIBC.function(c"cuAbsent").expect_err("no such function");
    assert_eq!(
        missing.reason,
        "it has no function cuAbsent: it is of another version than this program was built for"
    );
    assert!(LIBC.function(c"strlen").is_ok());
}

#[test]
fn a_file_that_is_no_library_is_named_by_its_path() {
    let folder = std::env::temp_dir().join(format!("nearsay-libraries-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a temporary folder");
    let file = folder.join("libnearsay-absent.so.2");
    fs::write(&file, "no library").expect("a temporary file");
    let places = Places { before: vec!["/absent".into(), folder.clone()], after: vec![] };
    let refused = places.open("libnearsay-absent.so.2").err().expect("not a library");
    fs::remove_dir_all(&folder).expect("the folder is ours");
    assert!(refused.said.starts_with(&format!("{}: ", file.display())), "{}", refused.said);
}
