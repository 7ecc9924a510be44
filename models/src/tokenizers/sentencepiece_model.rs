//! A SentencePiece model: a message of protocol buffers.
//!
//! Formats: <https://protobuf.dev/programming-guides/encoding/>, and sentencepiece_model.proto of
//! google/sentencepiece. Unknown fields are skipped.

/// The kind of pieces that texts are never split into.
pub(super) const CONTROL: u64 = 3;
/// The kind of pieces that are looked for before a text is split.
pub(super) const USER_DEFINED: u64 = 4;

/// How SentencePiece finds pieces: `trainer_spec.model_type`.
pub(super) const UNIGRAM: u64 = 1;
pub(super) const BYTE_PAIRS: u64 = 2;

/// The parts of a model that the conversion needs.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct SentencePieceModel {
    pub(super) pieces: Vec<Piece>,
    pub(super) model_type: u64,
    pub(super) byte_fallback: bool,
    /// The index of the piece for unknown characters, and its name.
    pub(super) unk_id: i64,
    pub(super) unk_piece: String,
    /// The compiled rules of its normalizer; empty if it has none.
    pub(super) charsmap: Vec<u8>,
}

/// An entry of the vocabulary.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Piece {
    pub(super) text: String,
    pub(super) score: f32,
    pub(super) kind: u64,
}

/// What is wrong: the place and the rule.
pub(super) type Flaw = (String, String);

/// One field of a message.
enum Field<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    Fixed32([u8; 4]),
    Fixed64,
}

/// The unread rest of a message, and where it starts in the file.
struct Reader<'a> {
    rest: &'a [u8],
    offset: usize,
}

impl SentencePieceModel {
    /// Reads a model.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Flaw> {
        let mut model = Self {
            pieces: Vec::new(),
            model_type: UNIGRAM,
            byte_fallback: false,
            unk_id: 0,
            unk_piece: "<unk>".to_owned(),
            charsmap: Vec::new(),
        };
        let mut reader = Reader { rest: bytes, offset: 0 };
        while let Some((number, field, offset)) = reader.field()? {
            match (number, field) {
                (1, Field::Bytes(bytes)) => {
                    let index = model.pieces.len();
                    model.pieces.push(Piece::parse(bytes, offset, index)?);
                }
                (2, Field::Bytes(bytes)) => model.read_trainer(bytes, offset)?,
                (3, Field::Bytes(bytes)) => model.read_normalizer(bytes, offset)?,
                (1..=3, _) => return Err(wrong_type(number, offset)),
                _ => {}
            }
        }
        Ok(model)
    }

    fn read_trainer(&mut self, bytes: &[u8], offset: usize) -> Result<(), Flaw> {
        let mut reader = Reader { rest: bytes, offset };
        while let Some((number, field, offset)) = reader.field()? {
            match (number, field) {
                (3, Field::Number(value)) => self.model_type = value,
                (35, Field::Number(value)) => self.byte_fallback = value != 0,
                // Negative numbers have 64 bits, too.
                (40, Field::Number(value)) => self.unk_id = value as i64,
                (45, Field::Bytes(bytes)) => self.unk_piece = text(bytes, offset)?,
                (3 | 35 | 40 | 45, _) => return Err(wrong_type(number, offset)),
                _ => {}
            }
        }
        Ok(())
    }

    fn read_normalizer(&mut self, bytes: &[u8], offset: usize) -> Result<(), Flaw> {
        let mut reader = Reader { rest: bytes, offset };
        while let Some((number, field, offset)) = reader.field()? {
            match (number, field) {
                (2, Field::Bytes(bytes)) => self.charsmap = bytes.to_vec(),
                (2, _) => return Err(wrong_type(number, offset)),
                _ => {}
            }
        }
        Ok(())
    }
}

impl Piece {
    fn parse(bytes: &[u8], offset: usize, index: usize) -> Result<Self, Flaw> {
        let mut piece = Self { text: String::new(), score: 0.0, kind: 1 };
        let mut reader = Reader { rest: bytes, offset };
        while let Some((number, field, offset)) = reader.field()? {
            match (number, field) {
                (1, Field::Bytes(bytes)) => piece.text = text(bytes, offset)?,
                (2, Field::Fixed32(bytes)) => piece.score = f32::from_le_bytes(bytes),
                (3, Field::Number(value)) => piece.kind = value,
                (1..=3, _) => return Err(wrong_type(number, offset)),
                _ => {}
            }
        }
        let flaw = |rule: String| Err((format!("piece {index}"), rule));
        match () {
            () if piece.text.is_empty() => flaw("must have a text, and is empty".to_owned()),
            () if !piece.score.is_finite() => {
                flaw(format!("`{}` must have a finite score, got {}", piece.text.escape_debug(), piece.score))
            }
            () => Ok(piece),
        }
    }
}

impl<'a> Reader<'a> {
    /// The next field: its number, its value, and where the value is in the file.
    fn field(&mut self) -> Result<Option<(u64, Field<'a>, usize)>, Flaw> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let start = self.offset;
        let tag = self.number()?;
        let field = match tag & 7 {
            0 => Field::Number(self.number()?),
            1 => self.take(8).map(|_| Field::Fixed64)?,
            2 => {
                let length = self.number()?;
                Field::Bytes(self.take(length)?)
            }
            5 => Field::Fixed32(self.take(4)?.try_into().unwrap_or_default()),
            other => {
                return Err((place(start), format!("a field must have wire type 0, 1, 2 or 5, got {other}")));
            }
        };
        let length = if let Field::Bytes(bytes) = field { bytes.len() } else { 0 };
        Ok(Some((tag >> 3, field, self.offset - length)))
    }

    /// A variable-length number of at most ten bytes, seven bits in each.
    fn number(&mut self) -> Result<u64, Flaw> {
        let start = self.offset;
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?[0];
            value |= u64::from(byte & 127) << shift;
            if byte < 128 {
                return Ok(value);
            }
        }
        Err((place(start), "a number must have at most 10 bytes, and has more".to_owned()))
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], Flaw> {
        let left = self.rest.len();
        let split = usize::try_from(length).ok().and_then(|length| self.rest.split_at_checked(length));
        let Some((taken, rest)) = split else {
            return Err((place(self.offset), format!("needs {length} more bytes, and {left} are left")));
        };
        (self.rest, self.offset) = (rest, self.offset + taken.len());
        Ok(taken)
    }
}

fn place(offset: usize) -> String {
    format!("byte {offset}")
}

fn wrong_type(number: u64, offset: usize) -> Flaw {
    (place(offset), format!("field {number} has another type than a SentencePiece model's"))
}

fn text(bytes: &[u8], offset: usize) -> Result<String, Flaw> {
    let text = std::str::from_utf8(bytes);
    text.map(str::to_owned)
        .map_err(|error| (place(offset + error.valid_up_to()), "a text must be UTF-8, and is not".to_owned()))
}
