//! A machine for the few pickle opcodes that PyTorch writes for tensors. It executes nothing.
//!
//! Opcodes: CPython's Lib/pickletools.py. PyTorch's output: torch/serialization.py. Classes and functions are
//! only names, and only those in [`ALLOWED`] are accepted, as in PyTorch's `weights_only` loader; unknown
//! opcodes are refused too. candle-core's parser is not used: it copies a value each time it is remembered
//! (so a pickle of 300 bytes can ask for terabytes), allocates lengths before it has seen that many bytes,
//! and skips unknown content. Here values are small and copied, and tuples and dictionaries are kept in lists
//! and referred to by number, so memory is linear in the pickle's length and no value can be nested deeper
//! than the stack.

use std::collections::HashMap;
use std::fmt;

/// The accepted classes and functions, besides the storages of [`storage_type`].
const ALLOWED: [(&str, &str); 3] = [
    ("collections", "OrderedDict"),
    ("torch._utils", "_rebuild_tensor_v2"),
    ("torch._utils", "_rebuild_parameter"),
];

/// The most values on the stack. PyTorch writes dictionaries in parts of 1000 pairs.
const STACK_LIMIT: usize = 1 << 16;

/// Why a pickle was rejected.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum PickleError {
    /// It contains something other than tensors, described here.
    Refused(String),
    /// It is damaged, as described here.
    Malformed(String),
}

pub(super) type PickleResult<T> = Result<T, PickleError>;

/// A value on the stack.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Value<'a> {
    None,
    Bool,
    Int(i64),
    Text(&'a str),
    /// A class or a function: its module and its name.
    Global(&'a str, &'a str),
    /// The number of a tuple.
    Tuple(usize),
    /// The number of a dictionary.
    Dict(usize),
    /// A value stored outside the pickle: the number of the tuple that describes it.
    Persistent(usize),
    /// A tensor: the number of the tuple of its arguments.
    Tensor(usize),
}

impl fmt::Display for Value<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => formatter.write_str("None"),
            Self::Bool => formatter.write_str("a boolean"),
            Self::Int(value) => write!(formatter, "the integer {value}"),
            Self::Text(text) => write!(formatter, "the text {:?}", short(text)),
            Self::Global(module, name) => write!(formatter, "{module}.{name}"),
            Self::Tuple(_) => formatter.write_str("a tuple"),
            Self::Dict(_) => formatter.write_str("a dictionary"),
            Self::Persistent(_) => formatter.write_str("a storage"),
            Self::Tensor(_) => formatter.write_str("a tensor"),
        }
    }
}

/// The first characters of a text from a file, for a message.
fn short(text: &str) -> String {
    text.chars().take(60).collect()
}

/// The state of the machine.
#[derive(Debug, Default)]
pub(super) struct Machine<'a> {
    bytes: &'a [u8],
    position: usize,
    stack: Vec<Value<'a>>,
    marks: Vec<usize>,
    memo: HashMap<u64, Value<'a>>,
    tuples: Vec<Vec<Value<'a>>>,
    dicts: Vec<Vec<(Value<'a>, Value<'a>)>>,
}

impl<'a> Machine<'a> {
    /// A machine at the start of a pickle.
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, ..Self::default() }
    }

    /// Reads the whole pickle. Returns the value that it describes.
    pub(super) fn run(&mut self) -> PickleResult<Value<'a>> {
        loop {
            let start = self.position;
            match self.take(1)? {
                b"." => return self.pop(),
                opcode => self.step(opcode[0], start)?,
            }
        }
    }

    /// A tuple by its number.
    pub(super) fn tuple(&self, number: usize) -> &[Value<'a>] {
        self.tuples.get(number).map_or(&[], Vec::as_slice)
    }

    /// A dictionary by its number.
    pub(super) fn dict(&self, number: usize) -> &[(Value<'a>, Value<'a>)] {
        self.dicts.get(number).map_or(&[], Vec::as_slice)
    }

    fn step(&mut self, opcode: u8, start: usize) -> PickleResult<()> {
        match opcode {
            // PROTO and FRAME: their arguments do not matter here.
            0x80 => self.take(1).map(drop),
            0x95 => self.take(8).map(drop),
            // NONE, NEWTRUE, NEWFALSE
            b'N' => self.push(Value::None),
            0x88 | 0x89 => self.push(Value::Bool),
            // BININT1, BININT2, BININT, LONG1
            b'K' => self.push_unsigned::<1>(),
            b'M' => self.push_unsigned::<2>(),
            b'J' => self.push_signed(4),
            0x8a => self.push_long(),
            // SHORT_BINUNICODE, BINUNICODE, BINUNICODE8
            0x8c => self.push_text::<1>(),
            b'X' => self.push_text::<4>(),
            0x8d => self.push_text::<8>(),
            // GLOBAL, STACK_GLOBAL
            b'c' => self.push_global(),
            0x93 => self.push_stack_global(),
            // MARK, EMPTY_TUPLE, TUPLE1, TUPLE2, TUPLE3, TUPLE
            b'(' => self.mark(),
            b')' => self.push_tuple(0),
            0x85..=0x87 => self.push_tuple(usize::from(opcode - 0x84)),
            b't' => self.pop_to_mark().and_then(|items| self.tuple_of(items)),
            // EMPTY_DICT, SETITEM, SETITEMS
            b'}' => self.push_dict(),
            b's' => self.pop_many(2).and_then(|items| self.set_items(&items)),
            b'u' => self.pop_to_mark().and_then(|items| self.set_items(&items)),
            // MEMOIZE, BINPUT, LONG_BINPUT, BINGET, LONG_BINGET
            0x94 => self.remember(self.memo.len() as u64),
            b'q' => self.unsigned::<1>().and_then(|key| self.remember(key)),
            b'r' => self.unsigned::<4>().and_then(|key| self.remember(key)),
            b'h' => self.unsigned::<1>().and_then(|key| self.recall(key)),
            b'j' => self.unsigned::<4>().and_then(|key| self.recall(key)),
            // BINPERSID, REDUCE, BUILD
            b'Q' => self.persistent(),
            b'R' => self.reduce(),
            b'b' => self.build(),
            other => Err(PickleError::Refused(format!("opcode 0x{other:02x} at byte {start}"))),
        }
    }
}

mod operations;
mod storage;

pub(super) use storage::storage_type;

#[cfg(test)]
mod tests;
