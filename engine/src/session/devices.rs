//! Open devices, and the number format that they multiply in.

use std::collections::BTreeSet;
use std::num::NonZero;

use candle_core::{Device, DeviceLocation};
use nearsay_kernels::device::{self, Unavailable};
use nearsay_kernels::{Form, InstructionSet, Placement, Precision};

use super::{DeviceChoice, Gpu};
use crate::error::phrase;
use crate::{Error, Result, Setting};

/// Lanes of a CUDA device: one fetching results, one at work, one being queued. On an H200 two are 1 to 2 %
/// slower, four no faster.
const LANES: usize = 3;

/// The CPU, or one or more GPUs of one kind, with the number format that they multiply in.
#[derive(Debug, Clone)]
pub struct Devices {
    /// At least one.
    placements: Vec<Placement>,
    name: String,
    remark: Option<String>,
}

impl Default for Devices {
    fn default() -> Self {
        Self::cpu()
    }
}

/// How operations are carried out: the device's own way, or composed from candle's operations on any device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Arithmetic {
    precision: Precision,
    composed: bool,
}

impl Devices {
    /// The CPU in f32.
    pub fn cpu() -> Self {
        Self { placements: vec![Placement::CPU], name: "cpu".to_owned(), remark: None }
    }

    /// Opens the devices of `choice`, to multiply in `precision`.
    ///
    /// # Errors
    /// [`Error::Device`] if a device is missing, [`Error::Usage`] if it does not multiply in `precision`.
    pub fn open(choice: &DeviceChoice, precision: Precision) -> Result<Self> {
        Self::open_as(choice, Arithmetic { precision, composed: false })
    }

    /// The same with operations composed from candle's own, as on Metal: for tests, and for investigating bug
    /// reports from Metal.
    ///
    /// # Errors
    /// As [`Devices::open`].
    pub fn open_composed(choice: &DeviceChoice, precision: Precision) -> Result<Self> {
        Self::open_as(choice, Arithmetic { precision, composed: true })
    }

    fn open_as(choice: &DeviceChoice, arithmetic: Arithmetic) -> Result<Self> {
        match choice {
            DeviceChoice::Auto => Self::automatic(arithmetic),
            DeviceChoice::Cpu => Self::placed(vec![Device::Cpu], "cpu".to_owned(), arithmetic),
            DeviceChoice::Cuda(ordinals) => Self::cuda(ordinals, arithmetic),
            DeviceChoice::Metal => {
                let failed = |reason| Error::Device { device: "metal".to_owned(), reason };
                let device = device::open_metal().map_err(failed)?;
                Self::placed(vec![device], "metal".to_owned(), arithmetic)
            }
        }
    }

    fn placed(devices: Vec<Device>, name: String, arithmetic: Arithmetic) -> Result<Self> {
        let placements = devices.into_iter().map(|device| arithmetic.on(device)).collect::<Result<_>>()?;
        Ok(Self { placements, name, remark: None })
    }

    /// The first GPU that multiplies in the precision, else the CPU.
    fn automatic(arithmetic: Arithmetic) -> Result<Self> {
        let precision = arithmetic.precision;
        let on_cpu = |remark: Option<String>| {
            let remark = remark.map(|reason| format!("running on the CPU: {reason}"));
            Self::open_as(&DeviceChoice::Cpu, arithmetic).map(|cpu| Self { remark, ..cpu })
        };
        let gpus: [(&[Precision], DeviceChoice); 2] =
            [(&Precision::OF_CUDA, DeviceChoice::Cuda(vec![0])), (&Precision::OF_METAL, DeviceChoice::Metal)];
        if gpus.iter().all(|(precisions, _)| !precisions.contains(&precision)) {
            let unused = device::cuda_count().is_ok_and(|count| count > 0);
            return on_cpu(unused.then(|| format!("{} is not supported on GPUs", precision.name())));
        }
        let mut missing = None;
        for (_, choice) in gpus.into_iter().filter(|(precisions, _)| precisions.contains(&precision)) {
            match Self::open_as(&choice, arithmetic) {
                Ok(found) => {
                    let models = found.gpus().into_iter().map(|gpu| gpu.name).collect::<Vec<_>>().join(", ");
                    let remark = Some(format!("running on {} ({models})", found.name));
                    return Ok(Self { remark, ..found });
                }
                Err(Error::Device { reason: Unavailable::NotBuilt(_), .. }) => {}
                Err(error) => missing = missing.or(Some(error)),
            }
        }
        match missing {
            Some(Error::Device { reason, .. }) if !Precision::OF_CPU.contains(&precision) => {
                Err(Error::NoGpu { precision: precision.name(), reason })
            }
            Some(Error::Device { reason, .. }) => on_cpu(Some(reason.to_string())),
            other => on_cpu(other.map(|error| error.to_string())),
        }
    }

