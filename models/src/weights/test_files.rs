//! Small weight files for tests, including broken ones.

use std::fs;
use std::io::{Cursor, Write};

use safetensors::tensor::{Dtype, TensorView, serialize};
use tempfile::TempDir;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::files::{HubOptions, ModelFolder};

/// A folder with these files.
pub(crate) fn model_folder(files: &[(&str, &[u8])]) -> (TempDir, ModelFolder) {
    let directory = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    let folder = ModelFolder::resolve(directory.path().to_str().unwrap(), &HubOptions::default()).unwrap();
    (directory, folder)
}

pub(crate) fn f32_bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// A file of F32 tensors as written by the safetensors crate.
pub(crate) fn safetensors(tensors: &[(&str, &[usize], &[f32])]) -> Vec<u8> {
    let data: Vec<Vec<u8>> = tensors.iter().map(|(_, _, values)| f32_bytes(values)).collect();
    let view = |shape: &[usize], bytes| TensorView::new(Dtype::F32, shape.to_vec(), bytes).unwrap();
    let views = tensors.iter().zip(&data).map(|((name, shape, _), bytes)| (*name, view(shape, bytes)));
    serialize(views, None).unwrap()
}

/// A file with this header and `data` bytes of data.
pub(crate) fn raw_safetensors(header: &str, data: usize) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.resize(bytes.len() + data, 0);
    bytes
}

/// An archive as PyTorch writes it, with uncompressed members.
pub(crate) fn torch_archive(pickle: &[u8], members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, bytes) in [("data.pkl", pickle)].iter().chain(members) {
        writer.start_file(format!("archive/{name}"), options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// A tensor to be pickled.
pub(crate) struct Pickled<'a> {
    pub(crate) name: &'a str,
    pub(crate) storage: &'a str,
    pub(crate) key: &'a str,
    pub(crate) offset: u16,
    pub(crate) shape: &'a [u16],
    pub(crate) strides: &'a [u16],
}

/// The pickle of an `OrderedDict` of tensors with its `_metadata`, in protocol 2, as `torch.save` writes it.
pub(crate) fn state_pickle(tensors: &[Pickled<'_>]) -> Vec<u8> {
    let mut bytes = b"\x80\x02ccollections\nOrderedDict\nq\x00)R(".to_vec();
    for tensor in tensors {
        bytes.extend(text(tensor.name));
        bytes.extend(tensor_pickle(tensor));
    }
    bytes.extend(b"u}");
    bytes.extend(text("_metadata"));
    bytes.extend(b"h\x00)R(");
    bytes.extend(text(""));
    bytes.extend(b"}");
    bytes.extend(text("version"));
    bytes.extend(b"K\x01susb.");
    bytes
}

/// One tensor: `_rebuild_tensor_v2(storage, offset, size, stride, False, OrderedDict())`.
pub(crate) fn tensor_pickle(tensor: &Pickled<'_>) -> Vec<u8> {
    let mut bytes = b"ctorch._utils\n_rebuild_tensor_v2\n((".to_vec();
    bytes.extend(text("storage"));
    bytes.extend(format!("ctorch\n{}\n", tensor.storage).bytes());
    bytes.extend(text(tensor.key));
    bytes.extend(text("cpu"));
    bytes.extend(b"K\x00tQ");
    bytes.extend(number(tensor.offset));
    for sizes in [tensor.shape, tensor.strides] {
        bytes.push(b'(');
        bytes.extend(sizes.iter().flat_map(|size| number(*size)));
        bytes.push(b't');
    }
    bytes.extend(b"\x89h\x00)RtR");
    bytes
}

fn number(value: u16) -> Vec<u8> {
    [&b"M"[..], &value.to_le_bytes()].concat()
}

/// BINUNICODE.
pub(crate) fn text(text: &str) -> Vec<u8> {
    [&b"X"[..], &(text.len() as u32).to_le_bytes(), text.as_bytes()].concat()
}
