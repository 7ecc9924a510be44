//! Which devices do the work.

use std::collections::BTreeSet;
use std::fmt::{Display, Formatter};
use std::str::FromStr;

use candle_core::{Device, DeviceLocation};
use nearsay_kernels::device::{self, DeviceDescription, Unavailable};
use nearsay_kernels::{InstructionSet, Placement, Precision};
use serde::Serialize;

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

/// A GPU, as its driver describes it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Gpu {
    /// Its model.
    pub name: String,
    /// What its code is made for: `compute capability 9.0`, `applegpu_g13g`.
    pub architecture: String,
    /// Streaming multiprocessors.
    pub multiprocessors: Option<u32>,
    /// All of its memory.
    pub memory_gib: Option<f64>,
    /// The CUDA version of the driver.
    pub driver: Option<String>,
}

impl From<DeviceDescription> for Gpu {
    fn from(found: DeviceDescription) -> Self {
        Self {
            name: found.name,
            architecture: found.architecture,
            multiprocessors: found.multiprocessors,
            memory_gib: found.memory_bytes.map(|bytes| bytes as f64 / (1u64 << 30) as f64),
            driver: found.driver_version.map(|(major, minor)| format!("{major}.{minor}")),
        }
    }
}

impl Display for Gpu {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}, {}", self.name, self.architecture)?;
        if let Some(count) = self.multiprocessors {
            write!(formatter, ", {count} multiprocessors")?;
        }
        if let Some(size) = self.memory_gib {
            write!(formatter, ", {size:.0} GiB")?;
        }
        if let Some(version) = &self.driver {
            write!(formatter, ", driver of CUDA {version}")?;
        }
        Ok(())
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
            DeviceChoice::Auto => Self::automatic(precision)?,
            DeviceChoice::Cpu => Self::cpu(),
            DeviceChoice::Cuda(ordinals) => Self::cuda(ordinals)?,
            DeviceChoice::Metal => {
                let failed = |reason| Error::Device { device: "metal".to_owned(), reason };
                let device = device::open_metal().map_err(failed)?;
                Self { devices: vec![device], name: "metal".to_owned(), remark: None }
            }
        };
        opened.placements(precision)?;
        Ok(opened)
    }

    /// The first GPU if there is one that multiplies in `precision`, else the CPU.
    fn automatic(precision: Precision) -> Result<Self> {
        let gpus: [(&[Precision], DeviceChoice); 2] =
            [(&Precision::OF_CUDA, DeviceChoice::Cuda(vec![0])), (&Precision::OF_METAL, DeviceChoice::Metal)];
        if gpus.iter().all(|(precisions, _)| !precisions.contains(&precision)) {
            let unused = device::cuda_count().is_ok_and(|count| count > 0);
            let remark =
                unused.then(|| format!("running on the CPU: GPUs do not multiply in {}", precision.name()));
            return Ok(Self { remark, ..Self::cpu() });
        }
        let mut missing = None;
        for (_, choice) in gpus.into_iter().filter(|(precisions, _)| precisions.contains(&precision)) {
            match Self::open(&choice, precision) {
                Ok(found) => {
                    let models = found.gpus().into_iter().map(|gpu| gpu.name).collect::<Vec<_>>().join(", ");
                    return Ok(Self {
                        remark: Some(format!("running on {} ({models})", found.name)),
                        ..found
                    });
                }
                Err(Error::Device { reason: Unavailable::NotBuilt(_), .. }) => {}
                Err(error) => missing = missing.or(Some(error)),
            }
        }
        let remark = match missing {
            Some(Error::Device { reason, .. }) if !Precision::OF_CPU.contains(&precision) => {
                return Err(Error::NoGpu { precision: precision.name(), reason });
            }
            Some(Error::Device { reason, .. }) => Some(reason.to_string()),
            other => other.map(|error| error.to_string()),
        };
        Ok(Self { remark: remark.map(|reason| format!("running on the CPU: {reason}")), ..Self::cpu() })
    }

    fn cuda(ordinals: &[usize]) -> Result<Self> {
        let open = |&ordinal: &usize| {
            let device = format!("cuda:{ordinal}");
            device::open_cuda(ordinal).map_err(|reason| Error::Device { device, reason })
        };
        let devices = ordinals.iter().map(open).collect::<Result<_>>()?;
        let numbers: Vec<String> = ordinals.iter().map(usize::to_string).collect();
        let opened = Self { devices, name: format!("cuda:{}", numbers.join(",")), remark: None };
        // The same text would have other bits on another one.
        let models = opened.different(|gpu| format!("{} ({})", gpu.name, gpu.architecture));
        if models.len() > 1 {
            return Err(Error::Usage {
                message: format!(
                    "the GPUs of --device {} must be of one model, got {}",
                    opened.name,
                    models.join(", ")
                ),
                hint: Some("name GPUs of one model, or one of them".to_owned()),
            });
        }
        Ok(opened)
    }

    /// `cpu`, `cuda:0`, `cuda:0,1`, `metal`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the user did not ask for by name and should hear of.
    pub fn remark(&self) -> Option<&str> {
        self.remark.as_deref()
    }

    /// What their drivers say of the GPUs; of the CPU nothing.
    pub fn gpus(&self) -> Vec<Gpu> {
        self.devices.iter().filter_map(device::describe).map(Gpu::from).collect()
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

    /// `cpu`, or the kind of GPUs and their models without repetitions: `cuda (NVIDIA H200)`. Numbers computed on the same kind are the
    /// same (but see docs/metal.md).
    pub(crate) fn kind(&self) -> String {
        match self.first() {
            Device::Cpu => "cpu".to_owned(),
            Device::Cuda(_) => format!("cuda ({})", self.different(|gpu| gpu.name).join(", ")),
            Device::Metal(_) => format!("metal ({})", self.different(|gpu| gpu.name).join(", ")),
        }
    }

    /// What kernels are compiled for: the CPU's instruction set, or the GPUs' architectures.
    pub(crate) fn instruction_set(&self) -> String {
        match self.first() {
            Device::Cpu => InstructionSet::current().name().to_owned(),
            _ => self.different(|gpu| gpu.architecture).join(", "),
        }
    }

    /// The library that computes the products of GPUs, if it is not ours.
    pub(crate) fn product_library(&self) -> Option<String> {
        device::describe(self.first())?.product_library
    }

    /// A property of the GPUs, each value once.
    fn different(&self, property: impl Fn(Gpu) -> String) -> Vec<String> {
        let values: BTreeSet<String> = self.gpus().into_iter().map(property).collect();
        values.into_iter().collect()
    }

    /// The precisions that they multiply in, most exact first.
    pub fn precisions(&self) -> &'static [Precision] {
        match self.first() {
            Device::Cpu => &Precision::OF_CPU,
            Device::Cuda(_) => &Precision::OF_CUDA,
            Device::Metal(_) => &Precision::OF_METAL,
        }
    }

    /// Where each device's encoder lies.
    ///
    /// # Errors
    /// [`Error::Usage`] if the devices do not multiply in `precision`.
    pub fn placements(&self, precision: Precision) -> Result<Vec<Placement>> {
        let is_composed = std::env::var_os("NEARSAY_COMPOSED").is_some_and(|value| value == "1");
        let place = |device: &Device| match is_composed {
            true => Placement::composed(device.clone(), precision),
            false => Placement::new(device.clone(), precision),
        };
        let placements: nearsay_kernels::Result<Vec<_>> = self.devices.iter().map(place).collect();
        placements.map_err(|error| Error::Usage {
            message: format!("--precision {} cannot be used here: {error}", precision.name()),
            hint: Some(match self.first() {
                Device::Metal(_) => "Metal has f32 and f16; the CPU has f32, bf16 and int8".to_owned(),
                _ => "the CPU has f32, bf16 and int8; GPUs have f32, f16 and bf16".to_owned(),
            }),
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
        let names = if cfg!(feature = "metal") { &["cuda:999"][..] } else { &["metal", "cuda:999"] };
        for name in names {
            let error = Devices::open(&choice(name).unwrap(), Precision::F32).unwrap_err();
            assert_eq!(error.exit_code(), 69, "{name}");
            assert!(error.hint().is_some_and(|hint| hint.contains("--device cpu")), "{name}");
        }
    }

    #[cfg(not(any(feature = "cuda", feature = "metal")))]
    #[test]
    fn a_build_without_cuda_says_so_and_auto_is_the_cpu() {
        let error = Devices::open(&DeviceChoice::Cuda(vec![0]), Precision::F32).unwrap_err();
        assert_eq!(error.to_string(), "device cuda:0 is not available: this build has no kernels for CUDA");
        let devices = Devices::open(&DeviceChoice::Auto, Precision::F32).unwrap();
        assert_eq!((devices.name(), devices.remark()), ("cpu", None));
    }
}