    fn cuda(ordinals: &[usize], arithmetic: Arithmetic) -> Result<Self> {
        let open = |&ordinal: &usize| {
            let device = format!("cuda:{ordinal}");
            device::open_cuda(ordinal).map_err(|reason| Error::Device { device, reason })
        };
        if ordinals.is_empty() {
            return Err(Error::usage("no CUDA device is named"));
        }
        let devices = ordinals.iter().map(open).collect::<Result<_>>()?;
        let numbers: Vec<String> = ordinals.iter().map(usize::to_string).collect();
        let opened = Self::placed(devices, format!("cuda:{}", numbers.join(",")), arithmetic)?;
        // The same text would have different bits on another model.
        let models = opened.different(|gpu| format!("{} ({})", gpu.name, gpu.architecture));
        if models.len() > 1 {
            return Err(Error::usage_hint(
                phrase![
                    "the GPUs of ",
                    (Setting::Device, &opened.name),
                    format!(" must be of one model, got {}", models.join(", "))
                ],
                "name GPUs of one model, or one of them",
            ));
        }
        Ok(opened)
    }

    /// The same devices in another precision.
    ///
    /// # Errors
    /// [`Error::Usage`] if they do not multiply in it.
    pub fn with_precision(&self, precision: Precision) -> Result<Self> {
        let composed = self.placements[0].form() != Form::of(self.first());
        let arithmetic = Arithmetic { precision, composed };
        let devices = self.placements.iter().map(|placement| placement.device().clone()).collect();
        Self::placed(devices, self.name.clone(), arithmetic)
    }

    /// `cpu`, `cuda:0`, `cuda:0,1`, `metal`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Something that the user did not ask for by name and should know.
    pub fn remark(&self) -> Option<&str> {
        self.remark.as_deref()
    }

    /// The number format that they multiply in.
    pub fn precision(&self) -> Precision {
        self.placements[0].precision()
    }

