//! `ARITHMETIC`: versions of the kernels' bits.
//!
//! A commit that can alter one bit of any result (a different order of a sum, instruction or constant) raises
//! the number of every precision and kind of device that it affects. Jobs, indexes and caches are identified
//! by these numbers, not by the program's version: results of different numbers are never mixed.
//! `tests/tests/golden_bits.rs` fails if a number was not raised.

use candle_core::Device;

use crate::Precision;

/// On the CPU, for every instruction set.
const ON_CPU: [(Precision, u32); 3] = [(Precision::F32, 1), (Precision::Bf16, 1), (Precision::Int8, 1)];

/// On CUDA devices.
const ON_CUDA: [(Precision, u32); 3] = [(Precision::F32, 1), (Precision::F16, 1), (Precision::Bf16, 1)];

/// For operations composed from candle's, on Metal and elsewhere.
const COMPOSED: [(Precision, u32); 2] = [(Precision::F32, 1), (Precision::F16, 1)];

/// The version of the bits of kernels or composed operations, in `precision` on a kind of device.
pub(super) fn version(device: &Device, is_composed: bool, precision: Precision) -> u32 {
    let table: &[(Precision, u32)] = match device {
        _ if is_composed => &COMPOSED,
        Device::Cpu => &ON_CPU,
        Device::Cuda(_) => &ON_CUDA,
        Device::Metal(_) => &COMPOSED,
    };
    // Every precision that a placement can have is in its table.
    table.iter().find(|(known, _)| *known == precision).map_or(0, |(_, version)| *version)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Placement;

    #[test]
    fn every_placement_has_a_version() {
        for precision in Precision::OF_CPU {
            assert!(Placement::new(Device::Cpu, precision).unwrap().arithmetic_version() > 0);
        }
        for precision in Precision::OF_METAL {
            assert!(Placement::composed(Device::Cpu, precision).unwrap().arithmetic_version() > 0);
        }
        for precision in Precision::OF_CUDA {
            assert!(ON_CUDA.iter().any(|(known, version)| *known == precision && *version > 0));
        }
    }
}
