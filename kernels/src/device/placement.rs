//! Where an operation's weights are, and in which numbers it multiplies.

use candle_core::{DType, Device};

use super::{Form, Precision, arithmetic};
use crate::ops::linear::{Encoding, encoding};
use crate::{Error, InstructionSet, Result};

/// A device and a precision that it supports.
#[derive(Debug, Clone)]
pub struct Placement {
    device: Device,
    precision: Precision,
    hidden_dtype: DType,
    form: Form,
}

impl Placement {
    /// The CPU, in f32.
    pub const CPU: Self = Self {
        device: Device::Cpu,
        precision: Precision::F32,
        hidden_dtype: DType::F32,
        form: Form::Kernels,
    };

    /// `precision` on `device`, by kernels if it has them.
    ///
    /// # Errors
    /// If the device does not multiply in it.
    pub fn new(device: Device, precision: Precision) -> Result<Self> {
        let form = Form::of(&device);
        Self::with_form(device, precision, form)
    }

    /// `precision` on `device`, by operations composed from candle's: works on any device, as on Metal.
    ///
    /// # Errors
    /// If composed operations do not multiply in it.
    pub fn composed(device: Device, precision: Precision) -> Result<Self> {
        Self::with_form(device, precision, Form::Composed)
    }

    fn with_form(device: Device, precision: Precision, form: Form) -> Result<Self> {
        let hidden_dtype = match (&device, precision) {
            (_, Precision::F32) => DType::F32,
            (_, Precision::F16) if form == Form::Composed => DType::F16,
            _ if form == Form::Composed => {
                return Err(Error::NoSuchPrecision { device: name(&device), precision: precision.name() });
            }
            // Hidden states stay f32: a product's inputs are rounded where they are multiplied.
            (Device::Cpu, Precision::Bf16 | Precision::Int8) => DType::F32,
            (Device::Cuda(_), Precision::F16) => DType::F16,
            (Device::Cuda(_), Precision::Bf16) => DType::BF16,
            _ => return Err(Error::NoSuchPrecision { device: name(&device), precision: precision.name() }),
        };
        Ok(Self { device, precision, hidden_dtype, form })
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

    /// How products are computed there. Results have the same bits only if this, the instruction set and the
    /// device are the same.
    pub fn arithmetic(&self) -> &'static str {
        match &self.device {
            // Only on request.
            Device::Cpu if self.form == Form::Composed => match self.precision {
                Precision::F16 => "f16, composed",
                _ => "f32, composed",
            },
            Device::Cpu => encoding(InstructionSet::current(), self.precision).map_or("none", Encoding::name),
            _ => self.precision.name(),
        }
    }

    /// The version of the result bits there (`ARITHMETIC`): results of different versions are never mixed.
    pub fn arithmetic_version(&self) -> u32 {
        arithmetic::version(&self.device, self.form == Form::Composed, self.precision)
    }

    /// How operations are run there.
    pub fn form(&self) -> Form {
        self.form
    }

    /// The same device in f32, for the steps after an encoder.
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
