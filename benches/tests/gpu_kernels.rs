//! `gpu-kernels`' messages about unusable arguments. These tests also make `cargo test` build the program,
//! for `scripts/gpu-check`.

use std::process::Command;

fn refusal(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_gpu-kernels")).args(arguments).output().expect("it runs");
    assert!(!output.status.success() && output.stdout.is_empty(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stderr).expect("UTF-8")
}

#[test]
fn arguments_that_cannot_be_used_are_refused() {
    for (arguments, part) in [
        (&[][..], "usage: gpu-kernels"),
        (&["--tokens", "31", "bert-base"], "usage: gpu-kernels"),
        (&["bert-huge"], "bert-huge is not a known shape"),
        (&["--precision", "f16,int8", "bert-base"], "int8 is not a precision of GPUs"),
        (&["bert-base", "--launches"], "--launches needs a value"),
        (&["--launches", "many", "bert-base"], "--launches"),
    ] {
        let said = refusal(arguments);
        assert!(said.contains(part), "{arguments:?}: {said}");
    }
}

#[cfg(not(feature = "cuda"))]
#[test]
fn a_build_without_kernels_for_cuda_says_so() {
    let said = refusal(&["minilm-l6"]);
    assert!(said.contains("this build has no kernels for CUDA"), "{said}");
}
