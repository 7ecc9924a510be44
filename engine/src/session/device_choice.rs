//! The devices that a user asks for.

use std::collections::BTreeSet;
use std::str::FromStr;

use crate::{Error, Result};

/// The requested devices.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum DeviceChoice {
    /// The first GPU, or the CPU if there is none.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// CUDA devices by number, which share the work.
    Cuda(Vec<usize>),
    /// Apple's GPU.
    Metal,
}

/// `auto`, `cpu`, `cuda`, `cuda:0`, `cuda:0,1` or `metal`.
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

/// Numbers separated by commas, none of them twice.
fn ordinals(list: &str) -> Option<Vec<usize>> {
    let numbers: Option<Vec<usize>> = list.split(',').map(|number| number.parse().ok()).collect();
    numbers.filter(|numbers| numbers.iter().collect::<BTreeSet<_>>().len() == numbers.len())
}

fn unknown(name: &str) -> Error {
    Error::usage(format!("a device must be auto, cpu, cuda, cuda:N, cuda:N,M,.. or metal, got `{name}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_for_devices() {
        let choice = |name: &str| name.parse::<DeviceChoice>();
        assert_eq!(choice("auto").unwrap(), DeviceChoice::Auto);
        assert_eq!(choice("cpu").unwrap(), DeviceChoice::Cpu);
        assert_eq!(choice("cuda").unwrap(), DeviceChoice::Cuda(vec![0]));
        assert_eq!(choice("cuda:3").unwrap(), DeviceChoice::Cuda(vec![3]));
        assert_eq!(choice("cuda:1,0").unwrap(), DeviceChoice::Cuda(vec![1, 0]));
        for name in ["cuda:", "cuda:x", "cuda:0,", "cuda:0,0", "cuda:-1", "gpu", ""] {
            assert_eq!(choice(name).unwrap_err().kind(), crate::ErrorKind::Usage, "{name}");
        }
    }
}
