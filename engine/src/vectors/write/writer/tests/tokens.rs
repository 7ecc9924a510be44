//! One vector per token.

use arrow_array::{ListArray, UInt32Array};
use arrow_buffer::OffsetBuffer;

use super::*;

fn token_schema(dim: i32) -> SchemaRef {
    let fields = [
        (columns::TOKEN_IDS, DataType::UInt32),
        (columns::TOKENS, DataType::Utf8),
        (columns::BYTE_OFFSETS, fixed_list(DataType::UInt32, 2)),
        (columns::EMBEDDINGS, fixed_list(DataType::Float32, dim)),
    ];
    let fields = fields.map(|(name, value)| Field::new(name, list(value), false));
    Arc::new(Schema::new([vec![json_field(columns::ID)], fields.to_vec()].concat()))
}

/// Texts of the given lengths in tokens; the numbers of tokens and vectors count on from `first`.
fn token_batch(ids: &[&str], lengths: &[usize], first: u32, dim: i32) -> RecordBatch {
    let total = lengths.iter().sum::<usize>() as u32;
    let lists = |values: ArrayRef| -> ArrayRef {
        let offsets = OffsetBuffer::from_lengths(lengths.iter().copied());
        Arc::new(ListArray::try_new(item(values.data_type().clone()), offsets, values, None).expect("lists"))
    };
    let numbers = || first..first + total;
    let tokens: StringArray = numbers().map(|number| Some(format!("token{number}"))).collect();
    let ends: UInt32Array = numbers().flat_map(|number| [number, number + 1]).collect();
    let ends = FixedSizeListArray::try_new(item(DataType::UInt32), 2, Arc::new(ends), None).expect("pairs");
    let vectors: Vec<f32> = numbers().flat_map(|number| vec![number as f32; dim as usize]).collect();
    let columns = vec![
        Arc::new(StringArray::from(ids.to_vec())) as ArrayRef,
        lists(Arc::new(numbers().collect::<UInt32Array>())),
        lists(Arc::new(tokens)),
        lists(Arc::new(ends)),
        lists(Arc::new(vector_list(&vectors, dim))),
    ];
    RecordBatch::try_new(token_schema(dim), columns).expect("a batch")
}

/// Texts of two tokens, none and one.
fn write_tokens(mut writer: Box<dyn RowWriter>, dim: i32) {
    writer.write(&token_batch(&["\"a\"", "1"], &[2, 0], 0, dim)).expect("written");
    writer.write(&token_batch(&["\"c\""], &[1], 2, dim)).expect("written");
    writer.finish().expect("finished");
}

#[test]
fn jsonl() {
    let target = Target::new();
    write_tokens(target.writer(OutputFormat::Jsonl, &token_schema(2)), 2);
    let expected = "{\"id\":\"a\",\"token_ids\":[0,1],\"tokens\":[\"token0\",\"token1\"],\"byte_offsets\":[[0,1],[1,2]],\
        \"embeddings\":[[0.0,0.0],[1.0,1.0]]}\n\
        {\"id\":1,\"token_ids\":[],\"tokens\":[],\"byte_offsets\":[],\"embeddings\":[]}\n\
        {\"id\":\"c\",\"token_ids\":[2],\"tokens\":[\"token2\"],\"byte_offsets\":[[2,3]],\"embeddings\":[[2.0,2.0]]}\n";
    assert_eq!(String::from_utf8(target.bytes()).expect("UTF-8"), expected);
}

#[test]
fn safetensors_whatever_the_dim() {
    for dim in [1, 2, 3, 4] {
        let target = Target::new();
        write_tokens(target.writer(OutputFormat::Safetensors, &token_schema(dim)), dim);
        let bytes = target.bytes();
        let file = SafeTensors::deserialize(&bytes).expect("valid");
        let data = |name| file.tensor(name).expect("there").data();
        assert_eq!(file.tensor("embeddings").expect("there").shape(), [3, dim as usize]);
        let expected: Vec<f32> = (0..3).flat_map(|token| vec![token as f32; dim as usize]).collect();
        assert_eq!(floats(data("embeddings")), expected);
        let starts: Vec<u8> = [0_i64, 2, 2, 3].iter().flat_map(|start| start.to_le_bytes()).collect();
        assert_eq!(data("cu_seqlens"), starts);
        let numbers = |values: &[u32]| values.iter().flat_map(|id| id.to_le_bytes()).collect::<Vec<u8>>();
        assert_eq!(data("token_ids"), numbers(&[0, 1, 2]));
        assert_eq!(data("byte_offsets"), numbers(&[0, 1, 1, 2, 2, 3]));
        assert_eq!(file.tensor("byte_offsets").expect("there").shape(), [3, 2]);
        assert_eq!(data("ids_json"), br#"["a",1,"c"]"#);
        assert_eq!(data("tokens_json"), br#"["token0","token1","token2"]"#);
        let (header_bytes, header) = SafeTensors::read_metadata(&bytes).expect("valid");
        let start = header.info("cu_seqlens").expect("there").data_offsets.0;
        assert_eq!((header_bytes % 8, start % 8), (0, 0), "torch views an I64 at multiples of 8 only");
    }
}

#[test]
fn nothing_is_valid_and_has_its_dim() {
    let target = Target::new();
    target.writer(OutputFormat::Safetensors, &token_schema(384)).finish().expect("finished");
    let bytes = target.bytes();
    let file = SafeTensors::deserialize(&bytes).expect("valid");
    assert_eq!(file.tensor("embeddings").expect("there").shape(), [0, 384]);
    assert_eq!(file.tensor("cu_seqlens").expect("there").data(), [0; 8]);
}

#[test]
fn parquet_and_arrow_take_lists() {
    for format in [OutputFormat::Parquet, OutputFormat::Arrow] {
        let target = Target::new();
        write_tokens(target.writer(format, &token_schema(3)), 3);
        assert!(!target.bytes().is_empty());
    }
}
