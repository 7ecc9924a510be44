use super::super::Weights;
use super::super::test_files::{Pickled, f32_bytes, model_folder, state_pickle, torch_archive};
use crate::{Error, Result};

const SIX: [f32; 6] = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0];

fn open(bytes: &[u8]) -> Result<Weights> {
    let (directory, folder) = model_folder(&[("pytorch_model.bin", bytes)]);
    let weights = Weights::open(&folder);
    drop(directory);
    weights
}

fn tensor<'a>(offset: u16, shape: &'a [u16], strides: &'a [u16]) -> Pickled<'a> {
    Pickled { name: "a", storage: "FloatStorage", key: "0", offset, shape, strides }
}

fn archive(tensor: Pickled<'_>) -> Vec<u8> {
    torch_archive(&state_pickle(&[tensor]), &[("data/0", &f32_bytes(&SIX)), ("byteorder", b"little")])
}

fn load(offset: u16, shape: &[u16], strides: &[u16]) -> Result<Vec<f32>> {
    let expected: Vec<usize> = shape.iter().copied().map(usize::from).collect();
    let tensor = open(&archive(tensor(offset, shape, strides)))?.load("a", &expected)?;
    Ok(tensor.flatten_all()?.to_vec1()?)
}

fn message(bytes: &[u8]) -> String {
    let error = open(bytes).unwrap_err();
    assert!(matches!(error, Error::BadWeights { .. }), "{error}");
    error.to_string()
}

#[test]
fn views_of_a_storage_are_brought_into_order() {
    assert_eq!(load(0, &[2, 3], &[3, 1]).unwrap(), SIX);
    assert_eq!(load(0, &[3, 2], &[1, 3]).unwrap(), [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
    assert_eq!(load(4, &[2], &[1]).unwrap(), [4.0, 5.0]);
    assert_eq!(load(1, &[2, 2], &[3, 1]).unwrap(), [1.0, 2.0, 4.0, 5.0]);
    assert_eq!(load(5, &[], &[]).unwrap(), [5.0]);
    assert_eq!(load(0, &[1, 6], &[9, 1]).unwrap(), SIX);
    assert!(load(6, &[0, 3], &[3, 1]).unwrap().is_empty());
}

#[test]
fn a_tensor_that_reaches_out_of_its_storage_is_refused() {
    let cases: [(u16, &[u16], &[u16]); 5] = [
        (1, &[2, 3], &[3, 1]),
        (0, &[7], &[1]),
        (0, &[2, 3], &[4, 1]),
        (0, &[60000, 60000, 60000, 60000, 60000], &[0, 0, 0, 0, 0]),
        (0, &[7], &[0]),
    ];
    for (offset, shape, strides) in cases {
        let message = load(offset, shape, strides).unwrap_err().to_string();
        assert!(message.contains("tensor a") && message.contains("of 6 elements"), "{message}");
    }
}

#[test]
fn other_types_are_read_or_refused_by_name() {
    let half = Pickled { storage: "HalfStorage", ..tensor(0, &[2], &[1]) };
    let bytes = torch_archive(&state_pickle(&[half]), &[("data/0", &[0x00, 0x3c, 0x00, 0xc0])]);
    let values = open(&bytes).unwrap().load("a", &[2]).unwrap();
    assert_eq!(values.to_vec1::<f32>().unwrap(), [1.0, -2.0]);
    let long = Pickled { storage: "LongStorage", ..tensor(0, &[1], &[1]) };
    let bytes = torch_archive(&state_pickle(&[long]), &[("data/0", &[0; 8])]);
    assert!(matches!(open(&bytes).unwrap().load("a", &[1]), Err(Error::UnsupportedType { .. })));
}

#[test]
fn a_file_that_is_no_archive_is_refused() {
    assert!(message(b"").contains("zip archive"));
    let page = open(b"<html>").unwrap_err();
    assert!(
        matches!(page, Error::OtherContent { .. }) && page.to_string().contains("an HTML page"),
        "{page}"
    );
    assert!(message(b"\x80\x02\x8a\x0a").contains("before 1.6"));
    assert!(message(b"PK\x03\x04 and no more").contains("pytorch_model.bin"));
    let whole = archive(tensor(0, &[6], &[1]));
    for length in [whole.len() / 2, whole.len() - 1] {
        assert!(open(&whole[..length]).is_err());
    }
}

#[test]
fn an_archive_that_lacks_a_part_is_refused() {
    let pickle = state_pickle(&[tensor(0, &[6], &[1])]);
    assert!(message(&torch_archive(&pickle, &[])).contains("no member data/0"));
    assert!(message(&torch_archive(&pickle, &[("byteorder", b"big")])).contains("byte order"));
    let two = torch_archive(&pickle, &[("more/data.pkl", b"")]);
    assert!(message(&two).contains("one member data.pkl"));
}

/// Overwrites a field of two bytes in all headers of the archive: at `local` in local headers, and two bytes
/// further on in the central directory, which starts with one more field (APPNOTE.TXT, 4.3.7 and 4.3.12).
fn patch(bytes: &mut [u8], local: usize, value: &[u8]) {
    for (signature, offset) in [(b"PK\x03\x04", local), (b"PK\x01\x02", local + 2)] {
        let starts: Vec<usize> =
            bytes.windows(4).enumerate().filter(|(_, it)| it == signature).map(|it| it.0).collect();
        for start in starts {
            bytes[start + offset..start + offset + value.len()].copy_from_slice(value);
        }
    }
}

#[test]
fn compressed_members_are_refused() {
    let mut bytes = archive(tensor(0, &[6], &[1]));
    patch(&mut bytes, 8, &8_u16.to_le_bytes());
    assert!(message(&bytes).contains("compressed"));
}

#[test]
fn a_member_that_claims_more_than_the_file_has_is_refused() {
    let mut bytes = archive(tensor(0, &[6], &[1]));
    patch(&mut bytes, 22, &0xf000_0000_u32.to_le_bytes());
    let error = message(&bytes);
    assert!(error.contains("member"), "{error}");
    patch(&mut bytes, 18, &0xf000_0000_u32.to_le_bytes());
    message(&bytes);
}

#[test]
fn names_in_the_archive_mean_nothing() {
    let pickle = state_pickle(&[Pickled { key: "../../../../tmp/nearsay-escape", ..tensor(0, &[6], &[1]) }]);
    let bytes = torch_archive(&pickle, &[("data/../../../../tmp/nearsay-escape", &f32_bytes(&SIX))]);
    assert!(open(&bytes).unwrap().load("a", &[6]).is_ok());
    assert!(!std::path::Path::new("/tmp/nearsay-escape").exists());
}

#[test]
fn damaged_archives_give_errors_and_no_panics() {
    let whole = archive(tensor(0, &[2, 3], &[3, 1]));
    for position in 0..whole.len() {
        for value in [0x00, 0xff, whole[position] ^ 0x01] {
            let mut bytes = whole.clone();
            bytes[position] = value;
            if let Ok(weights) = open(&bytes) {
                for name in weights.names() {
                    let _ = weights.load(name, weights.shape(name).unwrap());
                }
            }
        }
    }
}
