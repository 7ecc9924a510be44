//! `nearsay doctor`: what this machine offers, and what stands in the way.

use std::path::Path;

use nearsay_kernels::InstructionSet;
use nearsay_kernels::devices::Unavailable;
use nearsay_models::files::{HubStatus, cache_folder};
use serde::Serialize;

use super::arguments::DoctorArguments;
use super::{Context, print_json, print_line};

/// What is found; `--json` prints it.
#[derive(Debug, Serialize)]
struct Findings {
    version: &'static str,
    system: String,
    cores: usize,
    instruction_sets: Vec<&'static str>,
    instruction_set_used: &'static str,
    devices: Vec<String>,
    /// Why there is no GPU to run on, in builds that could.
    no_gpu: Option<String>,
    cache: String,
    cached_models: Vec<String>,
    hub: String,
}

pub(super) fn run(context: &Context, _: DoctorArguments) -> anyhow::Result<()> {
    let findings = find(context);
    if context.global.json {
        return Ok(print_json(&findings)?);
    }
    let lines = [
        ("nearsay", findings.version.to_owned()),
        ("system", findings.system),
        ("cores", findings.cores.to_string()),
        (
            "instruction sets",
            format!("{}; used: {}", findings.instruction_sets.join(", "), findings.instruction_set_used),
        ),
        ("devices", findings.devices.join(", ")),
        ("no GPU", findings.no_gpu.unwrap_or_default()),
        ("model cache", findings.cache),
        (
            "cached models",
            if findings.cached_models.is_empty() {
                "none".to_owned()
            } else {
                findings.cached_models.join(", ")
            },
        ),
        ("hub", findings.hub),
    ];
    for (name, value) in lines.into_iter().filter(|(_, value)| !value.is_empty()) {
        print_line(&format!("{name:17} {value}"))?;
    }
    Ok(())
}

fn find(context: &Context) -> Findings {
    let cache = cache_folder();
    let (gpus, no_gpu) = match nearsay_kernels::devices::cuda_count() {
        Ok(0) => (Vec::new(), Some("the driver shows no CUDA device".to_owned())),
        Ok(count) => ((0..count).map(gpu).collect(), None),
        Err(Unavailable::NotBuilt(_)) => metal(),
        Err(reason) => (Vec::new(), Some(reason.to_string())),
    };
    let available = InstructionSet::ALL.into_iter().filter(|set| set.is_available());
    Findings {
        version: env!("CARGO_PKG_VERSION"),
        system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        cores: context.workers(None).threads(),
        instruction_sets: available.map(InstructionSet::name).collect(),
        instruction_set_used: InstructionSet::current().name(),
        devices: std::iter::once("cpu".to_owned()).chain(gpus).collect(),
        no_gpu,
        cached_models: cache.as_deref().map(cached_models).unwrap_or_default(),
        cache: match &cache {
            Some(folder) if folder.is_dir() => folder.display().to_string(),
            Some(folder) => format!("{} (not there yet)", folder.display()),
            None => "none: no home folder is known; set HF_HOME".to_owned(),
        },
        hub: hub(context),
    }
}

/// Apple's GPU, or why there is none in builds that could run on it.
fn metal() -> (Vec<String>, Option<String>) {
    use nearsay_kernels::devices::{metal_architecture, open_metal};
    match open_metal() {
        Ok(device) => (vec![format!("metal ({})", metal_architecture(&device).unwrap_or_default())], None),
        Err(Unavailable::NotBuilt(_)) => (Vec::new(), None),
        Err(reason) => (Vec::new(), Some(reason.to_string())),
    }
}

/// A CUDA device by its name on the command line, and what it is.
fn gpu(ordinal: usize) -> String {
    let opened = nearsay_kernels::devices::open_cuda(ordinal);
    match opened.map(|device| nearsay_kernels::devices::describe(&device)) {
        Ok(Some(found)) => {
            let (major, minor) = found.compute_capability;
            let memory = found.memory_bytes >> 30;
            format!("cuda:{ordinal} ({}, compute capability {major}.{minor}, {memory} GiB)", found.name)
        }
        Ok(None) => format!("cuda:{ordinal}"),
        Err(reason) => format!("cuda:{ordinal} (cannot be used: {reason})"),
    }
}

fn hub(context: &Context) -> String {
    match context.hub().status() {
        HubStatus::Offline => "not asked: offline".to_owned(),
        HubStatus::Answers { endpoint } => format!("{endpoint} answers"),
        HubStatus::Silent { endpoint, reason } => {
            format!(
                "{endpoint} does not answer ({reason}); models in the cache and in folders work without it"
            )
        }
    }
}

/// Names of the models in the cache, sorted.
fn cached_models(cache: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(cache) else { return Vec::new() };
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let mut models: Vec<String> =
        names.filter_map(|name| Some(name.strip_prefix("models--")?.replacen("--", "/", 1))).collect();
    models.sort_unstable();
    models
}
