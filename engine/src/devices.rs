//! Which devices do the work.

use std::collections::BTreeSet;
use std::str::FromStr;

use candle_core::{Device, DeviceLocation};
use nearsay_kernels::devices::{self, DeviceDescription, Unavailable};
use nearsay_kernels::{InstructionSet, Placement, Precision};

use crate::{Error, Result};

/// What `--device` asks for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum DeviceChoice {
    /// The first GPU, or the CPU where there is none.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// CUDA devices by their numbers, which share the work.
    Cuda(Vec<usize>),
    /// Apple's GPU.
    Metal,
}

impl FromStr for DeviceChoice {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        match (name, name.strip_prefix("cuda:")) {
            ("auto", _) => Ok(Self::Auto),
            ("cpu", _) => Ok(Self::Cpu),
            ("metal", _) => Ok(Self::Metal),
            ("cuda", _) => Ok(Self::Cuda(vec![0])),
            (_, Some(numbers)) => ordinals(numbers).map(Self::Cuda).ok_or_else(|| unknown(name)),
            _ => Err(unknown(name)),
        }
    }
}

/// Numbers with commas between, none of them twice.
fn ordinals(list: &str) -> Option<Vec<usize>> {
    let numbers: Option<Vec<usize>> = list.split(',').map(|number| number.parse().ok()).collect();
    numbers.filter(|numbers| numbers.iter().collect::<BTreeSet<_>>().len() == numbers.len())
}

fn unknown(name: &str) -> Error {
    Error::Usage {
        message: format!("--device must be auto, cpu, cuda, cuda:N, cuda:N,M,.. or metal, got `{name}`"),
        hint: None,
    }
}

/// Devices that were opened: the CPU, or one or more GPUs.
#[derive(Debug, Clone)]
pub struct Devices {
    devices: Vec<Device>,
    name: String,
    remark: Option<String>,
}

impl Default for Devices {
    fn default() -> Self {
        Self::cpu()
    }
}

impl Devices {
    /// The CPU.
    pub fn cpu() -> Self {
        Self { devices: vec![Device::Cpu], name: "cpu".to_owned(), remark: None }
    }

    /// Opens what `choice` names, to multiply in `precision`.
    ///
    /// # Errors
    /// [`Error::Device`] if a device is not there, [`Error::Usage`] if it does not multiply in `precision`.
    pub fn open(choice: &DeviceChoice, precision: Precision) -> Result<Self> {
        let opened = match choice {
            DeviceChoice::Auto => Self::automatic(precision),
            DeviceChoice::Cpu => Self::cpu(),
            DeviceChoice::Cuda(ordinals) => Self::cuda(ordinals)?,
            DeviceChoice::Metal => {
                let reason = Unavailable::NotBuilt("Metal");
                return Err(Error::Device { device: "metal".to_owned(), reason });
            }
        };
        opened.placements(precision)?;
        Ok(opened)
    }

    /// The first GPU if there is one that multiplies in `precision`, else the CPU.
    fn automatic(precision: Precision) -> Self {
        if precision == Precision::Int8 {
            return Self::cpu();
        }
        match devices::open_cuda(0) {
            Ok(device) => {
                let model = devices::describe(&device).map(|found| format!(" ({})", found.name));
                let remark = format!("running on cuda:0{}", model.unwrap_or_default());
                Self { devices: vec![device], name: "cuda:0".to_owned(), remark: Some(remark) }
            }
            Err(Unavailable::NotBuilt(_)) => Self::cpu(),
            Err(reason) => Self { remark: Some(format!("running on the CPU: {reason}")), ..Self::cpu() },
        }
    }

    fn cuda(ordinals: &[usize]) -> Result<Self> {
        let open = |&ordinal: &usize| {
            let device = format!("cuda:{ordinal}");
            devices::open_cuda(ordinal).map_err(|reason| Error::Device { device, reason })
        };
        let devices = ordinals.iter().map(open).collect::<Result<_>>()?;
        let numbers: Vec<String> = ordinals.iter().map(usize::to_string).collect();
        Ok(Self { devices, name: format!("cuda:{}", numbers.join(",")), remark: None })
    }

    /// `cpu`, `cuda:0`, `cuda:0,1`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the user did not ask for by name and should hear of.
    pub fn remark(&self) -> Option<&str> {
        self.remark.as_deref()
    }

    /// What their drivers say of the GPUs; of a CPU nothing.
    pub fn descriptions(&self) -> Vec<DeviceDescription> {
        self.devices.iter().filter_map(devices::describe).collect()
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.devices.len()
    }

    /// The first one.
    pub(crate) fn first(&self) -> &Device {
        &self.devices[0]
    }

