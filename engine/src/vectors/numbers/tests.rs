//! Numbers computed by hand, and a plain restatement in f32.

use proptest::prelude::*;

use super::*;

fn ranges(min: &[f32], max: &[f32]) -> Ranges {
    Ranges { min: min.to_vec(), max: max.to_vec() }
}

fn convert(kind: OutputType, values: &[f32], dim: usize, ranges: Option<&Ranges>) -> Result<Numbers> {
    kind.convert(Vectors::new(values.to_vec(), dim).unwrap(), ranges)
}

fn message(result: Result<impl fmt::Debug>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn bytes_are_truncated_toward_zero_and_stop_at_the_ends() {
    // A step of 1: u8 is trunc(x), i8 is trunc(x - 128).
    let ranges = ranges(&[0.0; 1], &[255.0; 1]);
    let values = [0.0, 0.9, 127.5, 128.5, 254.9, 255.0, -1.0, 300.0];
    let unsigned = convert(OutputType::U8, &values, 1, Some(&ranges)).unwrap();
    assert_eq!(unsigned, Numbers::U8(vec![0, 0, 127, 128, 254, 255, 0, 255]));
    let signed = convert(OutputType::I8, &values, 1, Some(&ranges)).unwrap();
    assert_eq!(signed, Numbers::I8(vec![-128, -127, 0, 0, 126, 127, -128, 127]));
}

#[test]
fn each_dimension_has_its_own_range() {
    let ranges = ranges(&[-1.0, 0.0], &[1.0, 51.0]);
    // Steps 2/255 and 0.2: (0 + 1) / step = 127.5; 10.1 / 0.2 = 50.5. 2/255 is rounded up to f32, so 2 / step
    // is just below 255, as it is in numpy.
    let values = convert(OutputType::U8, &[0.0, 10.1, 1.0, 51.0], 2, Some(&ranges)).unwrap();
    assert_eq!(values, Numbers::U8(vec![127, 50, 254, 255]));
}

#[test]
fn a_range_of_zero_gives_zero() {
    let ranges = ranges(&[0.5, 0.5, 0.5], &[0.5, 0.5, 0.5]);
    let row = [0.5, 0.6, 0.4];
    assert_eq!(convert(OutputType::I8, &row, 3, Some(&ranges)).unwrap(), Numbers::I8(vec![0, 127, -128]));
    assert_eq!(convert(OutputType::U8, &row, 3, Some(&ranges)).unwrap(), Numbers::U8(vec![0, 255, 0]));
}

#[test]
fn bits_are_signs_with_the_first_value_highest() {
    // 1000_0001 and 0111_1110; zero and minus zero are not positive.
    let row = [1.0, -1.0, 0.0, -0.0, -2.0, -3.0, -4.0, 1e-30, -1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, -1.0];
    assert_eq!(convert(OutputType::Ubinary, &row, 16, None).unwrap(), Numbers::U8(vec![0x81, 0x7e]));
    assert_eq!(convert(OutputType::Binary, &row, 8, None).unwrap(), Numbers::I8(vec![1, -2]));
    assert_eq!(convert(OutputType::Binary, &[1.0; 8], 8, None).unwrap(), Numbers::I8(vec![127]));
    assert_eq!(convert(OutputType::Binary, &[-1.0; 8], 8, None).unwrap(), Numbers::I8(vec![-128]));
}

#[test]
fn f16_rounds_to_even_and_refuses_what_it_cannot_hold() {
    // Between 2048 and 4096 f16 has only even numbers; its smallest is 2^-24.
    let row = [1.0, 2049.0, 2051.0, 2050.5, 65519.0, 2f32.powi(-24), 2f32.powi(-25), -0.1];
    let expected = [1.0, 2048.0, 2052.0, 2050.0, 65504.0, 2f32.powi(-24), 0.0, -0.099_975_586];
    let Numbers::F16(values) = convert(OutputType::F16, &row, 8, None).unwrap() else { panic!() };
    assert_eq!(values.iter().map(|value| value.to_f32()).collect::<Vec<_>>(), expected);
    let error = message(convert(OutputType::F16, &[0.0, 1.0, 2.0, 65520.0], 2, None));
    assert_eq!(error, "65520 in dimension 1 of vector 1, as f16, is not finite");
}

#[test]
fn what_is_not_finite_is_refused_beside_f32() {
    for kind in OutputType::ALL {
        let ranges = ranges(&[0.0; 8], &[1.0; 8]);
        let result = convert(kind, &[f32::NAN; 8], 8, Some(&ranges));
        assert_eq!(result.is_ok(), kind == OutputType::F32, "{kind}");
    }
}

#[test]
fn widths_and_ranges_that_do_not_fit_are_refused() {
    assert_eq!(OutputType::Binary.width(384).unwrap(), 48);
    assert_eq!(OutputType::I8.width(383).unwrap(), 383);
    let error = message(OutputType::Ubinary.width(383));
    assert!(error.contains("multiple of 8, got 383"), "{error}");
    assert!(message(convert(OutputType::Binary, &[1.0; 6], 6, None)).contains("got 6"));
    assert!(message(convert(OutputType::I8, &[1.0; 6], 6, None)).contains("6 dimensions, got 0 ranges"));
    let two = ranges(&[0.0; 2], &[1.0; 2]);
    assert!(
        message(convert(OutputType::U8, &[1.0; 6], 6, Some(&two))).contains("6 dimensions, got 2 ranges")
    );
}

#[test]
fn names_come_back() {
    for kind in OutputType::ALL {
        assert_eq!(kind.name().parse::<OutputType>().unwrap(), kind);
    }
    let aliases = ["float32", "float16", "int8", "uint8"].map(|alias| alias.parse::<OutputType>().unwrap());
    assert_eq!(aliases[..], OutputType::ALL[..4]);
    assert_eq!(
        message("f64".parse::<OutputType>()),
        "an output type must be one of f32, f16, i8, u8, binary, ubinary, got `f64`"
    );
}

#[test]
fn ranges_are_those_of_all_vectors() {
    let vectors: [&[f32]; 3] = [&[1.0, -2.0], &[0.5, 3.0], &[2.0, 0.0]];
    assert_eq!(Ranges::of(vectors.into_iter()), ranges(&[0.5, -2.0], &[2.0, 3.0]));
    assert_eq!(Ranges::of([].into_iter()), Ranges::default());
}

/// `quantize_embeddings` for one value, clamped instead of wrapped.
fn restated(value: f32, min: f32, max: f32, offset: f32, low: f32) -> i32 {
    let step: f32 = (max - min) / 255.0;
    let scaled: f32 = (value - min) / step - offset;
    if scaled.is_nan() { 0 } else { scaled.trunc().clamp(low, low + 255.0) as i32 }
}

proptest! {
    #[test]
    fn bytes_are_those_of_the_restatement(rows in prop::collection::vec([-2f32..2.0, -1e-3f32..1e-3, 0.5f32..0.6], 1..20), wide in -4f32..4.0) {
        let ranges = Ranges::of(rows.iter().map(|row| row.as_slice()));
        let mut flat = rows.concat();
        flat.extend([wide; 3]);
        let Numbers::I8(signed) = convert(OutputType::I8, &flat, 3, Some(&ranges)).unwrap() else { panic!() };
        let Numbers::U8(unsigned) = convert(OutputType::U8, &flat, 3, Some(&ranges)).unwrap() else { panic!() };
        for (index, &value) in flat.iter().enumerate() {
            let (min, max) = (ranges.min[index % 3], ranges.max[index % 3]);
            prop_assert_eq!(i32::from(signed[index]), restated(value, min, max, 128.0, -128.0));
            prop_assert_eq!(i32::from(unsigned[index]), restated(value, min, max, 0.0, 0.0));
        }
    }

    #[test]
    fn ranges_come_back_from_json(bits in prop::collection::vec(any::<u32>(), 0..50)) {
        let min: Vec<f32> = bits.into_iter().map(f32::from_bits).filter(|value| value.is_finite()).collect();
        let ranges = Ranges { max: min.iter().map(|value| -value).collect(), min };
        let text = serde_json::to_string(&ranges).unwrap();
        let read: Ranges = serde_json::from_str(&text).unwrap();
        let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        prop_assert_eq!(bits(&read.min), bits(&ranges.min));
        prop_assert_eq!(bits(&read.max), bits(&ranges.max));
    }
}
