use super::super::test_files::{Pickled, model_folder, state_pickle, tensor_pickle, text, torch_archive};
use super::super::{Dtype, Weights};
use super::*;
use crate::Error;

const TENSOR: Pickled<'_> =
    Pickled { name: "a", storage: "FloatStorage", key: "0", offset: 0, shape: &[1], strides: &[1] };

fn run(pickle: &[u8]) -> PickleResult<Value<'_>> {
    Machine::new(pickle).run()
}

/// The reason for refusing a file with this pickle.
fn refusal(pickle: &[u8]) -> String {
    let (_directory, folder) =
        model_folder(&[("pytorch_model.bin", &torch_archive(pickle, &[("data/0", &[0; 4])]))]);
    match Weights::open(&folder).unwrap_err() {
        Error::RefusedPickle { found, .. } => found,
        other => panic!("{other}"),
    }
}

/// A pickle whose dictionary has one entry with this value.
fn entry(value: &[u8]) -> Vec<u8> {
    [b"\x80\x02}q\x00", &text("a")[..], value, b"s."].concat()
}

#[test]
fn a_pickle_that_runs_code_is_refused_and_does_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let touched = directory.path().join("touched");
    let command = text(&format!("touch {}", touched.display()));
    let old = [b"\x80\x02cposix\nsystem\n", &command[..], b"\x85R."].concat();
    assert_eq!(refusal(&old), "posix.system");
    let new = [b"\x80\x04", &text("os")[..], &text("system"), b"\x93", &command, b"\x85R."].concat();
    assert_eq!(refusal(&new), "os.system");
    assert_eq!(refusal(&entry(&[b"cbuiltins\nexec\n", &command[..], b"\x85R"].concat())), "builtins.exec");
    assert!(!touched.exists());
}

#[test]
fn classes_beside_the_allowed_ones_are_refused_by_name() {
    for (module, name) in
        [("torch", "load"), ("torch", "FloatStorage.x"), ("os", "FloatStorage"), ("collections", "x")]
    {
        assert_eq!(refusal(format!("c{module}\n{name}\n.").as_bytes()), format!("{module}.{name}"));
    }
}

#[test]
fn opcodes_that_pytorch_does_not_write_are_refused_by_number() {
    // INST, OBJ, EXT1, NEWOBJ, the text opcodes of protocol 0, PERSID.
    for opcode in [b'i', b'o', 0x82, 0x81, b'I', b'S', b'V', b'P', b'd', b']'] {
        assert_eq!(refusal(&[opcode]), format!("opcode 0x{opcode:02x} at byte 0"));
    }
}

#[test]
fn values_that_are_no_tensors_are_refused() {
    assert!(refusal(b"\x80\x02N.").contains("dictionary of tensors"));
    assert!(refusal(&entry(b"K\x01")).contains("not a tensor"));
    assert!(refusal(&entry(b"}")).contains("not a tensor"));
    assert!(refusal(&entry(b"K\x01)R")).contains("call of the integer 1"));
    assert!(refusal(&entry(b"ctorch\nFloatStorage\n)R")).contains("FloatStorage"));
}

#[test]
fn parameters_are_their_tensors() {
    let value = [
        &b"ctorch._utils\n_rebuild_parameter\n"[..],
        &tensor_pickle(&TENSOR),
        b"\x88ccollections\nOrderedDict\n)R\x87R",
    ];
    let mut pickle = b"\x80\x02ccollections\nOrderedDict\nq\x00)R".to_vec();
    pickle.extend([&text("a")[..], &value.concat(), b"s."].concat());
    let tensors = super::super::state_dict::state_dict(std::path::Path::new("x"), &pickle).unwrap();
    assert_eq!((tensors["a"].dtype, tensors["a"].shape.as_slice()), (Dtype::F32, &[1][..]));
}

#[test]
fn numbers_are_read_with_their_sign() {
    for (pickle, value) in [
        (&b"K\xff."[..], 255),
        (b"M\x00\x80.", 0x8000),
        (b"J\xff\xff\xff\xff.", -1),
        (b"\x8a\x00.", 0),
        (b"\x8a\x01\xff.", -1),
        (b"\x8a\x08\x00\x00\x00\x00\x00\x00\x00\x80.", i64::MIN),
    ] {
        assert_eq!(run(pickle).unwrap(), Value::Int(value));
    }
    assert!(matches!(run(b"\x8a\x09123456789."), Err(PickleError::Malformed(_))));
}

#[test]
fn damaged_pickles_are_told_from_refused_ones() {
    for pickle in [
        &b""[..],
        b".",
        b"K",
        b"X\xff\xff\xff\xffabc",
        b"\x8d\xff\xff\xff\xff\xff\xff\xff\xffabc",
        b"X\x01\x00\x00\x00\xff.",
        b"cposix",
        b"t",
        b"(\x85.",
        b"K\x01(\x85.",
        b"q\x00",
        b"h\x07",
        b"}(K\x01u",
        b"K\x01Q",
    ] {
        assert!(matches!(run(pickle), Err(PickleError::Malformed(_))), "{pickle:?}");
    }
}

#[test]
fn a_small_pickle_cannot_ask_for_much_memory() {
    // Each TUPLE2 with the same value twice doubles the memory of a parser that copies: 2^2000 values.
    let mut doubling = b"\x80\x02)q\x00".to_vec();
    doubling.extend(b"h\x00h\x00\x86q\x00".repeat(2000));
    doubling.push(b'.');
    assert!(matches!(run(&doubling), Ok(Value::Tuple(_))));
    let deep = [b"(".repeat(1 << 20), b".".to_vec()].concat();
    assert!(matches!(run(&deep), Err(PickleError::Malformed(_))));
    let wide = [b"N".repeat(1 << 20), b".".to_vec()].concat();
    assert!(matches!(run(&wide), Err(PickleError::Malformed(_))));
}

#[test]
fn every_cut_and_every_changed_byte_is_an_error_or_a_value() {
    let whole = state_pickle(&[TENSOR]);
    for position in 0..whole.len() {
        assert!(run(&whole[..position]).is_err());
        for value in 0..=255 {
            let mut changed = whole.clone();
            changed[position] = value;
            let _ = super::super::state_dict::state_dict(std::path::Path::new("x"), &changed);
        }
    }
}
