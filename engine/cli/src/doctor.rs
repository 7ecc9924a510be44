//! `nearsay doctor`: reports this machine's capabilities and problems.

use std::path::Path;

use nearsay::bench::Machine;
use nearsay::{DeviceChoice, Devices, Error, Gpu};
use nearsay_kernels::device::Unavailable;
use nearsay_kernels::{InstructionSet, Precision};
use nearsay_models::files::{HubStatus, cache_folder, cached_models};
use serde::Serialize;

use crate::arguments::DoctorArguments;
use crate::context::Context;
use crate::print::{bytes, print_json, print_line};
use crate::{gpus, version};

/// The findings; `--json` prints them.
#[derive(Debug, Serialize)]
struct Findings {
    version: &'static str,
    commit: Option<&'static str>,
    features: &'static [&'static str],
    system: String,
    cpu: String,
    cores: usize,
    memory_bytes: Option<u64>,
    instruction_sets: Vec<&'static str>,
    instruction_set_used: &'static str,
    devices: Vec<String>,
    /// NVIDIA GPUs in this machine, whether this build can use them or not.
    nvidia_gpus: Vec<String>,
    /// Why no GPU can be used, in builds that support one.
    no_gpu: Option<String>,
    cache: String,
    cached_models: Vec<String>,
    hub: String,
}

pub(crate) fn run(context: &Context, _: DoctorArguments) -> anyhow::Result<()> {
    let findings = find(context);
    if context.global.json {
        return Ok(print_json(&findings)?);
    }
    let cached_models = match findings.cached_models.as_slice() {
        [] => "none".to_owned(),
        models => models.join(", "),
    };
    let lines = [
        ("nearsay", version::with_commit()),
        ("features", version::features()),
        ("system", findings.system),
        ("cpu", findings.cpu),
        ("cores", findings.cores.to_string()),
        ("memory", findings.memory_bytes.map(bytes).unwrap_or_default()),
        ("instruction sets", version::instruction_sets()),
        ("devices", findings.devices.join(", ")),
        ("GPUs", gpus::sentence(&findings.nvidia_gpus, nearsay::FEATURES).unwrap_or_default()),
        ("no GPU", findings.no_gpu.unwrap_or_default()),
        ("model cache", findings.cache),
        ("cached models", cached_models),
        ("hub", findings.hub),
    ];
    for (name, value) in lines.into_iter().filter(|(_, value)| !value.is_empty()) {
        print_line(&format!("{name:17} {value}"))?;
    }
    Ok(())
}

fn find(context: &Context) -> Findings {
    let cache = cache_folder();
    let (gpus, no_gpu) = usable_gpus();
    let machine = Machine::current();
    let available = InstructionSet::ALL.into_iter().filter(|set| set.is_available());
    Findings {
        version: version::VERSION,
        commit: version::commit(),
        features: nearsay::FEATURES,
        system: machine.os,
        cpu: machine.cpu,
        cores: context.workers(None).threads(),
        memory_bytes: machine.memory_bytes,
        instruction_sets: available.map(InstructionSet::name).collect(),
        instruction_set_used: InstructionSet::current().name(),
        devices: std::iter::once("cpu".to_owned()).chain(gpus).collect(),
        nvidia_gpus: gpus::nvidia(Path::new("/")),
        no_gpu,
        cached_models: cache.iter().flat_map(|cache| cached_models(cache)).map(|model| model.name).collect(),
        cache: match &cache {
            Some(folder) if folder.is_dir() => folder.display().to_string(),
            Some(folder) => format!("{} (not there yet)", folder.display()),
            None => "none: no home folder is known; set HF_HOME".to_owned(),
        },
        hub: hub(context),
    }
}

/// The GPUs for `--device`, and the reason if there is none in a build that supports one.
fn usable_gpus() -> (Vec<String>, Option<String>) {
    let cuda = match nearsay_kernels::device::cuda_count() {
        // Opening the first device reports a missing or broken driver.
        Ok(0) | Err(_) => vec![DeviceChoice::Cuda(vec![0])],
        Ok(count) => (0..count).map(|ordinal| DeviceChoice::Cuda(vec![ordinal])).collect(),
    };
    let (mut found, mut missing) = (Vec::new(), None);
    for choice in cuda.iter().chain([&DeviceChoice::Metal]) {
        match Devices::open(choice, Precision::F32) {
            Ok(devices) => {
                let gpus = devices.gpus().iter().map(Gpu::to_string).collect::<Vec<_>>().join("; ");
                found.push(format!("{} ({gpus})", devices.name()));
            }
            Err(Error::Device { reason: Unavailable::NotBuilt(_), .. }) => {}
            Err(Error::Device { reason, .. }) => missing = missing.or(Some(reason.to_string())),
            Err(error) => missing = missing.or(Some(error.to_string())),
        }
    }
    (found, missing)
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