    /// Whether they are GPUs.
    pub(crate) fn are_gpus(&self) -> bool {
        !self.first().is_cpu()
    }

    /// `cpu`, or the models of GPU without repetitions, `cuda (NVIDIA H200)`: numbers computed on the same kind are the same.
    pub(crate) fn kind(&self) -> String {
        let models: BTreeSet<String> = self.descriptions().into_iter().map(|found| found.name).collect();
        match models.len() {
            0 => "cpu".to_owned(),
            _ => format!("cuda ({})", models.into_iter().collect::<Vec<_>>().join(", ")),
        }
    }

    /// What kernels are compiled for: the CPU's instruction set, or the GPUs' compute capabilities.
    pub(crate) fn instruction_set(&self) -> String {
        let capability = |found: DeviceDescription| {
            let (major, minor) = found.compute_capability;
            format!("compute {major}.{minor}")
        };
        let capabilities: BTreeSet<String> = self.descriptions().into_iter().map(capability).collect();
        match capabilities.len() {
            0 => InstructionSet::current().name().to_owned(),
            _ => capabilities.into_iter().collect::<Vec<_>>().join(", "),
        }
    }

    /// The precisions that they multiply in, most exact first.
    pub fn precisions(&self) -> &'static [Precision] {
        if self.are_gpus() { &Precision::OF_GPU } else { &Precision::OF_CPU }
    }

    /// Where each device's encoder lies.
    ///
    /// # Errors
    /// [`Error::Usage`] if the devices do not multiply in `precision`.
    pub fn placements(&self, precision: Precision) -> Result<Vec<Placement>> {
        let place = |device: &Device| Placement::new(device.clone(), precision);
        let placements: nearsay_kernels::Result<Vec<_>> = self.devices.iter().map(place).collect();
        placements.map_err(|error| Error::Usage {
            message: format!("--precision {} cannot be used here: {error}", precision.name()),
            hint: Some("the CPU has f32, bf16 and int8; GPUs have f32, f16 and bf16".to_owned()),
        })
    }
}

/// A device by its name on the command line.
pub(crate) fn name_of(device: &Device) -> String {
    match device.location() {
        DeviceLocation::Cpu => "cpu".to_owned(),
        DeviceLocation::Cuda { gpu_id } => format!("cuda:{gpu_id}"),
        DeviceLocation::Metal { .. } => "metal".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(name: &str) -> Result<DeviceChoice> {
        name.parse()
    }

    #[test]
    fn names_stand_for_devices() {
        assert_eq!(choice("auto").unwrap(), DeviceChoice::Auto);
        assert_eq!(choice("cpu").unwrap(), DeviceChoice::Cpu);
        assert_eq!(choice("cuda").unwrap(), DeviceChoice::Cuda(vec![0]));
        assert_eq!(choice("cuda:3").unwrap(), DeviceChoice::Cuda(vec![3]));
        assert_eq!(choice("cuda:1,0").unwrap(), DeviceChoice::Cuda(vec![1, 0]));
        for name in ["cuda:", "cuda:x", "cuda:0,", "cuda:0,0", "cuda:-1", "gpu", ""] {
            assert_eq!(choice(name).unwrap_err().exit_code(), 2, "{name}");
        }
    }

    #[test]
    fn the_cpu_is_always_there_and_says_nothing() {
        let devices = Devices::open(&DeviceChoice::Cpu, Precision::Int8).unwrap();
        assert_eq!((devices.name(), devices.remark()), ("cpu", None));
        let error = Devices::open(&DeviceChoice::Cpu, Precision::F16).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        let message = "--precision f16 cannot be used here: the CPU does not multiply in f16";
        assert_eq!(error.to_string(), message);
    }

    #[test]
    fn what_is_not_there_is_a_device_error() {
        // A build with CUDA has a device where it is tested, but not that many.
        for name in ["metal", "cuda:999"] {
            let error = Devices::open(&choice(name).unwrap(), Precision::F32).unwrap_err();
            assert_eq!(error.exit_code(), 69, "{name}");
            assert!(error.hint().is_some_and(|hint| hint.contains("--device cpu")), "{name}");
        }
    }

    #[cfg(not(feature = "cuda"))]
    #[test]
    fn a_build_without_cuda_says_so_and_auto_is_the_cpu() {
        let error = Devices::open(&DeviceChoice::Cuda(vec![0]), Precision::F32).unwrap_err();
        assert_eq!(error.to_string(), "device cuda:0 is not available: this build has no kernels for CUDA");
        let devices = Devices::open(&DeviceChoice::Auto, Precision::F32).unwrap();
        assert_eq!((devices.name(), devices.remark()), ("cpu", None));
    }
}
