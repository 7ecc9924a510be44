//! The instruction sets that kernels are compiled for, and the choice among them.

use std::ffi::OsString;
use std::sync::OnceLock;

use super::{Portable, Simd};
#[cfg(target_arch = "x86_64")]
use super::{avx2, avx512, avx512_bf16};

/// A set that kernels are compiled for. The VNNI and BF16 sets extend the ones before them: AVX2 with
/// AVX-VNNI, AVX-512 with AVX512-VNNI, that with AVX512-BF16.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum InstructionSet {
    /// Plain Rust; every CPU.
    Portable,
    /// x86-64 with AVX2, FMA and F16C: 8 lanes.
    Avx2,
    /// The same with AVX-VNNI, dot products of bytes.
    Avx2Vnni,
    /// x86-64 with AVX-512 F, BW, DQ and VL: 16 lanes.
    Avx512,
    /// The same with AVX512-VNNI, dot products of bytes.
    Avx512Vnni,
    /// The same with AVX512-BF16, dot products of bf16.
    Avx512Bf16,
}

impl InstructionSet {
    /// All instruction sets, lowest first.
    pub const ALL: [Self; 6] =
        [Self::Portable, Self::Avx2, Self::Avx2Vnni, Self::Avx512, Self::Avx512Vnni, Self::Avx512Bf16];

    /// The name in `NEARSAY_ISA`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::Avx2 => "avx2",
            Self::Avx2Vnni => "avx2-vnni",
            Self::Avx512 => "avx512",
            Self::Avx512Vnni => "avx512-vnni",
            Self::Avx512Bf16 => "avx512-bf16",
        }
    }

    /// Words per vector.
    pub(crate) fn lanes(self) -> usize {
        match self {
            Self::Portable => Portable::LANES,
            Self::Avx2 | Self::Avx2Vnni => 8,
            Self::Avx512 | Self::Avx512Vnni | Self::Avx512Bf16 => 16,
        }
    }

    /// Whether products of bf16 are faster by the CPU's own instruction than by widening them to f32.
    ///
    /// AMD's Zen 4 does twice the work of f32 with it (227 against 113 GFLOP/s on a core). Intel's Sapphire
    /// and Emerald Rapids do half (88 against 183): their bf16 lives in AMX.
    pub(crate) fn multiplies_bf16_fast(self) -> bool {
        self == Self::Avx512Bf16 && !is_intel()
    }

    /// The set whose numbers it computes on this CPU: where products of bf16 are faster by widening, those of
    /// AVX512-BF16 are the numbers of AVX512-VNNI.
    pub fn arithmetic(self) -> Self {
        match self {
            Self::Avx512Bf16 if !self.multiplies_bf16_fast() => Self::Avx512Vnni,
            _ => self,
        }
    }

    /// Whether this CPU has it.
    pub fn is_available(self) -> bool {
        match self {
            Self::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => avx2::Avx2::<false>::new().is_some(),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2Vnni => avx2::Avx2::<true>::new().is_some(),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => avx512::Avx512::<false>::new().is_some(),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni => avx512::Avx512::<true>::new().is_some(),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Bf16 => {
                avx512::Avx512::<true>::new().is_some() && avx512_bf16::Avx512Bf16::new().is_some()
            }
            #[cfg(not(target_arch = "x86_64"))]
            _ => false,
        }
    }

    /// The one that the kernels use: the highest that the CPU has, or a lower one set by `NEARSAY_ISA`.
    ///
    /// A name that is unknown or that the CPU lacks is reported by [`requested_instruction_set`] and ignored
    /// here.
    pub fn current() -> Self {
        static CURRENT: OnceLock<InstructionSet> = OnceLock::new();
        *CURRENT.get_or_init(|| {
            let highest = Self::ALL.into_iter().rfind(|set| set.is_available()).unwrap_or(Self::Portable);
            requested_instruction_set().ok().flatten().unwrap_or(highest)
        })
    }
}

/// The instruction set in `NEARSAY_ISA`, or why it cannot be used. An empty variable counts as unset.
pub fn requested_instruction_set() -> Result<Option<InstructionSet>, String> {
    requested(std::env::var_os("NEARSAY_ISA").unwrap_or_default())
}

fn requested(name: OsString) -> Result<Option<InstructionSet>, String> {
    if name.is_empty() {
        return Ok(None);
    }
    let name = name.to_string_lossy();
    let known = InstructionSet::ALL.map(InstructionSet::name).join(", ");
    let set = InstructionSet::ALL
        .into_iter()
        .find(|set| set.name() == name)
        .ok_or_else(|| format!("NEARSAY_ISA must be one of {known}, got `{name}`"))?;
    if set.is_available() {
        Ok(Some(set))
    } else {
        Err(format!("NEARSAY_ISA is `{name}`, which this CPU does not have"))
    }
}

#[cfg(target_arch = "x86_64")]
fn is_intel() -> bool {
    let vendor = std::arch::x86_64::__cpuid(0);
    [vendor.ebx, vendor.edx, vendor.ecx].map(u32::to_le_bytes).concat() == b"GenuineIntel"
}

#[cfg(not(target_arch = "x86_64"))]
fn is_intel() -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_name_is_none_and_an_unknown_one_is_refused() {
        assert_eq!(requested(OsString::new()), Ok(None));
        assert_eq!(requested("portable".into()), Ok(Some(InstructionSet::Portable)));
        for name in ["sse2", " ", "AVX2", "portable "] {
            let message = requested(name.into()).expect_err("no such set");
            assert!(message.ends_with(&format!("got `{name}`")) && message.contains("avx512"), "{message}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_name_that_is_not_utf8_is_refused_too() {
        use std::os::unix::ffi::OsStringExt;
        assert!(requested(OsString::from_vec(vec![0xff])).is_err());
    }
}
