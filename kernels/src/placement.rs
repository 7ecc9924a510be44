//! Where an operation's weights lie, and in which numbers it multiplies.

use candle_core::{DType, Device};

use crate::composed;
use crate::linear::{Encoding, encoding};
use crate::{Error, InstructionSet, Precision, Result};

/// A device and a precision that it has.
#[derive(Debug, Clone)]
pub struct Placement {
    device: Device,
    precision: Precision,
    hidden_dtype: DType,
    is_composed: bool,
}

impl Placement {
    /// The CPU, in f32.
    pub const CPU: Self =
        Self { device: Device::Cpu, precision: Precision::F32, hidden_dtype: DType::F32, is_composed: false };

    /// `precision` on `device`.
    ///
    /// # Errors
    /// If the device does not multiply in it.
    pub fn new(device: Device, precision: Precision) -> Result<Self> {
        let is_composed = composed::is_for(&device);
        let hidden_dtype = match (&device, precision) {
            (_, Precision::F32) => DType::F32,
            (_, Precision::F16) if is_composed => DType::F16,
            // Hidden states stay f32: inputs of products are rounded where they are multiplied.
            (Device::Cpu, Precision::Bf16 | Precision::Int8) if !is_composed => DType::F32,
            (Device::Cuda(_), Precision::F16) => DType::F16,
            (Device::Cuda(_), Precision::Bf16) => DType::BF16,
            _ => return Err(Error::NoSuchPrecision { device: name(&device), precision: precision.name() }),
        };
        Ok(Self { device, precision, hidden_dtype, is_composed })
    }

    /// The device.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The number format of products.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// The element type of hidden states.
    pub fn hidden_dtype(&self) -> DType {
        self.hidden_dtype
    }

    /// How products are taken there. Results have the same bits only where this, the instruction set and the device are the same.
    pub fn arithmetic(&self) -> &'static str {
        match &self.device {
            // Only where it is asked for.
            Device::Cpu if self.is_composed => match self.precision {
                Precision::F16 => "f16, composed",
                _ => "f32, composed",
            },
            Device::Cpu => encoding(InstructionSet::current(), self.precision).map_or("none", Encoding::name),
            _ => self.precision.name(),
        }
    }

    /// Whether operations there are composed of candle's own.
    pub(crate) fn is_composed(&self) -> bool {
        self.is_composed
    }

    /// The same device in f32, for what stands behind an encoder.
    pub fn in_f32(&self) -> Self {
        Self { precision: Precision::F32, hidden_dtype: DType::F32, ..self.clone() }
    }
}

/// The name of a kind of device in messages.
fn name(device: &Device) -> &'static str {
    match device {
        Device::Cpu => "the CPU",
        Device::Cuda(_) => "CUDA",
        Device::Metal(_) => "Metal",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_states_are_f32_on_the_cpu_whatever_is_multiplied() {
        for precision in [Precision::F32, Precision::Bf16, Precision::Int8] {
            assert_eq!(Placement::new(Device::Cpu, precision).unwrap().hidden_dtype(), DType::F32);
        }
        let error = Placement::new(Device::Cpu, Precision::F16).unwrap_err().to_string();
        assert_eq!(error, "the CPU does not multiply in f16");
    }
}
