//! One vector per record.

use arrow_array::cast::AsArray;
use arrow_array::types::Float32Type;
use arrow_ipc::reader::FileReader;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::*;

#[test]
fn npy() {
    let target = Target::new();
    write_three(target.writer(OutputFormat::Npy, &schema(2)), ["0", "1", "2"]);
    let bytes = target.bytes();
    assert!(String::from_utf8_lossy(&bytes[..128]).contains("'descr': '<f4'"));
    assert!(String::from_utf8_lossy(&bytes[..128]).contains("'shape': (3, 2), }"));
    assert_eq!(floats(&bytes[128..]), THREE);
}

#[test]
fn jsonl() {
    let target = Target::new();
    write_three(target.writer(OutputFormat::Jsonl, &schema(2)), ["0", "\"1\"", "9007199254740993"]);
    let expected = "{\"id\":0,\"title\":\"a title\",\"embedding\":[1.0,-0.0]}\n\
        {\"id\":\"1\",\"title\":\"a title\",\"embedding\":[0.1,3.0]}\n\
        {\"id\":9007199254740993,\"title\":\"a title\",\"embedding\":[1.1754944e-38,3.4028235e38]}\n";
    let written = String::from_utf8(target.bytes()).expect("UTF-8");
    assert_eq!(written.replace("e+", "e"), expected);
}

#[test]
fn safetensors_with_ids_and_kept_columns() {
    let target = Target::new();
    write_three(target.writer(OutputFormat::Safetensors, &schema(2)), ["0", "1", "\"c\""]);
    let bytes = target.bytes();
    let file = SafeTensors::deserialize(&bytes).expect("valid");
    let embeddings = file.tensor("embeddings").expect("there");
    assert_eq!((embeddings.dtype(), embeddings.shape()), (Dtype::F32, [3, 2].as_slice()));
    assert_eq!(floats(embeddings.data()), THREE);
    assert_eq!(file.tensor("ids_json").expect("there").data(), br#"[0,1,"c"]"#);
    assert_eq!(file.tensor("title_json").expect("there").data(), br#"["a title",null,"a title"]"#);
    let (_, header) = SafeTensors::read_metadata(&bytes).expect("valid");
    let words = header.metadata().as_ref().and_then(|words| words.get("pooling"));
    assert_eq!(words.map(String::as_str), Some("mean"));
}

#[test]
fn safetensors_without_ids() {
    let target = Target::new();
    write_three(target.writer(OutputFormat::Safetensors, &schema(2)), ["0", "1", "2"]);
    let bytes = target.bytes();
    let file = SafeTensors::deserialize(&bytes).expect("valid");
    let mut names = file.names();
    names.sort_unstable();
    assert_eq!(names, ["embeddings", "title_json"]);
}

/// The columns that a reader returns: ids, titles, vectors.
fn check_columns(batches: &[RecordBatch]) {
    let strings = |name: &str| -> Vec<Option<String>> {
        let columns = batches.iter().map(|batch| batch.column_by_name(name).expect("there"));
        columns.flat_map(|column| column.as_string::<i32>().iter().map(|it| it.map(str::to_owned))).collect()
    };
    assert_eq!(strings("id"), [Some("0".to_owned()), Some("1".to_owned()), Some("2".to_owned())]);
    assert_eq!(strings("title"), [Some("a title".to_owned()), None, Some("a title".to_owned())]);
    let vectors = batches.iter().flat_map(|batch| {
        let vectors = batch.column_by_name("embedding").expect("there").as_fixed_size_list().clone();
        vectors.values().as_primitive::<Float32Type>().values().to_vec()
    });
    assert_eq!(vectors.collect::<Vec<f32>>(), THREE);
}

#[test]
fn parquet_is_read_back_with_its_metadata() {
    let target = Target::new();
    write_three(target.writer(OutputFormat::Parquet, &schema(2)), ["0", "1", "2"]);
    let reader = ParquetRecordBatchReaderBuilder::try_new(fs::File::open(&target.path).expect("there"))
        .expect("valid");
    let pairs = reader.metadata().file_metadata().key_value_metadata().expect("pairs").clone();
    let pooling = pairs.iter().find(|pair| pair.key == "nearsay.pooling").expect("there");
    assert_eq!(pooling.value.as_deref(), Some("mean"));
    let embedding = reader.metadata().row_group(0).column(2);
    assert_eq!(embedding.compression(), ::parquet::basic::Compression::UNCOMPRESSED);
    let batches: Vec<RecordBatch> =
        reader.build().expect("a reader").map(|batch| batch.expect("rows")).collect();
    check_columns(&batches);
}

#[test]
fn parquet_has_the_same_bytes_again() {
    let bytes = || {
        let target = Target::new();
        write_three(target.writer(OutputFormat::Parquet, &schema(2)), ["0", "1", "2"]);
        target.bytes()
    };
    assert_eq!(bytes(), bytes());
}

#[test]
fn arrow_is_read_back_with_its_metadata() {
    let target = Target::new();
    write_three(target.writer(OutputFormat::Arrow, &schema(2)), ["0", "1", "2"]);
    let reader = FileReader::try_new(fs::File::open(&target.path).expect("there"), None).expect("valid");
    assert_eq!(reader.schema().metadata().get("nearsay.pooling").map(String::as_str), Some("mean"));
    check_columns(&reader.map(|batch| batch.expect("rows")).collect::<Vec<_>>());
}

#[test]
fn nothing_is_valid_and_has_its_dim() {
    let finish = |format| {
        let target = Target::new();
        target.writer(format, &schema(384)).finish().expect("finished");
        target.bytes()
    };
    let npy = finish(OutputFormat::Npy);
    assert_eq!(npy.len(), 128);
    assert!(String::from_utf8_lossy(&npy).contains("'shape': (0, 384), }"));
    let tensors = finish(OutputFormat::Safetensors);
    let file = SafeTensors::deserialize(&tensors).expect("valid");
    assert_eq!(file.tensor("embeddings").expect("there").shape(), [0, 384]);
    assert_eq!(file.tensor("title_json").expect("there").data(), b"[]");
    assert_eq!(finish(OutputFormat::Jsonl), b"");
    let target = Target::new();
    target.writer(OutputFormat::Parquet, &schema(384)).finish().expect("finished");
    let reader = ParquetRecordBatchReaderBuilder::try_new(fs::File::open(&target.path).expect("there"))
        .expect("valid");
    assert_eq!(reader.schema().field(2).data_type(), schema(384).field(2).data_type());
    assert_eq!(reader.build().expect("a reader").count(), 0);
}

#[test]
fn unfinished_leaves_no_file() {
    for format in OutputFormat::ALL {
        let target = Target::new();
        let mut writer = target.writer(format, &schema(2));
        writer.write(&batch(&["0"], &[1.0, 2.0], 2)).expect("written");
        drop(writer);
        assert_eq!(fs::read_dir(target.path.parent().expect("a folder")).expect("there").count(), 0);
    }
}
