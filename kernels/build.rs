//! Compiles every CUDA C++ file of this crate to PTX for feature `cuda`, for compute capability 8.0 and up.
//!
//! The driver compiles a whole module to machine code when it is loaded, and caches the result: 3 s for the
//! 21 kernels of add_norm.cu, of which a model uses one. So each kernel is its own module,
//! `add_norm_2_f16.ptx` in OUT_DIR, and `add_norm.rs` there lists those of `add_norm.cu` by name.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// The architecture that kernels are compiled for.
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
        let name = source.file_stem().expect("a file").to_str().expect("a name of letters");
        let ptx = out_dir.join(name).with_extension("ptx");
        compile(&nvcc, &source, &ptx);
        let whole = fs::read_to_string(ptx).expect("what nvcc wrote");
        let mut list = String::from("&[\n");
        for (kernel, module) in kernels(&whole) {
            let file = format!("{kernel}.ptx");
            fs::write(out_dir.join(&file), module).expect("OUT_DIR can be written to");
            writeln!(list, "({kernel:?}, include_str!(concat!(env!(\"OUT_DIR\"), \"/{file}\"))),")
                .expect("memory");
        }
        fs::write(out_dir.join(name).with_extension("rs"), list + "]").expect("OUT_DIR can be written to");
    }
}

/// Splits a module into one module per kernel, by name. A kernel starts with `.visible .entry NAME(` and ends
/// with the line `}`; text outside all kernels goes into every module.
fn kernels(ptx: &str) -> Vec<(&str, String)> {
    const ENTRY: &str = ".visible .entry ";
    let (mut shared, mut bodies) = (String::new(), Vec::new());
    let mut inside: Option<(&str, String)> = None;
    for line in ptx.split_inclusive('\n') {
        let name = line.strip_prefix(ENTRY).and_then(|rest| rest.split('(').next());
        if let Some(name) = name {
            inside = Some((name, String::new()));
        }
        inside.as_mut().map_or(&mut shared, |(_, body)| body).push_str(line);
        if line.trim_end() == "}" {
            bodies.extend(inside.take());
        }
    }
    assert_eq!(bodies.len(), ptx.matches(".entry").count(), "every kernel has a begin and an end");
    assert!(!shared.contains("ret;"), "a kernel ends where its last line does");
    bodies.into_iter().map(|(name, body)| (name, format!("{shared}{body}"))).collect()
}

/// `NVCC`, or nvcc of the toolkit at `CUDA_HOME` or `CUDA_PATH`, or the one on the PATH.
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
