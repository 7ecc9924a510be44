//! The machine that a measurement ran on.

use std::process::Command;

use nearsay_kernels::InstructionSet;
use serde::{Deserialize, Serialize};

/// The properties of a machine that affect its speed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Machine {
    /// The CPU's model name as the system reports it, else the architecture. A generic name, as on virtual
    /// machines ("Intel(R) Xeon(R) Processor"), is followed by family and model.
    pub cpu: String,
    /// Cores that this process may use.
    pub cores: usize,
    /// Memory in bytes, if the system reports it.
    #[serde(default)]
    pub memory_bytes: Option<u64>,
    /// The instruction set that the kernels use.
    pub instruction_set: String,
    /// Operating system and architecture.
    pub os: String,
}

impl Machine {
    /// Cores that this process may use.
    pub(super) fn cores() -> usize {
        std::thread::available_parallelism().map_or(1, usize::from)
    }

    /// The machine that this process runs on.
    pub fn current() -> Self {
        let (os, architecture) = (std::env::consts::OS, std::env::consts::ARCH);
        Self {
            cpu: cpu_of_linux().or_else(cpu_of_macos).unwrap_or_else(|| architecture.to_owned()),
            cores: Self::cores(),
            memory_bytes: memory_of_linux().or_else(memory_of_macos),
            instruction_set: InstructionSet::current().name().to_owned(),
            os: format!("{os} {architecture}"),
        }
    }
}

fn cpu_of_linux() -> Option<String> {
    model_name(&std::fs::read_to_string("/proc/cpuinfo").ok()?)
}

/// The first `model name` of /proc/cpuinfo, which many ARM systems leave out.
fn model_name(cpuinfo: &str) -> Option<String> {
    let field = |name: &str| {
        let mut fields = cpuinfo.lines().filter_map(|line| line.split_once(':'));
        fields.find(|(key, _)| key.trim_end() == name).map(|(_, value)| value.trim())
    };
    let name = named(field("model name")?)?;
    match (field("cpu family"), field("model")) {
        (Some(family), Some(model)) if !name.contains(|letter: char| letter.is_ascii_digit()) => {
            Some(format!("{name} (family {family}, model {model})"))
        }
        _ => Some(name),
    }
}

fn memory_of_linux() -> Option<u64> {
    total_memory(&std::fs::read_to_string("/proc/meminfo").ok()?)
}

/// `MemTotal` of /proc/meminfo, in bytes.
fn total_memory(meminfo: &str) -> Option<u64> {
    let total = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    Some(total.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? << 10)
}

fn cpu_of_macos() -> Option<String> {
    named(&sysctl("machdep.cpu.brand_string")?)
}

fn memory_of_macos() -> Option<u64> {
    sysctl("hw.memsize")?.trim().parse().ok()
}

/// A value of macOS' kernel.
fn sysctl(name: &str) -> Option<String> {
    if !cfg!(target_os = "macos") {
        return None;
    }
    let output = Command::new("sysctl").args(["-n", name]).output().ok()?;
    String::from_utf8(output.stdout).ok()
}

fn named(text: &str) -> Option<String> {
    let name = text.split_whitespace().collect::<Vec<_>>().join(" ");
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_model_name_counts() {
        let cpuinfo = "processor\t: 0\nmodel\t\t: 17\nmodel name\t: AMD  EPYC 9B14\nmodel name\t: other\n";
        assert_eq!(model_name(cpuinfo).as_deref(), Some("AMD EPYC 9B14"));
        let virtual_machine = "cpu family\t: 6\nmodel\t\t: 207\nmodel name\t: Intel(R) Xeon(R) Processor\n";
        let name = model_name(virtual_machine).unwrap();
        assert_eq!(name, "Intel(R) Xeon(R) Processor (family 6, model 207)");
        assert_eq!(model_name("processor : 0\nmodel name\t:\n"), None);
        assert_eq!(model_name("CPU implementer\t: 0x41\n"), None);
    }

    #[test]
    fn memory_is_in_bytes() {
        assert_eq!(total_memory("MemTotal:       24598140 kB\nMemFree: 1 kB\n"), Some(24_598_140 << 10));
        assert_eq!(total_memory("MemFree: 1 kB\n"), None);
    }

    #[test]
    fn this_machine_has_a_name_cores_and_memory() {
        let machine = Machine::current();
        assert!(!machine.cpu.is_empty() && machine.cores > 0, "{machine:?}");
        assert!(machine.memory_bytes.is_some_and(|bytes| bytes > 1 << 28), "{machine:?}");
    }
}
