//! The operation of each opcode.

use super::storage::storage_type;
use super::{ALLOWED, Machine, PickleError, PickleResult, STACK_LIMIT, Value, short};

fn malformed<T>(what: impl Into<String>) -> PickleResult<T> {
    Err(PickleError::Malformed(what.into()))
}

fn refused<T>(what: impl Into<String>) -> PickleResult<T> {
    Err(PickleError::Refused(what.into()))
}

impl<'a> Machine<'a> {
    pub(super) fn take(&mut self, count: usize) -> PickleResult<&'a [u8]> {
        let end = self.position.checked_add(count).filter(|end| *end <= self.bytes.len());
        let Some(end) = end else { return malformed("it ends early") };
        let taken = &self.bytes[self.position..end];
        self.position = end;
        Ok(taken)
    }

    /// A little-endian number of 1 to 8 bytes.
    pub(super) fn unsigned<const SIZE: usize>(&mut self) -> PickleResult<u64> {
        Ok(self.take(SIZE)?.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte)))
    }

    /// A little-endian number in two's complement. Zero bytes mean 0.
    pub(super) fn push_signed(&mut self, size: usize) -> PickleResult<()> {
        let bytes = self.take(size)?;
        let sign = if bytes.last().is_some_and(|byte| *byte >= 0x80) { -1 } else { 0 };
        let value = bytes.iter().rev().fold(sign, |value: i64, byte| value << 8 | i64::from(*byte));
        self.push(Value::Int(value))
    }

    pub(super) fn push_unsigned<const SIZE: usize>(&mut self) -> PickleResult<()> {
        let value = self.unsigned::<SIZE>()?;
        self.push(Value::Int(value as i64))
    }

    pub(super) fn push_long(&mut self) -> PickleResult<()> {
        match self.unsigned::<1>()? {
            size @ 0..=8 => self.push_signed(size as usize),
            size => malformed(format!("it has an integer of {size} bytes, and 8 are the most")),
        }
    }

    pub(super) fn push_text<const SIZE: usize>(&mut self) -> PickleResult<()> {
        let length = self.unsigned::<SIZE>()?;
        let bytes = self.take(usize::try_from(length).unwrap_or(usize::MAX))?;
        match std::str::from_utf8(bytes) {
            Ok(text) => self.push(Value::Text(text)),
            Err(_) => malformed("it has a text that is not UTF-8"),
        }
    }

    pub(super) fn push_global(&mut self) -> PickleResult<()> {
        let (module, name) = (self.line()?, self.line()?);
        self.global(module, name)
    }

    pub(super) fn push_stack_global(&mut self) -> PickleResult<()> {
        match self.pop_many(2)?.as_slice() {
            [Value::Text(module), Value::Text(name)] => self.global(module, name),
            _ => malformed("it names a class that is not text"),
        }
    }

    fn global(&mut self, module: &'a str, name: &'a str) -> PickleResult<()> {
        if ALLOWED.contains(&(module, name)) || storage_type(module, name).is_some() {
            return self.push(Value::Global(module, name));
        }
        refused(format!("{}.{}", short(module), short(name)).escape_debug().to_string())
    }

    fn line(&mut self) -> PickleResult<&'a str> {
        let rest = &self.bytes[self.position..];
        let Some(length) = rest.iter().position(|byte| *byte == b'\n') else {
            return malformed("it ends early");
        };
        let line = self.take(length + 1)?;
        std::str::from_utf8(&line[..length]).or_else(|_| malformed("it has a text that is not UTF-8"))
    }

    pub(super) fn push(&mut self, value: Value<'a>) -> PickleResult<()> {
        if self.stack.len() >= STACK_LIMIT {
            return malformed(format!("more than {STACK_LIMIT} values wait on its stack"));
        }
        self.stack.push(value);
        Ok(())
    }

    /// The top of the stack, which may not be below the last mark.
    pub(super) fn pop(&mut self) -> PickleResult<Value<'a>> {
        let floor = self.marks.last().copied().unwrap_or(0);
        match self.stack.pop().filter(|_| self.stack.len() >= floor) {
            Some(value) => Ok(value),
            None => malformed("it pops a value from an empty stack"),
        }
    }

    pub(super) fn pop_many(&mut self, count: usize) -> PickleResult<Vec<Value<'a>>> {
        let mut items = (0..count).map(|_| self.pop()).collect::<PickleResult<Vec<_>>>()?;
        items.reverse();
        Ok(items)
    }

    pub(super) fn mark(&mut self) -> PickleResult<()> {
        if self.marks.len() >= STACK_LIMIT {
            return malformed(format!("more than {STACK_LIMIT} marks wait on its stack"));
        }
        self.marks.push(self.stack.len());
        Ok(())
    }

    pub(super) fn pop_to_mark(&mut self) -> PickleResult<Vec<Value<'a>>> {
        match self.marks.pop() {
            Some(mark) => Ok(self.stack.split_off(mark.min(self.stack.len()))),
            None => malformed("it looks for a missing mark"),
        }
    }

    pub(super) fn push_tuple(&mut self, count: usize) -> PickleResult<()> {
        let items = self.pop_many(count)?;
        self.tuple_of(items)
    }

    pub(super) fn tuple_of(&mut self, items: Vec<Value<'a>>) -> PickleResult<()> {
        self.tuples.push(items);
        self.push(Value::Tuple(self.tuples.len() - 1))
    }

    pub(super) fn push_dict(&mut self) -> PickleResult<()> {
        self.dicts.push(Vec::new());
        self.push(Value::Dict(self.dicts.len() - 1))
    }

    pub(super) fn set_items(&mut self, items: &[Value<'a>]) -> PickleResult<()> {
        let number = match self.stack.last() {
            Some(Value::Dict(number)) => *number,
            Some(other) => return refused(format!("items set on {other}")),
            None => return malformed("it sets items on an empty stack"),
        };
        let (pairs, rest) = items.as_chunks::<2>();
        match self.dicts.get_mut(number) {
            Some(dict) if rest.is_empty() => dict.extend(pairs.iter().map(|[key, value]| (*key, *value))),
            _ => return malformed("it has a key without a value"),
        }
        Ok(())
    }

    pub(super) fn remember(&mut self, key: u64) -> PickleResult<()> {
        let Some(value) = self.stack.last().copied() else { return malformed("it remembers nothing") };
        self.memo.insert(key, value);
        Ok(())
    }

    pub(super) fn recall(&mut self, key: u64) -> PickleResult<()> {
        match self.memo.get(&key).copied() {
            Some(value) => self.push(value),
            None => malformed(format!("it recalls value {key}, which it did not remember")),
        }
    }

    pub(super) fn persistent(&mut self) -> PickleResult<()> {
        match self.pop()? {
            Value::Tuple(number) => self.push(Value::Persistent(number)),
            other => malformed(format!("its storage is described by {other}")),
        }
    }

    /// A call: an empty dictionary, a tensor, or a parameter, which is its tensor.
    pub(super) fn reduce(&mut self) -> PickleResult<()> {
        let (arguments, callable) = (self.pop()?, self.pop()?);
        let Value::Tuple(number) = arguments else { return refused(format!("a call with {arguments}")) };
        match (callable, self.tuple(number)) {
            (Value::Global(_, "OrderedDict"), []) => self.push_dict(),
            (Value::Global(_, "_rebuild_tensor_v2"), _) => self.push(Value::Tensor(number)),
            (Value::Global(_, "_rebuild_parameter"), [tensor @ Value::Tensor(_), ..]) => self.push(*tensor),
            (other, arguments) => refused(format!("a call of {other} with {} arguments", arguments.len())),
        }
    }

    /// Attributes of an object. A dictionary of tensors has one, `_metadata`, with versions of modules; it is
    /// ignored.
    pub(super) fn build(&mut self) -> PickleResult<()> {
        let state = self.pop()?;
        let is_metadata = |pair: &(Value<'_>, Value<'_>)| pair.0 == Value::Text("_metadata");
        match (self.stack.last(), state) {
            (Some(Value::Dict(_)), Value::Dict(state)) if self.dict(state).iter().all(is_metadata) => Ok(()),
            (Some(object), state) => refused(format!("attributes of {object}: {state}")),
            (None, _) => malformed("it sets attributes on an empty stack"),
        }
    }
}
