//! Compiles every CUDA C++ file of this crate to PTX for feature `cuda`: `attention/attention.cu` becomes `attention.ptx` in
//! OUT_DIR, for compute capability 8.0 and up (the driver makes machine code of it when a kernel is first used).

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// What the kernels are compiled for.
const ARCHITECTURE: &str = "compute_80";

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if env::var_os("CARGO_FEATURE_CUDA").is_none() {
        return;
    }
    println!("cargo:rerun-if-changed=src");
    for name in ["NVCC", "CUDA_HOME", "CUDA_PATH"] {
        println!("cargo:rerun-if-env-changed={name}");
    }
    let out_dir = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let nvcc = find_nvcc();
    for source in sources(Path::new("src")) {
        compile(&nvcc, &source, &out_dir.join(source.with_extension("ptx").file_name().expect("a file")));
    }
}

/// NVCC, or nvcc of the toolkit at CUDA_HOME or CUDA_PATH, or the one on the PATH.
fn find_nvcc() -> PathBuf {
    if let Some(nvcc) = env::var_os("NVCC") {
        return nvcc.into();
    }
    let toolkits = ["CUDA_HOME", "CUDA_PATH"].into_iter().filter_map(env::var_os);
    let found = toolkits.map(|root| Path::new(&root).join("bin/nvcc")).find(|nvcc| nvcc.exists());
    found.unwrap_or_else(|| "nvcc".into())
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("the crate's sources") {
        let path = entry.expect("the crate's sources").path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "cu") {
            found.push(path);
        }
    }
    found
}

fn compile(nvcc: &Path, source: &Path, target: &Path) {
    let mut command = Command::new(nvcc);
    command.args([
        "-ptx",
        "-std=c++17",
        "-O3",
        "-Isrc/cuda",
        "-arch",
        ARCHITECTURE,
        "--Werror",
        "all-warnings",
    ]);
    command.arg("-o").arg(target).arg(source);
    let output = command.output().unwrap_or_else(|error| {
        panic!(
            "feature cuda needs the CUDA toolkit's compiler: {} cannot be run ({error}); set CUDA_HOME",
            nvcc.display()
        )
    });
    let messages =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success(), "{} does not compile:\n{messages}", source.display());
}