    /// The precisions that they could multiply in, most exact first.
    pub fn precisions(&self) -> &'static [Precision] {
        match self.first() {
            Device::Cpu => &Precision::OF_CPU,
            Device::Cuda(_) => &Precision::OF_CUDA,
            Device::Metal(_) => &Precision::OF_METAL,
        }
    }

    /// The GPUs, as their drivers describe them; none for the CPU.
    pub fn gpus(&self) -> Vec<Gpu> {
        let devices = self.placements.iter().map(Placement::device);
        devices.filter_map(device::describe).map(Gpu::from).collect()
    }

    /// A device and a precision for each copy of the encoder.
    pub(crate) fn placements(&self) -> &[Placement] {
        &self.placements
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.placements.len()
    }

    /// The first device.
    pub(crate) fn first(&self) -> &Device {
        self.placements[0].device()
    }

    /// Whether they are GPUs.
    pub(crate) fn are_gpus(&self) -> bool {
        !self.first().is_cpu()
    }

    /// Threads that keep them busy. Metal has one: candle has a single queue there, and lanes would wait for
    /// each other's work.
    pub(super) fn lanes(&self) -> NonZero<usize> {
        let of_each = if self.first().is_metal() { 1 } else { LANES };
        NonZero::new(of_each * self.count()).unwrap_or(NonZero::<usize>::MIN)
    }

    /// `cpu`, or the kind of GPUs and their models without repetitions: `cuda (NVIDIA H200)`. The same kind
    /// computes the same numbers (but see docs/metal.md).
    pub(crate) fn kind(&self) -> String {
        match self.first() {
            Device::Cpu => "cpu".to_owned(),
            Device::Cuda(_) => format!("cuda ({})", self.different(|gpu| gpu.name).join(", ")),
            Device::Metal(_) => format!("metal ({})", self.different(|gpu| gpu.name).join(", ")),
        }
    }

    /// The target whose numbers are computed: the CPU's instruction set, or the GPUs' architectures.
    pub(crate) fn instruction_set(&self) -> String {
        match self.first() {
            Device::Cpu => InstructionSet::current().arithmetic().name().to_owned(),
            _ => self.different(|gpu| gpu.architecture).join(", "),
        }
    }

    /// The library that computes products on GPUs, if it is not our own code.
    pub(crate) fn product_library(&self) -> Option<String> {
        device::describe(self.first())?.product_library
    }

    /// A property of the GPUs, each value once.
    fn different(&self, property: impl Fn(Gpu) -> String) -> Vec<String> {
        let values: BTreeSet<String> = self.gpus().into_iter().map(property).collect();
        values.into_iter().collect()
    }
}

impl Arithmetic {
    fn on(self, device: Device) -> Result<Placement> {
        let is_metal = device.is_metal();
        let placement = match self.composed {
            true => Placement::composed(device, self.precision),
            false => Placement::new(device, self.precision),
        };
        placement.map_err(|error| {
            Error::usage_hint(
                phrase![
                    (Setting::Precision, self.precision.name()),
                    format!(" cannot be used here: {error}")
                ],
                match is_metal {
                    true => "Metal has f32 and f16; the CPU has f32, bf16 and int8",
                    false => "the CPU has f32, bf16 and int8; GPUs have f32, f16 and bf16",
                },
            )
        })
    }
}

/// A device's name, as in [`DeviceChoice`].
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
    use crate::ErrorKind;

    #[test]
    fn the_cpu_is_always_there_and_needs_no_remark() {
        let devices = Devices::open(&DeviceChoice::Cpu, Precision::Int8).unwrap();
        assert_eq!((devices.name(), devices.remark(), devices.precision()), ("cpu", None, Precision::Int8));
        let error = Devices::open(&DeviceChoice::Cpu, Precision::F16).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Usage);
        let message = "`precision` f16 cannot be used here: the CPU does not multiply in f16";
        assert_eq!(error.to_string(), message);
        assert_eq!(devices.with_precision(Precision::F16).unwrap_err().to_string(), message);
        assert_eq!(devices.with_precision(Precision::F32).unwrap().precision(), Precision::F32);
    }

    #[test]
    fn operations_composed_from_candles_have_f16_on_the_cpu() {
        let devices = Devices::open_composed(&DeviceChoice::Cpu, Precision::F16).unwrap();
        assert_eq!(devices.precision(), Precision::F16);
        assert!(devices.with_precision(Precision::F32).is_ok());
        assert!(devices.with_precision(Precision::Int8).is_err(), "it stays composed");
    }

    #[test]
    fn what_is_missing_is_a_device_error() {
        // A build with CUDA finds a device on a machine with a GPU, but not that many.
        let names = if cfg!(feature = "metal") { &["cuda:999"][..] } else { &["metal", "cuda:999"] };
        for name in names {
            let error = Devices::open(&name.parse().unwrap(), Precision::F32).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{name}");
            let hint = error.hint().expect("a hint").to_string();
            assert!(hint.ends_with("run with `device` cpu"), "{name}: {hint}");
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
